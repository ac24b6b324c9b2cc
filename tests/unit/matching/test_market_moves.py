"""What the market does to resting orders: books that cross them, prints that reach them, displayed size used up."""

import pytest

from tests.unit.matching.support import (
    BUY,
    LINEAR,
    SELL,
    SPOT,
    D,
    assert_conserved,
    exchange,
    fills,
    levels,
    limit,
    market,
    traded,
)
from tradectl.matching.bar_path import bar_prints
from tradectl.matching.exchange import Exchange
from tradectl.matching.synthetic_book import BookShape, synthetic_book
from tradectl.model.orders import OrderStatus


def test_used_size_stays_used_until_the_level_is_updated() -> None:
    venue = exchange()
    asks = levels(("50000.1", "1"), ("50000.2", "1"))
    venue.set_book(LINEAR, [], asks, 1)
    venue.place("alice", market(BUY, "0.7"), 2)
    venue.set_book(LINEAR, [], asks, 3)  # the same picture again: nothing was updated
    assert traded(venue.place("alice", market(BUY, "0.7"), 4)[1]) == [
        ("alice", "Buy", "50000.1", "0.3"),
        ("alice", "Buy", "50000.2", "0.4"),
    ]
    venue.update_levels(LINEAR, [], levels(("50000.1", "1")), 5)
    assert traded(venue.place("alice", market(BUY, "0.7"), 6)[1]) == [("alice", "Buy", "50000.1", "0.7")]
    venue.set_book(LINEAR, [], levels(("50000.1", "1.1"), ("50000.2", "1")), 7)
    assert traded(venue.place("alice", market(BUY, "1.2"), 8)[1]) == [
        ("alice", "Buy", "50000.1", "1.1"),
        ("alice", "Buy", "50000.2", "0.1"),
    ]


def test_deltas_insert_change_and_delete_levels() -> None:
    venue = exchange()
    venue.set_book(LINEAR, levels(("49999", "1"), ("49998", "1")), levels(("50001", "1")), 1)
    venue.update_levels(LINEAR, levels(("49999", "0"), ("49998.5", "0.2")), levels(("50000", "0.3"), ("60000", "0")), 2)
    assert traded(venue.place("alice", market(SELL, "0.5"), 3)[1]) == [
        ("alice", "Sell", "49998.5", "0.2"),
        ("alice", "Sell", "49998", "0.3"),
    ]
    assert traded(venue.place("alice", market(BUY, "0.5"), 4)[1])[0] == ("alice", "Buy", "50000", "0.3")


def test_bad_books_are_refused_whole() -> None:
    venue = exchange()
    venue.set_book(LINEAR, levels(("49999", "1")), levels(("50001", "1")), 1)
    before = venue.save()
    for bids, asks in ((levels(("49990", "1")), levels(("50000.05", "1"))), (levels(("49990", "-1")), [])):
        with pytest.raises(ValueError, match=r"tick|negative"):
            venue.set_book(LINEAR, bids, asks, 2)
        with pytest.raises(ValueError, match=r"tick|negative"):
            venue.update_levels(LINEAR, bids, asks, 2)
    assert venue.save() == before


def test_a_book_that_crosses_resting_orders_fills_them_at_their_price() -> None:
    venue = exchange("ann", "bob")
    venue.place("ann", limit(BUY, "1", "49990"), 1)
    venue.place("bob", limit(BUY, "1", "49995"), 2)
    happenings = venue.set_book(LINEAR, [], levels(("49980", "1.2"), ("49992", "5")), 3)
    assert traded(happenings) == [("bob", "Buy", "49995", "1"), ("ann", "Buy", "49990", "0.2")]
    assert all(fill.is_maker for fill in fills(happenings))
    again = venue.set_book(LINEAR, [], levels(("49980", "1.2"), ("49992", "5")), 4)
    assert not fills(again), "the size was used up"
    assert traded(venue.set_book(LINEAR, [], levels(("49980", "1.3")), 5)) == [("ann", "Buy", "49990", "0.8")]


def test_a_print_fills_what_it_ran_through_up_to_its_size() -> None:
    venue = exchange("ann", "bob")
    venue.place("ann", limit(BUY, "1", "49990"), 1)
    venue.place("bob", limit(BUY, "1", "49995"), 2)
    venue.place("bob", limit(BUY, "1", "49990"), 3)
    happenings = venue.print_trade(LINEAR, SELL, D("49989.9"), D("2.5"), 4)
    assert traded(happenings) == [
        ("bob", "Buy", "49995", "1"),
        ("ann", "Buy", "49990", "1"),
        ("bob", "Buy", "49990", "0.5"),
    ]
    assert venue.prices(LINEAR).last == D("49989.9")
    assert venue.print_trade(LINEAR, SELL, D(49991), D(9), 5) == []


def test_a_print_at_the_price_fills_only_what_exceeds_the_queue_before_the_order() -> None:
    venue = exchange()
    venue.set_book(LINEAR, levels(("49999", "2"), ("49998", "1")), levels(("50001", "1")), 1)
    order, _ = venue.place("alice", limit(BUY, "1", "49999"), 2)
    assert venue.print_trade(LINEAR, SELL, D(49999), D("1.5"), 3) == []
    assert venue.print_trade(LINEAR, BUY, D(49999), D(9), 4) == [], "buyers lifting do not reach a buy order"
    assert traded(venue.print_trade(LINEAR, SELL, D(49999), D("0.8"), 5)) == [("alice", "Buy", "49999", "0.3")]
    assert traded(venue.print_trade(LINEAR, SELL, D(49999), D("9"), 6)) == [("alice", "Buy", "49999", "0.7")]
    assert venue.order("alice", order.order_id) is None


def test_a_level_that_shrinks_moves_the_order_forward_and_growth_does_not_move_it_back() -> None:
    venue = exchange()
    bids = levels(("49999", "2"), ("49998", "1"))
    venue.set_book(LINEAR, bids, [], 1)
    venue.place("alice", limit(BUY, "1", "49999"), 2)
    venue.update_levels(LINEAR, levels(("49999", "0.5")), [], 3)
    venue.update_levels(LINEAR, levels(("49999", "5")), [], 4)
    assert traded(venue.print_trade(LINEAR, SELL, D(49999), D("0.6"), 5)) == [("alice", "Buy", "49999", "0.1")]


def test_the_queue_inside_and_outside_the_displayed_levels() -> None:
    venue = exchange("ann", "bob")
    venue.set_book(LINEAR, levels(("49999", "2"), ("49990", "1")), levels(("50001", "1")), 1)
    venue.place("ann", limit(BUY, "1", "49995"), 2)  # inside: nobody before it
    assert traded(venue.print_trade(LINEAR, SELL, D(49995), D("0.1"), 3)) == [("ann", "Buy", "49995", "0.1")]
    venue.place("bob", limit(BUY, "1", "49980"), 4)  # beyond: unknown
    assert venue.print_trade(LINEAR, SELL, D(49980), D("0.9"), 5)[0].fill.uid == "ann"
    assert venue.print_trade(LINEAR, SELL, D(49980), D(5), 6) == []
    venue.set_book(LINEAR, levels(("49980", "0.4"), ("49970", "1")), levels(("49991", "1")), 7)
    assert traded(venue.print_trade(LINEAR, SELL, D(49980), D("0.5"), 8)) == [("bob", "Buy", "49980", "0.1")]


def test_orders_in_one_queue_with_market_size_between_them() -> None:
    venue = exchange("ann", "bob")
    venue.set_book(LINEAR, levels(("49999", "1"), ("49998", "1")), [], 1)
    venue.place("ann", limit(BUY, "1", "49999"), 2)
    venue.update_levels(LINEAR, levels(("49999", "3")), [], 3)
    venue.place("bob", limit(BUY, "1", "49999"), 4)  # behind 3: one before ann, two between
    assert traded(venue.print_trade(LINEAR, SELL, D(49999), D("2.5"), 5)) == [("ann", "Buy", "49999", "1")]
    assert traded(venue.print_trade(LINEAR, SELL, D(49999), D("1.7"), 6)) == [("bob", "Buy", "49999", "0.2")]


def test_reduce_only_orders_in_one_print_never_turn_the_position() -> None:
    venue = exchange()
    venue.set_book(LINEAR, levels(("49999", "5")), levels(("50001", "5")), 1)
    venue.place("alice", market(BUY, "1"), 2)
    for price in ("50010", "50010", "50020"):
        venue.place("alice", limit(SELL, "0.7", price, reduce_only=True), 3)
    happenings = venue.print_trade(LINEAR, BUY, D(50030), D(9), 4)
    assert [qty for *_, qty in traded(happenings)] == ["0.7", "0.3"]
    assert venue.position("alice", LINEAR).size == 0
    assert venue.open_orders("alice") == []


def test_a_resting_order_trades_once_per_size_in_a_candle_replay() -> None:
    """Bar path, synthetic book and exchange together: a bid inside the bar is filled, one below it is not."""
    venue = exchange()
    tick, lot = D("0.1"), D("0.001")
    inside, _ = venue.place("alice", limit(BUY, "0.5", "49950"), 1)
    below, _ = venue.place("alice", limit(BUY, "0.5", "49899.9"), 1)
    got = D(0)
    for item in bar_prints(D(50000), D(50050), D(49900), D(50020), D(8), tick, lot):
        happenings = venue.print_trade(LINEAR, item.side, item.price, item.qty, 2)
        happenings += venue.set_book(LINEAR, *synthetic_book(item.price, tick, lot, BookShape()), 2)
        got += sum((fill.qty for fill in fills(happenings)), D(0))
    assert got == D("0.5")
    assert venue.order("alice", inside.order_id) is None
    assert venue.order("alice", below.order_id).status is OrderStatus.NEW


def test_prints_below_a_lot_move_the_last_price_only() -> None:
    venue = exchange()
    venue.place("alice", limit(BUY, "0.5", "49950"), 1)
    assert venue.print_trade(LINEAR, SELL, D(49940), D("0.0004"), 2) == []
    assert venue.prices(LINEAR).last == D(49940)


def two_users_and_the_market() -> Exchange:
    venue = exchange("ann", "bob", btc="1")
    for instrument in (LINEAR, SPOT):
        venue.set_book(instrument, levels(("49999", "1")), levels(("50001", "1")), 1)
        venue.place("ann", limit(BUY, "0.3", "49999.5", instrument=instrument), 2)
        venue.place("bob", limit(SELL, "0.2", "49999.5", instrument=instrument), 3)
        venue.place("bob", market(SELL, "0.3", instrument=instrument), 4)
    return venue


def test_money_is_conserved_between_users_and_market() -> None:
    venue = two_users_and_the_market()
    venue.settle_funding(LINEAR, D("0.000123"), 5)
    assert_conserved(venue, ("ann", "bob"), {"USDT": D(200000), "BTC": D(2)})
    assert venue.market_cash()["BTC"] == D("0.2")
