"""Self-match prevention: only what the incoming order says counts."""

import pytest

from tests.unit.matching.support import BUY, LINEAR, SELL, D, exchange, levels, limit, orders, traded
from tradectl.matching.exchange import Exchange
from tradectl.matching.records import VenueOrder
from tradectl.model.orders import SelfMatch, TimeInForce


def meet(kind: SelfMatch, tif: TimeInForce = TimeInForce.GTC, resting: SelfMatch = SelfMatch.NONE) -> tuple[
    Exchange, dict[str, VenueOrder], list[tuple[str, str, str, str]]
]:  # fmt: skip
    """Own 1 @ 50000, then bob's 1 @ 50001, then an incoming buy of 1.5 up to 50010."""
    venue = exchange("alice", "bob")
    venue.set_book(LINEAR, levels(("49000", "9")), levels(("50500", "9")), 1)
    venue.place("alice", limit(SELL, "1", "50000", link="own", self_match=resting), 2)
    venue.place("bob", limit(SELL, "1", "50001"), 3)
    _, happenings = venue.place("alice", limit(BUY, "1.5", "50010", link="in", tif=tif, self_match=kind), 4)
    return venue, {order.link_id: order for order in orders(happenings)}, traded(happenings)


def test_none_trades_with_itself_whatever_the_resting_order_says() -> None:
    _, seen, trades = meet(SelfMatch.NONE, resting=SelfMatch.CANCEL_BOTH)
    assert [row[2:] for row in trades] == [("50000", "1"), ("50000", "1"), ("50001", "0.5"), ("50001", "0.5")]
    assert {order.cancel_type for order in seen.values()} == {"UNKNOWN"}


def test_cancel_maker_goes_on_behind_it() -> None:
    _, seen, trades = meet(SelfMatch.CANCEL_MAKER)
    own = seen["own"]
    assert (own.status.value, own.cancel_type, own.smp_order_id) == ("Cancelled", "CancelBySmp", seen["in"].order_id)
    assert own.reject_reason == "EC_BySelfMatch"
    assert [row[:1] + row[2:] for row in trades] == [("alice", "50001", "1"), ("bob", "50001", "1")]
    assert (seen["in"].status.value, seen["in"].leaves) == ("PartiallyFilled", D("0.5"))


def test_cancel_taker_stops_there() -> None:
    venue, seen, trades = meet(SelfMatch.CANCEL_TAKER)
    assert trades == []
    assert (seen["in"].status.value, seen["in"].cancel_type) == ("Cancelled", "CancelBySmp")
    [own] = venue.open_orders("alice")
    assert seen["in"].smp_order_id == own.order_id
    assert own.link_id == "own"


def test_cancel_both() -> None:
    venue, seen, trades = meet(SelfMatch.CANCEL_BOTH)
    assert trades == []
    assert {order.cancel_type for order in seen.values()} == {"CancelBySmp"}
    assert venue.open_orders("alice") == []
    assert venue.account("alice").initial_margin == 0


@pytest.mark.parametrize("kind", [SelfMatch.CANCEL_MAKER, SelfMatch.NONE])
def test_own_orders_do_not_make_a_fill_or_kill_possible(kind: SelfMatch) -> None:
    _, seen, trades = meet(kind, TimeInForce.FOK)
    assert (trades == []) is (kind is SelfMatch.CANCEL_MAKER)
    if not trades:
        assert seen["in"].reject_reason == "EC_CancelForNoFullFill"


@pytest.mark.parametrize("kind", [SelfMatch.CANCEL_TAKER, SelfMatch.CANCEL_BOTH])
def test_a_fill_or_kill_that_would_stop_at_an_own_order_never_trades_in_part(kind: SelfMatch) -> None:
    venue = exchange("alice", "bob")
    venue.place("bob", limit(SELL, "1", "50000"), 2)
    venue.place("alice", limit(SELL, "1", "50000"), 3)
    venue.place("bob", limit(SELL, "1", "50000"), 4)
    for qty, filled in (("1.5", "0"), ("1", "1")):
        order, _ = venue.place("alice", limit(BUY, qty, "50000", tif=TimeInForce.FOK, self_match=kind), 5)
        assert order.cum_qty == D(filled)
