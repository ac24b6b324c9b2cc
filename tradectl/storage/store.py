"""The store: projects the journals of a state directory and answers history queries on a socket of its own."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from tradectl.model.errors import ErrorCode, Problem
from tradectl.rpc import methods, params, rows
from tradectl.rpc.server import Handler, Peer, RpcServer
from tradectl.storage.config import StoreConfig, database_url
from tradectl.storage.database import open_database, without_password
from tradectl.storage.explain import Explainer
from tradectl.storage.measured import Measured
from tradectl.storage.projection import Projection
from tradectl.storage.queries import HistoryFilter, Queries, Stored
from tradectl.storage.story import stretches, told

T = TypeVar("T")
#: How long (seconds) a question about history waits for a store that is still making its tables.
BEGIN_WAIT = 5.0


class Store:
    """Everything of the process but its arguments and signals. ``state`` holds runs under ``journal/RUN``."""

    def __init__(self, state: Path, socket: Path, config: StoreConfig) -> None:
        url = database_url(state, config.database)
        self._shown_url = without_password(url)
        # Two pools: a slow query takes no connection from the projection, and is not cut off when that reconnects.
        self._writing, self._reading = open_database(url), open_database(url)
        self._projection = Projection(state / "journal", self._writing, config)
        self._queries = Queries(self._reading)
        self._explainer = Explainer(self._reading)
        self._measured = Measured(self._reading)
        self._server = RpcServer(socket, self._handlers())
        self._started = time.time_ns()

    async def start(self) -> None:
        """Listen, then begin to project. Raises ``Problem`` when the socket cannot be had."""
        await self._server.start()
        self._projection.start()

    async def stop(self) -> None:
        """Stop listening and commit what was taken in."""
        await self._server.close()
        await asyncio.to_thread(self._projection.stop)
        self._writing.dispose()
        self._reading.dispose()

    def _handlers(self) -> dict[str, Handler]:
        answers: dict[methods.Method[Any, Any], Callable[[Any], Any]] = {
            methods.TRADES_LIST: self._trades,
            methods.TRADES_SHOW: self._trade,
            methods.ORDERS_HISTORY: self._orders,
            methods.DECISIONS_LIST: self._decisions,
            methods.EQUITY_LIST: self._equity,
            methods.WHY: self._why,
            methods.QUIET: self._quiet,
            methods.PORTFOLIO_METRICS: self._measured.metrics,
            methods.PORTFOLIO_PNL: self._measured.profit,
            methods.STORE_STATUS: self._status,
        }
        return {method.name: Handler.of(method, self._in_thread(method, answer)) for method, answer in answers.items()}

    def _in_thread(
        self, method: methods.Method[Any, Any], answer: Callable[[Any], Any]
    ) -> Callable[[Any, Peer], Awaitable[Any]]:
        """Queries block: they run in threads, and a failing database is said to be one.

        A store that has just begun is asked before its tables are there: history waits for them, the status does not.
        """

        def guarded(asked: Any) -> Any:
            if method is not methods.STORE_STATUS:
                self._projection.ready.wait(BEGIN_WAIT)
            try:
                return answer(asked)
            except SQLAlchemyError as error:
                raise Problem(
                    ErrorCode.NOT_READY,
                    "the database does not answer",
                    field="store.database",
                    reason=_reason(error),
                    remedy="Is it running? Nothing is lost: the journal keeps everything until it is back",
                ) from error

        async def handle(asked: Any, peer: Peer) -> Any:
            return await asyncio.to_thread(guarded, asked)

        return handle

    def _trades(self, asked: params.History) -> methods.TradeList:
        seq, page = self._projection.as_of, self._queries.trades(_filter(asked))
        return methods.TradeList(tuple(rows.TradeRow.of(row.record) for row in page.rows), seq, page.next_cursor)

    def _orders(self, asked: params.History) -> methods.OrderList:
        seq, page = self._projection.as_of, self._queries.orders(_filter(asked))
        return methods.OrderList(tuple(rows.OrderRow.of(row.record) for row in page.rows), seq, page.next_cursor)

    def _decisions(self, asked: params.History) -> methods.DecisionList:
        seq, page = self._projection.as_of, self._queries.decisions(_filter(asked))
        found = tuple(rows.DecisionRow.of(row.record, row.run) for row in page.rows)
        return methods.DecisionList(found, seq, page.next_cursor)

    def _equity(self, asked: params.History) -> methods.EquityList:
        seq, page = self._projection.as_of, self._queries.equity(_filter(asked))
        found = (row.record for row in page.rows)
        marks = tuple(rows.EquityRow(it.at, it.strategy, it.equity, it.cash, it.unrealised) for it in found)
        return methods.EquityList(marks, seq, page.next_cursor)

    def _trade(self, asked: params.TradeId) -> methods.TradeDetail:
        found = self._queries.trade(asked.id)
        booked = found.record
        order = self._queries.order(booked.execution.link_id or booked.execution.order_id)
        decision = self._queries.decision(found.run, booked.decision) if booked.decision else None
        return methods.TradeDetail(
            rows.TradeRow.of(booked),
            _record(order, rows.OrderRow.of),
            rows.DecisionRow.of(decision.record, decision.run) if decision else None,
        )

    def _why(self, asked: params.OrderId) -> methods.Explanation:
        chain = self._explainer.chain(asked.id)
        return methods.Explanation(
            chain.subject, chain.run, told(chain),
            rows.DecisionRow.of(chain.decision, chain.run) if chain.decision else None,
            tuple(rows.OrderRow.of(order) for order in chain.orders),
            tuple(rows.TradeRow.of(booked) for booked in chain.executions),
            rows.AlgorithmRow.of(chain.algorithm) if chain.algorithm else None,
        )  # fmt: skip

    def _quiet(self, asked: params.QuietSince) -> methods.Quiet:
        refused = tuple(rows.DecisionRow.of(made, "") for made in self._explainer.refusals(asked.symbol, asked.since))
        return methods.Quiet(asked.symbol, asked.since, refused, stretches(self._explainer.restrictions(asked.since)))

    def _status(self, asked: params.Nothing) -> methods.StoreStatus:
        progress = self._projection.progress()
        try:
            counts, error = self._queries.counts(), progress.error
        except SQLAlchemyError as failure:
            counts, error = {}, progress.error or _reason(failure)
        return methods.StoreStatus(
            database=self._shown_url,
            run=progress.run,
            seq=progress.seq,
            lag=progress.lag,
            rows=counts,
            started=self._started,
            error=error,
            schema=self._projection.schema,
        )


def _filter(asked: params.History) -> HistoryFilter:
    return HistoryFilter(
        symbol=asked.symbol,
        category=asked.category.value if asked.category else "",
        strategy=asked.strategy,
        since=asked.since,
        until=asked.until,
        limit=asked.limit,
        cursor=asked.cursor,
    )


def _record(found: Stored[T] | None, row: Callable[[T], Any]) -> Any:
    return row(found.record) if found else None


def _reason(error: SQLAlchemyError) -> str:
    return str(error.orig) if isinstance(error, DBAPIError) else str(error)
