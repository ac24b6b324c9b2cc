"""After ``lookback`` bars an indicator says what the whole history would have made it say."""

import math

import pytest

from tests.unit.engine.indicators.cases import CASES, candles
from tradectl.engine.indicators import Indicator

#: Bounds that depend on where they began until the market turned; their docstrings promise no more.
TURNING = {"supertrend", "psar"}
#: Adds up from the first bar: only differences mean something.
CUMULATIVE = {"obv"}


def fed(name: str, source: str, first: int, last: int) -> Indicator:
    indicator = CASES[name].make()
    for bar in candles(source, last)[first:]:
        indicator.update(bar)
    return indicator


@pytest.mark.parametrize("source", ["generated", "BTCUSDT"])
@pytest.mark.parametrize("name", sorted(CASES.keys() - CUMULATIVE))
def test_after_the_lookback_nothing_older_counts(name: str, source: str) -> None:
    lookback = CASES[name].make().lookback
    for last in (4_200, 4_777):
        whole, late = fed(name, source, 0, last), fed(name, source, last - lookback, last)
        for (label, a), (_, b) in zip(whole.outputs(), late.outputs(), strict=True):
            assert b.ready, label
            scale = max(abs(a.value), 100.0)
            assert math.isclose(a.value, b.value, rel_tol=0, abs_tol=scale * 1e-6), label


@pytest.mark.parametrize("name", sorted(CASES.keys() - TURNING - CUMULATIVE - {"session_vwap", "kama", "ema", "rma"}))
def test_the_lookback_is_not_generous_beyond_reason(name: str) -> None:
    """At most a few times what the indicator needs for its first value or to forget its seed."""
    indicator = CASES[name].make()
    for number, bar in enumerate(candles("generated", 4_000), 1):
        indicator.update(bar)
        if all(line.ready for _, line in indicator.outputs()):
            assert indicator.lookback >= number
            assert indicator.lookback <= max(30 * number, 100)
            return
    raise AssertionError("it never had a value")


def test_a_cumulative_indicator_differs_by_a_constant() -> None:
    whole, late = CASES["obv"].make(), CASES["obv"].make()
    apart = set()
    for number, bar in enumerate(candles("generated", 600)):
        whole.update(bar)
        if number >= 300:
            late.update(bar)
            apart.add(round(whole.value - late.value, 6))
    assert len(apart) == 1
