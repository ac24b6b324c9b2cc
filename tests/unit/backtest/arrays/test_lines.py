"""Indicators over arrays say, bit for bit, what the incremental ones say bar by bar."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.backtest.arrays.market import candles
from tests.unit.engine.candles import recorded
from tradectl.backtest.arrays.bars import Bars
from tradectl.engine import indicators as i
from tradectl.engine.indicators import batch
from tradectl.history.series import Candles
from tradectl.model.market_data import Bar

AVERAGES: dict[str, Callable[[int], i.Indicator]] = {
    "sma": i.SimpleAverage,
    "ema": i.ExponentialAverage,
    "wma": i.WeightedAverage,
    "rma": i.WilderAverage,
    "vwma": i.VolumeWeightedAverage,
    "dema": i.DoubleExponentialAverage,
    "tema": i.TripleExponentialAverage,
    "hma": i.HullAverage,
}


def _bars(given: Candles) -> list[Bar]:
    return [Bar(*row) for row in zip(*(it.tolist() for it in given.arrays()), strict=True)]


def _columns(bars: list[Bar]) -> Candles:
    rows = [(b.open_time, b.open, b.high, b.low, b.close, b.volume) for b in bars]
    return Candles(
        *(np.array(it, np.int64 if at == 0 else np.float64) for at, it in enumerate(zip(*rows, strict=True)))
    )


@pytest.fixture(scope="module", params=["made", "recorded", "steps"])
def prices(request: pytest.FixtureRequest) -> Candles:
    """A walk; a stretch of recorded candles, else another walk; and prices that stand still and repeat."""
    if request.param == "recorded":
        return _columns((recorded() or _bars(candles(2_000, 7)))[:2_000])
    made = candles(1_500, 5, wild=0.01)
    if request.param == "made":
        return made
    stepped = np.round(made.close / 400) * 400
    return Candles(made.open_time, stepped, stepped, stepped, stepped, made.volume)


def _same(array: np.ndarray, live: list[float]) -> bool:
    return np.array_equal(array, np.array(live), equal_nan=True)


@pytest.mark.parametrize("kind", AVERAGES)
@pytest.mark.parametrize("period", [2, 9, 50])
def test_an_average_over_arrays_equals_the_live_one(prices: Candles, kind: str, period: int) -> None:
    live = AVERAGES[kind](period)
    assert _same(Bars(prices).average(kind, period).values, batch(live, _bars(prices))[live.label])


@pytest.mark.parametrize("period", [2, 14, 40])
def test_rsi_atr_and_donchian_over_arrays_equal_the_live_ones(prices: Candles, period: int) -> None:
    bars, rows = Bars(prices), _bars(prices)
    assert _same(bars.rsi(period).values, batch(i.Rsi(period), rows)[f"rsi({period})"])
    assert _same(bars.atr(period).values, batch(i.AverageTrueRange(period), rows)[f"atr({period})"])
    live = batch(i.Donchian(period), rows)
    assert _same(bars.donchian(period).upper.values, live[f"donchian({period}).upper"])
    assert _same(bars.donchian(period).lower.values, live[f"donchian({period}).lower"])


def test_crossings_over_arrays_equal_those_of_live_lines(prices: Candles) -> None:
    bars, fast, slow, rsi = Bars(prices), i.SimpleAverage(3), i.SimpleAverage(8), i.Rsi(5)
    seen = []
    for bar in _bars(prices):
        for live in (fast, slow, rsi):
            live.update(bar)
        seen.append((fast.crossed_above(slow), fast.crossed_below(slow), rsi.crossed_above(60), rsi.crossed_below(40)))
    one, other, third = bars.sma(3), bars.sma(8), bars.rsi(5)
    marks = (one.crossed_above(other), one.crossed_below(other), third.crossed_above(60), third.crossed_below(40))
    assert [tuple(it) for it in np.array(marks).T.tolist()] == seen
    assert all(np.any(it) for it in marks)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(0.001, 900.0, allow_nan=False), min_size=1, max_size=40) | st.lists(
        st.sampled_from([0.1, 0.2, 0.3, 1e-7, 1e6]), min_size=1, max_size=40
    ),
    st.integers(1, 12),
)  # fmt: skip
def test_a_sum_over_arrays_rounds_once_as_the_live_one(values: list[float], period: int) -> None:
    closes = np.array(values)
    times = np.arange(len(closes)) * 60_000_000_000
    bars = Bars(Candles(times, closes, closes, closes, closes, closes))
    live = [
        math.fsum(values[at + 1 - period : at + 1]) / period if at + 1 >= period else math.nan
        for at in range(len(values))
    ]
    assert _same(bars.sma(period).values, live)


def test_an_indicator_is_worked_out_once_and_the_lookback_is_the_live_ones() -> None:
    bars = Bars(candles(100))
    assert bars.ema(5) is bars.ema(5)
    bars.ema(10), bars.rsi(7)
    assert bars.lookback == max(i.ExponentialAverage(10).lookback, i.Rsi(7).lookback)


def test_a_period_the_live_indicator_refuses_is_refused_here() -> None:
    with pytest.raises(ValueError, match="ema: period must be a whole number"):
        Bars(candles(10)).ema(0)
    with pytest.raises(ValueError, match="'xma' is no average"):
        Bars(candles(10)).average("xma", 3)
