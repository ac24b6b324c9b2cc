"""``risk``: limits and how much of them is used, changing them, lifting latched ones, trying an order."""

from typing import Any, Literal

import typer

from tradectl.cli.command import CATEGORY, Category, call, draw_done, noun, screen_of
from tradectl.cli.control import draw_state
from tradectl.cli.draw.risk import draw_limits, draw_risk, draw_tested
from tradectl.cli.text import plain
from tradectl.cli.words import UsageError

app = noun("Risk limits: show, limits, set, test, reset.")
SCOPE = typer.Option("", "--scope", metavar="SCOPE", help="strategy:NAME, strategy:*, symbol:SYMBOL or group:NAME.")


@app.command()
def show(ctx: typer.Context, scope: str = SCOPE) -> None:
    """Show how much of each limit is used, and what is latched."""
    screen = screen_of(ctx)
    screen.show(call(screen, "risk.show", scope=scope), draw_risk)


@app.command()
def limits(ctx: typer.Context, scope: str = SCOPE) -> None:
    """List every limit with its value, unit and meaning."""
    screen = screen_of(ctx)
    screen.show(call(screen, "risk.limits", scope=scope), draw_limits)


@app.command("set")
def set_(
    ctx: typer.Context,
    changes: list[str] = typer.Argument(metavar="NAME=VALUE...", help="Such as day_loss_share=2%."),  # noqa: B008
    scope: str = SCOPE,
    reason: str = typer.Option("", "--reason", metavar="TEXT", help="Kept with the change."),
) -> None:
    """Change limits from now on; raising one is recorded and alerted."""
    found: dict[str, str] = {}
    for change in changes:
        name, equals, value = change.partition("=")
        if not (name and equals and value):
            raise UsageError(f"{change!r}: write NAME=VALUE, such as order_share=1%")
        found[name] = value
    screen = screen_of(ctx)
    screen.show(call(screen, "risk.set", scope=scope, changes=found, reason=reason), draw_done)


@app.command()
def reset(
    ctx: typer.Context,
    code: str = typer.Argument("", help="The latched limit, such as day_loss; without it every one."),
    strategy: str = typer.Option("", "--strategy", metavar="NAME", help="Of this strategy."),
    symbol: str = typer.Option("", "--symbol", metavar="SYMBOL", help="Of this symbol."),
) -> None:
    """Lift a latched limit and begin to measure anew from here."""
    screen = screen_of(ctx)
    screen.show(call(screen, "risk.reset", code=code, strategy=strategy, symbol=symbol.upper()), draw_state)


@app.command("test")
def try_order(
    ctx: typer.Context,
    side: Literal["buy", "sell"] = typer.Argument(help="buy or sell."),
    symbol: str = typer.Argument(help="Such as BTCUSDT."),
    size: str = typer.Argument(help="0.1 (base coin), 500USDT (quote coin) or 5% (of equity)."),
    limit: str = typer.Option("", "--limit", metavar="PRICE", help="Limit price; without it a market order."),
    sl: str = typer.Option("", "--sl", metavar="PRICE", help="Stop loss."),
    category: Category | None = CATEGORY,
    reduce_only: bool = typer.Option(False, "--reduce-only", help="Never open or turn a position."),
    strategy: str = typer.Option("", "--strategy", metavar="NAME", help="As if it were this strategy's."),
) -> None:
    """Run every check on an order that is not sent; ends with 10 when one would refuse it."""
    from tradectl.rpc.sizes import parse_positive, parse_size

    parse_size(size)
    named = (("price", "--limit", limit), ("stop_loss", "--sl", sl))
    prices: dict[str, Any] = {name: plain(parse_positive(text, option)) for name, option, text in named if text}
    screen = screen_of(ctx)
    data = call(
        screen, "risk.test", side=side.capitalize(), symbol=symbol.upper(), size=size.strip(), category=category,
        reduce_only=reduce_only, strategy=strategy, **prices,
    )  # fmt: skip
    screen.show(data, draw_tested)
    if not data["ok"]:
        raise typer.Exit(10)
