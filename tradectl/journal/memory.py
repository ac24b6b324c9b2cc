"""The journal's twin in memory: same protocol, for backtests and tests."""

import errno
from collections.abc import Iterator
from pathlib import Path

from tradectl.journal.codec import decode_entry, encode_entry
from tradectl.journal.errors import JournalFull
from tradectl.journal.protocol import Checkpoint, Header, Recovery
from tradectl.model.commands import Entry


class MemoryJournal:
    """Keeps encoded records in a list, so what cannot be encoded fails here as it would on disk.

    ``full`` makes every normal write fail as a full disk does.
    """

    def __init__(self, header: Header) -> None:
        self.header = header
        self.full = False
        self.checkpoints: list[Checkpoint] = []
        self._records: list[bytes] = []
        self._reserved = 0
        self._failure = ""

    @property
    def next_seq(self) -> int:
        return len(self._records) + 1

    @property
    def durable_seq(self) -> int:
        return len(self._records)

    @property
    def reserved(self) -> int:
        return self._reserved

    @property
    def failure(self) -> str:
        return self._failure

    def append(self, entry: Entry, reserve: bool = False) -> None:
        if entry.seq != self.next_seq:
            raise ValueError(f"entry {entry.seq} appended where {self.next_seq} is due")
        if not reserve:
            self._refuse_when_full()
        self._records.append(encode_entry(entry))

    def wait_durable(self, seq: int, timeout: float = 10.0) -> bool:
        return seq <= self.durable_seq

    def reserve(self, upto: int) -> None:
        self._refuse_when_full()
        self._reserved = max(self._reserved, upto)

    def checkpoint(self, seq: int, state: bytes) -> None:
        self._refuse_when_full()
        self.checkpoints = [*self.checkpoints, Checkpoint(seq, state)][-3:]

    def restore(self) -> None:
        self._failure = ""
        self._refuse_when_full()

    def close(self) -> None:
        return

    def entries(self, after: int = 0) -> Iterator[Entry]:
        """The entries behind ``after``, decoded anew."""
        return (decode_entry(record) for record in self._records[after:])

    def recover(self) -> Recovery:
        """What :func:`tradectl.journal.recover` says of a journal on disk."""
        last = self.checkpoints[-1] if self.checkpoints else None
        tail = self.entries(last.seq if last else 0)
        return Recovery(self.header, last, tail, self.next_seq, self._reserved)

    def _refuse_when_full(self) -> None:
        if self.full or self._failure:
            problem = JournalFull(Path("memory"), OSError(errno.ENOSPC, "No space left on device"))
            self._failure = problem.reason
            raise problem
