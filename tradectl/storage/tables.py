"""The tables: what a run did, as rows. Times are nanoseconds UTC, amounts exact.

Every row is derived from the journal; ``run`` and ``seq`` name the entry it comes from, ``n`` the command within it.
"""

from decimal import Decimal
from typing import Any

from sqlalchemy import Index, Table
from sqlmodel import Field, SQLModel

from tradectl.storage.types import JSON_DOCUMENT, Exact, Nanoseconds


class Projected(SQLModel, table=True):
    """How far each run's journal is in this database, committed together with the rows."""

    __tablename__ = "projection"

    run: str = Field(primary_key=True)
    seq: int = Field(sa_type=Nanoseconds)


class OrderRecord(SQLModel, table=True):
    """The last state of an order; ``key`` is its link id, or the venue's id where it has none."""

    __tablename__ = "orders"
    __table_args__ = (Index("ix_orders_at", "at", "key"), Index("ix_orders_order_id", "order_id"))

    key: str = Field(primary_key=True)
    run: str
    seq: int = Field(sa_type=Nanoseconds)
    at: int = Field(sa_type=Nanoseconds)
    link_id: str
    order_id: str
    strategy: str
    decision: int = Field(sa_type=Nanoseconds)
    category: str
    symbol: str
    side: str
    type: str
    time_in_force: str
    qty: Decimal = Field(sa_type=Exact)
    price: Decimal | None = Field(default=None, sa_type=Exact)
    status: str
    filled: Decimal = Field(sa_type=Exact)
    avg_price: Decimal | None = Field(default=None, sa_type=Exact)
    reduce_only: bool
    created: int = Field(sa_type=Nanoseconds)
    fees: Decimal = Field(sa_type=Exact)
    reason: str
    trigger_price: Decimal | None = Field(default=None, sa_type=Exact)
    trigger_by: str | None = None
    trigger_rises: bool | None = None
    take_profit: Decimal | None = Field(default=None, sa_type=Exact)
    stop_loss: Decimal | None = Field(default=None, sa_type=Exact)
    parent: str = ""
    stop_type: str = ""
    algorithm: int = Field(default=0, sa_type=Nanoseconds)
    position_idx: int = 0


class ExecutionRecord(SQLModel, table=True):
    """A booked execution, once by the venue's execution id. ``ts`` is the venue's time, ``at`` when it was booked."""

    __tablename__ = "executions"
    __table_args__ = (
        Index("ix_executions_ts", "ts", "exec_id"),
        Index("ix_executions_link_id", "link_id"),
        Index("ix_executions_strategy", "strategy", "ts"),
    )

    exec_id: str = Field(primary_key=True)
    run: str
    seq: int = Field(sa_type=Nanoseconds)
    at: int = Field(sa_type=Nanoseconds)
    ts: int = Field(sa_type=Nanoseconds)
    category: str
    symbol: str
    strategy: str
    decision: int = Field(sa_type=Nanoseconds)
    order_id: str
    link_id: str
    side: str
    type: str
    price: Decimal = Field(sa_type=Exact)
    qty: Decimal = Field(sa_type=Exact)
    value: Decimal = Field(sa_type=Exact)
    fee: Decimal = Field(sa_type=Exact)
    fee_coin: str
    fee_rate: Decimal = Field(sa_type=Exact)
    is_maker: bool
    closed_qty: Decimal = Field(sa_type=Exact)
    pnl: Decimal | None = Field(default=None, sa_type=Exact)
    realised: Decimal = Field(sa_type=Exact)
    position: Decimal = Field(sa_type=Exact)
    arrival: Decimal | None = Field(default=None, sa_type=Exact)
    stop_order_type: str = ""
    create_type: str = ""


class PositionRecord(SQLModel, table=True):
    """The last state of a position: of one strategy's book, or the net one (``strategy`` empty), in hedge mode each
    leg apart by ``position_idx``."""

    __tablename__ = "positions"

    strategy: str = Field(primary_key=True)
    category: str = Field(primary_key=True)
    symbol: str = Field(primary_key=True)
    position_idx: int = Field(default=0, primary_key=True)
    run: str
    seq: int = Field(sa_type=Nanoseconds)
    at: int = Field(sa_type=Nanoseconds)
    size: Decimal = Field(sa_type=Exact)
    cost: Decimal = Field(sa_type=Exact)
    realised: Decimal = Field(sa_type=Exact)
    fees: Decimal = Field(sa_type=Exact)
    funding: Decimal = Field(sa_type=Exact)
    mark: float


class BalanceRecord(SQLModel, table=True):
    """The last cash balance of a coin in our books."""

    __tablename__ = "balances"

    coin: str = Field(primary_key=True)
    run: str
    seq: int = Field(sa_type=Nanoseconds)
    at: int = Field(sa_type=Nanoseconds)
    wallet: Decimal = Field(sa_type=Exact)


class EquityRecord(SQLModel, table=True):
    """Equity over time: of the account (``strategy`` empty) or of one book's profit."""

    __tablename__ = "equity"
    __table_args__ = (Index("ix_equity_strategy", "strategy", "at", "run", "seq", "n"),)

    run: str = Field(primary_key=True)
    seq: int = Field(primary_key=True, sa_type=Nanoseconds)
    n: int = Field(primary_key=True)
    at: int = Field(sa_type=Nanoseconds)
    strategy: str
    equity: Decimal = Field(sa_type=Exact)
    cash: Decimal = Field(sa_type=Exact)
    unrealised: Decimal = Field(sa_type=Exact)


class DecisionRecord(SQLModel, table=True):
    """An intent and what became of it, with every check; ``id`` is unique in its run."""

    __tablename__ = "decisions"
    __table_args__ = (Index("ix_decisions_at", "at", "run", "id"), Index("ix_decisions_strategy", "strategy", "at"))

    run: str = Field(primary_key=True)
    id: int = Field(primary_key=True, sa_type=Nanoseconds)
    seq: int = Field(sa_type=Nanoseconds)
    at: int = Field(sa_type=Nanoseconds)
    cause: int = Field(sa_type=Nanoseconds)
    strategy: str
    category: str
    symbol: str
    action: str
    side: str | None = None
    qty: Decimal = Field(sa_type=Exact)
    price: Decimal | None = Field(default=None, sa_type=Exact)
    reason: str
    accepted: bool
    checks: list[Any] = Field(sa_type=JSON_DOCUMENT)
    orders: list[Any] = Field(sa_type=JSON_DOCUMENT)
    who: str
    event: str = ""
    inputs: list[Any] = Field(default_factory=list, sa_type=JSON_DOCUMENT)
    algorithm: int = Field(default=0, sa_type=Nanoseconds)


class AlertRecord(SQLModel, table=True):
    """Something a person should know."""

    __tablename__ = "alerts"
    __table_args__ = (Index("ix_alerts_at", "at"),)

    run: str = Field(primary_key=True)
    seq: int = Field(primary_key=True, sa_type=Nanoseconds)
    n: int = Field(primary_key=True)
    at: int = Field(sa_type=Nanoseconds)
    level: str
    code: str
    text: str
    remedy: str


class StateRecord(SQLModel, table=True):
    """The trading state over time, with all its reasons."""

    __tablename__ = "state_changes"

    run: str = Field(primary_key=True)
    seq: int = Field(primary_key=True, sa_type=Nanoseconds)
    n: int = Field(primary_key=True)
    at: int = Field(sa_type=Nanoseconds)
    state: str
    reasons: list[Any] = Field(sa_type=JSON_DOCUMENT)


class StrategyRecord(SQLModel, table=True):
    """The status of a strategy instance over time."""

    __tablename__ = "strategy_changes"

    run: str = Field(primary_key=True)
    seq: int = Field(primary_key=True, sa_type=Nanoseconds)
    n: int = Field(primary_key=True)
    at: int = Field(sa_type=Nanoseconds)
    name: str
    status: str
    reason: str
    at_seq: int = Field(sa_type=Nanoseconds)


class AlgorithmRecord(SQLModel, table=True):
    """The last state of an execution algorithm; ``id`` is unique in its run."""

    __tablename__ = "algorithms"
    __table_args__ = (Index("ix_algorithms_at", "at", "run", "id"),)

    run: str = Field(primary_key=True)
    id: int = Field(primary_key=True, sa_type=Nanoseconds)
    seq: int = Field(sa_type=Nanoseconds)
    at: int = Field(sa_type=Nanoseconds)
    kind: str
    strategy: str
    category: str
    symbol: str
    side: str | None = None
    qty: Decimal = Field(sa_type=Exact)
    filled: Decimal = Field(sa_type=Exact)
    status: str
    reason: str
    note: str
    parameters: list[Any] = Field(sa_type=JSON_DOCUMENT)


class LedgerRecord(SQLModel, table=True):
    """A transfer, bonus, interest or conversion, once by the venue's id: apart from trading."""

    __tablename__ = "ledger"
    __table_args__ = (Index("ix_ledger_ts", "ts", "id"),)

    id: str = Field(primary_key=True)
    run: str
    seq: int = Field(sa_type=Nanoseconds)
    at: int = Field(sa_type=Nanoseconds)
    ts: int = Field(sa_type=Nanoseconds)
    type: str
    coin: str
    change: Decimal = Field(sa_type=Exact)


class ChangeRecord(SQLModel, table=True):
    """What was configured while trading, over time: ``kind`` is limits, parameters, universe or allocation,
    ``name`` its scope, strategy, universe or policy, ``content`` the whole record."""

    __tablename__ = "changes"
    __table_args__ = (Index("ix_changes_at", "at", "run", "seq", "n"),)

    run: str = Field(primary_key=True)
    seq: int = Field(primary_key=True, sa_type=Nanoseconds)
    n: int = Field(primary_key=True)
    at: int = Field(sa_type=Nanoseconds)
    kind: str
    name: str
    who: str
    content: dict[str, Any] = Field(sa_type=JSON_DOCUMENT)


METADATA = SQLModel.metadata


def table_of(model: type[SQLModel]) -> Table:
    """The SQLAlchemy table behind a model."""
    return METADATA.tables[str(model.__tablename__)]
