"""Ten built-in strategies that trade on candles against a venue that keeps what does not fill at once: recorded once.

What is measured afterwards is the engine alone, which gets the same market, answers and timers again.
"""

import csv
import gzip
import os
from collections.abc import Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from itertools import islice, pairwise
from pathlib import Path

from tests.benchmarks.engine_script import (
    BTC,
    HISTORY,
    INSTRUMENT,
    MINUTE,
    T0,
    Market,
    Script,
    Walk,
    ready_engine,
)
from tests.unit.engine.venue import FakeVenue, Resting
from tradectl.engine.config import StrategyConfig
from tradectl.engine.trading_engine import TradingEngine
from tradectl.model.commands import CancelOrder, Command, LookUpOrder, Reconcile, RiskApproved
from tradectl.model.events import Event, QuoteChanged, TimerFired
from tradectl.model.market_data import Bar
from tradectl.model.money import exact
from tradectl.model.orders import OrderType, Side

#: One instance of each built-in strategy of a single symbol, and one more of the one that trades most evenly.
TEN: tuple[StrategyConfig, ...] = tuple(
    StrategyConfig(name=f"{class_}{number}", class_=class_, capital=Decimal("0.05"), params=params)
    for number, (class_, params) in enumerate(
        (
            ("ema_cross", {"interval": "1m"}),
            ("ema_cross", {"interval": "1m", "fast": 5, "slow": 15}),
            ("ma_cross", {"interval": "1m", "fast": 8, "slow": 21, "short": True}),
            ("rsi_reversion", {"interval": "1m", "short": True}),
            ("donchian_breakout", {"interval": "1m", "short": True}),
            ("squeeze", {"interval": "1m"}),
            ("dca", {"interval": "1m", "every": 30, "profit": 0.2}),
            ("grid", {"interval": "1m", "step": 0.1}),
            ("market_maker", {"tolerance": 5.0}),
            ("buy_and_hold", {"interval": "1m"}),
        )
    )
)
_FILE = "candles/bybit_linear_BTCUSDT_1m_2025-06.csv.gz"


def candles(count: int) -> tuple[list[tuple[float, float, float, float]], str]:
    """Open, high, low and close of each minute: real where ``TRADECTL_TEST_DATA`` names them, else generated."""
    real = Path(os.environ.get("TRADECTL_TEST_DATA", "")) / _FILE
    if real.is_file():
        with gzip.open(real, "rt") as file:
            rows = islice(csv.DictReader(file), count)
            return [(float(r["open"]), float(r["high"]), float(r["low"]), float(r["close"])) for r in rows], "real"
    walk, made = Walk(11), []
    for _ in range(count):
        path = [walk.price, *(walk.step() for _ in range(4))]
        made.append((path[0], max(path), min(path), path[-1]))
    return made, "generated"


class Replayed(Walk):
    """A price that runs through candles: from open over both ends to the close, in even steps."""

    def __init__(self, made: list[tuple[float, float, float, float]], steps: int) -> None:
        super().__init__(7)
        self._candles = iter(made)
        self._steps = steps
        self._turn()

    def _turn(self) -> None:
        self._candle = next(self._candles)
        opened, high, low, closed = self._candle
        ends = (low, high) if closed >= opened else (high, low)
        self._path = self._along((opened, *ends, closed))
        self.price = opened

    def _along(self, corners: tuple[float, ...]) -> Iterator[float]:
        each = max(self._steps // 3, 1)
        for start, end in pairwise(corners):
            for step in range(1, each + 1):
                yield round(start + (end - start) * step / each, 1)

    def step(self) -> float:
        self.price = next(self._path, self._candle[3])
        return self.price

    def bar(self, open_time: int) -> Bar:
        opened, high, low, closed = self._candle
        self._turn()
        return Bar(open_time, opened, high, low, closed, 12.5, 1_250_000.0)


class Recording:
    """Engine and venue in one line of time; everything the engine is told is written down."""

    def __init__(self) -> None:
        self.engine: TradingEngine = ready_engine(TEN)
        self.script = Script(TEN, [], [], 0)
        self._venue = FakeVenue({BTC: INSTRUMENT}, {"USDT": Fraction(10_000_000)}, T0)
        self._seen = 0
        self._working: list[Resting] = []

    def market(self, event: Event) -> None:
        """One event of the market, after the timers that were due before it, and all that follows."""
        timers = self.engine.world.timers
        for name, due in sorted(timers.items(), key=lambda timer: timer[1]):
            if due <= event.received and timers.get(name) == due:
                self._apply(TimerFired(due, name, due))
        self.script.market.append(event)
        self._apply(event)
        if isinstance(event, QuoteChanged):
            self._match(event)

    def _apply(self, event: Event) -> None:
        waiting = [event]
        while waiting:
            now = waiting.pop(0)
            self.script.events.append(now)
            for command in self.engine.apply(now):
                waiting += self._answers(command)

    def _answers(self, command: Command) -> list[Event]:
        venue, market = self._venue, self.engine.world.market
        venue.now = max(venue.now, self.engine.world.now)
        if isinstance(command, Reconcile):
            return [venue.reconciled(command.since)]
        if isinstance(command, LookUpOrder):
            return [venue.looked_up(command.link_id, True, command.order_id)]
        if not isinstance(command, RiskApproved | CancelOrder):
            return []
        answer = venue.receive(command)
        self.script.orders += isinstance(command, RiskApproved) and command.order is not None
        quote = market.quotes[BTC]
        self._trade(exact(quote.bid), exact(quote.ask))
        return [answer, *self._heard()]

    def _heard(self) -> list[Event]:
        said, self._venue.said = self._venue.said, []
        return list(said)

    def _match(self, quote: QuoteChanged) -> None:
        self._trade(exact(quote.bid), exact(quote.ask))
        for event in self._heard():
            self._apply(event)

    def _trade(self, bid: Decimal, ask: Decimal) -> None:
        """Trigger and fill what the market reached; what that makes (attached stops) stands from now on."""
        self._working += islice(self._venue.orders.values(), self._seen, None)
        self._seen = len(self._venue.orders)
        self._working = [order for order in self._working if order.is_open]
        for order in self._working:
            at = ask if order.side is Side.BUY else bid
            if (
                order.is_dormant
                and order.trigger is not None
                and _reached(at, order.trigger.price, order.trigger.rises)
            ):
                self._venue.trigger(order)
            if order.is_open and not order.is_dormant and _meets(order, at):
                self._venue.fill(order, order.leaves, at if order.type is OrderType.MARKET else order.price or at)


def _reached(price: Decimal, level: Decimal, rises: bool) -> bool:
    return price >= level if rises else price <= level


def _meets(order: Resting, at: Decimal) -> bool:
    if order.type is OrderType.MARKET or order.price is None:
        return True
    return at <= order.price if order.side is Side.BUY else at >= order.price


def record_full(kinds: Mapping[type, int], minutes: int) -> tuple[Script, str]:
    """So many minutes of the market with ten strategies that trade; and whether the candles are real."""
    made, origin = candles(minutes + 1)
    walk = Replayed(made, kinds.get(QuoteChanged, 3))
    market, recording = Market(walk, T0 + HISTORY * MINUTE), Recording()
    for _ in range(minutes):
        for event in market.minute(kinds):
            recording.market(event)
    return recording.script, origin
