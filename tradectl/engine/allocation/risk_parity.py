"""Risk parity: everybody contributes the same part of the whole's variance, correlations included.

Solved by cyclical coordinate descent (T. Griveau-Billion, J.-C. Richard, T. Roncalli, "A Fast Algorithm for Computing
High-dimensional Risk Parity Portfolios", 2013): each weight in turn is the positive root of its own condition
``w_i (C w)_i = b`` until none moves by more than 1e-10.
"""

import math

from tradectl.engine.allocation.inverse_volatility import inverse_volatility
from tradectl.engine.allocation.moments import covariances
from tradectl.engine.allocation.policy import Sampled

_ROUNDS = 1000
_CLOSE = 1e-10


def risk_parity(s: Sampled) -> dict[str, float]:
    """Equal risk contributions, scaled to ``total``; those that never moved get nothing."""
    start = inverse_volatility(s)
    names = [name for name, weight in start.items() if weight > 0.0]
    matrix = covariances([s.returns[name] for name in names])
    if len(names) < 2 or any(matrix[i][i] <= 0.0 for i in range(len(names))):
        return start
    weights = equal_contributions(matrix)
    whole = math.fsum(weights)
    return dict.fromkeys(start, 0.0) | {
        name: s.total * weight / whole for name, weight in zip(names, weights, strict=True)
    }


def equal_contributions(matrix: list[list[float]]) -> list[float]:
    """Positive weights (not scaled) whose contributions ``w_i (C w)_i`` are all ``1 / n``."""
    size = len(matrix)
    weights = [1.0 / math.sqrt(matrix[i][i]) for i in range(size)]
    for _ in range(_ROUNDS):
        moved = 0.0
        for i in range(size):
            own = matrix[i][i]
            others = math.fsum(matrix[i][j] * weights[j] for j in range(size) if j != i)
            fresh = (-others + math.sqrt(others * others + 4.0 * own / size)) / (2.0 * own)
            moved = max(moved, abs(fresh - weights[i]) / fresh)
            weights[i] = fresh
        if moved < _CLOSE:
            break
    return weights
