"""``positions``: list, show, close, adopt."""

from typing import Any

import typer

from tradectl.cli.command import (
    CATEGORY,
    CATEGORY_FILTER,
    STRATEGY,
    SYMBOL,
    Category,
    call,
    draw_done,
    given,
    noun,
    read,
    screen_of,
)
from tradectl.cli.draw.lists import orders_table, positions_table
from tradectl.cli.screen import Screen

app = noun("Positions: list, show, close, adopt.")
NAME = typer.Argument(help="Such as BTCUSDT.")


@app.command("list")
def list_(
    ctx: typer.Context,
    symbol: str = SYMBOL,
    category: Category | None = CATEGORY_FILTER,
    strategy: str = STRATEGY,
    books: bool = typer.Option(False, "--books", help="Each strategy's book instead of the net position."),
) -> None:
    """List positions: net at the exchange, or with --books each strategy's."""
    params = given(symbol=symbol.upper(), category=category, strategy=strategy)
    read(ctx, ("positions", "list"), params | ({"books": True} if books else {}))


def _draw_detail(screen: Screen, data: dict[str, Any]) -> str:
    rows = [*([data["net"]] if data["net"] else []), *data["books"]]
    return f"{positions_table(screen, rows)}\n\n{orders_table(screen, data['orders'])}"


@app.command()
def show(ctx: typer.Context, symbol: str = NAME, category: Category | None = CATEGORY) -> None:
    """Show one position with the books it is made of and its open orders."""
    screen = screen_of(ctx)
    screen.show(call(screen, "positions.show", symbol=symbol.upper(), category=category), _draw_detail)


@app.command()
def close(
    ctx: typer.Context,
    symbol: str = NAME,
    category: Category | None = CATEGORY,
    strategy: str = typer.Option("", "--strategy", metavar="NAME", help="Only this strategy's book."),
) -> None:
    """Close a position at market."""
    screen = screen_of(ctx)
    data = call(screen, "positions.close", symbol=symbol.upper(), category=category, strategy=strategy)
    screen.show(data, draw_done)


@app.command()
def adopt(
    ctx: typer.Context,
    symbol: str = NAME,
    strategy: str = typer.Option(..., "--strategy", metavar="NAME", help="Who gets it."),
    category: Category | None = CATEGORY,
) -> None:
    """Hand a position that is not ours (book external) to a strategy."""
    screen = screen_of(ctx)
    data = call(screen, "positions.adopt", symbol=symbol.upper(), category=category, strategy=strategy)
    screen.show(data, draw_done)
