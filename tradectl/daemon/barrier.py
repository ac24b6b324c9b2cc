"""The stepped sandbox's barrier: tells it what was received on each socket, so that it may send the next frame, and
when the engine wants to act next, so that its clock stops there first.

Wired here for the stepped sandbox only; the connector knows nothing of it (decision 2).
"""

import asyncio
from collections.abc import Callable, Mapping

import msgspec

from tradectl.exchange.bybit.transport import Connect, Transport, TransportOptions

_ENCODE = msgspec.json.Encoder().encode


class Barrier:
    """The control connection to a stepped sandbox."""

    def __init__(
        self,
        url: str,
        connect: Connect,
        frames: Callable[[], Mapping[int, int]],
        outstanding: Callable[[], int],
        ready: Callable[[], bool],
        next_act: Callable[[], int],
        tick: Callable[[int], None],
    ) -> None:
        """``next_act`` says when the engine's first timer is due that may send something (nanoseconds, 0: none), and
        ``tick`` is told when the venue's clock has come to it."""
        self._url = url
        self._connect = connect
        self._frames = frames
        self._outstanding = outstanding
        self._ready = ready
        self._next_act = next_act
        self._tick = tick
        self._told = 0
        self._transport: Transport | None = None
        self._task: asyncio.Task[None] | None = None
        self._closed = asyncio.Event()
        self._scheduled = False
        self._last: bytes = b""
        #: Set when the data came to its end and everything was handled.
        self.ended = asyncio.Event()

    def start(self) -> None:
        """Attach, and attach again when the sandbox was away."""
        self._task = asyncio.get_running_loop().create_task(self._stay())

    async def _stay(self) -> None:
        while True:
            self._closed.clear()
            try:
                self._transport = await self._connect(
                    self._url, self._on_message, self._on_closed, TransportOptions(5.0)
                )
            except OSError:
                await asyncio.sleep(0.1)
                continue
            self._transport.start()
            self._transport.send(b'{"op":"attach"}')
            self._last = b""
            self.report()
            await self._closed.wait()
            self._transport = None

    def _on_message(self, data: bytes) -> None:
        message = msgspec.json.decode(data)
        if message["op"] == "end":
            self.ended.set()
        elif message["op"] == "time":
            self._told = message["at"]
            self._tick(self._told)
            self.report()

    def _on_closed(self, reason: str) -> None:
        self._closed.set()

    def report(self) -> None:
        """Say what was handled so far, once per turn of the loop however often it is asked."""
        if not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._report)

    def _report(self) -> None:
        self._scheduled = False
        if self._transport is None:
            return
        seen = {str(port): count for port, count in self._frames().items()}
        line = _ENCODE(
            {
                "op": "seen", "frames": seen, "outstanding": self._outstanding(), "ready": self._ready(),
                "timer": self._next_act(), "told": self._told,
            }
        )  # fmt: skip
        if line == self._last:
            return
        self._last = line
        try:
            self._transport.send(line)
        except ConnectionError:
            self._closed.set()

    def stop(self) -> None:
        """Detach; the market stands still."""
        if self._task is not None:
            self._task.cancel()
        if self._transport is not None:
            self._transport.close()
            self._transport = None
