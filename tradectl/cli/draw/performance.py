"""Metrics and profit as tables."""

from __future__ import annotations

from tradectl.cli.draw.lists import grid, pnl
from tradectl.cli.screen import Screen
from tradectl.cli.text import rounded

TYPE_CHECKING = False  # importing typing would cost a tenth of the quick path
if TYPE_CHECKING:
    from typing import Any

    Row = dict[str, Any]

_SHARES = frozenset(
    {"total_return", "annual_return", "volatility", "max_drawdown", "value_at_risk", "expected_shortfall", "best_day",
     "worst_day", "win_rate", "time", "mean", "most"}
)  # fmt: skip
_NAMES = {
    "annual_return": "annual return (CAGR)", "value_at_risk": "VaR 95 %", "expected_shortfall": "CVaR 95 %",
    "mean_holding_s": "holding time", "time": "time in the market", "mean": "mean exposure", "most": "most exposure",
    "turnover_yearly": "turnover per year", "won": "trades won", "lost": "trades lost",
}  # fmt: skip


def share(value: Any) -> str:
    """A fraction as per cent, ``-`` where there is none."""
    return "-" if value is None else f"{rounded(float(str(value)) * 100, 2)} %"


def holding_time(seconds: Any) -> str:
    if seconds is None:
        return "-"
    whole = int(float(str(seconds)))
    days, hours, minutes = whole // 86_400, whole // 3600 % 24, whole // 60 % 60
    return f"{days}d {hours}h" if days else f"{hours}h {minutes}m" if hours else f"{minutes}m {whole % 60}s"


def _figure(name: str, value: Any) -> str:
    if name in _SHARES:
        return share(value)
    return holding_time(value) if name == "mean_holding_s" else rounded(value, 4)


def _figures(title: str, values: Row) -> list[str]:
    lines = [title]
    for name, value in values.items():
        lines.append(f"  {_NAMES.get(name, name.replace('_', ' ')):<22} {_figure(name, value):>14}")
    return lines


def draw_metrics(screen: Screen, data: Row) -> str:
    """Returns and risk beside trades and exposure."""
    about = data["strategy"] or "account"
    span = f"{screen.clock.moment(data['since'], False)} to {screen.clock.moment(data['until'], False)}"
    left = _figures("RETURN AND RISK", data["returns"])
    right = [*_figures("TRADES (round trips)", data["trades"]), "", *_figures("EXPOSURE", data["exposure"])]
    rows = max(len(left), len(right))
    left += [""] * (rows - len(left))
    right += [""] * (rows - len(right))
    body = "\n".join(f"{a:<42}{b}".rstrip() for a, b in zip(left, right, strict=True))
    days = f"{data['days']} day{'' if data['days'] == 1 else 's'}"
    parts = [f"{about}, {days}, {span}", body, _fallen(data["drawdown"]), _profit(screen, data)]
    return "\n\n".join(part for part in parts if part)


def _fallen(fall: Row | None) -> str:
    if fall is None:
        return ""
    end = f"recovered {fall['recovered']}" if fall["recovered"] else "not recovered"
    days = f"{fall['days']} days, the longest drawdown {fall['longest_days']} days"
    return f"deepest drawdown {share(fall['depth'])}: {fall['peak']} to {fall['trough']}, {end} ({days})"


def _profit(screen: Screen, data: Row) -> str:
    it, coin = data["profit"], data["coin"]
    parts = f"price {rounded(it['price'], 4)} - slippage {rounded(it['slippage'], 4)} - fees {rounded(it['fees'], 4)}"
    open_ = f"   unrealised {pnl(screen, data['unrealised'])} {coin}"
    return f"realised net {pnl(screen, it['net'])} {coin} = {parts} - funding {rounded(it['funding'], 4)}{open_}"


def draw_profit(screen: Screen, data: Row) -> str:
    """One line for each group, and the total."""
    rows = [
        [
            it["key"],
            pnl(screen, it["net"]),
            rounded(it["price"], 4),
            rounded(it["slippage"], 4),
            rounded(it["fees"], 4),
            rounded(it["funding"], 4),
            rounded(it["volume"], 2),
            str(it["trades"]),
        ]
        for it in [*data["profits"], *([data["total"]] if data["profits"] else [])]
    ]
    heads = f"{data['by'].upper()}|NET {data['coin']}|PRICE|SLIPPAGE|FEES|FUNDING|VOLUME|TRADES"
    return grid(screen, heads, rows, "no trades")


def draw_allocation(screen: Screen, data: Row) -> str:
    """Shares with the capital they mean."""
    rows = [
        [it["strategy"], share(it["share"]), rounded(it["capital"], 2), share(it["configured"]), str(it["samples"])]
        for it in data["shares"]
    ]
    total = f"total {share(data['total'])} of {rounded(data['equity'], 2)} {data['coin']}"
    when = f", next rebalance {screen.clock.moment(data['next_rebalance'])}" if data["next_rebalance"] else ""
    parts = [
        data["text"], f"policy {data['policy']}: {total}{when}",
        grid(screen, "STRATEGY|SHARE|CAPITAL|SETTINGS|SAMPLES", rows, "no strategies"),
    ]  # fmt: skip
    return "\n".join(part for part in parts if part)
