"""Means, variances and covariances of return series, summed exactly so that every machine agrees."""

import math
from collections.abc import Sequence


def mean(values: Sequence[float]) -> float:
    """Arithmetic mean."""
    return math.fsum(values) / len(values)


def covariance(a: Sequence[float], b: Sequence[float]) -> float:
    """Of a sample (n - 1); both series have the same length of at least 2."""
    middle_a, middle_b = mean(a), mean(b)
    return math.fsum((x - middle_a) * (y - middle_b) for x, y in zip(a, b, strict=True)) / (len(a) - 1)


def deviation(values: Sequence[float]) -> float:
    """Standard deviation of a sample."""
    return math.sqrt(max(covariance(values, values), 0.0))


def covariances(series: Sequence[Sequence[float]]) -> list[list[float]]:
    """The matrix of all pairs."""
    found = [[0.0] * len(series) for _ in series]
    for i, a in enumerate(series):
        for j in range(i, len(series)):
            found[i][j] = found[j][i] = covariance(a, series[j])
    return found
