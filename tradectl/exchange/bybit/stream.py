"""One WebSocket kept alive: connect, authenticate, subscribe, ping, notice silence, reconnect, start over.

It is *up* only when it is authenticated and every wanted topic was acknowledged. What its messages mean is the
business of the ``handle`` it was given; acknowledgements and pongs are handled here.
"""

import asyncio
from collections.abc import Callable, Iterable

import msgspec
from msgspec import Struct

from tradectl.exchange.bybit.transport import Connect, Transport, TransportOptions
from tradectl.exchange.bybit.wire import CommandResult, Control
from tradectl.exchange.retry_handler import backoff

_CONTROL = msgspec.json.Decoder(Control, strict=False)
_COMMAND = msgspec.json.Decoder(CommandResult)
_ENCODE = msgspec.json.Encoder().encode
#: Seconds between two looks at silence, pings and overdue acknowledgements.
TICK = 1.0


class StreamHooks(Struct):
    """What a stream tells its owner. All are called on the loop.

    ``handle(payload)`` returns whether the message was its own; ``refused(topic, text)`` a rejected topic;
    ``changed(up, reason)`` the state; ``count(name)`` something countable; ``idle()`` the end of each callback;
    ``tick(now)`` once a second while connected, in loop time.
    """

    handle: Callable[[bytes], bool]
    changed: Callable[[bool, str], None]
    count: Callable[[str], None]
    idle: Callable[[], None]
    refused: Callable[[str, str], None]
    tick: Callable[[float], None] | None = None


class StreamPlan(Struct):
    """Where and how: ``auth`` makes the ``args`` of the auth request, ``None`` for a public stream.

    ``chunk`` topics go into one request: spot allows 10 (bybit-v5 8.1). Durations in seconds.
    """

    url: str
    connect: Connect
    options: TransportOptions
    ping_interval: float
    silence_limit: float
    answer_timeout: float
    first_delay: float
    longest_delay: float
    random: Callable[[], float]
    frames: dict[int, int]
    auth: Callable[[], list[object]] | None = None
    chunk: int = 10


class _Request(Struct):
    op: str
    topics: tuple[str, ...]
    deadline: float


class Stream:
    """See the module. ``wanted`` topics survive a reconnect; the connection itself does not."""

    def __init__(self, name: str, plan: StreamPlan, hooks: StreamHooks) -> None:
        self.name = name
        self.plan = plan
        self.hooks = hooks
        self.up = False
        self.down_reason = "not connected yet"
        self.auth_refused = ""
        self.wanted: dict[str, None] = {}
        self._queue: dict[str, list[str]] = {"unsubscribe": [], "subscribe": []}
        self._requests: dict[str, _Request] = {}
        self._authenticated = False
        self._transport: Transport | None = None
        self._port = 0
        self._lost: asyncio.Future[str] | None = None
        self._task: asyncio.Task[None] | None = None
        self._flushing: asyncio.Handle | None = None
        self._ticker: asyncio.TimerHandle | None = None
        self._was_up = False
        self._serial = 0
        self._told: bool | None = None
        self._heard = False
        self._last_frame = self._last_ping = 0.0
        self._settled = asyncio.Event()

    # --- the owner's side --------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin connecting in the background."""
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run(), name=f"stream {self.name}")

    async def settled(self) -> None:
        """Wait until the first attempt ended: up, refused or failed."""
        await self._settled.wait()

    async def stop(self) -> None:
        """Close for good."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._drop("closed")

    @property
    def outstanding(self) -> int:
        """Requests without an acknowledgement; a stream that should be up and is not counts as one."""
        waiting = len(self._requests) + sum(map(len, self._queue.values()))
        return waiting if self.up or self._task is None or self._task.done() else waiting + 1

    def subscribe(self, topics: Iterable[str]) -> None:
        """Want ``topics`` from now on; requests of one loop iteration leave together."""
        for topic in topics:
            if topic not in self.wanted:
                self.wanted[topic] = None
                self._enqueue("subscribe", topic)

    def unsubscribe(self, topic: str) -> None:
        """Do not want ``topic`` any more."""
        if topic in self.wanted:
            del self.wanted[topic]
            if topic in self._queue["subscribe"]:
                self._queue["subscribe"].remove(topic)
            else:
                self._enqueue("unsubscribe", topic)

    def resubscribe(self, topic: str) -> None:
        """Ask for a fresh start of a wanted topic."""
        if topic in self.wanted and topic not in self._queue["subscribe"]:
            self._enqueue("unsubscribe", topic)
            self._enqueue("subscribe", topic)

    def send(self, payload: bytes) -> None:
        """Hand one message to the socket. Raises ``ConnectionError`` when there is none."""
        if self._transport is None:
            raise ConnectionError(self.down_reason)
        self._transport.send(payload)

    def restart(self, reason: str) -> None:
        """Drop the connection and make a new one."""
        self._end(reason)

    # --- life of the connection --------------------------------------------------------------------------------

    async def _run(self) -> None:
        attempt = 0
        while True:
            reason = await self._connect_once()
            attempt = 0 if self._was_up else attempt + 1
            self._drop(reason)
            self.hooks.count("reconnects")
            delay = backoff(attempt, self.plan.first_delay, self.plan.longest_delay, self.plan.random)
            await asyncio.sleep(delay)

    async def _connect_once(self) -> str:
        """Live through one connection; returns why it ended."""
        loop = asyncio.get_running_loop()
        self._lost = loop.create_future()
        self._was_up = False
        plan = self.plan
        try:
            transport = await plan.connect(plan.url, self._on_message, self._on_closed, plan.options)
        except (OSError, ValueError) as error:
            return f"cannot connect to {plan.url}: {error or type(error).__name__}"
        self._transport, self._port = transport, transport.local_port
        plan.frames[self._port] = 0
        self._last_frame = self._last_ping = loop.time()
        transport.start()
        self._greet()
        self._ticker = loop.call_later(TICK, self._tick)
        try:
            return await self._lost
        finally:
            self._ticker.cancel()

    def _greet(self) -> None:
        if self.plan.auth is None:
            self._authenticated = True
            self._subscribe_all()
        else:
            self._request("auth", (), self.plan.auth())

    def _subscribe_all(self) -> None:
        for queue in self._queue.values():
            queue.clear()
        for topic in self.wanted:
            self._enqueue("subscribe", topic)
        self._flush()

    def _on_closed(self, reason: str) -> None:
        self._end(reason)

    def _end(self, reason: str) -> None:
        """The connection is over: say so at once, so that nothing in flight waits for a dead socket."""
        if self._transport is not None:
            self._drop(reason)
        if self._lost is not None and not self._lost.done():
            self._lost.set_result(reason)

    def _drop(self, reason: str) -> None:
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.close()
            self.plan.frames.pop(self._port, None)
        self._authenticated = False
        self._requests.clear()
        self._tell(False, reason)
        self._settled.set()

    def _tell(self, up: bool, reason: str) -> None:
        self.up = up
        self.down_reason = "" if up else reason
        if self._told is not up:
            self._told = up
            self.hooks.changed(up, reason)
            self.hooks.idle()

    def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        if self._heard:
            self._heard, self._last_frame = False, now
        if now - self._last_frame > self.plan.silence_limit:
            self.hooks.count("silent_sockets")
            self._end(f"no frame for {self.plan.silence_limit:g} s")
            return
        late = [r for r in self._requests.values() if r.deadline < now]
        if late:
            self._end(f"{late[0].op} was not acknowledged within {self.plan.answer_timeout:g} s")
            return
        if now - self._last_ping >= self.plan.ping_interval:
            self._last_ping = now
            self._serial += 1
            self._write({"op": "ping", "req_id": f"p{self._serial}"})
        if self.hooks.tick is not None:
            self.hooks.tick(now)
        self._ticker = loop.call_later(TICK, self._tick)

    # --- requests ----------------------------------------------------------------------------------------------

    def _enqueue(self, op: str, topic: str) -> None:
        self._queue[op].append(topic)
        if self._authenticated and self._flushing is None:
            self._flushing = asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        self._flushing = None
        if not self._authenticated:
            return
        for op, topics in self._queue.items():
            pending, topics[:] = list(dict.fromkeys(topics)), []
            for start in range(0, len(pending), self.plan.chunk):
                part = tuple(pending[start : start + self.plan.chunk])
                self._request(op, part, list(part))
        self._check_up()

    def _request(self, op: str, topics: tuple[str, ...], args: list[object]) -> None:
        self._serial += 1
        number = f"{op[0]}{self._serial}"
        deadline = asyncio.get_running_loop().time() + self.plan.answer_timeout
        self._requests[number] = _Request(op, topics, deadline)
        # The trade socket reads reqId, the others req_id (bybit-v5 2.2, 8.1).
        key = "reqId" if self.name == "trade" else "req_id"
        self._write({key: number, "op": op, "args": args})

    def _write(self, message: dict[str, object]) -> None:
        try:
            self.send(_ENCODE(message))
        except ConnectionError as error:
            self._end(str(error))

    # --- messages ----------------------------------------------------------------------------------------------

    def _on_message(self, payload: bytes) -> None:
        # The hot path: the clock is read once a second by the ticker, not here.
        port = self._port
        self._heard = True
        if not self.hooks.handle(payload):
            self._on_control(payload)
        if port in self.plan.frames:
            self.plan.frames[port] += 1
        self.hooks.idle()

    def _on_control(self, payload: bytes) -> None:
        try:
            frame = _CONTROL.decode(payload)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            self.hooks.count("bad_frames")
            self._end(f"a frame that is no message: {error}")
            return
        if frame.op in ("ping", "pong"):
            return
        if frame.type == "COMMAND_RESP":
            self._on_command_response(frame)
            return
        number = str(frame.req_id or frame.reqId or "")
        request = self._requests.pop(number, None) or self._pop_by_op(frame.op)
        if request is None:
            self.hooks.count("unknown_frames")
            return
        ok = frame.success is True or (frame.success is None and frame.retCode == 0)
        self._answered(request, ok, frame.ret_msg or frame.retMsg or f"code {frame.retCode}")

    def _pop_by_op(self, op: str) -> _Request | None:
        """The oldest request of that kind: some acknowledgements do not repeat the id (bybit-v5 2.2)."""
        for number, request in self._requests.items():
            if request.op == op:
                return self._requests.pop(number)
        return None

    def _on_command_response(self, frame: Control) -> None:
        """The option socket names topics instead of the request (bybit-v5 8.1)."""
        result = _COMMAND.decode(frame.data)
        named = set(result.failTopics) | set(result.successTopics)
        for number, request in list(self._requests.items()):
            if named.intersection(request.topics):
                del self._requests[number]
        for topic in result.failTopics:
            self._refuse(topic, "the venue refuses the topic")
        self._check_up()

    def _answered(self, request: _Request, ok: bool, text: str) -> None:
        if request.op == "auth":
            self._on_auth(ok, text)
        elif not ok and request.op == "subscribe" and "already subscribed" not in text:
            self._on_refusal(request, text)
        self._check_up()

    def _on_auth(self, ok: bool, text: str) -> None:
        if ok:
            self.auth_refused = ""
            self._authenticated = True
            self._subscribe_all()
        else:
            self.auth_refused = text
            self._end(f"authentication refused: {text}")

    def _on_refusal(self, request: _Request, text: str) -> None:
        """One bad topic may fail its whole request: ask again one by one to find it."""
        if len(request.topics) == 1:
            self._refuse(request.topics[0], text)
            return
        for topic in request.topics:
            self._request("subscribe", (topic,), [topic])

    def _refuse(self, topic: str, text: str) -> None:
        self.hooks.count("refused_topics")
        self.hooks.refused(topic, text)

    def _check_up(self) -> None:
        subscribing = any(r.op == "subscribe" for r in self._requests.values()) or self._queue["subscribe"]
        if self._authenticated and not self.up and not subscribing and self._transport is not None:
            self._was_up = True
            self._tell(True, "")
            self._settled.set()
