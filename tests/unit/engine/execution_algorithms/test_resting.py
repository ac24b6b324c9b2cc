"""Iceberg, chase and scaled orders against their rules written down the slow way."""

from decimal import Decimal
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.engine.execution_algorithms.market import MINUTE, SECOND, Market
from tradectl.model.commands import RiskApproved
from tradectl.model.orders import Side, TimeInForce


@settings(max_examples=25, deadline=None)
@given(st.integers(100, 3000), st.integers(60, 1000), st.lists(st.integers(1, 1000), max_size=20))
def test_iceberg_shows_one_part_at_a_time(lots: int, shown: int, fills: list[int]) -> None:
    shown = min(shown, lots)
    market = Market()
    market.start("iceberg", Side.BUY, str(Decimal(lots) / 1000), limit=99, visible=Decimal(shown) / 1000)
    left, visible = lots, 0
    for fill in [*fills, *[3000] * 200]:
        if not visible:
            visible = left if (left - shown) * 99 < 5000 else shown  # a rest worth less than 5 is shown with it
        if not left:
            break
        assert {p: q * 1000 for p, q in market.resting().items()} == {Decimal(99): visible}
        part = min(fill, visible)
        market.fill(market.venue.open_orders()[0], str(Decimal(part) / 1000))
        visible, left = visible - part, left - part
    assert market.is_over()
    assert market.last().filled * 1000 == lots


def amended(market: Market) -> list[Decimal | None]:
    return [c.amendment.price for c in market.bench.said(RiskApproved) if c.amendment is not None]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(-8, 8), min_size=1, max_size=25), st.integers(1, 4))
def test_chase_follows_the_touch_as_far_as_its_limit(moves: list[int], min_ticks: int) -> None:
    market = Market(100.0)
    market.start("chase", Side.BUY, "1", limit=100.5, min_ticks=min_ticks, per_second=1)
    pegged, expected, tick = Decimal("99.9"), [], 1000
    for move in moves:
        market.wait(2 * SECOND)
        tick += move
        bid = Decimal(tick - 1) / 10
        if Decimal(tick) / 10 <= pegged:
            break  # the market came to it
        market.move(tick / 10)
        wanted = min(bid, Decimal("100.5"))
        if abs(wanted - pegged) >= Decimal(min_ticks) / 10:
            pegged = wanted
            expected.append(wanted)
        assert amended(market) == expected
        assert market.resting() == {pegged: Decimal(1)}
    assert all(o.time_in_force is TimeInForce.POST_ONLY for o in market.bench.creates())


def test_chase_moves_no_more_often_than_it_may() -> None:
    market = Market(100.0)
    market.start("chase", Side.BUY, "1", per_second=0.5)
    for tick in range(1, 11):
        market.move(100 + tick / 10)
        market.wait(SECOND // 2)
    assert 2 <= len(amended(market)) <= 3
    market.wait(3 * SECOND)
    assert market.resting() == {Decimal("100.9"): Decimal(1)}


def test_chase_crosses_after_its_timeout() -> None:
    market = Market(100.0)
    market.start("chase", Side.SELL, "1", timeout_s=30, cross=True)
    market.fill(market.venue.open_orders()[0], "0.4")
    market.wait(MINUTE)
    assert [(o.type.value, o.qty) for o in market.bench.creates()] == [("Limit", 1), ("Market", Decimal("0.6"))]
    assert market.position() == -1
    assert market.is_over()


def test_chase_gives_up_after_its_timeout() -> None:
    market = Market(100.0)
    market.start("chase", Side.SELL, "1", timeout_s=30)
    market.wait(MINUTE)
    assert market.is_over()
    assert market.resting() == {}
    assert "its time is over" in market.last().reason


@settings(max_examples=25, deadline=None)
@given(st.integers(5000, 9000), st.integers(2, 9), st.sampled_from(["flat", "up", "down"]), st.sampled_from(list(Side)))
def test_scaled_orders_are_spread_and_add_up(lots: int, count: int, shape: str, side: Side) -> None:
    market = Market(100.0)
    low, high = (Decimal("90.3"), Decimal(99)) if side is Side.BUY else (Decimal(101), Decimal("110.7"))
    market.start("scaled", side, str(Decimal(lots) / 1000), low=low, high=high, count=count, shape=shape)
    weights = {"flat": [1] * count, "up": list(range(1, count + 1)), "down": list(range(count, 0, -1))}[shape]
    expected, upto = {}, 0
    for n in range(count):
        exact = Fraction(low * 10) + Fraction((high - low) * 10) * n / (count - 1)
        tick = exact // 1 if side is Side.BUY else -(-exact // 1)
        cut = Fraction(lots * sum(weights[: n + 1]), sum(weights)) // 1
        expected[Decimal(tick) / 10] = Decimal(cut - upto) / 1000
        upto = cut
    assert market.resting() == expected
    assert sum(expected.values()) == Decimal(lots) / 1000
    market.move(80 if side is Side.BUY else 120)
    assert market.is_over()
    assert market.position() == side.sign * Decimal(lots) / 1000


def test_a_level_that_was_cancelled_from_outside_comes_back() -> None:
    market = Market(100.0)
    market.start("scaled", Side.BUY, "1", low=90, high=95, count=2)
    market.venue.cancel(market.venue.open_orders()[0], "somebody")
    market._hear()
    assert len(market.resting()) == 1
    market.wait(2 * SECOND)
    assert market.resting() == {Decimal(90): Decimal("0.5"), Decimal(95): Decimal("0.5")}
