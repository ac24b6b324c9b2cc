"""The rules rows must keep, over whole columns at once: amounts, order, repeats, absurd jumps."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from tradectl.history.columns import ONE_AT_A_TIME, chosen
from tradectl.history.findings import Fault, Report, first_of
from tradectl.history.grid import clock
from tradectl.history.series import Candles, Columns, Kind, Levels, Points, Tape, Times, Touches

#: A price that jumps by more than this factor from one row to the next is told: a wrong decimal point, or a crash.
ABSURD = 20.0
#: No venue charges more than this in one settlement; a percentage written as one is caught by it.
HIGHEST_FUNDING = 0.05

Broken = tuple[str, str, NDArray[np.bool_]]


def broken_rules(kind: Kind, rows: Columns) -> Iterator[Broken]:
    """The rules rows of ``kind`` break: the field, the rule, and which rows. NaN breaks none: it is told elsewhere."""
    if isinstance(rows, Candles):
        yield from _candles(rows)
    elif isinstance(rows, Tape):
        yield "price", "must be above 0", rows.price <= 0
        yield "size", "must be above 0", rows.size <= 0
    elif isinstance(rows, Touches):
        yield from _touches(rows)
    elif isinstance(rows, Levels):
        yield "price", "must be above 0", rows.price <= 0
        yield "size", "must not be negative", rows.size < 0
    elif isinstance(rows, Points):
        if kind is Kind.FUNDING:
            rule = f"is beyond {HIGHEST_FUNDING}: a fraction is expected, not a percentage"
            yield "value", rule, np.abs(rows.value) > HIGHEST_FUNDING
        else:
            yield "value", "must not be negative", rows.value < 0


def _candles(rows: Candles) -> Iterator[Broken]:
    for name in ("open", "high", "low", "close"):
        yield name, "must be above 0", getattr(rows, name) <= 0
    yield "volume", "must not be negative", rows.volume < 0
    yield "turnover", "must not be negative", rows.turnover < 0
    yield "high", "is below the low", rows.high < rows.low
    yield "high", "is below the open or the close", rows.high < np.maximum(rows.open, rows.close)
    yield "low", "is above the open or the close", rows.low > np.minimum(rows.open, rows.close)


def _touches(rows: Touches) -> Iterator[Broken]:
    for name in ("bid", "ask"):
        yield name, "must be above 0", getattr(rows, name) <= 0
    for name in ("bid_size", "ask_size"):
        yield name, "must not be negative", getattr(rows, name) < 0
    yield "bid", "is above the ask", rows.bid > rows.ask


def bad_amounts(report: Report, kind: Kind, rows: Columns, lines: Times, bad: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """``bad`` with all rows that break a rule. Raises :class:`Problem` for the first one without repair."""
    for field, rule, mask in broken_rules(kind, rows):
        fresh = mask & ~bad
        if fresh.any():
            row = first_of(fresh)
            told = f"{float(getattr(rows, field)[row])!r} {rule}"
            report.mend(Fault("impossible", field, told, int(lines[row]), int(fresh.sum())), "dropped")
            bad = bad | fresh
    return bad


def ordered(report: Report, rows: Columns, lines: Times) -> tuple[Columns, Times]:
    """The rows oldest first. Raises :class:`Problem` without repair when they are not."""
    steps = rows.times[1:] - rows.times[:-1]
    back = steps < 0
    if not back.any():
        return rows, lines
    row = first_of(back) + 1
    rule = f"{clock(rows.times[row])} is earlier than the row before: rows go from old to new"
    if bool((steps <= 0).all()):
        rule = "goes from new to old: rows go from old to new"
    report.mend(Fault("unsorted", "time", rule, int(lines[row]), int(back.sum())), "sorted into place")
    order = np.argsort(rows.times, kind="stable")
    return chosen(rows, order), lines[order]


def unique(report: Report, kind: Kind, rows: Columns, lines: Times) -> tuple[Columns, Times]:
    """Ordered rows without repeats; kinds whose rows may share a time are left as they are.

    Raises :class:`Problem` for rows that contradict each other, and without repair for identical ones as well.
    """
    same = rows.times[1:] == rows.times[:-1]
    if kind not in ONE_AT_A_TIME or not same.any():
        return rows, lines
    equal = np.ones(len(same), bool)
    for column in rows.arrays()[1:]:
        equal &= column[1:] == column[:-1]
    against = same & ~equal
    if against.any():
        row = first_of(against) + 1
        rule = f"{clock(rows.times[row])} is there twice with different values, first on line {lines[row - 1]}"
        count = int(against.sum())
        raise report.problem(int(lines[row]), "time", rule, "Remove the row that is wrong", rows=count)
    row = first_of(same) + 1
    rule = f"{clock(rows.times[row])} repeats line {lines[row - 1]}"
    report.mend(Fault("duplicate", "time", rule, int(lines[row]), int(same.sum())), "dropped")
    keep = np.concatenate(([True], ~same))
    return chosen(rows, keep), lines[keep]


def jumps(kind: Kind, rows: Columns) -> NDArray[np.int64]:
    """Positions of rows whose price is more than :data:`ABSURD` times that of the row before, or less than a part."""
    if not len(rows):
        return np.empty(0, np.int64)
    high, low, last = _extremes(rows)
    if high is None or low is None or last is None:
        return np.empty(0, np.int64)
    before = np.concatenate((last[:1], last[:-1]))
    return np.flatnonzero((high > before * ABSURD) | (low * ABSURD < before))


def _extremes(rows: Columns) -> tuple[NDArray[np.float64] | None, ...]:
    if isinstance(rows, Candles):
        return rows.high, rows.low, rows.close
    if isinstance(rows, Tape):
        return rows.price, rows.price, rows.price
    if isinstance(rows, Touches):
        return rows.bid, rows.bid, rows.bid
    return None, None, None
