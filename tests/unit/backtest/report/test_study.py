"""The page of an optimised run says how it was found, and what that is worth."""

import re

import msgspec
import pytest

from tests.unit.backtest.made_result import made_result
from tests.unit.backtest.report.test_page import read
from tradectl.backtest.job import Warned
from tradectl.backtest.optimise.deflated_sharpe import DeflatedSharpe
from tradectl.backtest.optimise.objectives import Goal
from tradectl.backtest.optimise.overfitting import Overfitting
from tradectl.backtest.optimise.result import OptimisationResult, plain
from tradectl.backtest.optimise.stability import Cell, StabilityMap
from tradectl.backtest.optimise.trial_record import TrialRecord
from tradectl.backtest.report.html import page

TRIALS = tuple(
    TrialRecord(number=n, params={"fast": 5 + n, "kind": "<i>ema"}, state="complete", values=(1.5 - n / 10,))
    for n in range(6)
)
CELLS = tuple(
    tuple(Cell(x, y, None if (x, y) == (5, 20) else x / y, 1.0, 2) for x in (5, 10, 15)) for y in (20, 40)
)  # fmt: skip
STUDY = OptimisationResult(
    study="s", storage="memory", goals=(Goal("sharpe", True),), sampler="tpe", pruner="none", seed=1, asked=6,
    complete=6, pruned=2, infeasible=0, stopped=0, distinct=8, trials=TRIALS, best=TRIALS[0], front=TRIALS[:1],
    ranked=TRIALS, importance={"fast": 0.75, "kind": 0.25}, stability=StabilityMap(None, None, "fast", "slow", CELLS),
    deflated=DeflatedSharpe(0.1, 0.09, 0.617, 8, 0.03, 100, 0.0, 3.0),
    overfitting=Overfitting(0.4321, 0.1, -0.2, 16, 6, 8, 12_870), warnings=(Warned("few", "few trials"),), about={},
)  # fmt: skip


def test_the_honest_figures_stand_on_the_page() -> None:
    text = page(made_result(seed=4, hours=300), study=plain(STUDY))
    said = " ".join(read(text).text)
    for word in (
        "How the parameters were found", "6 complete, 2 pruned, 8 different ones", "61.7 %", "43.2 %", "few trials",
        "high sharpe", "Best trials", "What mattered", "75 %", "Stability map", "<i>ema",
    ):  # fmt: skip
        assert word in said, word
    assert "<i>ema" not in text
    cells = re.findall(r'title="2 trials">([^<]*)<', text)
    assert len(cells) == 5
    assert cells[-1] == "0.75"  # the lowest row is the lowest y: 15 / 20


@pytest.mark.parametrize("name", ["importance", "stability", "ranked"])
def test_a_part_that_is_missing_leaves_the_others(name: str) -> None:
    study = plain(STUDY)
    study[name] = {} if name == "importance" else None if name == "stability" else []
    text = page(made_result(seed=4, hours=100), study=study)
    assert "Probability of overfitting" in text


def test_figures_without_a_value_are_a_dash() -> None:
    nothing = DeflatedSharpe(*(float("nan"),) * 3, 0, float("nan"), 0, float("nan"), float("nan"))
    text = page(made_result(seed=4, hours=100), study=plain(msgspec.structs.replace(STUDY, deflated=nothing)))
    read(text)
    assert "– likely" in text
