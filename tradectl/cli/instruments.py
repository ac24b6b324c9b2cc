"""``instruments``: what can be traded."""

from typing import Any

import typer

from tradectl.cli.command import CATEGORY_FILTER, LIMIT, Category, call, noun, screen_of
from tradectl.cli.draw.lists import grid
from tradectl.cli.screen import Screen
from tradectl.cli.text import plain, rounded

app = noun("What can be traded, and the exchange's filters on it.")


def _draw(screen: Screen, data: dict[str, Any]) -> str:
    rows = [
        [it["category"], it["symbol"], it["status"], plain(it["tick_size"]), plain(it["lot_size"]),
         plain(it["min_qty"]), plain(it["min_notional"]), rounded(it["max_leverage"]), plain(it["maker_fee"]),
         plain(it["taker_fee"])]
        for it in data["instruments"]
    ]  # fmt: skip
    heads = "CATEGORY|SYMBOL|STATUS|TICK|LOT|MIN QTY|MIN VALUE|LEVERAGE|MAKER|TAKER"
    return grid(screen, heads, rows, "no instruments")


@app.command("list")
def list_(
    ctx: typer.Context,
    category: Category | None = CATEGORY_FILTER,
    search: str = typer.Option("", "--search", metavar="TEXT", help="Part of a symbol."),
    limit: int = LIMIT,
) -> None:
    """List instruments."""
    screen = screen_of(ctx)
    data = call(screen, "instruments.list", category=category, search=search.upper(), limit=limit)
    screen.show(data, _draw)


@app.command()
def show(
    ctx: typer.Context,
    symbol: str = typer.Argument(help="Such as BTCUSDT."),
    category: Category | None = CATEGORY_FILTER,
) -> None:
    """Show one instrument: every product family that has the symbol, or the one named."""
    screen = screen_of(ctx)
    screen.show(call(screen, "instruments.show", symbol=symbol.upper(), category=category), _draw)
