"""Whether the best parameters stand on a plateau or on a peak: averages over neighbours, and a map of two dimensions.

Distances are in the places of :meth:`Dimension.place`: every dimension runs from 0 to 1.
"""

import math
from collections.abc import Sequence
from statistics import fmean, median
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from tradectl.backtest.optimise.search_space import Dimension, Params, SearchSpace

#: Neighbours lie no further than this in any dimension; where there are fewer than FEWEST, the nearest count.
RADIUS = 0.1
FEWEST = 3
BINS = 12


class Tried(Struct, frozen=True):
    """Parameters and the value of the (first) goal they reached."""

    number: int
    params: Params
    value: float


class Neighbourhood(Struct, frozen=True):
    """A trial's value beside those of its ``neighbours`` (itself not among them): their mean and worst.

    ``median`` is of both together: a single peak next door does not lift it.

    ``kept`` is mean / value, NaN unless the value is above 0: near 1 on a plateau, small or below 0 on a peak.
    """

    number: int
    value: float
    neighbours: int
    mean: float
    worst: float
    median: float
    kept: float


class Cell(Struct, frozen=True):
    """A field of the map: the middle (or choice) of both parameters, and the trials in it (``None``: none)."""

    x: Any
    y: Any
    mean: float | None
    best: float | None
    trials: int


class StabilityMap(Struct, frozen=True):
    """``best`` and ``steadiest`` (highest median); the map over ``x`` and ``y``, rows of ``y`` rising."""

    best: Neighbourhood | None
    steadiest: Neighbourhood | None
    x: str
    y: str
    cells: tuple[tuple[Cell, ...], ...]


def stability(space: SearchSpace, tried: Sequence[Tried], high: bool, axes: Sequence[str] = ()) -> StabilityMap:
    """Of finished trials with different parameters; ``axes`` names the map's dimensions, else the first two."""
    found = mapped(space, tried, high, axes)
    if not tried:
        return found
    places = {it.number: [dim.place(it.params[dim.name]) for dim in space.dimensions] for it in tried}
    around = {it.number: _around(it, tried, places, high) for it in tried}
    sign = 1.0 if high else -1.0
    best = max(tried, key=lambda it: sign * it.value)
    steadiest = max(around.values(), key=lambda it: sign * it.median)
    return replace(found, best=around[best.number], steadiest=steadiest)


def mapped(space: SearchSpace, tried: Sequence[Tried], high: bool, axes: Sequence[str] = ()) -> StabilityMap:
    """The map alone: of any number of trials."""
    chosen = [it for name in axes for it in space.dimensions if it.name == name]
    chosen += [it for it in space.dimensions if it not in chosen]
    x, y = chosen[0], chosen[1] if len(chosen) > 1 else None
    return StabilityMap(None, None, x.name, y.name if y else "", _cells(x, y, tried, high))


def _around(it: Tried, tried: Sequence[Tried], places: dict[int, list[float]], high: bool) -> Neighbourhood:
    own = places[it.number]
    away = [(max(abs(a - b) for a, b in zip(own, places[o.number], strict=True)), o) for o in tried if o is not it]
    near = [other for distance, other in away if distance <= RADIUS]
    if len(near) < FEWEST:
        near = [other for _, other in sorted(away, key=lambda pair: (pair[0], pair[1].number))[:FEWEST]]
    if not near:
        return Neighbourhood(it.number, it.value, 0, math.nan, math.nan, it.value, math.nan)
    values = [other.value for other in near]
    mean = fmean(values)
    kept = mean / it.value if it.value > 0 else math.nan
    worst = min(values) if high else max(values)
    return Neighbourhood(it.number, it.value, len(near), mean, worst, median([it.value, *values]), kept)


def _cells(x: Dimension, y: Dimension | None, tried: Sequence[Tried], high: bool) -> tuple[tuple[Cell, ...], ...]:
    columns, rows = _bins(x), _bins(y) if y else [None]
    held: dict[tuple[int, int], list[float]] = {}
    for it in tried:
        place = (_bin(x, columns, it.params[x.name]), _bin(y, rows, it.params[y.name]) if y else 0)
        held.setdefault(place, []).append(it.value)
    return tuple(
        tuple(_cell(columns[i], rows[j], held.get((i, j), []), high) for i in range(len(columns)))
        for j in range(len(rows))
    )


def _cell(x: Any, y: Any, values: list[float], high: bool) -> Cell:
    if not values:
        return Cell(x, y, None, None, 0)
    return Cell(x, y, fmean(values), max(values) if high else min(values), len(values))


def _bins(it: Dimension) -> list[Any]:
    """The dimension's values when they are few, else the middles of equal parts."""
    if it.choices:
        return list(it.choices)
    if it.step and (it.high - it.low) / it.step < BINS:
        return list(it.values())
    if it.log:
        ratio = it.high / it.low
        return [it.low * ratio ** ((i + 0.5) / BINS) for i in range(BINS)]
    return [it.low + (it.high - it.low) * (i + 0.5) / BINS for i in range(BINS)]


def _bin(it: Dimension, bins: list[Any], value: Any) -> int:
    if it.choices:
        return it.choices.index(value)
    if it.step and (it.high - it.low) / it.step < BINS:
        return min(round(float(value - it.low) / it.step), len(bins) - 1)
    return min(math.floor(it.place(value) * BINS), BINS - 1)
