"""The world as the checks see it for one candidate; made anew for each run, because nothing changes meanwhile."""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from fnmatch import fnmatchcase

from tradectl.engine.activity import Activity
from tradectl.engine.exposure import UNKNOWN, Exposure
from tradectl.engine.guard_state import GuardState
from tradectl.engine.limit_book import InForce
from tradectl.engine.order_state import Order
from tradectl.engine.risk_checks import Candidate
from tradectl.engine.risk_limits import RiskLimits
from tradectl.engine.world import World
from tradectl.model.commands import Level, Reason
from tradectl.model.instruments import Category, Instrument, InstrumentId
from tradectl.model.market_data import Ticker
from tradectl.model.money import ZERO, exact
from tradectl.model.orders import OrderType, Side


class View:
    """Answers each question once. ``without`` is the link id of the order that is being judged again."""

    def __init__(self, world: World, candidate: Candidate, guard: GuardState, without: str = "") -> None:
        self._w = world
        self._c = candidate
        self._without = without
        self._id = candidate.instrument.id
        self._touches: dict[bool, Decimal | None] = {}
        self._equity: Decimal | None = None
        self._at: Decimal | None = None
        self._worst: Decimal | None = None
        self._position: Decimal | None = None
        self._position_value: Decimal | None = None
        self._values: dict[InstrumentId, Decimal] | None = None
        self._sums: tuple[Decimal, Decimal, Decimal] | None = None
        self._order_value: Decimal | None = None
        self.exposure = Exposure(world, without)
        self.guard = guard
        self.now: int = world.now
        self.activity: Activity = world.activity
        self.in_force: InForce = world.limits.of(candidate.strategy, self._id.symbol)
        self.limits: RiskLimits = self.in_force.single
        self.ticker: Ticker | None = world.market.ticker(self._id)
        self.mark = self.exposure.mark(self._id)
        self.last = self._last()
        self.price = self._price()
        self.qty = max(candidate.qty - candidate.booked, ZERO) if candidate.booked else candidate.qty

    def _last(self) -> Decimal | None:
        ticker = self.ticker
        if ticker is None or ticker.last <= 0:
            return None
        return self.mark if ticker.last == ticker.mark else exact(ticker.last)

    def _price(self) -> Decimal | None:
        c = self._c
        if c.price is not None:
            return c.price
        base = c.trigger.price if c.trigger is not None else self.touch(c.side is Side.BUY)
        if base is None or c.side is Side.SELL:
            return base
        return base * (1 + self.limits.collar_share)

    # --- state and market

    def level(self, strategy: str, symbol: str) -> Level:
        return self._w.state.level(strategy, symbol)

    def reasons(self, strategy: str, symbol: str) -> tuple[Reason, ...]:
        return self._w.state.active(strategy, symbol)

    def veto(self) -> str:
        return self._w.entry_veto(self._c.strategy, self._id)

    def touch(self, buy: bool) -> Decimal | None:
        if buy not in self._touches:
            self._touches[buy] = self._w.market.touch(self._id, buy)
        return self._touches[buy]

    def doubt(self) -> str:
        return self._w.market.doubt(self._id)

    def age(self) -> int | None:
        return self._w.market.age(self._id, self.now)

    def unpriced(self) -> str:
        coin = self._c.instrument.quote_coin
        return "" if self.exposure.rate(coin) is not None else coin

    # --- amounts

    def equity(self) -> Decimal:
        if self._equity is None:
            self._equity = self._w.valuation.account().equity
        return self._equity

    def strategy_equity(self) -> Decimal:
        return self._w.valuation.strategy(self._c.strategy).equity

    def realised(self, strategy: str = "") -> Decimal:
        return realised(self._w, self.exposure, strategy)

    def value(self, instrument: Instrument, size: Decimal, price: Decimal) -> Decimal:
        return self.exposure.value(instrument, size, price)

    def order_value(self) -> Decimal:
        if self._order_value is None:
            self._order_value = self._value_of_order()
        return self._order_value

    def _value_of_order(self) -> Decimal:
        c = self._c
        if c.quote_amount is not None:
            return c.quote_amount * (self.exposure.rate(c.instrument.quote_coin) or UNKNOWN)
        sign = 1 if c.instrument.is_spot else c.side.sign
        return self.exposure.value(c.instrument, sign * c.qty, self.price or ZERO)

    def _unit(self) -> Decimal:
        """The price the whole position is valued at: the worse of mark and the order's own."""
        if self._at is None:
            self._at = max(self.price or ZERO, self.mark or ZERO)
        return self._at

    def _before(self, strategy: str = "") -> Decimal:
        """The signed size everything in flight on the order's side leads to, without the order."""
        if strategy:
            return self.exposure.worst(self._id, self._c.side.sign, strategy)
        if self._worst is None:
            self._worst = self.exposure.worst(self._id, self._c.side.sign)
        return self._worst

    def position(self) -> Decimal:
        if self._position is None:
            self._position = self._before() + self._c.side.sign * self.qty
        return self._position

    def position_value(self) -> Decimal:
        if self._position_value is None:
            self._position_value = self._worth(self.position())
        return self._position_value

    def strategy_position_value(self) -> Decimal:
        size = self._before(self._c.strategy) + self._c.side.sign * self.qty
        return self._worth(size)

    # --- sums, with the order in

    def _all(self) -> dict[InstrumentId, Decimal]:
        if self._values is None:
            other = self.exposure.touched()
            self._values = {i: self.exposure.one(i) for i in other if i != self._id}
            self._values[self._id] = self._own()
        return self._values

    def _own(self, strategy: str = "") -> Decimal:
        """This instrument's worst with the order in."""
        after = self.strategy_position_value() if strategy else self.position_value()
        other = self._worth(self.exposure.worst(self._id, -self._c.side.sign, strategy))
        if self._w.portfolio.is_hedged(self._id):
            return after + other
        return max(after, other, self._worth(self._before(strategy)))

    def _worth(self, size: Decimal) -> Decimal:
        return self.exposure.value(self._c.instrument, size, self._unit()) if size else ZERO

    def _sum(self) -> tuple[Decimal, Decimal, Decimal]:
        """Of all instruments together: what they count, the part of it in derivatives, and the margin that takes."""
        if self._sums is None:
            spot = borrowed = margin = ZERO
            for instrument, value in self._all().items():
                if instrument.category is Category.SPOT:
                    spot += value
                elif value:
                    borrowed += value
                    margin += value / self._leverage(instrument)
            self._sums = spot + borrowed, borrowed, margin
        return self._sums

    def gross(self) -> Decimal:
        return self._sum()[0]

    def borrowed_gross(self) -> Decimal:
        return self._sum()[1]

    def margin(self) -> Decimal:
        fee = self._w.fees.get(self._id)
        return self._sum()[2] + (self.order_value() * fee.taker if fee is not None else ZERO)

    def _leverage(self, instrument: InstrumentId) -> Decimal:
        limit = self._w.limits.leverage(instrument.symbol)
        info = self._w.instruments.get(instrument)
        return min(limit, info.max_leverage) if info is not None and info.max_leverage >= 1 else limit

    def net(self) -> Decimal:
        return self._net(self.exposure.touched())

    def _net(self, instruments: Iterable[InstrumentId], strategy: str = "") -> Decimal:
        before = self.exposure.net(self._c.side.sign, instruments, strategy)
        return before + self.exposure.value(self._c.instrument, self._c.side.sign * self.qty, self._unit())

    def strategy_gross(self) -> Decimal:
        name = self._c.strategy
        others = (i for i in self.exposure.touched(name) if i != self._id)
        return sum((self.exposure.one(i, name) for i in others), self._own(name))

    def strategy_net(self) -> Decimal:
        return self._net(self.exposure.touched(self._c.strategy), self._c.strategy)

    def group_gross(self, symbols: tuple[str, ...]) -> Decimal:
        return sum((value for i, value in self._all().items() if _among(i, symbols)), ZERO)

    def group_net(self, symbols: tuple[str, ...]) -> Decimal:
        return self._net([i for i in self.exposure.touched() if _among(i, symbols)])

    def free(self, coin: str) -> Decimal:
        held = ZERO
        for instrument, orders in self._w.open.by_instrument.items():
            info = self._w.instruments.get(instrument)
            if info is None or not info.is_spot or coin not in (info.base_coin, info.quote_coin):
                continue
            held += sum((self._locked(o, info, coin) for o in orders.values() if o.link_id != self._without), ZERO)
        return self._w.portfolio.state.cash.get(coin, ZERO) - held

    def _locked(self, order: Order, info: Instrument, coin: str) -> Decimal:
        if order.spec.side is Side.SELL:
            return order.in_flight if info.base_coin == coin else ZERO
        if info.quote_coin != coin:
            return ZERO
        if order.spec.quote_qty:
            return order.quote_left
        return order.in_flight * (order.price or self._w.market.touch(info.id, True) or ZERO)

    # --- orders

    def open_orders(self, strategy: str = "", symbol: str = "") -> int:
        if not strategy and not symbol:
            return self._w.open.open_without(self._without)
        found = self._w.open_orders(strategy)
        return sum(1 for o in found if o.is_open and o.link_id != self._without and symbol in ("", o.instrument.symbol))

    def others(self, side: Side) -> Iterator[Order]:
        for order in self._w.open.of_side(self._id, side.sign):
            resting = order.is_open and not order.cancel_asked and not order.is_dormant
            if resting and order.spec.type is OrderType.LIMIT and order.link_id != self._without:
                yield order

    def recent(self, since: int) -> Iterator[Order]:
        # The engine's time never decreases, so the orders stand in the order of their making.
        for order in reversed(self._w.orders.values()):
            if order.foreign or order.parent:
                continue
            if order.created <= since:
                return
            if order.link_id != self._without:
                yield order

    def queue_room(self) -> int:
        return self._w.queue.room(self._c.strategy)


def realised(world: World, exposure: Exposure, strategy: str = "") -> Decimal:
    """Closed trades less fees and funding since the books began, in the settle coin."""
    state, total = world.portfolio.state, ZERO
    for instrument, book in (state.books.get(strategy, {}) if strategy else state.nets).items():
        info = world.instruments.get(instrument)
        amount = book.realised - book.fees - book.funding
        if info is not None and amount:
            total += amount * (exposure.rate(info.settle_coin) or Decimal(1))
    return total


def _among(instrument: InstrumentId, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(instrument.symbol, pattern) for pattern in patterns)
