"""From marks of equity to daily returns: UTC days, money moved in or out is no profit.

A day's equity is its last mark; days without a mark repeat the one before (nothing was traded or measured). The return
of a day is time-weighted at day's precision: ``(equity - flows) / equity before - 1``, flows being what was transferred
in (> 0) or out during the day.
"""

import math
from collections.abc import Iterable, Sequence
from decimal import Decimal

from msgspec import Struct

DAY = 86_400 * 10**9


class Mark(Struct, frozen=True, array_like=True, gc=False):
    """Equity in the settle coin at a moment (nanoseconds UTC)."""

    at: int
    equity: Decimal


def opening_mark(since: int, equity: Decimal) -> Mark:
    """What there was before the first day: with it that day has a return like all others."""
    return Mark(since // DAY * DAY - 1, equity)


class Flow(Struct, frozen=True, array_like=True, gc=False):
    """Money that came in (> 0) or left (< 0), valued in the settle coin."""

    at: int
    amount: Decimal


class Day(Struct, frozen=True, gc=False):
    """A UTC day (``number`` days since 1970): its last equity and its return, NaN on the first."""

    number: int
    equity: float
    change: float


def daily(marks: Iterable[Mark], flows: Iterable[Flow] = ()) -> list[Day]:
    """The days from the first mark to the last, none left out. Marks may come in any order."""
    last: dict[int, Mark] = {}
    for mark in marks:
        number = mark.at // DAY
        if number not in last or mark.at >= last[number].at:
            last[number] = mark
    if not last:
        return []
    moved: dict[int, float] = {}
    first = min(last)
    for flow in flows:
        if flow.at > last[first].at:
            moved[flow.at // DAY] = moved.get(flow.at // DAY, 0.0) + float(flow.amount)
    return _filled({number: float(mark.equity) for number, mark in last.items()}, moved)


def _filled(equity: dict[int, float], moved: dict[int, float]) -> list[Day]:
    days: list[Day] = []
    before = math.nan
    for number in range(min(equity), max(equity) + 1):
        now = equity.get(number, before + moved.get(number, 0.0))
        change = (now - moved.get(number, 0.0)) / before - 1.0 if before > 0.0 else math.nan
        days.append(Day(number, now, change))
        before = now
    return days


def changes(days: Sequence[Day]) -> list[float]:
    """The returns that are numbers: every day's but the first's."""
    return [day.change for day in days if math.isfinite(day.change)]
