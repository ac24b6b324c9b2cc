"""Series read together come in the order of time, complete, and a window at a time."""

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.history.made import BTC, FUNDING, HOUR, MINUTE, MINUTES, T0, TRADES, candles, tape
from tradectl.history.merge import delay_of, merged, windows
from tradectl.history.reading import MemoryHistory
from tradectl.history.series import Columns, Kind, Points, SeriesId

HOURS = SeriesId(BTC, Kind.CANDLES, "1h")


class InParts(MemoryHistory):
    """History that hands out at most ``size`` rows at once, and remembers how many it has handed out."""

    size = 3
    handed = 0

    def read(self, series: SeriesId, since: int, until: int) -> Iterator[Columns]:
        for part in super().read(series, since, until):
            for start in range(0, len(part), self.size):
                self.handed += len(part.rows(start, start + self.size))
                yield part.rows(start, start + self.size)


def test_a_candle_is_known_at_its_close_and_a_rate_at_its_time() -> None:
    data = {
        MINUTES: candles(61), HOURS: candles(1, step=HOUR), TRADES: tape((MINUTE, 1.0, 1.0, 1)),
        FUNDING: Points(np.array([T0 + HOUR]), np.array([0.0001])),
    }  # fmt: skip
    rows = list(merged(MemoryHistory(data), [FUNDING, TRADES, HOURS, MINUTES], 0, 2**62))
    assert len(rows) == 64
    assert [it.series for it in rows if it.moment == T0 + MINUTE] == [TRADES, MINUTES]
    assert [it.series for it in rows if it.moment == T0 + HOUR] == [FUNDING, HOURS, MINUTES]
    assert rows[0].moment == T0 + MINUTE


TIMES = st.lists(st.integers(0, 30), max_size=25).map(sorted)


@settings(max_examples=150, deadline=None)
@given(st.lists(TIMES, min_size=1, max_size=4), st.integers(1, 7), st.integers(0, 15), st.integers(10, 40))
def test_merging_is_sorting(series: list[list[int]], size: int, since: int, until: int) -> None:
    """The slow, obvious oracle: all rows in a list, sorted by moment, then series, then place."""
    ids = [SeriesId(BTC, Kind.TRADES, f"{n}") for n in range(len(series))]
    data = {
        one: tape(*((at, float(n), 1.0, 1) for n, at in enumerate(times)))
        for one, times in zip(ids, series, strict=True)
        if times
    }
    history = InParts(data)
    history.size = size
    found = [
        (it.moment, it.series, float(it.columns.arrays()[1][it.row]))
        for it in merged(history, ids, T0 + since, T0 + until)
    ]
    wanted = sorted(
        (T0 + at, ids[n], float(place))
        for n, times in enumerate(series)
        for place, at in enumerate(times)
        if since <= at < until
    )
    assert found == sorted(wanted, key=lambda it: (it[0], ids.index(it[1]), it[2]))


def test_windows_hold_a_part_of_each_series_only() -> None:
    history = InParts({MINUTES: candles(100), HOURS: candles(50, step=HOUR)})
    stream = windows(history, [MINUTES, HOURS], 0, 2**62)
    for number, window in enumerate(stream):
        held = sum(len(part) for _, part in window.parts)
        assert held <= 2 * InParts.size + 2
        if number == 3:
            assert history.handed < 40
    assert history.handed == 150


def test_windows_follow_each_other() -> None:
    history = InParts({MINUTES: candles(100), FUNDING: Points(np.arange(20) * 7 * MINUTE + T0, np.zeros(20))})
    last = 0
    for window in windows(history, [MINUTES, FUNDING], 0, 2**62):
        moments = [int(it) + delay_of(one) for one, part in window.parts for it in part.times]
        assert last <= min(moments)
        assert max(moments) < window.end
        last = window.end


@pytest.mark.parametrize("series", [[], [MINUTES]])
def test_nothing_gives_nothing(series: list[SeriesId]) -> None:
    assert list(merged(MemoryHistory({}), series, 0, 2**62)) == []
