"""``portfolio``: balances, positions, metrics and profit of the account."""

from typing import Any, Literal

import typer

from tradectl.cli.command import call, given, noun, read, screen_of
from tradectl.cli.draw.performance import draw_allocation, draw_metrics, draw_profit
from tradectl.cli.when import moment

app = noun("Balances, positions, metrics and profit of the account.")
STRATEGY = typer.Option("", "--strategy", metavar="NAME", help="Of this strategy alone.")
SINCE = typer.Option("", "--since", metavar="WHEN", help="An age (30d) or a time.")
UNTIL = typer.Option("", "--until", metavar="WHEN", help="An age (1d) or a time.")


@app.callback()
def group() -> None:
    """Balances, positions, metrics and profit of the account."""


def _within(since: str, until: str) -> dict[str, Any]:
    return given(since=moment(since) if since else None, until=moment(until) if until else None)


@app.command()
def show(ctx: typer.Context) -> None:
    """Show balances, positions and each strategy's book."""
    read(ctx, ("portfolio", "show"), {})


@app.command()
def metrics(ctx: typer.Context, strategy: str = STRATEGY, since: str = SINCE, until: str = UNTIL) -> None:
    """Show return, risk and trade statistics; docs/metrics.md says what each figure means."""
    screen = screen_of(ctx)
    asked = _within(since, until) | given(strategy=strategy)
    screen.show(call(screen, "portfolio.metrics", store=True, **asked), draw_metrics)


@app.command()
def pnl(
    ctx: typer.Context,
    by: Literal["day", "week", "month", "strategy", "symbol"] = typer.Option("day", "--by", help="What to group by."),
    strategy: str = STRATEGY,
    symbol: str = typer.Option("", "--symbol", metavar="SYMBOL", help="Of this symbol alone."),
    since: str = SINCE,
    until: str = UNTIL,
) -> None:
    """Show realised profit and its parts: price, slippage, fees, funding."""
    screen = screen_of(ctx)
    asked = _within(since, until) | given(strategy=strategy, symbol=symbol.upper())
    screen.show(call(screen, "portfolio.pnl", store=True, by=by, **asked), draw_profit)


@app.command()
def allocation(ctx: typer.Context) -> None:
    """Show each strategy's share of equity and how it comes about."""
    screen = screen_of(ctx)
    screen.show(call(screen, "portfolio.allocation"), draw_allocation)


@app.command()
def rebalance(ctx: typer.Context) -> None:
    """Compute the shares anew now, whatever the bands say, and resize positions that follow a weight."""
    screen = screen_of(ctx)
    screen.show(call(screen, "portfolio.rebalance"), draw_allocation)
