"""A market made of candles for one strategy in the real engine: orders fill by each bar's way, and trades are noted.

A bar goes from its open to the low and then the high when it closes up, the other way round when it closes down.
Resting limits fill at their price once the market is through it, triggers at their price once it is touched, market
orders at the quote, one tick either side of the last close.
"""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from tests.unit.engine.harness import RUN, WIDE, Bench, config, instrument
from tradectl.engine.config import StrategyConfig
from tradectl.engine.strategy import Strategy
from tradectl.engine.trading_engine import TradingEngine
from tradectl.model.commands import CancelOrder, Command, DecisionMade, RequestBars, RiskApproved, StrategyChanged
from tradectl.model.events import (
    Action,
    BarClosed,
    BarsLoaded,
    ConnectionChanged,
    Event,
    Executed,
    InstrumentsLoaded,
    OrderAnswered,
    OrderReported,
    QuoteChanged,
    Reaction,
    Reconciled,
    Started,
    TickerChanged,
    TimerFired,
)
from tradectl.model.instruments import Category, FeeRate, Instrument, InstrumentId
from tradectl.model.market_data import Bar, Ticker
from tradectl.model.money import exact, use_exact_context
from tradectl.model.orders import Execution, OrderReport, OrderSpec, OrderStatus, OrderType, Side, TimeInForce, Trigger
from tradectl.model.positions import BalanceReport

MINUTE = 60_000_000_000
TICKS = {"BTCUSDT": ("0.1", "0.001"), "ETHUSDT": ("0.01", "0.01"), "SOLUSDT": ("0.01", "0.1")}
FEE = Decimal("0.00055")


class Trade(NamedTuple):
    """What filled: in the minute that began at ``minute``; several orders of one side and price count as one."""

    minute: int
    symbol: str
    side: str
    price: float


class Resting(Struct):
    """An order that waits at the venue."""

    spec: OrderSpec
    number: int
    qty: Decimal
    price: Decimal | None
    trigger: Decimal | None
    status: OrderStatus
    parent: str = ""  # of a stop that came with an entry: the entry's link id

    @property
    def link(self) -> str:
        """Its link id; the venue gives its own stops none."""
        return "" if self.parent else self.spec.link_id


class CandleMarket:
    """One strategy, its instruments and their bars. Nothing may go wrong: a refusal or a stop fails the test."""

    def __init__(
        self, cls: type[Strategy], params: Mapping[str, object], bars: Mapping[InstrumentId, Sequence[Bar]],
        warm: int = 0, interval: str = "1m", funding: Callable[[int], float] = lambda at: 0.0,
    ) -> None:  # fmt: skip
        use_exact_context()
        one = StrategyConfig(name="it", class_="it", params=dict(params))  # type: ignore[arg-type]
        self.bench = Bench(config(one, risk=WIDE), {"it": cls})
        self.bars = {i: list(b) for i, b in bars.items()}
        self.warm, self.interval, self.funding = warm, interval, funding
        self.infos = {i: self._instrument(i) for i in bars}
        self.orders: dict[str, Resting] = {}
        self.quotes: dict[InstrumentId, tuple[Decimal, Decimal]] = {}
        self.trades: list[Trade] = []
        self.sizes: dict[InstrumentId, Decimal] = dict.fromkeys(bars, Decimal(0))
        self.minute = 0
        self._number = 0
        self._said: list[Event] = []
        self._start()

    @staticmethod
    def _instrument(id_: InstrumentId) -> Instrument:
        made = instrument(id_, *TICKS[id_.symbol])
        return replace(made, max_limit_qty=Decimal(10**9), max_market_qty=Decimal(10**9))

    # --- running

    def _start(self) -> None:
        first = min(b[0].open_time for b in self.bars.values())
        self.bench.now = first + self.warm * MINUTE
        fees = tuple(FeeRate(i, FEE, FEE) for i in self.infos)
        for event in (Started(self.bench.now, RUN, False, 1),
                      InstrumentsLoaded(self.bench.now, tuple(self.infos.values()), fees)):  # fmt: skip
            self.feed(event)
        for stream in ("private", "trade"):
            self.feed(ConnectionChanged(self.bench.now, stream, True))
        money = (BalanceReport("USDT", Decimal(1_000_000)),)
        self.feed(Reconciled(self.bench.now, self.bench.now, balances=money))

    def run(self, each_minute: Callable[[int], None] = lambda minute: None) -> list[Trade]:
        """All bars after the warm-up, minute by minute; ``each_minute`` is called after the bars of each closed."""
        rest = {i: {b.open_time: b for b in bars[self.warm :]} for i, bars in self.bars.items()}
        for minute in sorted({t for bars in rest.values() for t in bars}):
            self.minute = minute
            now = [(i, bars[minute]) for i, bars in rest.items() if minute in bars]
            for id_, bar in now:
                self._way(id_, bar)
            self.bench.now = minute + MINUTE
            for id_, bar in now:
                self._quote(id_, bar.close)
            for id_, bar in now:
                self.feed(BarClosed(self.bench.now, self.bench.now, id_, self.interval, bar))
            each_minute(minute)
        self._check()
        return self.trades

    def _check(self) -> None:
        last = self.bench.said(StrategyChanged)[-1]
        assert last.status.value == "active", last
        book = self.bench.engine.world.portfolio
        for id_, size in self.sizes.items():
            if id_.category is not Category.SPOT:  # spot pays its fee in coin
                assert book.size("it", id_) == size

    def restart(self) -> None:
        """The daemon dies and comes back at once from its checkpoint, nothing missed."""
        engine = TradingEngine(self.bench.config, self.bench.classes)
        engine.restore(self.bench.engine.checkpoint())
        self.bench.engine = engine

    def refused(self) -> list[DecisionMade]:
        """Decisions that a rule stopped; "already there" is none."""
        return [d for d in self.bench.said(DecisionMade) if not d.accepted and not all(c.ok for c in d.checks)]

    def feed(self, event: Event) -> None:
        """One event and all that follows from it."""
        waiting = list(self.bench.feed(event))
        while waiting:
            for said in self._answers(waiting.pop(0)):
                waiting += self.bench.feed(said)

    def _quote(self, id_: InstrumentId, close: float) -> None:
        now = self.bench.now
        self._touch(id_, exact(close))
        bid, ask = map(float, self.quotes[id_])
        rate = self.funding(self.minute) if id_.category is not Category.SPOT else 0.0
        self.feed(TickerChanged(now, now, id_, Ticker(close, close, close, bid, ask, rate)))
        self.feed(QuoteChanged(now, now, id_, bid, 5.0, ask, 5.0))

    def fire(self, seconds: int) -> None:
        """The strategy's own timers of the next seconds fire."""
        for name, due in sorted(self.bench.timers.items()):
            if name.startswith("strategy:") and due <= self.bench.now + seconds * 1_000_000_000:
                del self.bench.timers[name]
                self.feed(TimerFired(due, name, due))

    # --- the venue

    def _answers(self, command: Command) -> list[Event]:
        now = self.bench.now
        if isinstance(command, RequestBars):
            early = tuple(b for b in self.bars[command.instrument][: self.warm])
            return [BarsLoaded(now, command.instrument, command.interval, early)]
        if isinstance(command, CancelOrder):
            order = self.orders.pop(command.link_id.removeprefix("v-"))
            order.status = OrderStatus.CANCELLED
            return [self._ok(command.link_id, Action.CANCEL), self._report(order)]
        if isinstance(command, RiskApproved) and command.order is not None:
            return self._create(command.order)
        if isinstance(command, RiskApproved) and command.amendment is not None:
            return self._amend(command)
        return []

    def _ok(self, link: str, action: Action) -> OrderAnswered:
        return OrderAnswered(self.bench.now, link, action, 0, "", Reaction.OK, f"v-{link}")

    def _create(self, spec: OrderSpec) -> list[Event]:
        self._number += 1
        dormant = spec.trigger is not None
        order = Resting(spec, self._number, spec.qty, spec.price, spec.trigger.price if spec.trigger else None,
                        OrderStatus.UNTRIGGERED if dormant else OrderStatus.NEW)  # fmt: skip
        answer = self._ok(spec.link_id, Action.CREATE)
        bid, ask = self.quotes[spec.instrument]
        if dormant:
            self.orders[spec.link_id] = order
            return [answer, self._report(order)]
        touch = ask if spec.side is Side.BUY else bid
        takes = spec.price is None or (spec.price - touch) * spec.side.sign >= 0
        if takes and spec.time_in_force is TimeInForce.POST_ONLY:
            order.status = OrderStatus.CANCELLED
            return [answer, self._report(order)]
        if takes:
            return [answer, *self._fill(order, touch)]
        self.orders[spec.link_id] = order
        return [answer, self._report(order)]

    def _amend(self, command: RiskApproved) -> list[Event]:
        asked = command.amendment
        assert asked is not None
        order = self.orders[asked.link_id]
        order.qty = asked.qty if asked.qty is not None else order.qty
        order.price = asked.price if asked.price is not None else order.price
        order.trigger = asked.trigger_price if asked.trigger_price is not None else order.trigger
        return [self._ok(asked.link_id, Action.AMEND), self._report(order)]

    def _way(self, id_: InstrumentId, bar: Bar) -> None:
        """Fill what the bar's way reaches, in the order in which it gets there."""
        low_first = bar.close >= bar.open
        for low in (low_first, not low_first):
            reached = exact(bar.low if low else bar.high)
            mine = [o for o in self.orders.values() if o.spec.instrument == id_]
            for order in sorted(mine, key=lambda o: (_level(o) * (-1 if low else 1), o.number)):
                if self.orders.get(order.spec.link_id) is order and self._is_reached(order, low, reached):
                    self._touch(id_, _level(order))
                    for event in self._fill(order, _level(order)):
                        self.feed(event)
            self._touch(id_, reached)

    def _touch(self, id_: InstrumentId, price: Decimal) -> None:
        tick = self.infos[id_].tick_size
        self.quotes[id_] = (price - tick, price + tick)

    @staticmethod
    def _is_reached(order: Resting, low: bool, reached: Decimal) -> bool:
        if order.spec.trigger is not None:
            at = _level(order)
            return order.spec.trigger.rises is not low and (reached <= at if low else reached >= at)
        passive = (order.spec.side is Side.BUY) is low
        return passive and (reached < _level(order) if low else reached > _level(order))

    def _fill(self, order: Resting, price: Decimal) -> list[Event]:
        spec, qty = order.spec, order.qty
        self.orders.pop(spec.link_id, None)
        size = self.sizes[spec.instrument]
        if spec.reduce_only:
            assert size * spec.side.sign < 0, f"reduce-only {spec} on {size}"
            assert abs(size) >= qty, f"reduce-only {spec} on {size}"
        self.sizes[spec.instrument] = size + spec.side.sign * qty
        self._note(Trade(self.minute, str(spec.instrument), spec.side.value, float(price)))
        order.status = OrderStatus.FILLED
        spot = spec.instrument.category is Category.SPOT
        in_coin = spot and spec.side is Side.BUY
        fee = (qty if in_coin else qty * price) * FEE
        coin = self.infos[spec.instrument].base_coin if in_coin else "USDT"
        execution = Execution(
            f"e-{order.number}", spec.instrument, f"v-{spec.link_id}", order.link, spec.side, price, qty, qty * price,
            fee.quantize(Decimal("1e-8")), coin, False, self.bench.now,
        )  # fmt: skip
        return [Executed(self.bench.now, execution), self._report(order, qty, price), *self._attached(order)]

    def _attached(self, order: Resting) -> list[Event]:
        """The stop an entry brought along comes to life."""
        spec = order.spec
        if spec.protection is None or spec.protection.stop_loss is None:
            return []
        self._number += 1
        level = spec.protection.stop_loss
        child = OrderSpec(
            f"stop-{self._number}", spec.instrument, spec.side.opposite, OrderType.MARKET, order.qty,
            reduce_only=True, trigger=Trigger(level, spec.side is Side.SELL), close_on_trigger=True,
        )  # fmt: skip
        stop = Resting(child, self._number, order.qty, None, level, OrderStatus.UNTRIGGERED, spec.link_id)
        self.orders[child.link_id] = stop
        return [self._report(stop)]

    def _note(self, trade: Trade) -> None:
        if not self.trades or self.trades[-1] != trade:
            self.trades.append(trade)

    def _report(self, order: Resting, done: Decimal = Decimal(0), price: Decimal | None = None) -> OrderReported:
        spec = order.spec
        trigger = replace(spec.trigger, price=order.trigger) if spec.trigger and order.trigger else spec.trigger
        report = OrderReport(
            spec.instrument, f"v-{spec.link_id}", order.link, spec.side, spec.type, spec.time_in_force, order.qty,
            order.price, order.status, done, done * (price or Decimal(0)), price, self.bench.now,
            reduce_only=spec.reduce_only, trigger=trigger, trigger_price=order.trigger, parent_link=order.parent,
            stop_order_type="PartialStopLoss" if order.parent else "Stop" if trigger else "",
        )  # fmt: skip
        return OrderReported(self.bench.now, report)


def _level(order: Resting) -> Decimal:
    """Where an order waits: a dormant one at its trigger, another at its price."""
    level = order.trigger if order.trigger is not None else order.price
    assert level is not None
    return level


LINEAR = {s: InstrumentId(Category.LINEAR, s) for s in TICKS}
SPOT_BTC = InstrumentId(Category.SPOT, "BTCUSDT")
