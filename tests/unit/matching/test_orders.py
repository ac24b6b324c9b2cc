"""Kinds of orders, their final states, and what the gateway refuses."""

from collections.abc import Callable

import pytest

from tests.unit.matching.support import (
    BUY,
    LINEAR,
    SELL,
    SPOT,
    D,
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
from tradectl.matching.records import NewOrder, PositionHappened, Refused, WalletHappened
from tradectl.matching.views import AccountFees
from tradectl.model.orders import OrderStatus, OrderType, TimeInForce


def with_book(*users: str, btc: str = "0") -> Exchange:
    venue = exchange(*users, btc=btc)
    for instrument in (LINEAR, SPOT):
        venue.set_book(
            instrument, levels(("49999.9", "1"), ("49999.8", "2")), levels(("50000.1", "1"), ("50000.2", "2")), 1
        )
    return venue


def refused(action: Callable[[], object]) -> int:
    with pytest.raises(Refused) as caught:
        action()
    return caught.value.code


def test_a_market_order_walks_the_book_at_each_levels_price() -> None:
    venue = with_book()
    order, happenings = venue.place("alice", market(BUY, "1.5"), 5)
    assert traded(happenings) == [("alice", "Buy", "50000.1", "1"), ("alice", "Buy", "50000.2", "0.5")]
    assert (order.status, order.time_in_force, order.price) == (OrderStatus.FILLED, TimeInForce.IOC, D(52500))
    assert (order.cum_qty, order.leaves, order.cum_value) == (D("1.5"), D(0), D("75000.2"))
    assert [fill.leaves for fill in fills(happenings)] == [D("0.5"), D(0)]
    names = [type(happening).__name__ for happening in happenings]
    assert names == [*["FillHappened", "LedgerHappened"] * 2, "OrderHappened", "PositionHappened", "WalletHappened"]


def test_a_market_order_stops_at_its_bound_and_cancels_the_rest() -> None:
    venue = with_book()
    venue.set_book(LINEAR, [], levels(("52500", "0.1"), ("52500.1", "5")), 2)
    order, happenings = venue.place("alice", market(BUY, "0.3"), 5)
    assert traded(happenings) == [("alice", "Buy", "52500", "0.1")]
    assert (order.status, order.reject_reason) == (OrderStatus.CANCELLED, "EC_NoImmediateQtyToFill")
    assert order.leaves == 0


def test_spot_has_a_word_for_partly_filled() -> None:
    venue = with_book()
    order, _ = venue.place("alice", limit(BUY, "1.5", "50000.1", instrument=SPOT, tif=TimeInForce.IOC), 5)
    assert (order.status, order.cum_qty) == (OrderStatus.PARTIALLY_FILLED_CANCELED, D(1))


def test_fill_or_kill_is_all_or_nothing() -> None:
    venue = with_book()
    order, happenings = venue.place("alice", limit(BUY, "3.001", "50000.2", tif=TimeInForce.FOK), 5)
    assert (order.status, order.reject_reason) == (OrderStatus.CANCELLED, "EC_CancelForNoFullFill")
    assert not fills(happenings)
    order, _ = venue.place("alice", limit(BUY, "3", "50000.2", tif=TimeInForce.FOK), 6)
    assert order.status is OrderStatus.FILLED


def test_post_only_never_takes() -> None:
    venue = with_book()
    order, happenings = venue.place("alice", limit(BUY, "1", "50000.1", tif=TimeInForce.POST_ONLY), 5)
    assert (order.status, order.reject_reason) == (OrderStatus.CANCELLED, "EC_PostOnlyWillTakeLiquidity")
    assert not fills(happenings)
    order, _ = venue.place("alice", limit(BUY, "1", "50000", tif=TimeInForce.POST_ONLY), 6)
    assert order.status is OrderStatus.NEW
    assert order.leaves == 1


def test_a_limit_order_takes_then_rests() -> None:
    venue = with_book()
    order, happenings = venue.place("alice", limit(BUY, "1.5", "50000.1", link="mine"), 5)
    assert traded(happenings) == [("alice", "Buy", "50000.1", "1")]
    assert order.status is OrderStatus.PARTIALLY_FILLED
    assert venue.order("alice", link_id="mine") == order == venue.order("alice", order.order_id)
    assert venue.open_orders("alice", SPOT) == []


def test_price_then_time_between_users() -> None:
    venue = with_book("ann", "bob", "cyd")
    venue.set_book(LINEAR, [], [], 2)
    venue.place("ann", limit(SELL, "1", "50010"), 3)
    venue.place("bob", limit(SELL, "1", "50005"), 4)
    venue.place("cyd", limit(SELL, "1", "50010"), 5)
    _, happenings = venue.place("ann", limit(BUY, "2.5", "50010"), 6)
    makers = [(fill.uid, fill.price, fill.qty) for fill in fills(happenings) if fill.is_maker]
    assert makers == [("bob", D(50005), D(1)), ("ann", D(50010), D(1)), ("cyd", D(50010), D("0.5"))]


def test_at_one_price_users_go_before_displayed_size() -> None:
    venue = with_book("ann", "bob")
    venue.place("ann", limit(SELL, "1", "50000.1", tif=TimeInForce.POST_ONLY), 3)
    _, happenings = venue.place("bob", market(BUY, "1.2"), 4)
    assert [(fill.uid, fill.qty) for fill in fills(happenings)] == [("bob", D(1)), ("ann", D(1)), ("bob", D("0.2"))]


def test_both_sides_of_a_match_share_the_sequence_and_seq_joins_the_position() -> None:
    venue = with_book("ann", "bob")
    venue.place("ann", limit(SELL, "1", "50000"), 3)
    _, happenings = venue.place("bob", limit(BUY, "1", "50000"), 4)
    taker, maker = fills(happenings)
    assert taker.seq == maker.seq
    assert (taker.fee, maker.fee) == (D("27.5"), D(10))
    positions = [item.position for item in happenings if isinstance(item, PositionHappened)]
    assert {(position.uid, position.size, position.seq) for position in positions} == {
        ("ann", D(-1), maker.seq),
        ("bob", D(1), taker.seq),
    }


def test_reduce_only_shrinks_to_the_position_and_ends_with_it() -> None:
    venue = with_book()
    venue.place("alice", market(BUY, "1"), 3)
    order, _ = venue.place("alice", limit(SELL, "2", "50100", reduce_only=True), 4)
    assert (order.qty, order.status) == (D(1), OrderStatus.NEW)
    _, happenings = venue.place("alice", market(SELL, "0.4"), 5)
    assert venue.order("alice", order.order_id).qty == D("0.6")
    _, happenings = venue.place("alice", market(SELL, "2"), 6)
    ended = [item for item in orders(happenings) if item.order_id == order.order_id]
    assert [(item.status, item.cancel_type) for item in ended] == [(OrderStatus.CANCELLED, "CancelByReduceOnly")]
    assert venue.position("alice", LINEAR).size == D("-1.4")


def test_reduce_only_of_nothing_closes_the_whole_position() -> None:
    venue = with_book()
    venue.place("alice", market(SELL, "0.7"), 3)
    venue.place("alice", market(BUY, "0", reduce_only=True), 4)
    assert venue.positions("alice") == []


def test_spot_market_buy_by_value_spends_and_returns_the_rest() -> None:
    venue = with_book()
    order, happenings = venue.place("alice", market(BUY, "60000", instrument=SPOT, quote=True), 3)
    assert traded(happenings) == [("alice", "Buy", "50000.1", "1"), ("alice", "Buy", "50000.2", "0.199997")]
    assert (order.status, order.qty, order.leaves) == (OrderStatus.FILLED, D(60000), D(0))
    assert venue.wallet("alice", "USDT").balance == D(100000) - order.cum_value
    assert venue.wallet("alice", "BTC").balance == D("1.199997") - D("0.001") - D("0.00020000")
    assert order.fees == {"BTC": D("0.00120000")}


def test_spot_market_buy_by_value_without_enough_market_is_partly_filled() -> None:
    venue = with_book()
    venue.set_book(SPOT, [], levels(("50000", "0.1")), 2)
    order, _ = venue.place("alice", market(BUY, "60000", instrument=SPOT, quote=True), 3)
    assert (order.status, order.reject_reason) == (OrderStatus.PARTIALLY_FILLED_CANCELED, "EC_NoImmediateQtyToFill")


def test_spot_fees_and_locks() -> None:
    venue = with_book(btc="2")
    venue.place("alice", limit(BUY, "0.5", "49900", instrument=SPOT, link="bid"), 3)
    order, happenings = venue.place("alice", limit(SELL, "0.5", "50100", instrument=SPOT), 4)
    assert venue.wallet("alice", "USDT").locked == D(24950)
    assert venue.wallet("alice", "BTC").locked == D("0.5")
    assert any(isinstance(item, WalletHappened) for item in happenings)
    venue.cancel("alice", SPOT, "", "bid", 5)
    assert venue.wallet("alice", "USDT").locked == 0
    happenings = venue.print_trade(SPOT, BUY, D(50200), D("0.2"), 6)
    assert traded(happenings) == [("alice", "Sell", "50100", "0.2")]
    assert fills(happenings)[0].fee == D("10.02")
    assert fills(happenings)[0].fee_coin == "USDT"
    assert venue.wallet("alice", "BTC").locked == D("0.3")
    assert venue.order("alice", order.order_id).status is OrderStatus.PARTIALLY_FILLED


def test_a_makers_rebate_comes_in_the_other_coin() -> None:
    venue = exchange(btc="2", fees=AccountFees(spot_maker=D("-0.0001"), linear_maker=D("-0.0001")))
    venue.place("alice", limit(BUY, "0.5", "50000", instrument=SPOT), 1)
    venue.place("alice", limit(SELL, "0.5", "50100", instrument=SPOT), 1)
    buy = fills(venue.print_trade(SPOT, SELL, D(49999), D(1), 2))[0]
    sell = fills(venue.print_trade(SPOT, BUY, D(50101), D(1), 3))[0]
    assert (buy.fee, buy.fee_coin) == (D("-2.5"), "USDT")
    assert (sell.fee, sell.fee_coin) == (D("-0.00005"), "BTC")


def test_amend_keeps_the_place_only_when_it_shrinks() -> None:
    venue = with_book("ann", "bob")
    venue.set_book(LINEAR, [], [], 2)
    venue.place("ann", limit(SELL, "2", "50010", link="a"), 3)
    venue.place("bob", limit(SELL, "1", "50010"), 4)
    venue.amend("ann", LINEAR, "", "a", D(1), None, 5)
    first = [fill.uid for fill in fills(venue.print_trade(LINEAR, BUY, D(50020), D("0.1"), 6))]
    venue.amend("ann", LINEAR, "", "a", D(2), None, 7)
    second = [fill.uid for fill in fills(venue.print_trade(LINEAR, BUY, D(50020), D("0.1"), 8))]
    assert (first, second) == (["ann"], ["bob"])


def test_amending_across_the_book_trades() -> None:
    venue = with_book()
    venue.place("alice", limit(BUY, "0.5", "49000", link="a"), 3)
    order, happenings = venue.amend("alice", LINEAR, "", "a", D("1.5"), D("50000.1"), 4)
    assert traded(happenings) == [("alice", "Buy", "50000.1", "1")]
    assert (order.status, order.qty, order.price) == (OrderStatus.PARTIALLY_FILLED, D("1.5"), D("50000.1"))
    assert refused(lambda: venue.amend("alice", LINEAR, "", "a", D(1), None, 5)) == 110064
    assert refused(lambda: venue.amend("alice", LINEAR, "", "a", D("1.5"), None, 5)) == 10001
    order, _ = venue.amend("alice", LINEAR, "", "a", D("2.5"), D("50000.2"), 6)
    assert order.status is OrderStatus.FILLED
    assert refused(lambda: venue.amend("alice", LINEAR, "", "a", D(9), None, 7)) == 110001


def test_cancel_all_by_instrument_and_for_all() -> None:
    venue = with_book(btc="1")
    venue.place("alice", limit(BUY, "0.1", "49000", link="1"), 3)
    venue.place("alice", limit(BUY, "0.1", "49900", instrument=SPOT, link="2"), 4)
    venue.place("alice", limit(SELL, "0.1", "51000", link="3"), 5)
    cancelled, happenings = venue.cancel_all("alice", LINEAR, 6)
    assert [order.link_id for order in cancelled] == ["1", "3"]
    assert {order.cancel_type for order in orders(happenings)} == {"CancelByUser"}
    assert [order.link_id for order in venue.cancel_all("alice", None, 7)[0]] == ["2"]
    assert venue.open_orders("alice") == []


LINEAR_REFUSALS = [
    (limit(BUY, "0.001", "4999"), 110094),
    (limit(BUY, "0.0005", "50000"), 10001),
    (limit(BUY, "0.0015", "50000"), 10001),
    (limit(BUY, "1191", "50000"), 10001),
    (market(BUY, "501"), 10001),
    (market(BUY, "-1"), 10001),
    (market(BUY, "NaN"), 10001),
    (market(BUY, "1e400"), 10001),
    (limit(BUY, "1", "49999.95"), 110003),
    (limit(BUY, "1", "0"), 110003),
    (limit(BUY, "1", "NaN"), 10001),
    (limit(BUY, "1", "1e60"), 110003),
    (NewOrder(LINEAR, BUY, OrderType.LIMIT, D(1)), 10001),
    (limit(BUY, "100", "50000"), 110007),
    (limit(SELL, "1", "51000", reduce_only=True), 110017),
    (limit(BUY, "1", "49000", link="used"), 110072),
    (limit(BUY, "1", "49000", link="x" * 37), 10001),
    (limit(BUY, "1", "49000", link="a b"), 10001),
    (market(BUY, "100", quote=True), 10001),
]
SPOT_REFUSALS = [
    (limit(BUY, "0.0001", "49900", instrument=SPOT), 170140),
    (limit(BUY, "0.0000015", "50000", instrument=SPOT), 170137),
    (limit(BUY, "84", "50000", instrument=SPOT), 170124),
    (limit(BUY, "0", "50000", instrument=SPOT), 170136),
    (limit(BUY, "0.1", "49999.95", instrument=SPOT), 170134),
    (limit(BUY, "0.1", "1e60", instrument=SPOT), 170132),
    (limit(BUY, "0.1", "-1", instrument=SPOT), 170133),
    (limit(BUY, "0.1", "51000", instrument=SPOT), 170371),
    (limit(SELL, "0.1", "49000", instrument=SPOT), 170372),
    (limit(BUY, "3", "49900", instrument=SPOT), 170131),
    (limit(SELL, "0.1", "50000", instrument=SPOT), 170131),
    (market(BUY, "4.9", instrument=SPOT, quote=True), 170140),
    (market(BUY, "100.000000001", instrument=SPOT, quote=True), 170148),
    (market(BUY, "1e60", instrument=SPOT, quote=True), 170124),
    (market(BUY, "100001", instrument=SPOT, quote=True), 170131),
    (limit(BUY, "0.1", "49900", instrument=SPOT, link="used"), 170141),
]


@pytest.mark.parametrize(("request_", "code"), LINEAR_REFUSALS + SPOT_REFUSALS)
def test_refusals_change_nothing(request_: NewOrder, code: int) -> None:
    venue = with_book()
    order, _ = venue.place("alice", limit(BUY, "0.001", "49000", link="used"), 2)
    venue.cancel("alice", LINEAR, order.order_id, "", 3)
    before = venue.save()
    assert refused(lambda: venue.place("alice", request_, 4)) == code
    assert venue.save() == before


def test_unknown_symbol_closed_instrument_and_unknown_orders() -> None:
    venue = Exchange([*instruments()[:1]], seed="x")
    venue.open_account("alice", AccountFees(), 0)
    assert refused(lambda: venue.place("alice", market(BUY, "1", instrument=SPOT), 1)) == 170121
    assert refused(lambda: venue.place("alice", market(BUY, "1"), 1)) == 110118
    venue = with_book()
    assert refused(lambda: venue.cancel("alice", LINEAR, "nobody", "", 1)) == 110001
    assert refused(lambda: venue.cancel("alice", SPOT, "", "nobody", 1)) == 170213
    order, _ = venue.place("alice", limit(BUY, "1", "49000"), 2)
    assert refused(lambda: venue.cancel("alice", SPOT, order.order_id, "", 3)) == 170213


def test_futures_clamp_the_price_to_the_band() -> None:
    venue = with_book()
    assert venue.price_band(LINEAR) == (D(50500), D(49500))
    order, _ = venue.place("alice", limit(BUY, "0.1", "60000"), 3)
    assert order.price == D(50500)
    order, _ = venue.place("alice", limit(SELL, "0.1", "100"), 4)
    assert order.price == D(49500)
    order, _ = venue.place("alice", limit(BUY, "0.1", "100"), 5)
    assert (order.price, order.status) == (D(100), OrderStatus.NEW)


def test_the_band_follows_the_mean_premium_of_the_book() -> None:
    venue = exchange()
    second = 1_000_000_000
    for at, middle in ((0, 50200), (1, 50300), (1, 50900), (2, 50400)):  # the third is within a second of the second
        book = levels((str(middle - 1), "1")), levels((str(middle + 1), "1"))
        for instrument in (LINEAR, SPOT):
            venue.set_book(instrument, *book, at * second)
    assert venue.price_band(LINEAR) == (D(50800), D(49500))  # 1 % of mark and the mean of 200, 300 and 400
    assert venue.price_band(SPOT) == (D(50500), D(50000))  # capped by Y, and never beyond the index
    for at in (40, 41):
        venue.set_book(LINEAR, levels(("49799", "1")), levels(("49801", "1")), at * second)
    assert venue.price_band(LINEAR) == (D(50500), D(49300))  # samples older than 30 s are forgotten


def test_open_order_cap() -> None:
    venue = with_book()
    for _ in range(500):
        venue.place("alice", limit(BUY, "0.001", "49000"), 3)
    assert refused(lambda: venue.place("alice", limit(BUY, "0.001", "49000"), 4)) == 110020
    order, _ = venue.place("alice", limit(BUY, "0.001", "49900", instrument=SPOT), 5)
    assert order.status is OrderStatus.NEW


def test_ids_look_like_bybits_and_depend_on_seed_and_calls_alone() -> None:
    first, second, third = with_book(), with_book(), Exchange(instruments(), seed="other")
    third.open_account("alice", AccountFees(), 0)
    linear, _ = first.place("alice", limit(BUY, "1", "49000"), 3)
    spot, _ = first.place("alice", limit(BUY, "1", "49900", instrument=SPOT), 3)
    again, _ = second.place("alice", limit(BUY, "1", "49000"), 3)
    assert linear.order_id == again.order_id
    assert len(linear.order_id) == 36
    assert spot.order_id.isdigit()
    assert len(spot.order_id) == 19
    assert third.save() != second.save()


def test_an_account_may_trade_with_itself() -> None:
    venue = with_book()
    venue.place("alice", limit(SELL, "1", "50000"), 3)
    _, happenings = venue.place("alice", limit(BUY, "1", "50000"), 4)
    assert [(fill.side, fill.is_maker) for fill in fills(happenings)] == [(BUY, False), (SELL, True)]
    assert venue.position("alice", LINEAR).size == 0
    assert venue.wallet("alice", "USDT").balance == D(100000) - D("37.5")
