"""From one candle to the prints that made it: they aggregate to exactly its open, high, low, close and volume."""

from decimal import Decimal

from msgspec import Struct

from tradectl.model.orders import Side


class Print(Struct, frozen=True):
    """One public trade; ``side`` is the taker's."""

    price: Decimal
    qty: Decimal
    side: Side


def bar_prints(
    open: Decimal, high: Decimal, low: Decimal, close: Decimal, volume: Decimal, tick: Decimal, lot: Decimal
) -> list[Print]:
    """The prints of a candle in time order: open, then low and high (a rising candle) or high and low (a falling one),
    then close; at most four. A candle without volume has no prints.

    Raises ``ValueError`` for an impossible candle (high below low, negative volume, price off the tick).
    """
    raise NotImplementedError
