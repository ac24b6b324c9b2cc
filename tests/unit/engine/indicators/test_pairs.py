"""Indicators over two series: steps on common minutes alone, in whatever order bars come, and equal to the oracle."""

import math
import random
from itertools import pairwise

import msgspec
import numpy as np
import pytest
import talib
from hypothesis import given
from hypothesis import strategies as st

from tests.oracles import indicator_oracle as oracle
from tests.unit.engine.candles import generated
from tests.unit.engine.harness import BTC, ETH, make_bar
from tests.unit.engine.indicators.cases import candles
from tradectl.engine.bar_series import BarSeries, SeriesState
from tradectl.engine.indicators import PairIndicator
from tradectl.model.market_data import Bar

PERIOD = 30


def pair(kind: str) -> tuple[BarSeries, BarSeries, PairIndicator]:
    first, second = BarSeries(BTC, "1m"), BarSeries(ETH, "1m")
    indicator: PairIndicator = getattr(first, kind)(second, PERIOD)
    return first, second, indicator


def legs(count: int) -> tuple[list[Bar], list[Bar]]:
    """Two markets with the same minutes: the recorded ones, or two walks."""
    first, second = candles("BTCUSDT", count), candles("ETHUSDT", count)
    if [b.open_time for b in first] != [b.open_time for b in second]:
        second = list(generated(9)[:count])
    return first, second


def expected(kind: str, first: list[float], second: list[float]) -> tuple[float, ...]:
    """The lines after these closes, from the definition."""
    if kind == "beta":
        returns = [[b / a - 1.0 for a, b in pairwise(c)][-PERIOD:] for c in (first, second)]
        return (oracle.slope(*returns),) if len(returns[0]) == PERIOD else (math.nan,)
    if len(first) < PERIOD:
        return (math.nan,) * (3 if kind == "spread" else 1)
    if kind == "correlation":
        return (oracle.correlation(first[-PERIOD:], second[-PERIOD:]),)
    return oracle.hedged([math.log(c) for c in first[-PERIOD:]], [math.log(c) for c in second[-PERIOD:]])


@pytest.mark.parametrize("kind", ["correlation", "beta", "spread"])
def test_it_equals_the_definition_bit_for_bit_over_restarts(kind: str) -> None:
    a, b = legs(700)
    first, second, indicator = pair(kind)
    draw = random.Random(kind)
    restarts = set(draw.sample(range(700), 20))
    for number, (one, two) in enumerate(zip(a, b, strict=True)):
        order = [(first, one), (second, two)] if draw.random() < 0.5 else [(second, two), (first, one)]
        order[0][0].consume(order[0][1])
        if number in restarts:  # between the two bars of a minute
            written = [msgspec.msgpack.encode(s.state()) for s in (first, second)]
            first, second, indicator = pair(kind)
            for series, state in zip((first, second), written, strict=True):
                series.restore(msgspec.msgpack.decode(state, type=SeriesState))
            order = [(first if order[1][0].instrument == BTC else second, order[1][1])] * 2
        order[1][0].consume(order[1][1])
        closes = [x.close for x in a[: number + 1]], [x.close for x in b[: number + 1]]
        found = tuple(line.value for _, line in indicator.outputs())
        assert repr(found) == repr(expected(kind, *closes)), number


def test_correlation_and_beta_agree_with_talib() -> None:
    a, b = legs(5_000)
    x, y = np.array([c.close for c in a]), np.array([c.close for c in b])
    want = {"correlation": talib.CORREL(x, y, PERIOD), "beta": talib.BETA(y, x, PERIOD)}
    for kind, column in want.items():
        first, second, indicator = pair(kind)
        for number, (one, two) in enumerate(zip(a, b, strict=True)):
            first.consume(one)
            second.consume(two)
            quiet = kind == "correlation" and np.ptp(y[max(number - PERIOD, 0) : number + 1]) < 1e-3 * y[number]
            if number > PERIOD and not quiet and np.ptp(x[number - PERIOD : number]) and np.ptp(y[number - PERIOD :]):
                assert indicator.value == pytest.approx(column[number], abs=1e-3), (kind, number)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 12)), max_size=80))
def test_only_common_minutes_count(arrivals: list[tuple[bool, int]]) -> None:
    """Against the obvious: both legs' closes by minute; each common minute, in order, once both are there."""
    first, second, indicator = pair("spread")
    steps: list[tuple[float, float]] = []
    step = indicator._pair
    indicator._pair = lambda a, b: (steps.append((a, b)), step(a, b))[1]  # type: ignore[method-assign]
    seen: dict[bool, list[int]] = {True: [], False: []}
    for is_first, ahead in arrivals:
        minute = seen[is_first][-1] + ahead if seen[is_first] else ahead
        (first if is_first else second).consume(make_bar(minute, 100.0 + minute + (0.5 if is_first else 0.0)))
        if not seen[is_first] or ahead:
            seen[is_first].append(minute)
    common = sorted(set(seen[True]) & set(seen[False]))
    assert steps == [(100.5 + m, 100.0 + m) for m in common]
