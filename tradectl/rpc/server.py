"""The server: newline-delimited JSON-RPC 2.0 on a Unix socket.

No task per message: a line is decoded in the read callback, a synchronous handler is called right there and its answer
written before the next line is looked at. A coroutine handler runs as a task, at most 16 per connection; past that the
connection is simply not read. What one client sends can end its own connection and no other.
"""

import asyncio
import logging
import os
import socket
import struct
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, cast

import msgspec
from msgspec import Struct

from tradectl.model.errors import ErrorCode, Problem
from tradectl.rpc import protocol as wire
from tradectl.rpc.address import listen, release
from tradectl.rpc.methods import DROPPED_NOTIFICATION, EVENT_NOTIFICATION, Delta, Method

log = logging.getLogger("tradectl.rpc")


class Handler:
    """Serves one method: its parameter type, its answer's type and the callable ``call(params, peer)``.

    ``call`` may be a plain function or a coroutine function; a ``Problem`` it raises reaches the client as it is.
    """

    __slots__ = ("call", "decoder", "params", "result")

    def __init__(self, params: type, result: type, call: Callable[[Any, "Peer"], Any | Awaitable[Any]]) -> None:
        self.params, self.result, self.call = params, result, call
        self.decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(params)

    @classmethod
    def of(cls, method: Method[Any, Any], call: Callable[[Any, "Peer"], Any | Awaitable[Any]]) -> "Handler":
        """The handler of a declared method."""
        return cls(method.params, method.result, call)


class Peer(asyncio.Protocol):
    """One connection, and who is at its other end (``uid``, ``pid``)."""

    def __init__(self, server: "RpcServer") -> None:
        self._server = server
        self._transport: asyncio.Transport | None = None
        self._lines = _LineBuffer(server.max_request)
        self._tasks: set[asyncio.Task[None]] = set()
        self._queue: deque[bytes] = deque()
        self._half_sent: asyncio.TimerHandle | None = None
        self._slow: asyncio.TimerHandle | None = None
        self._writable = True
        self._reading = True
        self._eof = False
        self.dropped = 0
        self.uid = self.pid = -1

    # --- asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass of it
        self.pid, self.uid = self._server.credentials(transport)
        refusal = self._server.admit(self)
        if refusal is not None:
            self._write(wire.error_line(None, refusal))
            transport.close()

    def data_received(self, data: bytes) -> None:
        self._lines.feed(data)
        self._pump()

    def eof_received(self) -> bool:
        self._eof = True
        return bool(self._tasks)  # a client that half-closed still gets the answers under way

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        for timer in (self._half_sent, self._slow):
            if timer is not None:
                timer.cancel()
        self._queue.clear()
        self._server.forget(self)

    def pause_writing(self) -> None:
        self._writable = False
        self._slow = asyncio.get_running_loop().call_later(self._server.slow_client, self._abort)

    def resume_writing(self) -> None:
        self._writable = True
        if self._slow is not None:
            self._slow.cancel()
            self._slow = None
        if self.dropped:
            self._queue.append(wire.notification_line(DROPPED_NOTIFICATION, {"dropped": self.dropped}))
            self.dropped = 0
        while self._queue and self._writable:
            self._write(self._queue.popleft())
        self._pump()

    # --- sending

    @property
    def closed(self) -> bool:
        return self._transport is None or self._transport.is_closing()

    def notify(self, line: bytes) -> None:
        """Send a notification line, or keep it while the peer reads slowly; past the queue's length it is dropped and
        counted, and the peer is told how many were."""
        if self._writable and not self._queue:
            self._write(line)
        elif len(self._queue) < self._server.subscriber_queue:
            self._queue.append(line)
        else:
            self.dropped += 1

    def _write(self, line: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(line)

    def _abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def close(self) -> None:
        """Close after what was written is out."""
        if self._transport is not None:
            self._transport.close()

    # --- receiving

    def _pump(self) -> None:
        """Serve every complete line while there is room for its call and the peer reads its answers."""
        while not self.closed and self._has_room():
            try:
                line = self._lines.next_line()
            except Problem as problem:
                self._write(wire.error_line(None, problem, wire.INVALID_REQUEST))
                self.close()
                return
            if line is None:
                break
            if line.strip():
                self._serve(line)
        if self._eof and not self._tasks:
            self.close()
        self._set_reading(self._has_room())
        self._watch_half_sent()

    def _has_room(self) -> bool:
        return self._writable and len(self._tasks) < self._server.max_in_flight

    def _set_reading(self, wanted: bool) -> None:
        if self._transport is None or self.closed or wanted == self._reading:
            return
        self._reading = wanted
        if wanted:
            self._transport.resume_reading()
        else:
            self._transport.pause_reading()

    def _watch_half_sent(self) -> None:
        if self._half_sent is not None:
            self._half_sent.cancel()
            self._half_sent = None
        if self._lines.pending and self._reading and not self.closed:
            self._half_sent = asyncio.get_running_loop().call_later(self._server.half_sent, self._give_up)

    def _give_up(self) -> None:
        problem = Problem(
            ErrorCode.TIMEOUT,
            f"a message was left unfinished for {self._server.half_sent:g} s",
            reason="half-sent message",
            remedy="End each message with a newline.",
        )
        self._write(wire.error_line(None, problem, wire.INVALID_REQUEST))
        self.close()

    def _serve(self, line: bytes) -> None:
        try:
            request = wire.REQUESTS.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            number = wire.INVALID_REQUEST if isinstance(error, msgspec.ValidationError) else wire.PARSE_ERROR
            self._write(wire.error_line(None, _malformed(str(error)), number))
            return
        call = None if isinstance(request.id, msgspec.UnsetType) else request.id
        silent = isinstance(request.id, msgspec.UnsetType)
        try:
            if request.jsonrpc != "2.0":
                raise _malformed(f'jsonrpc is {request.jsonrpc!r}, not "2.0"')
            handler = self._server.handler(request.method)
            answer = handler.call(_decode_params(handler, request), self)
        except Problem as problem:
            self._answer(call, silent, problem)
            return
        except Exception:
            log.exception("%s failed", request.method)
            self._answer(call, silent, _failed(request.method))
            return
        if asyncio.iscoroutine(answer):
            task = asyncio.get_running_loop().create_task(self._await(request.method, call, silent, answer))
            self._tasks.add(task)
            task.add_done_callback(self._finished)
        else:
            self._answer(call, silent, answer)

    async def _await(self, method: str, call: int | str | None, silent: bool, answer: Awaitable[Any]) -> None:
        try:
            result = await answer
        except Problem as problem:
            result = problem
        except Exception:
            log.exception("%s failed", method)
            result = _failed(method)
        self._answer(call, silent, result)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._pump()

    def _answer(self, call: int | str | None, silent: bool, answer: Any) -> None:
        if silent:
            return
        if isinstance(answer, Problem):
            self._write(wire.error_line(call, answer))
            return
        line = wire.result_line(call, answer, self._server.about)
        if len(line) > self._server.max_response:
            line = wire.error_line(call, _answer_too_large(len(line), self._server.max_response))
        self._write(line)


class RpcServer:
    """Serves ``methods`` at ``path``. ``setting`` is what an operator changes when the path is too long.

    ``about`` (``{"mode": ..., "profile": ...}``) goes with every answer, so that whatever shows it can name both.

    The limits are arguments so that a test can reach them; their defaults are the ones documented in ``protocol``.
    """

    def __init__(
        self,
        path: Path | str,
        methods: Mapping[str, Handler],
        *,
        setting: str = "TRADECTL_STATE",
        about: Mapping[str, str] | None = None,
        max_request: int = wire.MAX_REQUEST,
        max_response: int = wire.MAX_RESPONSE,
        max_connections: int = wire.MAX_CONNECTIONS,
        max_in_flight: int = wire.MAX_IN_FLIGHT,
        subscriber_queue: int = wire.SUBSCRIBER_QUEUE,
        slow_client: float = wire.SLOW_CLIENT,
        half_sent: float = wire.HALF_SENT,
    ) -> None:
        self.path = Path(path)
        self._methods = dict(methods)
        self._setting = setting
        self.about = wire.ENCODER.encode(about) if about else b""
        self.max_request, self.max_response = max_request, max_response
        self.max_connections, self.max_in_flight = max_connections, max_in_flight
        self.subscriber_queue, self.slow_client, self.half_sent = subscriber_queue, slow_client, half_sent
        self._peers: set[Peer] = set()
        self._server: asyncio.AbstractServer | None = None
        self._inode = -1

    async def start(self) -> None:
        """Listen. Raises ``Problem``: path too long, directory open to others, path in use."""
        listening = listen(self.path, self._setting)
        self._inode = self.path.lstat().st_ino
        self._server = await asyncio.get_running_loop().create_unix_server(lambda: Peer(self), sock=listening)

    async def close(self) -> None:
        """Stop listening, close every connection after its written answers, remove the socket file."""
        if self._server is None:
            return
        self._server.close()
        self._server = None
        release(self.path, self._inode)
        for peer in list(self._peers):
            peer.close()
        await asyncio.sleep(0)

    async def __aenter__(self) -> "RpcServer":
        await self.start()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    @property
    def connections(self) -> int:
        return len(self._peers)

    def credentials(self, transport: asyncio.BaseTransport) -> tuple[int, int]:
        """The peer's (pid, uid) as the kernel vouches for them."""
        sock = transport.get_extra_info("socket")
        pid, uid, _ = struct.unpack("3i", sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        return pid, uid

    def admit(self, peer: Peer) -> Problem | None:
        """Take the connection in, or say why not: another user, or too many already."""
        if peer.uid not in (os.geteuid(), 0):
            return Problem(
                ErrorCode.FORBIDDEN,
                f"user id {peer.uid} may not control this daemon",
                reason="only the daemon's own user and root may",
                remedy="Use the account the daemon runs as, or sudo -u.",
            )
        if len(self._peers) >= self.max_connections:
            return Problem(
                ErrorCode.TOO_MANY_REQUESTS,
                f"{self.max_connections} connections are open",
                reason="no more connections are taken",
                remedy="Close other clients and try again.",
            )
        self._peers.add(peer)
        return None

    def forget(self, peer: Peer) -> None:
        self._peers.discard(peer)

    def handler(self, method: str) -> Handler:
        """Raises ``Problem(UNKNOWN_METHOD)``."""
        found = self._methods.get(method)
        if found is None:
            raise Problem(
                ErrorCode.UNKNOWN_METHOD,
                f"there is no method {method!r}",
                field="method",
                reason="unknown method",
                remedy="Is the daemon of an older version? Restart it.",
            )
        return found


class Feed:
    """Sends deltas to every subscriber, encoded once.

    A subscribe handler must be synchronous: it calls :meth:`add` and returns the snapshot in one step, so the
    subscriber receives exactly the deltas published after it.
    """

    def __init__(self) -> None:
        self._peers: list[Peer] = []

    def add(self, peer: Peer) -> None:
        """Start sending to ``peer``; once more is harmless."""
        if peer not in self._peers:
            self._peers.append(peer)

    @property
    def subscribers(self) -> int:
        self._peers = [peer for peer in self._peers if not peer.closed]
        return len(self._peers)

    def publish(self, delta: Delta | Struct, notification: str = EVENT_NOTIFICATION) -> None:
        """Send ``delta`` to all; free of cost when nobody listens."""
        if not self._peers or not self.subscribers:
            return
        line = wire.notification_line(notification, delta)
        for peer in self._peers:
            peer.notify(line)


class _LineBuffer:
    """Cuts a byte stream at newlines, never holding more than one over-long line."""

    __slots__ = ("_data", "_limit", "_scanned")

    def __init__(self, limit: int) -> None:
        self._data = bytearray()
        self._limit = limit
        self._scanned = 0

    def feed(self, data: bytes) -> None:
        self._data += data

    @property
    def pending(self) -> bool:
        return bool(self._data)

    def next_line(self) -> bytes | None:
        """The next whole line, ``None`` when there is none yet. Raises ``Problem(TOO_LARGE)``."""
        end = self._data.find(b"\n", self._scanned)
        if end > self._limit or (end < 0 and len(self._data) > self._limit):
            self._data.clear()
            raise Problem(
                ErrorCode.TOO_LARGE,
                f"a message is longer than {self._limit} bytes",
                reason="message too large",
                remedy="Send a smaller request.",
            )
        if end < 0:
            self._scanned = len(self._data)
            return None
        line = bytes(self._data[:end])
        del self._data[: end + 1]
        self._scanned = 0
        return line


def _malformed(detail: str) -> Problem:
    return Problem(
        ErrorCode.INVALID_REQUEST,
        f"the message is no JSON-RPC 2.0 request: {detail}",
        reason=detail,
        remedy='Send one object per line: {"jsonrpc":"2.0","id":1,"method":"status","params":{}}',
    )


def _decode_params(handler: Handler, request: wire.Request) -> Any:
    try:
        return handler.decoder.decode(request.params)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        text = str(error)
        path = text.rpartition(" - at `$")[2].rstrip("`").lstrip(".") if " - at `$" in text else ""
        reason = text.partition(" - at `$")[0]
        named = reason.rpartition("`")[0].rpartition("`")[2] if "field `" in reason else ""
        field = ".".join(part for part in (path, named) if part)
        raise Problem(
            ErrorCode.INVALID_REQUEST,
            f"{request.method}: {f'{field}: ' if field else ''}{reason}",
            field=field,
            reason=reason,
            remedy="Correct the parameter and send it again.",
        ) from None


def _failed(method: str) -> Problem:
    return Problem(
        ErrorCode.INTERNAL,
        f"{method} failed",
        reason="an error in the program",
        remedy="See the log (tradectl logs) and report it.",
    )


def _answer_too_large(size: int, limit: int) -> Problem:
    return Problem(
        ErrorCode.TOO_LARGE,
        f"the answer would be {size} bytes, {limit} is the most",
        reason="answer too large",
        remedy="Narrow it with a filter or a smaller limit.",
    )
