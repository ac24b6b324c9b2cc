"""A deterministic order book around a price, for market data that has none (candle replay)."""

from decimal import Decimal

from msgspec import Struct

from tradectl.model.money import is_multiple


class BookShape(Struct, frozen=True):
    """``spread`` in ticks between best bid and ask, ``levels`` per side one tick apart, sizes in lots.

    Level ``i`` (0 is the best) displays ``base_lots + i * step_lots``.
    """

    spread: int = 1
    levels: int = 10
    base_lots: int = 1000
    step_lots: int = 500


def synthetic_book(
    price: Decimal, tick: Decimal, lot: Decimal, shape: BookShape
) -> tuple[list[tuple[Decimal, Decimal]], list[tuple[Decimal, Decimal]]]:
    """Bids and asks, best first: ``price`` is the best bid for a spread of one tick, else inside or at the spread's
    edges. No level is at or below zero, so a very low price has fewer bids.

    Raises ``ValueError`` for a price that is not positive or off the tick, and for a shape that is not positive.
    """
    if price <= 0 or not is_multiple(price, tick):
        raise ValueError(f"price {price} is not a positive multiple of the tick {tick}")
    if min(shape.spread, shape.levels, shape.base_lots) < 1 or shape.step_lots < 0:
        raise ValueError(f"spread, levels and sizes must be positive: {shape}")
    bid = int(price / tick) - shape.spread // 2
    ask = bid + shape.spread
    sizes = [(shape.base_lots + i * shape.step_lots) * lot for i in range(shape.levels)]
    bids = [((bid - i) * tick, size) for i, size in enumerate(sizes) if bid - i > 0]
    return bids, [((ask + i) * tick, size) for i, size in enumerate(sizes)]
