"""``status``: whether the daemon runs, and with ``--watch`` a view that follows it."""

import time

import typer

from tradectl.cli import quick
from tradectl.cli.command import noun, screen_of
from tradectl.cli.screen import Screen
from tradectl.rpc.client import RpcError

app = noun("The daemon's status.")
#: The view is drawn at most five times a second.
SHORTEST = 0.2


@app.command()
def status(
    ctx: typer.Context,
    watch: bool = typer.Option(False, "--watch", "-w", help="Keep showing it until Ctrl-C."),
    interval: float = typer.Option(1.0, "--interval", min=SHORTEST, max=3600, help="Seconds between two views."),
) -> None:
    """Show whether it runs, what it holds and what limits it.

    Exit code: 0 running, 1 dead but its socket is left, 3 stopped, 4 unknown.
    """
    screen = screen_of(ctx)
    if not watch:
        raise typer.Exit(quick.status(screen))
    _follow(screen, interval)


def _follow(screen: Screen, interval: float) -> None:
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    console = Console(no_color=screen.options.no_color)
    with Live(console=console, screen=console.is_terminal, auto_refresh=False) as live:
        while True:
            live.update(Text.from_ansi(_view(screen)), refresh=True)
            time.sleep(interval)


def _view(screen: Screen) -> str:
    try:
        data = quick.ask(screen, "status", {})
    except RpcError as error:
        return f"{error.message}\n{error.remedy}"
    return f"{screen.head(data)}\n{quick.READS[('status',)].draw()(screen, data)}"
