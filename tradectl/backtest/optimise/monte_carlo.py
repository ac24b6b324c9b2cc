"""What might as well have happened: the same trades or days drawn again many times, by a seed.

Sources: B. Efron, "Bootstrap Methods" (1979) for trades, which are drawn one by one; D. Politis and J. Romano, "The
Stationary Bootstrap" (1994) for daily returns, drawn in blocks of random length so that what hangs together stays so.
"""

import math
from collections.abc import Callable, Sequence
from decimal import Decimal

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from tradectl.model.errors import ErrorCode, Problem
from tradectl.performance.round_trips import RoundTrip

Matrix = NDArray[np.float64]
QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
#: Numbers drawn at once: bounds the memory.
_AT_ONCE = 4_000_000


class Distribution(Struct, frozen=True):
    """``quantiles`` by their cumulative probability, rising."""

    mean: float
    quantiles: tuple[tuple[float, float], ...]


class MonteCarlo(Struct, frozen=True):
    """``runs`` draws of ``drawn`` things (trades or days). Equity and drawdown are fractions: 1.0 is the start.

    ``ruin`` is the share of runs whose equity fell to ``ruined`` of the start at any time, ``loss`` the share that
    ended below it. NaN when there is nothing to draw from.
    """

    method: str
    runs: int
    drawn: int
    final_equity: Distribution
    max_drawdown: Distribution
    ruin: float
    loss: float
    ruined: float
    seed: int
    block: float = 0.0


def of_trades(
    trips: Sequence[RoundTrip], equity: Decimal, runs: int, seed: int, ruined: float = 0.5
) -> MonteCarlo:  # fmt: skip
    """As many round trips as there were, drawn with replacement and compounding.

    What a trade earned is its profit over the realised equity before it, beginning with ``equity``.
    """
    _must(runs, ruined)
    changes = np.array(_earned(trips, equity))
    rng = np.random.default_rng(seed)

    def paths(count: int) -> Matrix:
        picks = rng.integers(0, len(changes), (count, len(changes)))
        return np.asarray(np.cumprod(1.0 + changes[picks], axis=1), dtype=np.float64)

    return _measured("trades", paths, len(changes), runs, seed, ruined, 0.0)


def _earned(trips: Sequence[RoundTrip], equity: Decimal) -> list[float]:
    """Return of each ended trade; never below -1: more than everything cannot be lost."""
    found: list[float] = []
    for trip in (it for it in trips if it.ended):
        if equity <= 0:
            break
        found.append(max(float(trip.pnl / equity), -1.0))
        equity += trip.pnl
    return found


def of_days(returns: Sequence[float], runs: int, seed: int, block: float = 10.0, ruined: float = 0.5) -> MonteCarlo:
    """As many days as there were, in blocks of ``block`` days on average, compounding."""
    _must(runs, ruined)
    if not block >= 1.0:
        raise _wrong("block", f"of {block:g} days is below 1", "use 5 to 20")
    changes = np.array(returns, dtype=np.float64)
    rng = np.random.default_rng(seed)

    def paths(count: int) -> Matrix:
        rows = stationary(rng, len(changes), count, len(changes), block)
        return np.asarray(np.cumprod(1.0 + changes[rows], axis=1), dtype=np.float64)

    return _measured("days", paths, len(changes), runs, seed, ruined, block)


def stationary(rng: np.random.Generator, rows: int, count: int, length: int, block: float) -> NDArray[np.int64]:
    """``count`` x ``length`` row numbers: from each row on to the next, or with chance 1 / ``block`` to any."""
    picks = rng.integers(0, rows, (count, length))
    fresh = rng.random((count, length)) < 1.0 / block
    fresh[:, 0] = True
    at = np.arange(length)
    begun = np.maximum.accumulate(np.where(fresh, at, 0), axis=1)
    found: NDArray[np.int64] = (np.take_along_axis(picks, begun, axis=1) + at - begun) % rows
    return found


def of_equities(curves: Sequence[Sequence[float]], drawn: int, seed: int, block: float, ruined: float) -> MonteCarlo:
    """Of equity curves made otherwise (synthetic prices), each beginning with its start."""
    if not curves:
        return _nothing("paths", 0, seed, ruined, block)
    levels = [np.asarray(curve, dtype=np.float64) / curve[0] for curve in curves]
    measured = [_of_paths(level[None, :]) for level in levels]
    final, fall, least = (np.concatenate(column) for column in zip(*measured, strict=True))
    return _told("paths", final, fall, least, drawn, seed, ruined, block)


def _measured(
    method: str, paths: Callable[[int], Matrix], drawn: int, runs: int, seed: int, ruined: float, block: float
) -> MonteCarlo:
    if not drawn:
        return _nothing(method, runs, seed, ruined, block)
    at_once = max(_AT_ONCE // drawn, 1)
    counts = [min(at_once, runs - done) for done in range(0, runs, at_once)]
    final, fall, least = (
        np.concatenate(column) for column in zip(*(_of_paths(paths(count)) for count in counts), strict=True)
    )
    return _told(method, final, fall, least, drawn, seed, ruined, block)


def _of_paths(level: Matrix) -> tuple[Matrix, Matrix, Matrix]:
    """Final level, deepest fall (<= 0) and lowest level of each row; the start, 1.0, counts as a peak."""
    peak = np.maximum(np.maximum.accumulate(level, axis=1), 1.0)
    return level[:, -1], np.minimum((level / peak - 1.0).min(axis=1), 0.0), np.minimum(level.min(axis=1), 1.0)


def _told(
    method: str, final: Matrix, fall: Matrix, least: Matrix, drawn: int, seed: int, ruined: float, block: float
) -> MonteCarlo:
    return MonteCarlo(
        method, len(final), drawn, _distribution(final), _distribution(fall), float(np.mean(least <= ruined)),
        float(np.mean(final < 1.0)), ruined, seed, block,
    )  # fmt: skip


def _distribution(values: Matrix) -> Distribution:
    found = np.quantile(values, QUANTILES)
    return Distribution(float(values.mean()), tuple((q, float(v)) for q, v in zip(QUANTILES, found, strict=True)))


def _nothing(method: str, runs: int, seed: int, ruined: float, block: float) -> MonteCarlo:
    empty = Distribution(math.nan, tuple((q, math.nan) for q in QUANTILES))
    return MonteCarlo(method, runs, 0, empty, empty, math.nan, math.nan, ruined, seed, block)


def _must(runs: int, ruined: float) -> None:
    if runs < 1:
        raise _wrong("monte-carlo", f"with {runs} runs shows nothing", "use 1000 or more")
    if not 0.0 <= ruined < 1.0:
        raise _wrong("ruin", f"at {ruined:g} of the start is none", "use a fraction from 0 to below 1")


def _wrong(field: str, rule: str, remedy: str) -> Problem:
    return Problem(ErrorCode.INVALID_REQUEST, f"{field} {rule}", field=field, reason=rule, remedy=remedy)
