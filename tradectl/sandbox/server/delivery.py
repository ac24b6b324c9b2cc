"""How frames reach the sockets outside lock-step: in order, acknowledgements (and what follows them) delayed."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Protocol

from tradectl.sandbox.server.channel import Channel

#: Called after each frame that was written: its socket's kind and the channel.
Sent = Callable[[str, Channel], None]


class Delivery(Protocol):
    """Sends frames of the data sockets: those of one socket always in the order given."""

    def opened(self, channel: Channel, kind: str) -> None:
        """A socket of ``kind`` (public, private, trade) is there."""

    def closed(self, channel: Channel) -> None:
        """It is gone: what waits for it is dropped."""

    def send(self, channel: Channel, frame: bytes, delay: float = 0.0) -> None:
        """Send ``frame`` after ``delay`` seconds, and never before an earlier frame of the same socket."""


class _Line:
    """What waits for one socket: due times never decrease."""

    __slots__ = ("due", "kind", "timer", "waiting")

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.waiting: deque[tuple[float, bytes]] = deque()
        self.due = 0.0
        self.timer: asyncio.TimerHandle | None = None


class TimedDelivery:
    """A line per socket, one timer for the head of each."""

    def __init__(self, loop: asyncio.AbstractEventLoop, sent: Sent) -> None:
        self._loop = loop
        self._sent = sent
        self._lines: dict[Channel, _Line] = {}

    def opened(self, channel: Channel, kind: str) -> None:
        self._lines[channel] = _Line(kind)

    def closed(self, channel: Channel) -> None:
        line = self._lines.pop(channel, None)
        if line is not None and line.timer is not None:
            line.timer.cancel()

    def send(self, channel: Channel, frame: bytes, delay: float = 0.0) -> None:
        line = self._lines.get(channel)
        if line is None:
            return
        if not delay and not line.waiting:
            self._write(channel, line, frame)
            return
        line.due = max(line.due, self._loop.time() + delay)
        line.waiting.append((line.due, frame))
        if line.timer is None:
            line.timer = self._loop.call_at(line.due, self._flush, channel, line)

    def _flush(self, channel: Channel, line: _Line) -> None:
        line.timer = None
        now = self._loop.time()
        while line.waiting and line.waiting[0][0] <= now and channel.is_open:
            self._write(channel, line, line.waiting.popleft()[1])
        if line.waiting and channel.is_open:
            line.timer = self._loop.call_at(line.waiting[0][0], self._flush, channel, line)

    def _write(self, channel: Channel, line: _Line, frame: bytes) -> None:
        channel.send(frame)
        self._sent(line.kind, channel)
