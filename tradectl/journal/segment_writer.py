"""One segment being written."""

import contextlib
import os
from pathlib import Path

from tradectl.journal.codec import SegmentHeader, encode_header
from tradectl.journal.files import write_all
from tradectl.journal.segments import segment_name


class SegmentWriter:
    """Appends whole records to a new file. ``size`` is where the next record goes, ``last`` the last sequence.

    Writing at an explicit offset means that whatever a failed write left behind is overwritten by the next record.
    """

    __slots__ = ("begin", "family", "fd", "last", "path", "size")

    def __init__(self, directory: Path, header: SegmentHeader) -> None:
        self.family = header.family
        self.path = directory / segment_name(header.family, header.first)
        self.last = header.previous
        self.fd = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        text = encode_header(header)
        try:
            write_all(self.fd, text, 0)
        except OSError:
            os.close(self.fd)
            self.path.unlink()
            raise
        self.begin = self.size = len(text)

    def write(self, record: bytearray, seq: int) -> None:
        """Append ``record``. Raises ``OSError``; then the file is as it was."""
        size = self.size
        try:
            done = os.pwrite(self.fd, record, size)
            if done != len(record):
                write_all(self.fd, bytes(record[done:]), size + done)
        except OSError:
            # Best effort: what cannot be cut now is overwritten by the next record or cut when reopened.
            with contextlib.suppress(OSError):
                os.ftruncate(self.fd, size)
            raise
        self.size = size + len(record)
        self.last = seq
