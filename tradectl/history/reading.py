"""What a reader of history is, and its in-memory twin. The Parquet store and single files are others."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Protocol

import numpy as np
from msgspec import Struct

from tradectl.history.series import Columns, SeriesId
from tradectl.model.instruments import Instrument, InstrumentId

#: About as many rows come at once: a month of minutes.
CHUNK = 50_000


class Span(Struct, frozen=True):
    """What there is of a series: first and last time (of candles: open times), and how many rows."""

    first: int
    last: int
    rows: int


class History(Protocol):
    """Market data by series, in time order, never all at once."""

    def series(self) -> Sequence[SeriesId]:
        """Every series there is, in order."""

    def span(self, series: SeriesId) -> Span | None:
        """What there is of ``series``; ``None`` when nothing."""

    def read(self, series: SeriesId, since: int, until: int) -> Iterator[Columns]:
        """The rows with ``since <= time < until``, oldest first, in parts of about :data:`CHUNK` rows.

        Raises ``Problem`` when what is stored is damaged.
        """

    def instruments(self, at: int) -> Mapping[InstrumentId, Instrument]:
        """The instruments as they were known at ``at``; those first heard of later are as they were then."""

    def fingerprint(self, series: Iterable[SeriesId], since: int, until: int) -> str:
        """A hash (hex) of exactly these rows, whatever they are stored in."""


class MemoryHistory:
    """History handed over as arrays."""

    def __init__(self, data: Mapping[SeriesId, Columns], instruments: Iterable[Instrument] = ()) -> None:
        self._data = dict(data)
        self._instruments = {it.id: it for it in instruments}

    def series(self) -> Sequence[SeriesId]:
        """Every series there is, in order."""
        return sorted(self._data)

    def span(self, series: SeriesId) -> Span | None:
        """What there is of ``series``."""
        found = self._data.get(series)
        if found is None or not len(found):
            return None
        return Span(int(found.times[0]), int(found.times[-1]), len(found))

    def read(self, series: SeriesId, since: int, until: int) -> Iterator[Columns]:
        """The rows of the span in parts."""
        found = self._data.get(series)
        if found is None:
            return
        chosen = found.between(since, until)
        for start in range(0, len(chosen), CHUNK):
            yield chosen.rows(start, start + CHUNK)

    def instruments(self, at: int) -> Mapping[InstrumentId, Instrument]:
        """What was handed over, at any time."""
        return self._instruments

    def fingerprint(self, series: Iterable[SeriesId], since: int, until: int) -> str:
        """See :func:`fingerprint`."""
        return fingerprint(self, series, since, until)


def fingerprint(history: History, series: Iterable[SeriesId], since: int, until: int) -> str:
    """A hash over names and values column by column: the same rows give the same, in whatever parts they come."""
    total = hashlib.sha256()
    for one in sorted(series):
        columns = [hashlib.sha256() for _ in range(8)]
        for part in history.read(one, since, until):
            for digest, column in zip(columns, part.arrays(), strict=False):
                digest.update(np.ascontiguousarray(column).data)
        total.update(str(one).encode())
        for digest in columns:
            total.update(digest.digest())
    return total.hexdigest()
