"""The full parser: typer with groups that are imported only when they are named."""

import importlib
import itertools
import sys
from typing import Any

import typer
from typer.core import TyperGroup

from tradectl.cli.quick import failed
from tradectl.cli.screen import Screen
from tradectl.cli.words import ALIASES, Globals, UsageError
from tradectl.rpc.client import RpcError

FAILED = 1
#: Name -> (module of ``tradectl.cli``, whether it is a noun with verbs, one line of help).
COMMANDS: dict[str, tuple[str, bool, str]] = {
    "init": ("init", False, "Begin: choose a mode and write the settings, or review an account."),
    "start": ("daemon", False, "Start the daemon and return when it is up and trading."),
    "stop": ("daemon", False, "Stop the daemon; entries are cancelled, positions stay with their stops."),
    "restart": ("daemon", False, "Stop the daemon and start it again."),
    "status": ("status", False, "Show whether it runs, what it holds and what limits it."),
    "halt": ("control", False, "Stop trading at once."),
    "resume": ("control", False, "Lift a halt and every reason that waits for a person."),
    "arm": ("arming", False, "Allow this profile to trade real money."),
    "disarm": ("arming", False, "Take that permission back."),
    "reconcile": ("control", False, "Compare the books with the exchange now."),
    "logs": ("logs", False, "Show the daemon's log."),
    "orders": ("orders", True, "Orders: list, show, place, amend, cancel."),
    "positions": ("positions", True, "Positions: list, show, close, adopt, set."),
    "portfolio": ("portfolio", True, "Balances, positions, metrics and profit of the account."),
    "risk": ("risk", True, "Risk limits: show, limits, set, test, reset."),
    "trades": ("trades", True, "Executed trades and funding payments: list, show, export."),
    "strategies": ("strategies", True, "Strategies: list, show, set, enable, disable, reload, check, new."),
    "universe": ("universe", True, "Lists of symbols chosen by filters: show, check."),
    "instruments": ("instruments", True, "What can be traded, and the exchange's filters on it."),
    "market": ("market", True, "Prices: ticker, book, candles, funding."),
    "why": ("why", False, "Explain an order, trade, decision, alert or halt."),
    "why-not": ("why", False, "Explain why a symbol is not traded."),
    "backtest": ("backtest", False, "Test a strategy on recorded candles with the engine that trades live."),
    "optimize": ("optimize", False, "Search for a strategy's parameters, and say how far to believe the winner."),
    "replay": ("replay", False, "Run a recorded run through the engine again and compare every decision."),
    "parity": ("parity", False, "Compare a recorded run with a backtest of the same data, cause by cause."),
    "runs": ("runs", True, "Kept backtests, optimisations and recorded runs: list, show, compare, export."),
    "data": ("data", True, "Market data on this machine: list, import, check, repair, export."),
    "config": ("config", True, "Settings: show, set, check, path."),
    "sandbox": ("sandbox", True, "A Bybit v5 server of your own: run it, look at it, make it fail."),
}

GLOBAL_HELP = {
    "profile": "Which account, daemon and state directory (default: $TRADECTL_PROFILE or default).",
    "config": "Directory of the settings files.",
    "tz": "Time zone of tables: UTC, local or a name such as Europe/Warsaw.",
    "json": "Print data as JSON.",
    "quiet": "Print no messages, only data and errors.",
    "verbose": "Show more detail of errors.",
    "debug": "Log everything (LOG_LEVEL=debug) and show tracebacks.",
    "no_color": "No colours.",
    "yes": "Answer yes to every question.",
    "version": "Show the version.",
}


class LazyGroup(TyperGroup):
    """The root: help is drawn from :data:`COMMANDS` without importing a single command."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        found = COMMANDS.get(ALIASES.get(cmd_name, cmd_name))
        if found is None:
            return None
        module, is_noun, _ = found
        group = typer.main.get_group(importlib.import_module(f"tradectl.cli.{module}").app)
        return group if is_noun else group.commands[cmd_name]

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, _, text) in COMMANDS.items()])

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args and self.get_command(ctx, args[0]) is None:
            import difflib

            near = difflib.get_close_matches(args[0], [*COMMANDS, *ALIASES], 1)
            hint = f", did you mean {ALIASES.get(near[0], near[0])}?" if near else "; tradectl --help lists them"
            raise UsageError(f"there is no command {args[0]!r}{hint}")
        return super().resolve_command(ctx, args)


app = typer.Typer(
    cls=LazyGroup,
    help="An always-on trading daemon for Bybit: run it, watch it, control it. Global options may stand anywhere.",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def root(
    profile: str = typer.Option("", metavar="NAME", help=GLOBAL_HELP["profile"]),
    config: str = typer.Option("", metavar="DIR", help=GLOBAL_HELP["config"]),
    tz: str = typer.Option("", metavar="ZONE", help=GLOBAL_HELP["tz"]),
    json: bool = typer.Option(False, "--json", help=GLOBAL_HELP["json"]),
    quiet: bool = typer.Option(False, "--quiet", "-q", help=GLOBAL_HELP["quiet"]),
    verbose: bool = typer.Option(False, "--verbose", "-v", help=GLOBAL_HELP["verbose"]),
    debug: bool = typer.Option(False, "--debug", help=GLOBAL_HELP["debug"]),
    no_color: bool = typer.Option(False, "--no-color", help=GLOBAL_HELP["no_color"]),
    yes: bool = typer.Option(False, "--yes", "-y", help=GLOBAL_HELP["yes"]),
    version: bool = typer.Option(False, "--version", help=GLOBAL_HELP["version"]),
) -> None:
    """Declared for help and completion: :func:`tradectl.cli.words.split` has taken these options already."""


def run(options: Globals, rest: list[str]) -> int:
    """Parse and run; returns the exit code. Raises ``UsageError``."""
    screen = Screen(options)
    if options.version:
        from tradectl import __version__

        print(f"tradectl {__version__}")
        return 0
    try:
        return _dispatch(screen, rest)
    except RpcError as error:
        return failed(screen, error)
    except UsageError:
        raise
    except Exception as error:  # noqa: BLE001 - the last resort: told as a sentence, with --debug as a traceback
        return _tell(screen, error)


def _tell(screen: Screen, error: Exception) -> int:
    """Tell a problem of an offline command, or a bug, and return the exit code."""
    from tradectl.model.errors import Problem

    if screen.options.debug:
        import traceback

        traceback.print_exception(error)
    if isinstance(error, Problem):
        field = f"{error.field}: " if error.field and error.field not in error.message else ""
        screen.fail(field + error.message, error.remedy, f"{error.code.value}: {error.reason}")
        return error.meaning.exit_code
    screen.fail(f"an error in the program: {error!r}", "--debug shows where; please report it.")
    return FAILED


def _dispatch(screen: Screen, rest: list[str]) -> int:
    if rest[:1] == ["sandbox"]:
        from tradectl.cli.sandbox import run_options

        ran: int | None = run_options(screen, rest[1:])
        if ran is not None:
            return ran
    _refuse_negative_size(rest)
    if rest[:2] == ["config", "set"] and len(rest) == 4:
        rest = [*rest[:2], "--", *rest[2:]]  # a value such as -1 is no option
    try:
        app(args=rest or ["--help"], prog_name="tradectl", obj=screen)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    except UsageError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def _refuse_negative_size(rest: list[str]) -> None:
    """``orders place buy BTCUSDT -1``: the parser would take the size for an option. Raises ``Problem``."""
    if rest[:2] != ["orders", "place"]:
        return
    for before, word in itertools.pairwise(rest):
        if word.startswith("-") and word[1:2].isdigit() and not before.startswith("--"):
            from tradectl.rpc.sizes import parse_size

            parse_size(word)
