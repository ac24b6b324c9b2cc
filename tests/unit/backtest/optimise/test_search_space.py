"""Dimensions from declarations and texts: bounds, steps, choices, rules, and every error with its remedy."""

from random import Random

import pytest

from tests.unit.backtest.optimise.synthetic import Hill
from tradectl.backtest.optimise.ranges import search_space
from tradectl.backtest.optimise.search_space import Dimension
from tradectl.model.errors import Problem


def names(space) -> list[str]:
    return [it.name for it in space.dimensions]


def test_without_ranges_everything_declared_with_bounds_or_choices_is_searched() -> None:
    space = search_space(Hill, [], [], {"symbol": "ETHUSDT"})
    assert names(space) == ["fast", "slow", "speed", "kind"]
    assert space.dimensions[3].choices == ("ema", "sma")
    assert (space.dimensions[0].low, space.dimensions[0].high, space.dimensions[0].step) == (2, 50, 1)
    assert space.dimensions[2].step == 0
    assert space.rest["symbol"] == "ETHUSDT"


def test_with_ranges_those_alone_are_searched_and_others_held() -> None:
    space = search_space(Hill, ["fast=5:20", "slow=50", "kind=sma,ema", "speed=:"], [], {})
    assert names(space) == ["fast", "kind", "speed"]
    assert space.fixed == {"slow": 50}
    assert space.dimensions[1].choices == ("sma", "ema")
    assert (space.dimensions[2].low, space.dimensions[2].high) == (0.5, 2.0)


def test_a_grid_is_every_combination_that_keeps_the_rules() -> None:
    space = search_space(Hill, ["fast=5:15:5", "slow=10:20:5"], ["fast < slow"], {})
    pairs = [(it["fast"], it["slow"]) for it in space.grid()]
    assert pairs == [(5, 10), (5, 15), (5, 20), (10, 15), (10, 20), (15, 20)]
    assert all(type(it["fast"]) is int for it in space.grid())


def test_steps_of_tenths_end_at_the_high_end() -> None:
    assert Dimension(name="x", low=0.5, high=0.8, step=0.1).values() == (0.5, 0.6, 0.7, 0.8)


def test_rules_may_name_parameters_that_are_not_searched() -> None:
    space = search_space(Hill, ["fast=5:50"], ["fast < slow"], {})
    assert max(it["fast"] for it in space.grid()) == 29  # slow stays at its default of 30


def test_draws_lie_in_the_space_and_keep_the_rules() -> None:
    space = search_space(
        Hill, ["fast=2:50", "slow=5:200:5", "speed=0.5:2:log", "patient=true,false"], ["fast < slow"], {}
    )
    random = Random(1)
    drawn = [space.draw(random) for _ in range(300)]
    assert all(2 <= it["fast"] < it["slow"] <= 200 and it["slow"] % 5 == 0 for it in drawn)
    assert all(0.5 <= it["speed"] <= 2.0 for it in drawn)
    assert {it["patient"] for it in drawn} == {True, False}
    assert sum(it["speed"] < 1.0 for it in drawn) == pytest.approx(150, abs=45)  # half of the ratio lies below 1


@pytest.mark.parametrize(
    ("given", "where", "said", "remedy"),
    [
        (["fsat=5:50"], [], "fsat", "did you mean fast?"),
        (["fast"], [], "no value", "write"),
        (["fast=50:5"], [], "ends before", "low bound first"),
        (["fast=1:50"], [], "below 2", ""),
        (["fast=5:50:0"], [], "steps of 0", "above 0"),
        (["fast=5:50:1.5"], [], "steps of 1.5", "whole"),
        (["fast=5:50:x"], [], "'x'", "number"),
        (["fast=5:50:2:3"], [], "no range", "write"),
        (["fast=a:50"], [], "whole number", ""),
        (["kind=ema,wma"], [], "wma", ""),
        (["kind=a:b"], [], "no range", "list"),
        (["symbol=:"], [], "no range", "list"),
        (["fast=5:50"], ["fast > 100"], "no combination", "loosen"),
        (["fast=5:50"], ["fast < solw"], "solw", "slow"),
    ],
)
def test_what_cannot_be_searched_is_refused_in_words(given, where, said, remedy) -> None:
    with pytest.raises(Problem) as caught:
        search_space(Hill, given, where, {}).grid()
    assert said in caught.value.message
    assert remedy in caught.value.remedy


def test_a_float_without_a_step_has_no_grid_but_draws() -> None:
    space = search_space(Hill, ["speed=0.5:2"], [], {})
    with pytest.raises(Problem, match="no step"):
        space.grid()
    assert 0.5 <= space.draw(Random(0))["speed"] <= 2.0


def test_a_space_nothing_satisfies_is_told_when_drawing() -> None:
    with pytest.raises(Problem, match="no combination"):
        search_space(Hill, ["speed=0.5:2"], ["speed > 5"], {}).draw(Random(0))
