"""Conditional orders of one instrument: they wait unseen until a price reaches their trigger."""

from decimal import Decimal

from msgspec import Struct

from tradectl.matching.records import VenueOrder
from tradectl.model.money import ZERO
from tradectl.model.orders import Side, TriggerBy


class ConditionalOrder(Struct, eq=False):
    """An order that was not triggered. ``turn`` is its place in time; ``held`` the coins a spot order holds already.

    ``best`` is what a trailing stop follows: the best last price of the position since it was armed, ``None`` before.
    """

    order: VenueOrder
    turn: int
    held: Decimal = ZERO
    best: Decimal | None = None

    def is_reached(self, by: TriggerBy, price: Decimal) -> bool:
        """Whether ``price`` of the kind ``by`` fires the order."""
        trigger = self.order.trigger
        if trigger is None or trigger.by is not by:
            return False
        return price >= trigger.price if trigger.rises else price <= trigger.price

    @property
    def follows_position(self) -> bool:
        """Full ones and trailing stops: their size is the position's."""
        return self.order.stop_order_type in FOLLOWING

    @property
    def is_attached(self) -> bool:
        """Whether it protects a position, and has no sense without one."""
        return self.order.stop_order_type in ATTACHED


FOLLOWING = ("TakeProfit", "StopLoss", "TrailingStop")
PARTIAL = ("PartialTakeProfit", "PartialStopLoss")
ATTACHED = FOLLOWING + PARTIAL
#: The kinds of spot orders that hold their funds before they fire.
SPOT_HOLDING = ("tpslOrder", "OcoOrder")


def exit_rises(side: Side, takes_profit: bool) -> bool:
    """The direction of the trigger of an exit of ``side``: a long's (sold) profit is above, its loss below."""
    return (side is Side.SELL) == takes_profit
