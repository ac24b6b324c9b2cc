"""The paper's own numbers, an independent computation of moments, and what it says of noise and of skill."""

import math
import random
from statistics import fmean

import pytest

from tradectl.backtest.optimise.deflated_sharpe import (
    deflated_sharpe,
    expected_maximum,
    moments,
    probabilistic_sharpe,
)


def test_the_papers_example_gives_the_papers_figures() -> None:
    """2014, "A Numerical Example": Sharpe 2.5 a year over 5 years of days, variance 1/2, skew -3, kurtosis 10."""
    expected = expected_maximum(100, math.sqrt(0.5 / 250))
    assert expected == pytest.approx(0.1132, abs=5e-5)
    chance = probabilistic_sharpe(2.5 / math.sqrt(250), expected, 1250, -3.0, 10.0)
    assert chance == pytest.approx(0.9004, abs=5e-5)


def test_fewer_trials_deflate_less_as_in_the_paper() -> None:
    expected = expected_maximum(46, math.sqrt(0.5 / 250))
    assert probabilistic_sharpe(2.5 / math.sqrt(250), expected, 1250, -3.0, 10.0) == pytest.approx(0.9505, abs=5e-5)


def test_the_expected_maximum_is_what_simulation_finds() -> None:
    rng = random.Random(5)
    found = fmean(max(rng.gauss(0, 0.3) for _ in range(50)) for _ in range(4000))
    assert expected_maximum(50, 0.3) == pytest.approx(found, rel=0.02)
    assert expected_maximum(1, 0.3) == 0.0


def test_moments_agree_with_scipys() -> None:
    stats = pytest.importorskip("scipy.stats")
    rng = random.Random(1)
    values = [rng.gauss(0.001, 0.02) + (rng.random() < 0.05) * -0.05 for _ in range(500)]
    ratio, skew, kurtosis = moments(values)
    mean = fmean(values)
    assert ratio == pytest.approx(mean / math.sqrt(sum((v - mean) ** 2 for v in values) / 499), rel=1e-12)
    assert skew == pytest.approx(float(stats.skew(values)), rel=1e-9)
    assert kurtosis == pytest.approx(float(stats.kurtosis(values, fisher=False)), rel=1e-9)


def test_the_best_of_much_noise_is_called_luck_and_real_skill_is_not() -> None:
    rng = random.Random(7)
    noise = [[rng.gauss(0, 0.01) for _ in range(500)] for _ in range(100)]
    ratios = [moments(it)[0] for it in noise]
    best = noise[max(range(100), key=lambda i: ratios[i])]
    alone, counted = deflated_sharpe(best, ratios[:1], 1), deflated_sharpe(best, ratios, 100)
    assert alone.probability > 0.97  # without counting the trials it looks like skill
    assert counted.probability < 0.9
    skilled = [rng.gauss(0.003, 0.01) for _ in range(500)]
    assert deflated_sharpe(skilled, [*ratios, moments(skilled)[0]], 101).probability > 0.99


def test_nothing_to_measure_gives_nan_and_never_a_verdict() -> None:
    assert math.isnan(deflated_sharpe([], [], 0).probability)
    assert math.isnan(deflated_sharpe([0.0] * 50, [math.nan], 3).probability)
