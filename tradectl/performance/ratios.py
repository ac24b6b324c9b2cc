"""Ratios of a series of periodic returns, as traders' libraries define them; NaN where a definition has no value.

Annualised by ``periods`` a year (365 for the days of a market that never closes). Standard deviations are of a sample
(n - 1). Sources: W. Sharpe, "The Sharpe Ratio" (1994); F. Sortino and L. Price, "Performance Measurement in a Downside
Risk Framework" (1994); C. Keating and W. Shadwick, "A Universal Performance Measure" (2002).
"""

import math
from collections.abc import Sequence
from statistics import fmean

YEAR = 365


def total_return(returns: Sequence[float]) -> float:
    """What one unit became, minus one."""
    return math.prod(1.0 + r for r in returns) - 1.0 if returns else math.nan


def annual_return(returns: Sequence[float], periods: int = YEAR) -> float:
    """Compound annual growth rate; -1 when everything was lost, infinite beyond what a float holds."""
    if not returns:
        return math.nan
    end = 1.0 + total_return(returns)
    try:
        return end ** (periods / len(returns)) - 1.0 if end > 0.0 else -1.0
    except OverflowError:  # nine times the money in a day, for a year
        return math.inf


def volatility(returns: Sequence[float], periods: int = YEAR) -> float:
    """Annualised standard deviation."""
    return _deviation(returns) * math.sqrt(periods)


def sharpe(returns: Sequence[float], periods: int = YEAR, risk_free: float = 0.0) -> float:
    """Mean excess return over its standard deviation, annualised; ``risk_free`` is a rate per period."""
    excess = [r - risk_free for r in returns]
    spread = _deviation(excess)
    return fmean(excess) / spread * math.sqrt(periods) if spread > 0.0 else math.nan


def sortino(returns: Sequence[float], periods: int = YEAR, required: float = 0.0) -> float:
    """Mean excess return over the downside deviation (root mean square of what fell short), annualised."""
    if len(returns) < 2:
        return math.nan
    excess = [r - required for r in returns]
    downside = math.sqrt(fmean([min(r, 0.0) ** 2 for r in excess]))
    return fmean(excess) / downside * math.sqrt(periods) if downside > 0.0 else math.nan


def omega(returns: Sequence[float], threshold: float = 0.0) -> float:
    """What lay above ``threshold`` (a return per period) over what lay below."""
    above = math.fsum(max(r - threshold, 0.0) for r in returns)
    below = math.fsum(max(threshold - r, 0.0) for r in returns)
    return above / below if below > 0.0 else math.nan


def max_drawdown(returns: Sequence[float]) -> float:
    """The deepest fall from a peak, as a fraction <= 0; the start counts as a peak."""
    level = peak = 1.0
    deepest = 0.0
    for r in returns:
        level *= 1.0 + r
        peak = max(peak, level)
        deepest = min(deepest, level / peak - 1.0)
    return deepest if returns else math.nan


def calmar(returns: Sequence[float], periods: int = YEAR) -> float:
    """Annual return over the deepest drawdown."""
    fall = max_drawdown(returns)
    return annual_return(returns, periods) / -fall if fall < 0.0 else math.nan


def value_at_risk(returns: Sequence[float], cutoff: float = 0.05) -> float:
    """The historical ``cutoff`` quantile of returns, interpolated between neighbours: a loss is negative."""
    if not returns:
        return math.nan
    ordered = sorted(returns)
    place = (len(ordered) - 1) * cutoff
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def expected_shortfall(returns: Sequence[float], cutoff: float = 0.05) -> float:
    """CVaR: the mean of the worst ``cutoff`` of all returns, at least of one."""
    if not returns:
        return math.nan
    worst = sorted(returns)[: int((len(returns) - 1) * cutoff) + 1]
    return fmean(worst)


def _deviation(values: Sequence[float]) -> float:
    """Standard deviation of a sample; 0 for a series that is constant but for rounding."""
    if len(values) < 2:
        return math.nan
    middle = fmean(values)
    spread = math.sqrt(math.fsum((v - middle) ** 2 for v in values) / (len(values) - 1))
    return spread if spread > 1e-15 * max(map(abs, values)) else 0.0
