"""A wish: one decision's worth of orders, on its way through the field rules and the risk manager to the queue."""

from decimal import Decimal

from msgspec import Struct

from tradectl.model.instruments import Instrument
from tradectl.model.orders import OrderType, Protection, SelfMatch, Side, TimeInForce, Trigger


class Wish(Struct, frozen=True):
    """Orders that are the same but for their sizes. Amounts in base units, with ``quote_qty`` in quote coin.

    ``leg`` is set by the protection desk alone: what the order protects a position from. ``since`` is the first
    decision of the same intent, where one intent needs several: their orders are no duplicates of each other.
    """

    strategy: str
    instrument: Instrument
    side: Side
    sizes: tuple[Decimal, ...]
    action: str
    reason: str
    type: OrderType = OrderType.MARKET
    price: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    reduce_only: bool = False
    late: bool = False
    who: str = ""
    trigger: Trigger | None = None
    protection: Protection | None = None
    close_on_trigger: bool = False
    quote_qty: bool = False
    self_match: SelfMatch = SelfMatch.NONE
    algorithm: int = 0
    leg: str = ""
    since: int = 0
