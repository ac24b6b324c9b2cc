"""One WebSocket connection: the sans-I/O protocol of ``websockets`` over a transport, whole text messages both ways."""

import asyncio
from collections.abc import Callable, Iterable

from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import State
from websockets.server import ServerProtocol


class Channel:
    """Calls ``on_text`` with each whole message and ``on_close`` once. ``port`` is the peer's TCP port.

    A peer that lets more than ``buffer_limit`` bytes wait is disconnected. ``in_lockstep`` is false for a bystander
    whose frames a lock-step client does not report.
    """

    def __init__(
        self,
        transport: asyncio.Transport,
        peer: str,
        port: int,
        *,
        max_size: int,
        buffer_limit: int,
        idle_seconds: float,
    ) -> None:
        self._transport = transport
        self._protocol = ServerProtocol(max_size=max_size)
        self._buffer_limit = buffer_limit
        self._parts: list[bytes] = []
        self._loop = asyncio.get_running_loop()
        self.peer = peer
        self.port = port
        self.is_open = False
        self.idle_seconds = idle_seconds
        self.outlives_reset = False
        self.in_lockstep = True
        self.last_active = self._loop.time()
        self.on_text: Callable[[bytes], None] = _ignore
        self.on_close: Callable[[], None] = _nothing

    def accept(self, target: str, headers: Iterable[tuple[str, str]]) -> bool:
        """Answer the handshake; ``False`` when it was refused (the answer says why)."""
        lines = [f"GET {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers), "", ""]
        self._protocol.receive_data("\r\n".join(lines).encode("latin-1"))
        for event in self._protocol.events_received():
            if isinstance(event, Request):
                self._protocol.send_response(self._protocol.accept(event))
        self._flush()
        self.is_open = self._protocol.state is State.OPEN
        return self.is_open

    def send(self, message: bytes) -> None:
        """Send one text message (UTF-8); nothing once closed."""
        if not self.is_open:
            return
        self._protocol.send_text(message)
        self.last_active = self._loop.time()
        self._flush()
        if self._transport.get_write_buffer_size() > self._buffer_limit:
            self.abort()

    def received(self, data: bytes) -> None:
        """Bytes from the peer."""
        self.last_active = self._loop.time()
        self._protocol.receive_data(data)
        for event in self._protocol.events_received():
            if isinstance(event, Frame):
                self._handle(event)
        self._flush()

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Start the closing handshake; the peer that never answers is swept away by its idle time."""
        if self.is_open:
            self._protocol.send_close(code, reason)
            self._flush()
        self.lost()

    def abort(self) -> None:
        """Cut the connection without a word."""
        self._transport.abort()
        self.lost()

    def lost(self) -> None:
        """The connection is gone."""
        if self.is_open:
            self.is_open = False
            self.on_close()

    def _handle(self, frame: Frame) -> None:
        if frame.opcode is Opcode.TEXT or frame.opcode is Opcode.CONT:
            self._parts.append(bytes(frame.data))
            if frame.fin:
                message = b"".join(self._parts)
                self._parts.clear()
                if self.is_open:
                    self.on_text(message)
        elif frame.opcode is Opcode.BINARY and self.is_open:
            self.close(1003, "text messages only")

    def _flush(self) -> None:
        for data in self._protocol.data_to_send():
            if data:
                self._transport.write(data)
            else:
                self._transport.close()
        if self._protocol.state is not State.OPEN:
            self.lost()


def _ignore(message: bytes) -> None:
    """Until a session took the channel over."""


def _nothing() -> None:
    """Until a session took the channel over."""
