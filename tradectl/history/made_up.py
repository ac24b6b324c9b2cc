"""What in a series is no record of the market: rows made by a repair, listed beside it so that it is never hidden."""

from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from tradectl.history.layout import folder_of
from tradectl.history.series import SeriesId

NAME = "repairs.jsonl"


class MadeUp(Struct, frozen=True):
    """Rows from ``since`` to before ``until`` (nanoseconds) that a repair made at ``at``: flat, or from finer data."""

    at: int
    since: int
    until: int
    rows: int
    how: Literal["flat", "finer"]
    source: str = ""


def note_made_up(root: Path, series: SeriesId, what: MadeUp) -> None:
    """Add a line to the series' list."""
    path = root / folder_of(series) / NAME
    with path.open("ab") as file:
        file.write(msgspec.json.encode(what) + b"\n")


def made_up_in(root: Path, series: SeriesId) -> list[MadeUp]:
    """All repairs of a series, oldest first; a last line torn by a crash is left out."""
    path = root / folder_of(series) / NAME
    if not path.exists():
        return []
    lines = path.read_bytes().split(b"\n")[:-1]
    return [msgspec.json.decode(line, type=MadeUp) for line in lines]
