"""Parts of a series joined: the same rows, copied only where they do not lie side by side already."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tradectl.history.columns import joined, made
from tradectl.history.series import Columns, Kind

WHOLE = np.arange(40, dtype=np.int64), np.arange(40, dtype=np.float64)


def points(begin: int, end: int, step: int = 1) -> Columns:
    return made(Kind.FUNDING, [column[begin:end:step] for column in WHOLE])


def shares(columns: Columns) -> bool:
    return all(np.shares_memory(a, b) for a, b in zip(columns.arrays(), WHOLE, strict=True))


def test_parts_cut_side_by_side_are_one_part_without_a_copy() -> None:
    found = joined(Kind.FUNDING, [points(3, 10), points(10, 11), points(11, 30)])
    assert found.arrays()[0].tolist() == list(range(3, 30))
    assert shares(found)


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40), st.integers(-2, 3).filter(bool)), min_size=1))
def test_whatever_the_parts_are_their_rows_follow_each_other(cuts) -> None:
    parts = [points(*it) for it in cuts]
    wanted = [value for part in parts for value in part.arrays()[0].tolist()]
    for column in joined(Kind.FUNDING, parts).arrays():
        assert column.tolist() == wanted


def test_parts_of_other_arrays_are_copied() -> None:
    strange = made(Kind.FUNDING, [column[10:20].copy() for column in WHOLE])
    found = joined(Kind.FUNDING, [points(0, 10), strange])
    assert found.arrays()[0].tolist() == list(range(20))
    assert not shares(found)
