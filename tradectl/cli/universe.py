"""``universe``: show, check."""

from typing import Any

import typer

from tradectl.cli.command import call, given, noun, screen_of
from tradectl.cli.draw.lists import grid
from tradectl.cli.screen import Screen

app = noun("Lists of symbols chosen by filters: show, check.")
Row = dict[str, Any]


@app.callback()
def group() -> None:
    """Lists of symbols chosen by filters: show, check."""


def _draw(screen: Screen, data: Row) -> str:
    parts = []
    for it in data["universes"]:
        when = f"chosen {screen.clock.moment(it['at'])}" if it["at"] else "not chosen yet"
        used = f"used by {', '.join(it['strategies'])}" if it["strategies"] else "used by no strategy"
        head = f"{it['name']} ({it['category']}): {len(it['members'])} members, {when}, {used}"
        parts.append("\n".join([head, *(f"  {symbol}" for symbol in it["members"])]))
    return "\n\n".join(parts) or "no universes are set"


@app.command()
def show(ctx: typer.Context, name: str = typer.Argument("", help="One universe; without it all of them.")) -> None:
    """Show the members, highest turnover first, and which strategies use them."""
    screen = screen_of(ctx)
    screen.show(call(screen, "universe.show", **given(name=name)), _draw)


@app.command()
def check(ctx: typer.Context, symbol: str = typer.Argument(help="Such as BTCUSDT.")) -> None:
    """Say of each universe whether a symbol is in it, and why not."""
    screen = screen_of(ctx)
    wanted = symbol.upper()
    universes = call(screen, "universe.show")["universes"]
    found = [
        {"universe": it["name"], "member": wanted in it["members"], "reason": _why(it, wanted)} for it in universes
    ]
    screen.show({"symbol": wanted, "universes": found}, _draw_check)


def _why(universe: Row, symbol: str) -> str:
    if symbol in universe["members"]:
        return ""
    if not universe["at"]:
        return "its members are not chosen yet"
    return str(dict(universe["refused"]).get(symbol, "the exchange does not list it"))


def _draw_check(screen: Screen, data: Row) -> str:
    rows = [[it["universe"], "yes" if it["member"] else "no", it["reason"]] for it in data["universes"]]
    return grid(screen, "UNIVERSE|MEMBER|WHY NOT", rows, "no universes are set")
