"""Runs as tables: the list, several side by side, and a document of another kind."""

from __future__ import annotations

from tradectl.cli.draw.backtest import plain_table
from tradectl.cli.draw.performance import share
from tradectl.cli.screen import TIMES, Screen
from tradectl.cli.text import Number, plain, rounded, table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Row = dict[str, Any]

_SHARES = frozenset({"total_return", "annual_return", "volatility", "max_drawdown", "win_rate", "time"})
_LEFT = frozenset({"RUN", "KIND", "MADE", "STRATEGY", "ON", "SPAN"})


def runs_table(screen: Screen, data: Row) -> str:
    """One line each; damaged directories are named below."""
    clock = screen.clock
    rows = [
        [it["id"], it["kind"], clock.moment(it["made"], False), _few(it["strategies"]), _few(it["instruments"]),
         f"{clock.moment(it['since'], False)[:10]} to {clock.moment(it['until'], False)[:10]}",
         share(it["total_return"]), rounded(it["sharpe"], 2), share(it["max_drawdown"]), plain(it["trades"])]
        for it in data["runs"]
    ]  # fmt: skip
    names = ["RUN", "KIND", "MADE", "STRATEGY", "ON", "SPAN", "RETURN", "SHARPE", "DRAWDOWN", "TRADES"]
    lines = [table(names, rows, screen.paint, frozenset(names) - _LEFT) if rows else "no runs"]
    lines += [f"{data['more']} more: --limit"] if data["more"] else []
    lines += [screen.paint("damaged", "red") + f": {it['why']}" for it in data["damaged"]]
    return "\n".join(lines)


def _few(names: list[str], most: int = 2) -> str:
    more = f" +{len(names) - most}" if len(names) > most else ""
    return ", ".join(it.rpartition(":")[2] for it in names[:most]) + more


def comparison_table(screen: Screen, data: Row) -> str:
    """Figures side by side, then the settings that differ, then whether data and code are the same."""
    heads = "|".join(["FIGURE", *data["ids"]])
    figures = [[it["figure"].replace("_", " "), *(_figure(it["figure"], v) for v in it["values"])]
               for it in data["figures"]]  # fmt: skip
    different = [[it["setting"], *(_setting(screen, it["setting"], value) for value in it["values"])]
                 for it in data["different"]]  # fmt: skip
    parts = [plain_table(screen, heads, figures)]
    parts += [plain_table(screen, heads.replace("FIGURE", "DIFFERENT", 1), different)] if different else []
    parts.append(_sameness(screen, data))
    return "\n\n".join(parts)


def _figure(name: str, value: Any) -> str:
    return share(value) if name in _SHARES else rounded(value, 4)


def _setting(screen: Screen, name: str, value: Any) -> str:
    if name in ("since", "until") and value is not None:
        return screen.clock.moment(value, False)
    if name == "data":
        return str(value)[:16]
    return "-" if value is None else str(value)


def _sameness(screen: Screen, data: Row) -> str:
    said = []
    for name, same in (("data", data["same_data"]), ("code", data["same_code"])):
        said.append(f"the same {name}" if same else screen.paint(f"different {name}", "yellow"))
    return ", ".join(said)


def document_text(screen: Screen, data: Row) -> str:
    """Any document as indented lines; long lists are cut."""
    return "\n".join(_lines(screen, data, ""))


def _lines(screen: Screen, value: Any, indent: str) -> list[str]:
    found = []
    for name, item in value.items():
        if isinstance(item, dict) and item:
            found += [f"{indent}{name}", *_lines(screen, item, indent + "  ")]
        elif isinstance(item, list) and item and isinstance(item[0], dict):
            found.append(f"{indent}{name}: {len(item)} rows")
        else:
            found.append(f"{indent}{name}: {_value(screen, name, item)}")
    return found


def _value(screen: Screen, name: str, item: Any) -> str:
    if isinstance(item, list):
        return ", ".join(str(it) for it in item)
    if name in TIMES and isinstance(item, int):
        return screen.clock.moment(item)
    return str(item) if isinstance(item, str) and not isinstance(item, Number) else plain(item)
