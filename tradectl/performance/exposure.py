"""Exposure and turnover: how much was at work, and how often it was turned over."""

import math
from collections.abc import Iterable, Sequence
from decimal import Decimal

from msgspec import Struct

from tradectl.model.instruments import InstrumentId
from tradectl.performance.fills import Fill, in_order
from tradectl.performance.returns import Mark

_YEAR_NS = 365 * 86_400 * 10**9


class Exposure(Struct, frozen=True):
    """Fractions: ``time`` with any position open; ``mean`` and ``most`` gross value (at the last fill's price) over
    mean equity, ``mean`` weighted by time. ``turnover`` is traded value over mean equity, ``yearly`` per year."""

    time: float
    mean: float
    most: float
    turnover: float
    turnover_yearly: float


def exposure(fills: Iterable[Fill], marks: Sequence[Mark]) -> Exposure:
    """Between the first and the last mark; NaN without marks or without equity."""
    nothing = Exposure(math.nan, math.nan, math.nan, math.nan, math.nan)
    if len(marks) < 2:
        return nothing
    begin, end = min(m.at for m in marks), max(m.at for m in marks)
    equity = float(sum((m.equity for m in marks), Decimal(0)) / len(marks))
    if end <= begin or equity <= 0.0:
        return nothing
    busy, area, most, traded = _swept((f for f in in_order(fills) if f.qty), begin, end)
    span = end - begin
    turnover = traded / equity
    return Exposure(busy / span, area / span / equity, most / equity, turnover, turnover * _YEAR_NS / span)


def _swept(fills: Iterable[Fill], begin: int, end: int) -> tuple[int, float, float, float]:
    """Time with a position, gross value integrated over time, its highest, and the value traded."""
    held: dict[tuple[str, InstrumentId], tuple[float, float]] = {}
    at, gross, busy, area, most, traded = begin, 0.0, 0, 0.0, 0.0, 0.0
    for fill in fills:
        now = fill.at if fill.at > at else at
        if now > end:
            now = end
        if gross > 0.0:
            busy += now - at
            area += gross * (now - at)
        at = now
        qty, value, key = float(fill.qty), float(fill.value), (fill.strategy, fill.instrument)
        before = held.get(key)
        size, each = round(before[0] + qty if before else qty, 12), abs(value / qty)
        held[key] = (size, each)
        gross = abs(size) * each if len(held) == 1 else math.fsum([abs(s) * price for s, price in held.values()])
        if gross > most:
            most = gross
        if begin <= fill.at <= end:
            traded += abs(value)
    return busy + (end - at if gross > 0.0 else 0), area + gross * (end - at), most, traded
