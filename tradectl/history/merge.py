"""Several series read as one stream in the order of time, a window at a time: memory holds a part of each, never all.

A row's moment is when it can be known: a candle's is its close, anything else's its own time.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from tradectl.history.columns import joined
from tradectl.history.reading import History
from tradectl.history.series import Columns, Kind, SeriesId, Times
from tradectl.model.market_data import INTERVALS

#: Kinds whose rows are known only when their interval is over.
CLOSED = frozenset({Kind.CANDLES, Kind.MARK, Kind.INDEX})


class Row(Struct, frozen=True, gc=False):
    """One row of one series and the moment it is known: ``columns`` at position ``row``."""

    moment: int
    series: SeriesId
    columns: Columns
    row: int


class Window(Struct, frozen=True):
    """All rows known before ``end`` (and after the window before), by series in the order asked for."""

    end: int
    parts: tuple[tuple[SeriesId, Columns], ...]


def delay_of(series: SeriesId) -> int:
    """How long after its time a row of ``series`` is known, nanoseconds."""
    return INTERVALS[series.interval] if series.kind in CLOSED else 0


def windows(history: History, series: Sequence[SeriesId], since: int, until: int) -> Iterator[Window]:
    """The rows with ``since <= time < until`` of all series in windows that follow each other in time.

    A window holds about one part of each series, as the history reads them. Raises ``Problem`` as reading does.
    """
    cursors = [_Cursor(history, one, since, until) for one in series]
    while any(not cursor.spent for cursor in cursors):
        end = min((cursor.reach for cursor in cursors if not cursor.read_out), default=2**62)
        parts = tuple((cursor.series, cursor.take(end)) for cursor in cursors)
        if any(len(part) for _, part in parts):
            yield Window(end, tuple((one, part) for one, part in parts if len(part)))


def merged(history: History, series: Sequence[SeriesId], since: int, until: int) -> Iterator[Row]:
    """Every row in the order of its moment; at one moment in the order of ``series``, then as stored."""
    for window in windows(history, series, since, until):
        for part, row, moment in zip(*(it.tolist() for it in _order(window)), strict=True):
            one, columns = window.parts[part]
            yield Row(moment, one, columns, row)


def _order(window: Window) -> tuple[NDArray[np.int64], NDArray[np.int64], Times]:
    """Part, position and moment of each row, in order."""
    moments = np.concatenate([columns.times + delay_of(one) for one, columns in window.parts])
    parts = np.repeat(np.arange(len(window.parts)), [len(columns) for _, columns in window.parts])
    rows = np.concatenate([np.arange(len(columns)) for _, columns in window.parts])
    order = np.argsort(moments, kind="stable")
    return parts[order], rows[order], moments[order]


class _Cursor:
    """How far one series has been read."""

    def __init__(self, history: History, series: SeriesId, since: int, until: int) -> None:
        self.series = series
        self.delay = delay_of(series)
        self.read_out = False
        self._parts = iter(history.read(series, since, until))
        self._rows = joined(series.kind, [])
        self._more()

    @property
    def spent(self) -> bool:
        return self.read_out and not len(self._rows)

    @property
    def reach(self) -> int:
        """Up to which moment nothing is missing here: the last one read, of which more rows may come."""
        return int(self._rows.times[-1]) + self.delay

    def take(self, end: int) -> Columns:
        """The rows known before ``end``, and read on when none that counts is left."""
        stop = int(np.searchsorted(self._rows.times, end - self.delay))
        taken, self._rows = self._rows.rows(0, stop), self._rows.rows(stop)
        if not self.read_out and self.reach <= end:
            self._more()
        return taken

    def _more(self) -> None:
        part = next(self._parts, None)
        if part is None:
            self.read_out = True
        else:
            self._rows = joined(self.series.kind, [self._rows, part]) if len(self._rows) else part
