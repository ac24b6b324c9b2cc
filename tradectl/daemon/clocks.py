"""What stamps ``received``: wall time, or the venue's own clock when a stepped sandbox leads (decisions 1, 2)."""

import time
from typing import Protocol


class Clock(Protocol):
    """Stamps events; the result never decreases."""

    def __call__(self, ts: int) -> int:
        """Our time in nanoseconds for something that happened at ``ts`` at its source (0: it does not say)."""

    @property
    def now(self) -> int:
        """The time of the last stamp."""


class WallClock:
    """Wall time, clamped so that a clock set back cannot turn the engine's time around."""

    def __init__(self, floor: int = 0) -> None:
        self._last = floor

    def __call__(self, ts: int) -> int:
        self._last = max(self._last, time.time_ns())
        return self._last

    @property
    def now(self) -> int:
        return self._last


class VenueClock:
    """The latest time the venue has shown: two runs over the same frames have the same times."""

    def __init__(self, floor: int = 0) -> None:
        self._last = floor

    def __call__(self, ts: int) -> int:
        self._last = max(self._last, ts)
        return self._last

    @property
    def now(self) -> int:
        return self._last
