"""``why`` and ``why-not``: what was decided, and what kept it from being done, in plain words."""

from typing import Any

import typer

from tradectl.cli.command import CATEGORY, Category, call, noun, screen_of
from tradectl.cli.screen import Screen
from tradectl.cli.when import moment
from tradectl.rpc.client import RpcError

app = noun("Why it traded, and why it did not.")
Row = dict[str, Any]


def steps_text(screen: Screen, steps: list[Row]) -> str:
    """Time, kind and text of each step; the kind is shown once for steps in a row."""
    lines, last = [], ""
    for step in steps:
        when = screen.clock.moment(step["at"]) if step["at"] else " " * 19
        kind = step["step"] if step["step"] != last else ""
        lines.append(f"{when}  {screen.paint(f'{kind:<9}', 'dim')}  {step['text']}")
        last = step["step"]
    return "\n".join(lines)


def _draw_why(screen: Screen, data: Row) -> str:
    return f"why {data['subject']} (run {data['run']}):\n{steps_text(screen, data['steps'])}"


@app.command()
def why(
    ctx: typer.Context,
    id: str = typer.Argument(help="Order, trade, decision (d12), algorithm (a3), symbol, alert code, or halt."),
) -> None:
    """Explain an order, trade, decision, alert or halt: from the event over the checks to the fills."""
    screen = screen_of(ctx)
    screen.show(call(screen, "why", store=True, id=id), _draw_why)


@app.command("why-not")
def why_not(
    ctx: typer.Context,
    symbol: str = typer.Argument(help="Such as BTCUSDT."),
    category: Category | None = CATEGORY,
    since: str = typer.Option("24h", "--since", metavar="WHEN", help="An age (2h, 7d) or a time."),
) -> None:
    """Explain why a symbol is not traded: restrictions, strategies without a signal, and what was refused."""
    screen, begin = screen_of(ctx), moment(since)
    data = call(screen, "why.not", symbol=symbol.upper(), category=category, since=begin)
    try:
        data["history"] = call(screen, "why.quiet", store=True, symbol=data["symbol"], since=begin)
    except RpcError as error:
        screen.say(f"without history: {error.message}")
        data["history"] = None
    screen.show(data, _draw_why_not)


def _draw_why_not(screen: Screen, data: Row) -> str:
    parts = [f"why {data['category']} {data['symbol']} is not traded:", steps_text(screen, data["steps"])]
    history = data["history"]
    if history:
        since = screen.clock.moment(history["since"])
        refused = history["refused"]
        parts.append(f"\nrefused since {since}: {_refused(screen, refused)}")
        if history["steps"]:
            parts.append(f"\nrestrictions since {since}:\n{steps_text(screen, history['steps'])}")
    return "\n".join(part for part in parts if part)


def _refused(screen: Screen, refused: list[Row]) -> str:
    """How often each check refused, and the last sentence of each."""
    if not refused:
        return "nothing"
    by_check: dict[str, list[Row]] = {}
    for made in refused:
        by_check.setdefault(made["checks"][-1]["name"] if made["checks"] else "other", []).append(made)
    lines = [
        f"  {len(found)} x {name}, last {screen.clock.moment(found[0]['at'])} (d{found[0]['id']}, "
        f"{found[0]['strategy']}): {found[0]['checks'][-1]['reason'] if found[0]['checks'] else found[0]['reason']}"
        for name, found in by_check.items()
    ]
    return "\n".join([str(len(refused)), *lines])
