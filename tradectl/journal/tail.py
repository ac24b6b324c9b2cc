"""Where a journal ends: the last sequence that can be trusted, and what a crash left behind it.

Three things may lie behind the end, all of records that were never reported durable: a segment that ends inside its
header, a record that is half there, and (after a power cut only) records of one family that follow a hole, because
the other family's last pages were lost. Anything else that is missing is corruption.
"""

from pathlib import Path
from typing import NamedTuple

from tradectl.journal.errors import JournalCorrupt
from tradectl.journal.protocol import Cut, Header
from tradectl.journal.segments import FAMILIES, MARKET, Segment, first_header, list_segments, open_segment, records


class FamilyTail(NamedTuple):
    """The newest segment of a family: its last good record, the byte behind it, and what it knew to be durable."""

    segment: Segment | None
    last: int
    end: int
    durable: int
    cuts: tuple[Cut, ...]


class Tail(NamedTuple):
    """The end of a journal. Entries up to ``pruned`` may lack market data; ``families`` is in order of FAMILIES."""

    last: int
    pruned: int
    header: Header | None
    families: tuple[FamilyTail, ...]
    cuts: tuple[Cut, ...]


class _Hole(NamedTuple):
    family: int
    seq: int
    before: int
    offset: int


def find_tail(directory: Path) -> Tail:
    """Look at the newest segments. Raises :class:`JournalCorrupt` when something durable is missing.

    Two families cannot be read at one instant while somebody writes, so a hole counts only when a second look
    still finds it.
    """
    families = _look(directory)
    hole = _find_hole(families)
    if hole is not None:
        families = _look(directory)
        still = _find_hole(families)
        if still is not None and still.seq != hole.seq:
            return _summary(directory, families, still.seq - 1, ())
        hole = still
    if hole is None:
        return _summary(directory, families, max(tail.last for tail in families), ())
    return _summary(directory, families, hole.seq - 1, (_cut_at(families, hole),))


def _look(directory: Path) -> tuple[FamilyTail, ...]:
    return tuple(_family_tail(directory, family) for family in FAMILIES)


def _family_tail(directory: Path, family: str) -> FamilyTail:
    cuts: list[Cut] = []
    for file in reversed(list_segments(directory, family)):
        segment = open_segment(file)
        if segment is not None:
            return _scan(segment, cuts)
        size = file.path.stat().st_size
        cuts.append(Cut(file.path, 0, size, file.first, "the segment was just being begun"))
        if len(cuts) > 1:
            raise JournalCorrupt(file.path, 0, file.first, "the segment ends inside its header")
    return FamilyTail(None, 0, 0, 0, tuple(cuts))


def _scan(segment: Segment, cuts: list[Cut]) -> FamilyTail:
    # A segment is begun only when everything before it is on disk.
    last, end, durable = segment.header.previous, segment.begin, segment.header.first - 1
    for record in records(segment, newest=not cuts):
        last, end, durable = record.seq, record.end, max(durable, record.durable)
    if end < len(segment.data):
        torn = len(segment.data) - end
        cuts.append(Cut(segment.file.path, end, torn, last + 1, "the last record is half written"))
    return FamilyTail(segment, last, end, durable, tuple(cuts))


def _find_hole(families: tuple[FamilyTail, ...]) -> _Hole | None:
    """The first sequence that neither family has although one goes on behind it."""
    ahead = max(range(len(families)), key=lambda i: families[i].last)
    tail, other = families[ahead], families[1 - ahead]
    if tail.segment is None:
        return None
    expected, offset = max(other.last, tail.segment.header.previous) + 1, tail.segment.begin
    for record in records(tail.segment, newest=True):
        if record.seq > expected:
            return _Hole(ahead, expected, record.seq, offset)
        expected, offset = max(expected, record.seq + 1), record.end
    return None


def _cut_at(families: tuple[FamilyTail, ...], hole: _Hole) -> Cut:
    tail, other = families[hole.family], families[1 - hole.family]
    assert tail.segment is not None
    path = tail.segment.file.path
    if hole.seq <= max(tail.durable, other.durable):
        reason = f"records {hole.seq} to {hole.before - 1} were durable and are in no file"
        raise JournalCorrupt(path, hole.offset, hole.seq, reason)
    reason = f"records {hole.seq} to {hole.before - 1} were lost in a power cut"
    return Cut(path, hole.offset, tail.end - hole.offset, hole.before, reason)


def _summary(directory: Path, families: tuple[FamilyTail, ...], last: int, cuts: tuple[Cut, ...]) -> Tail:
    newest = max((tail.segment for tail in families if tail.segment), key=_age, default=None)
    all_cuts = (*(cut for tail in families for cut in tail.cuts), *cuts)
    return Tail(last, pruned_upto(directory), newest.header.header if newest else None, families, all_cuts)


def _age(segment: Segment) -> int:
    return segment.header.first


def pruned_upto(directory: Path) -> int:
    """The last sequence whose market data may have been pruned; 0 when none was."""
    for file in list_segments(directory, MARKET):
        header = first_header(file)
        return header.previous if header else 0
    return 0
