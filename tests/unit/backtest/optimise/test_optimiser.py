"""The search as a whole: exact counts, resumption, refusal, determinism, rules, pruning, several goals, processes."""

import json
import math
import os
import shutil
import sys
import threading
from collections import Counter
from pathlib import Path
from statistics import stdev

import pytest
from msgspec.structs import replace

from tests.unit.backtest.optimise.synthetic import DAY, SINCE, UNTIL, HillSource, hill, made, quality, space
from tradectl.backtest.optimise.deflated_sharpe import moments
from tradectl.backtest.optimise.expressions import Rule
from tradectl.backtest.optimise.findings import front
from tradectl.backtest.optimise.objectives import Goal
from tradectl.backtest.optimise.optimiser import optimise
from tradectl.backtest.optimise.parallel import Workers
from tradectl.backtest.optimise.plan import Plan
from tradectl.backtest.optimise.result import plain
from tradectl.backtest.optimise.search_space import Dimension, SearchSpace
from tradectl.backtest.optimise.slots import AHEAD, Slots
from tradectl.backtest.optimise.study import open_study, safe_address
from tradectl.backtest.optimise.trial_record import TrialRecord, packed, unpacked
from tradectl.model.errors import ErrorCode, Problem


@pytest.fixture(scope="module")
def empty(tmp_path_factory) -> Path:
    """A file of studies without any: making its tables takes longer than most studies of these tests."""
    path = tmp_path_factory.mktemp("studies") / "studies.db"
    open_study(plan(study="none", storage=f"sqlite:///{path}"), (Goal("sharpe", True),))
    return path


@pytest.fixture
def db(empty: Path, tmp_path: Path) -> str:
    """The address of a file of studies of the test's own."""
    for file in empty.parent.iterdir():
        shutil.copy(file, tmp_path / file.name)
    return f"sqlite:///{tmp_path / empty.name}"


def plan(**changes) -> Plan:
    return Plan(**{"space": space(), "since": SINCE, "until": UNTIL, "trials": 25, "poll_s": 0.02, **changes})


def source(evaluate):
    """A source of this process that evaluates by ``evaluate(params, since, until)``."""
    return lambda stop: evaluate


@pytest.mark.parametrize("sampler", ["tpe", "cmaes", "random"])
def test_a_seed_and_one_worker_give_the_same_study_again(sampler) -> None:
    first, again, other = (optimise(plan(sampler=sampler, seed=it), HillSource()) for it in (3, 3, 4))
    assert [it.params for it in first.trials] == [it.params for it in again.trials]
    assert [it.params for it in first.trials] != [it.params for it in other.trials]
    assert (first.complete, first.asked, first.interrupted) == (25, 25, False)


@pytest.mark.parametrize("sampler", ["tpe", "cmaes"])
def test_guided_samplers_find_the_top_of_the_hill(sampler) -> None:
    found = optimise(plan(sampler=sampler, trials=60, seed=1), HillSource())
    assert found.best is not None
    assert quality(found.best.params) > 0.19
    assert found.ranked[0] is found.best
    assert found.stability.best is not None
    assert found.stability.best.kept > 0.8


def test_a_grid_tries_every_combination_once_and_knows_the_best() -> None:
    few = SearchSpace((Dimension(name="fast", low=10, high=30, step=5, whole=True),
                       Dimension(name="slow", low=60, high=120, step=30, whole=True)))  # fmt: skip
    found = optimise(plan(space=few, sampler="grid", trials=3), HillSource())
    assert [it.params for it in found.trials] == few.grid()
    assert found.best is not None
    assert found.best.params == {"fast": 20, "slow": 90}
    assert (found.asked, found.distinct) == (15, 15)


def test_the_same_parameters_are_not_run_twice_nor_counted_twice() -> None:
    ran: list[tuple] = []

    def evaluate(params, since, until):
        ran.append(tuple(sorted(params.items())))
        return hill(params, since, until)

    tiny = SearchSpace((Dimension(name="fast", low=18, high=22, step=1, whole=True),), {"slow": 90})
    found = optimise(plan(space=tiny, sampler="random", trials=30), source(evaluate))
    assert len(ran) == len(set(ran)) == found.distinct == found.deflated.trials <= 5
    assert found.complete == 30
    assert all(it.values == found.trials[it.same_as].values for it in found.trials if it.same_as >= 0)


def test_rules_between_parameters_are_kept_and_cost_no_trials() -> None:
    steep = space(Rule("slow > 9 * fast", ["fast", "slow"], "where"))
    found = optimise(plan(space=steep, seed=2), HillSource())
    assert found.complete == 25
    assert all(it.params["slow"] > 9 * it.params["fast"] for it in found.trials)


def test_a_study_goes_on_where_it_stood_and_repeats_nothing(tmp_path, db) -> None:
    log = tmp_path / "log"
    kept = plan(study="s", storage=db, trials=8, sampler="random")
    first = optimise(kept, HillSource(log=str(log)))
    more = optimise(replace(kept, trials=14), HillSource(log=str(log)))
    assert more.trials[:8] == first.trials
    assert more.complete == 14
    assert len(log.read_text().splitlines()) == more.distinct == 14
    straight = optimise(plan(trials=14, sampler="random"), HillSource())
    assert [it.params for it in straight.trials] == [it.params for it in more.trials]


def test_a_stopped_search_tells_what_there_is_and_is_finished_later(db) -> None:
    asked = []

    def stop() -> bool:
        asked.append(1)
        return len(asked) > 12

    kept = plan(study="s", storage=db, trials=15, sampler="random")
    part = optimise(kept, HillSource(), stop=stop)
    assert part.interrupted
    assert 0 < part.complete < 15
    assert "incomplete" in {it.code for it in part.warnings}
    assert optimise(kept, HillSource()).complete == 15


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"objective": "sortino"}, "objective: sharpe there, sortino here"),
        ({"identity": {"data": "def"}}, "data: abc there, def here"),
        ({"constraints": ("trades > 3",)}, "constraints"),
        ({"space": SearchSpace((Dimension(name="fast", low=2, high=40, step=1, whole=True),))}, "parameter fast"),
        ({"until": UNTIL - 1}, "until"),
    ],
)
def test_a_study_about_something_else_is_refused_with_what_differs(db, changes, named) -> None:
    kept = plan(study="s", storage=db, trials=1, identity={"data": "abc"})
    optimise(kept, HillSource())
    with pytest.raises(Problem, match=named):
        optimise(replace(kept, **changes), HillSource())


def test_joining_needs_the_study_and_asks_for_nothing_more(db) -> None:
    kept = plan(study="s", storage=db, trials=4)
    with pytest.raises(Problem, match="there is no study s"):
        optimise(kept, HillSource(), join=True)
    optimise(kept, HillSource())
    assert optimise(replace(kept, trials=100), HillSource(), join=True).asked == 4


def test_a_storage_that_does_not_answer_is_told_without_its_password() -> None:
    with pytest.raises(Problem) as caught:
        optimise(plan(study="s", storage="postgresql://me:hunter2@127.0.0.1:1/x"), HillSource())
    assert "127.0.0.1:1/x" in caught.value.message
    assert "hunter2" not in str(caught.value)
    assert safe_address("postgresql+psycopg://a:b@c@host/db") == "postgresql+psycopg://host/db"


@pytest.mark.parametrize("pruner", ["median", "hyperband"])
def test_pruned_trials_saw_a_part_of_the_span_and_count_as_tried(pruner) -> None:
    begun = looked = ended = 0

    def evaluate(params, since, until, interim):
        nonlocal begun, looked, ended
        begun += 1
        for moment in interim.moments:
            looked += 1
            interim.hear(hill(params, since, moment))
        ended += 1
        return hill(params, since, until)

    found = optimise(plan(pruner=pruner, trials=40, sampler="random"), source(evaluate))
    assert found.pruned > 3
    assert found.pruned + found.complete == 40
    assert begun == found.distinct == found.deflated.trials  # nobody's beginning is run twice
    assert ended == found.complete
    assert 2 * ended < looked <= 2 * begun
    assert all((it.ratio is not None) is (it.state == "pruned") for it in found.trials if it.same_as < 0)
    ratios = [moments(it.returns)[0] if it.returns else it.ratio for it in found.trials if it.same_as < 0]
    survivors = [moments(it.returns)[0] for it in found.trials if it.returns]
    assert found.deflated.spread == pytest.approx(stdev(ratios))
    assert found.deflated.spread != pytest.approx(stdev(survivors))  # theirs alone would leave out what was tried
    assert all(it.values == () and it.returns == () for it in found.trials if it.state == "pruned")
    assert found.best is not None
    assert found.best.state == "complete"


@pytest.mark.parametrize("pruner", ["median", "hyperband"])
def test_one_seed_gives_one_search_also_when_trials_are_pruned(pruner) -> None:
    def evaluate(params, since, until, interim):
        for moment in interim.moments:
            interim.hear(hill(params, since, moment))
        return hill(params, since, until)

    asked = plan(pruner=pruner, trials=30, sampler="random")
    once, again = (optimise(asked, source(evaluate)) for _ in range(2))
    assert once.pruned > 3
    assert [(it.state, it.params, it.ratio) for it in once.trials] == [
        (it.state, it.params, it.ratio) for it in again.trials
    ]


def test_several_goals_give_the_front_that_nothing_beats() -> None:
    def evaluate(params, since, until):
        """Ends the higher the longer fast is, falls the deeper for it."""
        fall = params["fast"] / 100
        return made([100.0, 100 * (1 - fall), 100.0 + params["fast"] - abs(params["slow"] - 90)], since)

    found = optimise(plan(objective="total_return,max_drawdown", trials=40), source(evaluate))
    pairs = {it.values for it in found.front}
    every = [it.values for it in found.trials if it.state == "complete"]
    beaten = {v for v in every if any(o != v and o[0] >= v[0] and o[1] <= v[1] for o in every)}
    assert pairs == set(every) - beaten
    assert found.best is not None
    assert found.best.values[0] == max(v[0] for v in every)
    with pytest.raises(Problem, match="median compares one goal"):
        optimise(plan(objective="sharpe,max_drawdown", pruner="median"), HillSource())
    with pytest.raises(Problem, match="cmaes searches for one goal"):
        optimise(plan(objective="sharpe,max_drawdown", sampler="cmaes"), HillSource())


def test_the_front_of_equals_holds_them_all() -> None:
    values = [(1, 2), (1, 2), (0, 3)]
    records = [TrialRecord(number=i, params={}, state="complete", values=it) for i, it in enumerate(values)]
    assert front(records, (Goal("a", True), Goal("b", True))) == records
    assert front(records, (Goal("a", True), Goal("b", False))) == records[:2]


def test_what_breaks_a_constraint_is_never_the_best() -> None:
    free = optimise(plan(sampler="random", trials=40), HillSource())
    bound = optimise(plan(sampler="random", trials=40, constraints=("sharpe < 1",)), HillSource())
    assert free.best is not None
    assert bound.best is not None
    assert free.best.values[0] > 1 > bound.best.values[0]
    assert bound.infeasible == sum(it.values[0] >= 1 for it in free.trials) > 0
    nothing = optimise(plan(trials=5, constraints=("trades > 99",)), HillSource())
    assert nothing.best is None
    assert "no_result" in {it.code for it in nothing.warnings}


def test_a_trial_without_a_value_or_with_a_failed_strategy_is_told_and_never_the_best() -> None:
    def evaluate(params, since, until):
        if params["fast"] < 20:
            return made([100.0] * 5, since)
        if params["fast"] < 30:
            return made([100.0, 900.0], since, stopped={"hill": "ZeroDivisionError in on_bar"})
        return hill(params, since, until)

    found = optimise(plan(trials=40), source(evaluate))
    assert found.best is not None
    assert found.best.params["fast"] >= 30
    assert found.stopped == sum(20 <= it.params["fast"] < 30 for it in found.trials) > 0
    assert all(it.values == (None,) for it in found.trials if it.params["fast"] < 20)
    assert any("ZeroDivisionError" in it.text for it in found.warnings)


def test_the_result_is_json_without_nan() -> None:
    told = plain(optimise(plan(trials=12), source(lambda p, s, u: made([100.0] * 9, s))))
    text = json.dumps(told, allow_nan=False)
    assert "returns" not in json.loads(text)["trials"][0]
    assert told["deflated"]["probability"] is None


def test_daily_returns_are_kept_to_the_last_bit() -> None:
    values = (0.1, -1e-300, math.pi, 0.0)
    assert unpacked(packed(values)) == values


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"trials": 0}, "trials"),
        ({"workers": 0}, "workers"),
        ({"workers": 2}, "need a storage they share"),
        ({"since": UNTIL}, "not before until"),
    ],
)
def test_a_plan_that_cannot_be_followed_is_refused(changes, said) -> None:
    with pytest.raises(Problem, match=said):
        optimise(plan(**changes), HillSource())


def test_a_worker_killed_in_mid_trial_loses_no_trial(tmp_path, db) -> None:
    kept = plan(study="s", storage=db, workers=2, trials=12, sampler="random")
    log = tmp_path / "log"
    found = optimise(kept, HillSource(log=str(log), die=str(tmp_path / "died"), pause=0.05))
    assert Path(tmp_path / "died").exists()
    assert found.replaced == 1
    assert (found.complete, found.distinct) == (12, 12)
    runs = Counter(line.partition(" ")[2] for line in log.read_text().splitlines())
    assert sorted(runs.values()) == [1] * 11 + [2]  # the lost trial ran again, with the parameters it had
    assert str(os.getpid()) not in {it.worker.rpartition("-")[2] for it in found.trials}
    alone = optimise(plan(trials=12, sampler="random"), HillSource())
    assert [it.params for it in found.trials] == [it.params for it in alone.trials]


def test_two_workers_on_sqlite_never_take_the_same_trial(db) -> None:
    """Between reading that a trial waits and writing that it runs, another connection must not do the same."""
    kept = plan(study="s", storage=db, trials=30, sampler="random")
    studies = [open_study(kept, (Goal("sharpe", True),)) for _ in range(3)]
    Slots(studies[0], 30).fill()
    taken: list[int] = []

    def take(study) -> None:
        slots = Slots(study, 30)
        while (trial := slots.take()) is not None:
            taken.append(trial.number)

    threads = [threading.Thread(target=take, args=(it,)) for it in studies]
    for it in threads:
        it.start()
    for it in threads:
        it.join()
    assert sorted(taken) == list(range(30))


def test_a_search_of_more_trials_than_wait_at_once_finishes_them_all() -> None:
    count = AHEAD * 2 + 7
    found = optimise(plan(sampler="random", trials=count), source(lambda p, s, u: hill(p, s, s + 8 * DAY)))
    assert [it.number for it in found.trials] == list(range(count))


def test_a_trial_that_raises_is_free_at_once_for_the_next_attempt(db) -> None:
    kept = plan(study="s", storage=db, trials=3, grace_s=3600.0)

    def broken(params, since, until):
        raise Problem(ErrorCode.INVALID_REQUEST, "the data went away")

    with pytest.raises(Problem, match="went away"):
        optimise(kept, source(broken))
    assert optimise(kept, HillSource()).complete == 3


@pytest.mark.parametrize("module", ["optuna", "cmaes"])
def test_what_is_not_installed_is_said_with_the_command(module, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(Problem) as caught:
        optimise(plan(sampler="cmaes"), HillSource())
    assert caught.value.remedy == "pip install 'tradectl[research]'"


class FailingSource(HillSource, frozen=True):
    """Cannot begin."""

    def __call__(self, stop):
        raise Problem(ErrorCode.INVALID_REQUEST, "no candles here", field="data", remedy="import some")


def test_a_workers_problem_is_the_callers_problem(db) -> None:
    kept = plan(study="s", storage=db, workers=1, trials=3)
    slots = Slots(open_study(kept, (Goal("sharpe", True),)), 3)
    with pytest.raises(Problem, match="no candles here") as caught:
        Workers(kept, FailingSource(), 3, []).run(slots, lambda: False, lambda done: None)
    assert caught.value.remedy == "import some"
