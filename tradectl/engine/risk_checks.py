"""The pre-trade checks: each a small object with a name, a limit, and a reason that is stored with the decision."""

from collections.abc import Callable
from decimal import Decimal
from typing import Protocol

from msgspec import Struct

from tradectl.engine.config import RiskLimits
from tradectl.model.commands import Check, Level, Reason
from tradectl.model.instruments import Instrument, InstrumentId
from tradectl.model.money import is_multiple, plain
from tradectl.model.orders import OrderType, Protection, Side, Trigger


class Candidate(Struct, frozen=True):
    """An order somebody wants. ``reduces``: it only shrinks both the book and the net position."""

    strategy: str
    instrument: Instrument
    side: Side
    type: OrderType
    qty: Decimal
    price: Decimal | None
    reduces: bool
    late: bool = False
    person: bool = False
    reduce_only: bool = False
    trigger: Trigger | None = None
    protection: Protection | None = None
    protective: bool = False  # a stop that can only shrink a position
    quote_amount: Decimal | None = None  # ordered by this amount of quote coin; ``qty`` is what it is expected to buy
    algorithm: int = 0


class RiskView(Protocol):
    """What the checks may look at."""

    limits: RiskLimits

    def level(self, strategy: str, symbol: str) -> Level: ...
    def reasons(self, strategy: str, symbol: str) -> tuple[Reason, ...]: ...
    def equity(self) -> Decimal: ...
    def mark(self, instrument: InstrumentId) -> Decimal | None: ...
    def touch(self, instrument: InstrumentId, buy: bool) -> Decimal | None: ...
    def doubt(self, instrument: InstrumentId) -> str: ...
    def age_s(self, instrument: InstrumentId) -> float | None: ...
    def worst_position(self, instrument: InstrumentId, sign: int) -> Decimal: ...
    def gross_without(self, instrument: InstrumentId) -> Decimal: ...
    def free(self, coin: str) -> Decimal: ...
    def open_orders(self) -> int: ...
    def orders_within(self, seconds: int) -> int: ...


class RiskCheck(Protocol):
    """One check: ``None`` when it does not apply to the candidate."""

    name: str

    def __call__(self, c: Candidate, v: RiskView) -> Check | None: ...


def value_price(c: Candidate, v: RiskView) -> Decimal | None:
    """The price an order is valued at: its limit, or for a market order the worst its collar allows."""
    if c.price is not None:
        return c.price
    touch = v.touch(c.instrument.id, c.side is Side.BUY)
    if touch is None:
        return None
    return touch * (1 + v.limits.collar_share) if c.side is Side.BUY else touch


def worst_value(c: Candidate, v: RiskView, price: Decimal) -> Decimal:
    """What the position would be worth at ``price`` with the order and everything in flight filled."""
    return abs(v.worst_position(c.instrument.id, c.side.sign) + c.side.sign * c.qty) * price


#: Amounts with more digits than this are shown as they are: nobody means them.
_PLAIN_DIGITS = 30


#: Why a check fails; where the sentence costs something it is made only then.
Why = str | Callable[[], str]


def _verdict(name: str, ok: bool, limit: object, value: object, reason: Why) -> Check:
    if ok:
        return Check(name, True, _text(limit), _text(value))
    return Check(name, False, _text(limit), _text(value), reason if isinstance(reason, str) else reason())


def _text(value: object) -> str:
    if not isinstance(value, Decimal):
        return str(value)
    text = str(value)
    whole, point, fraction = text.partition(".")
    if len(text) <= _PLAIN_DIGITS and len(fraction) <= 8 and (fraction or whole).isdigit() and text[0] != "-":
        return text.rstrip("0").rstrip(".") if point else text  # the usual case, without any arithmetic
    return plain(round(value, 8)) if abs(value.adjusted()) < _PLAIN_DIGITS and value.is_finite() else str(value)


class TradingStateCheck:
    """RUNNING lets everything pass, REDUCING what reduces, HALTED only what a person closes."""

    name = "trading_state"

    def __call__(self, c: Candidate, v: RiskView) -> Check:
        level = v.level(c.strategy, c.instrument.id.symbol)
        ok = level is Level.RUNNING or (c.reduces and (level is Level.REDUCING or c.person))

        def why() -> str:
            texts = "; ".join(r.text for r in v.reasons(c.strategy, c.instrument.id.symbol)[:3])
            return f"trading is {level.value}: {texts}"

        return _verdict(self.name, ok, Level.RUNNING.value, level.value, why)


class InstrumentStatusCheck:
    """Only instruments the venue trades; one that is closing down may still be left."""

    name = "instrument_status"

    def __call__(self, c: Candidate, v: RiskView) -> Check:
        ok = c.instrument.status == "Trading" or c.reduces
        return _verdict(self.name, ok, "Trading", c.instrument.status, lambda: f"{c.instrument.id} is not trading")


class ReduceOnlyCheck:
    """What is asked to be reduce-only must shrink the strategy's book and the net position."""

    name = "reduce_only"

    def __call__(self, c: Candidate, v: RiskView) -> Check | None:
        if not c.reduce_only:
            return None
        rule = "a reduce-only order must shrink the strategy's position and the account's"
        return _verdict(self.name, c.reduces, "shrinks", "shrinks" if c.reduces else "opens", rule)


class LateBarCheck:
    """A bar that closed while the daemon was down may close a position, never open one."""

    name = "late_bar"

    def __call__(self, c: Candidate, v: RiskView) -> Check | None:
        return (
            _verdict(self.name, c.reduces, "on time", "late", "the bar closed while the daemon was away")
            if c.late
            else None
        )


class QuantityCheck:
    """Positive, on the lot, within the venue's minimum and maximum."""

    name = "quantity"

    def __call__(self, c: Candidate, v: RiskView) -> Check:
        i, qty = c.instrument, c.qty
        most = i.max_market_qty if c.type is OrderType.MARKET else i.max_limit_qty
        if not qty.is_finite():
            return _verdict(self.name, False, "> 0", qty, f"quantity {qty} is not a number")
        if qty <= 0:
            return _verdict(self.name, False, "> 0", qty, "quantity must be greater than 0")
        if qty < i.min_qty:
            return _verdict(
                self.name, False, i.min_qty, qty, f"quantity {plain(qty)} is below the minimum {plain(i.min_qty)}"
            )
        if qty > most:
            return _verdict(self.name, False, most, qty, f"quantity {_text(qty)} is above the maximum {plain(most)}")
        on_lot = is_multiple(qty, i.lot_size)

        def why() -> str:
            return f"quantity {plain(qty)} is not a multiple of the lot {plain(i.lot_size)}"

        return _verdict(self.name, on_lot, i.lot_size, qty, why)


class PriceCheck:
    """Positive, on the tick, within the venue's absolute bounds."""

    name = "price"

    def __call__(self, c: Candidate, v: RiskView) -> Check | None:
        i, price = c.instrument, c.price
        if price is None:
            if c.type is OrderType.MARKET:
                return None
            return _verdict(self.name, False, "a price", "none", "a limit order needs a price")
        if not price.is_finite():
            return _verdict(self.name, False, "> 0", price, f"price {price} is not a number")
        if price <= 0:
            return _verdict(self.name, False, "> 0", price, "price must be greater than 0")
        if price < i.min_price or (i.max_price is not None and price > i.max_price):
            bounds = f"{plain(i.min_price)}..{plain(i.max_price) if i.max_price is not None else 'any'}"
            return _verdict(self.name, False, bounds, price, f"price {_text(price)} is outside {bounds}")
        on_tick = is_multiple(price, i.tick_size)

        def why() -> str:
            return f"price {_text(price)} is not a multiple of the tick {plain(i.tick_size)}"

        return _verdict(self.name, on_tick, i.tick_size, price, why)


class FreshnessCheck:
    """There is a market to judge by, and it is not stale, crossed or out of sequence."""

    name = "market_data"

    def __call__(self, c: Candidate, v: RiskView) -> Check:
        i = c.instrument.id
        doubt = v.doubt(i)
        if doubt and not c.reduces:
            return _verdict(self.name, False, "trusted", doubt, f"the market data of {i} is in doubt: {doubt}")
        if value_price(c, v) is None or v.mark(i) is None:
            return _verdict(self.name, False, "a price", "none", f"no price of {i} has been seen yet")
        age = v.age_s(i)
        ok = c.reduces or (age is not None and age <= v.limits.stale_quote_seconds)

        def why() -> str:
            return f"the last price of {i} is {age:.0f} s old" if age is not None else "no price"

        return _verdict(self.name, ok, f"{v.limits.stale_quote_seconds} s", f"{age or 0:.0f} s", why)


class BandCheck:
    """A limit price not beyond the band around mark on the side that would trade at once."""

    name = "price_band"

    def __call__(self, c: Candidate, v: RiskView) -> Check | None:
        mark, price = v.mark(c.instrument.id), c.price
        if price is None or mark is None:
            return None
        share = v.limits.limit_band_share
        if c.instrument.price_limit_y is not None:
            share = min(share, c.instrument.price_limit_y)
        edge = mark * (1 + c.side.sign * share)
        ok = price <= edge if c.side is Side.BUY else price >= edge

        def why() -> str:
            return f"price {plain(price)} is beyond the band edge {plain(round(edge, 8))} around mark {plain(mark)}"

        return _verdict(self.name, ok, edge, price, why)


class CollarCheck:
    """A market order only where the book is near mark."""

    name = "market_collar"

    def __call__(self, c: Candidate, v: RiskView) -> Check | None:
        mark, touch = v.mark(c.instrument.id), v.touch(c.instrument.id, c.side is Side.BUY)
        if c.type is not OrderType.MARKET or mark is None or touch is None or c.reduces:
            return None
        away = abs(touch - mark) / mark

        def why() -> str:
            return f"the market is {away * 100:.3f} % away from mark, the collar is {v.limits.collar_share * 100:.3f} %"

        return _verdict(self.name, away <= v.limits.collar_share, v.limits.collar_share, away, why)


class NotionalCheck:
    """At least the venue's minimum value; what closes a derivative position is exempt."""

    name = "min_notional"

    def __call__(self, c: Candidate, v: RiskView) -> Check | None:
        price = value_price(c, v)
        if price is None or (c.reduces and not c.instrument.is_spot):
            return None
        value = c.qty * price
        least = c.instrument.min_notional

        def why() -> str:
            return f"value {value:.2f} is below the minimum {plain(least)}"

        return _verdict(self.name, value >= least, least, value, why)


class OrderSizeCheck:
    """One order is at most a share of equity."""

    name = "order_size"

    def __call__(self, c: Candidate, v: RiskView) -> Check | None:
        price = value_price(c, v)
        if c.reduces or price is None:
            return None
        most = v.equity() * v.limits.order_share
        value = c.qty * price

        def why() -> str:
            return f"order value {value:.2f} is above {v.limits.order_share * 100:.2f} % of equity ({most:.2f})"

        return _verdict(self.name, value <= most, most, value, why)


class PositionSizeCheck:
    """The position is at most a share of equity, with everything in flight at its worst."""

    name = "position_size"

    def __call__(self, c: Candidate, v: RiskView) -> Check | None:
        price = value_price(c, v)
        if c.reduces or price is None:
            return None
        most = v.equity() * v.limits.position_share
        value = worst_value(c, v, price)

        def why() -> str:
            share = v.limits.position_share * 100
            return f"position value {value:.2f} would be above {share:.2f} % of equity ({most:.2f})"

        return _verdict(self.name, value <= most, most, value, why)


class GrossCheck:
    """All positions together are at most a share of equity."""

    name = "gross_exposure"

    def __call__(self, c: Candidate, v: RiskView) -> Check | None:
        price = value_price(c, v)
        if c.reduces or price is None:
            return None
        most = v.equity() * v.limits.gross_share * v.limits.leverage
        value = v.gross_without(c.instrument.id) + worst_value(c, v, price)

        def why() -> str:
            return f"gross exposure {value:.2f} would be above {most:.2f}"

        return _verdict(self.name, value <= most, most, value, why)


class BalanceCheck:
    """Spot buys need free quote coin, spot sells free base coin."""

    name = "balance"

    def __call__(self, c: Candidate, v: RiskView) -> Check | None:
        price = value_price(c, v)
        if not c.instrument.is_spot or price is None:
            return None
        coin = c.instrument.quote_coin if c.side is Side.BUY else c.instrument.base_coin
        need = c.qty * price if c.side is Side.BUY else c.qty
        free = v.free(coin)

        def why() -> str:
            return f"{need:.8f} {coin} needed, {free:.8f} free"

        return _verdict(self.name, need <= free, free, need, why)


class OpenOrdersCheck:
    """Not more open orders than allowed."""

    name = "open_orders"

    def __call__(self, c: Candidate, v: RiskView) -> Check | None:
        if c.reduces:
            return None
        count = v.open_orders() + 1
        return _verdict(self.name, count <= v.limits.open_orders, v.limits.open_orders, count, "too many open orders")


class OrderRateCheck:
    """Not more new orders per second and minute than allowed."""

    name = "order_rate"

    def __call__(self, c: Candidate, v: RiskView) -> Check | None:
        if c.reduces:
            return None
        second, minute = v.orders_within(1) + 1, v.orders_within(60) + 1
        ok = second <= v.limits.orders_per_second and minute <= v.limits.orders_per_minute
        limit = f"{v.limits.orders_per_second}/s, {v.limits.orders_per_minute}/min"
        return _verdict(self.name, ok, limit, f"{second}/s, {minute}/min", "too many orders in a short time")


#: Every check, in the order they run: what is wrong with the order itself comes before what is wrong with the moment.
ALL_CHECKS: tuple[RiskCheck, ...] = (
    QuantityCheck(), PriceCheck(), InstrumentStatusCheck(), ReduceOnlyCheck(), TradingStateCheck(), LateBarCheck(),
    FreshnessCheck(), BandCheck(), CollarCheck(), NotionalCheck(), OrderSizeCheck(), PositionSizeCheck(), GrossCheck(),
    BalanceCheck(), OpenOrdersCheck(), OrderRateCheck(),
)  # fmt: skip
#: What is looked at again when a queued order is released.
RELEASE_CHECKS: tuple[RiskCheck, ...] = (
    InstrumentStatusCheck(),
    TradingStateCheck(),
    FreshnessCheck(),
    PositionSizeCheck(),
    GrossCheck(),
)
