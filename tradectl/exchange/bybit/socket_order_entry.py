"""Orders over the trade socket (bybit-v5 8.4): the bytes are with the socket before ``send`` returns."""

import asyncio
from collections.abc import Callable

import msgspec
from msgspec import Struct

from tradectl.exchange.bybit.answers import Answer, Answers
from tradectl.exchange.bybit.clock import VenueClock
from tradectl.exchange.bybit.order_requests import Request
from tradectl.exchange.bybit.sent_log import SentLog
from tradectl.exchange.bybit.stream import Stream
from tradectl.exchange.bybit.wire import OrderResult, Outcomes, TradeAnswer

_ANSWER = msgspec.json.Decoder(TradeAnswer)
_ENCODE = msgspec.json.Encoder().encode
_SERVER_BUSY = 10019


class _Pending(Struct):
    request: Request
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

    def send(self, request: Request) -> None:
        if not self.stream.up or self._draining:
            self._refuse(request, self._draining or self.stream.down_reason)
            return
        self._serial += 1
        number = str(self._serial)
        timestamp = self._clock.now_ms()
        payload = (
            f'{{"reqId":"{number}","header":{{"X-BAPI-TIMESTAMP":"{timestamp}","X-BAPI-RECV-WINDOW":"{self._window}"}},'
            f'"op":"order.{request.operation}","args":['
        ).encode() + _ENCODE(request.body)
        # Noted before the bytes leave: the answer or the loss of the socket may come from within the send.
        loop = asyncio.get_running_loop()
        self._pending[number] = _Pending(request, loop.time() + self._timeout)
        for order in request.orders:
            self._sent.note(order.link_id, timestamp)
        try:
            self.stream.send(payload + b"]}")
        except ConnectionError as error:
            if self._pending.pop(number, None) is not None:
                self._refuse(request, str(error))
            return
        if self._timer is None:
            self._timer = loop.call_later(self._timeout, self._expire)

    def _refuse(self, request: Request, reason: str) -> None:
        """Answer from the loop, never from within the command that is being carried out."""
        self._unsent += 1
        asyncio.get_running_loop().call_soon(self._tell_unsent, request, reason)

    def _tell_unsent(self, request: Request, reason: str) -> None:
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

    def _on_answer(self, request: Request, answer: TradeAnswer) -> None:
        now_text = answer.header.get("Timenow", "")
        self._answers.answer(
            request,
            Answer(
                answer.retCode,
                answer.retMsg or "",
                answer.header,
                int(now_text) if now_text.isdigit() else 0,
                True,
                answer.data or OrderResult(),
                answer.retExtInfo or Outcomes(),
            ),
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


def _ignore(name: str) -> None:
    """Nobody counts yet."""


def _silent() -> None:
    """Nobody waits for the idle moment yet."""
