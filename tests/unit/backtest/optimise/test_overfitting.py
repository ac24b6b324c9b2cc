"""CSCV against a slow, separate computation, and against worlds whose answer is known."""

import itertools
import math
from statistics import fmean, stdev

import numpy as np
import pytest

from tradectl.backtest.optimise.overfitting import overfitting


def slow(returns: np.ndarray, blocks: int) -> tuple[float, float]:
    """The paper's algorithm, step by step, in plain Python: probability, and how often the winner lost money."""
    length = len(returns) // blocks
    table = returns[len(returns) - blocks * length :]
    parts = [table[i * length : (i + 1) * length].tolist() for i in range(blocks)]
    below = lost = count = 0
    for chosen in itertools.combinations(range(blocks), blocks // 2):
        inside = [row for i in range(blocks) if i in chosen for row in parts[i]]
        outside = [row for i in range(blocks) if i not in chosen for row in parts[i]]
        columns = range(returns.shape[1])
        in_ratio = [fmean(r[c] for r in inside) / stdev(r[c] for r in inside) for c in columns]
        out_ratio = [fmean(r[c] for r in outside) / stdev(r[c] for r in outside) for c in columns]
        best = max(columns, key=lambda c: in_ratio[c])
        rank = sum(out_ratio[c] <= out_ratio[best] for c in columns)
        share = rank / (len(columns) + 1)
        below += math.log(share / (1 - share)) <= 0
        lost += sum(r[best] for r in outside) < 0
        count += 1
    return below / count, lost / count


@pytest.mark.parametrize("seed", range(6))
def test_it_agrees_with_the_slow_computation(seed: int) -> None:
    rng = np.random.default_rng(seed)
    returns = rng.normal(0.0002 * seed, 0.01, (65, 7)) + rng.normal(0, 0.002, 7)
    found = overfitting(returns, 8)
    assert (found.probability, found.loss) == pytest.approx(slow(returns, 8), abs=1e-12)
    assert (found.blocks, found.periods, found.choices) == (8, 8, 70)


def test_noise_is_overfitted_half_of_the_time_and_skill_never() -> None:
    rng = np.random.default_rng(3)
    found = [overfitting(rng.normal(0, 0.01, (320, 40))).probability for _ in range(12)]
    assert 0.35 < fmean(found) < 0.65
    skilled = rng.normal(0, 0.01, (320, 40))
    skilled[:, 17] += 0.006
    assert overfitting(skilled).probability < 0.01
    assert overfitting(skilled).loss < 0.01


def test_sixteen_blocks_are_all_their_halves() -> None:
    assert overfitting(np.random.default_rng(0).normal(0, 1, (64, 3))).choices == math.comb(16, 8)


def test_little_data_uses_fewer_blocks_and_none_gives_nan() -> None:
    assert overfitting(np.random.default_rng(0).normal(0, 1, (9, 4))).blocks == 4
    assert math.isnan(overfitting(np.zeros((3, 5))).probability)
    assert math.isnan(overfitting(np.zeros((100, 1))).probability)
    assert math.isnan(overfitting(np.zeros((0, 0))).probability)


def test_strategies_that_never_trade_are_no_trouble() -> None:
    returns = np.zeros((64, 6))
    assert math.isnan(overfitting(returns).probability)
    returns[:, 2] = np.random.default_rng(1).normal(0.01, 0.01, 64)
    found = overfitting(returns)
    assert (found.probability, found.loss) == (0.0, 0.0)
