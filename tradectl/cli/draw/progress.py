"""A progress line on stderr with the time left; only for a person at a terminal."""

import sys
import time
from collections.abc import Callable

from tradectl.cli.screen import Screen

WIDTH = 24
#: Seconds between two drawings, and before the time left is worth telling.
EVERY, PATIENCE = 0.1, 2.0


def clock(seconds: float) -> str:
    """``1:02:03`` or ``02:03``."""
    minutes, rest = divmod(max(round(seconds), 0), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes:02}:{rest:02}"


class Meter:
    """Draws one line over itself. ``now`` is any clock in seconds."""

    def __init__(self, screen: Screen, now: Callable[[], float] = time.monotonic) -> None:
        self._on = sys.stderr.isatty() and not screen.options.quiet
        self._now = now
        self._started = self._drawn = now()
        self._length = 0

    def show(self, share: float, text: str) -> None:
        """``share`` between 0 and 1 of the work is done; ``text`` says what is being done."""
        now = self._now()
        if not self._on or (now - self._drawn < EVERY and share < 1):
            return
        self._drawn = now
        self._draw(self.line(share, text, now - self._started))

    def line(self, share: float, text: str, passed: float) -> str:
        """The line after ``passed`` seconds."""
        share = min(max(share, 0.0), 1.0)
        done = round(WIDTH * share)
        left = f", {clock(passed / share * (1 - share))} left" if share and passed > PATIENCE else ""
        return f"{'#' * done}{'.' * (WIDTH - done)} {share:4.0%} {text}{left}"

    def say(self, text: str) -> None:
        """The line without a bar, for work whose end is not known."""
        now = self._now()
        if self._on and now - self._drawn >= EVERY:
            self._drawn = now
            self._draw(text)

    def close(self) -> None:
        """Take the line away, so that the next output begins at the margin."""
        if self._length:
            self._draw("")
            print("\r", end="", file=sys.stderr, flush=True)

    def _draw(self, line: str) -> None:
        print(f"\r{line.ljust(self._length)}", end="", file=sys.stderr, flush=True)
        self._length = len(line)
