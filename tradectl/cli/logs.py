"""``logs``: the daemon's log, and with ``-f`` what is added to it."""

import json
import os
import time
from io import FileIO
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
    tail = Tail(path)
    for line in tail.last(lines):
        print(_shown(screen, line))
    if tail.unfinished and lines and not follow:
        print(tail.unfinished)
    while follow:
        for line in tail.added():
            print(_shown(screen, line), flush=True)
        time.sleep(POLL)


class Tail:
    """Reads a log file to its end and then what is added, without losing a line when it is rotated."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._file: FileIO | None = None
        self._rest = b""
        self._open()

    def _open(self) -> None:
        if os.path.exists(self._path):
            self._file = FileIO(self._path)

    @property
    def unfinished(self) -> str:
        """What stands behind the last newline: a line that is being written, or the last words of a crash."""
        return self._rest.decode("utf-8", "replace")

    def last(self, count: int) -> list[str]:
        """The last ``count`` whole lines; reading goes on behind them."""
        if self._file is None:
            return []
        self._file.seek(max(0, os.fstat(self._file.fileno()).st_size - TAIL_BYTES))
        lines = self._lines()
        return lines[-count:] if count else []

    def added(self) -> list[str]:
        """Whole lines added since the last look; a file that took the place of ours is read from its beginning."""
        if self._file is None:
            self._open()
        lines = self._lines()
        if self._was_rotated():
            lines += self._lines()  # what the old file got after the look before
            if self._file is not None:
                self._file.close()
            self._file, self._rest = None, b""
            self._open()
            lines += self._lines()
        return lines

    def _lines(self) -> list[str]:
        if self._file is None:
            return []
        *lines, self._rest = (self._rest + self._file.read()).split(b"\n")
        return [line.decode("utf-8", "replace") for line in lines]

    def _was_rotated(self) -> bool:
        if self._file is None or not os.path.exists(self._path):
            return False
        found = os.stat(self._path)
        return found.st_ino != os.fstat(self._file.fileno()).st_ino or found.st_size < self._file.tell()


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
