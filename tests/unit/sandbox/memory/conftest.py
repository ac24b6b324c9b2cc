"""A small candle file, and a client that trades on it by rule."""

import random
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from tradectl.model.money import use_exact_context

T0 = 1_748_736_000_000


@pytest.fixture(autouse=True)
def _exact() -> None:
    use_exact_context()


@pytest.fixture
def candle_file(tmp_path: Path) -> Callable[[int], Path]:
    """Writes a candle file of so many rows, ending over a funding settlement when it is long enough."""

    def write(count: int) -> Path:
        rng, price, lines = random.Random(3), 1_000_000, []
        for i in range(count):
            close = price + rng.randrange(-300, 301)
            high, low = max(price, close) + rng.randrange(100), min(price, close) - rng.randrange(100)
            prices = ",".join(str(Decimal(p).scaleb(-1)) for p in (price, high, low, close))
            lines.append(f"{T0 + 60_000 * i},{prices},{Decimal(rng.randrange(1, 90_000)).scaleb(-3)}\n")
            price = close
        path = tmp_path / "candles.csv"
        path.write_text("timestamp,open,high,low,close,volume\n" + "".join(lines))
        return path

    return write
