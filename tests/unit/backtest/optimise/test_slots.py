"""No slot stays empty, none is counted twice, whoever dies between which two steps."""

import random

import optuna
import pytest

from tradectl.backtest.optimise.slots import BEAT, SLOT, TWIN, WHY, Slots, Watch

RUNNING, WAITING, COMPLETE = (optuna.trial.TrialState[it] for it in ("RUNNING", "WAITING", "COMPLETE"))


@pytest.fixture
def study():
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))


def by_slot(study, state) -> list[int]:
    return sorted(it.user_attrs[SLOT] for it in study.get_trials(deepcopy=False) if it.state == state)


def test_filling_fills_every_empty_slot_once(study) -> None:
    slots = Slots(study, 3)
    assert (slots.fill(), slots.fill()) == (3, 0)
    assert by_slot(study, WAITING) == [0, 1, 2]


def test_a_lost_trial_is_tried_again_with_the_parameters_it_had(study) -> None:
    slots = Slots(study, 2)
    slots.fill()
    trial = slots.take()
    value = trial.suggest_int("fast", 2, 50)
    slots.release(trial.number)
    assert slots.fill() == 1
    taken = [slots.take(), slots.take()]
    again = next(it for it in taken if it.user_attrs[SLOT] == trial.user_attrs[SLOT])
    assert again.suggest_int("fast", 2, 50) == value
    assert slots.take() is None


def test_parameters_given_survive_a_death_before_they_were_read(study) -> None:
    slots = Slots(study, 1, [{"fast": 7}])
    slots.fill()
    for _ in range(2):
        trial = slots.take()
        slots.release(trial.number)
        slots.fill()
    assert slots.take().suggest_int("fast", 2, 50) == 7


def test_of_twins_the_first_runs_and_the_other_is_dropped(study) -> None:
    slots = Slots(study, 1)
    slots.fill()
    slots.put(0, {})  # as if another had filled it in the same moment
    first = slots.take()
    assert slots.take() is None
    study.tell(first, 1.0)
    assert [it.user_attrs.get(WHY) for it in study.get_trials()] == [None, TWIN]
    assert slots.fill() == 0
    assert list(slots.finished()) == [0]


def test_a_trial_optuna_made_by_itself_is_not_counted(study, monkeypatch) -> None:
    slots = Slots(study, 1)
    slots.fill()
    ask = study.ask

    def raced():
        monkeypatch.setattr(study, "ask", ask)
        ask()  # another worker takes the only one just before us
        return ask()

    monkeypatch.setattr(study, "ask", raced)
    assert slots.take() is None
    assert by_slot(study, RUNNING) == [0]
    assert slots.fill() == 0


def test_releasing_what_has_ended_changes_nothing(study) -> None:
    slots = Slots(study, 1)
    slots.fill()
    trial = slots.take()
    study.tell(trial, 2.0)
    slots.release(trial.number)
    assert by_slot(study, COMPLETE) == [0]


@pytest.mark.parametrize("seed", range(15))
def test_whatever_happens_every_slot_ends_with_one_finished_trial(study, seed) -> None:
    """Workers take, finish, die, are taken for dead and speak up nevertheless; fillings collide."""
    rng, slots, held = random.Random(seed), Slots(study, 12), []
    for _ in range(400):
        act = rng.choice(["fill", "take", "finish", "die", "twin", "late"])
        if act == "fill":
            slots.fill()
        elif act == "take" and (trial := slots.take()) is not None:
            held.append(trial)
        elif act == "twin" and study.trials:
            slots.put(rng.randrange(12), {})
        elif act in ("finish", "late") and held:
            trial = held.pop(rng.randrange(len(held)))
            if act == "late":
                slots.release(trial.number)  # taken for dead
            if slots.is_running(trial.number):
                study.tell(trial, 1.0)
        elif act == "die" and held:
            slots.release(held.pop().number)
    for trial in held:
        slots.release(trial.number)
    slots.fill()
    while (trial := slots.take()) is not None:
        study.tell(trial, 1.0)
        slots.fill()
    assert by_slot(study, COMPLETE) == list(range(12))
    assert sorted(slots.finished()) == list(range(12))


def test_a_silent_worker_is_noticed_by_the_watchers_own_clock(study) -> None:
    slots, watch = Slots(study, 2), Watch(10.0)
    slots.fill()
    alive, dead = slots.take(), slots.take()
    for at in range(0, 10, 3):
        alive.set_user_attr(BEAT, at)
        assert watch.silent(slots.running(), float(at)) == []
    alive.set_user_attr(BEAT, 100)
    assert watch.silent(slots.running(), 10.5) == [dead.number]
    assert watch.silent(slots.running(), 20.0) == [dead.number]
    assert sorted(watch.silent(slots.running(), 21.0)) == sorted([alive.number, dead.number])
