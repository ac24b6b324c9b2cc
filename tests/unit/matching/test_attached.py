"""Take-profit and stop-loss attached to an entry, and those of a position."""

from decimal import Decimal
from typing import Any

import pytest

from tests.unit.matching.support import (
    BUY,
    LINEAR,
    SELL,
    SPOT,
    D,
    assert_conserved,
    below,
    deep_book,
    exchange,
    fills,
    levels,
    limit,
    market,
    orders,
    status_of,
    traded,
)
from tradectl.matching.exchange import Exchange
from tradectl.matching.records import NewOrder, Refused, StopChange, VenueOrder
from tradectl.model.orders import OrderStatus, OrderType, Protection, TradingStop, TriggerBy

PAIR = Protection(D(51000), D(49000))
FULL = Protection(D(51000), D(49000), partial=False)


def with_book() -> Exchange:
    venue = exchange("alice", "bob")
    deep_book(venue)
    return venue


def stops(venue: Exchange) -> dict[str, VenueOrder]:
    return {order.stop_order_type: order for order in venue.open_orders("alice") if order.stop_order_type}


def at(venue: Exchange, price: str) -> Any:
    """The market around a new price, then the price itself."""
    deep_book(venue, LINEAR, int(D(price)))
    return venue.set_last(LINEAR, D(price), 50)


def sizes(venue: Exchange) -> dict[str, str]:
    return {kind: format(order.qty.normalize(), "f") for kind, order in stops(venue).items()}


def test_an_entry_is_protected_by_its_fill() -> None:
    venue = with_book()
    order, happenings = venue.place("alice", market(BUY, "1", link_id="in", protection=PAIR), 2)
    assert order.status is OrderStatus.FILLED
    made = stops(venue)
    assert set(made) == {"PartialTakeProfit", "PartialStopLoss"}
    for child in made.values():
        assert (child.link_id, child.parent_link, child.parent_id) == ("", "in", order.order_id)
        assert (child.status, child.qty, child.side) == (OrderStatus.UNTRIGGERED, 1, SELL)
        assert (child.reduce_only, child.close_on_trigger, child.type) == (True, True, OrderType.MARKET)
    assert made["PartialTakeProfit"].partner == made["PartialStopLoss"].order_id
    assert made["PartialStopLoss"].create_type == "CreateByPartialStopLoss"
    assert status_of(happenings, "PartialStopLoss") == ["Untriggered"]


def test_nothing_is_attached_before_a_fill_and_partial_ones_grow_with_it() -> None:
    venue = with_book()
    venue.place("alice", limit(BUY, "2", "49990", protection=PAIR), 2)
    assert stops(venue) == {}
    for filled in ("0.5", "2"):
        venue.print_trade(LINEAR, SELL, D(49989), D(filled), 3)
        assert sizes(venue) == {"PartialTakeProfit": filled, "PartialStopLoss": filled}


def test_one_cancels_the_other() -> None:
    for price, fired, ended in (
        ("51000", "PartialTakeProfit", "PartialStopLoss"),
        ("49000", "PartialStopLoss", "PartialTakeProfit"),
    ):
        venue = with_book()
        venue.place("alice", market(BUY, "1", protection=PAIR), 2)
        happenings = at(venue, price)
        assert status_of(happenings, fired) == ["Triggered", "Filled"]
        assert status_of(happenings, ended) == ["Deactivated"]
        [fill] = fills(happenings)
        assert (fill.stop_order_type, fill.create_type) == (fired, f"CreateBy{fired}")
        assert venue.position("alice", LINEAR).size == 0
        assert venue.open_orders("alice") == []
        assert_conserved(venue, ("alice", "bob"), {"USDT": D(200_000)})


def test_an_exit_that_trades_partly_leaves_its_partner_the_rest() -> None:
    venue = with_book()
    venue.place("alice", market(BUY, "1", protection=Protection(D(51000), D(49000), tp_limit=D(51000))), 2)
    at(venue, "51000")
    resting = stops(venue)["PartialTakeProfit"]
    assert (resting.status, sizes(venue)["PartialStopLoss"]) == (OrderStatus.NEW, "1")
    venue.print_trade(LINEAR, BUY, D("51000.1"), D("0.4"), 60)
    assert sizes(venue)["PartialStopLoss"] == "0.6"
    happenings = at(venue, "49000")
    assert traded(happenings) == [("alice", "Sell", "48999", "0.6")]
    assert status_of(happenings, "PartialTakeProfit") == ["Cancelled"]
    assert venue.open_orders("alice") == []


def test_a_stop_in_a_thin_market_keeps_its_partner_for_what_is_left() -> None:
    venue = with_book()
    venue.place("alice", market(BUY, "1", protection=PAIR), 2)
    venue.set_book(LINEAR, levels(("48990", "0.3")), levels(("49010", "1")), 3)
    happenings = venue.set_last(LINEAR, D(49000), 4)
    assert status_of(happenings, "PartialStopLoss") == ["Triggered", "Cancelled"]
    assert sizes(venue) == {"PartialTakeProfit": "0.7"}


def test_fills_after_an_exit_fired_get_exits_of_their_own() -> None:
    venue = with_book()
    venue.place("alice", limit(BUY, "2", "49990", protection=PAIR), 2)
    venue.print_trade(LINEAR, SELL, D(49989), D("0.5"), 3)
    venue.set_book(LINEAR, levels(("50999", "5")), levels(("51001", "5")), 4)
    venue.set_last(LINEAR, D(51000), 4)
    assert stops(venue) == {}
    venue.print_trade(LINEAR, SELL, D(49989), D("1"), 5)
    assert sizes(venue) == {"PartialTakeProfit": "1", "PartialStopLoss": "1"}


def test_an_entry_run_through_by_the_market_is_stopped_in_the_same_move() -> None:
    venue = with_book()
    venue.place("alice", limit(BUY, "1", "49990", protection=PAIR), 2)
    happenings = venue.print_trade(LINEAR, SELL, D(48900), D(10), 3)
    assert [row[1] for row in traded(happenings)] == ["Buy", "Sell"]
    assert venue.position("alice", LINEAR).size == 0


def test_only_what_opens_is_protected() -> None:
    venue = with_book()
    venue.place("alice", market(SELL, "1"), 2)
    venue.place("alice", market(BUY, "1.4", protection=PAIR), 3)
    assert sizes(venue) == {"PartialTakeProfit": "0.4", "PartialStopLoss": "0.4"}


def test_full_ones_follow_the_position_and_end_with_it() -> None:
    venue = with_book()
    venue.place("alice", market(BUY, "1", protection=FULL), 2)
    venue.place("alice", market(BUY, "2"), 3)
    assert sizes(venue) == {"TakeProfit": "3", "StopLoss": "3"}
    position = venue.position("alice", LINEAR)
    assert (position.take_profit, position.stop_loss) == (51000, 49000)
    happenings = venue.place("alice", market(SELL, "3"), 4)[1]
    for kind in ("TakeProfit", "StopLoss"):
        [ended] = [order for order in orders(happenings) if order.stop_order_type == kind]
        assert (ended.status, ended.cancel_type) == (OrderStatus.DEACTIVATED, "CancelByTpSlTsClear")
    position = venue.position("alice", LINEAR)
    assert (position.take_profit, position.stop_loss) == (0, 0)


def test_a_newer_full_one_replaces_and_a_partial_one_ends_with_the_position() -> None:
    venue = with_book()
    venue.place("alice", market(BUY, "1", protection=FULL), 2)
    older = stops(venue)["StopLoss"].order_id
    venue.place("alice", market(BUY, "1", protection=Protection(None, D(48000), partial=False)), 3)
    venue.place("alice", market(BUY, "1", protection=PAIR), 4)
    made = stops(venue)
    assert made["StopLoss"].order_id != older
    assert made["StopLoss"].trigger == below("48000")
    assert made["TakeProfit"].qty == 3
    venue.place("alice", market(SELL, "5"), 5)  # through zero
    assert stops(venue) == {}


def test_an_entry_that_goes_on_filling_after_its_stop_is_protected_again() -> None:
    venue = with_book()
    venue.place("alice", limit(BUY, "2", "49990", protection=FULL), 2)
    venue.print_trade(LINEAR, SELL, D(49989), D("0.5"), 3)
    venue.set_book(LINEAR, levels(("50999", "5")), levels(("51001", "5")), 4)
    venue.set_last(LINEAR, D(51000), 4)
    assert (venue.position("alice", LINEAR).size, stops(venue)) == (0, {})
    for filled, size in (("1", "1"), ("0.2", "1.2")):
        venue.print_trade(LINEAR, SELL, D(49989), D(filled), 5)
        assert sizes(venue) == {"TakeProfit": size, "StopLoss": size}


def test_a_stop_moved_after_the_entry_is_not_moved_back_by_its_next_fill() -> None:
    venue = with_book()
    venue.place("alice", limit(BUY, "2", "49990", protection=FULL), 2)
    venue.print_trade(LINEAR, SELL, D(49989), D("0.5"), 3)
    put(venue, stop_loss="49500")
    venue.print_trade(LINEAR, SELL, D(49989), D("0.5"), 3)
    assert stops(venue)["StopLoss"].trigger == below("49500")
    assert sizes(venue)["StopLoss"] == "1"


def test_a_full_stop_may_exceed_the_largest_order() -> None:
    venue = exchange(usdt="100000000")
    deep_book(venue, size="2000")
    for _ in range(2):
        venue.place("alice", market(BUY, "500", protection=FULL), 2)
    deep_book(venue, LINEAR, 49000, "2000")
    assert traded(venue.set_last(LINEAR, D(49000), 3)) == [("alice", "Sell", "48999", "1000")]


def protected(side: Any, legs: Protection, **more: Any) -> NewOrder:
    return limit(side, "1", "49990" if side is BUY else "50010", protection=legs, **more)


@pytest.mark.parametrize(
    "request_",
    [
        protected(BUY, Protection(D(49990), None)),
        protected(BUY, Protection(None, D(49990))),
        protected(SELL, Protection(D(50010), None)),
        protected(SELL, Protection(None, D(50010))),
        protected(BUY, Protection(D(51000), None, tp_limit=D(51000), partial=False)),
        protected(BUY, Protection(D(51000), None, sl_limit=D(49000))),
        protected(BUY, Protection()),
        protected(SELL, Protection(None, D(51000)), reduce_only=True),
        market(BUY, "1", protection=Protection(None, D(50000))),
        market(BUY, "1", instrument=SPOT, protection=PAIR),
    ],
)
def test_protections_that_make_no_sense_are_refused(request_: NewOrder) -> None:
    venue = with_book()
    venue.place("alice", market(BUY, "1"), 2)
    before = venue.save()
    with pytest.raises(Refused, match="10001"):
        venue.place("alice", request_, 2)
    assert venue.save() == before


def test_twenty_partial_ones_per_symbol() -> None:
    venue = with_book()
    for _ in range(10):
        venue.place("alice", market(BUY, "0.1", protection=PAIR), 2)
    for legs in (PAIR, Protection(None, D(49000))):
        with pytest.raises(Refused, match="110061"):
            venue.place("alice", market(BUY, "0.1", protection=legs), 3)
    with pytest.raises(Refused, match="110061"):
        venue.add_partial_stops("alice", LINEAR, 0, PAIR, D("0.1"), 3)


def test_amend_of_the_protection_of_an_unfilled_entry() -> None:
    venue = with_book()
    venue.place("alice", limit(BUY, "1", "49990", link="in", protection=PAIR), 2)
    order, _ = venue.amend("alice", LINEAR, "", "in", None, None, 3, StopChange(take_profit=D(0), stop_loss=D(48000)))
    assert order.protection == Protection(None, D(48000))
    with pytest.raises(Refused, match="10001"):
        venue.amend("alice", LINEAR, "", "in", None, None, 4, StopChange(stop_loss=D(50000)))
    venue.print_trade(LINEAR, SELL, D(49989), D("0.5"), 5)
    with pytest.raises(Refused, match="110059"):
        venue.amend("alice", LINEAR, "", "in", None, None, 6, StopChange(stop_loss=D(48500)))


def test_editing_one_of_a_pair_unlinks_it() -> None:
    venue = with_book()
    venue.place("alice", market(BUY, "1", protection=PAIR), 2)
    stop = stops(venue)["PartialStopLoss"]
    venue.amend("alice", LINEAR, stop.order_id, "", None, None, 3, StopChange(trigger_price=D(49500)))
    assert {order.partner for order in stops(venue).values()} == {""}
    happenings = at(venue, "49500")
    assert status_of(happenings, "PartialStopLoss") == ["Triggered", "Filled"]
    assert status_of(happenings, "PartialTakeProfit") == ["Deactivated"], "the position is gone"


def test_spot_pair_sells_what_was_bought_net_of_fees() -> None:
    venue = exchange()
    deep_book(venue, SPOT)
    venue.place("alice", limit(BUY, "1", "50001", instrument=SPOT, protection=PAIR), 2)
    pair = venue.open_orders("alice")
    assert {order.stop_order_type for order in pair} == {"OcoOrder"}
    assert {order.qty for order in pair} == {D("0.999")}
    assert venue.wallet("alice", "BTC").locked == D("0.999"), "once for both"
    deep_book(venue, SPOT, 49000)
    happenings = venue.set_last(SPOT, D(49000), 3)
    assert traded(happenings) == [("alice", "Sell", "48999", "0.999")]
    words = {order.cancel_type for order in orders(happenings)}
    assert "CancelByOCOTpCanceledBySlTriggered" in words
    assert (venue.wallet("alice", "BTC").locked, venue.wallet("alice", "BTC").balance) == (0, 0)


def test_cancelling_one_of_a_spot_pair_leaves_the_coins_with_the_other() -> None:
    for chosen in (0, 1):
        venue = exchange()
        deep_book(venue, SPOT)
        venue.place("alice", limit(BUY, "1", "50001", instrument=SPOT, protection=PAIR), 2)
        first, other = (order.order_id for order in venue.open_orders("alice")[:: 1 - 2 * chosen])
        venue.cancel("alice", SPOT, first, "", 3)
        assert venue.wallet("alice", "BTC").locked == D("0.999")
        venue.cancel("alice", SPOT, other, "", 4)
        assert venue.wallet("alice", "BTC").locked == 0


# --- the stops of a position -------------------------------------------------------------------------------------


def long_one() -> Exchange:
    venue = with_book()
    venue.place("alice", market(BUY, "1"), 2)
    return venue


def put(venue: Exchange, **legs: Any) -> Any:
    decimals = {name: D(value) if type(value) is str else value for name, value in legs.items()}
    return venue.set_trading_stop("alice", TradingStop(LINEAR, **decimals), 10)


def test_trading_stop_sets_moves_and_removes() -> None:
    venue = long_one()
    put(venue, take_profit="51000", stop_loss="49000", sl_by=TriggerBy.MARK)
    first = stops(venue)["StopLoss"].order_id
    put(venue, stop_loss="49100", sl_by=TriggerBy.MARK)
    assert stops(venue)["StopLoss"].order_id == first, "edited, not replaced"
    assert venue.position("alice", LINEAR).stop_loss == 49100
    put(venue, take_profit="0")
    assert set(stops(venue)) == {"StopLoss"}
    for unchanged in ({"stop_loss": "49100", "sl_by": TriggerBy.MARK}, {"take_profit": "0"}, {}):
        with pytest.raises(Refused, match="34040"):
            put(venue, **unchanged)
    deep_book(venue, LINEAR, 49100)
    assert venue.set_last(LINEAR, D(49000), 11) == [], "it looks at the mark"
    assert len(fills(venue.set_mark(LINEAR, D(49100), D(49100), 12))) == 1
    with pytest.raises(Refused, match="zero position"):
        put(venue, stop_loss="49000")


@pytest.mark.parametrize(
    "legs",
    [
        {"take_profit": "50000"},
        {"stop_loss": "50000"},
        {"take_profit": "51000", "stop_loss": "50001"},
        {"take_profit": "51000", "trailing": "60000"},
        {"trailing": "100", "active_price": "49000"},
        {"position_idx": 1, "stop_loss": "49000"},
    ],
)
def test_a_refused_trading_stop_changes_nothing(legs: dict[str, Any]) -> None:
    venue = long_one()
    before = venue.save()
    with pytest.raises(Refused, match="10001"):
        put(venue, **legs)
    assert venue.save() == before


def trigger_of(venue: Exchange) -> Decimal | None:
    trigger = stops(venue)["TrailingStop"].trigger
    return None if trigger is None else trigger.price


def test_trailing_stop_follows_the_best_price_and_never_back() -> None:
    venue = long_one()
    put(venue, trailing="200")
    assert (trigger_of(venue), venue.position("alice", LINEAR).trailing) == (49800, 200)
    for last, trigger in (("50500", 50300), ("50400", 50300), ("50600", 50400)):
        assert venue.set_last(LINEAR, D(last), 11) == []
        assert trigger_of(venue) == trigger
    venue = Exchange.restore(venue.save())
    happenings = venue.print_trade(LINEAR, SELL, D("50400"), D(1), 12)
    assert status_of(happenings, "TrailingStop") == ["Triggered", "Filled"]
    assert venue.position("alice", LINEAR).trailing == 0


def test_trailing_stop_of_a_short_arms_at_its_active_price() -> None:
    venue = with_book()
    venue.place("alice", market(SELL, "1"), 2)
    put(venue, trailing="100", active_price="49500")
    venue.set_last(LINEAR, D(49600), 11)
    assert trigger_of(venue) is None
    venue.set_last(LINEAR, D(49400), 12)
    assert trigger_of(venue) == 49500
    put(venue, trailing="300", active_price="0")
    assert trigger_of(venue) == 49700
    put(venue, trailing="0")
    assert stops(venue) == {}


def test_partial_stops_are_added_and_never_edited() -> None:
    venue = long_one()
    for size in ("0.4", "0.6"):
        venue.add_partial_stops("alice", LINEAR, 0, PAIR, D(size), 3)
    assert len(venue.open_orders("alice")) == 4
    for bad in (Protection(D(49000), None), Protection(None, D(51000)), Protection()):
        with pytest.raises(Refused, match="10001"):
            venue.add_partial_stops("alice", LINEAR, 0, bad, D("0.4"), 4)
    with pytest.raises(Refused, match="exceeds"):
        venue.add_partial_stops("alice", LINEAR, 0, PAIR, D("1.001"), 4)
    happenings = at(venue, "49000")
    assert [row[3] for row in traded(happenings)] == ["0.4", "0.6"]
    assert venue.open_orders("alice") == []


def test_liquidation_takes_the_stops_with_it() -> None:
    venue = exchange(usdt="6000")
    deep_book(venue)
    venue.place("alice", market(BUY, "1", protection=Protection(D(51000), D(30000), partial=False)), 2)
    happenings = venue.set_mark(LINEAR, D(44000), D(44000), 3)
    assert {order.cancel_type for order in orders(happenings) if order.stop_order_type} == {"CancelAllBeforeLiq"}
    assert venue.open_orders("alice") == []
    assert venue.position("alice", LINEAR).stop_loss == 0
