"""A file of rows, whatever its format, as blocks of columns with their line numbers: CSV, JSON, JSON lines, Parquet."""

import csv
import json
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from tradectl.history.arrow import need_arrow
from tradectl.history.file_text import PARQUET_MAGIC, lines, magic, whole
from tradectl.history.findings import Fault, Report
from tradectl.history.reading import CHUNK

#: A column of one block: text, numbers, or what else the format has.
Cells = Sequence[Any] | NDArray[Any]


class Block(Struct, frozen=True):
    """Rows of one part of a file by column, and the line each begins on (its number where there are no lines)."""

    cells: Sequence[Cells]
    lines: NDArray[np.int64]


class Rows(Struct, frozen=True):
    """The names of the columns (empty where the file has none, ``width`` counts them) and the blocks to come."""

    names: tuple[str, ...]
    width: int
    blocks: Iterator[Block]


def rows_of(report: Report) -> Rows:
    """The rows of the report's file. Raises :class:`Problem` when it is empty or in no format known here."""
    if magic(report.path) == PARQUET_MAGIC:
        return _parquet(report)
    text = lines(report)
    first = next((line for line in text if line.strip()), "")
    if not first:
        raise report.problem(1, "file", "is empty", "Give a file with rows")
    if first.lstrip()[0] in "[{":
        text.close()  # type: ignore[attr-defined]
        return _json(report)
    text.close()  # type: ignore[attr-defined]
    return _csv(report, max(",;\t", key=first.count))


# --- CSV


def _csv(report: Report, delimiter: str) -> Rows:
    reader = csv.reader(lines(report), strict=True, delimiter=delimiter)
    numbered = _numbered(report, reader)
    line, first = next(numbered, (1, []))
    if any(_is_number(cell) for cell in first):
        return Rows((), len(first), _csv_blocks(report, numbered, len(first), [(line, first)]))
    return Rows(tuple(first), len(first), _csv_blocks(report, numbered, len(first), []))


def _numbered(report: Report, reader: Any) -> Iterator[tuple[int, list[str]]]:
    """Each row with the line it ends on."""
    try:
        for row in reader:
            yield reader.line_num, row
    except csv.Error as error:
        raise report.problem(reader.line_num, "row", f"is not CSV: {error}", "Correct or remove the row") from None


def _csv_blocks(
    report: Report, rows: Iterator[tuple[int, list[str]]], width: int, first: list[tuple[int, list[str]]]
) -> Iterator[Block]:
    while part := first + list(islice(rows, CHUNK)):
        first = []
        uneven = [(line, row) for line, row in part if len(row) != width]
        if uneven:
            line, row = uneven[0]
            rule = f"has {len(row)} values where {width} are expected" if row else "is empty"
            report.mend(Fault("uneven", "row", rule, line, len(uneven)), "dropped")
            part = [(line, row) for line, row in part if len(row) == width]
        cells = [[row[place] for _, row in part] for place in range(width)]
        yield Block(cells, np.array([line for line, _ in part], np.int64))


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return cell.strip().lower() not in ("nan", "inf", "infinity")


# --- JSON


def _json(report: Report) -> Rows:
    """An array of arrays or objects, such an array inside an answer's ``result.list``, or one row a line."""
    data = whole(report)
    try:
        found = msgspec.json.decode(data)
    except msgspec.DecodeError as error:
        found = _json_lines(report, data, error)
    if isinstance(found, dict):
        inner = found.get("result", found)
        found = inner.get("list", [found]) if isinstance(inner, dict) else inner
    if not isinstance(found, list) or not found:
        raise report.problem(1, "file", "holds no rows", "Give an array of arrays or of objects, or one a line")
    return _objects(report, found) if isinstance(found[0], dict) else _arrays(report, found)


def _json_lines(report: Report, data: bytes, error: Exception) -> list[Any]:
    rows: list[Any] = []
    for number, line in enumerate(data.splitlines(), 1):
        if not line.strip():
            continue
        try:
            rows.append(msgspec.json.decode(line))
        except msgspec.DecodeError:
            shown = str(error) if not rows else "this line cannot be read"
            raise report.problem(number, "row", f"is not JSON: {shown}", "Correct or remove it") from None
    return rows


def _objects(report: Report, found: list[Any]) -> Rows:
    names = tuple(found[0])
    whole_rows = [(n, row) for n, row in enumerate(found, 1) if isinstance(row, dict) and all(k in row for k in names)]
    _uneven(report, found, whole_rows, f"lacks one of {', '.join(names)}")
    cells = [[row[name] for _, row in whole_rows] for name in names]
    return Rows(names, len(names), iter([Block(cells, np.array([n for n, _ in whole_rows], np.int64))]))


def _arrays(report: Report, found: list[Any]) -> Rows:
    width = len(found[0]) if isinstance(found[0], list) else 0
    whole_rows = [(n, row) for n, row in enumerate(found, 1) if isinstance(row, list) and len(row) == width]
    _uneven(report, found, whole_rows, f"is not an array of {width} values")
    cells = [[row[place] for _, row in whole_rows] for place in range(width)]
    return Rows((), width, iter([Block(cells, np.array([n for n, _ in whole_rows], np.int64))]))


def _uneven(report: Report, found: list[Any], kept: list[tuple[int, Any]], rule: str) -> None:
    if len(kept) < len(found):
        numbers = {n for n, _ in kept}
        line = next(n for n in range(1, len(found) + 1) if n not in numbers)
        report.mend(Fault("uneven", "row", rule, line, len(found) - len(kept)), "dropped")


# --- Parquet


def _parquet(report: Report) -> Rows:
    need_arrow()
    import pyarrow
    import pyarrow.parquet

    try:
        table = pyarrow.parquet.read_table(report.path)
    except (pyarrow.ArrowException, OSError) as error:
        raise report.problem(0, "file", f"is damaged: {json.dumps(str(error)[:120])}", "Get the file again") from None
    if not table.num_rows:
        raise report.problem(0, "file", "holds no rows", "Give a file with rows")
    cells: list[Cells] = [_cells(table.column(name)) for name in table.column_names]
    block = Block(cells, np.arange(1, table.num_rows + 1))
    return Rows(tuple(table.column_names), len(cells), iter([block]))


def _cells(column: Any) -> Cells:
    """Numbers as an array; times as an array of datetime64, or with their zone as text; the rest as a list."""
    import pyarrow

    kind = column.type
    if pyarrow.types.is_timestamp(kind) and kind.tz:
        whole: NDArray[np.int64] = column.cast(pyarrow.int64()).to_numpy()
        return whole * {"s": 10**9, "ms": 10**6, "us": 1000, "ns": 1}[kind.unit]
    if column.null_count == 0 and (pyarrow.types.is_timestamp(kind) or pyarrow.types.is_primitive(kind)):
        return column.to_numpy()  # type: ignore[no-any-return]
    return column.to_pylist()  # type: ignore[no-any-return]
