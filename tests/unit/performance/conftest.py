"""Equity curves: from real candles where they are, and always from a generated walk; fills of a made-up book."""

import csv
import gzip
import math
import os
import random
from decimal import Decimal
from pathlib import Path

import pytest

from tradectl.model.instruments import Category, InstrumentId
from tradectl.performance.fills import Fill
from tradectl.performance.returns import DAY, Mark

BTC = InstrumentId(Category.LINEAR, "BTCUSDT")
_REAL = {
    "btc": "candles/bybit_linear_BTCUSDT_1h_to_2025-09.csv.gz",
    "eth": "candles/bybit_linear_ETHUSDT_1h_to_2025-09.csv.gz",
    "crash": "candles/binance_spot_BTCUSDT_1m_2021-03_2021-04.csv.gz",
}


def _closes(path: Path) -> list[tuple[int, Decimal]]:
    with gzip.open(path, "rt") as file:
        return [(int(row["timestamp"]) * 1_000_000, Decimal(row["close"])) for row in csv.DictReader(file)]


def _held(closes: list[tuple[int, Decimal]]) -> list[Mark]:
    """The equity of holding a fixed amount beside as much cash: a curve that moves as markets do."""
    size = Decimal(5_000) / closes[0][1]
    return [Mark(at, 5_000 + size * price) for at, price in closes]


def _walk(seed: int) -> list[Mark]:
    draw, price = random.Random(seed), 60_000.0
    closes = []
    for hour in range(24 * 400):
        price *= math.exp(draw.gauss(0.0, 0.006))
        closes.append((1_700_000_000 * 10**9 + hour * DAY // 24, Decimal(f"{price:.2f}")))
    return _held(closes)


CURVES = ["walk-1", "walk-2", "walk-3", *(_REAL if os.environ.get("TRADECTL_TEST_DATA") else ())]


@pytest.fixture(scope="session", params=CURVES)
def curve(request: pytest.FixtureRequest) -> list[Mark]:
    """One equity curve: three generated ones, and three real ones where the data is."""
    name: str = request.param
    if name in _REAL:
        return _held(_closes(Path(os.environ["TRADECTL_TEST_DATA"]) / _REAL[name]))
    return _walk(int(name.removeprefix("walk-")))


class FillMaker:
    """Fills of one book at whole seconds, with the realised profit a book of average cost would state."""

    def __init__(self) -> None:
        self.size = self.cost = Decimal(0)
        self.count = 0

    def __call__(
        self, qty: str, price: str, fee: str = "0", funding: str = "0", slippage: str = "0", at: int | None = None
    ) -> Fill:
        self.count += 1
        q, p = Decimal(qty), Decimal(price)
        realised = self._book(q, p) if q else Decimal(0)
        moment = (self.count if at is None else at) * 10**9
        return Fill(
            f"e{self.count:05}", moment, "ema", BTC, q, p, q * p, Decimal(fee), Decimal(funding), realised,
            Decimal(slippage), False, "USDT", Decimal(fee),
        )  # fmt: skip

    def _book(self, qty: Decimal, price: Decimal) -> Decimal:
        closing = min(abs(qty), abs(self.size)) if qty * self.size < 0 else Decimal(0)
        sign = 1 if self.size > 0 else -1
        share = self.cost * closing / abs(self.size) if closing else Decimal(0)
        realised = sign * closing * price - share
        self.cost += qty * price + realised
        self.size += qty
        return realised


@pytest.fixture
def fill() -> FillMaker:
    return FillMaker()
