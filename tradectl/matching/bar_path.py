"""From one candle to the prints that made it: they aggregate to exactly its open, high, low, close and volume."""

from decimal import ROUND_FLOOR, Decimal
from itertools import pairwise

from msgspec import Struct

from tradectl.model.money import is_multiple
from tradectl.model.orders import Side


class Print(Struct, frozen=True):
    """One public trade; ``side`` is the taker's."""

    price: Decimal
    qty: Decimal
    side: Side


def bar_prints(
    open: Decimal, high: Decimal, low: Decimal, close: Decimal, volume: Decimal, tick: Decimal, lot: Decimal
) -> list[Print]:
    """The prints of a candle in time order: open, then low and high (a rising or level candle) or high and low (a
    falling one), then close; at most four, equal neighbours merged. A candle without volume had no trades and has no
    prints.

    The volume is split evenly in whole lots, the rest in the last print; a volume that is too small for that, or off
    the lot, is split below the lot. Raises ``ValueError`` for an impossible candle (high or low not around the rest,
    negative volume, price off the tick).
    """
    if not (low <= open <= high and low <= close <= high) or low <= 0 or volume < 0:
        raise ValueError(f"impossible candle: open {open}, high {high}, low {low}, close {close}, volume {volume}")
    for price in (open, high, low, close):
        if not is_multiple(price, tick):
            raise ValueError(f"price {price} is not a multiple of the tick {tick}")
    if volume == 0:
        return []
    corners = (open, low, high, close) if close >= open else (open, high, low, close)
    path = [price for i, price in enumerate(corners) if i == 0 or price != corners[i - 1]]
    sides = _sides(path)
    return [
        Print(price, qty, side) for price, qty, side in zip(path, _split(volume, len(path), lot), sides, strict=True)
    ]


def _sides(path: list[Decimal]) -> list[Side]:
    """A buyer lifts the price and a seller presses it; the first print counters the first move."""
    sides = [Side.BUY if after > before else Side.SELL for before, after in pairwise(path)]
    return [sides[0].opposite if sides else Side.BUY, *sides]


def _split(volume: Decimal, parts: int, lot: Decimal) -> list[Decimal]:
    """Positive quantities that add up to ``volume``."""
    if volume >= parts * lot:
        step = lot
    else:
        exponent = volume.as_tuple().exponent
        step = Decimal(1).scaleb(int(exponent) - 1)
    each = (volume / parts / step).to_integral_value(ROUND_FLOOR) * step
    return [each] * (parts - 1) + [volume - each * (parts - 1)]
