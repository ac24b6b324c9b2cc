"""Mark candles read along with those of a run: where margin, mark triggers and the value of funding look."""

from collections.abc import Iterator, Mapping, Sequence

from tradectl.backtest.feed import Row
from tradectl.history.reading import History
from tradectl.history.series import SeriesId
from tradectl.model.instruments import InstrumentId

#: Open, high, low, close.
MarkBar = tuple[float, float, float, float]


class Marks:
    """Asked for each instrument's marks in the order of time. Where a candle is missing the mark stays where it was;
    before the first one there is none."""

    def __init__(
        self, history: History, series: Mapping[InstrumentId, SeriesId], instruments: Sequence[InstrumentId],
        since: int, until: int,
    ) -> None:  # fmt: skip
        self._rows = [self._of(history, series.get(it), since, until) for it in instruments]
        self._next = [next(rows, None) for rows in self._rows]
        self._last = [0.0 for _ in instruments]

    @staticmethod
    def _of(history: History, series: SeriesId | None, since: int, until: int) -> Iterator[Row]:
        for part in history.read(series, since, until) if series is not None else ():
            yield from part.tuples()

    def at(self, place: int, open_time: int) -> MarkBar | None:
        """The mark's candle that opens at ``open_time``."""
        row = self._next[place]
        while row is not None and row[0] < open_time:
            self._last[place] = row[4]
            row = self._next[place] = next(self._rows[place], None)
        if row is not None and row[0] == open_time:
            return row[1:5]
        last = self._last[place]
        return (last, last, last, last) if last else None
