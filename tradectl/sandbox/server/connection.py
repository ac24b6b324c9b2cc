"""One TCP connection: HTTP/1.1 with bounded requests and ordered answers, until it becomes a WebSocket."""

import asyncio
from collections import deque
from typing import Protocol, cast

import httptools

from tradectl.sandbox.config import SandboxConfig
from tradectl.sandbox.server.channel import Channel
from tradectl.sandbox.server.envelope import refusal
from tradectl.sandbox.server.http_messages import HttpAnswer, HttpRequest, split_target

_MAX_WAITING = 64


class Application(Protocol):
    """What a connection serves."""

    def answer(self, request: HttpRequest) -> HttpAnswer:
        """Answer a whole request; never raises."""

    def open_channel(self, request: HttpRequest, channel: Channel) -> None:
        """Take over a WebSocket whose handshake was just accepted."""

    def knows_channel(self, path: str) -> bool:
        """Whether there is a WebSocket at ``path``."""


class _TooLarge(Exception):
    """A bound on the size of a request was passed; ``status`` answers it."""

    def __init__(self, status: int) -> None:
        self.status = status


class Connection(asyncio.Protocol):
    """Feeds the HTTP parser; its ``on_*`` methods are httptools' callbacks."""

    def __init__(self, application: Application, config: SandboxConfig, connections: "set[Connection]") -> None:
        self._application = application
        self._config = config
        self._connections = connections
        self._parser = httptools.HttpRequestParser(self)
        self._loop = asyncio.get_running_loop()
        self._since = self._loop.time()
        self._in_request = True  # a fresh connection owes us a request
        self._answers: deque[_Slot] = deque()
        self._closing = False
        self._channel: Channel | None = None
        self._websocket: HttpRequest | None = None
        self._failed_status = 0
        self._reset()

    # --- asyncio.Protocol ---------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass
        peer = transport.get_extra_info("peername") or ("", 0)
        self._peer, self._port = str(peer[0]), int(peer[1])
        self._connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.discard(self)
        self._closing = True
        if self._channel is not None:
            self._channel.lost()

    def eof_received(self) -> bool:
        return False

    def pause_writing(self) -> None:
        if self._channel is None:
            self._transport.pause_reading()

    def resume_writing(self) -> None:
        if self._channel is None and not self._closing:
            self._transport.resume_reading()

    def data_received(self, data: bytes) -> None:
        if self._channel is not None:
            self._channel.received(data)
            return
        if self._closing:
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._upgrade(data[upgrade.args[0] :])
        except httptools.HttpParserError:
            self._fail(self._failed_status or 400)

    # --- httptools ----------------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        self._reset()
        self._in_request = True
        self._since = self._loop.time()

    def on_url(self, url: bytes) -> None:
        self._target += url
        self._grow_head(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        self._grow_head(len(name) + len(value) + 4)
        self._headers.append((name.decode("latin-1"), value.decode("latin-1")))

    def on_headers_complete(self) -> None:
        for name, value in self._headers:
            if name.lower() == "expect" and value.lower() == "100-continue":
                self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        self._body += body
        if len(self._body) > self._config.max_body:
            self._refuse_size(413)

    def on_message_complete(self) -> None:
        self._in_request = False
        self._since = self._loop.time()
        request = self._request()
        if self._is_websocket(request):
            self._websocket = request
            return
        self._answer(request)

    # --- requests -----------------------------------------------------------------------------------------------

    def _reset(self) -> None:
        self._target = b""
        self._headers: list[tuple[str, str]] = []
        self._body = bytearray()
        self._head_size = 0
        self._websocket = None

    def _grow_head(self, size: int) -> None:
        self._head_size += size
        if self._head_size > self._config.max_head:
            self._refuse_size(431)

    def _refuse_size(self, status: int) -> None:
        self._failed_status = status
        raise _TooLarge(status)

    def _request(self) -> HttpRequest:
        path, query = split_target(self._target)
        headers = {name.lower(): value for name, value in self._headers}
        method = self._parser.get_method().decode("ascii")
        return HttpRequest(method, path, query, headers, bytes(self._body), self._peer, self._port)

    def _is_websocket(self, request: HttpRequest) -> bool:
        return (
            bool(self._parser.should_upgrade())
            and request.headers.get("upgrade", "").lower() == "websocket"
            and self._application.knows_channel(request.path)
        )

    def _answer(self, request: HttpRequest) -> None:
        keep_alive = bool(self._parser.should_keep_alive()) and not self._parser.should_upgrade()
        answer = self._application.answer(request)
        slot = _Slot(answer, keep_alive, request.method != "HEAD")
        self._answers.append(slot)
        if answer.hold is not None:
            answer.hold(lambda: self._release(slot))
        else:
            self._release(slot)
        if len(self._answers) > _MAX_WAITING:
            self._transport.abort()

    def _release(self, slot: "_Slot") -> None:
        slot.ready = True
        while self._answers and self._answers[0].ready and not self._closing:
            self._write(self._answers.popleft())
        if slot.answer.then is not None:
            then, slot.answer.then = slot.answer.then, None
            then()

    def _write(self, slot: "_Slot") -> None:
        if slot.answer.drop:
            self._closing = True
            self._transport.abort()
            return
        self._transport.write(slot.answer.encode(slot.keep_alive, slot.with_body))
        if not slot.keep_alive:
            self._closing = True
            self._transport.close()

    def _fail(self, status: int) -> None:
        """Answer a request that cannot be read, and close: what follows it cannot be trusted."""
        reply = refusal(10001, "params error: malformed or oversized HTTP request", status=status)
        self._transport.write(HttpAnswer(reply.body(0), status).encode(keep_alive=False))
        self._closing = True
        self._transport.close()

    def _upgrade(self, rest: bytes) -> None:
        if self._websocket is None:
            return  # some other protocol was offered: it was answered as plain HTTP, and the connection closes
        request = self._websocket
        config = self._config
        channel = Channel(
            self._transport,
            self._peer,
            self._port,
            max_size=config.max_body,
            buffer_limit=config.client_buffer,
            idle_seconds=config.idle_seconds,
        )
        self._channel = channel
        if not channel.accept(self._target.decode("latin-1"), self._headers):
            return
        self._application.open_channel(request, channel)
        if rest:
            channel.received(rest)

    # --- time ---------------------------------------------------------------------------------------------------

    def sweep(self, now: float) -> None:
        """Close what is overdue: a request that does not arrive, a connection nobody uses. ``now`` is loop time."""
        if self._channel is not None:
            self._sweep_channel(self._channel, now)
        elif self._in_request and now - self._since > self._config.request_seconds:
            self._fail(408)
        elif not self._answers and now - self._since > self._config.idle_seconds:
            self._transport.close()

    def _sweep_channel(self, channel: Channel, now: float) -> None:
        if not channel.is_open and now - channel.last_active > self._config.request_seconds:
            self._transport.abort()
        elif channel.is_open and now - channel.last_active > channel.idle_seconds:
            channel.close(1001, "idle")

    def reset(self) -> None:
        """The venue begins anew: data sockets are cut, the control client and plain HTTP stay."""
        if self._channel is not None and not self._channel.outlives_reset:
            self._channel.close(1012, "the sandbox was reset")

    def shut(self) -> None:
        """The server stops."""
        if self._channel is not None:
            self._channel.close(1001, "going away")
        self._transport.close()


class _Slot:
    """An answer in its place in the queue of a connection."""

    __slots__ = ("answer", "keep_alive", "ready", "with_body")

    def __init__(self, answer: HttpAnswer, keep_alive: bool, with_body: bool) -> None:
        self.answer = answer
        self.keep_alive = keep_alive
        self.with_body = with_body
        self.ready = False
