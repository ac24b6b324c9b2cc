"""Conditional orders: they wait, fire on the price they name and are then checked like any other."""

from typing import Any

import pytest
from msgspec.structs import replace

from tests.unit.matching.support import (
    BUY,
    LINEAR,
    SELL,
    SPOT,
    D,
    above,
    below,
    deep_book,
    exchange,
    fills,
    instruments,
    levels,
    limit,
    market,
    orders,
    traded,
)
from tradectl.matching.exchange import Exchange
from tradectl.matching.records import NewOrder, Refused, StopChange
from tradectl.matching.views import AccountFees
from tradectl.model.instruments import Category, InstrumentId
from tradectl.model.orders import OrderStatus, TradingStop, TriggerBy


def with_book(*users: str, btc: str = "0") -> Exchange:
    venue = exchange(*users, btc=btc)
    deep_book(venue)
    deep_book(venue, SPOT)
    return venue


@pytest.mark.parametrize("by", list(TriggerBy))
def test_fires_on_the_price_it_names_and_no_other(by: TriggerBy) -> None:
    venue = with_book()
    order, _ = venue.place("alice", market(BUY, "1", trigger=above("50100", by)), 2)
    assert (order.status, order.stop_order_type, order.price) == (OrderStatus.UNTRIGGERED, "Stop", None)
    moves = {
        TriggerBy.LAST: lambda price: venue.set_last(LINEAR, price, 3),
        TriggerBy.MARK: lambda price: venue.set_mark(LINEAR, price, D(50000), 3),
        TriggerBy.INDEX: lambda price: venue.set_mark(LINEAR, D(50000), price, 3),
    }
    for other, move in moves.items():
        if other is not by:
            assert fills(move(D("50200"))) == []
    assert moves[by](D("50099.9")) == []
    happenings = moves[by](D("50100"))
    assert [each.status.value for each in orders(happenings)] == ["Triggered", "Filled"]
    assert traded(happenings) == [("alice", "Buy", "50001", "1")]
    assert venue.open_orders("alice") == []


def test_a_limit_order_rests_after_it_fired_and_falls_trigger_falls() -> None:
    venue = with_book()
    order, _ = venue.place("alice", limit(BUY, "1", "49500", link="dip", trigger=below("49600")), 2)
    assert venue.print_trade(LINEAR, SELL, D("49600.1"), D(1), 3) == []
    happenings = venue.print_trade(LINEAR, SELL, D("49600"), D(1), 4)
    assert [each.status.value for each in orders(happenings)] == ["Triggered", "New"]
    found = venue.order("alice", link_id="dip")
    assert found is not None
    assert (found.order_id, found.status, found.price) == (order.order_id, OrderStatus.NEW, D("49500"))


def test_several_fire_in_the_order_of_their_creation() -> None:
    venue = with_book("alice", "bob")
    for uid, price in (("bob", "50300"), ("alice", "50100"), ("bob", "50200")):
        venue.place(uid, market(BUY, "1", trigger=above(price)), 2)
    restored = Exchange.restore(venue.save())
    for each in (venue, restored):
        assert [row[0] for row in traded(each.set_last(LINEAR, D(50500), 3))] == ["bob", "alice", "bob"]


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (market(BUY, "1", trigger=above("50000")), 110092),
        (market(BUY, "1", trigger=below("50000")), 110093),
        (market(BUY, "1", trigger=above("49000", TriggerBy.MARK)), 110092),
        (market(BUY, "1", trigger=above("50100.05")), 110003),
        (market(BUY, "1", trigger=above("0")), 110003),
        (market(BUY, "1.0001", trigger=above("50100")), 10001),
        (market(BUY, "0.0001", trigger=above("50100")), 10001),
        (limit(BUY, "1", "50100.05", trigger=above("50100")), 110003),
        (limit(BUY, "0.001", "100", trigger=above("50100")), 110094),
        (market(BUY, "1", trigger=above("50100"), position_idx=1), 10001),
        (market(BUY, "1", instrument=SPOT, trigger=above("50100")), 10001),
        (market(BUY, "1", instrument=SPOT, trigger=above("50000"), order_filter="StopOrder"), 10001),
        (market(BUY, "3", instrument=SPOT, trigger=above("50100"), order_filter="tpslOrder"), 170131),
    ],
)
def test_what_the_gateway_refuses_changes_nothing(request_: NewOrder, code: int) -> None:
    venue = with_book()
    before = venue.save()
    with pytest.raises(Refused) as refused:
        venue.place("alice", request_, 2)
    assert refused.value.code == code
    assert venue.save() == before


def test_ten_conditional_orders_per_symbol() -> None:
    venue = with_book()
    for _ in range(10):
        venue.place("alice", market(BUY, "1", trigger=above("50100")), 2)
    with pytest.raises(Refused, match="110009"):
        venue.place("alice", market(BUY, "1", trigger=above("50100")), 2)


def test_margin_is_looked_at_when_it_fires() -> None:
    venue = exchange(usdt="100")
    deep_book(venue)
    venue.place("alice", market(BUY, "1", trigger=above("50100")), 2)
    [_, order] = orders(venue.set_last(LINEAR, D(50100), 3))
    assert (order.status, order.leaves, order.reject_reason) == (OrderStatus.REJECTED, 0, "EC_Others")
    assert venue.open_orders("alice") == []


def test_a_reducing_stop_takes_the_position_there_is() -> None:
    venue = with_book()
    venue.place("alice", market(BUY, "2"), 2)
    venue.place("alice", market(SELL, "5", trigger=below("49900"), close_on_trigger=True), 3)
    venue.place("alice", market(SELL, "0", reduce_only=True, trigger=below("49900"), close_on_trigger=True), 3)
    happenings = venue.set_last(LINEAR, D(49900), 4)
    assert traded(happenings) == [("alice", "Sell", "49999", "2")]
    assert [(each.status.value, each.cancel_type) for each in orders(happenings)][2:] == [
        ("Filled", "UNKNOWN"), ("Cancelled", "CancelByReduceOnly"),
    ]  # fmt: skip
    assert venue.position("alice", LINEAR).size == 0


def test_cancelled_before_it_fires_it_is_deactivated() -> None:
    venue = with_book()
    venue.place("alice", market(BUY, "1", link_id="a", trigger=above("50100")), 2)
    order, _ = venue.cancel("alice", LINEAR, "", "a", 3)
    assert (order.status, order.leaves, order.cancel_type) == (OrderStatus.DEACTIVATED, 0, "CancelByUser")
    with pytest.raises(Refused, match="110001"):
        venue.cancel("alice", LINEAR, "", "a", 4)
    assert venue.set_last(LINEAR, D(50100), 5) == []


def test_amend_of_trigger_quantity_and_price() -> None:
    venue = with_book()
    venue.place("alice", limit(BUY, "1", "49000", link="a", trigger=above("50100")), 2)
    change = StopChange(trigger_price=D(50300))
    order, _ = venue.amend("alice", LINEAR, "", "a", D(2), D(49100), 3, change)
    assert (order.qty, order.leaves, order.price, order.trigger) == (2, 2, 49100, above("50300"))
    assert venue.set_last(LINEAR, D(50200), 4) == []
    for bad, code in ((StopChange(trigger_price=D(50100)), "110092"), (StopChange(), "10001")):
        with pytest.raises(Refused, match=code):
            venue.amend("alice", LINEAR, "", "a", None, None, 5, bad)
    assert orders(venue.set_last(LINEAR, D(50300), 6))[-1].status is OrderStatus.NEW


def test_spot_holds_coins_at_once_or_when_it_fires() -> None:
    venue = with_book(btc="2")
    stop = market(SELL, "1.5", instrument=SPOT, link_id="s", trigger=below("49900"), order_filter="StopOrder")
    held = market(SELL, "1.5", instrument=SPOT, link_id="t", trigger=below("49900"), order_filter="tpslOrder")
    venue.place("alice", stop, 2)
    assert venue.wallet("alice", "BTC").locked == 0
    venue.place("alice", held, 2)
    assert venue.wallet("alice", "BTC").locked == D("1.5")
    happenings = venue.set_last(SPOT, D(49900), 3)
    final = {each.link_id: each.status.value for each in orders(happenings)}
    assert final == {"s": "Rejected", "t": "Filled"}, "the coins were held for the other one"
    assert venue.wallet("alice", "BTC").locked == 0


def test_spot_buys_hold_what_they_will_pay() -> None:
    venue = with_book()
    buy: dict[str, Any] = {"instrument": SPOT, "trigger": above("50100"), "order_filter": "tpslOrder"}
    venue.place("alice", market(BUY, "1", link_id="q", **buy), 2)  # at its trigger price
    venue.place("alice", limit(BUY, "0.1", "50000", **buy), 2)
    venue.place("alice", market(BUY, "100", quote=True, **buy), 2)
    assert venue.wallet("alice", "USDT").locked == 50100 + 5000 + 100
    venue.amend("alice", SPOT, "", "q", D("0.5"), None, 3)
    assert venue.wallet("alice", "USDT").locked == 25050 + 5000 + 100
    venue.cancel_all("alice", SPOT, 4)
    assert len(venue.open_orders("alice")) == 3, "spot without a filter cancels what is in the book"
    venue.cancel_all("alice", SPOT, 4, order_filter="tpslOrder")
    assert venue.wallet("alice", "USDT").locked == 0


def test_cancel_all_by_kind_on_derivatives() -> None:
    def open_kinds(*filters: str) -> list[str]:
        venue = with_book()
        venue.place("alice", market(BUY, "1"), 2)
        venue.place("alice", limit(BUY, "1", "49000", link="book"), 3)
        venue.place("alice", market(BUY, "1", link_id="stop", trigger=above("50100")), 4)
        venue.set_trading_stop("alice", TradingStop(LINEAR, stop_loss=D(49000)), 5)
        venue.cancel_all("alice", LINEAR, 6, *filters)
        return [order.link_id or order.stop_order_type for order in venue.open_orders("alice")]

    assert open_kinds() == []
    assert open_kinds("Order") == ["stop", "StopLoss"]
    assert open_kinds("StopOrder") == ["book"]
    assert open_kinds("StopOrder", "Stop") == ["book", "StopLoss"]


def test_an_instrument_without_conditional_orders_publishes_nothing_new() -> None:
    venue = with_book()
    assert venue.set_last(LINEAR, D(51000), 2) == []
    assert venue.print_trade(LINEAR, BUY, D(51000), D(1), 3) == []
    assert venue.set_mark(LINEAR, D(51000), D(51000), 4) == []
    assert venue.set_book(LINEAR, levels(("50999", "1")), levels(("51001", "1")), 5) == []


def test_options_are_refused_by_name() -> None:
    option = InstrumentId(Category.OPTION, "BTC-26MAR27-90000-C-USDT")
    venue = Exchange([replace(instruments()[0], id=option)], seed="test")
    venue.open_account("alice", AccountFees(), 0)
    with pytest.raises(Refused, match="options cannot be traded here"):
        venue.place("alice", limit(BUY, "1", "100", instrument=option), 1)
