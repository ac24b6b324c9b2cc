"""The life of one order, case by case: what the random flows may miss is told here step by step."""

from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from tests.unit.engine.harness import BTC, MINUTE, MONEY, RUN, SECOND, SPOT, Bench, config, ready
from tests.unit.engine.venue import FakeVenue, report
from tradectl.engine.config import QueueLimits
from tradectl.engine.order_state import Order
from tradectl.engine.trading_engine import TradingEngine
from tradectl.model.commands import (
    Alert,
    CancelOrder,
    DecisionMade,
    ExecutionBooked,
    Level,
    LookUpOrder,
    OrderChanged,
    Reconcile,
    RiskApproved,
)
from tradectl.model.events import (
    Action,
    AmendRequested,
    CancelRequested,
    CloseRequested,
    Executed,
    HaltRequested,
    OrderAnswered,
    OrderLookedUp,
    OrderReported,
    OrderRequested,
    Reaction,
    Reconciled,
)
from tradectl.model.ids import order_link_id
from tradectl.model.instruments import InstrumentId
from tradectl.model.orders import Execution, OrderReport, OrderStatus, OrderType, Side, TimeInForce
from tradectl.model.positions import BalanceReport, PositionReport

D = Decimal
BALANCES = tuple(BalanceReport(c, a) for c, a in MONEY.items())


def place(bench: Bench, qty: str = "1", price: str | None = "90", side: Side = Side.BUY, **more: Any) -> str:
    """A person's order that leaves; its link id."""
    kind = OrderType.MARKET if price is None else OrderType.LIMIT
    instrument: InstrumentId = more.pop("instrument", BTC)
    out = bench.feed(
        OrderRequested(bench.now, "me", instrument, side, kind, D(qty), D(price) if price else None, **more)
    )
    decision = next(c for c in out if isinstance(c, DecisionMade))
    assert decision.accepted, decision.checks[-1]
    return decision.orders[0]


def order(bench: Bench, link: str) -> Order:
    return bench.engine.world.orders[link]


def answer(
    bench: Bench, link: str, code: int, reaction: Reaction, action: Action = Action.CREATE, **more: Any
) -> list[Any]:
    return [*bench.feed(OrderAnswered(bench.now, link, action, code, "words", reaction, **more))]


def ack(bench: Bench, link: str, action: Action = Action.CREATE) -> list[Any]:
    return answer(bench, link, 0, Reaction.OK, action, order_id=f"id-{link}")


def stated(bench: Bench, link: str, status: OrderStatus, cum: str = "0", updated: int = 1, **more: Any) -> OrderReport:
    spec = order(bench, link).spec if link in bench.engine.world.orders else None
    made = OrderReport(
        spec.instrument if spec else BTC, f"id-{link}", link, spec.side if spec else Side.BUY, OrderType.LIMIT,
        TimeInForce.GTC, spec.qty if spec else D(1), spec.price if spec else D(90), status, D(cum), D(cum) * 90, None,
        bench.now + updated,
    )  # fmt: skip
    return replace(made, **more)


def tell(bench: Bench, link: str, status: OrderStatus, cum: str = "0", updated: int = 1, **more: Any) -> list[Any]:
    return [*bench.feed(OrderReported(bench.now, stated(bench, link, status, cum, updated, **more)))]


def fill(bench: Bench, link: str, qty: str, exec_id: str = "e1", **more: Any) -> list[Any]:
    known = bench.engine.world.orders.get(link)
    made = Execution(
        exec_id, known.instrument if known else BTC, f"id-{link}", link, known.spec.side if known else Side.BUY, D(90),
        D(qty), D(90) * D(qty), D("0.01"), "USDT", True, bench.now,
    )  # fmt: skip
    return [*bench.feed(Executed(bench.now, replace(made, **more)))]


def of(out: list[Any], kind: type) -> list[Any]:
    return [c for c in out if isinstance(c, kind)]


def test_the_usual_life() -> None:
    bench = ready()
    link = place(bench)
    ack(bench, link)
    tell(bench, link, OrderStatus.NEW)
    fill(bench, link, "0.4")
    tell(bench, link, OrderStatus.PARTIALLY_FILLED, "0.4", 2)
    fill(bench, link, "0.6", "e2")
    tell(bench, link, OrderStatus.FILLED, "1", 3)
    seen = [c.status.value for c in bench.said(OrderChanged)]
    assert list(dict.fromkeys(seen)) == ["Sent", "Accepted", "New", "PartiallyFilled", "Filled"]
    last = bench.said(OrderChanged)[-1]
    assert (last.filled, last.avg_price, last.fees, last.order_id) == (D(1), D(90), D("0.02"), f"id-{link}")
    assert bench.engine.world.open_orders() == []


def test_the_stream_may_be_faster_than_the_ack() -> None:
    bench = ready()
    link = place(bench)
    fill(bench, link, "1")
    tell(bench, link, OrderStatus.FILLED, "1")
    tell(bench, link, OrderStatus.FILLED, "1")
    ack(bench, link)
    tell(bench, link, OrderStatus.NEW)
    assert order(bench, link).status is OrderStatus.FILLED
    assert len(bench.said(ExecutionBooked)) == 1


def test_a_cancel_may_lose_against_a_fill() -> None:
    bench = ready()
    link = place(bench)
    ack(bench, link)
    assert [c.link_id for c in of([*bench.feed(CancelRequested(bench.now, "me", link))], CancelOrder)] == [link]
    assert of([*bench.feed(CancelRequested(bench.now, "me", link))], CancelOrder) == []  # once is enough
    fill(bench, link, "1")
    tell(bench, link, OrderStatus.FILLED, "1")
    assert of(answer(bench, link, 110001, Reaction.RECONCILE, Action.CANCEL), LookUpOrder) == []
    assert order(bench, link).status is OrderStatus.FILLED


def test_a_post_only_order_that_would_trade_ends_with_its_reason() -> None:
    bench = ready()
    link = place(bench, time_in_force=TimeInForce.POST_ONLY)
    ack(bench, link)
    tell(bench, link, OrderStatus.CANCELLED, reject_reason="EC_PostOnlyWillTakeLiquidity")
    assert order(bench, link).status is OrderStatus.CANCELLED
    assert order(bench, link).reason == "EC_PostOnlyWillTakeLiquidity"


def test_spot_fees_in_base_shrink_the_position_and_not_the_cash() -> None:
    bench = ready()
    link = place(bench, instrument=SPOT)
    fill(bench, link, "1", fee=D("0.001"), fee_coin="BTC")
    portfolio = bench.engine.world.portfolio
    assert portfolio.net_size(SPOT) == D("0.999")
    assert portfolio.state.cash == {"USDT": MONEY["USDT"] - 90, "BTC": MONEY["BTC"] + D("0.999")}
    assert order(bench, link).status is OrderStatus.FILLED


@pytest.mark.parametrize(("code", "message"), [(-1, "no answer"), (10016, "server error")])
def test_without_an_answer_an_order_is_unknown_and_everything_waits(code: int, message: str) -> None:
    bench = ready()
    link = place(bench)
    out = answer(bench, link, code, Reaction.RECONCILE)
    assert [c.link_id for c in of(out, LookUpOrder)] == [link]
    assert order(bench, link).status is OrderStatus.UNKNOWN
    assert bench.engine.world.state.level() is Level.HALTED
    bench.feed(OrderLookedUp(bench.now, link, False))
    assert order(bench, link).status is OrderStatus.UNKNOWN  # absence means nothing yet
    assert [c.link_id for c in of(bench.wait(2 * SECOND), LookUpOrder)] == [link]
    bench.feed(OrderLookedUp(bench.now, link, False, error="the venue is away"))
    assert [c.link_id for c in of(bench.wait(2 * SECOND), LookUpOrder)] == [link]
    bench.feed(OrderLookedUp(bench.now, link, True))
    assert order(bench, link).status is OrderStatus.LOST
    assert bench.engine.world.state.level() is Level.RUNNING
    assert len(bench.creates()) == 1  # never sent again


def test_nothing_to_reduce_is_an_answer_and_halts_nothing() -> None:
    bench = ready()
    entry = place(bench, "1", None)
    ack(bench, entry)
    fill(bench, entry, "1")
    link = place(bench, "1", None, Side.SELL)
    out = answer(bench, link, 110017, Reaction.RECONCILE)
    assert order(bench, link).status is OrderStatus.REJECTED
    assert of(out, LookUpOrder) == []
    assert len(of(out, Reconcile)) == 1, "the books may be wrong: the position is read"
    assert bench.engine.world.state.level() is Level.RUNNING
    assert not bench.engine.world.unreconciled


def test_a_look_up_finds_it_with_its_fills() -> None:
    bench = ready()
    link = place(bench)
    answer(bench, link, -1, Reaction.RECONCILE)
    made = Execution("e1", BTC, f"id-{link}", link, Side.BUY, D(90), D("0.4"), D(36), D(0), "USDT", True, bench.now)
    found = stated(bench, link, OrderStatus.PARTIALLY_FILLED, "0.4")
    bench.feed(OrderLookedUp(bench.now, link, True, found, (made,)))
    assert order(bench, link).status is OrderStatus.PARTIALLY_FILLED
    assert order(bench, link).booked == D("0.4")
    assert bench.engine.world.state.level() is Level.RUNNING


def test_executions_without_a_report_are_no_proof_of_an_end() -> None:
    bench = ready()
    link = place(bench)
    answer(bench, link, -1, Reaction.RECONCILE)
    made = Execution("e1", BTC, f"id-{link}", link, Side.BUY, D(90), D("0.4"), D(36), D(0), "USDT", True, bench.now)
    bench.feed(OrderLookedUp(bench.now, link, False, None, (made,)))
    assert order(bench, link).is_open
    bench.feed(OrderLookedUp(bench.now, link, True, None, (made,)))
    assert order(bench, link).status is OrderStatus.CANCELLED
    assert order(bench, link).in_flight == 0


def test_the_venues_own_word_corrects_our_conclusions() -> None:
    bench = ready()
    lost, refused, rejected = place(bench), place(bench), place(bench)
    answer(bench, lost, -1, Reaction.RECONCILE)
    bench.feed(OrderLookedUp(bench.now, lost, True))
    answer(bench, refused, 110007, Reaction.FIX)
    answer(bench, rejected, 110007, Reaction.FIX)
    assert [order(bench, n).status.value for n in (lost, refused, rejected)] == ["Lost", "Rejected", "Rejected"]
    tell(bench, lost, OrderStatus.NEW)
    tell(bench, refused, OrderStatus.NEW)
    fill(bench, rejected, "0.5")
    assert [order(bench, n).status.value for n in (lost, refused, rejected)] == ["New", "New", "PartiallyFilled"]
    assert {o.link_id for o in bench.engine.world.open_orders()} == {lost, refused, rejected}


def test_what_the_venue_certainly_did_not_take_is_tried_again_under_fresh_ids() -> None:
    bench = ready()
    links = [place(bench)]
    for _ in range(3):
        answer(bench, links[-1], 10006, Reaction.RETRY, retry_at=bench.now + SECOND)
        assert len(bench.creates()) == len(links)  # not before the window opens
        bench.wait(SECOND)
        links.append(bench.creates()[-1].link_id)
    answer(bench, links[-1], 10006, Reaction.RETRY, retry_at=bench.now + SECOND)
    bench.wait(5 * SECOND)
    assert len(bench.creates()) == 4
    assert len(set(links)) == 4
    assert [order(bench, n).status for n in links] == [OrderStatus.REJECTED] * 4
    assert {order(bench, n).decision for n in links} == {1}


def test_an_order_that_was_to_be_cancelled_is_not_tried_again() -> None:
    bench = ready()
    link = place(bench)
    bench.feed(CancelRequested(bench.now, "me", link))
    answer(bench, link, 10006, Reaction.RETRY)
    bench.wait(5 * SECOND)
    assert len(bench.creates()) == 1
    assert bench.engine.world.open_orders() == []


def test_an_answer_that_stops_trading_stops_it_until_a_person_comes() -> None:
    bench = ready()
    link = place(bench)
    answer(bench, link, 10003, Reaction.STOP)
    reason = bench.engine.world.state.all()[0]
    assert (reason.code, reason.level, reason.clears) == ("venue:10003", Level.REDUCING, "person")
    assert bench.said(Alert)[-1].code == "venue_stop"


def test_a_cancel_without_an_answer_is_sent_again_when_the_order_is_still_open() -> None:
    bench = ready()
    link = place(bench)
    ack(bench, link)
    tell(bench, link, OrderStatus.NEW)
    bench.feed(CancelRequested(bench.now, "me", link))
    out = answer(bench, link, -1, Reaction.RECONCILE, Action.CANCEL)
    assert of(out, LookUpOrder)
    assert of(out, CancelOrder) == []
    out = [*bench.feed(OrderLookedUp(bench.now, link, True, stated(bench, link, OrderStatus.NEW)))]
    assert [c.link_id for c in of(out, CancelOrder)] == [link]


def test_a_cancel_the_venue_never_carries_out_is_tried_ever_more_rarely() -> None:
    bench = ready()
    link = place(bench)
    ack(bench, link)
    tell(bench, link, OrderStatus.NEW)
    bench.feed(CancelRequested(bench.now, "me", link))
    asked = 0
    for _ in range(30):  # seconds, in each of which whatever was sent is refused and the order found open
        while asked < min(len(bench.said(CancelOrder)), 50):
            asked += 1
            answer(bench, link, 110001, Reaction.RECONCILE, Action.CANCEL)
            bench.feed(OrderLookedUp(bench.now, link, True, stated(bench, link, OrderStatus.NEW)))
        bench.wait(SECOND)
    assert 5 < asked < 12
    assert order(bench, link).cancel_asked


def test_a_cancel_the_venue_was_too_busy_for_is_sent_again_after_a_pause() -> None:
    bench = ready()
    link = place(bench)
    ack(bench, link)
    bench.feed(CancelRequested(bench.now, "me", link))
    assert of(answer(bench, link, 110005, Reaction.RETRY, Action.CANCEL), CancelOrder) == []
    assert [c.link_id for c in of(bench.wait(SECOND), CancelOrder)] == [link]


def test_a_cancel_refused_as_wrong_may_be_asked_for_again() -> None:
    bench = ready()
    link = place(bench)
    ack(bench, link)
    bench.feed(CancelRequested(bench.now, "me", link))
    answer(bench, link, 10001, Reaction.FIX, Action.CANCEL)
    assert of([*bench.feed(CancelRequested(bench.now, "me", link))], CancelOrder)


def reborn(bench: Bench, next_order: int = 1) -> list[Any]:
    """The daemon restarts from a checkpoint; returns what the start decided."""
    engine = TradingEngine(bench.config, bench.classes)
    engine.restore(bench.engine.checkpoint())
    bench.engine = engine
    return bench.start(RUN, True, next_order)


def test_a_cancel_lost_in_a_crash_is_sent_again_after_reconciliation() -> None:
    bench = ready()
    link = place(bench)
    ack(bench, link)
    bench.feed(CancelRequested(bench.now, "me", link))
    assert of(reborn(bench), CancelOrder) == []
    reports = (stated(bench, link, OrderStatus.NEW),)
    out = [*bench.feed(Reconciled(bench.now, bench.now, reports, balances=BALANCES))]
    assert [c.link_id for c in of(out, CancelOrder)] == [link]


def test_what_waited_at_a_crash_is_looked_up_and_never_sent_under_its_id() -> None:
    """The journal's last entry, in which it was sent, may be what the crash took."""
    bench = ready(config(queue=QueueLimits(derivative_create=2, reserve=1, batch=False)))
    place(bench)
    waiting = place(bench)
    assert order(bench, waiting).status is OrderStatus.QUEUED
    reborn(bench, 100)
    out = [*bench.feed(Reconciled(bench.now, bench.now, balances=BALANCES))]
    assert waiting in [c.link_id for c in of(out, LookUpOrder)]
    for link in [c.link_id for c in of(out, LookUpOrder)]:
        bench.feed(OrderLookedUp(bench.now, link, True))
    bench.wait(20 * SECOND)
    assert order(bench, waiting).status is OrderStatus.LOST
    assert [s.link_id for s in bench.creates()].count(waiting) == 0
    assert place(bench) == order_link_id(RUN, 0, 100)


def test_an_order_the_journal_lost_is_taken_in_with_what_was_booked_of_it() -> None:
    bench = ready()
    link = order_link_id(RUN, 0, 77)
    fill(bench, link, "0.3")
    assert bench.said(ExecutionBooked)[-1].strategy == "operator"
    tell(bench, link, OrderStatus.PARTIALLY_FILLED, "0.3")
    assert order(bench, link).booked == D("0.3")
    assert not order(bench, link).misses_executions
    fill(bench, link, "0.7", "e2")
    assert order(bench, link).status is OrderStatus.FILLED
    assert bench.engine.world.open_orders() == []


def test_an_order_that_ended_unseen_does_not_come_back_to_life() -> None:
    bench = ready()
    link = order_link_id(RUN, 0, 77)
    tell(bench, link, OrderStatus.CANCELLED, updated=5)
    tell(bench, link, OrderStatus.NEW, updated=1)
    assert link not in bench.engine.world.orders


def test_a_foreign_order_is_external_and_left_alone() -> None:
    bench = ready()
    venue = FakeVenue(dict(bench.engine.world.instruments), {})
    foreign = venue.place_foreign(BTC, Side.BUY, D(2), D(80))
    bench.feed(OrderReported(bench.now, report(foreign)))
    assert order(bench, foreign.order_id).strategy == "external"
    out = [*bench.feed(HaltRequested(bench.now, "me"))]
    assert of(out, CancelOrder) == []
    made = Execution("x1", BTC, foreign.order_id, "", Side.BUY, D(80), D(2), D(160), D(0), "USDT", True, bench.now)
    bench.feed(Executed(bench.now, made))
    assert bench.engine.world.portfolio.size("external", BTC) == D(2)
    assert bench.said(Alert)[-1].code == "external_trade"


def test_an_order_of_ours_for_the_external_book_raises_no_alarm() -> None:
    bench = Bench()
    bench.start()
    bench.quote(BTC, 100)
    bench.feed(Reconciled(bench.now, bench.now, positions=(PositionReport(BTC, D(1), D(90)),), balances=BALANCES))
    bench.feed(CloseRequested(bench.now, "me", BTC, "external"))
    link = bench.creates()[0].link_id
    fill(bench, link, "1", pnl=D(0))
    assert bench.engine.world.portfolio.size("external", BTC) == 0
    assert [a for a in bench.said(Alert) if a.code == "external_trade"] == []


def test_an_amended_order_is_not_filled_by_its_old_quantity() -> None:
    bench = ready()
    link = place(bench)
    ack(bench, link)
    bench.feed(AmendRequested(bench.now, "me", link, D(3)))
    fill(bench, link, "1")
    assert order(bench, link).status is OrderStatus.PARTIALLY_FILLED
    tell(bench, link, OrderStatus.PARTIALLY_FILLED, "1", qty=D(3))
    fill(bench, link, "2", "e2")
    assert order(bench, link).status is OrderStatus.FILLED


def test_a_fill_we_concluded_is_corrected_by_an_amendment_we_did_not_make() -> None:
    bench = ready()
    link = place(bench)
    ack(bench, link)
    fill(bench, link, "1")
    assert order(bench, link).status is OrderStatus.FILLED
    tell(bench, link, OrderStatus.PARTIALLY_FILLED, "1", qty=D(3))
    assert order(bench, link).status is OrderStatus.PARTIALLY_FILLED
    assert order(bench, link).in_flight == D(2)


def test_an_amendment_that_failed_reserves_nothing_more() -> None:
    bench = ready()
    link = place(bench)
    ack(bench, link)
    bench.feed(AmendRequested(bench.now, "me", link, D(3)))
    assert order(bench, link).in_flight == D(3)
    answer(bench, link, 110003, Reaction.FIX, Action.AMEND)
    assert order(bench, link).in_flight == D(1)


def test_an_amendment_nobody_ever_answered_is_looked_up_and_ends() -> None:
    """Its bytes may have been lost with the process that was to send them."""
    bench = ready()
    link = place(bench)
    ack(bench, link)
    first = stated(bench, link, OrderStatus.NEW)
    bench.feed(OrderReported(bench.now, first))
    bench.wait(MINUTE)
    bench.feed(AmendRequested(bench.now, "me", link, D(3)))
    assert of(bench.wait(5 * SECOND), LookUpOrder) == [], "its answer may still come"
    assert [c.link_id for c in of(bench.wait(20 * SECOND), LookUpOrder)][:1] == [link]
    bench.feed(OrderLookedUp(bench.now, link, True, first))
    assert order(bench, link).amending is None
    assert order(bench, link).in_flight == D(1)


def test_an_amendment_in_the_same_millisecond_as_the_last_word_is_seen() -> None:
    """The venue's time is in milliseconds: two amendments within one carry the same time."""
    bench = ready()
    link = place(bench)
    ack(bench, link)
    first = stated(bench, link, OrderStatus.NEW)
    bench.feed(OrderReported(bench.now, first))
    bench.feed(AmendRequested(bench.now, "me", link, D(3), D(91)))
    bench.feed(OrderReported(bench.now, first))
    assert order(bench, link).amending is not None, "the old terms, told again, end nothing"
    bench.feed(OrderReported(bench.now, replace(first, qty=D(3), price=D(91))))
    assert (order(bench, link).qty, order(bench, link).price) == (D(3), D(91))
    assert order(bench, link).amending is None
    bench.feed(OrderReported(bench.now, first))
    assert order(bench, link).qty == D(3), "an old word told late"


def test_a_change_nobody_of_ours_asked_for_is_seen_in_the_same_millisecond() -> None:
    """The venue resizes a stop as its entry fills on: what it says later counts, what it says again does not."""
    bench = ready()
    link = place(bench)
    ack(bench, link)
    first = stated(bench, link, OrderStatus.NEW)
    for word, qty in ((first, 1), (replace(first, qty=D(3)), 3), (first, 3), (replace(first, qty=D(4)), 4)):
        bench.feed(OrderReported(bench.now, word))
        assert order(bench, link).qty == D(qty)


def test_silence_after_sending_is_asked_about() -> None:
    bench = ready()
    link = place(bench)
    out = bench.wait(25 * SECOND)
    assert [c.link_id for c in of(out, LookUpOrder)][:1] == [link]


def test_fills_without_their_executions_are_asked_about() -> None:
    bench = ready()
    link = place(bench)
    ack(bench, link)
    tell(bench, link, OrderStatus.FILLED, "1")
    assert order(bench, link) in bench.engine.world.open_orders()
    assert order(bench, link).in_flight == D(1)
    out = bench.wait(25 * SECOND)
    assert "executions are missing" in [c.reason for c in of(out, Reconcile)]
    fill(bench, link, "1")
    assert bench.engine.world.open_orders() == []


def test_orders_too_long_in_the_queue_expire() -> None:
    bench = ready(config(queue=QueueLimits(derivative_create=2, reserve=1, max_wait_ms=500, batch=False)))
    place(bench)
    late = place(bench)
    bench.wait(3 * SECOND)
    assert order(bench, late).status is OrderStatus.EXPIRED
    assert len(bench.creates()) == 1


def test_a_queued_order_is_cancelled_without_the_venue() -> None:
    bench = ready(config(queue=QueueLimits(derivative_create=2, reserve=1, batch=False)))
    place(bench)
    queued = place(bench)
    out = [*bench.feed(CancelRequested(bench.now, "me", queued))]
    assert of(out, CancelOrder) == []
    assert order(bench, queued).status is OrderStatus.CANCELLED
    bench.wait(3 * SECOND)
    assert len(bench.creates()) == 1


def test_every_create_is_approved_and_names_its_cause() -> None:
    bench = ready()
    link = place(bench)
    approved = bench.said(RiskApproved)[0]
    assert approved.order is not None
    assert approved.order.link_id == link
    assert approved.cause == bench.engine.seq
    assert approved.decision == bench.said(DecisionMade)[-1].id


def test_an_event_of_no_kind_is_refused() -> None:
    with pytest.raises(TypeError, match="no event of the engine"):
        Bench().engine.apply(object())  # type: ignore[arg-type]
