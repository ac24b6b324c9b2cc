"""Volatility target: inverse-volatility weights, scaled to move together as much as asked, never above the total."""

import math

from tradectl.engine.allocation.inverse_volatility import inverse_volatility
from tradectl.engine.allocation.moments import covariances
from tradectl.engine.allocation.policy import Sampled


def volatility_target(s: Sampled) -> dict[str, float]:
    """Weights ``w`` with yearly volatility ``sqrt(w' C w x per_year)`` equal to the target, or ``total`` if less."""
    weights = inverse_volatility(s)
    names = list(weights)
    matrix = covariances([s.returns[name] for name in names])
    variance = math.fsum(
        weights[a] * weights[b] * matrix[i][j] for i, a in enumerate(names) for j, b in enumerate(names)
    )
    expected = math.sqrt(max(variance, 0.0) * s.per_year)
    scale = min(s.config.target_volatility / expected, 1.0) if expected > 0.0 else 1.0
    return {name: weight * scale for name, weight in weights.items()}
