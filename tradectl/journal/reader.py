"""Reading a journal in order: both families merged by sequence, nothing silently skipped."""

import heapq
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from tradectl.journal.codec import decode_entry
from tradectl.journal.errors import JournalCorrupt
from tradectl.journal.protocol import Span
from tradectl.journal.segments import FAMILIES, MARKET, Segment, SegmentFile, list_segments, open_segment, records
from tradectl.journal.tail import Tail, find_tail
from tradectl.model.commands import Entry
from tradectl.model.errors import ErrorCode, Problem


class RawRecord(NamedTuple):
    """A record with its place, not decoded yet."""

    seq: int
    payload: memoryview
    path: Path


def read_entries(directory: Path, after: int = 0) -> Iterator[Entry]:
    """Every entry behind ``after`` in order of sequence, up to the end of the journal as it is now.

    Where market segments were pruned only order entries are left: see :func:`complete_spans`. Raises
    :class:`JournalCorrupt` for damage or a missing record.
    """
    return (decode(record) for record in read_records(directory, find_tail(directory), after))


def complete_spans(directory: Path) -> list[Span]:
    """The stretches of the journal from which nothing was pruned."""
    tail = find_tail(directory)
    return [Span(tail.pruned + 1, tail.last)] if tail.last > tail.pruned else []


def decode(record: RawRecord) -> Entry:
    """The entry of a record. Raises :class:`JournalCorrupt` when its bytes are whole but make no entry."""
    try:
        entry = decode_entry(record.payload)
    except msgspec.DecodeError as error:
        raise JournalCorrupt(record.path, 0, record.seq, f"the record makes no entry: {error}") from error
    if entry.seq != record.seq:
        raise JournalCorrupt(record.path, 0, record.seq, f"the record holds entry {entry.seq}")
    return entry


def read_records(directory: Path, tail: Tail, after: int = 0) -> Iterator[RawRecord]:
    """:func:`read_entries` before decoding, up to ``tail.last``."""
    expected = after + 1
    for record in heapq.merge(*(_family_records(directory, family, after) for family in FAMILIES), key=_seq):
        if record.seq > tail.last:
            return
        if record.seq < expected:
            raise JournalCorrupt(record.path, 0, record.seq, f"record {record.seq} is there twice")
        missing = max(expected, tail.pruned + 1)
        if record.seq > missing:
            raise JournalCorrupt(record.path, 0, missing, f"records {missing} to {record.seq - 1} are in no file")
        expected = record.seq + 1
        yield record


def _seq(record: RawRecord) -> int:
    return record.seq


def _family_records(directory: Path, family: str, after: int) -> Iterator[RawRecord]:
    files = list_segments(directory, family)
    begin = first_needed(files, after)
    previous = None if begin else _oldest_previous(family)
    for index, file in enumerate(files[begin:], begin):
        segment = _open(file)
        if segment is None:
            return
        if previous is not None and segment.header.previous != previous:
            reason = f"the segment before it, up to record {segment.header.previous}, is missing"
            raise JournalCorrupt(file.path, 0, previous + 1, reason)
        previous = segment.header.previous
        for record in records(segment, newest=index == len(files) - 1):
            previous = record.seq
            if record.seq > after:
                yield RawRecord(record.seq, record.payload, file.path)


def _oldest_previous(family: str) -> int | None:
    """What the oldest segment must say came before it: nothing, unless its elders may have been pruned."""
    return None if family == MARKET else 0


def _open(file: SegmentFile) -> Segment | None:
    try:
        return open_segment(file)
    except FileNotFoundError:
        raise Problem(
            ErrorCode.CONFLICT,
            f"{file.path} was pruned while it was read",
            field=str(file.path),
            remedy="Read again: the journal now begins later",
        ) from None


def first_needed(files: Sequence[SegmentFile], after: int) -> int:
    """Index of the first segment that may hold a record behind ``after``."""
    index = 0
    while index + 1 < len(files) and files[index + 1].first <= after + 1:
        index += 1
    return index
