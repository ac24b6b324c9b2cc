"""What a strategy (or a person) wants: an intent is no order yet, the risk manager may refuse it."""

from decimal import Decimal

from msgspec import Struct

from tradectl.model.instruments import InstrumentId
from tradectl.model.orders import OrderType, Protection, Side, TimeInForce, TriggerBy


class OrderIntent(Struct, frozen=True, array_like=True):
    """Buy or sell an exact quantity, or on spot for an amount of quote coin.

    ``stop`` waits until the price got worse (a buy: rose) to it, ``touch`` until it got better; at most one of them.
    """

    instrument: InstrumentId
    side: Side
    qty: Decimal
    type: OrderType
    price: Decimal | None
    time_in_force: TimeInForce
    reduce_only: bool
    reason: str
    stop: Decimal | None = None
    touch: Decimal | None = None
    trigger_by: TriggerBy = TriggerBy.LAST
    close_on_trigger: bool = False
    protection: Protection | None = None
    quote_qty: bool = False


class ProtectIntent(Struct, frozen=True, array_like=True):
    """Set what protects this instance's position: ``None`` leaves, 0 removes.

    ``trailing`` is a distance in price, or with ``percent`` in per cent of the best price since ``activate`` was
    reached. ``qty`` limits the stops to a part of the position. ``position_idx`` names a leg of hedge mode.
    """

    instrument: InstrumentId
    reason: str
    stop_loss: Decimal | None = None
    take_profit: Decimal | None = None
    trailing: Decimal | None = None
    percent: bool = False
    activate: Decimal | None = None
    qty: Decimal | None = None
    trigger_by: TriggerBy = TriggerBy.LAST
    action: str = "protect"
    position_idx: int = 0


class TargetIntent(Struct, frozen=True, array_like=True):
    """Bring this instance's position to ``weight`` (-1..1) of its capital; 0 closes it.

    ``protection`` is attached to what opens.
    """

    instrument: InstrumentId
    weight: Decimal
    reason: str
    protection: Protection | None = None


class CancelIntent(Struct, frozen=True, array_like=True):
    """Cancel one order (``link_id``), or every open order of this instance on ``instrument``."""

    link_id: str
    instrument: InstrumentId | None
    reason: str


class AmendIntent(Struct, frozen=True, array_like=True):
    """Change price, total quantity, trigger or attached stops (0 removes one) of an open order."""

    link_id: str
    qty: Decimal | None
    price: Decimal | None
    reason: str
    trigger_price: Decimal | None = None
    take_profit: Decimal | None = None
    stop_loss: Decimal | None = None


class TimerIntent(Struct, frozen=True, array_like=True):
    """Call ``on_timer(name)`` at ``at`` (nanoseconds); 0 cancels."""

    name: str
    at: int


class AllocateIntent(Struct, frozen=True, array_like=True):
    """Share out capital: shares of equity by instance name (allocation policy ``user``)."""

    shares: dict[str, Decimal]
    reason: str


class AlgorithmIntent(Struct, frozen=True, array_like=True):
    """Have an execution algorithm work off a size; ``parameters`` are those its kind declares."""

    kind: str
    instrument: InstrumentId
    side: Side
    qty: Decimal
    parameters: dict[str, bool | int | float | str]
    reason: str


class CancelAlgorithmIntent(Struct, frozen=True, array_like=True):
    """End one of this instance's algorithms: its orders go, what they filled stays."""

    id: int
    reason: str


Intent = (
    AllocateIntent
    | OrderIntent
    | ProtectIntent
    | TargetIntent
    | CancelIntent
    | AmendIntent
    | TimerIntent
    | AlgorithmIntent
    | CancelAlgorithmIntent
)
