"""Capped Kelly: growth-optimal shares, a fraction of them, none negative, none above the cap.

For one strategy the share that maximises expected log growth is ``mean / variance`` of its returns (E. Thorp, "The
Kelly Criterion in Blackjack, Sports Betting and the Stock Market", 1997). Strategies are taken as independent: with few
samples an inverted covariance matrix is mostly noise. An estimated edge is always too good: hence the fraction.
"""

from collections.abc import Sequence

from tradectl.engine.allocation.moments import covariance, mean
from tradectl.engine.allocation.policy import Sampled


def kelly(s: Sampled) -> dict[str, float]:
    """``kelly_fraction x mean / variance``, 0 for a losing strategy; scaled down together when above ``total``."""
    cap = float(s.config.max_share)
    weights = {name: min(_one(r) * s.config.kelly_fraction, cap) for name, r in s.returns.items()}
    whole = sum(weights.values())
    scale = s.total / whole if whole > s.total else 1.0
    return {name: weight * scale for name, weight in weights.items()}


def _one(returns: Sequence[float]) -> float:
    variance = covariance(returns, returns)
    return max(mean(returns) / variance, 0.0) if variance > 0.0 else 0.0
