"""``strategies``: list, show, set, enable, disable, reload, check, new."""

import os
from pathlib import Path
from typing import Any

import typer

from tradectl.cli.command import call, draw_done, given, must_confirm, noun, screen_of
from tradectl.cli.draw.lists import grid, orders_table, positions_table, strategies_table
from tradectl.cli.screen import Screen
from tradectl.cli.text import Number
from tradectl.cli.words import UsageError

app = noun("Strategies: list, show, set, enable, disable, reload, check, new.")
NAME = typer.Argument(help="Name of the instance.")
VALUES = typer.Argument(metavar="PARAMETER=VALUE...", help="Such as fast=12 slow=40.")
Row = dict[str, Any]


@app.command("list")
def list_(ctx: typer.Context) -> None:
    """List the strategy instances."""
    screen = screen_of(ctx)
    screen.show(call(screen, "strategies.list"), lambda screen, data: strategies_table(screen, data["strategies"]))


def _draw_detail(screen: Screen, data: Row) -> str:
    parameters = [[name, str(value)] for name, value in data["strategy"]["parameters"].items()]
    parts = [
        strategies_table(screen, [data["strategy"]]),
        grid(screen, "PARAMETER|IS", parameters, ""),
        positions_table(screen, data["books"]),
        orders_table(screen, data["orders"]),
    ]
    return "\n\n".join(part for part in parts if part)


@app.command()
def show(ctx: typer.Context, name: str = NAME) -> None:
    """Show one instance: parameters, book, open orders."""
    screen = screen_of(ctx)
    screen.show(call(screen, "strategies.show", name=name), _draw_detail)


@app.command()
def enable(ctx: typer.Context, name: str = NAME) -> None:
    """Let an instance trade."""
    screen = screen_of(ctx)
    screen.show(call(screen, "strategies.enable", name=name), draw_done)


@app.command()
def disable(
    ctx: typer.Context,
    name: str = NAME,
    flatten: bool = typer.Option(False, "--flatten", help="Close its positions as well (asks, unless --yes)."),
) -> None:
    """Stop an instance: its entries are cancelled, its positions stay with their stops."""
    screen = screen_of(ctx)
    if flatten:
        must_confirm(screen, f"Close the positions of {name} at market?")
    screen.show(call(screen, "strategies.disable", name=name, flatten=flatten), draw_done)


@app.command("set")
def set_(
    ctx: typer.Context,
    name: str = NAME,
    values: list[str] = VALUES,
) -> None:
    """Change parameters while it runs: entries are cancelled, its position stays, and it warms up anew."""
    screen = screen_of(ctx)
    parameters = dict(_pair(text) for text in values)
    screen.show(call(screen, "strategies.set", name=name, parameters=parameters), draw_done)


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.strip().isidentifier():
        raise UsageError(f"{text!r} is not of the form PARAMETER=VALUE, such as fast=12")
    return name.strip(), value.strip()


@app.command()
def reload(
    ctx: typer.Context, name: str = typer.Argument("", help="One instance; without it all that changed.")
) -> None:
    """Load changed code and settings; a changed strategy starts from its warm-up."""
    screen = screen_of(ctx)
    screen.show(call(screen, "strategies.reload", **given(name=name)), draw_done)


def folder_of(screen: Screen) -> tuple[Any, Path]:
    """The settings and the folder of the user's own strategies."""
    from tradectl.paths import config_directories
    from tradectl.settings import load_settings

    settings = load_settings(screen.options.config)
    directory = settings.directory or config_directories(screen.options.config)[0]
    return settings, Path(settings.trading.strategies_dir or os.path.join(directory, "strategies")).expanduser()


@app.command()
def check(
    ctx: typer.Context,
    name: str = typer.Argument(
        "", help="An instance of the settings, a built-in class, or a Python file; all when empty."
    ),
) -> None:
    """Load and validate strategies without starting them."""
    screen = screen_of(ctx)
    settings, folder = folder_of(screen)
    if name.endswith(".py"):
        checked = [_checked(name, "", None, Path(name))]
    else:
        chosen = [it for it in settings.strategies if name in ("", it.name)]
        checked = [_checked(it.name, it.class_, it, folder) for it in chosen]
        if name and not chosen:
            checked = [_checked(name, name, None, folder)]
    screen.show({"strategies": checked}, _draw_checked)


def _checked(name: str, wanted: str, config: Any, where: Path) -> Row:
    """Raises ``Problem`` naming file, line and rule."""
    from tradectl.engine.parameters import declared, validated
    from tradectl.strategies.loader import load_class, load_file

    cls = load_class(wanted, where) if wanted else load_file(where)
    values = validated(cls, config.params if config else {}, name)
    parameters = [
        {"name": it.name, "type": it.kind.__name__, "value": _plain(values[it.name]), "default": _plain(it.default),
         "low": _plain(it.low), "high": _plain(it.high), "help": it.help}
        for it in declared(cls).values()
    ]  # fmt: skip
    return {"name": name, "class": cls.__name__, "parameters": parameters}


def _plain(value: Any) -> Any:
    return Number(repr(value)) if isinstance(value, float) else value


def _draw_checked(screen: Screen, data: Row) -> str:
    parts = []
    for it in data["strategies"]:
        rows = [
            [p["name"], p["type"], str(p["value"]), f"{_bound(p['low'])}..{_bound(p['high'])}".strip("."), p["help"]]
            for p in it["parameters"]
        ]
        parameters = grid(screen, "PARAMETER|TYPE|IS|RANGE|MEANING", rows, "")
        parts.append(f"{it['name']}: {it['class']} is valid\n{parameters}")
    return "\n\n".join(parts) or "no strategies are set"


def _bound(value: Any) -> str:
    return "" if value is None else str(value)


TEMPLATE = '''\
"""{name}: say here what it does."""

from tradectl.engine.strategy import Strategy, param
from tradectl.model.market_data import Bar


class {cls}(Strategy):
    """Long above, flat below."""

    symbol: str = param("BTCUSDT", help="what to trade")
    interval: str = param("1m", help="candle interval")
    fast: int = param(10, low=2, high=50, help="bars of the fast EMA")
    slow: int = param(30, low=5, high=200, help="bars of the slow EMA")

    def on_start(self) -> None:
        bars = self.subscribe_bars(self.symbol, self.interval)
        self._fast, self._slow = bars.ema(self.fast), bars.ema(self.slow)

    def on_bar(self, bar: Bar) -> None:
        if self._fast.crossed_above(self._slow):
            self.target(self.symbol, weight=1.0, reason="fast EMA crossed above slow")
        elif self._fast.crossed_below(self._slow):
            self.close(self.symbol, reason="fast EMA crossed below slow")
'''


@app.command()
def new(ctx: typer.Context, name: str = typer.Argument(help="Name of the file and class: my_idea.")) -> None:
    """Write a strategy of your own to start from."""
    if not name.isidentifier() or not name.isascii() or name != name.lower():
        raise UsageError(f"{name!r} is no name for a strategy: use small letters, digits and _, such as my_idea")
    screen = screen_of(ctx)
    _, folder = folder_of(screen)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.py"
    cls = "".join(part.capitalize() for part in name.split("_"))
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(TEMPLATE.format(name=name, cls=cls))
    except FileExistsError:
        screen.fail(f"{path} exists already: nothing was done")
        raise typer.Exit(1) from None
    screen.show({"file": str(path), "class": name}, lambda screen, data: data["file"])
    screen.say(
        f'Add it to trading.toml:\n\n[[strategies]]\nname = "{name}"\nclass = "{name}"\n\n'
        "then: tradectl strategies reload (or start)"
    )
