"""A run's worth of entries, and a journal to put them in."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import Engine

from tradectl.journal import Header, JournalConfig, JournalWriter
from tradectl.model.commands import (
    Alert,
    AlertLevel,
    BalanceChanged,
    Check,
    DecisionMade,
    Entry,
    EquityMarked,
    ExecutionBooked,
    Level,
    OrderChanged,
    PositionChanged,
    Reason,
    StateChanged,
    StrategyChanged,
    StrategyStatus,
)
from tradectl.model.events import SCHEMA, QuoteChanged, TimerFired
from tradectl.model.instruments import Category, InstrumentId
from tradectl.model.orders import Execution, OrderStatus, OrderType, Side, TimeInForce
from tradectl.storage.database import open_database
from tradectl.storage.schema import migrate

BTC = InstrumentId(Category.LINEAR, "BTCUSDT")
ETH = InstrumentId(Category.SPOT, "ETHUSDT")
#: More digits than any float or NUMERIC(38,18) has.
LONG = Decimal("123456789012345678901.000000000000000000012345678")


class Maker:
    """Records with sensible values, any of which a test may set."""

    @staticmethod
    def order(seq: int, **changes: object) -> OrderChanged:
        values: dict[str, object] = {
            "at": seq * 1000,
            "link_id": f"link-{seq}",
            "order_id": f"order-{seq}",
            "strategy": "ema",
            "decision": seq,
            "instrument": BTC,
            "side": Side.BUY,
            "type": OrderType.LIMIT,
            "time_in_force": TimeInForce.GTC,
            "qty": Decimal("0.010"),
            "price": Decimal("105000.10"),
            "status": OrderStatus.NEW,
            "filled": Decimal(0),
            "avg_price": None,
            "reduce_only": False,
            "created": seq * 900,
        }
        return OrderChanged(**{**values, **changes})

    @staticmethod
    def execution(exec_id: str, ts: int = 5, strategy: str = "ema", instrument: InstrumentId = BTC) -> ExecutionBooked:
        done = Execution(
            exec_id,
            instrument,
            f"order-{exec_id}",
            f"link-{exec_id}",
            Side.SELL,
            Decimal("105000.10"),
            Decimal("0.010"),
            Decimal("1050.001"),
            Decimal("0.57750055"),
            "USDT",
            True,
            ts,
            closed_qty=Decimal("0.010"),
            pnl=Decimal("-1E-8"),
            fee_rate=Decimal("0.00055"),
        )
        return ExecutionBooked(ts + 1, done, strategy, 3, LONG, Decimal("-0.010"))

    @staticmethod
    def decision(id: int, at: int = 5, strategy: str = "ema") -> DecisionMade:
        checks = (Check("size", True, "2 %", "1.3 %"), Check("band", False, "5 %", "6 %", "too far from the market"))
        return DecisionMade(
            id, 1, at, strategy, BTC, "target", Side.BUY, LONG, None, "fast above slow", False, checks, ("a", "b"), "me"
        )

    @staticmethod
    def position(strategy: str, size: str, at: int = 5) -> PositionChanged:
        return PositionChanged(
            at, strategy, BTC, Decimal(size), LONG, Decimal("1.5"), Decimal("0.1"), Decimal(0), 105000.5
        )

    @staticmethod
    def equity(at: int, strategy: str = "") -> EquityMarked:
        return EquityMarked(at, strategy, LONG, Decimal("9999.5"), Decimal("-0.00000001"))

    @staticmethod
    def others(seq: int) -> tuple[object, ...]:
        """One of each kind that has no query of its own."""
        return (
            BalanceChanged(seq, "USDT", LONG),
            Alert(seq, AlertLevel.WARNING, "STALE", "no data", "wait"),
            StateChanged(seq, Level.REDUCING, (Reason("STREAM", Level.REDUCING, "auto", "down", seq),)),
            StrategyChanged(seq, "ema", StrategyStatus.STOPPED, "error", 4),
        )

    @staticmethod
    def entry(seq: int, *commands: object) -> Entry:
        if not commands:
            return Entry(SCHEMA, seq, QuoteChanged(seq, seq, BTC, 1.0, 1.0, 2.0, 1.0))
        return Entry(SCHEMA, seq, TimerFired(seq, "timer", seq), commands)

    @staticmethod
    def journal(state: Path, run: str = "run00001", created: int = 1) -> JournalWriter:
        config = JournalConfig(reserve_space=4096, orders_segment=50_000, market_segment=50_000)
        return JournalWriter(state / "journal" / run, Header(run=run, created=created), config)


@pytest.fixture
def make() -> Maker:
    return Maker()


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    """A migrated SQLite database."""
    found = open_database(f"sqlite:///{tmp_path / 'store.db'}")
    migrate(found)
    yield found
    found.dispose()


@pytest.fixture
def count(engine: Engine) -> Callable[[str], int]:
    """Rows of a table."""

    def counting(table: str) -> int:
        with engine.connect() as connection:
            return connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one()

    return counting
