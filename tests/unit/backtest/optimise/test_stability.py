"""A peak is told from a plateau; the map holds every trial once, in its place."""

import math

import pytest

from tests.unit.backtest.optimise.synthetic import quality, space
from tradectl.backtest.optimise.search_space import Dimension, SearchSpace
from tradectl.backtest.optimise.stability import BINS, Tried, stability

GRID = [Tried(i, it, quality(it)) for i, it in enumerate(space().grid()) if not i % 37]


def test_a_plateau_keeps_its_value_and_a_peak_does_not() -> None:
    best = max(GRID, key=lambda it: it.value)
    plateau = stability(space(), GRID, high=True)
    assert plateau.best is not None
    assert plateau.best.number == best.number
    assert plateau.best.kept > 0.9
    lonely = [Tried(9999, {"fast": 45, "slow": 10}, 5.0), *GRID]
    peak = stability(space(), lonely, high=True)
    assert peak.best is not None
    assert peak.steadiest is not None
    assert (peak.best.number, peak.best.value) == (9999, 5.0)
    assert peak.best.kept < 0.05
    assert peak.steadiest.number != 9999
    assert abs(peak.steadiest.mean - quality({"fast": 20, "slow": 90})) < 0.02


def test_neighbours_are_those_within_a_tenth_of_every_dimension() -> None:
    told = stability(space(), GRID, high=True).best
    assert told is not None
    own = next(it for it in GRID if it.number == told.number).params
    near = [
        it.value
        for it in GRID
        if it.number != told.number
        and abs(it.params["fast"] - own["fast"]) <= 4.8
        and abs(it.params["slow"] - own["slow"]) <= 19.5
    ]
    assert told.neighbours == len(near) >= 3
    assert told.mean == pytest.approx(sum(near) / len(near))
    assert told.worst == min(near)


def test_low_is_better_when_the_goal_says_so() -> None:
    told = stability(space(), [Tried(it.number, it.params, -it.value) for it in GRID], high=False)
    assert told.best is not None
    assert told.best.number == max(GRID, key=lambda it: it.value).number
    assert told.best.worst > told.best.mean


def test_the_map_holds_every_trial_once() -> None:
    told = stability(space(), GRID, high=True, axes=["slow", "fast"])
    assert (told.x, told.y) == ("slow", "fast")
    assert len(told.cells) == len(told.cells[0]) == BINS
    assert sum(cell.trials for row in told.cells for cell in row) == len(GRID)
    best = max((cell for row in told.cells for cell in row if cell.best is not None), key=lambda it: it.best or 0)
    assert best.best == max(it.value for it in GRID)
    assert abs(best.x - 90) < 20
    assert abs(best.y - 20) < 5


def test_choices_small_ranges_and_one_dimension_have_a_map_too() -> None:
    number = Dimension(name="n", low=1, high=3, step=1, whole=True)
    both = SearchSpace((Dimension(name="kind", choices=("a", "b")), number))
    told = stability(both, [Tried(0, {"kind": "b", "n": 3}, 1.0)], high=True)
    assert [[cell.trials for cell in row] for row in told.cells] == [[0, 0], [0, 0], [0, 1]]
    assert (told.cells[2][1].x, told.cells[2][1].y) == ("b", 3)
    one = SearchSpace((Dimension(name="x", low=0.001, high=1, log=True),))
    line = stability(one, [Tried(0, {"x": 1.0}, 1.0), Tried(1, {"x": 0.001}, 2.0)], high=True)
    assert [cell.trials for cell in line.cells[0]] == [1, *[0] * (BINS - 2), 1]


def test_nothing_tried_is_an_empty_map() -> None:
    told = stability(space(), [], high=True)
    assert told.best is None
    assert told.steadiest is None
    alone = stability(space(), GRID[:1], high=True).best
    assert alone is not None
    assert alone.neighbours == 0
    assert math.isnan(alone.kept)
