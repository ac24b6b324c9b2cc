"""``/v5/position/*`` (bybit-v5 6)."""

from typing import Any

from tradectl.matching.records import Refused
from tradectl.sandbox.server import params as wire
from tradectl.sandbox.server.calls import Call, Route
from tradectl.sandbox.server.envelope import Reply
from tradectl.sandbox.server.params import bad
from tradectl.sandbox.server.rows.positions import closed_pnl_row

_DERIVATIVES = ("linear", "inverse", "option")


def positions(call: Call) -> Reply:
    """By symbol also the flat row; by settle or base coin only what is not flat."""
    category = wire.category(call.params, _DERIVATIVES)
    symbol, settle, base = (wire.text(call.params, name) for name in ("symbol", "settleCoin", "baseCoin"))
    limit, cursor = wire.limit(call.params, 20, 200), wire.cursor(call.params)
    if category == "linear" and not (symbol or settle):
        raise bad("params error: symbol or settleCoin is required")
    views = call.floor.views
    if symbol:
        rows = [views.position(call.uid, views.find(category, symbol).id)]
    else:
        rows = _held(call, category, settle, base)
    start = _offset(cursor)
    following = str(start + limit) if len(rows) > start + limit else ""
    return Reply({"category": category, "nextPageCursor": following, "list": rows[start : start + limit]})


def _held(call: Call, category: str, settle: str, base: str) -> list[dict[str, Any]]:
    views = call.floor.views
    rows = []
    for position in call.floor.venue.exchange.positions(call.uid):
        instrument = views.instrument(position.instrument)
        if position.instrument.category.value != category:
            continue
        if settle in ("", instrument.settle_coin) and base in ("", instrument.base_coin):
            rows.append(views.position(call.uid, position.instrument))
    return rows


def _offset(cursor: str) -> int:
    if not cursor:
        return 0
    if not cursor.isascii() or not cursor.isdecimal() or len(cursor) > 9:
        raise bad("params error: cursor invalid")
    return int(cursor)


def set_leverage(call: Call) -> Reply:
    category = wire.category(call.params, ("linear", "inverse"))
    instrument = call.floor.views.find(category, wire.required(call.params, "symbol"))
    buy, sell = (wire.amount(call.params, name) for name in ("buyLeverage", "sellLeverage"))
    if buy is None or sell is None:
        raise bad("params error: buyLeverage and sellLeverage are required")
    if buy != sell:
        raise bad("params error: buyLeverage must equal sellLeverage")
    return Reply({}, happenings=call.floor.venue.set_leverage(call.uid, instrument.id, buy))


def switch_mode(call: Call) -> Reply:
    """One-way is the only mode here: switching to it changes nothing, hedge mode is not supported."""
    wire.category(call.params, ("linear", "inverse"))
    if not wire.text(call.params, "symbol") and not wire.text(call.params, "coin"):
        raise bad("params error: symbol or coin is required")
    mode = wire.small_number(call.params, "mode", -1)
    if mode == 0:
        raise Refused(110025, "Position mode is not modified")
    if mode == 3:
        raise Refused(110029, "Hedge mode is not supported by this sandbox")
    raise bad(f"params error: mode invalid: {mode}")


def trading_stop(call: Call) -> Reply:
    """Stops on positions are not offered: removing none is "not modified", setting one is refused by name."""
    category = wire.category(call.params, ("linear", "inverse"))
    instrument = call.floor.views.find(category, wire.required(call.params, "symbol"))
    wire.one_of(call.params, "tpslMode", ("Full", "Partial"))
    if wire.small_number(call.params, "positionIdx") != 0:
        raise bad("position idx not match position mode")
    if call.floor.venue.exchange.position(call.uid, instrument.id).size == 0:
        raise bad("can not set tp/sl/ts for zero position")
    for name in ("takeProfit", "stopLoss", "trailingStop"):
        if wire.amount(call.params, name):
            raise bad(f"params error: {name} is not offered by this sandbox")
    raise Refused(34040, "not modified")


def closed_pnl(call: Call) -> Reply:
    category = wire.category(call.params, ("linear", "inverse"))
    symbol = wire.text(call.params, "symbol")
    if symbol:
        call.floor.views.find(category, symbol)
    start, end = wire.window(call.params, call.venue_ms())
    limit, cursor = wire.limit(call.params, 50, 100), wire.cursor(call.params)
    rows, cursor = call.floor.venue.closed_pnl(
        call.uid, category, symbol=symbol, start_ms=start, end_ms=end, limit=limit, cursor=cursor
    )
    return Reply({"category": category, "nextPageCursor": cursor, "list": [closed_pnl_row(row) for row in rows]})


ROUTES: dict[tuple[str, str], Route] = {
    ("GET", "position/list"): Route(positions, "position/list"),
    ("GET", "position/closed-pnl"): Route(closed_pnl, "position/closed-pnl"),
    ("POST", "position/set-leverage"): Route(set_leverage, "position/set-leverage", writes=True),
    ("POST", "position/switch-mode"): Route(switch_mode, "position/switch-mode", writes=True),
    ("POST", "position/trading-stop"): Route(trading_stop, "position/trading-stop", writes=True),
}
