"""The book that follows from a price."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.backtest.candles import instrument
from tradectl.model.orders import Side
from tradectl.simulation.display import BOUNDLESS, LEVELS, Display
from tradectl.simulation.models import FixedSlippage, FixedSpread, Models, VolumeShare


def display(price: float, volume: float = 10.0, tick: str = "0.1", **models: object) -> Display:
    made = Display(instrument(tick=tick), Models(**models))  # type: ignore[arg-type]
    made.price, made.volume = price, volume
    return made


@pytest.mark.parametrize(
    ("price", "ticks", "expected"),
    [(100.0, 0, (100.0, 100.0)), (100.0, 2, (99.8, 100.2)), (100.04, 0, (100.0, 100.1)), (100.04, 1, (99.9, 100.2)),
     (0.1, 3, (0.1, 0.4))],
)  # fmt: skip
def test_bid_and_ask_stand_around_the_price_from_the_ticks_beside_it(
    price: float, ticks: int, expected: tuple[float, float]
) -> None:
    assert display(price, spread=FixedSpread(ticks)).touch() == expected


@given(
    st.integers(1, 10**7),
    st.integers(0, 5),
    st.sampled_from(["0.1", "0.5", "0.01", "0.000001", "0.00000001", "1", "10"]),
    st.booleans(),
)
def test_the_touch_is_the_float_of_its_own_text(key: int, spread: int, tick: str, between: bool) -> None:
    exact = key * Decimal(tick) + (Decimal(tick) / 4 if between else 0)
    made = display(float(exact), tick=tick, spread=FixedSpread(spread))
    bid, ask = made.ticks()
    assert made.touch() == (float(bid * Decimal(tick)), float(ask * Decimal(tick)))
    assert bid * Decimal(tick) <= max(exact, Decimal(tick))
    assert ask * Decimal(tick) >= exact
    assert not made.on_tick % Decimal(tick)
    assert abs(made.on_tick - exact) <= Decimal(tick) / 2


def test_without_a_bound_one_level_holds_everything() -> None:
    bids, asks = display(100.0, spread=FixedSpread(1)).sides()
    assert (bids, asks) == ({-999: BOUNDLESS}, {1001: BOUNDLESS})


def test_with_a_share_of_the_volume_each_level_holds_as_much_and_no_volume_no_level() -> None:
    share = VolumeShare(0.05)
    bids, asks = display(100.0, 10.0, spread=FixedSpread(1), liquidity=share).sides()
    assert (len(bids), len(asks)) == (LEVELS, LEVELS)
    assert set(bids.values()) == set(asks.values()) == {500}
    assert (min(asks), max(bids)) == (1001, -980)
    assert display(100.0, 0.0, liquidity=share).sides() == ({}, {})


def test_slippage_moves_the_side_a_taker_takes_and_for_what_fires_both() -> None:
    made = display(100.0, spread=FixedSpread(1), slippage=FixedSlippage(bps=10))
    assert made.sides(Side.BUY) == ({-999: BOUNDLESS}, {1002: BOUNDLESS})
    assert made.sides(Side.SELL) == ({-998: BOUNDLESS}, {1001: BOUNDLESS})
    assert made.taken() == ({-998: BOUNDLESS}, {1002: BOUNDLESS})


def test_a_bar_without_volume_fills_nothing_that_rests() -> None:
    assert display(100.0, 0.0).passive == 0
    assert display(100.0, 1.0).passive == BOUNDLESS
    assert display(100.0, 10.0, liquidity=VolumeShare(0.05)).passive == 500
