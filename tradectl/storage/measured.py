"""What performance is measured from, read from the database: marks of equity, fills, transfers; and the reports."""

import math
from bisect import bisect_right
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
from sqlalchemy import Engine, Select, Table, select

from tradectl.model.errors import ErrorCode, Problem
from tradectl.model.money import ZERO
from tradectl.performance.breakdown import GROUPINGS, ProfitRow, breakdown, total
from tradectl.performance.fills import Fill, fill_of
from tradectl.performance.metrics import Metrics, metrics
from tradectl.performance.returns import Flow, Mark
from tradectl.rpc import methods, params, rows
from tradectl.storage import tables
from tradectl.storage.records import to_execution
from tradectl.storage.tables import table_of

#: Coins that count as one unit of the settle coin.
_PAR = frozenset({"USDT", "USDC", "USD"})
_RETURNS = (
    "total_return", "annual_return", "volatility", "sharpe", "sortino", "calmar", "omega", "max_drawdown",
    "value_at_risk", "expected_shortfall", "best_day", "worst_day",
)  # fmt: skip


class Measured:
    """Reads and measures. For reading threads: a year of marks takes a moment."""

    def __init__(self, engine: Engine, coin: str = "USDT") -> None:
        self._engine = engine
        self._coin = coin

    def metrics(self, asked: params.MetricsOf) -> methods.MetricsReport:
        """Every metric of the account or one strategy."""
        marks, fills = self._marks(asked), self._fills(asked)
        found = metrics(marks, fills, () if asked.strategy else self._flows(asked))
        return methods.MetricsReport(
            strategy=asked.strategy,
            since=asked.since or (marks[0].at if marks else 0),
            until=asked.until or (marks[-1].at if marks else 0),
            coin=self._coin,
            days=found.days,
            returns={name: _number(getattr(found, name)) for name in _RETURNS},
            drawdown=_drawdown(found),
            trades={name: _number(value) for name, value in msgspec.structs.asdict(found.trades).items()},
            exposure={name: _number(value) for name, value in msgspec.structs.asdict(found.exposure).items()},
            profit=_profit(found.profit),
            unrealised=self._unrealised(asked),
        )

    def profit(self, asked: params.ProfitBy) -> methods.ProfitList:
        """Profit by period, strategy or symbol. Raises ``Problem`` (INVALID_REQUEST) for an unknown grouping."""
        if asked.by not in GROUPINGS:
            raise Problem(
                ErrorCode.INVALID_REQUEST, f"by is {asked.by!r}", field="by", reason=f"one of {', '.join(GROUPINGS)}"
            )
        fills = [fill for fill in self._fills(asked) if asked.symbol in ("", fill.instrument.symbol)]
        found = tuple(_profit(row) for row in breakdown(fills, asked.by))
        return methods.ProfitList(asked.by, self._coin, found, _profit(total(fills)))

    # --- reading

    def _marks(self, asked: params.MetricsOf) -> list[Mark]:
        """Marks of the account; of a strategy its profit on top of the account's equity when it began."""
        own = self._equity(asked, asked.strategy)
        if not asked.strategy or not own:
            return own
        account = self._equity(asked, "")
        base = next((mark.equity for mark in reversed(account) if mark.at <= own[0].at), None)
        base = base if base is not None else account[0].equity if account else ZERO
        return [Mark(mark.at, base + mark.equity - own[0].equity) for mark in own]

    def _equity(self, asked: params.MetricsOf, strategy: str) -> list[Mark]:
        table = table_of(tables.EquityRecord)
        marked: Select[Any] = select(table.c.at, table.c.equity).where(table.c.strategy == strategy)
        query = _within(marked, table, "at", asked).order_by(table.c.at, table.c.run, table.c.seq, table.c.n)
        return [Mark(row["at"], row["equity"]) for row in self._rows(query)]

    def _fills(self, asked: params.MetricsOf) -> list[Fill]:
        table = table_of(tables.ExecutionRecord)
        query = _within(select(table), table, "ts", asked)
        if asked.strategy:
            query = query.where(table.c.strategy == asked.strategy)
        prices = _Prices(self._engine, self._coin)
        booked = query.order_by(table.c.at, table.c.run, table.c.seq, table.c.exec_id)
        return [fill_of(to_execution(row), prices.at) for row in self._rows(booked)]

    def _flows(self, asked: params.MetricsOf) -> list[Flow]:
        table = table_of(tables.LedgerRecord)
        prices = _Prices(self._engine, self._coin)
        found = []
        for row in self._rows(_within(select(table), table, "ts", asked)):
            price = prices.at(row["coin"], row["ts"])
            if price is not None:
                found.append(Flow(row["ts"], row["change"] * price))
        return found

    def _unrealised(self, asked: params.MetricsOf) -> Decimal:
        """The last mark's, 0 before any."""
        table = table_of(tables.EquityRecord)
        query = _within(select(table.c.unrealised).where(table.c.strategy == asked.strategy), table, "at", asked)
        query = query.order_by(table.c.at.desc(), table.c.run.desc(), table.c.seq.desc(), table.c.n.desc()).limit(1)
        return next((row["unrealised"] for row in self._rows(query)), ZERO)

    def _rows(self, query: Select[Any]) -> list[Any]:
        with self._engine.connect() as connection:
            return list(connection.execute(query).mappings())


class _Prices:
    """Prices of coins in the settle coin, from our own fills: the last one before a moment, else the first after."""

    def __init__(self, engine: Engine, settle: str) -> None:
        self._engine, self._settle = engine, settle
        self._known: dict[str, tuple[list[int], list[Decimal]]] = {}

    def at(self, coin: str, moment: int) -> Decimal | None:
        """The price of ``coin`` at ``moment``, ``None`` when we never traded it."""
        if coin == self._settle or coin in _PAR:
            return Decimal(1)
        times, prices = self._known.get(coin) or self._load(coin)
        if not times:
            return None
        return prices[max(bisect_right(times, moment) - 1, 0)]

    def _load(self, coin: str) -> tuple[list[int], list[Decimal]]:
        table = table_of(tables.ExecutionRecord)
        query = select(table.c.ts, table.c.price).where(table.c.symbol == f"{coin}{self._settle}").order_by(table.c.ts)
        with self._engine.connect() as connection:
            rows_ = list(connection.execute(query).mappings())
        self._known[coin] = ([row["ts"] for row in rows_], [row["price"] for row in rows_])
        return self._known[coin]


def _within(query: Select[Any], table: Table, time: str, asked: params.MetricsOf) -> Select[Any]:
    if asked.since:
        query = query.where(table.c[time] >= asked.since)
    if asked.until:
        query = query.where(table.c[time] < asked.until)
    return query


def _number(value: Any) -> Any:
    """JSON has no NaN: a figure without a value is null."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _profit(row: ProfitRow) -> rows.ProfitRow:
    return rows.ProfitRow(**msgspec.structs.asdict(row))


def _drawdown(found: Metrics) -> rows.DrawdownRow | None:
    if found.drawdown_peak is None or found.drawdown_trough is None:
        return None
    recovered = None if found.drawdown_recovered is None else _date(found.drawdown_recovered)
    return rows.DrawdownRow(
        found.max_drawdown, _date(found.drawdown_peak), _date(found.drawdown_trough), recovered, found.drawdown_days,
        found.longest_drawdown_days,
    )  # fmt: skip


def _date(day: int) -> str:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=day)).strftime("%Y-%m-%d")
