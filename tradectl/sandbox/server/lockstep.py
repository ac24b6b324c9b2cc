"""Lock-step (decisions [2]): one socket at a time, and no market step before the client has handled everything.

The client reports on the control socket how many frames it has handled on each of its sockets, how many of its
requests are unanswered and whether it is ready. Every frame goes through one queue. The next one leaves when every
open socket has handled what was sent to it; the market moves when, besides, nothing waits and nothing is unanswered.
Then two runs see the same frames in the same order, whatever the machine did in between. Every data socket is taken for
the client's own, except those opened with ``?lockstep=off``. When one closes, the market waits for a report that no
longer names it: a client that is killed loses its sockets one by one, and what it last said of itself is of the past.

A client that wants to act at a time of its own says when; the clock stops there, tells it the time and waits for its
report like for that of a frame. So what it does at two moments reaches the market at two moments, however long the
market is silent between them.

Neighbours in the queue that go to one socket leave together: TCP keeps their order, no other socket has anything to
say meanwhile, and what the client asks in between is answered behind them either way. It saves two of three round
trips of a replayed candle.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping

from tradectl.sandbox.server.channel import Channel
from tradectl.sandbox.server.delivery import Sent

#: Market steps without any frame taken in one go before the loop gets a turn.
_QUIET_STEPS = 64


class _Socket:
    """Frames sent on one socket, and handled according to the client."""

    __slots__ = ("kind", "seen", "sent")

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.sent = 0
        self.seen = 0


class Lockstep:
    """The queue and the barrier. ``step`` moves the market once, though not past a time (0: no matter how far), and
    returns the time when it stopped there for the client's sake, else 0, and ``None`` at the end of the data. ``end``
    tells the client of the end, ``tell`` of the time.

    Without an attached client frames leave at once and the market stands still.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        sent: Sent,
        step: Callable[[int], int | None],
        end: Callable[[], None],
        tell: Callable[[int], None],
    ) -> None:
        self._loop = loop
        self._sent = sent
        self._step = step
        self._end = end
        self._tell = tell
        self._queue: deque[tuple[Channel, bytes]] = deque()
        self._sockets: dict[Channel, _Socket] = {}
        self._by_port: dict[int, _Socket] = {}
        self._named: Mapping[int, int] = {}  # by the last report
        self._gone: set[int] = set()  # closed here, and still named by the last report
        self._outstanding = 0
        self._timer = self._told = 0
        self._ready = False
        self._attached = False
        self._exhausted = False
        self._ended = False
        self._running = False

    # --- the client -----------------------------------------------------------------------------------------------

    def attach(self) -> None:
        """A client leads from now on; the market waits for its first report, and the end is told to it anew."""
        self._attached, self._ready, self._outstanding, self._ended = True, False, 0, False
        self._named, self._gone = {}, set()
        self._timer = self._told = 0

    def detach(self) -> None:
        """The client is gone: the market stands still, waiting frames leave."""
        self._attached = False
        self._advance()

    def rewind(self) -> None:
        """The market begins anew."""
        self._exhausted = self._ended = False
        self._timer = self._told = 0

    def seen(self, frames: Mapping[int, int], outstanding: int, ready: bool, timer: int = 0, told: int = 0) -> None:
        """A report: frames handled by local port of the client, unanswered requests, readiness, when the client acts
        next by itself (0: not at all) and the last time it was told and has handled."""
        for port, count in frames.items():
            socket = self._by_port.get(port)
            if socket is not None and count > socket.seen:
                socket.seen = count
        self._outstanding, self._ready, self._named = outstanding, ready, frames
        self._gone &= frames.keys()
        self._timer = timer
        if told >= self._told:
            self._told = 0
        self._advance()

    # --- Delivery -------------------------------------------------------------------------------------------------

    def opened(self, channel: Channel, kind: str) -> None:
        if channel.in_lockstep:
            self._sockets[channel] = self._by_port[channel.port] = _Socket(kind)
            self._gone.discard(channel.port)

    def closed(self, channel: Channel) -> None:
        socket = self._sockets.pop(channel, None)
        if socket is not None and self._by_port.get(channel.port) is socket:
            del self._by_port[channel.port]
            if channel.port in self._named:
                self._gone.add(channel.port)
        self._advance()

    def send(self, channel: Channel, frame: bytes, delay: float = 0.0) -> None:
        """Queue a frame; ``delay`` does not exist in lock-step, and bystanders are served at once."""
        if not channel.in_lockstep:
            channel.send(frame)
            return
        self._queue.append((channel, frame))
        self._advance()

    # --- the barrier ----------------------------------------------------------------------------------------------

    def _advance(self) -> None:
        if self._running:  # a step or a cut socket came back here: the loop below goes on with what it added
            return
        self._running = True
        try:
            self._run()
        finally:
            self._running = False

    def _run(self) -> None:
        quiet = 0
        while True:
            if self._attached and self._is_behind():
                return
            if self._queue:
                self._write_neighbours()
            elif not self._may_step():
                return
            elif quiet == _QUIET_STEPS:
                self._loop.call_soon(self._advance)
                return
            else:
                quiet += 1
                self._take_step()

    def _is_behind(self) -> bool:
        return any(socket.seen < socket.sent for socket in self._sockets.values())

    def _may_step(self) -> bool:
        return self._attached and self._ready and not (self._outstanding or self._told or self._gone or self._ended)

    def _take_step(self) -> None:
        if self._exhausted:
            self._ended = True
            self._end()
            return
        reached = self._step(self._timer)
        self._exhausted = reached is None
        if reached:
            self._told = reached
            self._tell(reached)

    def _write_neighbours(self) -> None:
        channel = self._queue[0][0]
        while self._queue and self._queue[0][0] is channel:
            self._write(*self._queue.popleft())

    def _write(self, channel: Channel, frame: bytes) -> None:
        socket = self._sockets.get(channel)
        if socket is None or not channel.is_open:
            return
        socket.sent += 1
        channel.send(frame)
        self._sent(socket.kind, channel)
