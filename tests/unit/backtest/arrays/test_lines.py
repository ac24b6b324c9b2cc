"""Indicators over arrays say, bit for bit, what the incremental ones say bar by bar."""

import math
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.backtest.arrays.market import candles
from tests.unit.engine.candles import recorded
from tradectl.backtest.arrays import lines
from tradectl.backtest.arrays.ahead import AHEAD, look_ahead
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


_SEEDS = st.sampled_from([1.0, 1.0, 2.0, 3.0, math.nan, math.inf]) | st.floats(0.5, 4.0)


@settings(max_examples=200, deadline=None)
@given(st.lists(_SEEDS, max_size=40), st.integers(1, 9), st.integers(1, 9))
def test_two_averages_cross_where_they_do_when_each_is_worked_out_for_itself(
    closes: list[float], one: int, other: int
) -> None:
    """With prices missing, prices that stand still, the same period twice, and fewer bars than either needs."""
    values = np.array(closes, np.float64)
    alphas = 2.0 / (one + 1), 1.0 / other
    apart = lines.crossings(lines.smooth(values, one, alphas[0]), lines.smooth(values, other, alphas[1]))
    together = lines.smoothed_crossings(values, one, alphas[0], other, alphas[1])
    assert np.array_equal(together, apart)


@pytest.mark.parametrize("kind", ["ema", "rma"])
def test_averages_that_are_asked_for_once_are_the_same_before_and_after_somebody_looked(
    prices: Candles, kind: str
) -> None:
    kept, once = Bars(prices), Bars(prices, once=True)
    fast, slow = once.average(kind, 4), once.average(kind, 11)
    marks = [(fast.crossed_above(slow), fast.crossed_below(slow))]
    assert np.array_equal(fast.values, kept.average(kind, 4).values, equal_nan=True)
    marks += [(slow.crossed_below(fast), slow.crossed_above(fast))]
    one, other = kept.average(kind, 4), kept.average(kind, 11)
    expected = one.crossed_above(other), one.crossed_below(other)
    assert all(np.array_equal(it, expected) for it in marks)
    assert np.any(expected[0])


@pytest.mark.parametrize(("one", "other"), [(3, 10), (10, 3), (7, 7)])
@pytest.mark.parametrize("spoiled", [None, math.nan, math.inf])
def test_halves_side_by_side_are_the_whole(one: int, other: int, spoiled: float | None) -> None:
    """Long enough for halves; a price that is none where the second half's run-up begins makes its guess useless."""
    values = candles(3_001, 8).close.copy()
    if spoiled is not None:
        begin = (len(values) + max(one, other)) // 2 - lines.RUN_UP * max(one, other)
        values[begin - 39 : begin + 39 : 3] = spoiled
    apart = lines.crossings(lines.smooth(values, one, 2 / (one + 1)), lines.smooth(values, other, 2 / (other + 1)))
    together = lines.smoothed_crossings(values, one, 2 / (one + 1), other, 2 / (other + 1))
    assert np.array_equal(together, apart)
    assert np.any(apart) or one == other


@given(st.lists(_SEEDS, max_size=30), st.lists(_SEEDS, max_size=30))
def test_a_line_crosses_where_it_was_at_or_beyond_and_is_beyond(one: list[float], other: list[float]) -> None:
    count = min(len(one), len(other))
    pairs = list(zip(one[:count], other[:count], strict=True))
    up = [False] + [a <= b and c > d for (a, b), (c, d) in pairwise(pairs)]
    down = [False] + [a >= b and c < d for (a, b), (c, d) in pairwise(pairs)]
    found = lines.crossings(np.array(one[:count], np.float64), np.array(other[:count], np.float64))
    assert [it.tolist() for it in found] == [up[:count], down[:count]]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(0, 15), min_size=1, max_size=90), st.integers(0, 89))
def test_a_look_ahead_finds_every_bar_with_a_code_and_its_close(codes: list[int], start: int) -> None:
    end, begin = len(codes), start
    padded = np.full((end + 7) // 8 * 8, 1, np.uint8)
    padded[:end] = codes
    close = np.arange(end) * 2.0
    found: list[int] = []
    bars, prices = np.empty(AHEAD, np.int64), np.empty(AHEAD)
    while end not in found:
        start = look_ahead(padded.view(np.uint64), close, start, end, bars, prices)
        seen = bars.tolist()
        seen = seen[: seen.index(end) + 1] if end in seen else seen
        assert prices.tolist()[: len(seen) - (end in seen)] == [2.0 * it for it in seen if it != end]
        found += seen
    assert found[:-1] == [at for at in range(len(codes)) if codes[at] and at >= begin]
