"""Candles, instrument and jobs for runs over arrays, and the event-driven run they are held against."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import numpy as np

from tradectl.backtest.arrays.run import ArrayResult, run_arrays
from tradectl.backtest.job import BacktestJob, BacktestResult
from tradectl.backtest.limits import wide_open
from tradectl.backtest.runner import run_backtest
from tradectl.engine.config import StrategyConfig
from tradectl.engine.strategy import Strategy
from tradectl.history.reading import MemoryHistory
from tradectl.history.series import Candles, Columns, Kind, Points, SeriesId
from tradectl.model.instruments import Category, Instrument, InstrumentId

MINUTE = 60_000_000_000
#: 2025-06-01T00:00:00Z.
T0 = 1_748_736_000_000_000_000
BTC = InstrumentId(Category.LINEAR, "BTCUSDT")
INFO = Instrument(
    BTC, "BTC", "USDT", "USDT", Decimal("0.1"), Decimal("0.001"), Decimal("0.001"), Decimal(1000), Decimal(500),
    Decimal(5), max_leverage=Decimal(100), funding_interval=480,
)  # fmt: skip


def candles(count: int, seed: int = 1, wild: float = 0.001, start: float = 60_000.0, tick: float = 0.1) -> Candles:
    """A random walk on the tick, with opens beside the close before."""
    draw = np.random.default_rng(seed)
    digits = round(-np.log10(tick))
    close = np.round(start * np.exp(np.cumsum(draw.normal(0, wild, count))), digits)
    before = np.concatenate(([start], close[:-1]))
    open_ = np.round(before * (1 + draw.normal(0, wild / 10, count)), digits)
    reach = draw.exponential(wild / 2, (2, count))
    high = np.round(np.maximum(open_, close) * (1 + reach[0]), digits)
    low = np.round(np.minimum(open_, close) * (1 - reach[1]), digits)
    times = T0 + np.arange(count) * MINUTE
    return Candles(times, open_, high, low, close, draw.uniform(1, 9, count))


def with_gaps(given: Candles, seed: int = 3) -> Candles:
    """Some of the candles are missing."""
    keep = np.random.default_rng(seed).random(len(given)) > 0.05
    return Candles(*(column[keep] for column in given.arrays()))


def job_of(given: Candles, params: Mapping[str, Any], warm: int = 0, capital: str = "0.95", **more: Any) -> BacktestJob:
    """One strategy, named ``it``, from candle ``warm`` to the last."""
    return BacktestJob(
        strategies=(StrategyConfig(name="it", class_="it", capital=Decimal(capital), params=dict(params)),),
        instruments=(BTC,), interval="1m", since=int(given.open_time[warm]), until=int(given.open_time[-1]) + MINUTE,
        **{"limits": wide_open(), **more},
    )  # fmt: skip


def both_ways(
    job: BacktestJob, given: Candles, cls: type[Strategy], funding: Points | None = None, info: Instrument = INFO
) -> tuple[ArrayResult, BacktestResult]:
    """The same job over arrays and through the engine."""
    data: dict[SeriesId, Columns] = {SeriesId(info.id, Kind.CANDLES, "1m"): given}
    if funding is not None:
        data[SeriesId(info.id, Kind.FUNDING)] = funding
    fast = run_arrays(job, given, cls, job.strategies[0].params, info, funding)
    return fast, run_backtest(job, MemoryHistory(data, [info]), {"it": cls})


Row = tuple[int, str, Decimal, Decimal, Decimal, int]


def fast_fills(result: ArrayResult) -> list[Row]:
    """Time, side, size, price, fee and number of orders of each trade."""
    return [(f.at, f.side.value, f.qty, f.price, f.fee, f.orders) for f in result.fills]


def slow_fills(result: BacktestResult) -> list[Row]:
    """As :func:`fast_fills`: executions of one moment that close, and those that open, count as one."""
    rows: list[Row] = []
    parts: list[bool] = []
    for booked in result.executions:
        done = booked.execution
        if done.type != "Trade":
            continue
        closes = booked.execution.closed_qty > 0
        row = (done.ts, done.side.value, done.qty, done.price, done.fee, 1)
        if rows and rows[-1][:2] == row[:2] and parts[-1] is closes:
            last = rows.pop()
            row = (*row[:2], last[2] + row[2], row[3], last[4] + row[4], last[5] + 1)
            parts.pop()
        rows.append(row)
        parts.append(closes)
    return rows


def assert_same(fast: ArrayResult, slow: BacktestResult) -> None:
    """Every trade, every sample of equity and the end are the same, to the last digit."""
    assert fast_fills(fast) == slow_fills(slow)
    assert fast.final_equity == slow.final_equity
    curve = dict(zip(fast.times.tolist(), fast.equity.tolist(), strict=True))
    assert [curve[it.at] for it in slow.samples if it.at in curve] == [
        float(it.equity) for it in slow.samples if it.at in curve
    ]
    assert not slow.stopped
