"""The ratios equal those of empyrical-reloaded 0.5 and later on real and generated equity curves.

Where it differs by definition: its ``calmar_ratio`` and ours divide the same figures; its ``conditional_value_at_risk``
takes the same worst returns; nothing had to be left out.
"""

import empyrical
import numpy as np
import pytest

from tradectl.performance import ratios
from tradectl.performance.drawdowns import deepest, drawdowns
from tradectl.performance.metrics import metrics
from tradectl.performance.returns import changes, daily

PAIRS = {
    "total_return": (ratios.total_return, lambda r: empyrical.cum_returns_final(r)),
    "annual_return": (ratios.annual_return, lambda r: empyrical.annual_return(r, annualization=365)),
    "volatility": (ratios.volatility, lambda r: empyrical.annual_volatility(r, annualization=365)),
    "sharpe": (ratios.sharpe, lambda r: empyrical.sharpe_ratio(r, annualization=365)),
    "sortino": (ratios.sortino, lambda r: empyrical.sortino_ratio(r, annualization=365)),
    "calmar": (ratios.calmar, lambda r: empyrical.calmar_ratio(r, annualization=365)),
    "omega": (ratios.omega, lambda r: empyrical.omega_ratio(r, annualization=1)),
    "max_drawdown": (ratios.max_drawdown, empyrical.max_drawdown),
    "value_at_risk": (ratios.value_at_risk, empyrical.value_at_risk),
    "expected_shortfall": (ratios.expected_shortfall, empyrical.conditional_value_at_risk),
}


@pytest.mark.parametrize("name", PAIRS)
def test_equal_to_the_library(curve, name):
    ours, theirs = PAIRS[name]
    returns = changes(daily(curve))
    assert len(returns) > 30
    assert ours(returns) == pytest.approx(float(theirs(np.array(returns))), rel=1e-9, abs=1e-12)


def test_risk_free_and_thresholds_shift_alike(curve):
    returns = changes(daily(curve))
    array = np.array(returns)
    assert ratios.sharpe(returns, 365, 0.0002) == pytest.approx(
        empyrical.sharpe_ratio(array, 0.0002, annualization=365)
    )
    required = empyrical.sortino_ratio(array, 0.0003, annualization=365)
    assert ratios.sortino(returns, 365, 0.0003) == pytest.approx(required)
    assert ratios.value_at_risk(returns, 0.01) == pytest.approx(empyrical.value_at_risk(array, 0.01))


def test_the_whole_agrees_with_its_parts(curve):
    days = daily(curve)
    found = metrics(curve, ())
    assert found.days == len(days) == days[-1].number - days[0].number + 1
    assert found.sharpe == ratios.sharpe(changes(days))
    worst = deepest(drawdowns(days))
    assert found.max_drawdown == worst.depth == pytest.approx(ratios.max_drawdown(changes(days)))
    assert found.drawdown_peak == worst.peak <= worst.trough
    assert found.longest_drawdown_days >= found.drawdown_days
