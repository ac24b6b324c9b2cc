"""Opening a journal for append: what a crash left behind its end is cut, and set aside where it is whole."""

import os
from pathlib import Path

from tradectl.journal.files import sync_directory, write_atomically
from tradectl.journal.protocol import Cut
from tradectl.journal.segments import FAMILIES, SegmentFile, list_segments, open_segment, read_bytes
from tradectl.journal.tail import Tail, find_tail


def cut_tail(directory: Path) -> tuple[Tail, tuple[Cut, ...]]:
    """Remove what lies behind the journal's end and newest segments without a record; make the rest durable.

    Returns the new end and what was cut. Raises ``OSError`` and the errors of :func:`find_tail`; then nothing is cut.
    """
    cuts = find_tail(directory).cuts
    for cut in cuts:
        _set_aside(cut)
        if cut.offset == 0:
            cut.path.unlink()
        else:
            os.truncate(cut.path, cut.offset)
    for family in FAMILIES:
        files = list_segments(directory, family)
        if files and _is_empty(files[-1]):
            files.pop().path.unlink()
        if files:
            _sync(files[-1].path)
    for leftover in directory.glob("*.tmp"):
        leftover.unlink()
    sync_directory(directory)
    return find_tail(directory), cuts


def _set_aside(cut: Cut) -> None:
    data = cut.path.read_bytes()[cut.offset :]
    write_atomically(cut.path.with_name(f"{cut.path.name}.{cut.seq}.cut"), data)


def _sync(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fdatasync(fd)
    finally:
        os.close(fd)


def _is_empty(file: SegmentFile) -> bool:
    if file.is_compressed:
        return False
    segment = open_segment(file)
    return segment is None or segment.begin == len(read_bytes(file))
