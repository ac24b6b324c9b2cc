"""The durable high-water mark of order sequences: after a power cut no order id is used twice."""

import zlib
from pathlib import Path

from tradectl.journal.errors import JournalCorrupt
from tradectl.journal.files import write_atomically

_NAME = "reserved"


def read_reserved(directory: Path) -> int:
    """The mark, 0 when none was set. Raises :class:`JournalCorrupt` when the file is damaged."""
    path = directory / _NAME
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return 0
    number, _, checksum = text.strip().partition(b" ")
    if not number.isdigit() or checksum != _checksum(number):
        raise JournalCorrupt(path, 0, 0, "the mark of reserved order ids is damaged")
    return int(number)


def write_reserved(directory: Path, upto: int) -> None:
    """Make ``upto`` the mark, durably. Raises ``OSError``."""
    number = b"%d" % upto
    write_atomically(directory / _NAME, number + b" " + _checksum(number) + b"\n")


def _checksum(number: bytes) -> bytes:
    return b"%08x" % zlib.crc32(number)
