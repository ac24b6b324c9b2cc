"""What a journal is to the rest of the house, and the records it speaks in."""

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from msgspec import Struct

from tradectl.model.commands import Entry
from tradectl.model.events import SCHEMA


class Header(Struct, frozen=True, kw_only=True):
    """What wrote a segment: replay is identical to the byte only while the fingerprints are the same.

    ``created`` is in nanoseconds UTC; the other fields are opaque text, compared for equality.
    """

    run: str
    mode: str = ""
    code: str = ""
    strategies: str = ""
    settings: str = ""
    instruments: str = ""
    created: int = 0
    schema: int = SCHEMA


class Checkpoint(Struct, frozen=True):
    """State of engine and strategies after the entry ``seq``; ``state`` is the caller's own encoding."""

    seq: int
    state: bytes


class Span(Struct, frozen=True):
    """A stretch of the journal in which no entry is missing, both ends included."""

    first: int
    last: int


class Cut(Struct, frozen=True):
    """A tail that a crash or a power cut left half written: ``size`` bytes from ``offset``, first record ``seq``.

    Only records that were never reported durable are cut; whole ones are set aside in a ``.cut`` file.
    """

    path: Path
    offset: int
    size: int
    seq: int
    reason: str


class Recovery(Struct, frozen=True):
    """What a restart needs: ``checkpoint`` (``None``: from the beginning), then every entry of ``tail``.

    ``header`` is that of the newest segment, ``None`` for a journal that does not exist yet. ``reserved`` is the
    highest order sequence that may have been used. ``cuts`` is what opening the writer will remove, ``passed_over``
    the checkpoints that could not be used.
    """

    header: Header | None
    checkpoint: Checkpoint | None
    tail: Iterator[Entry]
    next_seq: int
    reserved: int
    cuts: tuple[Cut, ...] = ()
    passed_over: tuple[Path, ...] = ()


class Journal(Protocol):
    """The append-only record. One thread appends; :meth:`reserve`, :meth:`checkpoint` and :meth:`restore` block for a
    disk flush and may run in another.

    When :meth:`append` raises :class:`JournalFull`, the entry is not recorded. Append the same entry again with
    ``reserve=True`` (it is taken from space kept for this), carry out only its cancels, then feed
    ``JournalChecked(ok=False)`` as the next entry. :meth:`restore` says when normal writing is possible again.
    """

    @property
    def next_seq(self) -> int:
        """Sequence the next entry must have."""

    @property
    def durable_seq(self) -> int:
        """The last sequence that survives a power cut, as does everything before it."""

    @property
    def reserved(self) -> int:
        """Durable high-water mark of order sequences: none above it was ever used."""

    @property
    def failure(self) -> str:
        """Why nothing but ``reserve=True`` is taken at present; empty when all is well."""

    def append(self, entry: Entry, reserve: bool = False) -> None:
        """Record ``entry``: it survives the death of this process when this returns.

        Raises :class:`JournalFull` when it cannot be written, ``ValueError`` when ``entry.seq`` is not ``next_seq``.
        """

    def wait_durable(self, seq: int, timeout: float = 10.0) -> bool:
        """Wait until ``seq`` survives a power cut; ``False`` after ``timeout`` seconds. Raises :class:`JournalFull`."""

    def reserve(self, upto: int) -> None:
        """Make ``upto`` the high-water mark of order sequences, durably; a lower number changes nothing.

        Blocks for one disk flush. Raises :class:`JournalFull`.
        """

    def checkpoint(self, seq: int, state: bytes) -> None:
        """Keep ``state``, the state after entry ``seq``. Blocks until it is durable. Raises :class:`JournalFull`."""

    def restore(self) -> None:
        """Try to write normally again after a failure; raises :class:`JournalFull` while that is impossible."""

    def close(self) -> None:
        """Make everything durable and let go of the files. May be called twice."""
