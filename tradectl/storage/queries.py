"""Reading the database: history as the records it was made from, newest first, page by page."""

from typing import Any, Generic, TypeVar

from msgspec import Struct
from sqlalchemy import Connection, Engine, Integer, RowMapping, Select, Table, and_, func, or_, select

from tradectl.model.commands import (
    AlgorithmChanged,
    DecisionMade,
    EquityMarked,
    ExecutionBooked,
    LedgerBooked,
    OrderChanged,
    PositionChanged,
)
from tradectl.model.errors import ErrorCode, Problem
from tradectl.storage import tables
from tradectl.storage.records import (
    to_algorithm,
    to_decision,
    to_equity,
    to_execution,
    to_ledger,
    to_order,
    to_position,
)
from tradectl.storage.tables import METADATA, table_of

T = TypeVar("T")
MAX_LIMIT = 1000
#: Both databases count in 64 bits.
_TOO_LATE = 2**63


class HistoryFilter(Struct, frozen=True, kw_only=True):
    """``since`` <= time < ``until`` in nanoseconds, 0 is open. Empty text is no filter, except that the account's own
    equity has no strategy. ``cursor`` is the ``next_cursor`` of the page before."""

    symbol: str = ""
    category: str = ""
    strategy: str = ""
    since: int = 0
    until: int = 0
    limit: int = 100
    cursor: str = ""


class Stored(Struct, Generic[T], frozen=True):
    """A record and the run it comes from."""

    run: str
    record: T


class Page(Struct, Generic[T], frozen=True):
    """Records of a page, and where the next one begins: "" at the end."""

    rows: tuple[Stored[T], ...]
    next_cursor: str


class Queries:
    """History for reading threads. Errors of the database are raised as they are."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def trades(self, wanted: HistoryFilter) -> Page[ExecutionBooked]:
        """Executions by the venue's time, funding included."""
        table = table_of(tables.ExecutionRecord)
        return self._page(table, ("ts", "exec_id"), wanted, to_execution)

    def orders(self, wanted: HistoryFilter) -> Page[OrderChanged]:
        """Orders in their last state, by the time of it."""
        return self._page(table_of(tables.OrderRecord), ("at", "key"), wanted, to_order)

    def decisions(self, wanted: HistoryFilter) -> Page[DecisionMade]:
        """Decisions, accepted or not, with their checks."""
        return self._page(table_of(tables.DecisionRecord), ("at", "run", "id"), wanted, to_decision)

    def equity(self, wanted: HistoryFilter) -> Page[EquityMarked]:
        """Equity of one strategy's book, or of the account when ``strategy`` is empty. No symbol narrows it."""
        table = table_of(tables.EquityRecord)
        return self._page(table, ("at", "run", "seq", "n"), wanted, to_equity, exact_strategy=True)

    def positions(self) -> list[Stored[PositionChanged]]:
        """Every position in its last state, flat ones included."""
        table = table_of(tables.PositionRecord)
        query = select(table).order_by(table.c.strategy, table.c.category, table.c.symbol)
        with self._engine.connect() as connection:
            return [Stored(row["run"], to_position(row)) for row in connection.execute(query).mappings()]

    def trade(self, exec_id: str) -> Stored[ExecutionBooked]:
        """One execution. Raises ``Problem(NOT_FOUND)``."""
        table = table_of(tables.ExecutionRecord)
        with self._engine.connect() as connection:
            row = _one(connection, select(table).where(table.c.exec_id == exec_id))
        if row is None:
            raise Problem(
                ErrorCode.NOT_FOUND,
                f"there is no trade {exec_id}",
                field="id",
                reason="unknown execution id",
                remedy="tradectl trades list shows their ids",
            )
        return Stored(row["run"], to_execution(row))

    def order(self, id: str) -> Stored[OrderChanged] | None:
        """An order by its link id or the venue's id."""
        table = table_of(tables.OrderRecord)
        with self._engine.connect() as connection:
            query = select(table).where(or_(table.c.key == id, table.c.order_id == id)).limit(1)
            row = _one(connection, query) if id else None
        return Stored(row["run"], to_order(row)) if row else None

    def decision(self, run: str, id: int) -> Stored[DecisionMade] | None:
        """A decision by its number in its run."""
        table = table_of(tables.DecisionRecord)
        with self._engine.connect() as connection:
            row = _one(connection, select(table).where(and_(table.c.run == run, table.c.id == id)))
        return Stored(row["run"], to_decision(row)) if row else None

    def algorithms(self, wanted: HistoryFilter) -> Page[AlgorithmChanged]:
        """Execution algorithms in their last state."""
        return self._page(table_of(tables.AlgorithmRecord), ("at", "run", "id"), wanted, to_algorithm)

    def ledger(self, wanted: HistoryFilter) -> Page[LedgerBooked]:
        """Transfers, bonuses, interest and conversions by the venue's time."""
        return self._page(table_of(tables.LedgerRecord), ("ts", "id"), wanted, to_ledger)

    def counts(self) -> dict[str, int]:
        """Rows of each table."""
        with self._engine.connect() as connection:
            return {
                name: connection.execute(select(func.count()).select_from(table)).scalar_one()
                for name, table in sorted(METADATA.tables.items())
            }

    def _page(
        self, table: Table, keys: tuple[str, ...], wanted: HistoryFilter, record: Any, exact_strategy: bool = False
    ) -> Page[Any]:
        """``keys`` name a total order: the time first."""
        _check(wanted)
        limit = wanted.limit
        query = _narrow(select(table), table, keys[0], wanted, exact_strategy)
        if wanted.cursor:
            query = query.where(_before(table, keys, _parse_cursor(table, keys, wanted.cursor)))
        query = query.order_by(*(table.c[key].desc() for key in keys)).limit(limit + 1)
        with self._engine.connect() as connection:
            found = list(connection.execute(query).mappings())
        rows = tuple(Stored(row["run"], record(row)) for row in found[:limit])
        more = len(found) > limit
        return Page(rows, ":".join(str(found[limit - 1][key]) for key in keys) if more else "")


def _one(connection: Connection, query: Select[Any]) -> RowMapping | None:
    return connection.execute(query).mappings().one_or_none()


def _narrow(query: Select[Any], table: Table, time: str, wanted: HistoryFilter, exact_strategy: bool) -> Select[Any]:
    if (wanted.strategy or exact_strategy) and "strategy" in table.c:
        query = query.where(table.c.strategy == wanted.strategy)
    if wanted.symbol and "symbol" in table.c:
        query = query.where(table.c.symbol == wanted.symbol)
    if wanted.category and "category" in table.c:
        query = query.where(table.c.category == wanted.category)
    if wanted.since:
        query = query.where(table.c[time] >= wanted.since)
    if wanted.until:
        query = query.where(table.c[time] < wanted.until)
    return query


def _before(table: Table, keys: tuple[str, ...], values: list[Any]) -> Any:
    """Rows behind ``values`` in descending order, written so that both databases use the index."""
    later = or_(*(and_(*_equal(table, keys[:i], values), table.c[keys[i]] < values[i]) for i in range(len(keys))))
    return and_(table.c[keys[0]] <= values[0], later)


def _equal(table: Table, keys: tuple[str, ...], values: list[Any]) -> list[Any]:
    return [table.c[key] == value for key, value in zip(keys, values, strict=False)]


def _check(wanted: HistoryFilter) -> None:
    """Raises ``Problem(INVALID_REQUEST)`` for what no database could look for."""
    if not 1 <= wanted.limit <= MAX_LIMIT:
        rule = f"between 1 and {MAX_LIMIT}"
        raise _refused("limit", wanted.limit, rule, "Ask for less and continue with the cursor")
    for field in ("since", "until"):
        if not 0 <= getattr(wanted, field) < _TOO_LATE:
            rule = f"nanoseconds since 1970, 0 to {_TOO_LATE - 1}"
            raise _refused(field, getattr(wanted, field), rule, "Give the time in nanoseconds UTC")
    for field in ("symbol", "category", "strategy", "cursor"):
        if "\0" in getattr(wanted, field):
            raise _refused(field, getattr(wanted, field), "text without NUL characters", "Correct the text")


def _refused(field: str, value: object, rule: str, remedy: str) -> Problem:
    return Problem(ErrorCode.INVALID_REQUEST, f"{field} is {value!r}", field=field, reason=rule, remedy=remedy)


def _key_value(table: Table, key: str, text: str) -> int | str:
    if not isinstance(table.c[key].type, Integer):
        return text
    value = int(text)
    if abs(value) >= _TOO_LATE:
        raise ValueError(text)
    return value


def _parse_cursor(table: Table, keys: tuple[str, ...], cursor: str) -> list[Any]:
    """Raises ``Problem(INVALID_REQUEST)`` for a cursor that no page gave out."""
    texts = cursor.split(":", len(keys) - 1)
    try:
        if len(texts) != len(keys):
            raise ValueError(cursor)
        return [_key_value(table, key, text) for key, text in zip(keys, texts, strict=True)]
    except ValueError:
        raise Problem(
            ErrorCode.INVALID_REQUEST,
            f"the cursor {cursor!r} is not one this list gave out",
            field="cursor",
            remedy="Leave the cursor away to begin with the newest",
        ) from None
