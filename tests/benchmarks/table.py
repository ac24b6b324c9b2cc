"""Draws the rows: as a table for people, as JSON for programs."""

from statistics import median
from typing import Any

from tests.benchmarks.measure import Goal, Row, spread

_HEAD = ("row", "median", "± ", "unit", "floor", "of the floor", "ratio", "± ", "goal", "")


def number(value: float) -> str:
    """Three significant digits, without an exponent."""
    if value == 0:
        return "0"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}" if abs(value) >= 0.1 else f"{value:.3f}"


def _goal(goal: Goal) -> str:
    sign = "≥" if goal.at_least else "≤"
    return f"{sign} {number(goal.limit)}{'x' if goal.floor else ''}"


def _pairs(row: Row) -> list[tuple[Goal | None, str]]:
    """Goal and floor of each line: goals on the figure itself first, beside a floor that has no goal of its own."""
    own: list[tuple[Goal | None, str]] = [(goal, "") for goal in row.goals if not goal.floor]
    beside: list[tuple[Goal | None, str]] = []
    for floor in row.floors:
        beside += [(goal, floor) for goal in row.goals if goal.floor == floor] or [(None, floor)]
    if own and beside and beside[0][0] is None:
        own[0] = (own[0][0], beside.pop(0)[1])
    return [*own, *beside] or [(None, "")]


def _of_floor(row: Row, floor: str) -> tuple[str, ...]:
    if not floor:
        return ("", "", "", "")
    ratios = row.ratios(floor)
    return (floor, number(median(row.floors[floor])), number(median(ratios)) + "x", number(spread(ratios)))


def _lines(row: Row) -> list[tuple[str, ...]]:
    """One line for each floor and each goal; name and figure stand in the first alone."""
    head: tuple[str, ...] = (row.name, number(median(row.values)), number(spread(row.values)), row.unit)
    lines = []
    for goal, floor in _pairs(row):
        verdict = (_goal(goal), "met" if row.is_met(goal) else "NOT MET") if goal else ("", "")
        lines.append((*head, *_of_floor(row, floor), *verdict))
        head = ("", "", "", "")
    return lines


def table(rows: list[Row]) -> str:
    """Every row with its figure, floor, ratio and goal; below it what each row is."""
    lines = [_HEAD, *(line for row in rows for line in _lines(row))]
    widths = [max(len(line[column]) for line in lines) for column in range(len(_HEAD))]
    left = {0, 3, 4, 9}
    drawn = []
    for line in lines:
        cells = (
            text.ljust(width) if column in left else text.rjust(width)
            for column, (text, width) in enumerate(zip(line, widths, strict=True))
        )
        drawn.append("  ".join(cells).rstrip())
    drawn.insert(1, "-" * max(map(len, drawn)))
    return "\n".join(drawn)


def legend(rows: list[Row]) -> str:
    """What each row measures, and what was noted while measuring."""
    width = max(len(row.name) for row in rows)
    return "\n".join(f"{row.name.ljust(width)}  {row.what}{f'; {row.note}' if row.note else ''}" for row in rows)


def plain(rows: list[Row]) -> list[dict[str, Any]]:
    """The rows as JSON values: medians, spreads, all rounds, and each goal with its verdict."""
    return [
        {
            "row": row.name,
            "what": row.what,
            "note": row.note,
            "unit": row.unit,
            "median": median(row.values),
            "spread": spread(row.values),
            "rounds": row.values,
            "floors": {
                name: {"median": median(values), "rounds": values, "ratio": median(row.ratios(name))}
                for name, values in row.floors.items()
            },
            "goals": [
                {"limit": g.limit, "floor": g.floor, "at_least": g.at_least, "met": row.is_met(g)} for g in row.goals
            ],
        }
        for row in rows
    ]
