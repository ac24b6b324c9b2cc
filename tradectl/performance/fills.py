"""What performance is measured from: fills and funding of one strategy's book, in the order they happened."""

from collections.abc import Callable, Iterable
from decimal import Decimal

from msgspec import Struct

from tradectl.model.commands import ExecutionBooked
from tradectl.model.instruments import Category, Instrument, InstrumentId
from tradectl.model.money import ZERO

#: The price of a coin in the settle coin at a moment (nanoseconds UTC); ``None`` when nobody knows.
PriceOf = Callable[[str, int], Decimal | None]


class Fill(Struct, frozen=True, gc=False):
    """A fill (``qty`` signed, > 0 bought) or a funding payment (``qty`` 0), valued in the instrument's quote or settle
    coin. ``value`` is signed like ``qty``; ``fee`` and ``funding`` > 0 were paid; ``slippage`` > 0 was lost against
    the market's middle at the decision."""

    id: str
    at: int
    strategy: str
    instrument: InstrumentId
    qty: Decimal
    price: Decimal
    value: Decimal
    fee: Decimal
    funding: Decimal
    realised: Decimal
    slippage: Decimal
    maker: bool
    fee_coin: str
    fee_paid: Decimal


def fill_of(booked: ExecutionBooked, info: Instrument | None, price_of: PriceOf) -> Fill:
    """One booked execution. A fee in another coin is valued at the fill's own price when it is the base coin, else by
    ``price_of``; one that nobody can value counts as 0 here and stands in ``fee_coin`` and ``fee_paid``."""
    done = booked.execution
    funding = done.type == "Funding"
    sign = 0 if funding else done.side.sign
    fee = ZERO if funding else _fee(booked, info, price_of)
    slip = ZERO
    if booked.arrival is not None and sign:
        slip = sign * (done.price - booked.arrival) * done.qty
    return Fill(
        done.exec_id, done.ts, booked.strategy, done.instrument, sign * done.qty, done.price, sign * done.value, fee,
        done.fee if funding else ZERO, ZERO if funding else booked.realised, slip, done.is_maker, done.fee_coin,
        done.fee,
    )  # fmt: skip


def _fee(booked: ExecutionBooked, info: Instrument | None, price_of: PriceOf) -> Decimal:
    done = booked.execution
    if not done.fee or info is None or done.fee_coin in ("", _money(info)):
        return done.fee
    if done.fee_coin == info.base_coin and info.is_spot:
        return done.fee * done.price
    price = price_of(done.fee_coin, done.ts)
    return ZERO if price is None else done.fee * price


def _money(info: Instrument) -> str:
    """The coin profit is counted in: the base coin for inverse contracts."""
    return info.quote_coin if info.id.category is Category.SPOT else info.settle_coin


def in_order(fills: Iterable[Fill]) -> list[Fill]:
    """By time, then by the venue's id: the same order on every machine."""
    return sorted(fills, key=lambda it: (it.at, it.id))
