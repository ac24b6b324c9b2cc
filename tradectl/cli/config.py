"""``config``: show, set, check, path."""

from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any

import typer

from tradectl.cli.command import noun, screen_of
from tradectl.cli.draw.lists import grid
from tradectl.cli.screen import Screen
from tradectl.cli.text import Number
from tradectl.model.money import plain
from tradectl.paths import config_directories
from tradectl.settings import SETTINGS, Settings, load_settings
from tradectl.settings.load import rule_of
from tradectl.settings.problems import unknown
from tradectl.settings.values import as_toml
from tradectl.settings.write import write_setting

app = noun("Settings: show, set, check, path.")


def jsonable(value: Any) -> Any:
    """A setting's value with its numbers kept as digits."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Decimal):
        return Number(plain(value))
    if isinstance(value, float):
        return Number(repr(value))
    if isinstance(value, dict):
        return {str(key): jsonable(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [jsonable(item) for item in value]
    return value


def _rows(settings: Settings, prefix: str) -> dict[str, dict[str, Any]]:
    return {
        key: {
            "value": jsonable(settings.value(key)),
            "default": jsonable(setting.default),
            "origin": settings.origins.get(key, "default"),
            "description": setting.description,
            "rule": rule_of(setting),
        }
        for key, setting in SETTINGS.items()
        if key == prefix or not prefix or key.startswith(f"{prefix}.")
    }


def _strategies(settings: Settings) -> list[dict[str, Any]]:
    return [
        {"name": it.name, "class": it.class_, "category": it.category, "capital": jsonable(it.capital),
         "enabled": it.enabled, "params": jsonable(it.params)}
        for it in settings.strategies
    ]  # fmt: skip


def _draw(settings: Settings, changed: bool) -> Any:
    def draw(screen: Screen, data: dict[str, Any]) -> str:
        rows = [
            [key, as_toml(settings.value(key)), row["origin"], row["description"]]
            for key, row in data["settings"].items()
            if not changed or row["origin"] != "default"
        ]
        return grid(screen, "SETTING|IS|FROM|MEANING", rows, "every setting has its default")

    return draw


@app.command()
def show(
    ctx: typer.Context,
    key: str = typer.Argument("", help="One setting (risk.order_share) or section (risk)."),
    changed: bool = typer.Option(False, "--changed", help="Only what is not the default."),
) -> None:
    """Show the settings with where each value comes from. Secrets are never shown."""
    screen = screen_of(ctx)
    settings = load_settings(screen.options.config)
    rows = _rows(settings, key)
    if not rows:
        raise unknown("config show", key, [*SETTINGS, *{name.partition(".")[0] for name in SETTINGS}])
    if changed:
        rows = {name: row for name, row in rows.items() if row["origin"] != "default"}
    data: dict[str, Any] = {"settings": rows}
    if not key:
        data |= {"strategies": _strategies(settings), "secrets": "set" if settings.secrets.api_key else "not set"}
    screen.show(data, _draw(settings, changed))


@app.command("set")
def set_(
    ctx: typer.Context,
    key: str = typer.Argument(help="Such as risk.order_share."),
    value: str = typer.Argument(help="The new value; a list as A,B and a table as A=1,B=2."),
) -> None:
    """Change one setting in its file. Checked first; comments stay."""
    screen = screen_of(ctx)
    directory = Path(load_settings(screen.options.config).directory or config_directories(screen.options.config)[0])
    path = write_setting(directory, key, value)
    after = load_settings(screen.options.config)
    screen.show({"key": key, "value": jsonable(after.value(key)), "file": str(path)}, _draw_set)
    if after.origins.get(key) != str(path):
        screen.say(f"it has no effect yet: {after.origins[key]} overrides it")
    else:
        screen.say("a running daemon takes it at its next start: tradectl restart")


def _draw_set(screen: Screen, data: dict[str, Any]) -> str:
    return f"{data['key']} = {data['value']} in {data['file']}"


@app.command()
def check(ctx: typer.Context) -> None:
    """Read and check every settings file and variable; exit code 78 when one is wrong."""
    screen = screen_of(ctx)
    settings = load_settings(screen.options.config)
    data = {"ok": True, "files": list(settings.files), "changed": len(settings.origins)}
    screen.show(data, lambda screen, data: f"valid: {', '.join(data['files']) or 'no settings files, all defaults'}")


@app.command()
def path(ctx: typer.Context) -> None:
    """Show where settings are looked for and which files are read."""
    screen = screen_of(ctx)
    settings = load_settings(screen.options.config)
    searched = list(config_directories(screen.options.config))
    data = {"directory": settings.directory or None, "searched": searched, "files": list(settings.files)}
    screen.show(data, lambda screen, data: "\n".join(data["files"] or [f"{it} (not there)" for it in data["searched"]]))
