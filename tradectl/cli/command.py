"""What the commands share: a noun's group, the call to the daemon, questions to the person."""

import sys
from typing import Any, Literal

import typer

from tradectl.cli.quick import READS, ask, show
from tradectl.cli.screen import Screen
from tradectl.cli.words import UsageError

Category = Literal["spot", "linear"]

SYMBOL = typer.Option("", "--symbol", metavar="SYMBOL", help="Only this symbol.")
CATEGORY = typer.Option(None, "--category", help="Product family (default: trading.default_category).")
CATEGORY_FILTER = typer.Option(None, "--category", help="Only this product family.")
STRATEGY = typer.Option("", "--strategy", metavar="NAME", help="Only this strategy.")
LIMIT = typer.Option(100, "--limit", min=1, max=1000, help="At most so many rows.")


def noun(help: str) -> typer.Typer:
    """The group of a noun's verbs."""
    return typer.Typer(
        help=help,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        no_args_is_help=True,
        context_settings={"help_option_names": ["-h", "--help"]},
        add_completion=False,
    )


def screen_of(ctx: typer.Context) -> Screen:
    """The screen :func:`tradectl.cli.app.run` made for this command line."""
    screen = ctx.find_root().obj
    assert isinstance(screen, Screen)
    return screen


def given(**params: Any) -> dict[str, Any]:
    """Parameters without those that were not given (``None`` and empty text)."""
    return {name: value for name, value in params.items() if value is not None and value != ""}


def read(ctx: typer.Context, words: tuple[str, ...], params: dict[str, Any]) -> None:
    """A verb of the quick path, reached through the full parser."""
    show(screen_of(ctx), READS[words], params)


def call(screen: Screen, method: str, store: bool = False, **params: Any) -> Any:
    """Call a method with the parameters that were given. Raises ``RpcError``."""
    return ask(screen, method, given(**params), store)


def draw_done(screen: Screen, data: dict[str, Any]) -> str:
    """What was done, and the orders it made or touched."""
    return "\n".join([data["text"], *(f"  {order}" for order in data.get("orders", []))])


def confirm(screen: Screen, question: str) -> bool:
    """Ask a person; ``--yes`` answers. Raises ``UsageError`` where nobody can be asked."""
    if screen.options.yes:
        return True
    if not sys.stdin.isatty():
        raise UsageError(f"{question} Nobody can be asked here: say --yes")
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def must_confirm(screen: Screen, question: str) -> None:
    """:func:`confirm`, and end with exit code 1 when the answer is no."""
    if not confirm(screen, question):
        screen.say("nothing was done")
        raise typer.Exit(1)
