"""Between the marks that are called quiet the guard's look at funding would find nothing; beyond them it would."""

import math

from hypothesis import assume, given
from hypothesis import strategies as st

from tradectl.engine.calm import Calm
from tradectl.engine.config import EngineConfig
from tradectl.engine.equity_lines import Line
from tradectl.engine.world import World
from tradectl.model.instruments import Category, InstrumentId
from tradectl.model.market_data import Ticker

BTC = InstrumentId(Category.LINEAR, "BTCUSDT")
SIZES = st.floats(-50, 50).filter(lambda it: abs(it) > 1e-3)


def calm_at(mark: float, rate: float, size: float, share: float) -> Calm:
    calm = Calm(World(EngineConfig(run="0000000r", mode="backtest")))
    calm._w.market.tickers[BTC] = Ticker(mark, mark, mark, 0.0, 0.0, rate)
    calm._draw.funding = [(BTC, size, share)]
    return calm


@given(
    SIZES, st.floats(-0.02, 0.02), st.floats(1e-4, 0.05), st.floats(-1e6, 1e6), st.floats(100, 200_000), st.floats(0, 1)
)
def test_funding_is_cheap_between_its_marks(
    size: float, rate: float, share: float, base: float, mark: float, at: float
) -> None:
    line = Line(base, [(BTC, size, mark)], -math.inf, math.inf, base + size * mark)
    low, high = calm_at(mark, rate, size, share)._cheap_between(line)
    low, high = max(low, 1e-6), min(high, 1e6)
    assume(low < high)
    inside = low + (high - low) * at
    assume(low < inside < high)
    assert calm_at(inside, rate, size, share)._is_cheap(line)


@given(SIZES, st.floats(-0.02, 0.02), st.floats(1e-4, 0.05), st.floats(-1e6, 1e6))
def test_beyond_them_it_is_not(size: float, rate: float, share: float, base: float) -> None:
    line = Line(base, [(BTC, size, 1.0)], -math.inf, math.inf, base + size)
    low, high = calm_at(1.0, rate, size, share)._cheap_between(line)
    for edge, step in ((low, 0.999), (high, 1.001)):
        if 1e-3 < edge < 1e6 and abs(rate - share) > 1e-5:
            assert not calm_at(edge * step, rate, size, share)._is_cheap(line)
