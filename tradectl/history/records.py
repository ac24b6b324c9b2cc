"""What a file of market data holds. Amounts are exactly the file's text; times are nanoseconds UTC."""

from decimal import Decimal

from msgspec import Struct

from tradectl.model.orders import Side


class Candle(Struct, frozen=True, gc=False):
    """A closed candle; ``open_time`` is its first nanosecond, ``volume`` in base units."""

    open_time: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal


class PublicTrade(Struct, frozen=True, gc=False):
    """One print of the tape; ``side`` is the taker's, ``id`` empty where the file has none."""

    ts: int
    price: Decimal
    size: Decimal
    side: Side
    id: str = ""


class FundingRate(Struct, frozen=True, gc=False):
    """The rate charged at ``ts``, as a fraction of the position's value; longs pay when it is positive."""

    ts: int
    rate: Decimal
