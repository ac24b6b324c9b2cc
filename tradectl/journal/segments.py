"""The files of a journal: their names, their contents, and what counts as a torn tail.

``orders-*`` hold every entry with commands or with an event that is no market data, for ever. ``market-*`` hold the
rest; their closed files are compressed (``.gz``, readable with zcat) and the oldest pruned. The number in a name is
the sequence that was due when the file was begun.
"""

import gzip
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec

from tradectl.journal.codec import FORMAT, Record, SegmentHeader, find_record, read_header, read_record
from tradectl.journal.errors import JournalCorrupt, JournalTooNew
from tradectl.model.commands import Entry
from tradectl.model.events import MARKET_EVENTS, SCHEMA

ORDERS = "orders"
MARKET = "market"
FAMILIES = (ORDERS, MARKET)
SUFFIX = ".tj"
COMPRESSED_SUFFIX = ".tj.gz"
_HEADER_LIMIT = 64 * 1024
_MARKET_EVENTS = frozenset(MARKET_EVENTS)


class SegmentFile(NamedTuple):
    """One segment on disk."""

    first: int
    family: str
    path: Path

    @property
    def is_compressed(self) -> bool:
        return self.path.name.endswith(COMPRESSED_SUFFIX)


class Segment(NamedTuple):
    """A segment in memory: its header and where its records begin."""

    file: SegmentFile
    header: SegmentHeader
    data: memoryview
    begin: int


def is_market(entry: Entry) -> bool:
    """Whether ``entry`` belongs to the market family."""
    return not entry.commands and entry.event.__class__ in _MARKET_EVENTS


def segment_name(family: str, first: int) -> str:
    return f"{family}-{first:020d}{SUFFIX}"


def list_segments(directory: Path, family: str) -> list[SegmentFile]:
    """The family's segments, oldest first. Where a crash left a file and its compressed twin, the twin counts."""
    found: dict[int, SegmentFile] = {}
    for name in os.listdir(directory) if directory.is_dir() else ():
        stem, _, suffix = name.partition(".")
        kind, _, number = stem.partition("-")
        if kind == family and number.isdecimal() and f".{suffix}" in (SUFFIX, COMPRESSED_SUFFIX):
            file = SegmentFile(int(number), family, directory / name)
            if file.is_compressed or file.first not in found:
                found[file.first] = file
    return sorted(found.values())


def read_bytes(file: SegmentFile) -> bytes:
    """The segment's bytes, decompressed. Follows a file that was compressed since it was listed.

    Raises :class:`JournalCorrupt` for a damaged compressed file, ``FileNotFoundError`` when it was pruned.
    """
    try:
        raw = file.path.read_bytes()
    except FileNotFoundError:
        if file.is_compressed:
            raise
        file = file._replace(path=file.path.with_name(file.path.name + ".gz"))
        raw = file.path.read_bytes()
    if not file.is_compressed:
        return raw
    with _unpacking(file):
        return gzip.decompress(raw)


@contextmanager
def _unpacking(file: SegmentFile) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise
    except (OSError, EOFError, zlib.error) as error:
        raise JournalCorrupt(file.path, 0, file.first, f"the compressed segment does not unpack: {error}") from error


def open_segment(file: SegmentFile) -> Segment | None:
    """The segment with its header checked, ``None`` when it ends inside its header (a crash while it was begun).

    Raises :class:`JournalCorrupt` for a damaged header, :class:`JournalTooNew` for one of a later version.
    """
    data = memoryview(read_bytes(file))
    try:
        found = read_header(data)
    except msgspec.DecodeError as error:
        raise JournalCorrupt(file.path, 0, file.first, f"the segment header is not readable: {error}") from error
    if found is None:
        if file.is_compressed or find_record(data, 0) is not None:
            raise JournalCorrupt(file.path, 0, file.first, "the segment header is damaged")
        return None
    header, begin = found
    _refuse_later_version(file.path, header)
    if (header.family, header.first) != (file.family, file.first):
        raise JournalCorrupt(file.path, 0, file.first, f"the file holds {header.family} {header.first}")
    return Segment(file, header, data, begin)


def first_header(file: SegmentFile) -> SegmentHeader | None:
    """The header alone, without reading (or unpacking) the records; ``None`` when it is not whole."""
    opener = gzip.open if file.is_compressed else open
    with _unpacking(file), opener(file.path, "rb") as stream:
        found = read_header(memoryview(stream.read(_HEADER_LIMIT)))
    return found[0] if found else None


def _refuse_later_version(path: Path, header: SegmentHeader) -> None:
    if header.format > FORMAT:
        raise JournalTooNew(path, "format", header.format, FORMAT)
    if header.header.schema > SCHEMA:
        raise JournalTooNew(path, "schema", header.header.schema, SCHEMA)


def records(segment: Segment, newest: bool) -> Iterator[Record]:
    """The segment's records in order. The ``newest`` of a family may end in a torn record: it stops before it.

    Raises :class:`JournalCorrupt` for damage anywhere else.
    """
    offset, last = segment.begin, max(segment.header.previous, segment.header.first - 1)
    while offset < len(segment.data):
        record = read_record(segment.data, offset)
        if record is None:
            after = find_record(segment.data, offset + 1)
            if newest and not segment.file.is_compressed and after is None:
                return
            raise JournalCorrupt(segment.file.path, offset, last + 1, _damage(segment, offset, after))
        if record.seq <= last:
            raise JournalCorrupt(segment.file.path, offset, record.seq, f"record {record.seq} follows record {last}")
        yield record
        offset, last = record.end, record.seq


def _damage(segment: Segment, offset: int, after: Record | None) -> str:
    if after is None:
        return f"the last {len(segment.data) - offset} bytes of a finished segment are damaged"
    return f"damaged bytes; the next readable record is {after.seq}, what lies between is lost"
