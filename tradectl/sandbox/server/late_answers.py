"""Answers that a fault keeps back: for a number of frames, or for wall time."""

import asyncio
from collections.abc import Callable

from tradectl.sandbox.faults import Fault

Release = Callable[[], None]


class LateAnswers:
    """``frame_sent`` is told of every WebSocket frame that left."""

    def __init__(self) -> None:
        self._waiting: list[tuple[int, Release]] = []
        self.frames = 0

    def hold(self, fault: Fault, release: Release) -> None:
        """Call ``release`` after ``fault.delay_ms``, or after ``fault.by`` more frames."""
        if fault.delay_ms:
            asyncio.get_running_loop().call_later(fault.delay_ms / 1000, release)
        else:
            self._waiting.append((self.frames + fault.by, release))

    def frame_sent(self) -> None:
        self.frames += 1
        if not self._waiting:
            return
        due = [release for at, release in self._waiting if at <= self.frames]
        self._waiting = [(at, release) for at, release in self._waiting if at > self.frames]
        for release in due:
            release()
