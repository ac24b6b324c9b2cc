"""Margins kept as sums are those added up anew, and who is not looked at could not have been liquidated."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.matching.flows import DERIVATIVES, USERS, Flow, opened, said
from tests.unit.matching.support import (
    BUY,
    INVERSE,
    LINEAR,
    SELL,
    SPOT,
    D,
    deep_book,
    exchange,
    fills,
    instruments,
    limit,
    market,
)
from tradectl.matching.exchange import Exchange
from tradectl.matching.margin import Margin, margin_of, plain_margin
from tradectl.matching.views import AccountFees
from tradectl.model.instruments import InstrumentId
from tradectl.model.money import ZERO, use_exact_context
from tradectl.model.orders import Side


def _margins(venue: Exchange, uid: str) -> tuple[Margin, Margin]:
    """As kept, and added up anew."""
    state = venue._state
    return margin_of(state, state.account(uid)), plain_margin(state, state.account(uid))


def _is_due(venue: Exchange, uid: str) -> bool:
    total = _margins(venue, uid)[1]
    return bool(venue.positions(uid)) and total.maintenance >= total.balance


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.booleans(), st.integers(1, 12))
def test_kept_sums_are_what_adding_up_gives(seed: int, marks: bool, every: int) -> None:
    use_exact_context()
    venue, flow = opened(), Flow(seed, marks)
    for number in range(150):
        said(venue, flow.next(venue))
        if number == 100:
            venue = Exchange.restore(venue.save())
        if number % every == 0:
            for uid in USERS:
                kept, anew = _margins(venue, uid)
                assert kept == anew


def test_a_full_look_at_every_account_liquidates_the_same_at_the_same_prices() -> None:
    liquidated = 0
    for seed in range(60):
        venue, twin, flow = opened(), opened(), Flow(seed)
        for _ in range(250):
            call = flow.next(venue)
            for sums in twin._state.sums.values():
                sums.slack = ZERO
            answer, happened = said(venue, call)
            assert said(twin, call) == (answer, happened)
            liquidated += sum(fill.type == "BustTrade" for fill in fills(happened))
            if call[0] in ("set_mark", "settle_funding", "walk"):
                assert not any(_is_due(venue, uid) for uid in USERS)
    assert liquidated > 20


def test_an_account_far_from_liquidation_is_not_looked_at_again() -> None:
    """What the kept slack is for: small moves cost nothing, and the first that could matter is looked at."""
    venue = exchange(usdt="1000")
    deep_book(venue)
    venue.place("alice", market(BUY, "0.1"), 1)
    sums = venue._state.sums["alice"]
    venue.set_mark(LINEAR, D(50_000), D(50_000), 2)
    first = sums.slack
    assert 0 < first < 1000
    venue.set_mark(LINEAR, D(49_900), D(49_900), 3)
    assert first - D("10.1") < sums.slack < first - 10
    assert not fills(venue.set_mark(LINEAR, D(45_000), D(45_000), 4))
    assert [fill.type for fill in fills(venue.set_mark(LINEAR, D(40_100), D(40_100), 5))] == ["BustTrade"]


def test_a_withdrawal_takes_from_what_lies_between_the_account_and_its_liquidation() -> None:
    venue = exchange(usdt="1000")
    deep_book(venue)
    venue.place("alice", market(BUY, "0.1"), 1)
    assert not fills(venue.set_mark(LINEAR, D(50_000), D(50_000), 2))
    venue.deposit("alice", "USDT", D(-450), 3)
    assert [fill.type for fill in fills(venue.set_mark(LINEAR, D(44_000), D(44_000), 4))] == ["BustTrade"]


def test_a_position_valued_at_the_middle_of_its_book_is_followed_there() -> None:
    """Without mark and last price nothing says that the middle moved: such a leg is worked out at each look."""
    venue = Exchange(instruments(), seed="mid")
    venue.open_account("alice", AccountFees(), 0)
    venue.deposit("alice", "USDT", D(1000), 0)
    deep_book(venue)
    venue.place("alice", market(BUY, "0.1"), 1)
    assert not fills(venue.set_mark(SPOT, D(50_000), D(50_000), 2))
    deep_book(venue, mid=49_000)
    kept, anew = _margins(venue, "alice")
    assert kept == anew
    assert kept.unrealised == D("-100.1")
    assert not fills(venue.set_mark(SPOT, D(49_000), D(49_000), 3))
    deep_book(venue, mid=40_000)
    assert [fill.type for fill in fills(venue.set_mark(SPOT, D(40_000), D(40_000), 4))] == ["BustTrade"]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(USERS), st.sampled_from(DERIVATIVES), st.data())
def test_marks_between_the_bounds_liquidate_nobody(seed: int, uid: str, key: InstrumentId, data: st.DataObject) -> None:
    use_exact_context()
    venue, flow = opened(), Flow(seed)
    if data.draw(st.booleans(), "only dollars"):
        for each in USERS:
            venue.deposit(each, "BTC", -venue.wallet(each, "BTC").balance, 0)
    for _ in range(data.draw(st.integers(5, 60), "calls")):
        said(venue, flow.next(venue))
    bounds = venue.liquidation_bounds(uid, key)
    if bounds is None:
        assert not any(venue.position(uid, key, idx).size for idx in (0, 1, 2))
        return
    low, high = bounds
    share = data.draw(st.decimals("0.000001", "0.999999", places=6), "where")
    top = high if high.is_finite() else low + 1_000_000
    if low < top:
        assert not _is_due(_marked(venue, key, low + (top - low) * share), uid)


def _marked(venue: Exchange, key: InstrumentId, mark: Decimal) -> Exchange:
    """A copy in which only this mark is another."""
    twin = Exchange.restore(venue.save())
    twin._state.books[key].mark = mark
    return twin


@pytest.mark.parametrize("side", [BUY, SELL])
def test_the_bounds_are_as_wide_as_they_can_be(side: Side) -> None:
    venue = exchange("ann", "bob", usdt="1000")
    deep_book(venue)
    assert venue.liquidation_bounds("ann", LINEAR) is None
    venue.place("ann", market(side, "0.1"), 1)
    bounds = venue.liquidation_bounds("ann", LINEAR)
    assert bounds is not None
    edge, beyond = (bounds[0], -1) if side is BUY else (bounds[1], 1)
    assert edge.is_finite()
    assert edge > 0
    assert not _is_due(_marked(venue, LINEAR, edge - beyond * D("0.000001")), "ann")
    assert _is_due(_marked(venue, LINEAR, edge + beyond * D("0.000001")), "ann")
    assert (D(0) if side is SELL else D("Infinity")) in bounds
    assert venue.liquidation_bounds("bob", LINEAR) is None


def test_a_coin_as_collateral_leaves_no_mark_unwatched() -> None:
    venue = exchange(btc="1")
    deep_book(venue)
    venue.place("alice", market(BUY, "0.1"), 1)
    assert venue.liquidation_bounds("alice", LINEAR) == (D(50_000), D(50_000))


def test_resting_orders_alone_have_no_bounds() -> None:
    venue = exchange()
    venue.place("alice", limit(BUY, "0.1", "49000"), 1)
    assert venue.liquidation_bounds("alice", LINEAR) is None
    assert venue.liquidation_bounds("alice", INVERSE) is None


@settings(deadline=None)
@given(
    st.sampled_from([BUY, SELL]), st.integers(1, 150), st.integers(20_000, 80_000), st.sampled_from(["1000", "100000"])
)
def test_the_bounds_of_a_lone_position_are_those_of_the_sums(side: Side, lots: int, mark: int, usdt: str) -> None:
    """An empty wallet beside the one that pays lets the account be looked at as one that holds many things."""
    use_exact_context()
    venue = exchange(usdt=usdt)
    deep_book(venue)
    venue.place("alice", market(side, str(D(lots) / 1000)), 1)
    for at in (0.0, float(mark)):
        alone = venue.liquidation_bounds("alice", LINEAR, at)
        twin = Exchange.restore(venue.save())
        twin.deposit("alice", "USDC", D(1), 2)
        twin.deposit("alice", "USDC", D(-1), 2)
        if at:
            twin.stand(LINEAR, D(mark), D(mark), 3, safe=True)
        assert alone == twin.liquidation_bounds("alice", LINEAR)
