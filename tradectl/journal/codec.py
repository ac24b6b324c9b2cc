"""How a record and a segment header look in bytes.

A record is ``magic, crc32, length, seq, durable, payload`` (little endian). The checksum covers all that follows it.
``durable`` is the last sequence known to be on disk when the record was written: what a power cut may have taken is
told from what must be there.
"""

import struct
import zlib
from typing import NamedTuple

import msgspec

from tradectl.journal.protocol import Header
from tradectl.model.commands import Entry

FORMAT = 1
RECORD_MAGIC = b"\x9dTJ\n"
SEGMENT_MAGIC = b"tradectl journal\n"
#: A longer record is taken for damage. A reconciliation of 50,000 orders has about 10 MB.
MAX_RECORD = 256 * 1024 * 1024

_PREFIX = struct.Struct("<4sIIQQ")
_CHECKED = struct.Struct("<IQQ")
_HEADER_PREFIX = struct.Struct("<II")
PREFIX_SIZE = _PREFIX.size
_CHECKED_FROM = PREFIX_SIZE - _CHECKED.size

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Entry)
_encode_into = _encoder.encode_into


class SegmentHeader(msgspec.Struct, frozen=True):
    """First in every segment. ``previous`` is the family's last sequence before it: the chain shows a lost file."""

    format: int
    family: str
    first: int
    previous: int
    header: Header


class Record(NamedTuple):
    """A checked record, its payload still encoded. ``end`` is the offset behind it."""

    seq: int
    durable: int
    payload: memoryview
    end: int


def encode_entry(entry: Entry) -> bytes:
    """The payload of a record."""
    return _encoder.encode(entry)


def decode_entry(payload: bytes | memoryview) -> Entry:
    """The entry in a payload. Raises ``msgspec.DecodeError`` (also for a wrong shape)."""
    return _decoder.decode(payload)


def seal(buffer: bytearray, entry: Entry, durable: int) -> None:
    """Make ``buffer`` the complete record of ``entry``."""
    _encode_into(entry, buffer, PREFIX_SIZE)
    _PREFIX.pack_into(buffer, 0, RECORD_MAGIC, 0, len(buffer) - PREFIX_SIZE, entry.seq, durable)
    with memoryview(buffer) as view:
        checksum = zlib.crc32(view[_CHECKED_FROM:])
    struct.pack_into("<I", buffer, 4, checksum)


def read_record(data: memoryview, offset: int) -> Record | None:
    """The record at ``offset``, or ``None`` when what is there is no complete, undamaged record."""
    begin = offset + PREFIX_SIZE
    if begin > len(data):
        return None
    magic, checksum, length, seq, durable = _PREFIX.unpack_from(data, offset)
    end = begin + length
    if magic != RECORD_MAGIC or length > MAX_RECORD or end > len(data):
        return None
    if zlib.crc32(data[offset + _CHECKED_FROM : end]) != checksum:
        return None
    return Record(seq, durable, data[begin:end], end)


def find_record(data: memoryview, offset: int) -> Record | None:
    """The first undamaged record at or behind ``offset``, wherever it begins."""
    raw = bytes(data[offset:])
    at = raw.find(RECORD_MAGIC)
    while at >= 0:
        record = read_record(data, offset + at)
        if record is not None:
            return record
        at = raw.find(RECORD_MAGIC, at + 1)
    return None


def encode_header(header: SegmentHeader) -> bytes:
    """The first bytes of a segment: magic, length, checksum, JSON."""
    text = msgspec.json.encode(header) + b"\n"
    return SEGMENT_MAGIC + _HEADER_PREFIX.pack(len(text), zlib.crc32(text)) + text


def read_header(data: memoryview) -> tuple[SegmentHeader, int] | None:
    """The header at the start of a segment and the offset behind it; ``None`` when incomplete or damaged."""
    begin = len(SEGMENT_MAGIC) + _HEADER_PREFIX.size
    if len(data) < begin or data[: len(SEGMENT_MAGIC)] != SEGMENT_MAGIC:
        return None
    length, checksum = _HEADER_PREFIX.unpack_from(data, len(SEGMENT_MAGIC))
    end = begin + length
    if len(data) < end or zlib.crc32(data[begin:end]) != checksum:
        return None
    return msgspec.json.decode(data[begin:end], type=SegmentHeader), end
