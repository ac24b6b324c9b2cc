"""``trades``: executed trades and funding payments, from the database."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import typer

from tradectl.cli.command import CATEGORY_FILTER, LIMIT, STRATEGY, SYMBOL, Category, call, given, noun, read, screen_of
from tradectl.cli.draw.lists import orders_table, trades_table
from tradectl.cli.screen import Screen
from tradectl.cli.when import moment
from tradectl.cli.words import UsageError

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


def _every(screen: Screen, params: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """All pages of ``trades.list``."""
    cursor = ""
    while True:
        page = call(screen, "trades.list", store=True, limit=1000, cursor=cursor, **params)
        yield from page["trades"]
        cursor = page["next_cursor"]
        if not cursor:
            return


@app.command()
def export(
    ctx: typer.Context,
    symbol: str = SYMBOL,
    category: Category | None = CATEGORY_FILTER,
    strategy: str = STRATEGY,
    since: str = typer.Option("", "--since", metavar="WHEN", help="An age (365d) or a time; lots begin earlier."),
    until: str = typer.Option("", "--until", metavar="WHEN", help="An age (2h, 7d) or a time."),
    basis: Literal["fifo", "average"] = typer.Option("fifo", "--basis", help="How cost is matched to sales."),
    currency: str = typer.Option("USDT", "--currency", metavar="CODE", help="Currency of values, costs and gains."),
    rates: str = typer.Option("", "--rates", metavar="FILE", help="CSV (date,rate): one USDT in --currency."),
    output: str = typer.Option("", "--output", metavar="FILE", help="Write there instead of to the terminal."),
) -> None:
    """Write trades as CSV with fees, funding, cost basis and gain."""
    from tradectl.cli.trade_export import Rates, write
    from tradectl.performance.lots import Basis

    if currency.upper() not in ("USDT", "USDC", "USD") and not rates:
        raise UsageError(f"--currency {currency} needs --rates: what one USDT was worth in it, by date")
    screen = screen_of(ctx)
    known = Rates(Path(rates) if rates else None)
    params = given(symbol=symbol.upper(), category=category, strategy=strategy)
    params |= given(until=moment(until) if until else None)
    begin = moment(since) if since else 0
    rows = _every(screen, params)
    if not output:
        write(rows, sys.stdout, Basis(basis), currency.upper(), known, begin)
        return
    with Path(output).open("w", newline="") as file:
        count = write(rows, file, Basis(basis), currency.upper(), known, begin)
    screen.say(f"{count} trades written to {output}")
