"""The way a candle's price took."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from tradectl.simulation.models import DirectionPath
from tradectl.simulation.path import EDGE, corners, moments, stop_on_the_way

PRICE = st.integers(1, 1000)


def test_a_rising_or_level_bar_saw_its_low_first_and_a_falling_one_its_high() -> None:
    assert corners(DirectionPath(), 10, 12, 9, 11) == (10, 9, 12, 11)
    assert corners(DirectionPath(), 10, 12, 9, 10) == (10, 9, 12, 10)
    assert corners(DirectionPath(), 11, 12, 9, 10) == (11, 12, 9, 10)


@given(st.integers(0, 10**15), st.integers(4 * EDGE, 10**15))
def test_the_corners_lie_inside_the_bar_in_order(start: int, length: int) -> None:
    found = moments(start, length)
    assert found[0] == start + EDGE
    assert found[-1] == start + length - EDGE
    assert list(found) == sorted(found)


@given(PRICE, PRICE, st.lists(PRICE))
def test_from_stop_to_stop_a_way_meets_each_point_between_its_ends_once_and_in_order(
    here: int, there: int, points: list[int]
) -> None:
    at, met = float(here), []
    while (stop := stop_on_the_way(at, float(there), [Decimal(it) for it in points])) is not None:
        met.append(stop)
        at = stop
    low, high = min(here, there), max(here, there)
    assert met == sorted({float(it) for it in points if low < it < high}, reverse=there < here)
