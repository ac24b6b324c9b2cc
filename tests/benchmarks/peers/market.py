"""The candles all are given: made up, or of a file; whole multiples of a tick, stored column by column."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tests.benchmarks.peers.alone.handover import COLUMNS, MINUTE

#: 2025-01-01T00:00:00Z.
T0 = 1_735_689_600_000_000_000
START = 60_000.0
VOLATILITY = 0.0008

Columns = dict[str, NDArray[np.float64]]


def made_up(count: int, seed: int = 1) -> Columns:
    """A random walk of minutes on a tick of 0.1; each candle opens where the one before closed."""
    draw = np.random.default_rng(seed)
    steps = draw.normal(0, VOLATILITY, count)
    walk = np.cumsum(steps)
    # It is drawn back to where it began, so that no number of candles makes the price absurd.
    close = np.round(START * np.exp(walk - np.linspace(0, walk[-1], count)), 1)
    before = np.concatenate(([START], close[:-1]))
    reach = draw.exponential(START * VOLATILITY / 4, (2, count))
    return {
        "time": T0 + np.arange(count) * MINUTE,
        "open": before,
        "high": np.round(np.maximum(before, close) + reach[0], 1),
        "low": np.round(np.minimum(before, close) - reach[1], 1),
        "close": close,
        "volume": np.round(draw.uniform(10, 90, count), 3),
    }  # fmt: skip


def of_file(path: Path) -> Columns:
    """One-minute candles of a file ``tradectl data import`` takes."""
    from tradectl.history.open_history import open_history
    from tradectl.history.series import Candles, Kind

    history = open_history(path)
    series = next(it for it in history.series() if it.kind is Kind.CANDLES and it.interval == "1m")
    parts = [it for it in history.read(series, 0, 1 << 62) if isinstance(it, Candles)]
    columns = {name: np.concatenate([getattr(it, name) for it in parts]) for name in COLUMNS}
    return {"time": np.concatenate([it.open_time for it in parts]), **columns}


def store(columns: Columns, folder: Path) -> Path:
    """Write each column as a file of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, values in columns.items():
        np.save(folder / f"{name}.npy", values)
    return folder
