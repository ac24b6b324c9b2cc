"""What each method answers: records over the rows of :mod:`tradectl.rpc.rows`. Fields are only ever appended."""

from decimal import Decimal
from enum import Enum

from msgspec import Struct

from tradectl.model.commands import Level
from tradectl.model.instruments import Category
from tradectl.rpc import rows


class Result(Struct, frozen=True):
    """Base of all answers. ``as_of_seq``, where there is one, is the journal sequence the answer reflects."""


class Life(str, Enum):
    """The life of the daemon's process, apart from the trading state."""

    STARTING = "STARTING"
    UP = "UP"
    STOPPING = "STOPPING"


class StreamStatus(Result, frozen=True):
    """One stream; ``last_message`` is when its last frame was read, ``None`` before the first."""

    name: str
    up: bool
    since: int
    last_message: int | None = None
    reason: str = ""


class ExchangeStatus(Result, frozen=True):
    """``clock_offset`` is ours minus the venue's in nanoseconds, ``None`` when not measured yet."""

    site: str
    uid: str
    streams: tuple[StreamStatus, ...]
    clock_offset: int | None = None


class JournalStatus(Result, frozen=True):
    directory: str
    seq: int
    durable_seq: int
    size: int
    ok: bool = True
    reason: str = ""


class ChildStatus(Result, frozen=True):
    """A supervised process: ``state`` is up, starting, down or off (not configured)."""

    name: str
    state: str
    pid: int | None = None
    since: int = 0
    restarts: int = 0
    detail: str = ""


class EquityStatus(Result, frozen=True):
    """The account in its settle coin; ``day_pnl`` since the trading day began, ``None`` before the first mark."""

    coin: str
    equity: Decimal
    cash: Decimal
    unrealised: Decimal
    day_pnl: Decimal | None = None


class Status(Result, frozen=True):
    """Everything ``tradectl status`` shows. ``started`` and ``now`` are the daemon's clock."""

    mode: str
    profile: str
    life: Life
    state: Level
    reasons: tuple[rows.ReasonRow, ...]
    started: int
    now: int
    run: str
    version: str
    pid: int
    exchange: ExchangeStatus
    strategies: tuple[rows.StrategyRow, ...]
    limits: tuple[rows.LimitRow, ...]
    equity: EquityStatus | None
    journal: JournalStatus
    children: tuple[ChildStatus, ...]
    alerts: tuple[rows.AlertRow, ...]
    open_orders: int = 0
    open_positions: int = 0
    trades: int = 0
    armed: bool = False
    code_changed: bool = False


class StateResult(Result, frozen=True):
    """The trading state after a halt or resume, and the entries that were cancelled."""

    state: Level
    reasons: tuple[rows.ReasonRow, ...]
    text: str = ""
    cancelled: tuple[str, ...] = ()


class Stopped(Result, frozen=True):
    """What stopping leaves at the venue."""

    text: str
    orders: tuple[rows.OrderRow, ...] = ()
    positions: tuple[rows.PositionRow, ...] = ()


class Done(Result, frozen=True):
    """A request was carried out: what was done, in words, and the orders it made or touched."""

    text: str
    orders: tuple[str, ...] = ()


class OrderList(Result, frozen=True):
    """Orders, and (of the daemon) the execution algorithms behind some of them."""

    orders: tuple[rows.OrderRow, ...]
    as_of_seq: int
    next_cursor: str = ""
    algorithms: tuple[rows.AlgorithmRow, ...] = ()


class OrderDetail(Result, frozen=True):
    """An order with the decision and the fills behind it, as far as the daemon still remembers them."""

    order: rows.OrderRow
    decision: rows.DecisionRow | None
    trades: tuple[rows.TradeRow, ...]
    as_of_seq: int


class AlgorithmDetail(Result, frozen=True):
    """An execution algorithm and the orders it made, as far as the daemon still remembers them."""

    algorithm: rows.AlgorithmRow
    orders: tuple[rows.OrderRow, ...]
    as_of_seq: int


class Placed(Result, frozen=True):
    """A placed order, or (``dry_run``) what risk says of it.

    ``notional``, ``fee`` and ``margin_after`` are in the settle coin; ``qty`` and ``price`` are after rounding.
    """

    dry_run: bool
    category: Category
    symbol: str
    qty: Decimal
    price: Decimal | None
    notional: Decimal
    fee: Decimal | None
    margin_after: Decimal | None
    checks: tuple[rows.CheckRow, ...]
    order: rows.OrderRow | None = None
    text: str = ""
    algorithm: rows.AlgorithmRow | None = None


class PositionList(Result, frozen=True):
    positions: tuple[rows.PositionRow, ...]
    as_of_seq: int


class PositionDetail(Result, frozen=True):
    """The net position, the books it is made of, and its open orders. In hedge mode ``net`` is the first leg that was
    ever held and ``other_legs`` the other."""

    net: rows.PositionRow | None
    books: tuple[rows.PositionRow, ...]
    orders: tuple[rows.OrderRow, ...]
    as_of_seq: int
    other_legs: tuple[rows.PositionRow, ...] = ()


class Portfolio(Result, frozen=True):
    """Balances, net positions and each strategy's book. ``margin_used`` is ``None`` when it is not known."""

    mode: str
    profile: str
    at: int
    coin: str
    equity: Decimal
    cash: Decimal
    unrealised: Decimal
    realised: Decimal
    fees: Decimal
    funding: Decimal
    balances: tuple[rows.BalanceRow, ...]
    positions: tuple[rows.PositionRow, ...]
    strategies: tuple[rows.StrategyRow, ...]
    as_of_seq: int
    margin_used: Decimal | None = None


class StrategyList(Result, frozen=True):
    strategies: tuple[rows.StrategyRow, ...]
    as_of_seq: int


class StrategyDetail(Result, frozen=True):
    strategy: rows.StrategyRow
    books: tuple[rows.PositionRow, ...]
    orders: tuple[rows.OrderRow, ...]
    as_of_seq: int


class ParameterRow(Result, frozen=True):
    """A declared parameter of a strategy class; values as text, bounds ``None`` where there are none."""

    name: str
    type: str
    default: str
    value: str
    low: str | None = None
    high: str | None = None


class StrategyChecked(Result, frozen=True):
    """A strategy's code and parameters are valid; an invalid one is an error."""

    name: str
    class_name: str
    file: str
    parameters: tuple[ParameterRow, ...]
    text: str = ""


class UniverseInfo(Result, frozen=True):
    """A universe: ``members`` by turnover, ``refused`` as (symbol, why); ``at`` is when they were chosen."""

    name: str
    category: str
    at: int | None
    refresh_minutes: int
    members: tuple[str, ...]
    refused: tuple[tuple[str, str], ...]
    strategies: tuple[str, ...]


class UniverseList(Result, frozen=True):
    universes: tuple[UniverseInfo, ...]
    as_of_seq: int


class InstrumentList(Result, frozen=True):
    instruments: tuple[rows.InstrumentRow, ...]


class Ticker(Result, frozen=True):
    ticker: rows.TickerRow


class Book(Result, frozen=True):
    """Levels as ``(price, size)``, best first; ``at`` is when the book was received."""

    category: Category
    symbol: str
    at: int
    bids: tuple[tuple[Decimal, Decimal], ...]
    asks: tuple[tuple[Decimal, Decimal], ...]


class Candles(Result, frozen=True):
    category: Category
    symbol: str
    interval: str
    candles: tuple[rows.CandleRow, ...]


class Funding(Result, frozen=True):
    """The current rate, when it settles next, and what we paid or received lately."""

    category: Category
    symbol: str
    rate: Decimal | None
    next_funding: int | None
    interval: int
    payments: tuple[rows.TradeRow, ...] = ()


class Snapshot(Result, frozen=True):
    """Everything that is now so, at journal sequence ``seq``; each :class:`Delta` after it has a greater one."""

    seq: int
    at: int
    mode: str
    profile: str
    run: str
    state: Level
    reasons: tuple[rows.ReasonRow, ...]
    orders: tuple[rows.OrderRow, ...]
    positions: tuple[rows.PositionRow, ...]
    balances: tuple[rows.BalanceRow, ...]
    equity: tuple[rows.EquityRow, ...]
    strategies: tuple[rows.StrategyRow, ...]
    alerts: tuple[rows.AlertRow, ...] = ()
    tickers: tuple[rows.TickerRow, ...] = ()


class Delta(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What changed with journal sequence ``seq``; a row replaces the one with the same key.

    Keys: orders by ``id``, positions by (category, symbol, strategy), balances by coin, equity and strategies by
    strategy. Trades and alerts are new ones. ``state`` and ``reasons`` count only where ``state`` is set.
    """

    seq: int
    at: int
    state: Level | None = None
    reasons: tuple[rows.ReasonRow, ...] = ()
    orders: tuple[rows.OrderRow, ...] = ()
    positions: tuple[rows.PositionRow, ...] = ()
    balances: tuple[rows.BalanceRow, ...] = ()
    equity: tuple[rows.EquityRow, ...] = ()
    strategies: tuple[rows.StrategyRow, ...] = ()
    trades: tuple[rows.TradeRow, ...] = ()
    alerts: tuple[rows.AlertRow, ...] = ()
    tickers: tuple[rows.TickerRow, ...] = ()


class TradeList(Result, frozen=True):
    trades: tuple[rows.TradeRow, ...]
    as_of_seq: int
    next_cursor: str = ""


class TradeDetail(Result, frozen=True):
    """A trade with the order and the decision it goes back to, ``None`` where there is none."""

    trade: rows.TradeRow
    order: rows.OrderRow | None
    decision: rows.DecisionRow | None


class DecisionList(Result, frozen=True):
    decisions: tuple[rows.DecisionRow, ...]
    as_of_seq: int
    next_cursor: str = ""


class ExplainedStep(Result, frozen=True):
    """One step of a chain in plain words: ``step`` is event, signal, inputs, verdict, order, stop, execution,
    algorithm, state or alert."""

    step: str
    text: str
    at: int = 0


class Explanation(Result, frozen=True):
    """Why something happened: the chain in words, and the rows behind it."""

    subject: str
    run: str
    steps: tuple[ExplainedStep, ...]
    decision: rows.DecisionRow | None = None
    orders: tuple[rows.OrderRow, ...] = ()
    trades: tuple[rows.TradeRow, ...] = ()
    algorithm: rows.AlgorithmRow | None = None


class Quiet(Result, frozen=True):
    """What the database knows of why nothing was traded: refusals, grouped by check, and restrictions of trading."""

    symbol: str
    since: int
    refused: tuple[rows.DecisionRow, ...] = ()
    steps: tuple[ExplainedStep, ...] = ()


class NotTraded(Result, frozen=True):
    """Why an instrument is not traded now; ``step`` of each sentence is state, symbol or a strategy's name."""

    category: Category
    symbol: str
    now: int
    as_of_seq: int
    state: Level
    steps: tuple[ExplainedStep, ...]


class Allocation(Result, frozen=True):
    """Shares of equity by strategy; ``total`` is their sum. ``samples`` counts the returns a share rests on."""

    policy: str
    coin: str
    equity: Decimal
    total: Decimal
    shares: tuple[rows.ShareRow, ...]
    next_rebalance: int
    text: str = ""


class RiskReport(Result, frozen=True):
    """Limits with what is used of each, and what is latched. ``raised`` are a person's changes over the settings."""

    state: Level
    reasons: tuple[rows.ReasonRow, ...]
    limits: tuple[rows.LimitRow, ...]
    raised: tuple[rows.LimitRow, ...] = ()


class RiskTested(Result, frozen=True):
    """Every check's verdict on an order that is not sent; ``ok`` when it would leave."""

    ok: bool
    category: Category
    symbol: str
    qty: Decimal
    checks: tuple[rows.CheckRow, ...]


class MetricsReport(Result, frozen=True):
    """How well the account, or one strategy, did between two moments (nanoseconds). Definitions: docs/metrics.md.

    Figures by name: fractions in ``returns`` and ``exposure``; ``None`` where one has no value. ``profit`` is realised.
    """

    strategy: str
    since: int
    until: int
    coin: str
    days: int
    returns: dict[str, float | None]
    drawdown: rows.DrawdownRow | None
    trades: dict[str, float | Decimal | None]
    exposure: dict[str, float | None]
    profit: rows.ProfitRow
    unrealised: Decimal


class ProfitList(Result, frozen=True):
    """Profit by ``by``: realised, with its parts; ``total`` is the exact sum."""

    by: str
    coin: str
    profits: tuple[rows.ProfitRow, ...]
    total: rows.ProfitRow


class EquityList(Result, frozen=True):
    equity: tuple[rows.EquityRow, ...]
    as_of_seq: int
    next_cursor: str = ""


class StoreStatus(Result, frozen=True):
    """The projection: ``seq`` is the last journal sequence in the database; ``lag`` how many are still to come.

    ``database`` is the URL without its password; ``error`` the present trouble, empty when there is none.
    """

    database: str
    run: str
    seq: int
    lag: int
    rows: dict[str, int]
    started: int
    error: str = ""
    schema: str = ""
