"""Orders and stops by signed REST, in threads of their own so that no read stands before a cancel."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import msgspec

from tradectl.exchange.bybit.answers import Answer, Answers
from tradectl.exchange.bybit.clock import VenueClock
from tradectl.exchange.bybit.order_requests import Request
from tradectl.exchange.bybit.rest import Rest
from tradectl.exchange.bybit.sent_log import SentLog
from tradectl.exchange.bybit.wire import OrderResult, Outcomes

if TYPE_CHECKING:
    from tradectl.exchange.bybit.http_session import Reply

T = TypeVar("T", OrderResult, Outcomes)
#: pybit's method for each operation.
_METHODS = {
    "create": "place_order",
    "amend": "amend_order",
    "cancel": "cancel_order",
    "create-batch": "place_batch_order",
    "amend-batch": "amend_batch_order",
    "cancel-batch": "cancel_batch_order",
    "trading-stop": "set_trading_stop",
}


class RestOrderEntry:
    """Sends each request in a worker thread; ``spawn`` keeps the task that waits for it, ``idle`` hears of its end."""

    def __init__(
        self,
        rest: Rest,
        answers: Answers,
        clock: VenueClock,
        sent: SentLog,
        timeout: float,
        spawn: Callable[[asyncio.Task[None]], None],
        idle: Callable[[], None],
    ) -> None:
        self._rest = rest
        self._answers = answers
        self._clock = clock
        self._sent = sent
        self._timeout = timeout
        self._spawn = spawn
        self._idle = idle
        self._flying: dict[int, Request] = {}
        self._serial = 0

    @property
    def outstanding(self) -> int:
        return len(self._flying)

    def send(self, request: Request) -> None:
        self._serial += 1
        self._flying[self._serial] = request
        self._note(request)
        self._spawn(asyncio.get_running_loop().create_task(self._handle(self._serial, request)))

    def _note(self, request: Request) -> None:
        for order in request.orders:
            self._sent.note(order.link_id, self._clock.now_ms())

    async def _handle(self, serial: int, request: Request) -> None:
        await self._send(serial, request)
        self._idle()

    async def _send(self, serial: int, request: Request) -> None:
        quiet = self._rest.quiet_for()
        if quiet:
            if self._flying.pop(serial, None) is not None:
                self._answers.not_sent(request, f"this address is banned for another {quiet:.0f} s")
            return
        try:
            # The timeout also takes back a call that still waits for a free thread: it must not leave later.
            reply = await asyncio.wait_for(self._rest.send(_METHODS[request.operation], **request.body), self._timeout)
        except TimeoutError:
            # The thread may have stamped it at any moment until now.
            self._note(request)
            if self._flying.pop(serial, None) is not None:
                self._answers.unanswered(request, f"no answer within {self._timeout:g} s")
            return
        if self._flying.pop(serial, None) is not None:
            self._tell(request, reply)

    def _tell(self, request: Request, reply: "Reply") -> None:
        if not reply.status:
            if reply.sent:
                self._answers.unanswered(request, reply.message)
            else:
                self._answers.not_sent(request, reply.message)
            return
        result, outcomes = _content(reply.result, OrderResult), _content(reply.extra, Outcomes)
        self._answers.answer(
            request, Answer(reply.code, reply.message, reply.headers, reply.time, False, result, outcomes)
        )

    def abandon(self, reason: str) -> None:
        """Answer everything in flight as unknown; a late reply is ignored."""
        flying, self._flying = self._flying, {}
        for request in flying.values():
            self._answers.unanswered(request, reason)


def _content(raw: msgspec.Raw, shape: type[T]) -> T:
    """What an answer says; a refusal has ``{}`` or ``null`` there, and what is missing then is not needed."""
    try:
        return msgspec.json.decode(raw, type=shape)
    except msgspec.DecodeError:
        return shape()
