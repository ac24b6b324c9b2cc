"""Recorded events for the engine: a market that wanders, and what a venue answers to the orders that come of it."""

import random
from collections.abc import Mapping
from decimal import Decimal

from msgspec import Struct

from tests.benchmarks.strategies import CLASSES
from tradectl.engine.config import EngineConfig, QueueLimits, RiskLimits, StrategyConfig
from tradectl.engine.trading_engine import TradingEngine
from tradectl.model.commands import Command, RiskApproved
from tradectl.model.events import (
    Action,
    BarClosed,
    BarsLoaded,
    BookChanged,
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
    TradePrinted,
)
from tradectl.model.instruments import Category, FeeRate, Instrument, InstrumentId
from tradectl.model.market_data import Bar, Ticker
from tradectl.model.money import to_coin
from tradectl.model.orders import Execution, OrderReport, OrderSpec, OrderStatus, Side
from tradectl.model.positions import BalanceReport

BTC = InstrumentId(Category.LINEAR, "BTCUSDT")
SECOND = 10**9
MINUTE = 60 * SECOND
T0 = 1_748_736_000 * SECOND
HISTORY = 250
TAKER = Decimal("0.00055")
INSTRUMENT = Instrument(
    BTC, "BTC", "USDT", "USDT", Decimal("0.1"), Decimal("0.001"), Decimal("0.001"), Decimal(1190), Decimal(500),
    Decimal(5),
)  # fmt: skip
#: Wide enough that a benchmark's orders are not refused for their number; the checks run all the same.
LIMITS = RiskLimits(
    order_share=Decimal(10), position_share=Decimal(10), gross_share=Decimal(10), day_loss_share=Decimal(10),
    drawdown_share=Decimal(10), collar_share=Decimal("0.05"), orders_per_second=1000, orders_per_minute=60_000,
    open_orders=500, stale_quote_seconds=3600, margin_share=Decimal(10), repeat_orders=60_000, duplicate_ms=0,
    flood_per_minute=60_000, refuse_self_trade=False,
)  # fmt: skip
BUDGETS = QueueLimits(derivative_create=100_000, derivative_amend=100_000, derivative_cancel=100_000)


class Script(Struct):
    """``events`` in order, of which ``market`` came from the market; ``orders`` were sent meanwhile."""

    strategies: tuple[StrategyConfig, ...]
    events: list[Event]
    market: list[Event]
    orders: int


class Walk:
    """A price on the tick that wanders with trends, so that averages cross now and then."""

    def __init__(self, seed: int) -> None:
        self._rng = random.Random(seed)
        self._drift = 0.0
        self.price = 100_000.0

    def step(self) -> float:
        rng = self._rng
        if rng.random() < 0.02:
            self._drift = rng.uniform(-3.0, 3.0)
        self.price = round(min(max(self.price + self._drift + rng.gauss(0.0, 10.0), 50_000.0), 200_000.0), 1)
        return self.price

    def bar(self, open_time: int) -> Bar:
        opened, closed = self.price, self.step()
        return Bar(open_time, opened, max(opened, closed) + 2.0, min(opened, closed) - 2.0, closed, 12.5, 1_250_000.0)


class Climb(Walk):
    """A price that only rises: averages never cross."""

    def step(self) -> float:
        self.price = round(self.price + 0.1, 1)
        return self.price


class Market:
    """Makes market events of the kinds and in the proportions asked for."""

    def __init__(self, walk: Walk, first_minute: int) -> None:
        self._walk = walk
        self._now = first_minute
        self._minute = first_minute
        self._serial = 0
        self._makers = {
            QuoteChanged: self.quote, TradePrinted: self._trade, TickerChanged: self.ticker, BookChanged: self._book,
        }  # fmt: skip

    def minute(self, kinds: Mapping[type, int]) -> list[Event]:
        """One minute: everything but the candle spread over it, the candle at its end."""
        order = [kind for kind, count in kinds.items() if kind is not BarClosed for _ in range(count)]
        random.Random(self._minute).shuffle(order)
        found: list[Event] = []
        for kind in order:
            self._now += MINUTE // (len(order) + 1)
            found.append(self._makers[kind]())
        self._now = self._minute + MINUTE
        if BarClosed in kinds:
            found.append(BarClosed(self._now, self._now, BTC, "1m", self._walk.bar(self._minute)))
        self._minute = self._now
        return found

    def quote(self) -> QuoteChanged:
        price = self._walk.step()
        return QuoteChanged(self._now, self._now, BTC, price, 2.5, round(price + 0.1, 1), 1.5)

    def ticker(self) -> TickerChanged:
        p = self._walk.price
        return TickerChanged(
            self._now, self._now, BTC, Ticker(p, p, p, p, round(p + 0.1, 1), 0.0001, self._now + MINUTE)
        )

    def _trade(self) -> TradePrinted:
        self._serial += 1
        return TradePrinted(self._now, self._now, BTC, Side.BUY, self._walk.price, 0.01, f"trade-{self._serial}")

    def _book(self) -> BookChanged:
        self._serial += 1
        p = self._walk.price
        levels = tuple((p - n, 1.0) for n in range(1, 9))
        return BookChanged(self._now, self._now, BTC, 50, False, levels, (), self._serial)


def config(strategies: tuple[StrategyConfig, ...]) -> EngineConfig:
    """An engine's configuration with room for many orders."""
    return EngineConfig(run="0000000r", risk=LIMITS, queue=BUDGETS, strategies=strategies)


def opening(walk: Walk) -> list[Event]:
    """The events of a start on an empty, funded account, up to RUNNING and warm."""
    bars = tuple(walk.bar(T0 + n * MINUTE) for n in range(HISTORY))
    now = T0 + HISTORY * MINUTE
    market = Market(walk, now)
    return [
        Started(now, "0000000r", False, 1),
        InstrumentsLoaded(now, (INSTRUMENT,), (FeeRate(BTC, Decimal("0.0002"), TAKER),)),
        ConnectionChanged(now, "private", True),
        ConnectionChanged(now, "trade", True),
        market.ticker(),
        market.quote(),
        Reconciled(now, now, balances=(BalanceReport("USDT", Decimal(10_000_000)),)),
        BarsLoaded(now, BTC, "1m", bars),
    ]


def ready_engine(strategies: tuple[StrategyConfig, ...]) -> TradingEngine:
    """A fresh engine that trades; always in the same state. Raises ``RuntimeError`` when it does not trade."""
    engine = TradingEngine(config(strategies), CLASSES)
    for event in opening(Walk(7)):
        engine.apply(event)
    if engine.world.unreconciled or engine.world.state.level().value != "RUNNING":
        raise RuntimeError(f"the engine does not trade: {engine.world.state.all()}")
    return engine


def record(
    strategies: tuple[StrategyConfig, ...], kinds: Mapping[type, int], count: int, price: type[Walk] = Walk
) -> Script:
    """About ``count`` market events through an engine whose orders are filled at once."""
    engine = ready_engine(strategies)
    walk = price(7)
    opening(walk)
    market = Market(walk, T0 + HISTORY * MINUTE)
    script = Script(strategies, [], [], 0)
    while len(script.market) < count:
        quiet = not ({QuoteChanged, TickerChanged} & kinds.keys())
        fresh = [market.ticker(), market.quote()] if quiet and len(script.market) % 20 == 0 else []
        for event in (*fresh, *market.minute(kinds)):
            script.market.append(event)
            _apply(engine, event, script)
    return script


def _apply(engine: TradingEngine, event: Event, script: Script) -> None:
    waiting = [event]
    while waiting:
        now = waiting.pop(0)
        script.events.append(now)
        for command in engine.apply(now):
            waiting += _answers(command, engine, now.received, script)


def _answers(command: Command, engine: TradingEngine, now: int, script: Script) -> list[Event]:
    if not isinstance(command, RiskApproved) or command.order is None:
        return []
    script.orders += 1
    price = engine.world.market.touch(BTC, command.order.side is Side.BUY)
    assert price is not None
    return filled(command.order, price, now, script.orders)


def filled(order: OrderSpec, price: Decimal, now: int, serial: int) -> list[Event]:
    """Ack, fill and final report of an order."""
    order_id = f"venue-{serial}"
    value = order.qty * price
    report = OrderReport(
        order.instrument, order_id, order.link_id, order.side, order.type, order.time_in_force, order.qty, order.price,
        OrderStatus.FILLED, order.qty, value, price, now,
    )  # fmt: skip
    execution = Execution(
        f"exec-{serial}", order.instrument, order_id, order.link_id, order.side, price, order.qty, value,
        to_coin(value * TAKER), "USDT", False, now,
    )  # fmt: skip
    return [
        OrderAnswered(now, order.link_id, Action.CREATE, 0, "OK", Reaction.OK, order_id),
        Executed(now, execution),
        OrderReported(now, report),
    ]
