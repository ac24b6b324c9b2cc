"""``trades``: executed trades and funding payments, from the database."""

from typing import Any

import typer

from tradectl.cli.command import CATEGORY_FILTER, LIMIT, STRATEGY, SYMBOL, Category, call, given, noun, read, screen_of
from tradectl.cli.draw.lists import orders_table, trades_table
from tradectl.cli.screen import Screen
from tradectl.cli.when import moment

app = noun("Executed trades and funding payments.")


@app.command("list")
def list_(
    ctx: typer.Context,
    symbol: str = SYMBOL,
    category: Category | None = CATEGORY_FILTER,
    strategy: str = STRATEGY,
    since: str = typer.Option("", "--since", metavar="WHEN", help="An age (2h, 7d) or a time."),
    until: str = typer.Option("", "--until", metavar="WHEN", help="An age (2h, 7d) or a time."),
    limit: int = LIMIT,
    cursor: str = typer.Option("", "--cursor", help="Go on where the last answer ended."),
) -> None:
    """List trades, newest first."""
    params = given(symbol=symbol.upper(), category=category, strategy=strategy, limit=limit, cursor=cursor)
    params |= given(since=moment(since) if since else None, until=moment(until) if until else None)
    read(ctx, ("trades", "list"), params)


def _draw_detail(screen: Screen, data: dict[str, Any]) -> str:
    parts = [trades_table(screen, [data["trade"]])]
    if data["order"]:
        parts.append(orders_table(screen, [data["order"]]))
    if data["decision"]:
        parts.append(f"decision {data['decision']['id']}: {data['decision']['reason']}")
    return "\n\n".join(parts)


@app.command()
def show(ctx: typer.Context, id: str = typer.Argument(help="Execution id.")) -> None:
    """Show one trade with the order and the decision it goes back to."""
    screen = screen_of(ctx)
    screen.show(call(screen, "trades.show", store=True, id=id), _draw_detail)
