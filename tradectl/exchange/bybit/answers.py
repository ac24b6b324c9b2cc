"""What the venue answered to orders and stops, or that it did not, as events with their meaning."""

from collections.abc import Callable, Mapping

from msgspec import Struct

from tradectl.exchange.bybit.meanings import NO_ANSWER, NOT_SENT, Meaning, meaning_of
from tradectl.exchange.bybit.order_requests import OrderBatch, OrderRequest, Request, StopRequest
from tradectl.exchange.bybit.rest import BAN, header
from tradectl.exchange.bybit.translate import MS
from tradectl.exchange.bybit.wire import OrderIds, OrderResult, Outcomes
from tradectl.exchange.exchange_connector import Sink, Stamp
from tradectl.model.events import Action, OrderAnswered, RateLimitReported, Reaction, StopAnswered

#: A rolling window is one second; a refill further away is another clock's time (bybit-v5 3.1).
LONGEST_REFILL_MS = 2_000
_BANNED = 403


class Answer(Struct):
    """One answer off the wire: of one order in ``result``, of a batch in ``result.list`` beside ``outcomes.list``."""

    code: int
    message: str
    headers: Mapping[str, str]
    server_ms: int
    trade_socket: bool
    result: OrderResult
    outcomes: Outcomes


class _Verdict(Struct):
    """What one order, or one change of stops, is told. ``at`` is ours, in nanoseconds."""

    at: int
    code: int
    message: str
    reaction: Reaction
    retry_at: int = 0


class _Limits(Struct):
    """Requests allowed in a window, those left of it, and the nanoseconds until it refills."""

    allowance: int
    left: int
    refill: int


_Judge = Callable[[int, str, Action | None], _Verdict]


class Answers:
    """Turns what came back, or did not, into ``OrderAnswered``, ``StopAnswered`` and ``RateLimitReported``."""

    def __init__(self, emit: Sink, stamp: Stamp) -> None:
        self._emit = emit
        self._stamp = stamp

    def answer(self, request: Request, answer: Answer) -> None:
        """An answer of the venue: one event for each order, then the limits it states."""
        limits = _limits(answer)

        def judge(code: int, message: str, action: Action | None) -> _Verdict:
            meaning = meaning_of(code, action, message, trade_socket=answer.trade_socket)
            return _judge(code, message, meaning, self._stamp(0), limits)

        if isinstance(request, StopRequest):
            self._tell_stop(request, judge(answer.code, answer.message, None))
        elif isinstance(request, OrderBatch) and answer.code == 0:
            self._answer_each(request, answer, judge)
        else:
            for order in request.orders:
                self._tell(order, judge(answer.code, answer.message, order.action), answer.result.orderId)
        if limits is not None:
            now = self._stamp(0)
            self._emit(RateLimitReported(now, request.group, limits.allowance, limits.left, now + limits.refill))

    def _answer_each(self, batch: OrderBatch, answer: Answer, judge: _Judge) -> None:
        """A batch is answered with 0 even when every order of it failed; the lists go by place (bybit-v5 5.8)."""
        stated, outcomes = answer.result.list or (), answer.outcomes.list or ()
        for place, order in enumerate(batch.orders):
            ids = stated[place] if place < len(stated) else OrderIds()
            if place >= len(outcomes) or not _is_about(ids, order):
                self.unanswered(order, "the answer to the batch does not say what became of this order")
                continue
            outcome = outcomes[place]
            self._tell(order, judge(outcome.code, outcome.msg or "", order.action), ids.orderId)

    def unanswered(self, request: Request, reason: str, code: int = NO_ANSWER) -> None:
        """It may have arrived: the outcome is unknown, for every order of it."""
        self._tell_all(request, _Verdict(self._stamp(0), code, reason, Reaction.RECONCILE))

    def not_sent(self, request: Request, reason: str) -> None:
        """It certainly never left."""
        self._tell_all(request, _Verdict(self._stamp(0), NOT_SENT, f"not sent: {reason}", Reaction.RETRY))

    def _tell_all(self, request: Request, verdict: _Verdict) -> None:
        if isinstance(request, StopRequest):
            self._tell_stop(request, verdict)
            return
        for order in request.orders:
            self._tell(order, verdict, "")

    def _tell(self, order: OrderRequest, said: _Verdict, order_id: str) -> None:
        """An order without an id of ours is known by the venue's, which a refusal does not repeat."""
        known = order_id or ("" if order.link_id else order.order_id)
        self._emit(
            OrderAnswered(
                said.at,
                order.link_id,
                order.action,
                said.code,
                said.message,
                said.reaction,
                known,
                said.retry_at,
            )
        )

    def _tell_stop(self, request: StopRequest, said: _Verdict) -> None:
        stop = request.stop
        self._emit(
            StopAnswered(
                said.at,
                stop.instrument,
                stop.position_idx,
                said.code,
                said.message,
                said.reaction,
                said.retry_at,
            )
        )


def _judge(code: int, message: str, meaning: Meaning, now: int, limits: _Limits | None) -> _Verdict:
    retry_at = now + limits.refill if limits is not None and meaning.reaction is Reaction.RETRY else 0
    if code == _BANNED:
        retry_at = now + int(BAN) * 1_000_000_000
    return _Verdict(now, code, message if code == 0 else f"{meaning.text}: {message}", meaning.reaction, retry_at)


def _is_about(ids: OrderIds, order: OrderRequest) -> bool:
    """Whether an item may be this order's: one that names another order must not be believed."""
    return not (ids.orderLinkId and order.link_id) or ids.orderLinkId == order.link_id


def _limits(answer: Answer) -> _Limits | None:
    """What the headers say; the moment of the refill is on the venue's clock, so only its distance counts."""
    headers = answer.headers
    limit, left = header(headers, "X-Bapi-Limit"), header(headers, "X-Bapi-Limit-Status")
    reset = header(headers, "X-Bapi-Limit-Reset-Timestamp")
    if not (limit.isdigit() and left.isdigit()):
        return None
    wait = int(reset) - answer.server_ms if reset.isdigit() and answer.server_ms else 0
    return _Limits(int(limit), int(left), min(max(wait, 0), LONGEST_REFILL_MS) * MS)
