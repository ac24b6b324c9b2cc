"""The status of the daemon on one screen."""

from __future__ import annotations

from tradectl.cli.draw.lists import grid, pnl, strategies_table
from tradectl.cli.screen import Screen
from tradectl.cli.text import duration, rounded, size

TYPE_CHECKING = False  # importing typing would cost a tenth of the quick path
if TYPE_CHECKING:
    from typing import Any

    Row = dict[str, Any]
STATE_STYLES = {"RUNNING": "green", "REDUCING": "yellow", "HALTED": "red"}
ALERT_STYLES = {"critical": "red", "warning": "yellow"}


def draw_status(screen: Screen, data: Row) -> str:
    parts = [_summary(screen, data)]
    if data["reasons"]:
        parts.append("\n".join(_reason(screen, reason) for reason in data["reasons"]))
    parts.append(strategies_table(screen, data["strategies"]))
    if data["limits"]:
        parts.append(_limits(screen, data["limits"]))
    if data["alerts"]:
        parts.append("\n".join(_alert(screen, alert) for alert in data["alerts"]))
    return "\n\n".join(parts)


def _summary(screen: Screen, data: Row) -> str:
    state = screen.paint(data["state"], STATE_STYLES.get(data["state"], ""))
    life = "" if data["life"] == "UP" else f" ({data['life']})"
    lines = [
        f"{state}{life}, up {duration(data['now'] - data['started'])}, pid {data['pid']}, run {data['run']}, "
        f"version {data['version']}" + (" (code on disk has changed: restart)" if data["code_changed"] else ""),
        _labelled("equity", _equity(screen, data["equity"])),
        _labelled("trading", f"{data['open_orders']} open orders, {data['open_positions']} positions, "
                             f"{data['trades']} trades"),
        _labelled("exchange", _exchange(screen, data)),
        _labelled("journal", _journal(screen, data["journal"])),
    ]  # fmt: skip
    if data["children"]:
        lines.append(_labelled("processes", ", ".join(_child(screen, child) for child in data["children"])))
    return "\n".join(lines)


def _labelled(label: str, text: str) -> str:
    return f"{label:<10} {text}"


def _equity(screen: Screen, equity: Row | None) -> str:
    if equity is None:
        return "not known yet"
    return (
        f"{rounded(equity['equity'], 4)} {equity['coin']}, today {pnl(screen, equity['day_pnl'])}, "
        f"cash {rounded(equity['cash'], 4)}, unrealised {pnl(screen, equity['unrealised'])}"
    )


def _exchange(screen: Screen, data: Row) -> str:
    exchange = data["exchange"]
    streams = [
        screen.paint(f"{stream['name']} {'up' if stream['up'] else 'DOWN'}", "" if stream["up"] else "red")
        + (f" ({stream['reason']})" if stream["reason"] and not stream["up"] else "")
        for stream in exchange["streams"]
    ]
    offset = exchange["clock_offset"]
    clock = "clock not compared yet" if offset is None else f"clock {offset // 1_000_000:+d} ms"
    armed = ", armed" if data["armed"] and data["mode"] == "live" else ""
    return ", ".join([f"{exchange['site']} uid {exchange['uid'] or '-'}{armed}", *streams, clock])


def _journal(screen: Screen, journal: Row) -> str:
    text = (
        f"record {journal['seq']}, {journal['seq'] - journal['durable_seq']} not yet on disk, {size(journal['size'])}"
    )
    return text if journal["ok"] else screen.paint(f"{text}: {journal['reason']}", "red")


def _child(screen: Screen, child: Row) -> str:
    text = f"{child['name']} {child['state']}"
    if child["restarts"]:
        text += f" ({child['restarts']} restarts)"
    if child["detail"]:
        text += f" {child['detail']}"
    return screen.paint(text, "red" if child["state"] == "down" else "")


def _reason(screen: Screen, reason: Row) -> str:
    scope = f" [{reason['scope']}]" if reason["scope"] else ""
    clears = "clears by itself" if reason["clears"] == "auto" else "needs: tradectl resume"
    level = screen.paint(reason["level"], STATE_STYLES.get(reason["level"], ""))
    return f"{level}{scope} {reason['code']}: {reason['text']} (since {screen.clock.moment(reason['since'])}; {clears})"


def _limits(screen: Screen, limits: list[Row]) -> str:
    rows = [[it["name"], f"{rounded(it['value'])} {it['unit']}".rstrip(), _used(it)] for it in limits]
    return grid(screen, "LIMIT OF|LIMIT|USED", rows, "")


def _used(limit: Row) -> str:
    """In the limit's own unit, as far as it is a percentage."""
    used = rounded(limit["used"], 2)
    return f"{used} %" if used != "-" and limit["unit"].startswith("%") else used


def _alert(screen: Screen, alert: Row) -> str:
    level = screen.paint(alert["level"], ALERT_STYLES.get(alert["level"], ""))
    remedy = f" -> {alert['remedy']}" if alert["remedy"] else ""
    return f"{screen.clock.moment(alert['at'])} {level} {alert['code']}: {alert['text']}{remedy}"
