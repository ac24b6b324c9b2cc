"""What answers become: one event for each order, in the venue's words for each, and never a guess."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradectl.exchange.bybit.answers import Answer, Answers
from tradectl.exchange.bybit.meanings import meaning_of
from tradectl.exchange.bybit.order_requests import OrderBatch, OrderRequest, StopRequest
from tradectl.exchange.bybit.wire import OrderResult, Outcomes
from tradectl.model.events import Action, OrderAnswered, RateLimitReported, Reaction, StopAnswered
from tradectl.model.instruments import Category, InstrumentId
from tradectl.model.orders import TradingStop

BTC = InstrumentId(Category.LINEAR, "BTCUSDT")
#: The documents' answer to a batch of two, of which the second failed.
RESULT = b"""{"list": [
 {"category": "linear", "symbol": "BTCUSDT", "orderId": "0d3f7c1e", "orderLinkId": "b-1", "createAt": "1767225600412"},
 {"category": "linear", "symbol": "ETHUSDT", "orderId": "", "orderLinkId": "b-2", "createAt": ""}]}"""
EXTRA = b"""{"list": [{"code": 0, "msg": "OK"},
 {"code": 110094, "msg": "Order does not meet minimum order value 5USDT"}]}"""


class Ear:
    """Answers with everything they said; time passes by one at each stamp."""

    def __init__(self) -> None:
        self.events: list[Any] = []
        self.now = 0
        self.answers = Answers(self.events.append, self._stamp)

    def _stamp(self, ts: int) -> int:
        self.now += 1
        return self.now

    def hear(
        self, request: Any, code: int, result: bytes = b"{}", extra: bytes = b"{}", limits: dict[str, str] | None = None
    ) -> list[Any]:
        content = msgspec.json.decode(result, type=OrderResult), msgspec.json.decode(extra, type=Outcomes)
        self.answers.answer(request, Answer(code, "text", limits or {}, 1_000, True, *content))
        return self.events


def batch_of(*links: str, action: Action = Action.CREATE) -> OrderBatch:
    return OrderBatch(tuple(OrderRequest(action, link, BTC, {}) for link in links))


def brief(events: list[Any]) -> list[tuple[str, int, Reaction, str]]:
    return [(e.link_id, e.code, e.reaction, e.order_id) for e in events]


def test_the_documents_answer_to_a_batch() -> None:
    events = Ear().hear(batch_of("b-1", "b-2"), 0, RESULT, EXTRA)
    assert brief(events) == [("b-1", 0, Reaction.OK, "0d3f7c1e"), ("b-2", 110094, Reaction.FIX, "")]
    assert "minimum order value 5USDT" in events[1].message


def test_a_batch_that_is_refused_whole_refuses_each() -> None:
    limits = {"X-Bapi-Limit": "10", "X-Bapi-Limit-Status": "0", "X-Bapi-Limit-Reset-Timestamp": "1300"}
    *answers, limit = Ear().hear(batch_of("b-1", "b-2"), 10006, limits=limits)
    assert [(e.reaction, e.retry_at - e.received) for e in answers] == [(Reaction.RETRY, 300_000_000)] * 2
    assert limit == RateLimitReported(3, "linear:create-batch", 10, 0, 3 + 300_000_000)


def test_the_last_orders_of_a_batch_beyond_the_limit_come_back_alone() -> None:
    extra = b'{"list": [{"code": 0, "msg": "OK"}, {"code": 10006, "msg": "Too many visits."}]}'
    limits = {"X-Bapi-Limit": "10", "X-Bapi-Limit-Status": "0", "X-Bapi-Limit-Reset-Timestamp": "1300"}
    first, second, _ = Ear().hear(batch_of("b-1", "b-2"), 0, RESULT, extra, limits=limits)
    assert (first.reaction, first.retry_at) == (Reaction.OK, 0)
    assert (second.reaction, second.retry_at - second.received) == (Reaction.RETRY, 300_000_000)


@pytest.mark.parametrize("extra", [b"{}", b'{"list": null}', b'{"list": []}'])
def test_a_batch_without_outcomes_is_unknown(extra: bytes) -> None:
    events = Ear().hear(batch_of("b-1", "b-2"), 0, RESULT, extra)
    assert brief(events) == [("b-1", -1, Reaction.RECONCILE, ""), ("b-2", -1, Reaction.RECONCILE, "")]


def test_an_item_that_names_another_order_is_not_believed() -> None:
    events = Ear().hear(batch_of("b-2", "b-1"), 0, RESULT, EXTRA)
    assert {e.reaction for e in events} == {Reaction.RECONCILE}


@given(st.lists(st.sampled_from([0, 110007, 110072, 10006, 999]), max_size=20), st.integers(0, 20), st.integers(1, 20))
def test_each_order_of_a_batch_is_answered_exactly_once(codes: list[int], stated: int, size: int) -> None:
    """Whatever the lists' lengths; time never runs backwards within one answer."""
    links = [f"t-{n}" for n in range(size)]
    items = [{"orderId": f"o-{n}", "orderLinkId": f"t-{n}"} for n in range(stated)]
    result = msgspec.json.encode({"list": items})
    extra = msgspec.json.encode({"list": [{"code": c, "msg": ""} for c in codes]})
    events = Ear().hear(batch_of(*links), 0, result, extra)
    assert [e.link_id for e in events] == links
    for n, event in enumerate(events):
        wanted = meaning_of(codes[n], Action.CREATE).reaction if n < len(codes) else Reaction.RECONCILE
        assert event.reaction is wanted
    moments = [e.received for e in events]
    assert moments == sorted(moments)


def test_lost_and_unsent_batches_are_answered_for_each_order() -> None:
    ear = Ear()
    ear.answers.unanswered(batch_of("b-1", "b-2"), "the socket was lost")
    ear.answers.not_sent(batch_of("b-3"), "down")
    assert brief(ear.events) == [
        ("b-1", -1, Reaction.RECONCILE, ""), ("b-2", -1, Reaction.RECONCILE, ""), ("b-3", -2, Reaction.RETRY, "")
    ]  # fmt: skip


def test_an_order_without_our_id_is_answered_with_the_venues() -> None:
    foreign = OrderRequest(Action.CANCEL, "", BTC, {}, "oid-9")
    own = OrderRequest(Action.CANCEL, "t-1", BTC, {}, "oid-1")
    ear = Ear()
    ear.hear(foreign, 110001)
    ear.hear(own, 110001)
    assert [(e.link_id, e.order_id) for e in ear.events] == [("", "oid-9"), ("t-1", "")]


STOP = StopRequest(TradingStop(BTC, 2))


@pytest.mark.parametrize(
    ("code", "message", "reaction"),
    [
        (0, "OK", Reaction.OK),
        (34040, "not modified", Reaction.OK),
        (10001, "can not set tp/sl/ts for zero position", Reaction.RECONCILE),
        (10001, "StopLoss:9 set for Buy position should lower than base_price", Reaction.FIX),
        (110061, "", Reaction.FIX),
        (10006, "", Reaction.RETRY),
        (10016, "", Reaction.RECONCILE),
        (10003, "", Reaction.STOP),
    ],
)
def test_stops_are_answered_as_stops(code: int, message: str, reaction: Reaction) -> None:
    ear = Ear()
    ear.answers.answer(STOP, Answer(code, message, {}, 0, False, OrderResult(), Outcomes()))
    (event,) = ear.events
    assert type(event) is StopAnswered
    assert (event.instrument, event.position_idx, event.code, event.reaction) == (BTC, 2, code, reaction)


def test_a_lost_change_of_stops_is_unknown() -> None:
    ear = Ear()
    ear.answers.unanswered(STOP, "no answer within 5 s")
    ear.answers.not_sent(STOP, "banned")
    assert [(e.code, e.reaction) for e in ear.events] == [(-1, Reaction.RECONCILE), (-2, Reaction.RETRY)]


def test_what_10001_says_is_told_by_its_text() -> None:
    mode = meaning_of(10001, Action.CREATE, "position idx not match position mode")
    assert (mode.reaction, "position mode" in mode.text) == (Reaction.FIX, True)
    assert meaning_of(10001, Action.AMEND, "order not modified").reaction is Reaction.OK
    assert meaning_of(10001, Action.CREATE, "Qty invalid").text == meaning_of(10001).text
    assert meaning_of(110007, Action.CREATE, "not modified").reaction is Reaction.FIX


def test_an_order_is_answered_before_its_limits() -> None:
    limits = {"X-Bapi-Limit": "10", "X-Bapi-Limit-Status": "9"}
    events = Ear().hear(OrderRequest(Action.AMEND, "t-1", BTC, {}), 0, b'{"orderId": "o"}', limits=limits)
    assert [type(e) for e in events] == [OrderAnswered, RateLimitReported]
    assert (events[0].order_id, events[1].group) == ("o", "linear:amend")
