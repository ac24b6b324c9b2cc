"""A backtest's figures as tables."""

from __future__ import annotations

from tradectl.cli.draw.lists import pnl
from tradectl.cli.draw.performance import holding_time, share
from tradectl.cli.screen import Screen
from tradectl.cli.text import rounded, table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Row = dict[str, Any]

LEFT = 46
_FIRST = frozenset({"STRATEGY", "SYMBOL", "HELD", "RUN", "KIND", "MADE", "FIGURE", "DIFFERENT"})


def backtest_table(screen: Screen, data: Row) -> str:
    """The figures of ``report.figures.summary``: risk beside trades, then the comparisons, then what was assumed."""
    parts = [
        _head(screen, data), _body(screen, data), _fallen(data["drawdown"]), _profit(screen, data),
        _held(screen, data), _strategies(screen, data), _symbols(screen, data), _notes(screen, data),
    ]  # fmt: skip
    return "\n\n".join(part for part in parts if part)


def parameters(strategy: Row) -> str:
    """``trend: ema_cross fast=12 slow=26``."""
    name = "" if strategy["name"] == strategy["class"] else f"{strategy['name']}: "
    return " ".join([name + strategy["class"], *(f"{key}={value}" for key, value in strategy["params"].items())])


def _head(screen: Screen, data: Row) -> str:
    clock = screen.clock
    ended = data["ended"] if data["interrupted"] else data["until"]
    lines = [parameters(it) for it in data["strategies"]]
    lines.append(
        f"{', '.join(data['instruments'])} {data['interval']}, {clock.moment(data['since'], False)} to "
        f"{clock.moment(ended, False)} {clock.zone}, {data['candles']} candles"
    )
    if data["interrupted"]:
        lines.append(screen.paint(f"interrupted: asked for until {clock.moment(data['until'], False)}", "yellow"))
    return "\n".join(lines)


def _lines(title: str, rows: list[tuple[str, str]]) -> list[str]:
    return [title, *(f"  {name:<20} {value:>18}" for name, value in rows)]


def _body(screen: Screen, data: Row) -> str:
    it, trades, busy, coin = data["returns"], data["trades"], data["exposure"], data["coin"]
    left = _lines("RETURN AND RISK", [
        ("equity", f"{rounded(data['final_equity'], 2)} {coin}"), ("return", share(it["total_return"])),
        ("annual (CAGR)", share(it["annual_return"])), ("volatility", share(it["volatility"])),
        ("Sharpe", rounded(it["sharpe"], 2)), ("Sortino", rounded(it["sortino"], 2)),
        ("Calmar", rounded(it["calmar"], 2)), ("max drawdown", share(it["max_drawdown"])),
        ("best / worst day", f"{share(it['best_day'])} / {share(it['worst_day'])}"),
        ("VaR / CVaR 95 %", f"{share(it['value_at_risk'])} / {share(it['expected_shortfall'])}"),
    ])  # fmt: skip
    right = _lines("TRADES (round trips)", [
        ("trades", f"{trades['trades']}"), ("win rate", share(trades["win_rate"])),
        ("profit factor", rounded(trades["profit_factor"], 2)), ("payoff", rounded(trades["payoff"], 2)),
        ("expectancy", f"{rounded(trades['expectancy'], 4)} {coin}"),
        ("best / worst", f"{rounded(trades['best'], 2)} / {rounded(trades['worst'], 2)}"),
        ("holding time", holding_time(trades["mean_holding_s"])), ("time in the market", share(busy["time"])),
        ("mean / most exposure", f"{share(busy['mean'])} / {share(busy['most'])}"),
        ("turnover per year", rounded(busy["turnover_yearly"], 2)),
    ])  # fmt: skip
    return "\n".join(f"{a:<{LEFT}}{b}".rstrip() for a, b in zip(left, right, strict=True))


def _fallen(fall: Row | None) -> str:
    if fall is None:
        return ""
    end = f"recovered {fall['recovered']}" if fall["recovered"] else "not recovered"
    return (
        f"deepest drawdown {share(fall['depth'])}: {fall['peak']} to {fall['trough']}, {end} "
        f"({fall['days']} days, the longest {fall['longest_days']} days)"
    )


def _profit(screen: Screen, data: Row) -> str:
    it, coin = data["profit"], data["coin"]
    return (
        f"change {pnl(screen, it['change'], 2)} {coin} = price {rounded(it['price'], 2)} - slippage "
        f"{rounded(it['slippage'], 2)} - fees {rounded(it['fees'], 2)} - funding {rounded(it['funding'], 2)} "
        f"+ open {rounded(it['unrealised'], 2)}"
    )


def plain_table(screen: Screen, heads: str, rows: list[list[str]]) -> str:
    """A table whose columns are numbers, but for those that name things; nothing without rows."""
    names = heads.split("|")
    return table(names, rows, screen.paint, frozenset(names) - _FIRST) if rows else ""


def _held(screen: Screen, data: Row) -> str:
    own = {"instrument": "this backtest", **data["returns"]}
    rows = [
        [it["instrument"] or "all, equal parts", *(share(it[name]) for name in ("total_return", "annual_return")),
         rounded(it["sharpe"], 2), share(it["max_drawdown"])]
        for it in ([own, *data["buy_and_hold"]] if data["buy_and_hold"] else [])
        if len(data["buy_and_hold"]) != 2 or it["instrument"]
    ]  # fmt: skip
    return plain_table(screen, "HELD|RETURN|ANNUAL|SHARPE|MAX DRAWDOWN", rows)


def _strategies(screen: Screen, data: Row) -> str:
    if len(data["per_strategy"]) < 2:
        return ""
    rows = [
        [it["name"], pnl(screen, it["profit"]["net"], 2), *_trades(it["trades"]),
         rounded(it["returns"]["sharpe"], 2), share(it["returns"]["max_drawdown"])]
        for it in data["per_strategy"]
    ]  # fmt: skip
    return plain_table(screen, f"STRATEGY|NET {data['coin']}|TRADES|WIN RATE|PROFIT FACTOR|SHARPE|MAX DRAWDOWN", rows)


def _symbols(screen: Screen, data: Row) -> str:
    rows = [
        [it["instrument"], pnl(screen, it["profit"]["net"], 2), *_trades(it["trades"]),
         rounded(it["profit"]["fees"], 2), rounded(it["profit"]["funding"], 2)]
        for it in (data["per_symbol"] if len(data["per_symbol"]) > 1 else [])
    ]  # fmt: skip
    return plain_table(screen, f"SYMBOL|NET {data['coin']}|TRADES|WIN RATE|PROFIT FACTOR|FEES|FUNDING", rows)


def _trades(it: Row) -> list[str]:
    return [str(it["trades"]), share(it["win_rate"]), rounded(it["profit_factor"], 2)]


def _notes(screen: Screen, data: Row) -> str:
    lines = [screen.paint(f"{name} stopped: {why}", "red") for name, why in data["stopped"].items()]
    lines += [f"refused by {check}: {count}" for check, count in sorted(data["refused"].items())]
    lines += [screen.paint(f"{count} candles missing in {name}", "yellow") for name, count in data["missing"].items()]
    lines += [screen.paint("warning", "yellow") + f": {it['text']}" for it in data["warnings"]]
    lines += [f"model: {text}" for text in data["models"].values()]
    engine = f"   engine {data['engine']}" if "engine" in data else ""
    return "\n".join([*lines, f"data {data['data_fingerprint'][:16]}   code {data['code']}{engine}"])
