"""``logs``: the daemon's log, and with ``-f`` what is added to it."""

import json
import os
import time
from collections.abc import Iterator
from typing import Any

import typer

from tradectl.cli.command import noun, screen_of
from tradectl.cli.quick import paths_of
from tradectl.cli.screen import Screen

app = noun("The daemon's log.")
POLL = 0.2
TAIL_BYTES = 4 << 20
_STYLES = {"WARNING": "yellow", "ERROR": "red", "CRITICAL": "red", "DEBUG": "dim"}


@app.command()
def logs(
    ctx: typer.Context,
    follow: bool = typer.Option(False, "--follow", "-f", help="Go on with what is added, until Ctrl-C."),
    lines: int = typer.Option(50, "--lines", "-n", min=0, max=1_000_000, help="How many of the last lines."),
    errors: bool = typer.Option(False, "--errors", help="The error log instead."),
    output: bool = typer.Option(False, "--output", help="What the daemon and its children printed instead."),
) -> None:
    """Show the last lines of the log. With --json each record as it was written."""
    screen = screen_of(ctx)
    paths = paths_of(screen.options)
    path = paths.error_log if errors else paths.output if output else paths.app_log
    if not os.path.exists(path) and not follow:
        screen.fail(f"there is no log at {path}", "Has a daemon of this profile ever run? tradectl start")
        raise typer.Exit(1)
    for line in _last(path, lines):
        print(_shown(screen, line))
    if follow:
        for line in _added(path):
            print(_shown(screen, line), flush=True)


def _last(path: str, count: int) -> list[str]:
    if not count or not os.path.exists(path):
        return []
    with open(path, "rb") as file:
        file.seek(max(0, os.fstat(file.fileno()).st_size - TAIL_BYTES))
        return file.read().decode("utf-8", "replace").splitlines()[-count:]


def _added(path: str) -> Iterator[str]:
    """Lines added from now on; a file that was rotated away is followed by its successor."""
    position = os.path.getsize(path) if os.path.exists(path) else 0
    inode = os.stat(path).st_ino if os.path.exists(path) else 0
    rest = b""
    while True:
        if os.path.exists(path):
            found = os.stat(path)
            if found.st_ino != inode or found.st_size < position:
                position, inode, rest = 0, found.st_ino, b""
            with open(path, "rb") as file:
                file.seek(position)
                data = file.read()
            position += len(data)
            *lines, rest = (rest + data).split(b"\n")
            yield from (line.decode("utf-8", "replace") for line in lines)
        time.sleep(POLL)


def _shown(screen: Screen, line: str) -> str:
    """A JSON record as a line for a person; anything else as it is."""
    if screen.options.json or not line.startswith("{"):
        return line
    try:
        record: dict[str, Any] = json.loads(line)
    except ValueError:
        return line
    when = next((record[name] for name in ("at", "time", "ts", "timestamp") if name in record), "")
    level = str(record.get("level", "")).upper()
    text = record.get("message", record.get("text", line))
    if isinstance(when, int):
        when = screen.clock.moment(when)
    rest = {k: v for k, v in record.items() if k not in ("at", "time", "ts", "timestamp", "level", "message", "text")}
    more = " ".join(f"{name}={value}" for name, value in rest.items() if value not in ("", None, {}))
    return f"{when} {screen.paint(f'{level:<8}', _STYLES.get(level, ''))} {text}" + (f"  {more}" if more else "")
