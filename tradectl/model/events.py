"""Everything the engine can be told. One frozen record per happening, stamped once at the edge.

``received`` is the engine's *now* in nanoseconds UTC; ``ts`` is when it happened at the source. Fields are only ever
appended (with a default), because journals of earlier versions must stay readable: see :data:`SCHEMA`.
"""

from decimal import Decimal
from enum import Enum

from msgspec import Struct

from tradectl.model.instruments import FeeRate, Instrument, InstrumentId
from tradectl.model.market_data import Bar, Ticker
from tradectl.model.orders import Execution, OrderReport, OrderType, Protection, Side, TimeInForce, Trigger
from tradectl.model.positions import BalanceReport, LedgerRow, PositionReport

#: Version of the event and command records; written into every journal entry.
SCHEMA = 1


class Event(Struct, frozen=True, array_like=True, tag=True, tag_field="_record"):
    """Base of all events."""

    received: int


# --- market data -----------------------------------------------------------------------------------------------


class BarClosed(Event, frozen=True, tag=True):
    """A candle became final (``confirm: true``).

    ``bid``, ``ask`` and ``mark`` as it closed, where the source states them with it (simulation), else 0.0.
    """

    ts: int
    instrument: InstrumentId
    interval: str
    bar: Bar
    bid: float = 0.0
    ask: float = 0.0
    mark: float = 0.0


class QuoteChanged(Event, frozen=True, tag=True):
    """Best bid and ask (``orderbook.1``)."""

    ts: int
    instrument: InstrumentId
    bid: float
    bid_size: float
    ask: float
    ask_size: float


class TradePrinted(Event, frozen=True, tag=True):
    """A public trade; ``side`` is the taker's."""

    ts: int
    instrument: InstrumentId
    side: Side
    price: float
    size: float
    trade_id: str


class TickerChanged(Event, frozen=True, tag=True):
    """The merged ticker after a snapshot or delta."""

    ts: int
    instrument: InstrumentId
    ticker: Ticker


class BookChanged(Event, frozen=True, tag=True):
    """Levels of a book as ``(price, size)``; a snapshot replaces, in a delta size 0 deletes."""

    ts: int
    instrument: InstrumentId
    depth: int
    snapshot: bool
    bids: tuple[tuple[float, float], ...]
    asks: tuple[tuple[float, float], ...]
    update_id: int


class BarsLoaded(Event, frozen=True, tag=True):
    """Answer to ``RequestBars``: closed candles, oldest first, or the ``error`` that kept them away."""

    instrument: InstrumentId
    interval: str
    bars: tuple[Bar, ...]
    error: str = ""


class UniverseRow(Struct, frozen=True, array_like=True, gc=False):
    """One symbol of a category's 24-hour tickers. ``turnover`` in quote coin; prices 0.0 where there is none."""

    symbol: str
    last: float
    bid: float = 0.0
    ask: float = 0.0
    turnover: float = 0.0
    high: float = 0.0
    low: float = 0.0
    funding_rate: float = 0.0


class TickersLoaded(Event, frozen=True, tag=True):
    """Answer to ``RequestTickers``, or the ``error`` that kept them away."""

    category: str
    rows: tuple[UniverseRow, ...]
    error: str = ""


class PredictionMade(Event, frozen=True, tag=True):
    """A model's word on an instrument: the chance that it is higher ``horizon`` bars after the bar at ``ts``.

    ``value`` is the model's expected return over the horizon (fraction), 0.0 when it states none; ``model`` names and
    versions it; ``error`` (then nothing else counts) says why there is none.
    """

    ts: int
    id: str
    model: str
    instrument: InstrumentId
    interval: str
    horizon: int
    probability: float
    value: float = 0.0
    error: str = ""


# --- answers of the venue ----------------------------------------------------------------------------------------


class Action(str, Enum):
    """What was asked about an order."""

    CREATE = "create"
    AMEND = "amend"
    CANCEL = "cancel"


class Reaction(str, Enum):
    """What an answer asks for (bybit-v5 10). The connector reports it; the engine decides."""

    OK = "ok"
    RETRY = "retry"
    FIX = "fix"
    RECONCILE = "reconcile"
    STOP = "stop"


class OrderAnswered(Event, frozen=True, tag=True):
    """The gateway's answer to one order request, or that none came (``code`` -1, reaction reconcile).

    ``retry_at`` is when a rate limit refills, in nanoseconds of our clock, 0 when unknown. ``code`` 0 is an ack:
    queued by the venue, not yet accepted.
    """

    link_id: str
    action: Action
    code: int
    message: str
    reaction: Reaction
    order_id: str = ""
    retry_at: int = 0


class StopAnswered(Event, frozen=True, tag=True):
    """The gateway's answer to a change of a position's stops (34040, nothing to change, is ``ok``)."""

    instrument: InstrumentId
    position_idx: int
    code: int
    message: str
    reaction: Reaction
    retry_at: int = 0


class Source(str, Enum):
    """Where a statement came from."""

    STREAM = "stream"
    POLL = "poll"


class OrderReported(Event, frozen=True, tag=True):
    """The state of one order."""

    report: OrderReport
    source: Source = Source.STREAM


class Executed(Event, frozen=True, tag=True):
    """One row of the execution stream: a fill or a funding payment."""

    execution: Execution
    source: Source = Source.STREAM


class BalancesReported(Event, frozen=True, tag=True):
    """The wallet as the venue states it: an assertion."""

    ts: int
    balances: tuple[BalanceReport, ...]


class PositionsReported(Event, frozen=True, tag=True):
    """Positions as the venue states them: assertions."""

    ts: int
    positions: tuple[PositionReport, ...]


class Reconciled(Event, frozen=True, tag=True):
    """Answer to ``Reconcile``: everything the venue knows, read after the private stream was subscribed.

    ``reports`` holds all open orders and those that ended since the request's ``since``; ``executions`` and
    ``ledger`` reach back to ``since``. ``error`` says why the answer is incomplete; then nothing else counts.
    """

    started: int
    reports: tuple[OrderReport, ...] = ()
    executions: tuple[Execution, ...] = ()
    positions: tuple[PositionReport, ...] = ()
    balances: tuple[BalanceReport, ...] = ()
    ledger: tuple[LedgerRow, ...] = ()
    error: str = ""


class OrderLookedUp(Event, frozen=True, tag=True):
    """Answer to ``LookUpOrder``. ``report`` is ``None`` when neither realtime, history nor executions know it.

    ``conclusive``: the venue's transport clock has passed the request's timestamp + recv_window + a margin, so an
    order that is in none of the three never reached it. Otherwise absence means nothing yet: ask again.
    """

    link_id: str
    conclusive: bool
    report: OrderReport | None = None
    executions: tuple[Execution, ...] = ()
    error: str = ""
    order_id: str = ""  # when it was asked for by the venue's id


class ConnectionChanged(Event, frozen=True, tag=True):
    """A stream (public, private or trade) came up (subscribed, authenticated) or went away."""

    stream: str
    up: bool
    reason: str = ""


class DataDoubted(Event, frozen=True, tag=True):
    """A market stream is stale, out of sequence or nonsensical (``ok`` false), or trustworthy again."""

    instrument: InstrumentId
    kind: str
    ok: bool
    reason: str = ""


class RateLimitReported(Event, frozen=True, tag=True):
    """The limit headers of one answer: ``group`` as ``linear:create``, allowance and remainder per window."""

    group: str
    limit: int
    remaining: int
    reset: int


class InstrumentsLoaded(Event, frozen=True, tag=True):
    """Instruments and the account's fee rates, first at start, then whenever they changed."""

    instruments: tuple[Instrument, ...]
    fees: tuple[FeeRate, ...] = ()


class AccountChecked(Event, frozen=True, tag=True):
    """The account's configuration against the settings; each problem in ``problems`` is a sentence."""

    uid: str
    problems: tuple[str, ...] = ()


class ClockChecked(Event, frozen=True, tag=True):
    """Our clock minus the venue's in nanoseconds, and whether orders would be accepted with it."""

    offset: int
    ok: bool


# --- the daemon and its operator ---------------------------------------------------------------------------------


class Started(Event, frozen=True, tag=True):
    """The daemon is up and the streams are being opened; ``restored`` after a restart of the same run.

    ``next_order`` is the first order sequence that is certainly unused (blocks are reserved durably ahead).
    """

    run: str
    restored: bool = False
    next_order: int = 1


class StopRequested(Event, frozen=True, tag=True):
    """The daemon goes down: ``leave`` is ``entries`` (cancel entries, keep positions), ``all`` or ``flatten``."""

    who: str
    leave: str = "entries"


class TimerFired(Event, frozen=True, tag=True):
    """A timer set with ``SetTimer`` is due."""

    timer: str
    due: int


class JournalChecked(Event, frozen=True, tag=True):
    """The journal can (again) or cannot be written."""

    ok: bool
    reason: str = ""


class HaltRequested(Event, frozen=True, tag=True):
    """A person stops trading: ``reduce`` stops entries only; ``strategy`` or ``symbol`` narrow it."""

    who: str
    reduce: bool = False
    flatten: bool = False
    strategy: str = ""
    symbol: str = ""
    reason: str = ""


class ResumeRequested(Event, frozen=True, tag=True):
    """A person lifts every reason that only a person may lift, within the same narrowing."""

    who: str
    strategy: str = ""
    symbol: str = ""


class OrderRequested(Event, frozen=True, tag=True):
    """An order placed by a person or the REST API, booked under ``strategy`` (default: the operator's book)."""

    who: str
    instrument: InstrumentId
    side: Side
    type: OrderType
    qty: Decimal
    price: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    reduce_only: bool = False
    strategy: str = ""
    reason: str = ""
    trigger: Trigger | None = None
    close_on_trigger: bool = False
    protection: Protection | None = None
    quote_qty: bool = False  # spot market buy: ``qty`` is the amount of quote coin to spend


class AmendRequested(Event, frozen=True, tag=True):
    """A person changes price, total quantity, trigger or attached stops of one order (0 removes a stop)."""

    who: str
    link_id: str
    qty: Decimal | None = None
    price: Decimal | None = None
    trigger_price: Decimal | None = None
    take_profit: Decimal | None = None
    stop_loss: Decimal | None = None


class AlgorithmRequested(Event, frozen=True, tag=True):
    """A person starts an execution algorithm; ``parameters`` are those its kind declares, as text."""

    who: str
    kind: str
    instrument: InstrumentId
    side: Side
    qty: Decimal
    parameters: dict[str, str] = {}
    strategy: str = ""
    reason: str = ""


class AlgorithmCancelRequested(Event, frozen=True, tag=True):
    """A person ends an execution algorithm: its open orders are cancelled, what it filled stays."""

    who: str
    id: int


class ProtectRequested(Event, frozen=True, tag=True):
    """A person sets stop-loss, take-profit or trailing distance (``None`` leaves, 0 removes).

    Of one strategy's book: reduce-only orders of its own. Without ``strategy``: the venue's stop of the whole position.
    """

    who: str
    instrument: InstrumentId
    strategy: str = ""
    take_profit: Decimal | None = None
    stop_loss: Decimal | None = None
    trailing: Decimal | None = None
    active_price: Decimal | None = None
    position_idx: int = 0


class LimitsSet(Event, frozen=True, tag=True):
    """A person changes risk limits within ``scope``; ``changes`` are limit names and values as text."""

    who: str
    changes: dict[str, str]
    scope: str = ""
    reason: str = ""


class RiskResetRequested(Event, frozen=True, tag=True):
    """A person lifts a latched limit (``code`` empty: all of them) and begins to measure anew from here."""

    who: str
    code: str = ""
    strategy: str = ""
    symbol: str = ""


class ParametersSet(Event, frozen=True, tag=True):
    """A person changes parameters of a strategy instance; it keeps its position and starts from warm-up."""

    who: str
    name: str
    parameters: dict[str, bool | int | float | str]


class StrategyEnded(Event, frozen=True, tag=True):
    """A strategy is stopped from outside: it hung the last process, or its code cannot be loaded."""

    name: str
    reason: str


class RebalanceRequested(Event, frozen=True, tag=True):
    """A person asks for the shares of capital to be computed anew now, whatever the bands say."""

    who: str


class CancelRequested(Event, frozen=True, tag=True):
    """A person cancels one order, or (``link_id`` empty) every entry, within ``strategy`` and ``symbol``."""

    who: str
    link_id: str = ""
    strategy: str = ""
    symbol: str = ""


class CloseRequested(Event, frozen=True, tag=True):
    """A person closes a position at market: one strategy's book, or every book of the instrument."""

    who: str
    instrument: InstrumentId
    strategy: str = ""


class AdoptRequested(Event, frozen=True, tag=True):
    """A person hands the foreign position of an instrument (book ``external``) to a strategy."""

    who: str
    instrument: InstrumentId
    strategy: str


class StrategySwitched(Event, frozen=True, tag=True):
    """A person enables or disables a strategy; disabling cancels its entries and keeps its position."""

    who: str
    name: str
    enabled: bool
    flatten: bool = False


class ReconcileRequested(Event, frozen=True, tag=True):
    """A person asks for a reconciliation now."""

    who: str


class WatchRequested(Event, frozen=True, tag=True):
    """Somebody wants to trade an instrument no strategy follows: its prices are needed to judge an order."""

    who: str
    instrument: InstrumentId


MarketEvent = BarClosed | QuoteChanged | TradePrinted | TickerChanged | BookChanged
VenueEvent = (
    BarsLoaded
    | OrderAnswered
    | OrderReported
    | Executed
    | BalancesReported
    | PositionsReported
    | Reconciled
    | OrderLookedUp
    | ConnectionChanged
    | DataDoubted
    | RateLimitReported
    | InstrumentsLoaded
    | AccountChecked
    | ClockChecked
    | TickersLoaded
    | PredictionMade
    | StopAnswered
)
DaemonEvent = (
    Started
    | StopRequested
    | TimerFired
    | JournalChecked
    | HaltRequested
    | ResumeRequested
    | OrderRequested
    | AmendRequested
    | CancelRequested
    | CloseRequested
    | AdoptRequested
    | StrategySwitched
    | ReconcileRequested
    | WatchRequested
    | AlgorithmRequested
    | AlgorithmCancelRequested
    | ProtectRequested
    | LimitsSet
    | RiskResetRequested
    | ParametersSet
    | StrategyEnded
    | RebalanceRequested
)
#: The union a journal decodes into.
AnyEvent = MarketEvent | VenueEvent | DaemonEvent
#: Events kept in the compressed market segments; everything else is kept for ever.
MARKET_EVENTS: tuple[type, ...] = (BarClosed, QuoteChanged, TradePrinted, TickerChanged, BookChanged)
