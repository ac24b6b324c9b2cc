"""The engine as a backtest drives it: ``python -m tests.benchmarks.backtest_loop [CANDLES] [--lean] [--profile]``.

One event per candle with its best prices, an EMA cross 10/30, and a venue of a few lines that fills what is approved at
the touch. Prints candles per second of CPU, a quiet bar and a round of one order in microseconds, and the floor loop.
"""

import argparse
import cProfile
import json
import math
import pstats
import sys
import time
from collections.abc import Callable, Sequence
from decimal import Decimal
from itertools import count
from statistics import median

from msgspec import Struct

from tests.benchmarks.engine_script import BTC, HISTORY, LIMITS, MINUTE, T0, TAKER, Climb, Walk, opening
from tests.benchmarks.measure import settled_memory
from tests.benchmarks.strategies import CLASSES
from tradectl.engine.audience import EVERYBODY, NOBODY, Audience
from tradectl.engine.config import EngineConfig, QueueLimits, StrategyConfig
from tradectl.engine.trading_engine import TradingEngine
from tradectl.model.commands import CancelTimer, Command, RiskApproved, SetTimer
from tradectl.model.events import BarClosed, Event, Executed, OrderReported, TimerFired
from tradectl.model.money import exact, to_coin, use_exact_context
from tradectl.model.orders import Execution, OrderReport, OrderSpec, OrderStatus, Side

STRATEGY = StrategyConfig(name="ema", class_="ema_cross", capital=Decimal(1), params={"fast": 10, "slow": 30})


class Noise(Walk):
    """A price without trends: averages cross every dozen candles, as on real minutes."""

    def step(self) -> float:
        self.price = round(max(self.price + self._rng.gauss(0.0, 30.0), 10_000.0), 1)
        return self.price


class Fall(Walk):
    """A price that only falls, slowly: averages never cross and nothing is held."""

    def step(self) -> float:
        self.price = round(self.price - 0.1, 1)
        return self.price


def candles(count: int, price: type[Walk] = Noise, mark: float = 0.0) -> list[BarClosed]:
    """Candles with the best prices at their end, after those of the warm-up; ``mark`` is their close, or what it is."""
    walk = price(7)
    opening(walk)
    first, made = T0 + HISTORY * MINUTE, []
    for number in range(count):
        bar = walk.bar(first + number * MINUTE)
        end = bar.open_time + MINUTE
        made.append(BarClosed(end, end, BTC, "1m", bar, bar.close, round(bar.close + 0.1, 1), mark or bar.close))
    return made


def bare(bars: Sequence[BarClosed]) -> tuple[int, float]:
    """The floor: a Struct built, a dict of handlers, two averages of its close. Returns crossings and the slow one."""
    fast = slow = 100_000.0
    crossed = 0

    def closed(event: BarClosed) -> None:
        nonlocal fast, slow, crossed
        before = fast > slow
        close = event.bar.close
        fast += 0.18 * (close - fast)
        slow += 0.06 * (close - slow)
        crossed += (fast > slow) != before

    table: dict[type, Callable[[BarClosed], None]] = {BarClosed: closed}
    for e in bars:
        event = BarClosed(e.received, e.ts, e.instrument, e.interval, e.bar, e.bid, e.ask, e.mark)
        table[type(event)](event)
    return crossed, slow


def ready(audience: Audience, guard_s: int = 60) -> TradingEngine:
    """An engine that trades the candles, its regular looks as rare as the candles are, or every ``guard_s`` seconds."""
    queue = QueueLimits(derivative_create=100_000, derivative_amend=100_000, derivative_cancel=100_000)
    config = EngineConfig(
        run="0000000r", mode="backtest", risk=LIMITS, queue=queue, strategies=(STRATEGY,), guard_every_s=guard_s,
        equity_every_s=3600, audit_every_s=3600,
    )  # fmt: skip
    engine = TradingEngine(config, CLASSES, audience)
    for event in opening(Walk(7)):
        engine.apply(event)
    return engine


#: Candles before a measured stretch.
_FIRST = 200


class Fill(Struct, frozen=True):
    """One fill, for a comparison of two runs."""

    at: int
    side: Side
    qty: Decimal
    price: Decimal


class Loop:
    """Engine and venue in one line of time."""

    def __init__(self, engine: TradingEngine) -> None:
        self.engine = engine
        self.timers = dict(engine.world.timers)
        self.due = min(self.timers.values(), default=sys.maxsize)
        self.fills: list[Fill] = []
        self.orders = 0
        self.ticks = 0

    def run(self, bars: Sequence[BarClosed]) -> None:
        """Every candle, the timers that fall due before it, and what comes of both."""
        apply = self.engine.apply
        for event in bars:
            if event.received >= self.due:
                self._fire(event.received)
            out = apply(
                BarClosed(
                    event.received,
                    event.ts,
                    event.instrument,
                    event.interval,
                    event.bar,
                    event.bid,
                    event.ask,
                    event.mark,
                )
            )
            if out:
                self._carry(out, event)

    def _fire(self, now: int) -> None:
        while self.due <= now:
            name = min(self.timers, key=self.timers.__getitem__)
            due = self.timers.pop(name)
            self.ticks += 1
            self.due = min(self.timers.values(), default=sys.maxsize)
            self._hear(self.engine.apply(TimerFired(due, name, due)))

    def _hear(self, out: tuple[Command, ...]) -> None:
        for command in out:
            if type(command) is SetTimer:
                self.timers[command.timer] = command.at
                self.due = min(self.due, command.at)
            elif type(command) is CancelTimer:
                self.timers.pop(command.timer, None)

    def _carry(self, out: tuple[Command, ...], bar: BarClosed) -> None:
        for command in out:
            if type(command) is RiskApproved and command.order is not None:
                for answer in self._answers(command.order, bar):
                    self._carry(self.engine.apply(answer), bar)
            elif type(command) is SetTimer or type(command) is CancelTimer:
                self._hear((command,))

    def _answers(self, order: OrderSpec, bar: BarClosed) -> tuple[Event, Event]:
        self.orders += 1
        now, price = bar.received, exact(bar.ask if order.side is Side.BUY else bar.bid)
        value, order_id = order.qty * price, f"venue-{self.orders}"
        self.fills.append(Fill(now, order.side, order.qty, price))
        execution = Execution(
            f"exec-{self.orders}", order.instrument, order_id, order.link_id, order.side, price, order.qty, value,
            to_coin(value * TAKER), "USDT", False, now,
        )  # fmt: skip
        report = OrderReport(
            order.instrument, order_id, order.link_id, order.side, order.type, order.time_in_force, order.qty, None,
            OrderStatus.FILLED, order.qty, value, price, now,
        )  # fmt: skip
        return Executed(now, execution), OrderReported(now, report)


class Stretch:
    """Candles in columns, and an engine that follows them as a backtest has it: the guard looks with each."""

    def __init__(self, bars: Sequence[BarClosed], audience: Audience) -> None:
        self._engine = ready(audience, 0)
        Loop(self._engine).run(bars[:_FIRST])  # the averages may still cross there
        bars = bars[_FIRST:]
        names = ("received", "ts", "instrument", "interval", "bar", "bid", "ask", "mark")
        self._events = [[getattr(it, name) for it in bars] for name in names]
        self._ends, told = self._events[0], [it.bar for it in bars]
        self._columns = [[getattr(it, name) for it in told] for name in ("low", "high", "close", "volume")]
        self._key = (bars[0].instrument, bars[0].interval)

    def run(self) -> None:
        """All of them. Raises ``RuntimeError`` when hardly any is quiet."""
        told = zip(count(1), self._ends, *self._columns, map(BarClosed, *self._events), strict=False)
        follow, stops = self._engine.quiet_bars.follow, 0
        while (outcome := follow(self._key, told, sys.maxsize, -math.inf, math.inf)).closing is not None:
            if outcome.commands is None:
                self._engine.apply(outcome.closing[-1])
            stops += 1
        if stops > 5 + len(self._ends) // 1000:
            raise RuntimeError(f"{stops} of {len(self._ends)} candles were not quiet")


class Figures(Struct, kw_only=True):
    """One round. Microseconds of CPU; ``order_us`` is what a bar with an order costs more than a quiet one.

    ``stretch_us``: a quiet candle as a backtest of one instrument follows it; ``bar_us``: one that comes alone, without
    the guard's look at each; ``quiet_us``: with it, nothing held; ``held_us``: a position held, which the guard looks
    after.
    """

    candles_per_s: float
    orders: int
    order_us: float
    stretch_us: float
    bar_us: float
    quiet_us: float
    held_us: float
    floor_us: float
    stretch_over_floor: float
    bar_over_floor: float


def _cpu_us(work: Callable[[], object]) -> float:
    with settled_memory():
        before = time.thread_time_ns()
        work()
        return (time.thread_time_ns() - before) / 1_000


def measure(bars: list[BarClosed], quiet: list[BarClosed], held: list[BarClosed], audience: Audience) -> Figures:
    """The trading loop, the quiet ones and the floor, one after the other."""
    trading, calm, holding = (Loop(ready(audience)) for _ in range(3))
    alone = Loop(ready(audience, 10**7))
    stretch = Stretch(quiet, audience)
    floor = _cpu_us(lambda: bare(quiet)) / len(quiet)
    followed = _cpu_us(stretch.run) / (len(quiet) - _FIRST)
    bar = _cpu_us(lambda: alone.run(quiet)) / len(quiet)
    still = _cpu_us(lambda: calm.run(quiet)) / len(quiet)
    kept = _cpu_us(lambda: holding.run(held)) / len(held)
    spent = _cpu_us(lambda: trading.run(bars))
    if calm.orders > 2 or holding.orders > 2 or not trading.orders:
        raise RuntimeError(f"{calm.orders} orders on quiet bars, {trading.orders} on the others")
    return Figures(
        candles_per_s=len(bars) / spent * 1e6, orders=trading.orders,
        order_us=(spent - (still + kept) / 2 * len(bars)) / trading.orders, quiet_us=still, held_us=kept,
        floor_us=floor, bar_over_floor=bar / floor, bar_us=bar, stretch_us=followed,
        stretch_over_floor=followed / floor,
    )  # fmt: skip


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.backtest_loop", description=__doc__)
    parser.add_argument("candles", nargs="?", type=int, default=100_000)
    parser.add_argument("--full", action="store_true", help="every statement is made, as for the daemon")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--profile", action="store_true", help="where the time of the trading loop goes")
    given = parser.parse_args(arguments)
    use_exact_context()
    audience = EVERYBODY if given.full else NOBODY
    bars = candles(given.candles)
    if given.profile:
        loop, profile = Loop(ready(audience)), cProfile.Profile(time.thread_time)
        profile.runcall(loop.run, bars)
        pstats.Stats(profile).sort_stats("tottime").print_stats(60)
        return 0
    quiet, held = candles(given.candles, Fall), candles(given.candles, Climb, 99_000.0)
    rounds = [measure(bars, quiet, held, audience) for _ in range(given.rounds)]
    print(json.dumps({n: round(median(getattr(r, n) for r in rounds), 3) for n in Figures.__struct_fields__}, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
