"""Each policy against an example computed by hand."""

import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradectl.engine.allocation.allocator import POLICIES
from tradectl.engine.allocation.moments import covariances, deviation
from tradectl.engine.allocation.policy import AllocationConfig, Sampled, cut
from tradectl.engine.allocation.risk_parity import equal_contributions

#: Standard deviations 0.01 and 0.02 (samples of +-x around 0 with n - 1 = 3: sd = x * sqrt(4 / 3)), uncorrelated.
X = math.sqrt(3) / 2
CALM = [0.01 * X, 0.01 * X, -0.01 * X, -0.01 * X]
WILD = [0.02 * X, -0.02 * X, 0.02 * X, -0.02 * X]


def sampled(total=1.0, per_year=100.0, **returns):
    config = AllocationConfig(policy="equal", **returns.pop("config", {}))
    return Sampled(returns, total, per_year, config)


def test_the_example_is_what_it_says():
    assert deviation(CALM) == pytest.approx(0.01)
    assert covariances([CALM, WILD])[0][1] == pytest.approx(0.0)


def test_equal():
    assert POLICIES["equal"](sampled(0.9, calm=CALM, wild=WILD, flat=[0.0])) == {
        "calm": pytest.approx(0.3), "wild": pytest.approx(0.3), "flat": pytest.approx(0.3),
    }  # fmt: skip


def test_inverse_volatility():
    """1/0.01 to 1/0.02 is two to one."""
    found = POLICIES["inverse_volatility"](sampled(0.6, calm=CALM, wild=WILD))
    assert found == {"calm": pytest.approx(0.4), "wild": pytest.approx(0.2)}


def test_inverse_volatility_of_those_that_never_moved():
    flat = [0.0] * 4
    assert POLICIES["inverse_volatility"](sampled(calm=CALM, flat=flat)) == {"calm": pytest.approx(1.0), "flat": 0.0}
    assert POLICIES["inverse_volatility"](sampled(a=flat, b=flat)) == {"a": 0.5, "b": 0.5}


def test_volatility_target():
    """2/3 calm and 1/3 wild move by sqrt(2) x 0.00667 a sample, x 10 a year: 9.43 %. For 5 % that is 0.53 of it."""
    expected = math.sqrt(2) * (2 / 3 * 0.01) * 10
    found = POLICIES["volatility_target"](sampled(calm=CALM, wild=WILD, config={"target_volatility": 0.05}))
    assert found["calm"] == pytest.approx(2 / 3 * 0.05 / expected)
    assert found["wild"] == pytest.approx(1 / 3 * 0.05 / expected)
    everything = POLICIES["volatility_target"](sampled(calm=CALM, wild=WILD, config={"target_volatility": 5.0}))
    assert sum(everything.values()) == pytest.approx(1.0)


def test_risk_parity_without_correlation_is_inverse_volatility():
    found = POLICIES["risk_parity"](sampled(0.6, calm=CALM, wild=WILD))
    assert found == {"calm": pytest.approx(0.4), "wild": pytest.approx(0.2)}


def test_risk_parity_gives_twins_what_one_would_get():
    """Two copies of one series and an equal, independent one: the twins share a risk. Solved by hand for correlation 1
    between the twins: w (w + w) = v v, so each twin gets v / sqrt(2)."""
    other = [0.01 * X, -0.01 * X, 0.01 * X, -0.01 * X]
    found = POLICIES["risk_parity"](sampled(a=CALM, b=CALM, c=other))
    assert found["a"] == pytest.approx(found["b"])
    assert found["c"] / found["a"] == pytest.approx(math.sqrt(2))
    assert sum(found.values()) == pytest.approx(1.0)


@given(st.lists(st.lists(st.floats(-0.05, 0.05), min_size=12, max_size=12), min_size=2, max_size=6))
def test_risk_contributions_are_equal(series):
    """Whatever the covariance: w_i (C w)_i is the same for all."""
    series = [[v + 0.01 * math.sin(k * (i + 1)) for k, v in enumerate(s)] for i, s in enumerate(series)]
    matrix = covariances(series)
    if any(matrix[i][i] < 1e-8 for i in range(len(matrix))):
        return
    w = equal_contributions(matrix)
    parts = [w[i] * math.fsum(matrix[i][j] * w[j] for j in range(len(w))) for i in range(len(w))]
    assert parts == pytest.approx([1 / len(w)] * len(w), rel=1e-6)


def test_kelly():
    """Mean 1 %, variance 0.0004: full Kelly is 25, a quarter of it 6.25, capped at 1; a loser gets nothing."""
    good = [0.01 + r for r in WILD]
    bad = [-0.01 + r for r in WILD]
    assert POLICIES["kelly"](sampled(9.0, good=good, bad=bad)) == {"good": 1.0, "bad": 0.0}
    small = POLICIES["kelly"](sampled(9.0, good=good, config={"kelly_fraction": 0.01}))
    assert small == {"good": pytest.approx(0.25)}


def test_kelly_is_scaled_down_together():
    good, better = [0.01 + r for r in WILD], [0.02 + r for r in WILD]
    found = POLICIES["kelly"](sampled(0.5, good=good, better=better, config={"kelly_fraction": 0.02}))
    assert found["better"] / found["good"] == pytest.approx(2.0)
    assert sum(found.values()) == pytest.approx(0.5)


@pytest.mark.parametrize(("weight", "share"), [(0.33339, "0.3333"), (-1.0, "0"), (1e-9, "0"), (1.0, "1")])
def test_shares_are_cut_downwards(weight, share):
    assert cut(weight) == Decimal(share)
