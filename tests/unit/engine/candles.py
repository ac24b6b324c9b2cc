"""One-minute candles for tests: recorded ones where ``TRADECTL_TEST_DATA`` names them, and generated twins."""

import csv
import gzip
import math
import os
import random
from functools import cache
from pathlib import Path

from tradectl.model.market_data import Bar

MINUTE = 60_000_000_000
#: How many bars a recorded month holds; the twin has as many.
MONTH = 43_200


@cache
def recorded(symbol: str = "BTCUSDT") -> tuple[Bar, ...]:
    """Bybit's linear one-minute candles of June 2025, or nothing when there are none on this machine."""
    folder = os.environ.get("TRADECTL_TEST_DATA", "")
    path = Path(folder) / "candles" / f"bybit_linear_{symbol}_1m_2025-06.csv.gz"
    if not folder or not path.is_file():
        return ()
    with gzip.open(path, "rt") as file:
        rows = list(csv.reader(file))[1:]
    return tuple(Bar(int(r[0]) * 1_000_000, *map(float, r[1:6])) for r in rows)


@cache
def generated(seed: int, count: int = MONTH, price: float = 100_000.0) -> tuple[Bar, ...]:
    """A random walk on a grid of 0.1 with quiet and wild hours, standstills and minutes without trades."""
    draw = random.Random(seed)
    bars, close = [], price
    start = 1_748_736_000_000_000_000
    for number in range(count):
        if number % 977 < 40:  # nothing moves
            bars.append(Bar(start + number * MINUTE, close, close, close, close, 0.0))
            continue
        wild = 0.0004 * math.exp(math.sin(number / 300.0))
        first = close
        close = round(max(first * (1 + draw.gauss(0.0, wild)), 1.0), 1)
        high = round(max(first, close) * (1 + abs(draw.gauss(0.0, wild / 2))), 1)
        low = round(min(first, close) * (1 - abs(draw.gauss(0.0, wild / 2))), 1)
        bars.append(
            Bar(start + number * MINUTE, first, max(high, first, close), min(low, first, close), close,
                round(draw.expovariate(0.02), 3))
        )  # fmt: skip
    return tuple(bars)
