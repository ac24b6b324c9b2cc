"""Checkpoints: the state of engine and strategies after one entry, so that a restart need not replay a whole run."""

import os
import struct
import zlib
from bisect import bisect_right
from pathlib import Path

from tradectl.journal.files import write_atomically
from tradectl.journal.protocol import Checkpoint
from tradectl.journal.segments import MARKET, list_segments

_MAGIC = b"tradectl checkpoint 1\n"
_PREFIX = struct.Struct("<QQI")


def list_checkpoints(directory: Path) -> list[tuple[int, Path]]:
    """``(seq, file)`` of each checkpoint, newest first, unread."""
    found = []
    for name in os.listdir(directory) if directory.is_dir() else ():
        number = name.removeprefix("checkpoint-").removesuffix(".tc")
        if name == f"checkpoint-{number}.tc" and number.isdecimal():
            found.append((int(number), directory / name))
    return sorted(found, reverse=True)


def write_checkpoint(directory: Path, checkpoint: Checkpoint, keep: int) -> None:
    """Keep it durably beside the ``keep - 1`` before it and one for each market segment (:func:`anchors`).

    Raises ``OSError``; then the older ones are untouched.
    """
    body = _PREFIX.pack(checkpoint.seq, len(checkpoint.state), zlib.crc32(checkpoint.state)) + checkpoint.state
    path = directory / f"checkpoint-{checkpoint.seq:020d}.tc"
    write_atomically(path, _MAGIC + struct.pack("<I", zlib.crc32(body)) + body)
    needed = {path for _, path in anchors(directory, keep)}
    for _, old in list_checkpoints(directory)[keep:]:
        if old not in needed:
            old.unlink(missing_ok=True)


def anchors(directory: Path, keep: int) -> list[tuple[int, Path]]:
    """Of the checkpoints older than the newest ``keep``: the first in each market segment that does not begin the run.

    When what lies before a segment is pruned, a replay can begin there. Oldest first.
    """
    firsts = [file.first for file in list_segments(directory, MARKET)]
    found: dict[int, tuple[int, Path]] = {}
    for seq, path in reversed(list_checkpoints(directory)[keep:]):
        segment = bisect_right(firsts, seq + 1)
        if segment and firsts[segment - 1] > 1:
            found.setdefault(segment, (seq, path))
    return list(found.values())


def read_checkpoint(path: Path) -> Checkpoint | None:
    """The checkpoint in ``path``, ``None`` when it is damaged."""
    data = path.read_bytes()
    begin = len(_MAGIC) + 4
    if not data.startswith(_MAGIC) or len(data) < begin + _PREFIX.size:
        return None
    body = data[begin:]
    if zlib.crc32(body) != struct.unpack_from("<I", data, len(_MAGIC))[0]:
        return None
    seq, length, checksum = _PREFIX.unpack_from(body)
    state = body[_PREFIX.size :]
    return Checkpoint(seq, state) if len(state) == length and zlib.crc32(state) == checksum else None


def latest_checkpoint(directory: Path, upto: int | None = None) -> tuple[Checkpoint | None, tuple[Path, ...]]:
    """The newest undamaged checkpoint (not behind ``upto``), and the files that had to be passed over for it."""
    damaged: list[Path] = []
    for seq, path in list_checkpoints(directory):
        checkpoint = read_checkpoint(path)
        if checkpoint is None or (upto is not None and seq > upto):
            damaged.append(path)
            continue
        return checkpoint, tuple(damaged)
    return None, tuple(damaged)


def usable_checkpoints(directory: Path, after: int) -> list[tuple[int, Path]]:
    """Those from which everything is still there when the journal is complete behind entry ``after``; oldest first."""
    return [(seq, path) for seq, path in reversed(list_checkpoints(directory)) if seq >= after]
