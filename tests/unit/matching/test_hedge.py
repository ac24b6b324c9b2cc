"""Hedge mode: a long and a short of one instrument, each with its own orders, margin, funding and stops."""

import pytest

from tests.unit.matching.support import (
    BUY,
    INVERSE,
    LINEAR,
    SELL,
    SPOT,
    D,
    above,
    assert_conserved,
    deep_book,
    exchange,
    fills,
    limit,
    market,
    orders,
)
from tradectl.matching.exchange import Exchange
from tradectl.matching.records import Refused
from tradectl.model.orders import Protection, TradingStop

LONG, SHORT = 1, 2


def hedged() -> Exchange:
    venue = exchange("alice", "bob")
    deep_book(venue)
    venue.switch_mode("alice", LINEAR, True, 1)
    return venue


def test_both_sides_are_held_at_once() -> None:
    venue = hedged()
    venue.place("alice", market(BUY, "2", position_idx=LONG), 2)
    venue.place("alice", market(SELL, "1", position_idx=SHORT), 3)
    assert [(each.position_idx, each.size) for each in venue.positions("alice")] == [(1, 2), (2, -1)]
    margin = [venue.position_margin("alice", LINEAR, idx).initial for idx in (LONG, SHORT)]
    assert margin[0] == margin[1] * 2 > 0
    assert venue.account("alice").initial_margin == sum(margin)
    [long, short] = fills(venue.settle_funding(LINEAR, D("0.0001"), 4))
    assert (long.position_idx, long.fee, short.position_idx, short.fee) == (1, 10, 2, -5)
    assert_conserved(venue, ("alice", "bob"), {"USDT": D(200_000)})


def test_an_order_against_its_leg_only_closes_it() -> None:
    venue = hedged()
    with pytest.raises(Refused, match="110017"):
        venue.place("alice", market(SELL, "1", position_idx=LONG), 2)
    venue.place("alice", market(BUY, "2", position_idx=LONG), 2)
    order, _ = venue.place("alice", market(SELL, "5", position_idx=LONG), 3)
    assert (order.qty, order.reduce_only) == (2, True)
    assert venue.positions("alice") == []


def test_reduce_only_orders_of_one_leg_ignore_the_other() -> None:
    venue = hedged()
    venue.place("alice", market(BUY, "2", position_idx=LONG), 2)
    venue.place("alice", market(SELL, "1", position_idx=SHORT), 2)
    venue.place("alice", limit(SELL, "2", "50100", link="l", position_idx=LONG), 3)
    venue.place("alice", limit(BUY, "1", "49900", link="s", position_idx=SHORT), 3)
    venue.place("alice", market(BUY, "1", position_idx=SHORT), 4)
    assert [order.link_id for order in venue.open_orders("alice")] == ["l"]


@pytest.mark.parametrize(("hedge", "idx"), [(True, 0), (True, 3), (False, 1), (False, 2)])
def test_the_index_must_match_the_mode(hedge: bool, idx: int) -> None:
    venue = hedged() if hedge else exchange()
    for request in (market(BUY, "1", position_idx=idx), market(BUY, "1", position_idx=idx, trigger=above("50100"))):
        with pytest.raises(Refused, match="position idx not match position mode"):
            venue.place("alice", request, 2)
    with pytest.raises(Refused, match="position idx not match position mode"):
        venue.set_trading_stop("alice", TradingStop(LINEAR, idx, stop_loss=D(49000)), 2)


def test_when_the_mode_can_be_switched() -> None:
    venue = hedged()
    for target, code in ((LINEAR, "110025"), (SPOT, "110029"), (INVERSE, "110029"), ("BTC", "110029")):
        with pytest.raises(Refused, match=code):
            venue.switch_mode("alice", target, True, 2)
    venue.place("alice", market(BUY, "1", position_idx=LONG, trigger=above("50100")), 2)
    with pytest.raises(Refused, match="110028"):
        venue.switch_mode("alice", LINEAR, False, 3)
    venue.cancel_all("alice", LINEAR, 3)
    venue.place("alice", market(BUY, "1", position_idx=LONG), 4)
    with pytest.raises(Refused, match="110024"):
        venue.switch_mode("alice", LINEAR, False, 5)
    venue.place("alice", market(SELL, "1", position_idx=LONG), 6)
    venue.switch_mode("alice", LINEAR, False, 7)
    venue.place("alice", market(BUY, "1"), 8)
    assert venue.is_hedged("alice", LINEAR) is False


def test_by_coin_what_is_in_use_stays_as_it_is() -> None:
    venue = exchange("alice", "bob")
    deep_book(venue)
    venue.place("alice", market(BUY, "1"), 2)
    for uid in ("alice", "bob"):
        venue.switch_mode(uid, "USDT", True, 3)
    assert [venue.is_hedged(uid, LINEAR) for uid in ("alice", "bob")] == [False, True]
    with pytest.raises(Refused, match="110025"):
        venue.switch_mode("bob", "USDT", True, 4)


def test_leverage_is_one_for_both_legs_and_survives_the_switch() -> None:
    venue = exchange()
    venue.set_leverage("alice", LINEAR, D(25), 1)
    venue.switch_mode("alice", LINEAR, True, 2)
    assert {venue.position("alice", LINEAR, idx).leverage for idx in (LONG, SHORT)} == {D(25)}
    venue.set_leverage("alice", LINEAR, D(5), 3)
    assert {venue.position("alice", LINEAR, idx).leverage for idx in (LONG, SHORT)} == {D(5)}


def test_each_leg_has_its_own_stops() -> None:
    venue = hedged()
    full = Protection(D(51000), D(49000), partial=False)
    venue.place("alice", market(BUY, "2", position_idx=LONG, protection=full), 2)
    venue.place("alice", market(SELL, "1", position_idx=SHORT), 2)
    venue.set_trading_stop("alice", TradingStop(LINEAR, SHORT, stop_loss=D(50500)), 3)
    deep_book(venue, LINEAR, 49000)
    happenings = venue.set_last(LINEAR, D(49000), 4)
    assert [(fill.position_idx, fill.qty) for fill in fills(happenings)] == [(1, 2)]
    [left] = venue.open_orders("alice")
    assert (left.position_idx, left.qty, left.side) == (2, 1, BUY)


def test_liquidation_takes_both_legs() -> None:
    venue = exchange(usdt="9000")
    deep_book(venue)
    venue.switch_mode("alice", LINEAR, True, 1)
    venue.place("alice", market(BUY, "1.5", position_idx=LONG), 2)
    venue.place("alice", market(SELL, "0.1", position_idx=SHORT), 2)
    happenings = venue.set_mark(LINEAR, D(43500), D(43500), 3)
    assert {fill.position_idx for fill in fills(happenings)} == {1, 2}
    assert venue.positions("alice") == []
    assert abs(venue.wallet("alice", "USDT").balance) < 1
    assert_conserved(venue, ("alice",), {"USDT": D(9000)})
    assert orders(happenings)[0].create_type.startswith("CreateByTakeOver")


def test_saved_and_restored() -> None:
    venue = hedged()
    venue.place("alice", market(BUY, "2", position_idx=LONG, protection=Protection(None, D(49000))), 2)
    restored = Exchange.restore(venue.save())
    assert restored.save() == venue.save()
    for each in (venue, restored):
        deep_book(each, LINEAR, 49000)
    assert restored.set_last(LINEAR, D(49000), 3) == venue.set_last(LINEAR, D(49000), 3) != []
