"""Inverse perpetuals: contracts of a dollar, valued, margined and settled in the base coin."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.matching.support import (
    BUY,
    INVERSE,
    SELL,
    D,
    above,
    assert_conserved,
    deep_book,
    exchange,
    fills,
    levels,
    limit,
    market,
)
from tradectl.matching.exchange import Exchange
from tradectl.matching.records import Refused
from tradectl.model.money import use_exact_context
from tradectl.model.orders import Protection, Side


def with_book(btc: str = "1") -> Exchange:
    venue = exchange("alice", usdt="0", btc=btc)
    deep_book(venue, INVERSE, size="1000000")
    return venue


def test_value_fee_and_cost_are_coins_with_eight_decimals() -> None:
    venue = with_book()
    [fill] = fills(venue.place("alice", market(BUY, "30000", instrument=INVERSE), 2)[1])
    assert (fill.price, fill.qty, fill.value) == (50001, 30000, D("0.59998800"))  # 30000/50001 = 0.599988000239...
    assert (fill.fee, fill.fee_coin) == (D("0.00032999"), "BTC")
    position = venue.position("alice", INVERSE)
    assert (position.size, position.cost) == (30000, D("-0.59998800"))
    assert venue.wallet("alice", "BTC").balance == 1 - fill.fee


def test_a_long_profits_from_a_rise_in_coins() -> None:
    venue = with_book()
    venue.place("alice", market(BUY, "30000", instrument=INVERSE), 2)
    venue.set_mark(INVERSE, D(60000), D(60000), 3)
    expected = D("0.59998800") - D("0.5")  # 30000 x (1/entry - 1/mark)
    assert venue.unrealised(venue.position("alice", INVERSE)) == expected
    deep_book(venue, INVERSE, 60001, "1000000")
    [fill] = fills(venue.place("alice", market(SELL, "30000", instrument=INVERSE), 4)[1])
    assert (fill.price, fill.pnl, fill.closed_qty) == (60000, expected, 30000)
    assert venue.position("alice", INVERSE).cost == 0
    assert_conserved(venue, ("alice",), {"BTC": D(1)})


def test_funding_and_margin_are_in_the_coin() -> None:
    venue = with_book()
    venue.place("alice", market(SELL, "25000", instrument=INVERSE), 2)
    [fill] = fills(venue.settle_funding(INVERSE, D("0.0001"), 3))
    assert (fill.fee, fill.value, fill.fee_coin) == (D("-0.00005"), D("0.5"), "BTC")
    margin = venue.position_margin("alice", INVERSE)
    assert margin.initial == D("0.5") / 10 + D("0.5") * D("0.00055")
    assert margin.maintenance == D("0.5") * (D("0.005") + D("0.00055"))
    assert venue.account("alice").initial_margin == margin.initial * 50000


def test_orders_are_margined_in_the_coin_and_release_it_to_the_last_digit() -> None:
    venue = with_book()
    venue.place("alice", limit(BUY, "10000", "49999.5", instrument=INVERSE, link="a"), 2)
    assert venue.account("alice").initial_margin > 1000
    venue.print_trade(INVERSE, SELL, D(49999), D(3333), 3)
    venue.cancel("alice", INVERSE, "", "a", 4)
    venue.place("alice", market(SELL, "3333", instrument=INVERSE), 5)
    assert venue.account("alice").initial_margin == 0
    with pytest.raises(Refused, match="110007"):
        venue.place("alice", market(BUY, "500000", instrument=INVERSE), 6)


def test_minimum_value_is_in_dollars() -> None:
    venue = with_book()
    with pytest.raises(Refused, match="110094"):
        venue.place("alice", limit(BUY, "4", "50000", instrument=INVERSE), 2)
    venue.place("alice", limit(BUY, "5", "50000", instrument=INVERSE), 2)


def test_stops_work_as_on_linear() -> None:
    venue = with_book()
    legs = Protection(D(51000), D(49000), partial=False)
    venue.place("alice", market(BUY, "1000", instrument=INVERSE, trigger=above("50100"), protection=legs), 2)
    venue.set_last(INVERSE, D(50100), 3)
    assert len(venue.open_orders("alice")) == 2
    deep_book(venue, INVERSE, 49000, "1000000")
    assert len(fills(venue.set_last(INVERSE, D(49000), 4))) == 1
    assert venue.open_orders("alice") == []


@pytest.mark.parametrize(("side", "btc", "last", "step"), [(BUY, "0.4", 24000, -100), (SELL, "0.35", 420000, 1000)])
def test_liquidation_comes_where_stated_and_leaves_next_to_nothing(side: Side, btc: str, last: int, step: int) -> None:
    venue = with_book(btc)
    venue.set_leverage("alice", INVERSE, D(50), 1)
    venue.place("alice", market(side, "20000", instrument=INVERSE), 2)
    stated = venue.position_margin("alice", INVERSE).liq_price
    assert stated is not None
    mark, taken = 50000, []
    while not taken and mark != last:
        mark += step
        taken = fills(venue.set_mark(INVERSE, D(mark), D(mark), 3))
    assert [fill.type for fill in taken] == ["BustTrade"]
    assert abs(mark - stated) <= abs(step) + 1
    assert abs(venue.wallet("alice", "BTC").balance) < D("0.00001")
    assert_conserved(venue, ("alice",), {"BTC": D(btc)})


flows = st.lists(st.tuples(st.integers(-900, 900).filter(bool), st.integers(80_000, 120_000)), min_size=1, max_size=25)


@settings(max_examples=60, deadline=None)
@given(flows)
def test_no_coin_is_lost_in_any_flow(flow: list[tuple[int, int]]) -> None:
    """Cash and the value of what is held equal the stated values of all trades, to the last digit."""
    use_exact_context()
    venue = exchange("alice", usdt="0", btc="1000", bands=False)
    paid = Fraction(0)
    for contracts, half_dollars in flow:
        price = half_dollars * D("0.5")
        venue.set_mark(INVERSE, price, price, 1)
        venue.set_book(INVERSE, levels((str(price), "5000")), levels((str(price + D("0.5")), "5000")), 2)
        side = BUY if contracts > 0 else SELL
        for fill in fills(venue.place("alice", market(side, str(abs(contracts) * 5), instrument=INVERSE), 3)[1]):
            assert fill.value == round(fill.qty / fill.price, 8)
            paid += fill.side.sign * Fraction(fill.value) - Fraction(fill.fee)
    position = venue.position("alice", INVERSE)
    assert Fraction(venue.wallet("alice", "BTC").balance) - Fraction(position.cost) == 1000 + paid
    assert position.size != 0 or position.cost == 0
    assert_conserved(venue, ("alice",), {"BTC": D(1000)})
