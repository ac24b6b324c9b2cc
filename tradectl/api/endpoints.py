"""The endpoints: each reads the projection or asks the store; only orders and cancels reach the daemon."""

import asyncio

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from tradectl import __version__
from tradectl.api import shapes
from tradectl.api.config import ApiConfig
from tradectl.api.guard import AUTHENTICATED
from tradectl.api.links import DaemonLink, StoreLink
from tradectl.api.order_request import check_instrument, parse_order
from tradectl.api.projection import Projection
from tradectl.api.queries import DEFAULT_LIMIT, read_query
from tradectl.api.responses import answer, timestamp
from tradectl.model.errors import ErrorCode, Problem
from tradectl.model.instruments import Category
from tradectl.model.orders import OrderStatus
from tradectl.rpc.methods import ORDERS_CANCEL, ORDERS_HISTORY, ORDERS_PLACE, STORE_STATUS, TRADES_LIST, Placed
from tradectl.rpc.params import CancelOrders, History, Nothing

HISTORY_FILTERS = ("symbol", "category", "strategy", "since", "until", "limit", "cursor")
#: A placed order that ended at once without trading: what that is to the one who asked for it.
REFUSALS = {
    OrderStatus.REFUSED: ErrorCode.RISK_REFUSED,
    OrderStatus.REJECTED: ErrorCode.EXCHANGE_REJECTED,
    OrderStatus.LOST: ErrorCode.TIMEOUT,
}


class Endpoints:
    """The handlers and what they work with. ``default_category`` is meant where a request names none."""

    def __init__(
        self,
        config: ApiConfig,
        daemon: DaemonLink,
        store: StoreLink,
        projection: Projection,
        default_category: Category,
    ) -> None:
        self._config, self._daemon, self._store = config, daemon, store
        self._projection, self._default_category = projection, default_category

    async def portfolio(self, request: Request) -> Response:
        """``GET /api/portfolio``."""
        read_query(request, ())
        now = self._daemon.present()
        positions = [
            shapes.Position.of(row, now.tickers.get((row.category, row.symbol))) for row in now.net_positions()
        ]
        balances = {coin: shapes.Balance.of(row) for coin, row in sorted(now.balances.items())}
        return answer(shapes.PortfolioAnswer(balances, positions), as_of_seq=now.seq)

    async def orders(self, request: Request) -> Response:
        """``GET /api/orders``: the open ones from the projection, or all of history from the store."""
        query = read_query(request, ("status", *HISTORY_FILTERS))
        if query.pop("status", "open") == "all":
            return await self._order_history(query)
        for name in ("since", "until", "limit", "cursor"):
            if name in query:
                raise _only_history(name)
        now = self._daemon.present()
        rows = [row for row in now.open_orders() if all(getattr(row, name) == query[name] for name in query)]
        body = shapes.OrdersAnswer([shapes.Order.of(row) for row in rows], None, now.seq)
        return answer(body, as_of_seq=now.seq)

    async def _order_history(self, query: dict[str, object]) -> Response:
        found = await self._store.call(ORDERS_HISTORY, _history(query))
        orders = [shapes.Order.of(row) for row in found.orders]
        body = shapes.OrdersAnswer(orders, found.next_cursor or None, found.as_of_seq)
        return answer(body, as_of_seq=found.as_of_seq)

    async def order(self, request: Request) -> Response:
        """``GET /api/orders/{id}``."""
        read_query(request, ())
        now = self._daemon.present()
        body = shapes.OrderAnswer(shapes.Order.of(now.order(request.path_params["id"])), now.seq)
        return answer(body, as_of_seq=now.seq)

    async def place_order(self, request: Request) -> Response:
        """``POST /api/orders``."""
        read_query(request, ())
        order = parse_order(await read_body(request, self._config.body_limit, self._config.body_timeout))
        category = order.category or self._default_category
        check_instrument(order, self._daemon.present().instrument(order.symbol, category))
        placed = await self._daemon.call(ORDERS_PLACE, order.to_params(category))
        _raise_refusal(placed)
        return answer(shapes.PlacedAnswer.of(placed))

    async def cancel_order(self, request: Request) -> Response:
        """``DELETE /api/orders/{id}``."""
        read_query(request, ())
        order = self._daemon.present().order(request.path_params["id"])
        if order.status.is_final:
            raise _already_ended(order.id, order.status)
        done = await self._daemon.call(ORDERS_CANCEL, CancelOrders(id=order.id))
        return answer(shapes.CancelledAnswer(order.id, done.text, done.orders))

    async def trades(self, request: Request) -> Response:
        """``GET /api/trades``: from the store, newest first."""
        found = await self._store.call(TRADES_LIST, _history(read_query(request, HISTORY_FILTERS)))
        trades = [shapes.Trade.of(row) for row in found.trades]
        body = shapes.TradesAnswer(trades, found.next_cursor or None, found.as_of_seq)
        return answer(body, as_of_seq=found.as_of_seq)

    async def market_data(self, request: Request) -> Response:
        """``GET /api/market-data``: of one instrument, or of all the daemon follows."""
        query = read_query(request, ("symbol", "category"))
        now = self._daemon.present()
        if "symbol" in query:
            category = query.get("category", self._default_category)
            keys = [(now.instrument(query["symbol"], category).category, query["symbol"])]
        else:
            keys = sorted(key for key in now.tickers if query.get("category", key[0]) is key[0])
        rows = [shapes.MarketData.of(key, now.tickers.get(key), now.instruments.get(key)) for key in keys]
        return answer(shapes.MarketDataAnswer(rows, now.seq), as_of_seq=now.seq)

    async def health(self, request: Request) -> Response:
        """``GET /api/health``: open; details for a holder of the token. 503 while the daemon cannot be reached."""
        read_query(request, ())
        up = self._daemon.connected
        short = shapes.HealthAnswer("ok" if up else "unavailable")
        status = 200 if up else 503
        if not request.scope.get(AUTHENTICATED):
            return answer(short, status=status)
        return answer(self._health_details(short.status, await self._store_health()), status=status)

    async def _store_health(self) -> shapes.LinkHealth:
        try:
            await self._store.call(STORE_STATUS, Nothing())
        except Problem as problem:
            return shapes.LinkHealth(False, problem.reason)
        return shapes.LinkHealth(True, None)

    def _health_details(self, status: str, store: shapes.LinkHealth) -> shapes.HealthDetails:
        now, up = self._projection, self._daemon.connected
        reasons = [
            shapes.ReasonShown(row.code, row.level.value, row.clears, row.text, row.scope or None)
            for row in (now.reasons if up else ())
        ]
        return shapes.HealthDetails(
            status=status,
            version=__version__,
            mode=now.mode or None,
            profile=now.profile or None,
            run=now.run or None,
            state=now.state.value if up and now.state is not None else None,
            reasons=reasons,
            as_of_seq=now.seq if up else None,
            updated=timestamp(now.at) if up else None,
            daemon=shapes.LinkHealth(up, self._daemon.reason or None),
            store=store,
        )


async def read_body(request: Request, limit: int, seconds: float) -> bytes:
    """The whole body. Raises ``Problem``: TOO_LARGE past ``limit`` bytes, INVALID_REQUEST when it does not arrive."""
    declared = request.headers.get("content-length", "0")
    if declared.isdigit() and int(declared) > limit:
        raise _too_large(limit)
    body = bytearray()
    try:
        async with asyncio.timeout(seconds):
            async for chunk in request.stream():
                body += chunk
                if len(body) > limit:
                    raise _too_large(limit)
    except (TimeoutError, ClientDisconnect):
        reason = f"The body did not arrive within {seconds:g} s"
        raise Problem(ErrorCode.INVALID_REQUEST, "Incomplete request body", field="body", reason=reason) from None
    return bytes(body)


def _too_large(limit: int) -> Problem:
    return Problem(
        ErrorCode.TOO_LARGE,
        "The request body is too large",
        field="body",
        reason=f"Must be at most {limit} bytes",
        remedy="Send one order per request.",
    )


def _history(query: dict[str, object]) -> History:
    return msgspec.convert({"limit": DEFAULT_LIMIT, **query}, History)


def _only_history(name: str) -> Problem:
    return Problem(
        ErrorCode.INVALID_REQUEST,
        f"Invalid query: {name} needs status=all",
        field=name,
        reason="Open orders are answered whole",
        remedy=f"Leave {name} out, or add status=all.",
    )


def _already_ended(order_id: str, status: OrderStatus) -> Problem:
    return Problem(
        ErrorCode.CONFLICT,
        f"Order {order_id} already ended as {status.value}",
        field="id",
        reason=f"Order is {status.value}",
        remedy="There is nothing left to cancel.",
    )


def _raise_refusal(placed: Placed) -> None:
    """An order that risk or the venue turned down is an error here, however the daemon reports it."""
    order = placed.order
    code = REFUSALS.get(order.status) if order is not None else None
    if order is None or code is None:
        return
    failed = next((check for check in placed.checks if not check.ok), None)
    reason = order.reason or (failed.reason if failed else "") or order.status.value
    raise Problem(code, f"Order {order.id} was not taken", field=failed.name if failed else "order", reason=reason)
