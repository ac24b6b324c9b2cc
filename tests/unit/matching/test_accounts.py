"""Accounts: transfers, margin, leverage, funding and liquidation."""

from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.matching.support import (
    BUY,
    LINEAR,
    SELL,
    SPOT,
    D,
    assert_conserved,
    exchange,
    fills,
    ledger,
    levels,
    limit,
    market,
    orders,
)
from tradectl.matching.exchange import Exchange
from tradectl.matching.records import Refused
from tradectl.matching.views import AccountFees, PositionMargin
from tradectl.model.money import use_exact_context
from tradectl.model.orders import OrderStatus


def refused(action: Callable[[], object]) -> int:
    with pytest.raises(Refused) as caught:
        action()
    return caught.value.code


def with_position(size: str = "1", **options: str) -> Exchange:
    venue = exchange(**options)
    venue.set_book(LINEAR, levels(("50000", "1000")), levels(("50000", "1000")), 1)
    side = BUY if D(size) > 0 else SELL
    venue.place("alice", market(side, str(abs(D(size)))), 2)
    return venue


def test_transfers_are_logged_and_bounded_by_what_is_free() -> None:
    venue = exchange(btc="1")
    entry = ledger(venue.deposit("alice", "USDT", D("-40000"), 1))[0]
    assert (entry.type, entry.change, entry.balance) == ("TRANSFER_OUT", D(-40000), D(60000))
    venue.place("alice", limit(BUY, "1", "49900", instrument=SPOT), 2)
    assert refused(lambda: venue.deposit("alice", "USDT", D("-10101"), 3)) == 131212
    venue.deposit("alice", "USDT", D("-10100"), 4)
    for amount in ("0", "NaN", "1e60"):
        assert refused(lambda amount=amount: venue.deposit("alice", "USDT", D(amount), 5)) == 131001
    with pytest.raises(ValueError, match="exists"):
        venue.open_account("alice", AccountFees(), 6)
    with pytest.raises(ValueError, match="nobody"):
        venue.deposit("nobody", "USDT", D(1), 6)


def test_what_a_position_needs_cannot_be_withdrawn() -> None:
    venue = with_position("10")  # 500,000 of value: 50,000 to hold it, 275 to close it
    assert venue.account("alice").available == D(100000) - 275 - 50275
    assert refused(lambda: venue.deposit("alice", "USDT", D(-49451), 3)) == 131212
    venue.deposit("alice", "USDT", D(-49450), 3)


def test_the_account_in_dollars() -> None:
    venue = with_position("1", btc="0.5")
    venue.set_mark(LINEAR, D(51000), D(50900), 3)
    view = venue.account("alice")
    assert view.wallet_balance == D(100000) - D("27.5") + D("0.5") * 50900
    assert view.unrealised == 1000
    assert view.equity == view.margin_balance == view.wallet_balance + 1000
    assert view.initial_margin == D("5100") + D("28.05")
    assert view.maintenance_margin == D("255") + D("28.05")
    assert view.available == view.equity - view.initial_margin
    assert view.mm_rate == view.maintenance_margin / view.equity
    usdt = next(coin for coin in view.coins if coin.coin == "USDT")
    assert (usdt.equity, usdt.unrealised, usdt.position_im) == (D("100972.5"), D(1000), D("5128.05"))
    assert venue.unrealised(venue.position("alice", LINEAR)) == 1000


def test_reading_an_account_changes_nothing() -> None:
    venue = exchange()
    before = venue.save()
    venue.account("alice")
    venue.position("alice", LINEAR)
    assert venue.position_margin("alice", LINEAR) == PositionMargin()
    assert venue.wallet("alice", "ETH").balance == 0
    assert venue.position("alice", LINEAR).seq == -1
    assert venue.save() == before


def test_orders_need_margin_for_the_worse_side_only() -> None:
    venue = exchange()
    venue.place("alice", limit(BUY, "1", "50000"), 1)
    one_side = venue.account("alice").initial_margin
    assert one_side == D(5000) + D("55")
    venue.place("alice", limit(SELL, "1", "50100"), 2)
    assert venue.account("alice").initial_margin == D(5010) + D("55.11")
    venue.cancel_all("alice", None, 3)
    assert venue.account("alice").initial_margin == 0


def test_an_order_against_the_position_needs_none() -> None:
    venue = with_position("15")  # takes 75,412.5 of the 100,000
    assert refused(lambda: venue.place("alice", limit(BUY, "15", "50000"), 3)) == 110007
    order, _ = venue.place("alice", limit(SELL, "15", "50100"), 3)
    assert order.status is OrderStatus.NEW


def test_an_account_short_of_margin_can_still_get_out() -> None:
    venue = with_position("15")
    venue.set_mark(LINEAR, D(46000), D(46000), 3)
    assert venue.account("alice").available < 0
    assert refused(lambda: venue.place("alice", market(BUY, "0.1"), 4)) == 110007
    order, _ = venue.place("alice", market(SELL, "15"), 4)
    assert order.status is OrderStatus.FILLED
    assert venue.position("alice", LINEAR).size == 0


def test_leverage() -> None:
    venue = with_position("10")
    venue.set_leverage("alice", LINEAR, D(20), 3)
    assert venue.position_margin("alice", LINEAR).initial == D(25000) + 275
    assert refused(lambda: venue.set_leverage("alice", LINEAR, D(20), 3)) == 110043
    assert refused(lambda: venue.set_leverage("alice", LINEAR, D(101), 3)) == 110013
    assert refused(lambda: venue.set_leverage("alice", LINEAR, D("0.5"), 3)) == 110013
    assert refused(lambda: venue.set_leverage("alice", LINEAR, D(2), 3)) == 110044
    assert refused(lambda: venue.set_leverage("alice", SPOT, D(2), 3)) == 10001
    assert venue.position("alice", LINEAR).leverage == 20


@pytest.mark.parametrize(
    ("size", "rate", "paid"), [("1", "0.0001", "5"), ("-1", "0.0001", "-5"), ("1", "-0.0001", "-5")]
)
def test_funding(size: str, rate: str, paid: str) -> None:
    venue = with_position(size)
    cash = venue.wallet("alice", "USDT").balance
    happenings = venue.settle_funding(LINEAR, D(rate), 3)
    fill, entry = fills(happenings)[0], ledger(happenings)[0]
    assert (fill.type, fill.order_type, fill.fee, fill.qty) == ("Funding", "UNKNOWN", D(paid), D(1))
    assert (entry.type, entry.funding, entry.fee) == ("SETTLEMENT", -D(paid), D(0))
    assert entry.change == entry.cash_flow + entry.funding - entry.fee == venue.wallet("alice", "USDT").balance - cash
    position = venue.position("alice", LINEAR)
    assert (position.size, position.realised) == (D(size), D("-27.5") - D(paid))
    assert position.seq == fill.seq


def test_funding_rounds_half_even_to_eight_decimals() -> None:
    venue = with_position("0.001")
    venue.set_mark(LINEAR, D(50000), D(50000), 3)
    assert fills(venue.settle_funding(LINEAR, D("0.0000000005"), 4))[0].fee == D("0.00000002")  # 2.5 steps
    assert fills(venue.settle_funding(LINEAR, D("0.0000000007"), 5))[0].fee == D("0.00000004")  # 3.5 steps
    assert refused(lambda: venue.settle_funding(SPOT, D("0.0001"), 6)) == 10001
    flat = exchange()
    assert flat.settle_funding(LINEAR, D("0.0001"), 1) == []


def test_realised_profit_starts_again_with_each_position() -> None:
    venue = with_position("1", usdt="100000")
    venue.place("alice", market(SELL, "3"), 3)  # closes 1, opens -2
    position = venue.position("alice", LINEAR)
    assert (position.size, position.realised, position.opened) == (D(-2), D(-55), 3)
    assert position.cum_realised == D("-27.5") - D("82.5")


def test_liquidation_cancels_orders_and_takes_positions_over_at_bankruptcy() -> None:
    venue = with_position("15", usdt="100000")
    venue.place("alice", limit(BUY, "0.1", "43000"), 3)
    limit_price = venue.position_margin("alice", LINEAR).liq_price
    assert limit_price is not None
    assert venue.set_mark(LINEAR, limit_price + D(1), D(50000), 4) == []
    happenings = venue.set_mark(LINEAR, limit_price, D(50000), 5)
    assert [order.cancel_type for order in orders(happenings)] == ["CancelAllBeforeLiq", "UNKNOWN"]
    (bust,) = fills(happenings)
    assert (bust.type, bust.side, bust.qty, bust.closed_qty) == ("BustTrade", SELL, D(15), D(15))
    assert bust.price < limit_price
    assert [entry.type for entry in ledger(happenings)] == ["LIQUIDATION"]
    assert venue.position("alice", LINEAR).size == 0
    assert 0 <= venue.account("alice").equity < 15 * D("0.1")
    assert_conserved(venue, ["alice"], {"USDT": D(100000)})


@settings(max_examples=60, deadline=None)
@given(st.integers(-180, 180).filter(bool), st.integers(-80, 80), st.integers(2000, 120000), st.booleans())
def test_after_a_mark_no_account_is_left_due(linear: int, other: int, mark: int, funding: bool) -> None:
    """Whatever the mark does, the account is sound or flat, and money is conserved."""
    use_exact_context()
    venue = with_position(str(D(linear) / 10), btc="0.2")
    if other:
        with suppress(Refused):  # without the margin for it there is simply no order
            venue.place("alice", limit(BUY if other > 0 else SELL, str(D(abs(other)) / 10), "50000"), 3)
    venue.set_mark(LINEAR, D(mark), D(mark), 4)
    if funding:
        venue.settle_funding(LINEAR, D("0.02"), 5)
    view, position = venue.account("alice"), venue.position("alice", LINEAR)
    assert position.size == 0 or view.maintenance_margin < view.margin_balance
    if position.size == 0:
        assert venue.open_orders("alice") == []
    assert_conserved(venue, ["alice"], {"USDT": D(100000), "BTC": D("0.2")})
