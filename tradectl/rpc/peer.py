"""One connection of the server: reads requests, calls handlers, writes answers and notifications.

No task per message: a line is decoded in the read callback, a synchronous handler is called right there and its answer
written before the next line is looked at. A coroutine handler runs as a task, at most 16 per connection; past that, or
when the client does not read its answers, the connection is simply not read.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, Protocol, cast

import msgspec

from tradectl.model.errors import ErrorCode, Problem
from tradectl.rpc import protocol as wire
from tradectl.rpc.lines import LineBuffer
from tradectl.rpc.methods import DROPPED_NOTIFICATION, Method

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


class Host(Protocol):
    """The server as its connections see it: limits, and who may come in."""

    about: bytes
    max_request: int
    max_response: int
    max_in_flight: int
    subscriber_queue: int
    slow_client: float
    half_sent: float

    def credentials(self, transport: asyncio.BaseTransport) -> tuple[int, int]: ...
    def admit(self, peer: "Peer") -> Problem | None: ...
    def forget(self, peer: "Peer") -> None: ...
    def handler(self, method: str) -> Handler: ...


class Peer(asyncio.Protocol):
    """One connection, and who is at its other end (``uid``, ``pid``)."""

    def __init__(self, server: Host) -> None:
        self._server = server
        self._transport: asyncio.Transport | None = None
        self._lines = LineBuffer(server.max_request)
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
