"""Backtests: a quiet candle, an order, whole runs event by event and over arrays, a sweep, and what they hold."""

import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from tests.benchmarks import backtest_loop as loop
from tests.benchmarks.backtest_memory import FIVE_YEARS, peak
from tests.benchmarks.measure import Effort, Goal, Row, interleaved
from tests.benchmarks.peers.alone.handover import Candles, Rules, averages, pairs, seeded
from tests.benchmarks.peers.market import made_up
from tradectl.engine.audience import NOBODY

#: Candles of a round.
LOOP, WHOLE, ARRAYS, SWEPT, HELD = 50_000, 50_000, 500_000, 50_000, 55_000
PAIRS = 200
#: Symbols at once in the memory row.
SYMBOLS = 20


class Made(Candles):
    """Candles as the peers' scripts have them, from memory."""

    def __init__(self, count: int) -> None:
        for name, values in made_up(count).items():
            setattr(self, name, values)


def rows(effort: Effort) -> Iterator[Row]:
    """Every row."""
    yield from _loop_rows(effort)
    yield _whole(effort)
    yield _arrays(effort)
    yield _sweep(effort)
    yield from _memory(effort)


def _loop_rows(effort: Effort) -> Iterator[Row]:
    count = effort.count(LOOP, 500)
    bars, quiet = loop.candles(count), loop.candles(count, loop.Fall)
    held = loop.candles(count, loop.Climb, 99_000.0)
    found = [loop.measure(bars, quiet, held, NOBODY) for _ in range(effort.rounds)]
    floor = {"Struct, dispatch, two EMAs": [it.floor_us for it in found]}
    words = "an EMA cross through the engine, with risk, queue and portfolio"
    yield Row(
        name="backtest.bar", what=f"a candle with no signal: {words}", unit="us",
        values=[it.stretch_us for it in found], floors=floor, goals=(Goal(1.8, next(iter(floor))),),
    )  # fmt: skip
    yield Row(
        name="backtest.alone", what="the same as an event of its own", unit="us", values=[it.bar_us for it in found],
        floors=floor,
    )  # fmt: skip
    yield Row(
        name="backtest.quiet", what="the same with the guard's look at every minute", unit="us",
        values=[it.quiet_us for it in found], floors=floor,
    )  # fmt: skip
    yield Row(
        name="backtest.held", what="the same while a position is held", unit="us",
        values=[it.held_us for it in found], floors=floor,
    )  # fmt: skip
    yield Row(
        name="backtest.order", what="what a candle with a market order and its fill costs more", unit="us",
        # Of a few candles there is nothing left when the quiet ones are taken away.
        values=[max(it.order_us, 0.0) for it in found],
    )  # fmt: skip


def _per_candle(count: int, work: Callable[[], object]) -> Callable[[], float]:
    def once() -> float:
        before = time.process_time()
        work()
        return (time.process_time() - before) / count * 1e6

    return once


def _whole(effort: Effort) -> Row:
    """``run_backtest`` from history to result."""
    from tests.benchmarks.peers.alone.tradectl_job import history_of, job_of
    from tradectl.backtest.runner import run_backtest
    from tradectl.strategies.ema_cross import EmaCross

    candles = Made(effort.count(WHOLE, 500))
    history, job = history_of(candles), job_of(candles)
    found = interleaved(effort.rounds, {
        "ours": _per_candle(len(candles), lambda: run_backtest(job, history, {"it": EmaCross})),
        "two EMAs in a loop": _per_candle(len(candles), lambda: _crossings(candles.close.tolist())),
    })  # fmt: skip
    return Row(
        name="backtest.run", what="a candle of a whole run, an EMA cross 10/30 that trades at every 27th", unit="us",
        values=found.pop("ours"), floors=found,
    )  # fmt: skip


def _crossings(closes: list[float]) -> int:
    fast, slow = averages(Rules.FAST), averages(Rules.SLOW)
    crossed, above = 0, False
    for close in closes:
        one, other = fast(close), slow(close)
        now = other is not None and one > other
        crossed += now is not above
        above = now
    return crossed


def _arrays(effort: Effort) -> Row:
    """One run over arrays beside the kernel alone."""
    from tests.benchmarks.peers.alone.tradectl_job import INFO, job_of, ours
    from tradectl.backtest.arrays.run import run_arrays
    from tradectl.strategies.ema_cross import EmaCross

    candles = Made(effort.count(ARRAYS, 2000))
    given, job = ours(candles), job_of(candles)
    params = {"fast": Rules.FAST, "slow": Rules.SLOW}
    jobs: dict[str, Callable[[], object]] = {
        "ours": lambda: run_arrays(job, given, EmaCross, params, INFO),
        "bare kernel": lambda: _kernel(candles.close, [(Rules.FAST, Rules.SLOW)], 1),
    }
    for work in jobs.values():
        work()  # compiled
    found = interleaved(effort.rounds, {name: _nano(len(candles), time.process_time, it) for name, it in jobs.items()})
    return Row(
        name="backtest.arrays", what="a candle of a run over arrays: signals, fills, equity and figures", unit="ns",
        values=found.pop("ours"), floors=found,
    )  # fmt: skip


def _sweep(effort: Effort) -> Row:
    """Many pairs over the same candles."""
    from tests.benchmarks.peers.alone.tradectl_job import INFO, job_of, ours
    from tradectl.backtest.arrays.sweep import sweep
    from tradectl.strategies.ema_cross import EmaCross

    candles, chosen = Made(effort.count(SWEPT, 2000)), pairs(effort.count(PAIRS, 8))
    given, job, threads = ours(candles), job_of(candles), len(os.sched_getaffinity(0))
    jobs: dict[str, Callable[[], object]] = {
        "ours": lambda: sweep(job, given, EmaCross, ("fast", "slow"), chosen, INFO),
        "bare kernel": lambda: _kernel(candles.close, chosen, threads),
    }
    for work in jobs.values():
        work()
    count = len(candles) * len(chosen)
    found = interleaved(effort.rounds, {name: _nano(count, time.perf_counter, it) for name, it in jobs.items()})
    return Row(
        name="backtest.sweep", what="a candle of one pair of a sweep, wall time on all cores", unit="ns",
        values=found.pop("ours"), floors=found, goals=(Goal(1 / 0.7, "bare kernel"),),
    )  # fmt: skip


def _nano(count: int, clock: Callable[[], float], work: Callable[[], object]) -> Callable[[], float]:
    def once() -> float:
        before = clock()
        work()
        return (clock() - before) / count * 1e9

    return once


def _kernel(close: Any, chosen: list[tuple[int, int]], threads: int) -> list[float]:
    from tests.benchmarks.peers.alone.kernels import average, walk

    known = {period: np.empty_like(close) for period in {it for row in chosen for it in row}}

    def one(row: tuple[int, int]) -> float:
        account = float(Rules.CASH), Rules.FEE, Rules.SHARE, Rules.LOT
        return float(walk(close, known[row[0]], known[row[1]], row[1], *account))

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(lambda it: average(seeded(close, it), it, known[it]), known))
        return list(pool.map(one, chosen))


def _memory(effort: Effort) -> Iterator[Row]:
    """Measured once: it does not vary."""
    one = peak(1, effort.count(ARRAYS, 1000), (10, 30))
    yield Row(
        name="backtest.peak", what="peak memory of a run of 500,000 candles from the store, in a process of its own",
        unit="MB", values=[one["mb"]], goals=(Goal(250.0),), note=f"{one['fills']:,.0f} fills",
    )  # fmt: skip
    candles = effort.count(HELD, 1000)
    many = peak(SYMBOLS, candles)
    yield Row(
        name="backtest.memory", what=f"the same of {SYMBOLS} symbols at once, {candles:,} candles each", unit="MB",
        values=[many["mb"]], goals=(Goal(1000.0),),
        note=f"{many['fills']:,.0f} fills; {FIVE_YEARS:,} each by python -m tests.benchmarks.backtest_memory",
    )  # fmt: skip
