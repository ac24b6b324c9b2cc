"""A deterministic order book around a price, for market data that has none (candle replay)."""

from decimal import Decimal

from msgspec import Struct


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
    """Bids and asks, best first, with ``price`` between them or at the best bid; no level at or below zero.

    Raises ``ValueError`` for a price off the tick or a shape that is not positive.
    """
    raise NotImplementedError
