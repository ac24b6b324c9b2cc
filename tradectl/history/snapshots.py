"""Instruments as they were: dated files of what changed, so that a backtest trades under the filters of the time."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec
from msgspec import Struct

from tradectl.history.layout import INSTRUMENTS
from tradectl.model.errors import ErrorCode, Problem
from tradectl.model.instruments import Instrument, InstrumentId


class Snapshot(Struct, frozen=True):
    """What was new or had changed at ``at``, nanoseconds UTC."""

    at: int
    instruments: tuple[Instrument, ...]


def write_instruments(root: Path, at: int, rows: Iterable[Instrument]) -> int:
    """Keep what differs from what was known at ``at``; returns how many rows that were.

    A snapshot older than a stored one is merged into its place in time. Raises :class:`Problem` for a damaged file.
    """
    known = {it.id: it for snap in _snapshots(root) if snap.at <= at for it in snap.instruments}
    changed = tuple(it for it in rows if known.get(it.id) != it)
    if changed:
        folder = root / INSTRUMENTS
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{at:020d}.json"
        before = _read(path).instruments if path.exists() else ()
        merged = {it.id: it for it in (*before, *changed)}
        _write(path, msgspec.json.encode(Snapshot(at, tuple(merged[key] for key in sorted(merged)))))
    return len(changed)


def read_instruments(root: Path, at: int) -> dict[InstrumentId, Instrument]:
    """The newest word about each instrument at ``at``; of those first heard of later, the first word."""
    found: dict[InstrumentId, Instrument] = {}
    for snap in _snapshots(root):
        for it in snap.instruments:
            if snap.at <= at or it.id not in found:
                found[it.id] = it
    return found


def _snapshots(root: Path) -> Iterator[Snapshot]:
    folder = root / INSTRUMENTS
    for path in sorted(folder.glob("*.json")) if folder.is_dir() else ():
        yield _read(path)


def _read(path: Path) -> Snapshot:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Snapshot)
    except (msgspec.MsgspecError, OSError) as error:
        raise Problem(
            ErrorCode.CONFLICT,
            f"{path} is damaged: {error}",
            field="instruments",
            remedy="Remove the file; tradectl data download brings instruments again",
            data={"file": str(path)},
        ) from None


def _write(path: Path, data: bytes) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with temporary.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    temporary.rename(path)
