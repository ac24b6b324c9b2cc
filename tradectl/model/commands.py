"""Everything the engine can decide: orders to the venue, requests to the daemon, and statements of what is now so.

A command is carried out after :meth:`TradingEngine.apply` returned and the journal took it. ``cause`` is the journal
sequence of the event an order or decision goes back to. Fields are only ever appended.
"""

from decimal import Decimal
from enum import Enum

from msgspec import Struct

from tradectl.model.events import Action, AnyEvent
from tradectl.model.instruments import InstrumentId
from tradectl.model.market_data import MarketKey
from tradectl.model.money import ZERO
from tradectl.model.orders import Execution, OrderSpec, OrderStatus, OrderType, Side, TimeInForce


class Command(Struct, frozen=True, array_like=True, tag=True, tag_field="_record"):
    """Base of all commands."""


# --- to the venue ------------------------------------------------------------------------------------------------


class Amendment(Struct, frozen=True, array_like=True, gc=False):
    """New price or total quantity of an order; ``None`` leaves it as it is."""

    link_id: str
    order_id: str
    instrument: InstrumentId
    qty: Decimal | None = None
    price: Decimal | None = None


class RiskApproved(Command, frozen=True, tag=True):
    """An order (or amendment) that passed every check. Only the risk manager makes one; nothing else reaches the
    venue as a create or amend."""

    cause: int
    decision: int
    order: OrderSpec | None = None
    amendment: Amendment | None = None


class CancelOrder(Command, frozen=True, tag=True):
    """Cancel one order; ``order_id`` may still be unknown, then ``link_id`` names it."""

    cause: int
    link_id: str
    order_id: str
    instrument: InstrumentId


class LookUpOrder(Command, frozen=True, tag=True):
    """Ask realtime, history and executions for an order whose answer never came. Answer: ``OrderLookedUp``."""

    link_id: str
    instrument: InstrumentId


class Reconcile(Command, frozen=True, tag=True):
    """Read the whole truth since ``since`` (nanoseconds). Answer: ``Reconciled``."""

    since: int
    reason: str


class Subscribe(Command, frozen=True, tag=True):
    key: MarketKey


class Unsubscribe(Command, frozen=True, tag=True):
    key: MarketKey


class RequestBars(Command, frozen=True, tag=True):
    """Load the last ``count`` closed candles, or all closed since ``since`` when it is set. Answer: ``BarsLoaded``."""

    instrument: InstrumentId
    interval: str
    count: int
    since: int = 0


VENUE_COMMANDS: tuple[type, ...] = (
    RiskApproved, CancelOrder, LookUpOrder, Reconcile, Subscribe, Unsubscribe, RequestBars,
)  # fmt: skip

# --- to the daemon -----------------------------------------------------------------------------------------------


class SetTimer(Command, frozen=True, tag=True):
    """Send ``TimerFired`` at ``at`` (nanoseconds of the engine's clock); the same name set again moves it."""

    timer: str
    at: int


class CancelTimer(Command, frozen=True, tag=True):
    timer: str


class AlertLevel(str, Enum):
    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class Alert(Command, frozen=True, tag=True):
    """Something a person should know, with what to do about it."""

    at: int
    level: AlertLevel
    code: str
    text: str
    remedy: str = ""


# --- statements of what is now so: database, status view, dashboard and notifications follow these ------------------


class Check(Struct, frozen=True, array_like=True, gc=False):
    """One risk check's verdict on one order; ``limit`` and ``value`` are text with units."""

    name: str
    ok: bool
    limit: str = ""
    value: str = ""
    reason: str = ""


class DecisionMade(Command, frozen=True, tag=True):
    """An intent and what became of it. ``id`` is unique in the run; ``orders`` are the link ids it became."""

    id: int
    cause: int
    at: int
    strategy: str
    instrument: InstrumentId
    action: str
    side: Side | None
    qty: Decimal
    price: Decimal | None
    reason: str
    accepted: bool
    checks: tuple[Check, ...] = ()
    orders: tuple[str, ...] = ()
    who: str = ""


class OrderChanged(Command, frozen=True, tag=True):
    """An order of ours (or a foreign one, ``strategy`` external) after a change. Times in nanoseconds."""

    at: int
    link_id: str
    order_id: str
    strategy: str
    decision: int
    instrument: InstrumentId
    side: Side
    type: OrderType
    time_in_force: TimeInForce
    qty: Decimal
    price: Decimal | None
    status: OrderStatus
    filled: Decimal
    avg_price: Decimal | None
    reduce_only: bool
    created: int
    fees: Decimal = ZERO
    reason: str = ""


class ExecutionBooked(Command, frozen=True, tag=True):
    """A fill or funding payment entered the books: each execution id exactly once."""

    at: int
    execution: Execution
    strategy: str
    decision: int
    realised: Decimal
    position: Decimal


class PositionChanged(Command, frozen=True, tag=True):
    """A position after a change: ``strategy`` names a book, empty is the net position at the venue.

    ``cost`` is the exact signed cost of ``size``; the entry price is ``cost / size``.
    """

    at: int
    strategy: str
    instrument: InstrumentId
    size: Decimal
    cost: Decimal
    realised: Decimal
    fees: Decimal
    funding: Decimal
    mark: float = 0.0


class BalanceChanged(Command, frozen=True, tag=True):
    """Cash of one coin as our books have it."""

    at: int
    coin: str
    wallet: Decimal


class EquityMarked(Command, frozen=True, tag=True):
    """Equity in the settle coin: of the account (``strategy`` empty) or of one book's profit since its start."""

    at: int
    strategy: str
    equity: Decimal
    cash: Decimal
    unrealised: Decimal


class Level(str, Enum):
    """How much may be done; the worst active reason decides."""

    RUNNING = "RUNNING"
    REDUCING = "REDUCING"
    HALTED = "HALTED"


class Reason(Struct, frozen=True, array_like=True, gc=False):
    """Why trading is restricted, and who may lift it: ``auto`` (itself) or ``person``."""

    code: str
    level: Level
    clears: str
    text: str
    since: int
    scope: str = ""  # "", "strategy:NAME" or "symbol:NAME"


class StateChanged(Command, frozen=True, tag=True):
    """The trading state and all its reasons."""

    at: int
    state: Level
    reasons: tuple[Reason, ...]


class StrategyStatus(str, Enum):
    WARMING = "warming"
    ACTIVE = "active"
    DISABLED = "disabled"
    STOPPED = "stopped"


class StrategyChanged(Command, frozen=True, tag=True):
    """A strategy instance's status; ``stopped`` carries the error that stopped it and ``at_seq`` the event."""

    at: int
    name: str
    status: StrategyStatus
    reason: str = ""
    at_seq: int = 0


class RequestAnswered(Command, frozen=True, tag=True):
    """The outcome of a person's request (cancel, close, adopt, switch, resume): what was done or why not."""

    ok: bool
    text: str
    code: str = ""
    orders: tuple[str, ...] = ()


AnyCommand = (
    RiskApproved
    | CancelOrder
    | LookUpOrder
    | Reconcile
    | Subscribe
    | Unsubscribe
    | RequestBars
    | SetTimer
    | CancelTimer
    | Alert
    | DecisionMade
    | OrderChanged
    | ExecutionBooked
    | PositionChanged
    | BalanceChanged
    | EquityMarked
    | StateChanged
    | StrategyChanged
    | RequestAnswered
)


class Entry(Struct, frozen=True, array_like=True, gc=True):
    """One journal record: an event the engine consumed and, in order, what it decided. ``seq`` counts from 1."""

    schema: int
    seq: int
    event: AnyEvent
    commands: tuple[AnyCommand, ...] = ()


__all__ = ["Action", "AnyCommand", "Command", "Entry"]
