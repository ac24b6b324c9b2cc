"""What a strategy (or a person) wants: an intent is no order yet, the risk manager may refuse it."""

from decimal import Decimal

from msgspec import Struct

from tradectl.model.instruments import InstrumentId
from tradectl.model.orders import OrderType, Side, TimeInForce


class OrderIntent(Struct, frozen=True, array_like=True):
    """Buy or sell an exact quantity."""

    instrument: InstrumentId
    side: Side
    qty: Decimal
    type: OrderType
    price: Decimal | None
    time_in_force: TimeInForce
    reduce_only: bool
    reason: str


class TargetIntent(Struct, frozen=True, array_like=True):
    """Bring this instance's position to ``weight`` (-1..1) of its capital; 0 closes it."""

    instrument: InstrumentId
    weight: Decimal
    reason: str


class CancelIntent(Struct, frozen=True, array_like=True):
    """Cancel one order (``link_id``), or every open order of this instance on ``instrument``."""

    link_id: str
    instrument: InstrumentId | None
    reason: str


class AmendIntent(Struct, frozen=True, array_like=True):
    """Change price or total quantity of an open order."""

    link_id: str
    qty: Decimal | None
    price: Decimal | None
    reason: str


class TimerIntent(Struct, frozen=True, array_like=True):
    """Call ``on_timer(name)`` at ``at`` (nanoseconds); 0 cancels."""

    name: str
    at: int


Intent = OrderIntent | TargetIntent | CancelIntent | AmendIntent | TimerIntent
