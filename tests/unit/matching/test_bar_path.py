"""Prints of a candle aggregate to exactly that candle."""

import csv
import gzip
import os
from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.matching.support import BUY, SELL, D
from tradectl.matching.bar_path import Print, bar_prints
from tradectl.model.money import use_exact_context

Candle = tuple[Decimal, Decimal, Decimal, Decimal, Decimal]
TICK, LOT = D("0.1"), D("0.001")


def aggregate(prints: list[Print]) -> Candle:
    prices = [item.price for item in prints]
    return prices[0], max(prices), min(prices), prices[-1], sum((item.qty for item in prints), D(0))


def check(candle: Candle) -> None:
    prints = bar_prints(*candle, TICK, LOT)
    if candle[4] == 0:
        assert prints == []
        return
    assert aggregate(prints) == candle
    assert len(prints) <= 4
    assert all(item.qty > 0 for item in prints)
    for before, after in pairwise(prints):
        assert after.side is (BUY if after.price > before.price else SELL)


@st.composite
def candles(draw: st.DrawFn) -> Candle:
    ticks = sorted(draw(st.lists(st.integers(1, 2_000_000), min_size=4, max_size=4)))
    inner = ticks[1:3] if draw(st.booleans()) else ticks[2:0:-1]
    edge = draw(st.sampled_from(["inside", "at low", "at high"]))
    first = {"inside": inner[0], "at low": ticks[0], "at high": ticks[3]}[edge]
    volume = draw(st.integers(0, 10**9)) * draw(st.sampled_from([D("0.001"), D("0.00001"), D("0.1"), D(1)]))
    return first * TICK, ticks[3] * TICK, ticks[0] * TICK, inner[1] * TICK, volume


@given(candles())
def test_prints_aggregate_to_the_candle(candle: Candle) -> None:
    use_exact_context()
    check(candle)


def test_a_rising_candle_goes_low_first_and_a_falling_one_high_first() -> None:
    rising = bar_prints(D(100), D(120), D(90), D(110), D(4), TICK, LOT)
    assert [(item.price, item.qty, item.side) for item in rising] == [
        (D(100), D(1), BUY), (D(90), D(1), SELL), (D(120), D(1), BUY), (D(110), D(1), SELL),
    ]  # fmt: skip
    falling = bar_prints(D(110), D(120), D(90), D(100), D(4), TICK, LOT)
    assert [item.price for item in falling] == [D(110), D(120), D(90), D(100)]


def test_equal_neighbours_are_one_print() -> None:
    assert bar_prints(D(5), D(5), D(5), D(5), D("0.007"), TICK, LOT) == [Print(D(5), D("0.007"), BUY)]
    assert len(bar_prints(D(5), D(6), D(5), D(6), D("0.007"), TICK, LOT)) == 2


def test_whole_lots_where_the_volume_allows_it() -> None:
    prints = bar_prints(D(100), D(120), D(90), D(110), D("0.010"), TICK, LOT)
    assert [item.qty for item in prints] == [D("0.002"), D("0.002"), D("0.002"), D("0.004")]
    tiny = bar_prints(D(100), D(120), D(90), D(110), D("0.001"), TICK, LOT)
    assert [item.qty for item in tiny] == [D("0.0002"), D("0.0002"), D("0.0002"), D("0.0004")]


@pytest.mark.parametrize(
    "candle",
    [
        ("10", "9", "8", "9", "1"),
        ("10", "11", "10.5", "11", "1"),
        ("10", "11", "9", "12", "1"),
        ("10", "11", "9", "10", "-1"),
        ("0", "11", "0", "10", "1"),
        ("10.05", "11", "9", "10", "1"),
    ],
)
def test_impossible_candles_are_refused(candle: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match=r"candle|tick"):
        bar_prints(*map(Decimal, candle), TICK, LOT)


def recorded() -> Iterator[Candle]:
    folder = os.environ.get("TRADECTL_TEST_DATA", "")
    path = Path(folder) / "candles" / "bybit_linear_BTCUSDT_1m_2025-06.csv.gz"
    if not folder or not path.exists():
        pytest.skip("TRADECTL_TEST_DATA does not name the recorded candles")
    with gzip.open(path, "rt") as file:
        for row in csv.DictReader(file):
            yield D(row["open"]), D(row["high"]), D(row["low"]), D(row["close"]), D(row["volume"])


def generated() -> Iterator[Candle]:
    random, price = Random(1), 1_000_000
    for _ in range(43_200):
        path = [price + random.randint(-400, 400) for _ in range(4)]
        first, price = price, path[-1]
        volume = random.choice([0, 1, 3, random.randint(1, 900_000)]) * LOT
        yield first * TICK, max(first, *path) * TICK, min(first, *path) * TICK, price * TICK, volume


@pytest.mark.parametrize("source", [recorded, generated])
def test_a_month_of_candles(source: object) -> None:
    count = 0
    for candle in recorded() if source is recorded else generated():
        prints = bar_prints(*candle, TICK, LOT)
        assert not prints if candle[4] == 0 else aggregate(prints) == candle
        count += 1
    assert count == 43_200
