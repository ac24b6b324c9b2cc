"""The last bar of each day, whether bars are missing or not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradectl.backtest.arrays.prepared import _day_ends
from tradectl.model.market_data import INTERVALS

DAY = INTERVALS["1d"]


def slowly(opens: list[int], length: int, first: int) -> list[int]:
    last: dict[int, int] = {}
    for place in range(first, len(opens)):
        last[(opens[place] + length - 1) // DAY] = place
    return sorted(last.values())


@pytest.mark.parametrize("interval", ["1h", "4h", "1d"])
@given(st.integers(0, 90), st.integers(1, 200), st.integers(0, 199), st.sets(st.integers(0, 199), max_size=60))
def test_it_is_the_last_bar_that_closes_by_midnight(
    interval: str, begin: int, count: int, first: int, missing: set[int]
) -> None:
    length = INTERVALS[interval]
    opens = [20_000 * DAY + (begin + i) * length for i in range(count) if i not in missing]
    if not opens:
        return
    first = min(first, len(opens) - 1)
    assert _day_ends(np.array(opens, np.int64), length, first).tolist() == slowly(opens, length, first)
