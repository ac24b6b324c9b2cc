"""Candles, trades and files of them for the tests of the store and the import."""

import gzip
from pathlib import Path

import numpy as np

from tradectl.history.series import Candles, Kind, SeriesId, Tape
from tradectl.model.instruments import Category, InstrumentId

BTC = InstrumentId(Category.LINEAR, "BTCUSDT")
MINUTES = SeriesId(BTC, Kind.CANDLES, "1m")
TRADES = SeriesId(BTC, Kind.TRADES)
FUNDING = SeriesId(BTC, Kind.FUNDING)
MINUTE = 60_000_000_000
HOUR = 60 * MINUTE
#: 2025-06-01 00:00 UTC.
T0 = 1_748_736_000_000_000_000
HEADER = "timestamp,open,high,low,close,volume"


def candles(count: int, start: int = T0, step: int = MINUTE, seed: int = 1, first: float = 100.0) -> Candles:
    """Random candles that keep every rule, on a grid without gaps; prices with one decimal, volumes with three."""
    rng = np.random.default_rng(seed)
    close = np.round(first + np.cumsum(rng.normal(0, 0.1, count)), 1)
    open_ = np.concatenate(([first], close[:-1]))
    high = np.round(np.maximum(open_, close) + rng.integers(0, 5, count) / 10, 1)
    low = np.round(np.minimum(open_, close) - rng.integers(0, 5, count) / 10, 1)
    volume = np.round(rng.random(count) * 10 + 0.001, 3)
    return Candles(start + step * np.arange(count, dtype=np.int64), open_, high, low, close, volume)


def tape(*rows: tuple[int, float, float, int]) -> Tape:
    """Trades: nanoseconds after ``T0``, price, size, side."""
    times, prices, sizes, sides = zip(*rows, strict=True)
    return Tape(
        np.array(times, np.int64) + T0, np.array(prices, float), np.array(sizes, float), np.array(sides, np.int8)
    )


def row(minute: int, price: float = 100.0, volume: float = 1.0, **changed: str) -> str:
    """A CSV line of a candle; single cells may be changed."""
    cells = {"time": str((T0 + minute * MINUTE) // 10**6), "open": f"{price}", "high": f"{price + 1}",
             "low": f"{price - 1}", "close": f"{price}", "volume": f"{volume}"} | changed  # fmt: skip
    return ",".join(cells.values())


def write(path: Path, *lines: str) -> Path:
    """A text file of these lines, packed where its name says gzip."""
    data = ("\n".join(lines) + "\n").encode()
    path.write_bytes(gzip.compress(data) if path.name.endswith(".gz") else data)
    return path


def csv_of(rows: Candles) -> list[str]:
    """The candles as CSV lines, header first."""
    cells = zip(rows.open_time // 10**6, *(it.tolist() for it in rows.arrays()[1:6]), strict=True)
    return [HEADER, *(",".join(map(str, it)) for it in cells)]
