"""``/v5/position/*`` (bybit-v5 6)."""

from typing import Any

from tradectl.matching.records import Refused
from tradectl.sandbox.server import params as wire
from tradectl.sandbox.server.calls import Call, Route
from tradectl.sandbox.server.envelope import Reply
from tradectl.sandbox.server.params import bad
from tradectl.sandbox.server.rows.positions import closed_pnl_row
from tradectl.sandbox.server.trading_stop_requests import PartialStops, parse_trading_stop

_DERIVATIVES = ("linear", "inverse", "option")


def positions(call: Call) -> Reply:
    """By symbol also the flat row, in hedge mode both legs; by settle or base coin only what is not flat."""
    category = wire.category(call.params, _DERIVATIVES)
    symbol, settle, base = (wire.text(call.params, name) for name in ("symbol", "settleCoin", "baseCoin"))
    limit, cursor = wire.limit(call.params, 20, 200), wire.cursor(call.params)
    if category == "linear" and not (symbol or settle):
        raise bad("params error: symbol or settleCoin is required")
    views = call.floor.views
    held = views.positions(call.uid, views.find(category, symbol).id) if symbol else None
    rows = _held(call, category, settle, base) if held is None else held
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
            rows.append(views.position(call.uid, position.instrument, position.position_idx))
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
    """One symbol, or by ``coin`` every symbol without position and order; the symbol precedes the coin."""
    category = wire.category(call.params, ("linear", "inverse"))
    symbol, coin = wire.text(call.params, "symbol"), wire.text(call.params, "coin")
    if not symbol and not coin:
        raise bad("params error: symbol or coin is required")
    mode = wire.small_number(call.params, "mode", -1)
    if mode not in (0, 3):
        raise bad(f"params error: mode invalid: {mode}, 0 is one-way and 3 hedge")
    target = call.floor.views.find(category, symbol).id if symbol else coin
    if category == "inverse" and mode == 3:
        raise Refused(110029, "Hedge mode is not supported on inverse contracts")
    return Reply({}, happenings=call.floor.venue.switch_mode(call.uid, target, mode == 3))


def trading_stop(call: Call) -> Reply:
    """Full edits the stops of a whole position, Partial adds some for a part of it."""
    category = wire.category(call.params, ("linear", "inverse"))
    instrument = call.floor.views.find(category, wire.required(call.params, "symbol"))
    wanted = parse_trading_stop(instrument.id, call.params)
    venue = call.floor.venue
    if isinstance(wanted, PartialStops):
        happenings = venue.add_partial_stops(call.uid, wanted.instrument, wanted.position_idx, wanted.legs, wanted.size)
    else:
        happenings = venue.set_trading_stop(call.uid, wanted)
    return Reply({}, happenings=happenings)


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
