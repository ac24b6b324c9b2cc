"""One Parquet file of a series: written whole and at once, read in parts, never believed when it is damaged."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tradectl.history.arrow import parquet
from tradectl.history.columns import dtype_of, made
from tradectl.history.reading import CHUNK, Span
from tradectl.history.series import COLUMNS, Columns, Kind
from tradectl.model.errors import ErrorCode, Problem


def write_file(path: Path, columns: Columns) -> None:
    """Write ``path`` so that it is there completely or as it was: a temporary file, fsync, rename, fsync of the folder.

    Float64 and int64 are stored as they are: every value comes back with the same bits.
    """
    pq = parquet()
    import pyarrow

    table = pyarrow.table(dict(zip(columns.names, columns.arrays(), strict=True)))
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            pq.write_table(table, file, compression="zstd", row_group_size=CHUNK, use_dictionary=False)
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(path)
    finally:
        temporary.unlink(missing_ok=True)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_file(path: Path, kind: Kind, since: int, until: int) -> Iterator[Columns]:
    """The rows with ``since <= time < until`` in parts of at most :data:`CHUNK` rows.

    Raises :class:`Problem` when the file cannot be read, lacks a column, holds an empty cell or is out of order.
    """
    file = _opened(path, kind)
    last = -1
    for group in range(file.metadata.num_row_groups):
        first, end = _times_of(path, file.metadata.row_group(group))
        if end < since or first >= until:
            continue
        part = _group(path, file, kind, group)
        _check_order(path, part, last)
        last = int(part.times[-1])
        wanted = part.between(since, until)
        for start in range(0, len(wanted), CHUNK):
            yield wanted.rows(start, start + CHUNK)


def span_of(path: Path, kind: Kind) -> Span | None:
    """First and last time and number of rows, from the file's footer alone. Raises :class:`Problem`."""
    data = _opened(path, kind).metadata
    groups = [_times_of(path, data.row_group(n)) for n in range(data.num_row_groups)]
    return Span(groups[0][0], groups[-1][1], data.num_rows) if groups and data.num_rows else None


def damaged(path: Path, rule: str) -> Problem:
    """The problem of a stored file that cannot be used."""
    return Problem(
        ErrorCode.CONFLICT,
        f"{path} is damaged: {rule}",
        field="file",
        reason=rule,
        remedy="tradectl data repair puts damaged files aside; then import or download the span again",
        data={"file": str(path)},
    )


def _opened(path: Path, kind: Kind) -> Any:
    pq = parquet()
    import pyarrow

    try:
        file = pq.ParquetFile(path)
    except (pyarrow.ArrowException, OSError) as error:
        raise damaged(path, _first_line(error)) from None
    names = set(file.schema_arrow.names)
    missing = [name for name in COLUMNS[kind].names if name not in names]
    if missing:
        raise damaged(path, f"it has no column {missing[0]}")
    return file


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")


def _times_of(path: Path, group: Any) -> tuple[int, int]:
    told = group.column(0).statistics
    if told is None or not told.has_min_max:
        raise damaged(path, "its footer does not say which times it holds")
    return int(told.min), int(told.max)


def _group(path: Path, file: Any, kind: Kind, group: int) -> Columns:
    import pyarrow

    names = COLUMNS[kind].names
    try:
        table = file.read_row_group(group, columns=list(names))
    except (pyarrow.ArrowException, OSError) as error:
        raise damaged(path, _first_line(error)) from None
    arrays = []
    for name in names:
        column = table.column(name)
        if column.null_count:
            raise damaged(path, f"{name} has empty cells")
        values = column.to_numpy()
        if values.dtype != dtype_of(name):
            raise damaged(path, f"{name} is {values.dtype}, not {np.dtype(dtype_of(name))}")
        arrays.append(values)
    return made(kind, arrays)


def _check_order(path: Path, part: Columns, last: int) -> None:
    times = part.times
    if times[0] < last or not bool((times[1:] >= times[:-1]).all()):
        raise damaged(path, "its rows are not in the order of time")
