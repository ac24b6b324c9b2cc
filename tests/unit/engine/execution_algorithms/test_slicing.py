"""TWAP and VWAP against their rules written down the slow way."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.engine.execution_algorithms.market import MINUTE, SECOND, Market
from tests.unit.engine.harness import BTC, T0, Bench
from tradectl.engine.execution_algorithms.vwap import volume_between
from tradectl.model.commands import AlgorithmStatus, RequestBars, RiskApproved, Subscribe
from tradectl.model.events import BarsLoaded, TradePrinted
from tradectl.model.market_data import Bar, MarketKey
from tradectl.model.orders import Side, TimeInForce


def sent(bench: Bench) -> list[tuple[int, Decimal]]:
    """When each order left, and how large it was."""
    return [
        (event.received, c.order.qty)
        for event, out in zip(bench.events, bench.answers, strict=True)
        for c in out
        if isinstance(c, RiskApproved) and c.order is not None
    ]


@settings(max_examples=25, deadline=None)
@given(st.integers(600, 5000), st.integers(1, 9), st.integers(1, 40))
def test_twap_trades_equal_slices_at_equal_times(lots: int, slices: int, minutes: int) -> None:
    market = Market()
    begun = market.bench.now
    market.start("twap", Side.SELL, str(Decimal(lots) / 1000), minutes=minutes, slices=slices)
    market.wait((minutes + 3) * MINUTE)

    marks = [Fraction(lots * n, slices) // 1 for n in range(slices + 1)]
    expected = [(minutes * 60 * n // slices, marks[n + 1] - marks[n]) for n in range(slices)]
    assert [((at - begun) // SECOND, int(qty * 1000)) for at, qty in sent(market.bench)] == expected
    assert market.position() == -Decimal(lots) / 1000
    assert market.is_over()
    assert market.last().status is AlgorithmStatus.DONE


def test_twap_catches_up_within_its_cap_and_the_last_slice_completes() -> None:
    market = Market()
    market.start("twap", Side.BUY, "1", minutes=10, slices=10, limit=100.2, catch_up=2)
    market.move(101)  # beyond the limit: slices 2 to 6 are missed
    market.wait(5 * MINUTE)
    assert market.sizes() == [Decimal("0.1")]
    market.move(100)
    market.wait(MINUTE)
    assert market.sizes() == [Decimal("0.1"), Decimal("0.2")]
    market.move(101)
    market.wait(MINUTE * 2)
    market.move(100)
    market.wait(MINUTE * 5)
    assert sum(market.sizes()) == 1
    assert max(market.sizes()[:-1]) <= Decimal("0.2") < market.sizes()[-1]
    assert all(o.time_in_force is TimeInForce.IOC for o in market.bench.creates())
    assert all(o.price is not None and o.price <= Decimal("100.2") for o in market.bench.creates())
    assert market.last().status is AlgorithmStatus.DONE


def test_twap_ends_past_its_time_with_what_it_has() -> None:
    market = Market()
    market.start("twap", Side.BUY, "1", minutes=4, slices=4, limit=100.2)
    market.move(101)
    market.wait(10 * MINUTE)
    assert market.is_over()
    assert market.last().filled == Decimal("0.25")
    assert "0.25 of 1 filled" in market.last().reason


def day(volumes: list[float]) -> BarsLoaded:
    """The past day in bars of five minutes, with volumes by time of day."""
    first = T0 - 24 * 60 * MINUTE
    bars = tuple(
        Bar(first + n * 5 * MINUTE, 1.0, 1.0, 1.0, 1.0, volumes[n % len(volumes)], 1.0, False) for n in range(288)
    )
    return BarsLoaded(T0, BTC, "5m", bars)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 50), min_size=1, max_size=48), st.integers(0, 3 * 86_400), st.integers(0, 90_000))
def test_volume_between_two_moments_adds_up_second_by_second(volumes: list[int], begin: int, length: int) -> None:
    profile = [float(volumes[n % len(volumes)]) for n in range(288)]
    end = begin + length
    slow = sum(Fraction(profile[s // 300 % 288]) / 300 for s in range(begin, end))
    assert volume_between(profile, begin * SECOND, end * SECOND) == pytest.approx(float(slow), rel=1e-9, abs=1e-9)


def test_vwap_follows_the_volumes_of_the_past_day() -> None:
    market = Market()
    market.start("vwap", Side.BUY, "4", minutes=20, slices=4)
    assert market.bench.said(RequestBars)[-1].interval == "5m"
    assert market.sizes() == []  # it waits for the volumes
    volumes = [10.0, 30.0, 20.0, 40.0]
    market.feed(day(volumes))
    market.wait(30 * MINUTE)
    assert market.sizes() == [Decimal("0.4"), Decimal("1.2"), Decimal("0.8"), Decimal("1.6")]
    assert market.last().status is AlgorithmStatus.DONE


@pytest.mark.parametrize("answer", ["none", "an error"])
def test_vwap_without_history_trades_evenly(answer: str) -> None:
    market = Market()
    market.start("vwap", Side.BUY, "4", minutes=20, slices=4)
    if answer != "none":
        market.feed(BarsLoaded(market.bench.now, BTC, "5m", (), "not there"))
    market.wait(30 * MINUTE)
    assert market.sizes() == [Decimal(1)] * 4


def printed(market: Market, size: float) -> None:
    market.feed(TradePrinted(market.bench.now, market.bench.now, BTC, Side.BUY, market.price, size, "t"))


def test_vwap_takes_part_in_what_is_printed_and_completes() -> None:
    market = Market()
    market.start("vwap", Side.BUY, "2", minutes=10, participation=0.1, pause_s=5)
    assert MarketKey("trades", BTC) in [c.key for c in market.bench.said(Subscribe)]
    volume, filled, quiet_until = Decimal(0), Decimal(0), 0
    expected: list[Decimal] = []
    for size in (1.0, 2.0, 0.5, 4.0, 0.3, 2.0, 0.2):
        printed(market, size)
        volume += Decimal(repr(size))
        due = volume / 10 - filled
        if due * 100 >= 5 and market.bench.now >= quiet_until:
            expected.append(due)
            filled += due
            quiet_until = market.bench.now + 5 * SECOND
        assert market.sizes() == expected
        market.wait(7 * SECOND)
    market.wait(10 * MINUTE)
    assert market.sizes() == [*expected, Decimal(2) - filled]
    assert market.last().status is AlgorithmStatus.DONE


def test_vwap_that_need_not_complete_ends_at_its_deadline() -> None:
    market = Market()
    market.start("vwap", Side.BUY, "2", minutes=1, participation=0.1, complete=False)
    printed(market, 3.0)
    market.wait(2 * MINUTE)
    assert market.last().filled == Decimal("0.3")
    assert market.is_over()
