"""A sweep as a table: the best rows, how many there were, and what so many tries leave of the best."""

from __future__ import annotations

from tradectl.cli.draw.performance import share
from tradectl.cli.screen import Screen
from tradectl.cli.text import rounded, table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Row = dict[str, Any]

#: Rows shown; ``--json`` has all.
SHOWN = 20
SHARES = ("total_return", "max_drawdown", "win_rate")
FIGURES = ("sharpe", "total_return", "max_drawdown", "trades", "win_rate", "profit_factor", "fees", "funding")


def sweep_table(screen: Screen, data: Row) -> str:
    """Everything but the rows that are not among the best."""
    parts = [_head(screen, data), _rows(screen, data), _honest(data)]
    parts.append("\n".join(screen.paint(f"note: {it}", "yellow") for it in data["warnings"]))
    return "\n\n".join(part for part in parts if part)


def _head(screen: Screen, data: Row) -> str:
    lines = [
        f"{data['strategy']} ({data['class']}) {data['instrument']} {data['interval']}, {data['since']} to "
        f"{data['until']}",
        f"{data['tried']} of {len(data['rows'])} combinations of {', '.join(data['names'])} over {data['candles']} "
        f"candles in {rounded(data['seconds'], 1)} s",
    ]
    if data["interrupted"]:
        lines.append(screen.paint("interrupted: the rows left are not there", "yellow"))
    return "\n".join(lines)


def _rows(screen: Screen, data: Row) -> str:
    best = [data["rows"][int(it)] for it in data["ranked"][:SHOWN]]
    if not best:
        return ""
    heads = [it.upper() for it in (*data["names"], *FIGURES)]
    cells = [[*(str(row[it]) for it in data["names"]), *(_figure(row, it) for it in FIGURES)] for row in best]
    return f"THE BEST BY {data['sort'].upper()}\n" + table(heads, cells, screen.paint, frozenset(heads))


def _figure(row: Row, name: str) -> str:
    return share(row[name]) if name in SHARES else rounded(row[name], 0 if name == "trades" else 2)


def _honest(data: Row) -> str:
    it = data["deflated"]
    return "\n".join(
        [
            "HOW FAR TO BELIEVE IT",
            f"  Sharpe ratio per day of the best    {rounded(it['observed'], 4)} over {it['periods']} days",
            f"  the best without skill would reach  {rounded(it['expected'], 4)}",
            f"  deflated Sharpe ratio               {share(it['probability'])} (chance of being more than luck)",
        ]
    )
