"""Longer candles from shorter ones are what the venue's own would be, to the bit."""

import os
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.history.made import HOUR, MINUTE, MINUTES, T0, candles
from tests.unit.history.test_merge import InParts
from tradectl.history.market_file import read_market_file
from tradectl.history.resample import resample, resampled
from tradectl.history.series import Candles
from tradectl.model.errors import Problem
from tradectl.model.market_data import INTERVALS

REAL = Path(os.environ.get("TRADECTL_TEST_DATA", "")) / "candles"
DAY = 24 * HOUR


def slowly(rows: Candles, length: int, offset: int = 0) -> dict[int, tuple[float, ...]]:
    """The oracle: one candle after the other, volumes added as decimals."""
    made: dict[int, list[Decimal]] = {}
    for time, *values in zip(*(it.tolist() for it in rows.arrays()), strict=True):
        opened = (time - offset) // length * length + offset
        open_, high, low, close, volume, turnover = (Decimal(repr(it)) for it in values)
        if opened not in made:
            made[opened] = [open_, high, low, close, volume, turnover]
            continue
        bar = made[opened]
        made[opened] = [bar[0], max(bar[1], high), min(bar[2], low), close, bar[4] + volume, bar[5] + turnover]
    return {time: tuple(map(float, bar)) for time, bar in made.items()}


def as_dict(rows: Candles) -> dict[int, tuple[float, ...]]:
    return {int(time): tuple(map(float, it)) for time, *it in zip(*rows.arrays(), strict=True)}


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 400), st.integers(0, 500), st.sampled_from(["3m", "15m", "1h", "4h"]),
    st.sets(st.integers(0, 399), max_size=60), st.integers(0, 10),
)  # fmt: skip
def test_resampling_is_what_one_would_do_by_hand(
    count: int, start: int, longer: str, holes: set[int], seed: int
) -> None:
    rows = candles(count, T0 + start * MINUTE, seed=seed)
    keep = [place for place in range(count) if place not in holes]
    rows = Candles(*(it[keep] for it in rows.arrays()))
    made = resample(rows, "1m", longer, "none")
    assert as_dict(made.candles) == slowly(rows, INTERVALS[longer])
    assert made.made_of.sum() == len(rows)
    if len(rows):
        assert set(as_dict(resample(rows, "1m", longer, "incomplete").candles)) == {
            int(time) for time, whole in zip(made.candles.open_time, ~made.incomplete, strict=True) if whole
        }


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 300), st.integers(0, 200), st.integers(1, 90), st.sets(st.integers(0, 299), max_size=40))
def test_part_by_part_is_the_same_as_at_once(count: int, start: int, size: int, holes: set[int]) -> None:
    rows = candles(count, T0 + start * MINUTE)
    keep = [place for place in range(count) if place not in holes]
    rows = Candles(*(it[keep] for it in rows.arrays()))
    history = InParts({MINUTES: rows})
    history.size = size
    parts = list(resampled(history, MINUTES, "15m", 0, 2**61))
    wanted = as_dict(resample(rows, "1m", "15m").candles)
    assert {time: bar for part in parts for time, bar in as_dict(part).items()} == wanted


def test_edges_that_are_not_whole_are_left_out_and_holes_are_marked() -> None:
    rows = candles(180, T0 + 10 * MINUTE)
    rows = Candles(*(np.delete(it, 75) for it in rows.arrays()))  # a hole inside the second hour
    made = resample(rows, "1m", "1h")
    assert made.candles.open_time.tolist() == [T0 + HOUR, T0 + 2 * HOUR]
    assert made.incomplete.tolist() == [True, False]
    assert made.made_of.tolist() == [59, 60]


def test_weeks_begin_on_monday() -> None:
    made = resample(candles(30, T0, DAY), "1d", "1w")  # 2025-06-01 is a Sunday
    assert [str(np.datetime64(int(it), "ns").astype("datetime64[D]")) for it in made.candles.open_time] == [
        "2025-06-02", "2025-06-09", "2025-06-16", "2025-06-23",
    ]  # fmt: skip


def test_sums_are_those_of_decimals_even_where_floats_drift() -> None:
    rows = candles(60)
    rows.volume = np.full(60, 0.1)
    assert resample(rows, "1m", "1h").candles.volume.tolist() == [6.0]
    rows.volume = np.full(60, 1 / 3)  # no venue's number: added as well as floats can
    assert resample(rows, "1m", "1h").candles.volume.tolist() == [pytest.approx(20)]


@pytest.mark.parametrize(("shorter", "longer"), [("1h", "1m"), ("3m", "5m"), ("1w", "1d"), ("2h", "3m")])
def test_what_is_no_multiple_is_refused(shorter: str, longer: str) -> None:
    with pytest.raises(Problem, match=f"candles of {longer} cannot be made from candles of {shorter}"):
        resample(candles(3), shorter, longer)


@pytest.mark.skipif(not REAL.is_dir(), reason="TRADECTL_TEST_DATA names no folder; the generated twins run")
def test_real_minutes_give_the_venues_own_hours() -> None:
    minutes = read_market_file(REAL / "bybit_linear_BTCUSDT_1m_2025-06.csv.gz").columns
    hours = read_market_file(REAL / "bybit_linear_BTCUSDT_1h_to_2025-09.csv.gz").columns
    assert isinstance(minutes, Candles)
    assert isinstance(hours, Candles)
    made, known = as_dict(resample(minutes, "1m", "1h").candles), as_dict(hours)
    both = set(made) & set(known)
    assert len(both) == 719
    assert [time for time in both if made[time] != known[time]] == []
