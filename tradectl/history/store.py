"""The store of market data: Parquet files by series and period, merged on writing, read in order.

Several processes may use one store: writers of a series take turns by a lock, readers see whole files.
"""

import fcntl
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tradectl.history.columns import ONE_AT_A_TIME, chosen, joined
from tradectl.history.combining import Policy, Written, combine
from tradectl.history.layout import DAMAGED, bounds_of, every_series, files_of, folder_of, periods
from tradectl.history.parquet_file import read_file, span_of, write_file
from tradectl.history.reading import Span, fingerprint
from tradectl.history.series import COLUMNS, Columns, SeriesId
from tradectl.history.snapshots import read_instruments, write_instruments
from tradectl.model.errors import ErrorCode, Problem
from tradectl.model.instruments import Instrument, InstrumentId

ALL_TIME = (-(2**62), 2**62)


class ParquetStore:
    """History in ``folder``, which is made at the first write."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    # --- reading: the protocol History

    def series(self) -> Sequence[SeriesId]:
        """Every series there is, in order."""
        return every_series(self.folder)

    def span(self, series: SeriesId) -> Span | None:
        """What there is of ``series``, from the footers of its files. Raises :class:`Problem` for a damaged one."""
        found = [span_of(path, series.kind) for path in files_of(self.folder, series).values()]
        spans = [span for span in found if span]
        return Span(spans[0].first, spans[-1].last, sum(it.rows for it in spans)) if spans else None

    def read(self, series: SeriesId, since: int, until: int) -> Iterator[Columns]:
        """The rows with ``since <= time < until``, oldest first, in parts. Raises :class:`Problem` for damage."""
        for period, path in files_of(self.folder, series).items():
            begin, end = bounds_of(series.kind, period)
            if begin < until and end > since:
                yield from read_file(path, series.kind, max(since, begin), min(until, end))

    def read_all(self, series: SeriesId, since: int = ALL_TIME[0], until: int = ALL_TIME[1]) -> Columns:
        """:meth:`read` as one; for spans that fit into memory."""
        return joined(series.kind, list(self.read(series, since, until)))

    def instruments(self, at: int) -> Mapping[InstrumentId, Instrument]:
        """The instruments as they were known at ``at``; those first heard of later are as they were then."""
        return read_instruments(self.folder, at)

    def fingerprint(self, series: Iterable[SeriesId], since: int, until: int) -> str:
        """A hash (hex) of exactly these rows."""
        return fingerprint(self, series, since, until)

    def size(self, series: SeriesId) -> int:
        """Bytes on disk."""
        return sum(path.stat().st_size for path in files_of(self.folder, series).values())

    # --- writing

    def write(self, series: SeriesId, columns: Columns, policy: Policy = "refuse") -> Written:
        """Merge rows in; they are ordered, and kinds with one row a time repeat none.

        With ``refuse`` a contradiction to stored rows raises :class:`Problem` before anything is written; each file
        is replaced at once, so that a crash leaves every one as it was or as it is meant to be.
        """
        _check(series, columns)
        total = Written()
        with self._turn(series):
            files = files_of(self.folder, series)
            ready: list[tuple[Path, Columns]] = []
            for period, start, stop in periods(series.kind, columns.times):
                fresh = columns.rows(start, stop)
                stored = joined(series.kind, list(self._period(series, files.get(period))))
                rows, written = combine(series, stored, fresh, policy)
                total += written
                if written.new or written.replaced:
                    ready.append((self._path(series, period), rows))
            for path, rows in ready:
                write_file(path, rows)
        return total

    def write_instruments(self, at: int, rows: Iterable[Instrument]) -> int:
        """Keep the instruments as they are known at ``at``; returns how many are new or have changed."""
        return write_instruments(self.folder, at, rows)

    def put_aside(self, series: SeriesId, path: Path) -> Path:
        """Move a damaged file to ``damaged/``; returns where it is now."""
        target = self.folder / DAMAGED / path.relative_to(self.folder)
        with self._turn(series):
            target.parent.mkdir(parents=True, exist_ok=True)
            number = 1
            free = target
            while free.exists():
                free, number = target.with_name(f"{target.name}.{number}"), number + 1
            path.rename(free)
        return free

    def thin_out(self, series: SeriesId, stays: Callable[[Columns], NDArray[np.bool_]]) -> int:
        """Keep of each file only the rows for which ``stays`` is true; returns how many went."""
        gone = 0
        with self._turn(series):
            for path in files_of(self.folder, series).values():
                rows = joined(series.kind, list(self._period(series, path)))
                left = chosen(rows, stays(rows))
                gone += len(rows) - len(left)
                if not len(left):
                    path.unlink()
                elif len(left) < len(rows):
                    write_file(path, left)
        return gone

    def _path(self, series: SeriesId, period: str) -> Path:
        return self.folder / folder_of(series) / f"{period}.parquet"

    def _period(self, series: SeriesId, path: Path | None) -> Iterator[Columns]:
        return read_file(path, series.kind, *ALL_TIME) if path else iter(())

    @contextmanager
    def _turn(self, series: SeriesId) -> Iterator[None]:
        """One writer of a series at a time, over all processes."""
        folder = self.folder / folder_of(series)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise Problem(
                ErrorCode.FORBIDDEN,
                f"{folder} cannot be written: {error.strerror or error}",
                field="data",
                remedy="Check the folder's permissions, or name another with --data or $TRADECTL_DATA",
            ) from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            for left in folder.glob(".*.tmp"):  # by a writer that was killed: nobody else writes now
                left.unlink()
            yield
        finally:
            os.close(descriptor)


def _check(series: SeriesId, columns: Columns) -> None:
    """Programmers' errors of whoever writes: the store is never made worse by them."""
    if type(columns) is not COLUMNS[series.kind]:
        raise TypeError(f"{series} holds {COLUMNS[series.kind].__name__}, not {type(columns).__name__}")
    times = columns.times
    if len({len(column) for column in columns.arrays()}) > 1:
        raise ValueError(f"{series}: the columns differ in length")
    steps = times[1:] - times[:-1]
    if (steps < 0).any() or (series.kind in ONE_AT_A_TIME and (steps == 0).any()):
        raise ValueError(f"{series}: rows must be in the order of time, without repeats")
    for name, column in zip(columns.names[1:], columns.arrays()[1:], strict=True):
        if column.dtype.kind == "f" and not np.isfinite(column).all():
            raise ValueError(f"{series}: {name} must be finite")
