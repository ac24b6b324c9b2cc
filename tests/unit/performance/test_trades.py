"""Round trips, their statistics, lots and breakdowns: by hand, and adding up exactly whatever was traded."""

import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tradectl.performance.breakdown import GROUPINGS, breakdown, total
from tradectl.performance.exposure import exposure
from tradectl.performance.lots import Basis, CostBasis
from tradectl.performance.returns import Mark
from tradectl.performance.round_trips import round_trips
from tradectl.performance.trade_statistics import trade_statistics

from .conftest import BTC, FillMaker

D = Decimal


def test_a_round_trip_ends_when_the_book_is_flat(fill):
    fills = [fill("1", "100", fee="0.1"), fill("1", "110", fee="0.1"), fill("0", "0", funding="0.5"),
             fill("-2", "120", fee="0.2", slippage="0.4")]  # fmt: skip
    (trip,) = round_trips(fills)
    assert (trip.long, trip.qty, trip.began, trip.ended) == (True, D(2), 10**9, 4 * 10**9)
    assert (trip.entry_value, trip.exit_value, trip.price_pnl) == (D(210), D(240), D(30))
    assert (trip.fees, trip.funding, trip.slippage, trip.pnl) == (D("0.4"), D("0.5"), D("0.4"), D("29.1"))


def test_a_fill_that_turns_the_book_ends_one_trip_and_begins_the_next(fill):
    first, second = round_trips([fill("1", "100"), fill("-3", "90", fee="3"), fill("2", "80")])
    assert (first.long, first.pnl, first.fees) == (True, D(-11), D(1))
    assert (second.long, second.pnl, second.fees, second.qty) == (False, D(18), D(2), D(2))


def test_a_flip_of_one_moment_closes_before_it_opens_whatever_the_venues_ids_are(fill):
    fills = [fill("1", "100"), fill("-1", "110"), fill("-2", "110"), fill("2", "100")]
    moment = fills[1].at
    fills[1], fills[2] = replace(fills[1], id="z"), replace(fills[2], id="a", at=moment)
    first, second = round_trips(fills)
    assert (first.long, first.qty, first.pnl) == (True, D(1), D(10))
    assert (second.long, second.qty, second.pnl) == (False, D(2), D(20))


def test_open_trips_are_left_out_unless_asked_for(fill):
    fills = [fill("1", "100"), fill("-0.4", "110")]
    assert round_trips(fills) == []
    (trip,) = round_trips(fills, with_open=True)
    assert (trip.ended, trip.price_pnl) == (0, D(4))


def test_statistics_by_hand(fill):
    fills = [f for q, a, b in (("1", "100", "110"), ("1", "100", "95"), ("-1", "100", "90"), ("1", "100", "100"))
             for f in (fill(q, a), fill(str(-int(q)), b))]  # fmt: skip
    found = trade_statistics(round_trips(fills))
    assert (found.trades, found.won, found.lost, found.win_rate) == (4, 2, 1, 0.5)
    assert (found.profit_factor, found.payoff, found.expectancy) == (4.0, 2.0, D("3.75"))
    assert (found.mean_win, found.mean_loss, found.best, found.worst) == (D(10), D(-5), D(10), D(-5))
    assert (found.mean_holding_s, found.longest_winning, found.longest_losing) == (1.0, 1, 1)
    nothing = trade_statistics([])
    assert nothing.trades == 0
    assert math.isnan(nothing.win_rate)
    assert math.isnan(nothing.profit_factor)


def test_first_in_first_out_and_average(fill):
    fills = [fill("1", "100", fee="1"), fill("1", "200", fee="1"), fill("-1.5", "300", fee="3")]
    fifo = CostBasis(Basis.FIFO).disposals(fills)
    assert [(d.qty, d.cost, d.proceeds, d.gain) for d in fifo] == [
        (D(1), D(101), D(298), D(197)), (D("0.5"), D("100.5"), D(149), D("48.5")),
    ]  # fmt: skip
    average = CostBasis(Basis.AVERAGE).disposals(fills)
    assert [(d.qty, d.cost, d.proceeds, d.gain) for d in average] == [(D("1.5"), D("226.5"), D(447), D("220.5"))]


def test_a_short_is_acquired_by_selling(fill):
    (row,) = CostBasis(Basis.FIFO).disposals([fill("-2", "100", fee="1"), fill("2", "90", fee="1")])
    assert (row.short, row.proceeds, row.cost, row.gain) == (True, D(199), D(181), D(18))


def test_another_currency_is_valued_at_each_fills_own_rate(fill):
    fills = [fill("1", "100"), fill("-1", "100")]
    rates = {fills[0].id: D("0.9"), fills[1].id: D("0.8")}
    (row,) = CostBasis(Basis.FIFO, lambda f: rates[f.id]).disposals(fills)
    assert row.gain == D(-10)


def test_breakdown_by_hand(fill):
    day = 86_400
    fills = [fill("1", "100", fee="1", slippage="0.5", at=day), fill("-1", "110", fee="1", slippage="0.25", at=day + 5),
             fill("0", "0", funding="2", at=32 * day)]  # fmt: skip
    rows = breakdown(fills, "month")
    assert [(r.key, r.realised, r.price, r.slippage, r.fees, r.funding, r.net) for r in rows] == [
        ("1970-01", D(10), D("10.75"), D("0.75"), D(2), D(0), D(8)), ("1970-02", D(0), D(0), D(0), D(0), D(2), D(-2)),
    ]  # fmt: skip
    assert [r.key for r in breakdown(fills, "week")] == ["1970-W01", "1970-W06"]
    assert [r.key for r in breakdown(fills, "symbol")] == ["linear:BTCUSDT"]
    assert (rows[0].trades, rows[1].trades, rows[0].volume) == (2, 0, D(210))


def test_exposure_by_hand(fill):
    marks = [Mark(0, D(1000)), Mark(10 * 10**9, D(1000))]
    found = exposure([fill("1", "500", at=2), fill("-1", "500", at=6)], marks)
    assert (found.time, found.mean, found.most, found.turnover) == (0.4, 0.2, 0.5, 1.0)
    assert math.isnan(exposure([], marks[:1]).time)


trades = st.lists(
    st.tuples(
        st.integers(-5, 5).filter(bool), st.integers(1, 999), st.integers(0, 30), st.integers(-9, 9), st.booleans()
    ),
    max_size=40,
)


@given(trades)
def test_everything_adds_up(steps):
    make = FillMaker()
    fills = []
    for qty, price, fee, slip, pays in steps:
        if pays:
            fills.append(make("0", "0", funding=str(fee)))
        else:
            fills.append(
                make(f"0.{qty}" if qty > 0 else f"-0.{-qty}", str(price), fee=f"0.{fee:02}", slippage=str(slip))
            )
    whole = total(fills)
    for by in GROUPINGS:
        rows = breakdown(fills, by)
        for name in ("realised", "price", "slippage", "fees", "funding", "net", "volume"):
            assert sum((getattr(row, name) for row in rows), D(0)) == getattr(whole, name)
    assert whole.net == whole.price - whole.slippage - whole.fees - whole.funding
    trips = round_trips(fills, with_open=True)
    near = pytest.approx(float(whole.realised), abs=1e-9)
    assert float(sum((t.price_pnl for t in trips), D(0))) == near
    assert sum((t.fees for t in trips), D(0)) == whole.fees
    assert sum((t.slippage for t in trips), D(0)) == whole.slippage


@given(trades, st.sampled_from(Basis))
def test_lots_lose_nothing(steps, method):
    """What came in and went out equals the gains and what is still open, to the last digit."""
    make = FillMaker()
    fills = [make(f"{qty}", str(price), fee=f"0.{fee:02}") for qty, price, fee, _, _ in steps]
    book = CostBasis(method)
    rows = book.disposals(fills)
    paid = sum((-f.value - f.fee for f in fills), D(0))
    lots = book.open_lots("ema", BTC)
    held = sum((f.qty for f in fills), D(0))
    assert sum((lot.qty for lot in lots), D(0)) == abs(held)
    opened = sum((lot.value for lot in lots), D(0))
    assert sum((row.gain for row in rows), D(0)) == paid + (opened if held > 0 else -opened)
    assert all(row.gain == row.proceeds - row.cost for row in rows)
