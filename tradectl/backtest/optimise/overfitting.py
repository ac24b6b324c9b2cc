"""Probability of backtest overfitting by combinatorially symmetric cross-validation (CSCV).

Source: D. Bailey, J. Borwein, M. López de Prado and Q. Zhu, "The Probability of Backtest Overfitting" (2015): the
periods are cut into S blocks; for each choice of half of them the best strategy in that half is ranked in the other.
"""

import itertools
import math
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

Matrix = NDArray[np.float64]
BLOCKS = 16
#: Choices of blocks ranked at once: bounds the memory.
_AT_ONCE = 512


class Overfitting(Struct, frozen=True):
    """``probability`` that the best in sample is below the median out of sample; NaN without enough to measure.

    ``loss`` is how often it lost money out of sample, ``slope`` that of its out-of-sample over its in-sample Sharpe
    ratio (below 0: the better it looked, the worse it did). ``blocks`` x ``periods`` periods, ``strategies`` ranked
    over ``choices`` splits.
    """

    probability: float
    loss: float
    slope: float
    blocks: int
    periods: int
    strategies: int
    choices: int


def overfitting(returns: Matrix, blocks: int = BLOCKS) -> Overfitting:
    """From returns per period, a row each, of every strategy tried, a column each.

    ``blocks`` is made even and small enough that each holds two periods; the oldest periods that fill no block are left
    out. Strategies that never traded count as Sharpe ratio 0; when none did there is nothing to measure.
    """
    rows, strategies = returns.shape if returns.ndim == 2 else (0, 0)
    blocks = min(blocks, rows // 2) // 2 * 2
    if blocks < 2 or strategies < 2 or not np.ptp(returns, axis=0).any():
        return Overfitting(math.nan, math.nan, math.nan, blocks, 0, strategies, 0)
    length = rows // blocks
    parts = returns[rows - blocks * length :].reshape(blocks, length, strategies)
    total, squares = parts.sum(axis=1), (parts**2).sum(axis=1)
    chosen = _halves(blocks)
    found = [_ranked(chosen[at : at + _AT_ONCE], total, squares, length) for at in range(0, len(chosen), _AT_ONCE)]
    logits, inside, outside, gained = (np.concatenate(column) for column in zip(*found, strict=True))
    return Overfitting(
        float(np.mean(logits <= 0.0)), float(np.mean(gained < 0.0)), _slope(inside, outside), blocks, length,
        strategies, len(chosen),
    )  # fmt: skip


def _halves(blocks: int) -> NDArray[np.bool_]:
    """Every choice of half of the blocks, a row each."""
    picks = list(itertools.combinations(range(blocks), blocks // 2))
    chosen = np.zeros((len(picks), blocks), dtype=np.bool_)
    np.put_along_axis(chosen, np.array(picks), True, axis=1)
    return chosen


def _ranked(chosen: NDArray[np.bool_], total: Matrix, squares: Matrix, length: int) -> tuple[Matrix, ...]:
    """Logit of the winner's rank, its ratio in and out of sample, and what it gained out of sample, per choice."""
    count = chosen.shape[1] // 2 * length
    inside = _ratios(chosen, total, squares, count)
    outside = _ratios(~chosen, total, squares, count)
    best: Any = inside.argmax(axis=1)[:, None]
    own = np.take_along_axis(outside, best, axis=1)
    below, level = (outside < own).sum(axis=1), (outside == own).sum(axis=1)
    rank = (below + (level + 1) / 2) / (outside.shape[1] + 1)  # ties share the middle of their ranks
    gained = np.take_along_axis((~chosen) @ total, best, axis=1)[:, 0]
    return np.log(rank / (1.0 - rank)), np.take_along_axis(inside, best, axis=1)[:, 0], own[:, 0], gained


def _ratios(chosen: NDArray[np.bool_], total: Matrix, squares: Matrix, count: int) -> Matrix:
    """Sharpe ratio per period of each strategy (column) over the blocks of each choice (row)."""
    weights = chosen.astype(np.float64)
    mean = weights @ total / count
    spread = np.sqrt(np.maximum(weights @ squares / count - mean**2, 0.0) * count / (count - 1))
    moving = spread > 1e-12 * np.maximum(np.abs(mean), 1e-6)
    return np.divide(mean, spread, out=np.zeros_like(mean), where=moving)


def _slope(inside: Matrix, outside: Matrix) -> float:
    spread = float(np.var(inside))
    return float(np.mean((inside - inside.mean()) * (outside - outside.mean()))) / spread if spread > 0.0 else math.nan
