"""Limits, their use and verdicts as tables."""

from __future__ import annotations

from tradectl.cli.draw.lists import grid
from tradectl.cli.screen import Screen
from tradectl.cli.text import rounded

TYPE_CHECKING = False  # importing typing would cost a tenth of the quick path
if TYPE_CHECKING:
    from typing import Any

    Row = dict[str, Any]


def _value(limit: Row, key: str = "value") -> str:
    """A limit in its unit; ``off`` for one that is switched off."""
    value = limit[key]
    if value is None:
        return (limit["text"] or "off") if key == "value" else "-"
    return f"{rounded(value, 4)} {limit['unit']}".rstrip()


def _used(screen: Screen, limit: Row) -> list[str]:
    """What is used, and the part of the limit it is: red from 100 %, yellow from 80 %."""
    used, most = limit["used"], limit["value"]
    if used is None:
        return ["-", ""]
    if most is None or not float(str(most)):
        return [_value(limit, "used"), ""]
    part = 100 * float(str(used)) / float(str(most))
    style = "red" if part >= 100 else "yellow" if part >= 80 else "green"
    return [_value(limit, "used"), screen.paint(f"{part:.0f} %", style)]


def draw_risk(screen: Screen, data: Row) -> str:
    """The state, what is latched, and each measured limit."""
    lines = [f"trading is {data['state']}"]
    lines += [
        f"  {it['level']}{' (' + it['scope'] + ')' if it['scope'] else ''}: {it['text']} ({it['code']}, clears: "
        f"{it['clears']}) since {screen.clock.moment(it['since'])}"
        for it in data["reasons"]
    ]
    measured = [it for it in data["limits"] if it["used"] is not None]
    rows = [[it["scope"] or "account", it["name"], _value(it), *_used(screen, it)] for it in measured]
    table = grid(screen, "SCOPE|LIMIT|MOST|USED|OF IT", rows, "nothing is measured yet")
    raised = [f"{it['scope'] or 'account'} {it['name']} = {_value(it)}" for it in data["raised"]]
    tail = f"\n\nchanged by a person: {', '.join(raised)}" if raised else ""
    return "\n".join(lines) + f"\n\n{table}{tail}"


def draw_limits(screen: Screen, data: Row) -> str:
    """Every limit and what it means."""
    rows = [[it["scope"] or "account", it["name"], _value(it), it["meaning"]] for it in data["limits"]]
    return grid(screen, "SCOPE|LIMIT|VALUE|MEANING", rows, "no limits")


def draw_tested(screen: Screen, data: Row) -> str:
    """Each check's verdict with its limit and the order's value."""
    rows = [
        [screen.paint("ok", "green") if it["ok"] else screen.paint("NO", "red"), it["name"], it["limit"], it["value"],
         it["reason"]]
        for it in data["checks"]
    ]  # fmt: skip
    verdict = "would be accepted" if data["ok"] else "would be refused"
    head = f"{data['category']} {data['symbol']} {rounded(data['qty'])}: {verdict}; nothing was sent"
    return f"{head}\n{grid(screen, 'OK|CHECK|LIMIT|VALUE|REASON', rows, '')}"
