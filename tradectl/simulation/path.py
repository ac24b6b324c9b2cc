"""The way a candle's price took, as corners in time order: open, one extreme, the other, close."""

from collections.abc import Iterable
from decimal import Decimal

from tradectl.simulation.models import PathModel

#: Distance of the first corner from the bar's open and of the last one from its end, in nanoseconds.
EDGE = 1_000_000
CORNERS = 4


def corners(model: PathModel, open: float, high: float, low: float, close: float) -> tuple[float, float, float, float]:
    """Four prices; those that repeat the one before are no move."""
    if model.low_first(open, high, low, close):
        return open, low, high, close
    return open, high, low, close


def moments(open_time: int, length: int) -> tuple[int, int, int, int]:
    """When a bar's corners are reached, nanoseconds UTC."""
    span = length - 2 * EDGE
    first = open_time + EDGE
    return first, first + span // 3, first + 2 * span // 3, first + span


def stop_on_the_way(here: float, there: float, points: Iterable[Decimal]) -> float | None:
    """The first of ``points`` strictly between two prices that a price going there meets; ``None``: it meets none."""
    prices = [float(it) for it in points]
    if there > here:
        return min((it for it in prices if here < it < there), default=None)
    return max((it for it in prices if there < it < here), default=None)
