"""Inverse volatility: who moves half as much gets twice as much; correlations are not looked at."""

from tradectl.engine.allocation.moments import deviation
from tradectl.engine.allocation.policy import Sampled


def inverse_volatility(s: Sampled) -> dict[str, float]:
    """``total x (1 / sd) / sum(1 / sd)``. One that never moved has no measurable risk: it gets nothing until it does,
    unless nobody moved, then all get the same."""
    inverse = {name: 1.0 / sd if (sd := deviation(r)) > 0.0 else 0.0 for name, r in s.returns.items()}
    whole = sum(inverse.values())
    if whole <= 0.0:
        return {name: s.total / len(inverse) for name in inverse}
    return {name: s.total * weight / whole for name, weight in inverse.items()}
