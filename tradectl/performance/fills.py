"""What performance is measured from: fills and funding of one strategy's book, in the order they happened."""

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from itertools import pairwise

from msgspec import Struct

from tradectl.model.commands import ExecutionBooked
from tradectl.model.instruments import Category, InstrumentId
from tradectl.model.money import ZERO, to_coin

#: The price of a coin in the settle coin at a moment (nanoseconds UTC); ``None`` when nobody knows.
PriceOf = Callable[[str, int], Decimal | None]


class Fill(Struct, frozen=True, gc=False):
    """A fill (``qty`` signed, > 0 bought) or a funding payment (``qty`` 0), valued in the settle or quote coin.

    ``value`` is signed like ``qty``; ``fee`` and ``funding`` > 0 were paid; ``slippage`` > 0 was lost against the
    market's middle at the decision. ``fee_paid`` is in ``fee_coin``, as the venue took it.
    """

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


def fill_of(booked: ExecutionBooked, price_of: PriceOf) -> Fill:
    """One booked execution, at the moment it entered the books: marks of equity count from there, too.

    Of an inverse contract every amount is in the base coin and counts at the execution's price. A spot fee in the base
    coin counts at that price too, one in a third coin at ``price_of``; what nobody can value counts as 0 and stands in
    ``fee_paid`` alone.
    """
    done = booked.execution
    inverse = done.instrument.category is Category.INVERSE
    funding = done.type == "Funding"
    sign = 0 if funding else done.side.sign

    def money(amount: Decimal) -> Decimal:
        return to_coin(amount * done.price) if inverse else amount

    fee = ZERO if funding else money(_fee(booked, price_of))
    return Fill(
        done.exec_id, booked.at, booked.strategy, done.instrument, sign * done.qty, done.price,
        sign * money(done.value), fee, money(done.fee) if funding else ZERO,
        ZERO if funding else money(booked.realised), _slippage(booked), done.is_maker, done.fee_coin, done.fee,
    )  # fmt: skip


def _slippage(booked: ExecutionBooked) -> Decimal:
    done = booked.execution
    if booked.arrival is None or done.type == "Funding":
        return ZERO
    lost = done.side.sign * (done.price - booked.arrival)
    if done.instrument.category is Category.INVERSE:
        return to_coin(lost * done.qty / booked.arrival) if booked.arrival else ZERO
    return lost * done.qty


def _fee(booked: ExecutionBooked, price_of: PriceOf) -> Decimal:
    done = booked.execution
    symbol, coin = done.instrument.symbol, done.fee_coin
    if done.instrument.category is not Category.SPOT or not coin or symbol.endswith(coin):
        return done.fee
    if symbol.startswith(coin):
        return to_coin(done.fee * done.price)
    price = price_of(coin, done.ts)
    return ZERO if price is None else to_coin(done.fee * price)


def in_order(fills: Iterable[Fill]) -> Sequence[Fill]:
    """By time; fills of one moment stay in the order they were booked in, in which a flip closes before it opens.

    What is in order already is not copied: there may be hundreds of thousands.
    """
    if isinstance(fills, Sequence) and all(a.at <= b.at for a, b in pairwise(fills)):
        return fills
    return sorted(fills, key=lambda it: it.at)
