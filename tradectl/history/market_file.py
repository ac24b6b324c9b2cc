"""One foreign file of market data, checked: which series it is, its rows, and everything that was found in it."""

from collections.abc import Mapping, Sequence
from datetime import tzinfo
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray

from tradectl.history.checking import bad_amounts, jumps, ordered, unique
from tradectl.history.columns import WITH_INTERVAL, chosen, made
from tradectl.history.file_columns import kind_of, places_of
from tradectl.history.file_names import Named, named
from tradectl.history.file_rows import Block, Rows, rows_of
from tradectl.history.file_text import PARQUET_MAGIC, lines, magic
from tradectl.history.file_times import BadTime, times_of, zone_named
from tradectl.history.file_values import numbers_of, sides_of
from tradectl.history.findings import Fault, Finding, Report
from tradectl.history.gaps import Gap, gaps_of
from tradectl.history.grid import clock, funding_grid, interval_of, off_grid
from tradectl.history.series import COLUMNS, Candles, Columns, Kind, SeriesId, Times
from tradectl.history.stream_file import Stream, is_stream, streams_of
from tradectl.model.instruments import Category, InstrumentId
from tradectl.model.market_data import INTERVALS


class Hints(Struct, frozen=True):
    """What the user says of a file; the rest is guessed. ``columns`` maps our fields to names or positions from 0.

    ``shift`` nanoseconds are added to every time; ``repair`` drops, sorts and says so where else a fault stops.
    """

    category: Category | None = None
    symbol: str = ""
    kind: Kind | None = None
    interval: str = ""
    columns: Mapping[str, str] = {}
    zone: str = ""
    shift: int = 0
    repair: bool = False


#: Nothing is said, all is guessed.
GUESS = Hints()


class MarketFile(Struct, frozen=True):
    """A file that was read: ``guessed`` tells which words of its series nobody said, ``unit`` that of its times."""

    path: Path
    series: SeriesId
    columns: Columns
    read: int
    findings: tuple[Finding, ...]
    gaps: tuple[Gap, ...]
    guessed: tuple[str, ...]
    unit: str

    @property
    def missing(self) -> int:
        """How many rows the gaps lack."""
        return sum(gap.missing for gap in self.gaps)


def read_market_files(path: Path, hints: Hints = GUESS) -> list[MarketFile]:
    """As :func:`read_market_file`, and every series of a file of stream messages."""
    report = Report(path, hints.repair)
    if magic(path) == PARQUET_MAGIC or not is_stream(next((it for it in lines(report) if it.strip()), "")):
        return [read_market_file(path, hints)]
    report, name, found = Report(path, hints.repair), named(path), []
    for it in streams_of(report):
        if (hints.symbol and it.symbol != hints.symbol.upper()) or hints.kind not in (None, it.kind):
            continue
        category = hints.category or name.category or _category_of_stream(it)
        if category is None:
            raise report.problem(0, "category", "cannot be told from a book alone", "Say --category linear or spot")
        columns = made(it.kind, [it.columns.times + hints.shift, *it.columns.arrays()[1:]])
        series = SeriesId(InstrumentId(category, it.symbol), it.kind, it.depth)
        found.append(MarketFile(path, series, columns, it.read, (), (), _guessed(series, hints), "ms"))
    if not found:
        raise report.problem(0, "symbol", f"{hints.symbol} is not in the file", "Name one of its symbols, or none")
    found[0] = replace(found[0], findings=tuple(report.findings))
    return found


def _category_of_stream(it: Stream) -> Category | None:
    """Spot states no tick direction; of the others the quote coin tells."""
    if it.is_spot is None:
        return None
    if it.is_spot:
        return Category.SPOT
    return Category.LINEAR if it.symbol.endswith(("USDT", "USDC", "PERP")) else Category.INVERSE


def read_market_file(path: Path, hints: Hints = GUESS) -> MarketFile:
    """Read and check a file of candles, funding, open interest, trades or quotes: CSV, JSON or Parquet, gzip or zip.

    Raises :class:`Problem` at the first fault with file, line, field, rule and remedy; with ``hints.repair`` only
    where no honest repair exists: contradicting rows, mixed intervals, shifted times, missing columns.
    """
    report = Report(path, hints.repair)
    name = named(path)
    rows = rows_of(report)
    kind = kind_of(report, rows, hints.kind or name.kind, hints.columns)
    places = places_of(report, rows, kind, hints.columns)
    columns, lines, unit = _columns(report, rows, kind, places, hints)
    read = len(lines)
    columns, lines = unique(report, kind, *ordered(report, columns, lines))
    instrument = _instrument(report, kind, name, hints)
    interval = ""
    if kind in WITH_INTERVAL:
        interval = interval_of(report, columns.times, lines, hints.interval or name.interval)
        keep = ~off_grid(report, columns.times, lines, interval)
        columns, lines = chosen(columns, keep), lines[keep]
    elif kind is Kind.FUNDING:
        columns = made(kind, [funding_grid(report, columns.times, lines), *columns.arrays()[1:]])
    _warn_of_jumps(report, kind, columns, lines)
    series = SeriesId(instrument, kind, interval)
    gaps = tuple(gaps_of(columns.times, INTERVALS[interval])) if interval else ()
    return MarketFile(path, series, columns, read, tuple(report.findings), gaps, _guessed(series, hints), unit)


# --- cells to columns


def _columns(
    report: Report, rows: Rows, kind: Kind, places: Mapping[str, int], hints: Hints
) -> tuple[Columns, Times, str]:
    try:
        zone = zone_named(hints.zone)
    except BadTime as error:
        raise report.problem(0, "zone", str(error), "Correct --zone") from None
    parts: list[tuple[Columns, Times, NDArray[np.bool_]]] = []
    bad_cells: list[tuple[int, str, str]] = []
    unit = ""
    for block in rows.blocks:
        if len(block.lines):
            part, bad, unit = _block(rows, block, kind, places, zone, unit, bad_cells)
            parts.append((part, block.lines, bad))
    if not parts:
        raise report.problem(2, "row", "is missing: the file has a header and nothing else", "Give a file with rows")
    arrays = [np.concatenate(column) for column in zip(*(part.arrays() for part, _, _ in parts), strict=True)]
    lines, bad = np.concatenate([it[1] for it in parts]), np.concatenate([it[2] for it in parts])
    _mend_cells(report, bad_cells)
    columns = made(kind, [arrays[0] + np.where(arrays[0] != 0, hints.shift, 0), *arrays[1:]])
    bad = bad_amounts(report, kind, columns, lines, bad)
    if bad.all():
        raise report.problem(int(lines[0]), "row", "is bad, and so is every other", "Check the file and --columns")
    return (columns, lines, unit) if not bad.any() else (chosen(columns, ~bad), lines[~bad], unit)


def _block(
    rows: Rows, block: Block, kind: Kind, places: Mapping[str, int], zone: tzinfo | None, unit: str,
    bad_cells: list[tuple[int, str, str]],
) -> tuple[Columns, NDArray[np.bool_], str]:  # fmt: skip
    count = len(block.lines)
    bad = np.zeros(count, bool)
    arrays: list[NDArray[Any]] = []
    for place, field in enumerate(COLUMNS[kind].names):
        source = places.get("time" if place == 0 else field)
        wrong: dict[int, str] = {}
        if source is None:
            arrays.append(np.zeros(count))
        elif place == 0:
            times = times_of(block.cells[source], zone, unit)
            wrong, unit = times.bad, unit or times.unit
            arrays.append(times.values)
        elif field == "side":
            sides, wrong = sides_of(block.cells[source], rows.names[source] if rows.names else "side")
            arrays.append(sides)
        else:
            numbers, wrong = numbers_of(block.cells[source])
            arrays.append(numbers)
        told = "time" if place == 0 else field
        bad_cells += [(int(block.lines[row]), told, rule) for row, rule in wrong.items() if not bad[row]]
        bad[list(wrong)] = True
    return made(kind, arrays), bad, unit


def _mend_cells(report: Report, bad_cells: Sequence[tuple[int, str, str]]) -> None:
    """Rows with a bad cell are dropped, counted by field; the earliest stops the file when nothing is repaired."""
    first: dict[str, tuple[int, str, str]] = {}
    for cell in sorted(bad_cells):
        first.setdefault(cell[1], cell)
    for line, field, rule in first.values():
        count = sum(1 for cell in bad_cells if cell[1] == field)
        report.mend(Fault("bad_value", field, rule, line, count), "dropped")


# --- which series


def _instrument(report: Report, kind: Kind, name: Named, hints: Hints) -> InstrumentId:
    symbol = hints.symbol.upper() or name.symbol
    category = hints.category or name.category or _category_by(kind, symbol)
    if not symbol:
        raise report.problem(0, "symbol", "cannot be told from the file's name", "Say --symbol")
    if category is None:
        raise report.problem(0, "category", "cannot be told from the file's name", "Say --category spot|linear|inverse")
    return InstrumentId(category, symbol)


def _category_by(kind: Kind, symbol: str) -> Category | None:
    """Only perpetuals have funding, marks and open interest, and their quote coin tells the two families apart."""
    if kind not in (Kind.FUNDING, Kind.MARK, Kind.INDEX, Kind.OPEN_INTEREST):
        return None
    return Category.LINEAR if symbol.endswith(("USDT", "USDC")) else Category.INVERSE if symbol else None


def _guessed(series: SeriesId, hints: Hints) -> tuple[str, ...]:
    words = {
        "category": not hints.category, "symbol": not hints.symbol, "kind": not hints.kind,
        "interval": bool(series.interval) and not hints.interval,
    }  # fmt: skip
    return tuple(word for word, guessed in words.items() if guessed)


def _warn_of_jumps(report: Report, kind: Kind, columns: Columns, lines: Times) -> None:
    found = jumps(kind, columns)
    if len(found):
        row = int(found[0])
        value = columns.close[row] if isinstance(columns, Candles) else columns.arrays()[1][row]
        text = f"the price jumps more than twentyfold at {clock(columns.times[row])} to {float(value)!r}"
        report.warn("absurd", f"{text} (line {lines[row]}): is it real?", len(found), int(lines[row]))
