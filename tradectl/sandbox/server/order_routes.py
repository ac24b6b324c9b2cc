"""``GET /v5/order/*`` and ``/v5/execution/list``: queries of orders and executions (bybit-v5 5.5-5.7)."""

from typing import Any

from tradectl.sandbox.memory.order_kinds import FILTERS
from tradectl.sandbox.server import params as wire
from tradectl.sandbox.server.calls import Call, Route
from tradectl.sandbox.server.envelope import Reply
from tradectl.sandbox.server.params import bad
from tradectl.sandbox.server.rows.executions import execution_row
from tradectl.sandbox.server.rows.orders import history_row, order_row

_EXEC_TYPES = (
    "Trade", "AdlTrade", "Funding", "BustTrade", "Delivery", "Settle", "BlockTrade", "MovePosition", "FutureSpread",
    "CorporateAction", "UNKNOWN",
)  # fmt: skip


def _filters(call: Call, category: str) -> dict[str, str]:
    """What narrows an order query; a symbol has to exist."""
    names = {"symbol": "symbol", "base_coin": "baseCoin", "settle_coin": "settleCoin", "order_id": "orderId"}
    filters = {ours: wire.text(call.params, theirs) for ours, theirs in names.items()}
    if filters["symbol"]:
        call.floor.views.find(category, filters["symbol"])
    return filters | {"link_id": wire.link_id(call.params)}


def _page(category: str, rows: list[dict[str, Any]], cursor: str) -> Reply:
    return Reply({"category": category, "nextPageCursor": cursor, "list": rows})


def _order_filter(call: Call) -> str:
    """The kind of orders asked for, ``""`` for every kind."""
    return wire.one_of(call.params, "orderFilter", FILTERS, default="")


def realtime(call: Call) -> Reply:
    category = wire.category(call.params)
    filters = _filters(call, category)
    if category == "linear" and not (filters["symbol"] or filters["base_coin"] or filters["settle_coin"]):
        raise bad("params error: symbol, baseCoin or settleCoin is required")
    open_only = wire.small_number(call.params, "openOnly")
    if open_only not in (0, 1, 2):
        raise bad(f"params error: openOnly invalid: {open_only}")
    limit, cursor = wire.limit(call.params, 20, 50), wire.cursor(call.params)
    orders, cursor = call.floor.venue.orders_open(
        call.uid,
        category,
        **filters,
        order_filter=_order_filter(call),
        open_only=min(open_only, 1),
        limit=limit,
        cursor=cursor,
    )
    views = call.floor.views
    return _page(category, [order_row(order, views.instrument(order.instrument)) for order in orders], cursor)


def history(call: Call) -> Reply:
    category = wire.category(call.params)
    filters = _filters(call, category)
    start, end = wire.window(call.params, call.venue_ms())
    limit, cursor = wire.limit(call.params, 20, 50), wire.cursor(call.params)
    status = wire.text(call.params, "orderStatus")
    orders, cursor = call.floor.venue.orders_history(
        call.uid,
        category,
        **filters,
        status=status,
        order_filter=_order_filter(call),
        start_ms=start,
        end_ms=end,
        limit=limit,
        cursor=cursor,
    )
    views = call.floor.views
    return _page(category, [history_row(order, views.instrument(order.instrument)) for order in orders], cursor)


def executions(call: Call) -> Reply:
    category = wire.category(call.params)
    filters = _filters(call, category)
    exec_type = wire.one_of(call.params, "execType", _EXEC_TYPES, default="")
    start, end = wire.window(call.params, call.venue_ms())
    limit, cursor = wire.limit(call.params, 50, 100), wire.cursor(call.params)
    fills, cursor = call.floor.venue.executions(
        call.uid, category, **filters, exec_type=exec_type, start_ms=start, end_ms=end, limit=limit, cursor=cursor
    )
    return _page(category, [execution_row(fill) for fill in fills], cursor)


ROUTES: dict[tuple[str, str], Route] = {
    ("GET", "order/realtime"): Route(realtime, "order/realtime"),
    ("GET", "order/history"): Route(history, "order/history"),
    ("GET", "execution/list"): Route(executions, "execution/list"),
}
