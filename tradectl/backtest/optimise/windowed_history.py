"""History with walls: nobody sees a row outside the window, and who asks for one behind it is told so."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from tradectl.history.reading import History, Span, fingerprint
from tradectl.history.series import Columns, Kind, SeriesId
from tradectl.model.errors import ErrorCode, Problem
from tradectl.model.instruments import Instrument, InstrumentId


class OutsideWindow(Problem):
    """Somebody read beyond the wall: a fault of the program, never of the data."""


class WindowedHistory:
    """``inner`` between ``since`` and ``until`` (nanoseconds UTC). Raises :class:`OutsideWindow` on a read behind it.

    The past before it is not there: spans begin inside, and of a read that begins earlier, as warming up does, only
    the part inside is read. Funding charged exactly at ``until`` belongs to the window.
    """

    def __init__(self, inner: History, since: int, until: int) -> None:
        self._inner, self.since, self.until = inner, since, until
        self._spans: dict[SeriesId, Span | None] = {}

    def series(self) -> Sequence[SeriesId]:
        """Every series there is."""
        return self._inner.series()

    def span(self, series: SeriesId) -> Span | None:
        """What there is of ``series`` inside the window."""
        if series not in self._spans:
            self._spans[series] = self._measured(series)
        return self._spans[series]

    def _measured(self, series: SeriesId) -> Span | None:
        first = last = rows = 0
        for part in self._inner.read(series, self.since, self.until):
            if len(part):
                first = first if rows else int(part.times[0])
                last, rows = int(part.times[-1]), rows + len(part)
        return Span(first, last, rows) if rows else None

    def read(self, series: SeriesId, since: int, until: int) -> Iterator[Columns]:
        """The rows of the span, which must not reach behind the window."""
        if until > self.until + (series.kind is Kind.FUNDING):
            raise self._outside(str(series), since, until)
        return self._inner.read(series, max(since, self.since), until)

    def instruments(self, at: int) -> Mapping[InstrumentId, Instrument]:
        """The instruments as they were known at ``at``, which must not lie behind the window."""
        if at > self.until:
            raise self._outside("instruments", at, at)
        return self._inner.instruments(at)

    def fingerprint(self, series: Iterable[SeriesId], since: int, until: int) -> str:
        """A hash of rows inside the window."""
        return fingerprint(self, series, since, until)

    def _outside(self, what: str, since: int, until: int) -> OutsideWindow:
        return OutsideWindow(
            ErrorCode.INTERNAL,
            f"{what} from {since} to {until} was asked for, outside the window from {self.since} to {self.until}",
            reason="a walk-forward test may see nothing outside its window", remedy="report this: it is a bug",
        )  # fmt: skip
