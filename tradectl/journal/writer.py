"""The journal on disk: one ``pwrite`` per entry on the loop, everything slow in two threads behind it."""

import errno
import fcntl
import os
from pathlib import Path

from tradectl.journal.checkpoints import write_checkpoint
from tradectl.journal.codec import FORMAT, SegmentHeader, seal
from tradectl.journal.committer import Committer
from tradectl.journal.config import JournalConfig
from tradectl.journal.errors import JournalFull, JournalLocked
from tradectl.journal.files import sync_directory
from tradectl.journal.maintenance import Maintainer, remove_twins
from tradectl.journal.opening import cut_tail
from tradectl.journal.protocol import Checkpoint, Cut, Header
from tradectl.journal.reservation import read_reserved, write_reserved
from tradectl.journal.segment_writer import SegmentWriter
from tradectl.journal.segments import FAMILIES, MARKET, ORDERS, is_market
from tradectl.journal.spare_space import SpareSpace
from tradectl.model.commands import Entry

#: A flush that failed for want of space may be tried again; after any other failure the kernel may have lost data.
_SPACE_ERRORS = frozenset({errno.ENOSPC, errno.EDQUOT})


class JournalWriter:
    """A :class:`~tradectl.journal.protocol.Journal` in ``directory``, which is made when missing.

    Opening cuts what a crash left half written (``cuts``) and begins new segments with ``header``. Raises
    :class:`JournalLocked` when another process writes it, :class:`JournalCorrupt` when it is damaged,
    :class:`JournalFull` when there is no space to begin.
    """

    def __init__(self, directory: Path, header: Header, config: JournalConfig | None = None) -> None:
        self._directory = directory
        self._header = header
        self._config = config or JournalConfig()
        self._closed = False
        self._failure: OSError | None = None
        self._buffer = bytearray()
        self.cuts: tuple[Cut, ...] = ()
        try:
            directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._lock = _lock(directory)
            try:
                self._open()
            except BaseException:
                os.close(self._lock)
                raise
        except OSError as error:
            raise JournalFull(directory, error) from error

    def _open(self) -> None:
        remove_twins(self._directory)
        tail, self.cuts = cut_tail(self._directory)
        self._last = tail.last
        self._reserved = read_reserved(self._directory)
        self._spare = SpareSpace(self._directory, self._config.reserve_space)
        self._spare.hold()
        ends = dict(zip(FAMILIES, tail.families, strict=True))
        self._orders = self._begin(ORDERS, ends[ORDERS].last)
        self._market = self._begin(MARKET, ends[MARKET].last)
        for fd in self._files():
            os.fdatasync(fd)
        sync_directory(self._directory)
        self._committer = Committer(self._files, self._last)
        self._maintainer = Maintainer(self._directory, self._config)

    @property
    def directory(self) -> Path:
        return self._directory

    @property
    def next_seq(self) -> int:
        return self._last + 1

    @property
    def durable_seq(self) -> int:
        return self._committer.durable

    @property
    def reserved(self) -> int:
        return self._reserved

    @property
    def failure(self) -> str:
        error = self._failure or self._committer.failure
        return str(error) if error else ""

    @property
    def maintenance_problem(self) -> str:
        """Why closed market segments could not be compressed or pruned; empty when all is well."""
        return self._maintainer.problem

    def append(self, entry: Entry, reserve: bool = False) -> None:
        seq = entry.seq
        if seq != self._last + 1:
            raise ValueError(f"entry {seq} appended where {self._last + 1} is due")
        committer = self._committer
        if not reserve and (self._failure is not None or committer.failure is not None):
            self._refuse(self._failure or committer.failure)
        buffer = self._buffer
        seal(buffer, entry, committer.durable)
        market = is_market(entry)
        segment = self._market if market else self._orders
        if segment.size + len(buffer) > (self._config.market_segment if market else self._config.orders_segment):
            segment = self._roll(segment, seq)
        try:
            segment.write(buffer, seq)
        except OSError as error:
            self._failure = error
            if not (reserve and self._write_into_spare(segment, seq)):
                raise JournalFull(segment.path, error) from error
        self._last = seq
        committer.wrote(seq, not market)

    def wait_durable(self, seq: int, timeout: float = 10.0) -> bool:
        if self._committer.wait(seq, timeout):
            return True
        self._refuse(self._committer.failure)
        return False

    def reserve(self, upto: int) -> None:
        if upto <= self._reserved:
            return
        try:
            write_reserved(self._directory, upto)
        except OSError as error:
            raise JournalFull(self._directory, error) from error
        self._reserved = upto

    def checkpoint(self, seq: int, state: bytes) -> None:
        if not self.wait_durable(seq):
            raise JournalFull(self._directory, OSError(errno.EIO, f"record {seq} does not become durable"))
        try:
            write_checkpoint(self._directory, Checkpoint(seq, state), self._config.checkpoints_kept)
        except OSError as error:
            raise JournalFull(self._directory, error) from error
        self._maintainer.wake()

    def restore(self) -> None:
        failed = self._committer.failure
        if failed is not None and failed.errno not in _SPACE_ERRORS:
            self._refuse(failed)
        try:
            self._spare.hold()
            if failed is not None:
                self._committer.retry()
        except OSError as error:
            raise JournalFull(self._directory, error) from error
        self._failure = None

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._maintainer.stop()
        self._committer.stop()
        for fd in self._files():
            os.close(fd)
        os.close(self._lock)
        self._refuse(self._committer.failure)

    def _files(self) -> tuple[int, int]:
        """Market first: an order on disk implies that the market data before it is there too."""
        return self._market.fd, self._orders.fd

    def _refuse(self, error: OSError | None) -> None:
        if error is not None:
            raise JournalFull(self._directory, error) from error

    def _write_into_spare(self, segment: SegmentWriter, seq: int) -> bool:
        if not self._spare.give_up():
            return False
        try:
            segment.write(self._buffer, seq)
        except OSError as error:
            self._failure = error
            return False
        return True

    def _begin(self, family: str, previous: int) -> SegmentWriter:
        segment = SegmentHeader(FORMAT, family, self._last + 1, previous, self._header)
        return SegmentWriter(self._directory, segment)

    def _roll(self, segment: SegmentWriter, seq: int) -> SegmentWriter:
        """Begin the next segment; when the disk cannot take one, stay in the old: its own write tells the truth."""
        if segment.size == segment.begin:
            return segment
        try:
            for fd in self._files():
                os.fdatasync(fd)
            fresh = self._begin(segment.family, segment.last)
            sync_directory(self._directory)
        except OSError:
            return segment
        if segment is self._market:
            self._market = fresh
        else:
            self._orders = fresh
        self._committer.retire(segment.fd)
        self._maintainer.wake()
        return fresh


def _lock(directory: Path) -> int:
    fd = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        raise JournalLocked(directory) from None
    return fd
