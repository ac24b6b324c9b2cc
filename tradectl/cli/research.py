"""What the offline commands share: data and classes to work with, progress on the terminal, Ctrl-C, kept runs."""

import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tradectl.cli.screen import Screen

if TYPE_CHECKING:
    from tradectl.backtest.job import BacktestResult, Progress
    from tradectl.engine.strategy import Strategy
    from tradectl.history.reading import History


def history_of(paths: list[str], symbols: tuple[str, ...] = ()) -> "History":
    """The history of these files or this folder, without any the data store. Raises ``Problem``."""
    from tradectl.history.market_file import GUESS
    from tradectl.history.open_history import open_files, open_history
    from tradectl.paths import history_folder

    given = [Path(it).expanduser() for it in paths or [history_folder()]]
    if len(given) > 1:
        return open_files(given, GUESS, given[0], symbols)
    return open_history(given[0], GUESS, symbols)


def classes_of(screen: Screen, name: str) -> dict[str, "type[Strategy]"]:
    """The class a person named, under that name. Raises ``Problem``."""
    from tradectl.cli.strategies import folder_of
    from tradectl.strategies.loader import load_class, load_file

    file = Path(name).expanduser()
    if file.suffix == ".py":
        return {name: load_file(file)}
    _, folder = folder_of(screen)
    return {name: load_class(name, folder if folder.is_dir() else None)}


@contextmanager
def interruptible() -> Iterator[Callable[[], bool]]:
    """The first Ctrl-C asks the work to end in good order; a second one ends it at once."""
    asked: list[int] = []

    def note(number: int, frame: Any) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(number)

    before = signal.signal(signal.SIGINT, note)
    try:
        yield lambda: bool(asked)
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def progress_of(screen: Screen) -> Iterator["Callable[[Progress], None] | None"]:
    """A bar with the time to go, on a terminal."""
    if screen.options.quiet or screen.options.json or not sys.stderr.isatty():
        yield None
        return
    bar = _Bar()
    try:
        yield bar.show
    finally:
        bar.clear()


class _Bar:
    """One line on stderr, drawn at most ten times a second."""

    WIDTH = 32

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._drawn = 0.0

    def show(self, progress: "Progress") -> None:
        now = time.monotonic()
        if now - self._drawn < 0.1 or not progress.total:
            return
        self._drawn = now
        done = min(progress.done / progress.total, 1.0)
        spent = now - self._began
        left = spent / done - spent if done else 0.0
        filled = "#" * int(done * self.WIDTH)
        rate = progress.done / spent if spent else 0.0
        text = f"\r{filled:.<{self.WIDTH}} {done:4.0%}  {rate:,.0f} candles/s  {left:.0f} s to go "
        print(text, end="", file=sys.stderr, flush=True)

    def clear(self) -> None:
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def keep_run(screen: Screen, result: "BacktestResult") -> str:
    """Keep a result among the profile's runs; returns its id."""
    from tradectl.backtest.runs import Catalogue
    from tradectl.cli.quick import paths_of

    return Catalogue(paths_of(screen.options).research).add(result)


def write_report(
    screen: Screen, result: "BacktestResult", file: str, study: Mapping[str, Any] | None = None
) -> None:  # fmt: skip
    """Write the HTML page, with the ``study`` its parameters come from, and say where it is."""
    from tradectl.backtest.report.html import page

    path = Path(file).expanduser()
    path.write_text(page(result, study=study), encoding="utf-8")
    screen.say(f"report written to {path}")
