"""How much of a Sharpe ratio is left when the number of trials it was picked from is counted.

Sources: D. Bailey and M. López de Prado, "The Sharpe Ratio Efficient Frontier" (2012) for the probabilistic ratio;
the same, "The Deflated Sharpe Ratio: Correcting for Selection Bias, Backtest Overfitting and Non-Normality" (2014)
for the expected maximum and its deflation. All ratios here are per period (a day), not annualised.
"""

import math
from collections.abc import Sequence
from statistics import NormalDist, fmean, variance

from msgspec import Struct

_NORMAL = NormalDist()
EULER = 0.5772156649015329


class DeflatedSharpe(Struct, frozen=True):
    """``observed`` and ``expected`` (the best of ``trials`` without any skill) per period, over ``periods`` of them.

    ``probability`` that the true ratio is above ``expected``; NaN without enough to measure. ``spread`` is the standard
    deviation of the trials' ratios.
    """

    observed: float
    expected: float
    probability: float
    trials: int
    spread: float
    periods: int
    skew: float
    kurtosis: float


def expected_maximum(trials: int, spread: float) -> float:
    """Expected highest ratio of ``trials`` independent strategies of no skill (2014, equation 1); 0 for one trial."""
    if trials < 2:
        return 0.0
    above = _NORMAL.inv_cdf(1.0 - 1.0 / trials)
    further = _NORMAL.inv_cdf(1.0 - 1.0 / (trials * math.e))
    return spread * ((1.0 - EULER) * above + EULER * further)


def probabilistic_sharpe(observed: float, benchmark: float, periods: int, skew: float, kurtosis: float) -> float:
    """Probability that the true ratio is above ``benchmark`` (2012, equation 11); ``kurtosis`` of a normal is 3."""
    if periods < 2:
        return math.nan
    width = 1.0 - skew * observed + (kurtosis - 1.0) / 4.0 * observed**2
    if not width > 0.0:
        return math.nan
    return _NORMAL.cdf((observed - benchmark) * math.sqrt(periods - 1) / math.sqrt(width))


def deflated_sharpe(returns: Sequence[float], ratios: Sequence[float], trials: int) -> DeflatedSharpe:
    """The chosen strategy's ``returns`` per period against the ``ratios`` of all that were measured.

    ``trials`` counts every different combination tried, also those without a ratio of their own (pruned).
    """
    known = [ratio for ratio in ratios if math.isfinite(ratio)]
    spread = math.sqrt(variance(known)) if len(known) > 1 else 0.0
    observed, skew, kurtosis = moments(returns)
    expected = expected_maximum(trials, spread)
    chance = probabilistic_sharpe(observed, expected, len(returns), skew, kurtosis)
    return DeflatedSharpe(observed, expected, chance, trials, spread, len(returns), skew, kurtosis)


def moments(returns: Sequence[float]) -> tuple[float, float, float]:
    """Sharpe ratio per period, skewness and kurtosis (not in excess) of a sample; NaN where returns do not vary."""
    if len(returns) < 2:
        return math.nan, math.nan, math.nan
    middle = fmean(returns)
    off = [r - middle for r in returns]
    second = fmean([d * d for d in off])
    if not second > 1e-30:
        return math.nan, math.nan, math.nan
    third, fourth = fmean([d**3 for d in off]), fmean([d**4 for d in off])
    count = len(returns)
    return middle / math.sqrt(second * count / (count - 1)), third / second**1.5, fourth / second**2
