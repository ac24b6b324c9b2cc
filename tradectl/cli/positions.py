"""``positions``: list, show, close, adopt, set."""

from typing import Any, Literal

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
from tradectl.cli.text import plain
from tradectl.cli.words import UsageError

app = noun("Positions: list, show, close, adopt, set.")
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


@app.command("set")
def set_(
    ctx: typer.Context,
    symbol: str = NAME,
    category: Category | None = CATEGORY,
    strategy: str = typer.Option("", "--strategy", metavar="NAME", help="Of this book; without it the whole position."),
    sl: str = typer.Option("", "--sl", metavar="PRICE", help="Stop loss; 0 removes it."),
    tp: str = typer.Option("", "--tp", metavar="PRICE", help="Take profit; 0 removes it."),
    trailing: str = typer.Option("", "--trailing", metavar="DISTANCE", help="Trailing stop in price; 0 removes it."),
    active: str = typer.Option("", "--active", metavar="PRICE", help="Where trailing begins (default: at once)."),
    leg: Literal["", "long", "short"] = typer.Option("", "--leg", help="Which leg, where the account hedges."),
) -> None:
    """Set or remove the stop loss, take profit or trailing stop of a position."""
    from tradectl.rpc.sizes import parse_positive

    options = (("stop_loss", "--sl", sl), ("take_profit", "--tp", tp), ("trailing", "--trailing", trailing))
    stops: dict[str, Any] = {
        name: "0" if text.strip() == "0" else plain(parse_positive(text, option))
        for name, option, text in options
        if text
    }
    if not stops:
        raise UsageError("nothing to set: give --sl, --tp or --trailing")
    if active and "trailing" not in stops:
        raise UsageError("--active needs --trailing")
    screen = screen_of(ctx)
    data = call(
        screen, "positions.set", symbol=symbol.upper(), category=category, strategy=strategy, leg=leg,
        active_price=plain(parse_positive(active, "--active")) if active else None, **stops,
    )  # fmt: skip
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
