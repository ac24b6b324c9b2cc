"""Small histories for tests: candles from closes, and jobs over them."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import numpy as np

from tradectl.backtest.job import BacktestJob
from tradectl.backtest.limits import wide_open
from tradectl.engine.config import StrategyConfig
from tradectl.history.reading import MemoryHistory
from tradectl.history.series import Candles, Columns, Kind, Points, SeriesId
from tradectl.model.instruments import Category, Instrument, InstrumentId
from tradectl.simulation.models import FixedSpread, Models

BTC = InstrumentId(Category.LINEAR, "BTCUSDT")
ETH = InstrumentId(Category.LINEAR, "ETHUSDT")
MINUTE = 60_000_000_000
START = 1_767_225_600_000_000_000  # 2026-01-01 00:00 UTC
NO_SPREAD = Models(spread=FixedSpread(0))


def instrument(id_: InstrumentId = BTC, tick: str = "0.1", lot: str = "0.001") -> Instrument:
    """A perpetual without surprises."""
    base = id_.symbol.removesuffix("USDT")
    return Instrument(
        id_, base, "USDT", "USDT", Decimal(tick), Decimal(lot), Decimal(lot), Decimal(10**6), Decimal(10**6),
        Decimal(5), Decimal(tick), Decimal(10**7), Decimal(100), 480,
    )  # fmt: skip


def candles(rows: Sequence[tuple[float, float, float, float]], start: int = START, length: int = MINUTE) -> Candles:
    """From (open, high, low, close)."""
    table = np.array(rows, dtype=np.float64)
    times = start + np.arange(len(rows), dtype=np.int64) * length
    return Candles(times, *(np.ascontiguousarray(table[:, i]) for i in range(4)), np.full(len(rows), 10.0))


def of_closes(closes: Sequence[float], start: int = START) -> Candles:
    """Each opens where the one before closed; high and low are no further than open and close."""
    opens = [closes[0], *closes[:-1]]
    return candles([(o, max(o, c), min(o, c), c) for o, c in zip(opens, closes, strict=True)], start)


def walk(count: int, seed: int = 1, start: int = START, price: float = 60_000.0) -> Candles:
    """A random walk with wicks, on a tick of 0.1."""
    rng = np.random.default_rng(seed)
    close = np.round(price * np.exp(np.cumsum(rng.normal(0, 0.001, count))), 1)
    open_ = np.concatenate([[price], close[:-1]])
    high = np.round(np.maximum(open_, close) + rng.integers(0, 300, count) / 10, 1)
    low = np.round(np.minimum(open_, close) - rng.integers(0, 300, count) / 10, 1)
    times = start + np.arange(count, dtype=np.int64) * MINUTE
    return Candles(times, open_, high, low, close, np.round(rng.random(count) * 100, 3))


def history(data: dict[InstrumentId, Candles], funding: dict[InstrumentId, Points] | None = None) -> MemoryHistory:
    """One-minute candles and funding of perpetuals."""
    series: dict[SeriesId, Columns] = {SeriesId(i, Kind.CANDLES, "1m"): it for i, it in data.items()}
    series |= {SeriesId(i, Kind.FUNDING): it for i, it in (funding or {}).items()}
    return MemoryHistory(series, [instrument(i) for i in data])


def job(
    data: dict[InstrumentId, Candles], class_: str, params: dict[str, Any] | None = None, **more: Any
) -> BacktestJob:
    """A job of one instance over all of the data, without spread, fees as they are."""
    one = StrategyConfig(
        name="it", class_=class_, capital=Decimal(1), params=params or {}, max_intents_per_minute=10**5
    )
    first = min(int(it.open_time[0]) for it in data.values())
    last = max(int(it.open_time[-1]) for it in data.values())
    settings: dict[str, Any] = {"models": NO_SPREAD, "limits": wide_open(), "since": first, "until": last + MINUTE}
    settings |= more
    return BacktestJob(strategies=(one,), instruments=tuple(data), interval="1m", **settings)
