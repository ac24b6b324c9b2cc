"""The paper account on disk: one file that grows by a record for every change, written before anybody hears of it.

A record holds the whole account and what is new of its past, so that the last one and all pasts together are the
account. A record that a killed process left unfinished was never heard of, and is cut off.
"""

import os
import secrets
import struct
import zlib
from pathlib import Path

import msgspec
from msgspec import Struct

from tradectl.journal.files import sync_directory, write_all, write_atomically
from tradectl.model.errors import ErrorCode, Problem
from tradectl.simulation.paper_past import Chapter, Past
from tradectl.simulation.paper_venue import REMEMBERED, PaperVenue, Saved, Terms

MAGIC = b"tradectl paper 1\n"
#: A file that has grown by this many bytes is written anew, with what is still remembered.
ROOM = 16 << 20
_PREFIX = struct.Struct("<II")
_encode = msgspec.msgpack.encode


class _Record(Struct, frozen=True):
    account: Saved
    chapter: Chapter


class PaperFile:
    """The account of one state directory. Open it once; not for two processes."""

    def __init__(self, path: Path, room: int = ROOM) -> None:
        """Raises ``Problem`` when the file is no paper account, or of a version that is not read here."""
        self.path = path
        self._room = room
        self.saved: Saved | None = None
        self.past = Past()
        self._end = self._read() if path.exists() else 0
        self._full = self._end + room
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        os.ftruncate(self._fd, self._end)
        sync_directory(path.parent)

    def _read(self) -> int:
        """Take in every whole record; where the last one ends."""
        data = self.path.read_bytes()
        if not MAGIC.startswith(data[: len(MAGIC)]):
            raise self._unreadable("it does not begin as one")
        end = len(MAGIC) if len(data) >= len(MAGIC) else 0
        while end and len(data) >= end + _PREFIX.size:
            length, checksum = _PREFIX.unpack_from(data, end)
            payload = data[end + _PREFIX.size : end + _PREFIX.size + length]
            if len(payload) < length or zlib.crc32(payload) != checksum:
                break
            try:
                record = msgspec.msgpack.decode(payload, type=_Record)
            except msgspec.DecodeError as error:
                raise self._unreadable(str(error)) from None
            self.saved = record.account
            self.past.add(record.chapter)
            end += _PREFIX.size + length
        return end

    def _unreadable(self, reason: str) -> Problem:
        return Problem(
            ErrorCode.INTERNAL, f"{self.path} is no paper account this version can read", field=str(self.path),
            reason=reason, remedy="start it with the version that wrote it, or use --profile NAME for a new account",
        )  # fmt: skip

    def venue(self, terms: Terms) -> PaperVenue:
        """The account as it was left, or a new one. Raises ``Problem`` when its exchange cannot be read."""
        try:
            return PaperVenue(terms, f"paper-{secrets.token_hex(4)}", self.saved, self.past)
        except (ValueError, msgspec.DecodeError) as error:
            raise self._unreadable(str(error)) from None

    def write(self, account: Saved, chapter: Chapter, past: Past) -> None:
        """Add a record; ``past`` is everything, should the file have to be written anew. Raises ``OSError``: then the
        file is as it was."""
        if self._end >= self._full:
            self._anew(account, past)
            return
        data = _framed(_Record(account, chapter))
        if not self._end:
            data = MAGIC + data
        write_all(self._fd, data, self._end)
        self._end += len(data)

    def _anew(self, account: Saved, past: Past) -> None:
        past.forget(account.now - REMEMBERED)
        data = MAGIC + _framed(_Record(account, past.since(0)))
        write_atomically(self.path, data)
        fresh = os.open(self.path, os.O_RDWR | os.O_CLOEXEC)
        os.dup2(fresh, self._fd, inheritable=False)  # in one step: another thread may be making it durable
        os.close(fresh)
        self._end, self._full = len(data), len(data) + self._room

    def sync(self) -> None:
        """Make what was written survive a power cut."""
        os.fdatasync(self._fd)

    def close(self) -> None:
        """No more records."""
        os.close(self._fd)


def _framed(record: _Record) -> bytes:
    payload = _encode(record)
    return _PREFIX.pack(len(payload), zlib.crc32(payload)) + payload
