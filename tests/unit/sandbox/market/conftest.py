"""Candle files for the market's tests: generated ones, and the real month where it is at hand."""

import gzip
import os
import random
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from tradectl.model.money import use_exact_context

T0 = 1_748_736_000_000


@pytest.fixture(autouse=True)
def _exact() -> None:
    use_exact_context()


def candle_lines(count: int, seed: int = 7) -> Iterator[str]:
    """A random walk on a tick of 0.1 with volumes in lots of 0.001: jumps, flat bars and bars without volume too."""
    rng = random.Random(seed)
    close = 1_000_000
    for i in range(count):
        open_ = close if rng.random() < 0.9 else close + rng.randrange(-50, 50)
        close = max(1000, open_ + rng.randrange(-400, 401)) if rng.random() < 0.97 else open_
        high, low = max(open_, close) + rng.randrange(0, 200), min(open_, close) - rng.randrange(0, 200)
        volume = rng.choice((rng.randrange(1, 500_000), rng.randrange(1, 9)))
        if rng.random() < 0.01:
            open_ = high = low = close
            volume = 0
        prices = ",".join(str(Decimal(p).scaleb(-1)) for p in (open_, high, low, close))
        yield f"{T0 + 60_000 * i},{prices},{Decimal(volume).scaleb(-3)}\n"


@pytest.fixture
def candle_file(tmp_path: Path) -> Callable[..., Path]:
    """Writes a candle file of so many rows."""

    def write(count: int, seed: int = 7, skip: frozenset[int] = frozenset()) -> Path:
        path = tmp_path / f"candles-{count}-{seed}.csv.gz"
        lines = [line for i, line in enumerate(candle_lines(count, seed)) if i not in skip]
        path.write_bytes(gzip.compress(("timestamp,open,high,low,close,volume\n" + "".join(lines)).encode()))
        return path

    return write


@pytest.fixture
def month_file(candle_file: Callable[..., Path]) -> Path:
    """43,200 one-minute candles: the real month where it is at hand, else its generated twin."""
    folder = os.environ.get("TRADECTL_TEST_DATA")
    if not folder:
        return candle_file(43_200)
    return Path(folder) / "candles" / "bybit_linear_BTCUSDT_1m_2025-06.csv.gz"
