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
from tradectl.model.orders import Execution, OrderSpec, OrderStatus, OrderType, Side, TimeInForce, TradingStop, Trigger


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
    trigger_price: Decimal | None = None
    take_profit: Decimal | None = None  # 0 removes
    stop_loss: Decimal | None = None  # 0 removes


class RiskApproved(Command, frozen=True, tag=True):
    """An order (or amendment, or change of a position's stops) that passed every check. Only the risk manager makes
    one; nothing else reaches the venue as a create or amend.

    Commands of one step with the same ``batch`` other than 0 go out together, in one batch request.
    """

    cause: int
    decision: int
    order: OrderSpec | None = None
    amendment: Amendment | None = None
    stop: TradingStop | None = None
    batch: int = 0


class CancelOrder(Command, frozen=True, tag=True):
    """Cancel one order; ``order_id`` may still be unknown, then ``link_id`` names it. ``batch`` as there.

    ``conditional``: it has a trigger (the venue's ``orderFilter`` for spot depends on it).
    """

    cause: int
    link_id: str
    order_id: str
    instrument: InstrumentId
    batch: int = 0
    conditional: bool = False


class LookUpOrder(Command, frozen=True, tag=True):
    """Ask realtime, history and executions for an order whose answer never came. Answer: ``OrderLookedUp``.

    An order that carries no id of ours (an attached stop) is named by the venue's ``order_id``.
    """

    link_id: str
    instrument: InstrumentId
    order_id: str = ""


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


class RequestTickers(Command, frozen=True, tag=True):
    """Read the 24-hour tickers of a whole category, for the universe. Answer: ``TickersLoaded``."""

    category: str


VENUE_COMMANDS: tuple[type, ...] = (
    RiskApproved, CancelOrder, LookUpOrder, Reconcile, Subscribe, Unsubscribe, RequestBars, RequestTickers,
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
    event: str = ""  # what the engine was told, in words: "bar 1m linear:BTCUSDT 12:03 close 60123.5"
    inputs: tuple[tuple[str, float], ...] = ()  # what the strategy looked at: its indicators and their values
    algorithm: int = 0  # the execution algorithm it belongs to, 0 for none


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
    trigger: Trigger | None = None
    take_profit: Decimal | None = None
    stop_loss: Decimal | None = None
    parent: str = ""  # of a take-profit or stop-loss: the link id of the entry it protects
    stop_type: str = ""  # StopLoss, TakeProfit, TrailingStop, Stop, ...: as the venue names it
    algorithm: int = 0
    position_idx: int = 0


class ExecutionBooked(Command, frozen=True, tag=True):
    """A fill or funding payment entered the books: each execution id exactly once."""

    at: int
    execution: Execution
    strategy: str
    decision: int
    realised: Decimal
    position: Decimal
    arrival: Decimal | None = None  # the middle of the market when the order was decided: slippage counts from here


class PositionChanged(Command, frozen=True, tag=True):
    """A position after a change: ``strategy`` names a book, empty is the net position at the venue.

    ``cost`` is the exact signed cost of ``size``; the entry price is ``cost / size``. In hedge mode the venue's legs
    are stated apart, with ``position_idx`` 1 (long) and 2 (short).
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
    position_idx: int = 0


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
    #: Of a callback that was aborted: the how many'th of this instance in the step; replay obeys (decision 23).
    aborted_call: int = 0


class AlgorithmStatus(str, Enum):
    WORKING = "working"
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"


class AlgorithmChanged(Command, frozen=True, tag=True):
    """An execution algorithm after a change. ``qty`` is its whole size, ``filled`` what its orders filled."""

    at: int
    id: int
    kind: str
    strategy: str
    instrument: InstrumentId
    side: Side | None
    qty: Decimal
    filled: Decimal
    status: AlgorithmStatus
    reason: str = ""
    note: str = ""  # what it does now, in words
    parameters: tuple[tuple[str, str], ...] = ()


class LimitsChanged(Command, frozen=True, tag=True):
    """Risk limits as they are in force from here on, by ``scope`` (``""`` the account, ``strategy:NAME``, ...)."""

    at: int
    who: str
    scope: str
    limits: tuple[tuple[str, str], ...]
    reason: str = ""


class ParametersChanged(Command, frozen=True, tag=True):
    """The parameters of a strategy instance as they are from here on."""

    at: int
    name: str
    who: str
    parameters: tuple[tuple[str, str], ...]


class UniverseChanged(Command, frozen=True, tag=True):
    """The members of a named universe after a refresh, and why each refused symbol is out."""

    at: int
    name: str
    members: tuple[str, ...]
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    refused: tuple[tuple[str, str], ...] = ()


class AllocationChanged(Command, frozen=True, tag=True):
    """Shares of equity by strategy instance, and how they came about."""

    at: int
    policy: str
    shares: tuple[tuple[str, Decimal], ...]
    reason: str = ""


class LedgerBooked(Command, frozen=True, tag=True):
    """A transfer, bonus, interest or conversion entered the books: kept apart from trading."""

    at: int
    id: str
    type: str
    coin: str
    change: Decimal
    ts: int


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
    | RequestTickers
    | AlgorithmChanged
    | LimitsChanged
    | ParametersChanged
    | UniverseChanged
    | AllocationChanged
    | LedgerBooked
)


class Entry(Struct, frozen=True, array_like=True, gc=True):
    """One journal record: an event the engine consumed and, in order, what it decided. ``seq`` counts from 1."""

    schema: int
    seq: int
    event: AnyEvent
    commands: tuple[AnyCommand, ...] = ()


__all__ = ["Action", "AnyCommand", "Command", "Entry"]
