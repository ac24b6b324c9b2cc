"""Following a journal that another process is writing: complete records only, across rolls and restarts."""

import contextlib
import os
from collections import deque
from collections.abc import Sequence
from pathlib import Path

from tradectl.journal.codec import Record, find_record, read_header, read_record
from tradectl.journal.errors import JournalCorrupt
from tradectl.journal.reader import RawRecord, decode, first_needed
from tradectl.journal.segments import FAMILIES, MARKET, SegmentFile, list_segments, read_bytes
from tradectl.journal.tail import pruned_upto
from tradectl.model.commands import Entry

#: Bytes read from a segment in one poll, so that catching up does not need memory for a whole run.
_CHUNK = 4 * 1024 * 1024


def follow(directory: Path, after: int = 0, families: Sequence[str] = FAMILIES) -> "Follower":
    """Follow the journal in ``directory`` (which may not exist yet) from behind ``after``.

    With ``families=("orders",)`` only entries with commands or with an event that is no market data are given.
    """
    return Follower(directory, after, families)


class Follower:
    """Hands out entries in order, each once. Not for use by two threads at a time."""

    def __init__(self, directory: Path, after: int, families: Sequence[str]) -> None:
        self._directory = directory
        self._last = after
        self._tails = [_FamilyFollower(directory, family, after) for family in families]
        self._merged = len(self._tails) > 1

    @property
    def last(self) -> int:
        """Sequence of the last entry handed out."""
        return self._last

    def poll(self, limit: int = 10_000) -> list[Entry]:
        """What was written since: at most ``limit`` entries, empty when there is nothing new.

        Raises :class:`JournalCorrupt` for damage behind which the journal goes on, and again at each later call.
        """
        for tail in self._tails:
            tail.fill()
        entries: list[Entry] = []
        while len(entries) < limit:
            record = self._take()
            if record is None:
                break
            entries.append(decode(record))
            self._last = record.seq
        return entries

    def sync(self) -> None:
        """Make all that was handed out durable on disk, also against a power cut.

        Rows committed elsewhere from these entries can then never be ahead of the journal. Market data first, as
        the writer does.
        """
        paths = [file.path for file in list_segments(self._directory, MARKET) if not file.is_compressed]
        for path in (*paths, *(path for tail in self._tails for path in tail.take_touched())):
            _sync_if_there(path)

    def _take(self) -> RawRecord | None:
        waiting = [tail for tail in self._tails if tail.ready]
        if not waiting:
            return None
        tail = min(waiting, key=lambda t: t.ready[0].seq)
        seq = tail.ready[0].seq
        if self._merged and seq > self._last + 1 and not self._may_skip_to(seq):
            return None
        return tail.ready.popleft()

    def _may_skip_to(self, seq: int) -> bool:
        """Whether what lies between was pruned; otherwise the other family's record is still to be read."""
        return seq - 1 <= pruned_upto(self._directory)


class _FamilyFollower:
    """One family's records behind ``after``, as far as they are written."""

    def __init__(self, directory: Path, family: str, after: int) -> None:
        self.ready: deque[RawRecord] = deque()
        self._directory = directory
        self._family = family
        self._after = after
        self._file: SegmentFile | None = None
        self._offset = 0
        self._chunk = _CHUNK
        self._touched: set[Path] = set()

    def fill(self) -> None:
        """Read on unless records are still waiting to be taken."""
        while not self.ready:
            if self._file is None and not self._begin():
                return
            finished = self._next_file()
            try:
                moved, rest = self._read()
            except FileNotFoundError:
                self._file = None  # pruned, or an empty segment that a restarted writer begins anew
                continue
            if moved:
                continue
            if rest:
                self._judge(rest, finished)
            if finished is None:
                return
            self._file, self._offset = finished, 0

    def take_touched(self) -> list[Path]:
        """The segments read from since the last call."""
        touched = sorted(self._touched)
        self._touched.clear()
        return touched

    def _begin(self) -> bool:
        files = list_segments(self._directory, self._family)
        if not files:
            return False
        self._file, self._offset = files[first_needed(files, self._after)], 0
        return True

    def _next_file(self) -> SegmentFile | None:
        """The segment behind the current one. Once it exists, the current one grows no more."""
        assert self._file is not None
        newer = (file for file in list_segments(self._directory, self._family) if file.first > self._file.first)
        return next(newer, None)

    def _read(self) -> tuple[bool, memoryview]:
        """Take in what the current segment has got more: whether that moved us on, and what is no whole record yet.

        The header counts as read only together with the first record: a segment without one may be begun anew.
        """
        assert self._file is not None
        raw = _read_from(self._file, self._offset, self._chunk)
        data, at = memoryview(raw), 0
        if self._offset == 0:
            found = read_header(data)
            if found is None:
                return False, data
            at = found[1]
        begin = at
        while (record := read_record(data, at)) is not None:
            at = record.end
            self._take_in(record)
        if at > begin:
            self._offset += at
            self._chunk = _CHUNK
            return True, data[at:]
        if len(data) == self._chunk:
            self._chunk *= 2  # one record longer than the chunk
            return True, data[at:]
        return False, data[at:]

    def _take_in(self, record: Record) -> None:
        assert self._file is not None
        if record.seq > self._after:
            self.ready.append(RawRecord(record.seq, record.payload, self._file.path))
            self._after = record.seq
            self._touched.add(self._file.path)

    def _judge(self, rest: memoryview, finished: SegmentFile | None) -> None:
        """Whether ``rest`` may still become a record: only at the very end of the newest segment."""
        assert self._file is not None
        if finished is not None:
            reason = f"the last {len(rest)} bytes of a finished segment are damaged"
        elif (found := find_record(rest, 1)) is not None:
            reason = f"damaged bytes; the next readable record is {found.seq}"
        else:
            return
        raise JournalCorrupt(self._file.path, self._offset, self._after + 1, reason)


def _read_from(file: SegmentFile, offset: int, size: int) -> bytes:
    """At most ``size`` bytes at ``offset``; all of the rest when the file is (or was meanwhile) compressed."""
    if not file.is_compressed:
        with contextlib.suppress(FileNotFoundError), file.path.open("rb") as stream:
            return os.pread(stream.fileno(), size, offset)
    return read_bytes(file)[offset:]


def _sync_if_there(path: Path) -> None:
    """Flush ``path``; a file that is gone was flushed before it was compressed."""
    try:
        fd = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return
    try:
        os.fdatasync(fd)
    finally:
        os.close(fd)
