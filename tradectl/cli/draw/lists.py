"""Orders, positions, trades and portfolio as tables."""

from __future__ import annotations

from tradectl.cli.screen import Screen
from tradectl.cli.text import price, rounded, signed, table

TYPE_CHECKING = False  # importing typing would cost a tenth of the quick path
if TYPE_CHECKING:
    from typing import Any

    Row = dict[str, Any]
_RIGHT = frozenset(
    {"QTY", "PRICE", "FILLED", "AVG", "SIZE", "ENTRY", "MARK", "VALUE", "UNREALISED", "REALISED", "FEES", "FUNDING",
     "FEE", "FREE", "USED", "TOTAL", "EQUITY", "POSITION", "CAPITAL", "TRADES", "LEVERAGE", "TICK", "LOT", "MIN QTY",
     "MIN VALUE", "MAKER", "TAKER", "OPEN", "HIGH", "LOW", "CLOSE", "VOLUME", "LIMIT", "BID", "ASK", "BID SIZE",
     "ASK SIZE"}
)  # fmt: skip


def grid(screen: Screen, heads: str, rows: list[list[str]], none: str) -> str:
    """A table, or the sentence ``none`` when there are no rows. ``heads`` are separated by ``|``."""
    names = heads.split("|")
    return table(names, rows, screen.paint, _RIGHT) if rows else none


def pnl(screen: Screen, value: Any, places: int = 4) -> str:
    return screen.paint.amount(signed(value, places))


def draw_orders(screen: Screen, data: Row) -> str:
    working = data.get("algorithms", [])
    parts = [algorithms_table(screen, working)] if working else []
    return "\n\n".join([*parts, orders_table(screen, data["orders"])])


def algorithms_table(screen: Screen, algorithms: list[Row]) -> str:
    rows = [
        [
            it["id"],
            it["kind"],
            it["category"],
            it["symbol"],
            screen.paint(it["side"], "green" if it["side"] == "Buy" else "red") if it["side"] else "both",
            rounded(it["qty"]),
            rounded(it["filled"]),
            it["status"],
            it["strategy"],
            it["note"],
        ]
        for it in algorithms
    ]
    return grid(screen, "ALGORITHM|KIND|CATEGORY|SYMBOL|SIDE|QTY|FILLED|STATUS|STRATEGY|NOW", rows, "no algorithms")


def _kind(order: Row) -> str:
    """``Market``, ``Limit reduce``, ``StopLoss Market``."""
    marks = [order.get("stop_type") or "", order["type"], "reduce" if order["reduce_only"] else ""]
    return " ".join(mark for mark in marks if mark)


def _stops(order: Row) -> str:
    """What it waits for and what is attached to it: ``@ 61000  SL 59000  TP 65000``."""
    named = (("@", "trigger_price"), ("SL", "stop_loss"), ("TP", "take_profit"))
    return "  ".join(f"{name} {rounded(order[key])}" for name, key in named if order.get(key) is not None)


def orders_table(screen: Screen, orders: list[Row]) -> str:
    rows = [
        [
            screen.clock.moment(order["created"]),
            order["id"],
            order["category"],
            order["symbol"],
            screen.paint(order["side"], "green" if order["side"] == "Buy" else "red"),
            _kind(order),
            rounded(order["qty"]),
            rounded(order["price"]),
            rounded(order["filled"]),
            rounded(order["avg_price"]),
            _stops(order),
            order["status"],
            order["strategy"],
        ]
        for order in orders
    ]
    heads = "CREATED|ID|CATEGORY|SYMBOL|SIDE|TYPE|QTY|PRICE|FILLED|AVG|STOPS|STATUS|STRATEGY"
    return grid(screen, heads, rows, "no orders")


def draw_positions(screen: Screen, data: Row) -> str:
    return positions_table(screen, data["positions"])


def positions_table(screen: Screen, positions: list[Row]) -> str:
    rows = [
        [
            position["category"],
            position["symbol"],
            position["strategy"] or "(net)",
            rounded(position["size"]),
            price(position["entry_price"]),
            price(position["mark_price"]),
            rounded(position["value"], 2),
            pnl(screen, position["unrealised"]),
            pnl(screen, position["realised"]),
            rounded(position["fees"], 4),
            signed(position["funding"], 4),
        ]
        for position in positions
    ]
    heads = "CATEGORY|SYMBOL|BOOK|SIZE|ENTRY|MARK|VALUE|UNREALISED|REALISED|FEES|FUNDING"
    return grid(screen, heads, rows, "no positions")


def draw_trades(screen: Screen, data: Row) -> str:
    more = f"\nmore: --cursor {data['next_cursor']}" if data.get("next_cursor") else ""
    return trades_table(screen, data["trades"]) + more


def trades_table(screen: Screen, trades: list[Row]) -> str:
    rows = [
        [
            screen.clock.moment(trade["at"]),
            trade["category"],
            trade["symbol"],
            screen.paint(trade["side"], "green" if trade["side"] == "Buy" else "red"),
            trade["type"],
            rounded(trade["qty"]),
            rounded(trade["price"]),
            rounded(trade["value"], 4),
            f"{rounded(trade['fee'])} {trade['fee_coin']}",
            pnl(screen, trade["realised"]),
            rounded(trade["position"]),
            trade["strategy"],
            trade["id"],
        ]
        for trade in trades
    ]
    heads = "TIME|CATEGORY|SYMBOL|SIDE|TYPE|QTY|PRICE|VALUE|FEE|REALISED|POSITION|STRATEGY|ID"
    return grid(screen, heads, rows, "no trades")


def strategies_table(screen: Screen, strategies: list[Row]) -> str:
    styles = {"active": "green", "stopped": "red", "warming": "yellow"}
    rows = [
        [
            it["name"],
            it["class"],
            screen.paint(it["status"], styles.get(it["status"], "")),
            ",".join(it["symbols"]),
            rounded(it["capital"], 2),
            rounded(it["equity"], 4),
            pnl(screen, it["realised"]),
            pnl(screen, it["unrealised"]),
            rounded(it["fees"], 4),
            str(it["trades"]),
            it["reason"],
        ]
        for it in strategies
    ]
    heads = "STRATEGY|CLASS|STATUS|SYMBOLS|CAPITAL|EQUITY|REALISED|UNREALISED|FEES|TRADES|REASON"
    return grid(screen, heads, rows, "no strategies")


def draw_portfolio(screen: Screen, data: Row) -> str:
    coin = data["coin"]
    balances = [[it["coin"], rounded(it["free"]), rounded(it["used"]), rounded(it["total"])] for it in data["balances"]]
    parts = [
        f"equity {rounded(data['equity'], 4)} {coin}   cash {rounded(data['cash'], 4)}   "
        f"unrealised {pnl(screen, data['unrealised'])}   realised {pnl(screen, data['realised'])}   "
        f"fees {rounded(data['fees'], 4)}   funding {signed(data['funding'], 4)}   "
        f"margin {rounded(data['margin_used'], 2)}",
        grid(screen, "COIN|FREE|USED|TOTAL", balances, "no balances"),
        positions_table(screen, data["positions"]),
        strategies_table(screen, data["strategies"]),
    ]
    return "\n\n".join(parts)
