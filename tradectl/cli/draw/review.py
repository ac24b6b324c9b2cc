"""The review of an account as tables."""

from __future__ import annotations

from tradectl.cli.draw.backtest import plain_table
from tradectl.cli.draw.lists import pnl
from tradectl.cli.draw.performance import holding_time, share
from tradectl.cli.screen import Screen
from tradectl.cli.text import plain, rounded, table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Row = dict[str, Any]

_AGAINST = {
    "trigger": "stops, against their trigger", "mark": "takers, against the mark price",
    "candle": "takers, against the middle of the minute", "maker": "makers: their own price",
    "forced": "liquidations", "nothing": "takers without anything to compare with",
}  # fmt: skip
_STOPS = {"seen": "had a stop", "none": "had no stop", "no trace": "no trace of one (Bybit forgets after 24 h)"}


def review_table(screen: Screen, data: Row) -> str:
    """Where the money went: the sum first, then each cost, then habits, then what the statement says."""
    parts = [
        _head(screen, data), _money(screen, data), _symbols(screen, data), _costs(data), _maker(screen, data["maker"]),
        _stops(screen, data), _habits(screen, data), _losers(screen, data), _statement(data), _notes(screen, data),
    ]  # fmt: skip
    return "\n\n".join(part for part in parts if part)


def _head(screen: Screen, data: Row) -> str:
    clock, it = screen.clock, data["trades"]
    return (
        f"review ({data['mode']}), {clock.moment(data['since'], False)} to {clock.moment(data['until'], False)} "
        f"{clock.zone}\n{it['trades']} trades, {data['open']} open, {share(it['win_rate'])} won, held "
        f"{holding_time(it['mean_holding_s'])} on average; wallet {share(data['returns']['total_return'])}"
    )


def _money(screen: Screen, data: Row) -> str:
    it = data["profit"]
    rows = [
        ["price moves", pnl(screen, it["price"], 2)], ["slippage", pnl(screen, _lost(it["slippage"]), 2)],
        ["fees", pnl(screen, _lost(it["fees"]), 2)], ["funding", pnl(screen, _lost(it["funding"]), 2)],
        ["net", pnl(screen, it["net"], 2)],
    ]  # fmt: skip
    return _named(screen, f"WHERE IT WENT|{data['coin']}", rows)


def _lost(value: Any) -> str:
    """The amount with its sign turned: a cost is what went away."""
    text = plain(value)
    return text if text == "0" else text[1:] if text.startswith("-") else f"-{text}"


def _named(screen: Screen, heads: str, rows: list[list[str]]) -> str:
    names = heads.split("|")
    return table(names, rows, screen.paint, frozenset(names[1:])) if rows else ""


def _symbols(screen: Screen, data: Row) -> str:
    rows = [
        [it["instrument"], pnl(screen, it["profit"]["net"], 2), str(it["trades"]["trades"]),
         share(it["trades"]["win_rate"]), rounded(it["profit"]["fees"], 2), rounded(it["profit"]["funding"], 2),
         rounded(it["profit"]["slippage"], 2)]
        for it in data["per_symbol"]
    ]  # fmt: skip
    return plain_table(screen, f"SYMBOL|NET {data['coin']}|TRADES|WIN RATE|FEES|FUNDING|SLIPPAGE", rows)


def _costs(data: Row) -> str:
    fees, paid = data["fees"], data["funding"]
    lines = [
        f"fees: {rounded(fees['taker'], 2)} as taker on {rounded(fees['taker_volume'], 0)}, "
        f"{rounded(fees['maker'], 2)} as maker on {rounded(fees['maker_volume'], 0)}",
        f"funding: {rounded(paid['paid'], 2)} paid, {rounded(paid['received'], 2)} received",
    ]
    if fees["share_of_gross"] is not None:
        lines[0] += f"; {share(fees['share_of_gross'])} of what the trades made"
    for row in data["slippage"]:
        cost = "" if row["share"] is None else f", {rounded(row['slippage'], 2)} lost ({share(row['share'])})"
        lines.append(f"slippage: {_AGAINST[row['against']]}: {row['fills']} fills{cost}")
    if data["forced"]["fills"]:
        lines.append(f"liquidated: {data['forced']['fills']} fills, {rounded(data['forced']['realised'], 2)} realised")
    return "\n".join(lines)


def _maker(screen: Screen, it: Row) -> str:
    if not it["orders"]:
        return ""
    judged = it["would"] + it["would_not"]
    if not judged:
        return f"missed maker fills: none of {it['orders']} taker orders could be judged"
    return (
        f"missed maker fills: {it['would']} of {judged} taker orders would have filled at rest within {it['minutes']} "
        f"minutes\n  saved {rounded(it['saved_fees'], 2)} of fees and {rounded(it['saved_spread'], 2)} of spread; the "
        f"others would have cost {rounded(it['chase'], 2)}; net {pnl(screen, it['net'], 2)}"
        + (f"\n  {it['unmeasured']} orders could not be judged" if it["unmeasured"] else "")
    )


def _stops(screen: Screen, data: Row) -> str:
    rows = [
        [_STOPS[it["stop"]], str(it["trades"]), share(it["win_rate"]), pnl(screen, it["pnl"], 2),
         pnl(screen, it["worst"], 2)]
        for it in data["stops"] if it["trades"]
    ]  # fmt: skip
    return _named(screen, "TRADES THAT|TRADES|WIN RATE|NET|WORST", rows)


def _habits(screen: Screen, data: Row) -> str:
    it = data["days"]
    named = [(row["held"], row) for row in data["holding"]]
    named += [("begun within 10 minutes of a loss", data["after_loss"]), ("begun otherwise", data["other"])]
    if it["busy_days"]:
        named.append((f"on {it['busy_days']} busy days (over {2 * it['usual']} trades)", it["busy"]))
        named.append(("on other days", it["calm"]))
    rows = [
        [name, str(row["trades"]), share(row["win_rate"]), pnl(screen, row["pnl"], 2), rounded(row["fees"], 2)]
        for name, row in named if row["trades"]
    ]  # fmt: skip
    return _named(screen, "HELD OR BEGUN|TRADES|WIN RATE|NET|FEES", rows)


def _losers(screen: Screen, data: Row) -> str:
    rows = [
        [screen.clock.moment(it["began"], False), it["instrument"], it["side"],
         holding_time((it["ended"] - it["began"]) // 10**9) if it["ended"] else "open", pnl(screen, it["pnl"], 2),
         it["stop"]]
        for it in data["losers"][:5]
    ]  # fmt: skip
    return (
        table(["WORST SINCE", "SYMBOL", "SIDE", "HELD", "NET", "STOP"], rows, screen.paint, frozenset({"NET"}))
        if rows
        else ""
    )


def _statement(data: Row) -> str:
    lines = []
    for it in data["coins"]:
        others = "".join(f" {name.lower()} {rounded(value)}" for name, value in it["other"].items())
        lines.append(
            f"{it['coin']}: {rounded(it['opening'])} + realised {rounded(it['realised'])} + spot {rounded(it['spot'])} "
            f"- fees {rounded(it['fees'])} + funding {rounded(it['funding'])} + transfers {rounded(it['transfers'])}"
            f"{others} + unexplained {rounded(it['unexplained'])} = {rounded(it['closing'])}"
        )
    found = data["matched"]
    said = (
        "agree to the last digit"
        if found["whole"]
        else (
            f"differ: {found['without_row']} executions without a row, {found['rows_without_execution']} rows without "
            f"an execution, fees {found['fees']}, funding {found['funding']}"
        )
    )
    return "\n".join([*lines, f"{found['executions']} executions and the statement {said}"])


def _notes(screen: Screen, data: Row) -> str:
    return "\n".join(screen.paint("note", "yellow") + f": {text}" for text in data["notes"])
