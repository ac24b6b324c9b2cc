"""Measures and directions as they are written, the user's own functions, constraints, and what has no value."""

import math

import pytest

from tests.unit.backtest.optimise.synthetic import SINCE, made
from tradectl.backtest.optimise.objectives import WORST, Goal, Judge
from tradectl.model.errors import Problem

RISING = made([100.0, 110.0, 99.0, 120.0], SINCE)
FLAT = made([100.0, 100.0, 100.0], SINCE)


def test_directions_are_the_measures_own_unless_told() -> None:
    goals = Judge("sharpe,max_drawdown,trades:min").goals
    assert goals == (Goal("sharpe", True), Goal("max_drawdown", False), Goal("trades", False))


def test_losses_are_told_as_their_size() -> None:
    judged = Judge("max_drawdown,total_return").judge(RISING)
    assert judged.values == pytest.approx((0.1, 0.2))
    assert judged.measures["expected_shortfall"] == pytest.approx(0.1)


def test_a_goal_without_a_value_counts_as_the_worst_and_is_told_as_none() -> None:
    judged = Judge("sharpe,sharpe:min,final_equity").judge(FLAT)
    assert judged.values == (-WORST, WORST, 100.0)
    assert judged.measures["sharpe"] is None
    assert not judged.defined


def test_constraints_say_how_far_they_are_broken() -> None:
    judged = Judge("sharpe", ["trades >= 30", "max_drawdown < 0.5", "sharpe > -100"]).judge(FLAT)
    assert judged.violations[:2] == (30.0, 0.0)
    assert judged.violations[2] > 0  # no Sharpe ratio at all keeps no condition about it


OWN = """
def score(result):
    return float(result.final_equity) / 100

def both(result):
    return float(result.final_equity), len(result.samples)

def broken(result):
    return 1 / 0

def text(result):
    return "much"

def enough(result):
    return len(result.samples) > 3

def excess(result):
    return 5 - len(result.samples)

nothing = float("nan")
"""


def test_the_users_own_functions_judge_and_constrain(tmp_path) -> None:
    (tmp_path / "mine.py").write_text(OWN)
    judge = Judge("mine:score,mine:both:max:min", ["mine:enough", "mine:excess"], tmp_path)
    assert [goal.high for goal in judge.goals] == [True, True, False]
    judged = judge.judge(RISING)
    assert judged.values == (1.2, 120.0, 4.0)
    assert judged.violations == (0.0, 1.0)
    assert judge.judge(FLAT).violations == (1.0, 2.0)


@pytest.mark.parametrize(
    ("objective", "said"),
    [
        ("mine:broken", "ZeroDivisionError"),
        ("mine:text", "no number"),
        ("mine:both", "2 values where 1"),
    ],
)
def test_a_function_that_fails_is_named(tmp_path, objective, said) -> None:
    (tmp_path / "mine.py").write_text(OWN)
    with pytest.raises(Problem, match=said):
        Judge(objective, (), tmp_path).judge(RISING)


@pytest.mark.parametrize(
    ("objective", "constraints", "said"),
    [
        ("sharp", [], "sharp is no measure"),
        ("sharpe:up", [], "needs the file"),
        ("sharpe:max:min", [], "more than one direction"),
        ("mine:gone", [], "is no function"),
        ("mine:nothing", [], "is no function"),
        ("mine:score:up", [], "direction other than"),
        ("other:score", [], "other.py"),
        ("bad:score", [], "SyntaxError"),
        ("sharpe", ["tardes >= 30"], "tardes"),
        ("sharpe", ["mine:gone"], "is no function"),
    ],
)
def test_what_is_not_known_is_refused(tmp_path, objective, constraints, said) -> None:
    (tmp_path / "mine.py").write_text(OWN)
    (tmp_path / "bad.py").write_text("def (")
    with pytest.raises(Problem, match=said):
        Judge(objective, constraints, tmp_path)


def test_the_near_measure_is_offered() -> None:
    with pytest.raises(Problem) as caught:
        Judge("sharp")
    assert caught.value.remedy == "did you mean sharpe?"


def test_every_measure_is_a_number_or_none() -> None:
    for value in Judge("sharpe").judge(RISING).measures.values():
        assert value is None or math.isfinite(value)
