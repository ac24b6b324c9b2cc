"""Rows on their way into the store: an append-only file that survives a kill, one writer for each series.

A Parquet file is written whole, so rows are gathered here first: every append is on disk before the next request is
sent. A record is its length and CRC-32 (four bytes each, little endian) and the columns as MessagePack; a torn last
record is dropped when the file is opened again.
"""

import fcntl
import os
import zlib
from pathlib import Path
from typing import BinaryIO

import msgspec
import numpy as np

from tradectl.history.columns import dtype_of, joined, made
from tradectl.history.series import COLUMNS, Columns, Kind, SeriesId
from tradectl.model.errors import ErrorCode, Problem

_HEAD = 8
_ENCODE, _DECODE = msgspec.msgpack.Encoder().encode, msgspec.msgpack.Decoder(list[bytes]).decode


def series_file(folder: Path, series: SeriesId, suffix: str) -> Path:
    """A file of ``series`` in ``folder``, as ``linear.BTCUSDT.candles.1m.spool``."""
    parts = (series.instrument.category.value, series.instrument.symbol, series.kind.value, series.interval)
    return folder / (".".join(part for part in parts if part) + suffix)


def hold(path: Path, taken: str) -> BinaryIO:
    """``path`` opened to append, for this process alone until it is closed.

    Raises ``Problem`` (CONFLICT) with the sentence ``taken`` while another has it.
    """
    file = path.open("a+b")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise Problem(
            ErrorCode.CONFLICT,
            taken,
            field="symbol",
            reason="it has one writer",
            remedy="Wait for it, or write into another store with --data",
        ) from None
    return file


class Spool:
    """The spool of one series in ``folder``. Raises ``Problem`` (CONFLICT) while another process holds it."""

    def __init__(self, folder: Path, series: SeriesId) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.series = series
        self.path = series_file(folder, series, ".spool")
        self._file = hold(self.path, f"{series} is being downloaded or recorded by another process")
        self._parts = self._recover()

    @property
    def rows(self) -> int:
        """Rows that wait."""
        return sum(map(len, self._parts))

    @property
    def waiting(self) -> Columns:
        """All rows that wait, in the order they came."""
        return joined(self.series.kind, self._parts)

    def append(self, columns: Columns) -> None:
        """Add rows; they are on disk when this returns."""
        if not len(columns):
            return
        payload = _ENCODE([np.ascontiguousarray(column).tobytes() for column in columns.arrays()])
        self._file.write(len(payload).to_bytes(4, "little") + zlib.crc32(payload).to_bytes(4, "little") + payload)
        self._file.flush()
        os.fdatasync(self._file.fileno())
        self._parts.append(columns)

    def clear(self) -> None:
        """Forget the rows: the store has them."""
        self._parts.clear()
        self._file.truncate(0)

    def close(self) -> None:
        """Release the series; an empty spool leaves no file."""
        if not self._parts:
            self.path.unlink(missing_ok=True)
        self._file.close()

    def _recover(self) -> list[Columns]:
        """The whole records of a file that is there; what follows them is cut off."""
        self._file.seek(0)
        data = self._file.read()
        found: list[Columns] = []
        start = 0
        while start + _HEAD <= len(data):
            length = int.from_bytes(data[start : start + 4], "little")
            payload = data[start + _HEAD : start + _HEAD + length]
            crc = int.from_bytes(data[start + 4 : start + _HEAD], "little")
            if len(payload) < length or zlib.crc32(payload) != crc:
                break
            found.append(_columns(self.series.kind, payload))
            start += _HEAD + length
        self._file.truncate(start)
        self._file.seek(0, os.SEEK_END)
        return found


def _columns(kind: Kind, payload: bytes) -> Columns:
    names = COLUMNS[kind].names
    parts = zip(names, _DECODE(payload), strict=True)
    return made(kind, [np.frombuffer(raw, dtype_of(name)) for name, raw in parts])
