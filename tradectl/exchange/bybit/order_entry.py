"""Order entry: one send per command, one answer per send. Nothing here waits for a budget, repeats or decides.

Over the trade socket the bytes are handed to the socket before :meth:`SocketOrderEntry.send` returns. Where an
environment has no trade socket the same requests go by signed REST, each in a worker thread.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol

import msgspec
from msgspec import Struct

from tradectl.exchange.bybit.clock import VenueClock
from tradectl.exchange.bybit.meanings import NO_ANSWER, NOT_SENT, meaning_of
from tradectl.exchange.bybit.order_requests import OrderRequest
from tradectl.exchange.bybit.rest import BAN, Rest, header
from tradectl.exchange.bybit.stream import Stream
from tradectl.exchange.bybit.translate import MS
from tradectl.exchange.bybit.wire import OrderIds, TradeAnswer
from tradectl.exchange.exchange_connector import Sink, Stamp
from tradectl.model.events import Action, OrderAnswered, RateLimitReported, Reaction

if TYPE_CHECKING:
    from tradectl.exchange.bybit.http_session import Reply

#: A rolling window is one second; a refill further away is another clock's time (bybit-v5 3.1).
LONGEST_REFILL_MS = 2_000
#: Link ids whose time of sending is remembered; older ones were sent before the process' recent past anyway.
REMEMBERED = 20_000
_ANSWER = msgspec.json.Decoder(TradeAnswer)
_ENCODE = msgspec.json.Encoder().encode
_SERVER_BUSY = 10019
_REST_METHODS = {Action.CREATE: "place_order", Action.AMEND: "amend_order", Action.CANCEL: "cancel_order"}


class SentLog:
    """When each link id was last put on the wire, in milliseconds of the venue's clock."""

    def __init__(self) -> None:
        self._started_ms = 0
        self._sent: OrderedDict[str, int] = OrderedDict()

    def start(self, now_ms: int) -> None:
        """From now on this process sends; what it does not remember was sent before."""
        self._started_ms = now_ms

    def note(self, link_id: str, timestamp_ms: int) -> None:
        self._sent[link_id] = timestamp_ms
        self._sent.move_to_end(link_id)
        if len(self._sent) > REMEMBERED:
            self._sent.popitem(last=False)

    def last(self, link_id: str) -> int:
        """An order of an earlier process was sent before this one started, which is the safe later bound."""
        return self._sent.get(link_id, self._started_ms)


class Answers:
    """Turns what came back, or did not, into ``OrderAnswered`` and ``RateLimitReported``."""

    def __init__(self, emit: Sink, stamp: Stamp) -> None:
        self._emit = emit
        self._stamp = stamp

    def answer(
        self,
        request: OrderRequest,
        code: int,
        message: str,
        order_id: str,
        headers: Mapping[str, str],
        server_ms: int,
        *,
        trade_socket: bool,
    ) -> Reaction:
        """An answer of the venue."""
        meaning = meaning_of(code, request.action, trade_socket=trade_socket)
        now = self._stamp(0)
        limits = _limits(headers, now, server_ms)
        retry_at = limits[2] if limits is not None and meaning.reaction is Reaction.RETRY else 0
        if code == 403:
            retry_at = now + int(BAN) * 1_000_000_000
        text = message if code == 0 else f"{meaning.text}: {message}"
        self._emit(
            OrderAnswered(now, request.link_id, request.action, code, text, meaning.reaction, order_id, retry_at)
        )
        if limits is not None:
            self._emit(RateLimitReported(self._stamp(0), request.group, *limits))
        return meaning.reaction

    def unanswered(self, request: OrderRequest, reason: str, code: int = NO_ANSWER) -> None:
        """It may have arrived: the outcome is unknown."""
        self._tell(request, code, reason, Reaction.RECONCILE)

    def not_sent(self, request: OrderRequest, reason: str) -> None:
        """It certainly never left."""
        self._tell(request, NOT_SENT, f"not sent: {reason}", Reaction.RETRY)

    def _tell(self, request: OrderRequest, code: int, text: str, reaction: Reaction) -> None:
        self._emit(OrderAnswered(self._stamp(0), request.link_id, request.action, code, text, reaction))


def _limits(headers: Mapping[str, str], now: int, server_ms: int) -> tuple[int, int, int] | None:
    """Allowance, remainder and refill (nanoseconds of our clock) from an answer's headers."""
    limit, left = header(headers, "X-Bapi-Limit"), header(headers, "X-Bapi-Limit-Status")
    reset = header(headers, "X-Bapi-Limit-Reset-Timestamp")
    if not (limit.isdigit() and left.isdigit()):
        return None
    wait = int(reset) - server_ms if reset.isdigit() and server_ms else 0
    return int(limit), int(left), now + min(max(wait, 0), LONGEST_REFILL_MS) * MS


class OrderEntry(Protocol):
    """A way to the venue for orders."""

    def send(self, request: OrderRequest) -> None:
        """Send once, now; the answer arrives as an event later, also when it could not be sent."""

    def abandon(self, reason: str) -> None:
        """Answer everything in flight as unknown."""

    @property
    def outstanding(self) -> int:
        """Requests without an answer."""


class _Pending(Struct):
    request: OrderRequest
    deadline: float


class SocketOrderEntry:
    """Orders over the trade socket. ``stream`` is given after construction, because its messages come here."""

    stream: Stream

    def __init__(self, answers: Answers, clock: VenueClock, sent: SentLog, recv_window: int, timeout: float) -> None:
        self._answers = answers
        self._clock = clock
        self._sent = sent
        self._window = recv_window
        self._timeout = timeout
        self._pending: dict[str, _Pending] = {}
        self._unsent = 0
        self._serial = 0
        self._timer: asyncio.TimerHandle | None = None
        self._draining = ""
        self.count: Callable[[str], None] = _ignore
        self.idle: Callable[[], None] = _silent

    @property
    def outstanding(self) -> int:
        return len(self._pending) + self._unsent

    def send(self, request: OrderRequest) -> None:
        if not self.stream.up or self._draining:
            self._refuse(request, self._draining or self.stream.down_reason)
            return
        self._serial += 1
        number = str(self._serial)
        timestamp = self._clock.now_ms()
        payload = (
            f'{{"reqId":"{number}","header":{{"X-BAPI-TIMESTAMP":"{timestamp}","X-BAPI-RECV-WINDOW":"{self._window}"}},'
            f'"op":"order.{request.action.value}","args":['
        ).encode() + _ENCODE(request.body)
        # Noted before the bytes leave: the answer or the loss of the socket may come from within the send.
        loop = asyncio.get_running_loop()
        self._pending[number] = _Pending(request, loop.time() + self._timeout)
        self._sent.note(request.link_id, timestamp)
        try:
            self.stream.send(payload + b"]}")
        except ConnectionError as error:
            if self._pending.pop(number, None) is not None:
                self._refuse(request, str(error))
            return
        if self._timer is None:
            self._timer = loop.call_later(self._timeout, self._expire)

    def _refuse(self, request: OrderRequest, reason: str) -> None:
        """Answer from the loop, never from within the command that is being carried out."""
        self._unsent += 1
        asyncio.get_running_loop().call_soon(self._tell_unsent, request, reason)

    def _tell_unsent(self, request: OrderRequest, reason: str) -> None:
        self._unsent -= 1
        self._answers.not_sent(request, reason)
        self.idle()

    def handle(self, payload: bytes) -> bool:
        """Take an answer; whether the message was one."""
        try:
            answer = _ANSWER.decode(payload)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return False
        if not answer.op.startswith("order."):
            return bool(not answer.op and not answer.reqId and answer.retCode) and self._on_anonymous(answer)
        number = str(answer.reqId or "")
        pending = self._pending.pop(number, None)
        if pending is not None:
            self._on_answer(pending.request, answer)
        elif number:
            self.count("late_answers")
        elif answer.retCode:
            self._on_anonymous(answer)
        self._drain()
        return True

    def _on_answer(self, request: OrderRequest, answer: TradeAnswer) -> None:
        now_text = answer.header.get("Timenow", "")
        ids = answer.data or OrderIds()
        self._answers.answer(
            request,
            answer.retCode,
            answer.retMsg or "",
            ids.orderId,
            answer.header,
            int(now_text) if now_text.isdigit() else 0,
            trade_socket=True,
        )
        if answer.retCode == _SERVER_BUSY:
            self._draining = "the venue's node is restarting"

    def _on_anonymous(self, answer: TradeAnswer) -> bool:
        """Some refusals name no request (bybit-v5 8.4). With one in flight it is known whose it is; with several,
        all of them are unknown, because the others may have been taken."""
        requests = [pending.request for pending in self._pending.values()]
        self._pending.clear()
        if len(requests) == 1:
            self._on_answer(requests[0], answer)
        else:
            for request in requests:
                text = f"an answer without a request id: {answer.retMsg or ''}"
                self._answers.unanswered(request, text, answer.retCode)
        self.count("anonymous_answers")
        return True

    def _drain(self) -> None:
        """A restarting node finishes what it took; then move to another connection (bybit-v5 8.4)."""
        if self._draining and not self._pending:
            reason, self._draining = self._draining, ""
            self.stream.restart(reason)

    def _expire(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = None
        now = loop.time()
        # Every request has the same time to live, so the oldest come first.
        overdue = []
        for number, pending in self._pending.items():
            if pending.deadline > now:
                self._timer = loop.call_at(pending.deadline, self._expire)
                break
            overdue.append(number)
        for number in overdue:
            lost = self._pending.pop(number, None)
            if lost is not None:
                self.count("lost_answers")
                self._answers.unanswered(lost.request, f"no answer within {self._timeout:g} s")
        if overdue:
            self._drain()
            self.idle()

    def abandon(self, reason: str) -> None:
        """The socket is gone: nothing in flight will be answered."""
        self._draining = ""
        pending, self._pending = self._pending, {}
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for lost in pending.values():
            self._answers.unanswered(lost.request, f"the trade socket was lost: {reason}")


class RestOrderEntry:
    """Orders by signed REST, in threads of their own so that no read stands before a cancel."""

    def __init__(
        self,
        rest: Rest,
        answers: Answers,
        clock: VenueClock,
        sent: SentLog,
        timeout: float,
        spawn: Callable[[asyncio.Task[None]], None],
    ) -> None:
        self._rest = rest
        self._answers = answers
        self._clock = clock
        self._sent = sent
        self._timeout = timeout
        self._spawn = spawn
        self._flying: dict[int, OrderRequest] = {}
        self._serial = 0

    @property
    def outstanding(self) -> int:
        return len(self._flying)

    def send(self, request: OrderRequest) -> None:
        self._serial += 1
        self._flying[self._serial] = request
        self._sent.note(request.link_id, self._clock.now_ms())
        self._spawn(asyncio.get_running_loop().create_task(self._send(self._serial, request)))

    async def _send(self, serial: int, request: OrderRequest) -> None:
        quiet = self._rest.quiet_for()
        if quiet:
            if self._flying.pop(serial, None) is not None:
                self._answers.not_sent(request, f"this address is banned for another {quiet:.0f} s")
            return
        try:
            # The timeout also takes back a call that still waits for a free thread: it must not leave later.
            reply = await asyncio.wait_for(
                self._rest.send(_REST_METHODS[request.action], **request.body), self._timeout
            )
        except TimeoutError:
            # The thread may have stamped it at any moment until now.
            self._sent.note(request.link_id, self._clock.now_ms())
            if self._flying.pop(serial, None) is not None:
                self._answers.unanswered(request, f"no answer within {self._timeout:g} s")
            return
        if self._flying.pop(serial, None) is not None:
            self._tell(request, reply)

    def _tell(self, request: OrderRequest, reply: "Reply") -> None:
        if not reply.status:
            if reply.sent:
                self._answers.unanswered(request, reply.message)
            else:
                self._answers.not_sent(request, reply.message)
            return
        ids = _order_ids(reply.result)
        self._answers.answer(
            request, reply.code, reply.message, ids.orderId, reply.headers, reply.time, trade_socket=False
        )

    def abandon(self, reason: str) -> None:
        """Answer everything in flight as unknown; a late reply is ignored."""
        flying, self._flying = self._flying, {}
        for request in flying.values():
            self._answers.unanswered(request, reason)


def _order_ids(result: msgspec.Raw) -> OrderIds:
    """The ids of an answer; a refusal has ``{}`` or ``null`` there, and the ids are then not needed."""
    try:
        return msgspec.json.decode(result, type=OrderIds)
    except msgspec.DecodeError:
        return OrderIds()


def _ignore(name: str) -> None:
    """Nobody counts yet."""


def _silent() -> None:
    """Nobody waits for the idle moment yet."""
