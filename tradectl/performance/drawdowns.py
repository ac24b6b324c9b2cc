"""Drawdowns: how deep, from when to when, and how long under water."""

from collections.abc import Sequence

from msgspec import Struct

from tradectl.performance.returns import Day


class Drawdown(Struct, frozen=True):
    """A fall from a peak: days since 1970 of peak, deepest point and recovery (``None`` while under water).

    ``depth`` is a fraction <= 0; ``days`` counts from the peak to the recovery, or to the last day known.
    """

    peak: int
    trough: int
    recovered: int | None
    depth: float
    days: int


def drawdowns(days: Sequence[Day]) -> list[Drawdown]:
    """Every drawdown, in the order of their peaks. Measured on returns, so transfers make none."""
    found: list[Drawdown] = []
    level = top = 1.0
    peak = trough = days[0].number if days else 0
    depth = 0.0
    for day in days:
        level *= 1.0 + (day.change if day.change == day.change else 0.0)
        if level >= top:
            if depth < 0.0:
                found.append(Drawdown(peak, trough, day.number, depth, day.number - peak))
            top, peak, trough, depth = level, day.number, day.number, 0.0
        elif level / top - 1.0 < depth:
            depth, trough = level / top - 1.0, day.number
    if depth < 0.0:
        found.append(Drawdown(peak, trough, None, depth, days[-1].number - peak))
    return found


def deepest(found: Sequence[Drawdown]) -> Drawdown | None:
    """The worst one."""
    return min(found, key=lambda it: it.depth, default=None)


def longest(found: Sequence[Drawdown]) -> Drawdown | None:
    """The one that lasted longest from peak to recovery."""
    return max(found, key=lambda it: it.days, default=None)
