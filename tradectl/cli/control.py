"""``halt``, ``resume``, ``reconcile``: what a person decides about trading as a whole."""

from typing import Any

import typer

from tradectl.cli.command import call, draw_done, must_confirm, noun, screen_of
from tradectl.cli.draw.status import STATE_STYLES
from tradectl.cli.screen import Screen

app = noun("Control trading.")


def draw_state(screen: Screen, data: dict[str, Any]) -> str:
    """The trading state after a request, why, and what was cancelled."""
    state, text = data["state"], data["text"]
    told = text.removeprefix(state).lstrip(";: ")
    if data["cancelled"] and "cancelled" not in text:
        count = len(data["cancelled"])
        told = "; ".join(part for part in (told, f"{count} order{'s' if count > 1 else ''} cancelled") if part)
    head = screen.paint(state, STATE_STYLES.get(state, "")) + (f": {told}" if told else "")
    return "\n".join([head, *(f"  {reason['code']}: {reason['text']}" for reason in data["reasons"])])


@app.command()
def halt(
    ctx: typer.Context,
    reduce: bool = typer.Option(False, "--reduce", help="Only stop entries; positions may still be reduced."),
    flatten: bool = typer.Option(False, "--flatten", help="Also close the positions (asks, unless --yes)."),
    strategy: str = typer.Option("", "--strategy", metavar="NAME", help="Only this strategy."),
    symbol: str = typer.Option("", "--symbol", metavar="SYMBOL", help="Only this symbol."),
    reason: str = typer.Option("", "--reason", metavar="TEXT", help="Kept with the halt."),
) -> None:
    """Stop trading at once. Orders that can add risk are cancelled; stops stay. Never asks without --flatten."""
    screen = screen_of(ctx)
    if flatten:
        must_confirm(screen, "Close positions at market?")
    data = call(screen, "halt", reduce=reduce, flatten=flatten, strategy=strategy, symbol=symbol.upper(), reason=reason)
    screen.show(data, draw_state)


@app.command()
def resume(
    ctx: typer.Context,
    strategy: str = typer.Option("", "--strategy", metavar="NAME", help="Only this strategy."),
    symbol: str = typer.Option("", "--symbol", metavar="SYMBOL", help="Only this symbol."),
) -> None:
    """Lift a halt and every reason that waits for a person."""
    screen = screen_of(ctx)
    screen.show(call(screen, "resume", strategy=strategy, symbol=symbol.upper()), draw_state)


@app.command()
def reconcile(ctx: typer.Context) -> None:
    """Compare the books with the exchange now."""
    screen = screen_of(ctx)
    screen.show(call(screen, "reconcile"), draw_done)
