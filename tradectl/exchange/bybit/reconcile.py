"""The whole truth over REST: what the venue knows since a moment, and what it knows of one order.

The order of the reads matters: open orders before history, so that an order that ends in between is in one of the
two; executions after both, so that no fill of a reported order is missing; money last, because it follows from them.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from msgspec import Struct

from tradectl.exchange.bybit.config import BybitConfig
from tradectl.exchange.bybit.order_rows import FeeCoin, execution, order_report
from tradectl.exchange.bybit.pages import WEEK_MS, rows, rows_since
from tradectl.exchange.bybit.rest import Rest
from tradectl.exchange.bybit.translate import (
    MS,
    balances,
    ledger_row,
    position_report,
)
from tradectl.exchange.bybit.wire import ExecutionPage, LogPage, OrderPage, OrderRow, PositionPage, WalletPage
from tradectl.exchange.retry_handler import ReadFailed
from tradectl.model.commands import LookUpOrder
from tradectl.model.instruments import Category
from tradectl.model.orders import Execution, OrderReport
from tradectl.model.positions import BalanceReport, LedgerRow, PositionReport

#: Windows reach this far beyond market time, so that a clock ahead of ours hides nothing.
AHEAD_MS = 86_400_000
#: How far back the venue's lists go (bybit-v5 3.2), less a day of room.
KEPT_MS = 729 * 86_400_000
#: Beyond the request's own life, what may lie between the gateway and the order lists (decision 11).
LOOKUP_MARGIN_MS = 2_000


class Truth(Struct):
    """Everything one reconciliation read."""

    reports: tuple[OrderReport, ...]
    executions: tuple[Execution, ...]
    ledger: tuple[LedgerRow, ...]
    positions: tuple[PositionReport, ...]
    balances: tuple[BalanceReport, ...]


class Sighting(Struct):
    """What the venue knows of one order, and its transport clock before the first of the three reads, in ms."""

    report: OrderReport | None
    executions: tuple[Execution, ...]
    asked_at: int


class Reconciler:
    """Reads the account through ``rest``. ``now`` is market time in nanoseconds."""

    def __init__(self, rest: Rest, config: BybitConfig, fee_coin: FeeCoin, now: Callable[[], Awaitable[int]]) -> None:
        self._rest = rest
        self._config = config
        self._fee_coin = fee_coin
        self._now = now

    async def read(self, since: int) -> Truth:
        """Everything since ``since`` (nanoseconds), 0 the last seven days; the venue itself keeps two years.

        Raises ``ReadFailed``; a row that makes no sense is one too.
        """
        now_ms = max(await self._now(), since) // MS
        start = max(since // MS, now_ms - KEPT_MS) if since else now_ms - WEEK_MS
        end = now_ms + AHEAD_MS
        try:
            open_orders = await self._open_orders()
            ended = await self._ended_orders(start, end)
            executions = await self._executions(start, end)
            ledger = await self._ledger(start, end)
            positions = await self._positions()
            wallet = await self._rest.read("get_wallet_balance", WalletPage, accountType="UNIFIED")
            return Truth(_merge(open_orders, ended), executions, ledger, positions, balances(wallet.list))
        except ValueError as error:
            raise ReadFailed(0, f"a row of the venue makes no sense: {error}", again=False) from error

    async def look_up(self, command: LookUpOrder) -> Sighting:
        """One order by its link id, or by the venue's, in realtime, history and executions. Raises ``ReadFailed``."""
        category = command.instrument.category
        key: dict[str, Any] = {"category": category.value, "symbol": command.instrument.symbol, **_name(command)}
        try:
            page, asked_at = await self._rest.read_timed("get_open_orders", OrderPage, **key)
            ended = await rows(self._rest, "get_order_history", OrderPage, **key)
            fills = await rows(self._rest, "get_executions", ExecutionPage, **key)
            found = [order_report(row, category) for row in (*page.list, *ended) if _is_named(row, command)]
            executions = [execution(row, category, self._fee_coin) for row in fills]
        except ValueError as error:
            raise ReadFailed(0, f"a row of the venue makes no sense: {error}", again=False) from error
        report = max(found, key=_progress) if found else None
        return Sighting(report, tuple(sorted(executions, key=_moment)), asked_at)

    async def _open_orders(self) -> list[OrderReport]:
        """Active, conditional, take-profit and stop-loss orders: all kinds unless one is asked for (bybit-v5 5.5)."""
        found: list[OrderReport] = []
        for category, filters in self._scopes():
            rows_ = await rows(self._rest, "get_open_orders", OrderPage, limit=50, **filters)
            found += _reports(rows_, category)
        return found

    async def _ended_orders(self, start: int, end: int) -> list[OrderReport]:
        found: list[OrderReport] = []
        for category in self._config.categories:
            rows_ = await rows_since(
                self._rest, "get_order_history", OrderPage, start, end, category=category.value, limit=50
            )
            found += _reports(rows_, category)
        return found

    async def _executions(self, start: int, end: int) -> tuple[Execution, ...]:
        found: dict[str, Execution] = {}
        for category in self._config.categories:
            for row in await rows_since(
                self._rest, "get_executions", ExecutionPage, start, end, category=category.value, limit=100
            ):
                found[row.execId] = execution(row, category, self._fee_coin)
        return tuple(sorted(found.values(), key=_moment))

    async def _ledger(self, start: int, end: int) -> tuple[LedgerRow, ...]:
        found: dict[str, LedgerRow] = {}
        for row in await rows_since(
            self._rest, "get_transaction_log", LogPage, start, end, accountType="UNIFIED", limit=50
        ):
            entry = ledger_row(row)
            if entry is not None:
                found[entry.id] = entry
        return tuple(sorted(found.values(), key=lambda entry: (entry.ts, entry.id)))

    async def _positions(self) -> tuple[PositionReport, ...]:
        """Rows with a size, in hedge mode up to two for a symbol; spot has none. Asked by settle coin the venue leaves
        flat ones out by itself (bybit-v5 6.1)."""
        found: list[PositionReport] = []
        for category, filters in self._scopes():
            if category is Category.SPOT:
                continue
            rows_ = await rows(self._rest, "get_positions", PositionPage, limit=200, **filters)
            found += [position_report(row, category) for row in rows_]
        return tuple(report for report in found if report.size)

    def _scopes(self) -> list[tuple[Category, dict[str, str]]]:
        """Linear must be asked by settle coin; inverse settles in each base coin and is read whole (bybit-v5 5.5)."""
        scopes: list[tuple[Category, dict[str, str]]] = []
        for category in self._config.categories:
            if category is Category.LINEAR:
                coins = self._config.settle_coins
                scopes += [(category, {"category": category.value, "settleCoin": coin}) for coin in coins]
            else:
                scopes.append((category, {"category": category.value}))
        return scopes


def _name(command: LookUpOrder) -> dict[str, str]:
    if command.link_id:
        return {"orderLinkId": command.link_id}
    if command.order_id:
        return {"orderId": command.order_id}
    raise ReadFailed(0, "an order cannot be looked up without its link id or order id", again=False)


def _is_named(row: OrderRow, command: LookUpOrder) -> bool:
    """Whether a row is the order that was asked for, should the venue have ignored the filter."""
    return row.orderLinkId == command.link_id if command.link_id else row.orderId == command.order_id


def is_conclusive(asked_at_ms: int, sent_ms: int, recv_window_ms: int) -> bool:
    """Whether a request stamped ``sent_ms`` could no longer have been accepted when the venue was asked: past its
    window the gateway refuses it, and the margin covers the way from the gateway into the lists."""
    return asked_at_ms > sent_ms + recv_window_ms + LOOKUP_MARGIN_MS


def _reports(found: list[OrderRow], category: Category) -> list[OrderReport]:
    return [order_report(row, category) for row in found]


def _merge(*lists: list[OrderReport]) -> tuple[OrderReport, ...]:
    """One report per order: the furthest one, when two reads saw it at different moments. Oldest first."""
    best: dict[str, OrderReport] = {}
    for report in (report for reports in lists for report in reports):
        known = best.get(report.order_id)
        if known is None or _progress(report) > _progress(known):
            best[report.order_id] = report
    return tuple(sorted(best.values(), key=lambda report: (report.created, report.order_id)))


def _progress(report: OrderReport) -> tuple[Any, ...]:
    return (report.cum_qty, report.status.is_final, report.updated)


def _moment(row: Execution) -> tuple[int, str]:
    """Ties of the same millisecond come in arbitrary order (bybit-v5 5.7)."""
    return (row.ts, row.exec_id)
