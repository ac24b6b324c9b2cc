"""A series as a file for other programs: CSV (plain or gzip), JSON, JSON lines, Parquet. Values keep every bit."""

import csv
import gzip
import io
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from tradectl.history.arrow import parquet
from tradectl.history.reading import History
from tradectl.history.series import COLUMNS, Columns, Kind, SeriesId
from tradectl.model.errors import ErrorCode, Problem

FORMATS = (".csv", ".csv.gz", ".json", ".jsonl", ".jsonl.gz", ".parquet")
NS_PER_MS = 1_000_000
Told = Callable[[int], None]


def export(
    history: History, series: SeriesId, since: int, until: int, path: Path, told: Told = lambda rows: None
) -> int:
    """Write the rows with ``since <= time < until``, oldest first, and return how many; ``told`` hears how far it is.

    Times are milliseconds where all are whole ones, else nanoseconds; Parquet always has nanoseconds, as stored.
    The file is there completely or not at all. Raises :class:`Problem` for an unknown format or an empty span.
    """
    write = _writer(path)
    scale = _scale(history, series, since, until)
    rows = 0

    def parts() -> Iterator[Columns]:
        nonlocal rows
        for part in history.read(series, since, until):
            yield part
            rows += len(part)
            told(rows)

    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        write(temporary, names_of(series.kind), parts(), scale)
        temporary.rename(path)
    except OSError as error:
        raise Problem(
            ErrorCode.INVALID_REQUEST,
            f"{path} cannot be written: {error.strerror or error}",
            field="file",
            remedy="Check the path, its permissions and the space on the disk",
        ) from None
    finally:
        temporary.unlink(missing_ok=True)
    return rows


Writer = Callable[[Path, tuple[str, ...], Iterator[Columns], int], None]


def _writer(path: Path) -> Writer:
    name = path.name.lower()
    found: Writer | None = None
    if name.endswith((".csv", ".csv.gz")):
        found = _csv
    elif name.endswith((".jsonl", ".jsonl.gz")):
        found = _json_lines
    elif name.endswith(".json"):
        found = _json
    elif name.endswith(".parquet"):
        found = _parquet
    if found is None:
        raise Problem(
            ErrorCode.INVALID_REQUEST,
            f"{path.name} has no ending that says the format",
            field="file",
            reason=f"known are {', '.join(FORMATS)}",
            remedy="Name the file with one of them",
        )
    return found


def _scale(history: History, series: SeriesId, since: int, until: int) -> int:
    """Nanoseconds of the unit times are written in. Raises :class:`Problem` when there is nothing to write."""
    rows = 0
    scale = NS_PER_MS
    for part in history.read(series, since, until):
        rows += len(part)
        if (part.times % NS_PER_MS).any():
            scale = 1
    if not rows:
        raise Problem(
            ErrorCode.NOT_FOUND,
            f"there is nothing of {series} in this span",
            field="series",
            remedy="tradectl data list shows what is there",
        )
    return scale


@contextmanager
def _text(path: Path) -> Iterator[IO[str]]:
    """The file as text; gzip without a time of its own, so that equal rows give equal bytes."""
    with path.open("wb") as raw:
        if ".gz." in path.name:
            with gzip.GzipFile("", "wb", 6, raw, 0) as packed, io.TextIOWrapper(packed, "utf-8", newline="") as text:
                yield text
        else:
            with io.TextIOWrapper(raw, "utf-8", newline="") as text:
                yield text


def names_of(kind: Kind) -> tuple[str, ...]:
    """The columns' names in a file: a lone value is called what it is."""
    names = ("timestamp", *COLUMNS[kind].names[1:])
    value = {Kind.FUNDING: "funding_rate", Kind.OPEN_INTEREST: "open_interest"}.get(kind)
    return ("timestamp", value) if value else names


def _rows(parts: Iterator[Columns], scale: int) -> Iterator[list[tuple[Any, ...]]]:
    for part in parts:
        first, *rest = part.arrays()
        values = [
            ("buy" if side > 0 else "sell" for side in it.tolist()) if it.dtype.kind == "i" else it.tolist()
            for it in rest
        ]
        yield list(zip((first // scale).tolist(), *values, strict=True))


def _csv(path: Path, names: tuple[str, ...], parts: Iterator[Columns], scale: int) -> None:
    with _text(path) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(names)
        for rows in _rows(parts, scale):
            writer.writerows(rows)


def _json(path: Path, names: tuple[str, ...], parts: Iterator[Columns], scale: int) -> None:
    with _text(path) as file:
        before = "[\n"
        for rows in _rows(parts, scale):
            for row in rows:
                file.write(before + json.dumps(dict(zip(names, row, strict=True))))
                before = ",\n"
        file.write("\n]\n")


def _json_lines(path: Path, names: tuple[str, ...], parts: Iterator[Columns], scale: int) -> None:
    with _text(path) as file:
        for rows in _rows(parts, scale):
            file.writelines(json.dumps(dict(zip(names, row, strict=True))) + "\n" for row in rows)


def _parquet(path: Path, names: tuple[str, ...], parts: Iterator[Columns], scale: int) -> None:
    pq = parquet()
    import pyarrow

    writer = None
    try:
        for part in parts:
            table = pyarrow.table(dict(zip(names, part.arrays(), strict=True)))
            writer = writer or pq.ParquetWriter(path, table.schema, compression="zstd")
            writer.write_table(table)
    finally:
        if writer is not None:
            writer.close()
