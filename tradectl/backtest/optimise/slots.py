"""The bookkeeping that loses no trial and runs none too many, whoever dies when, on any of Optuna's storages.

A study of N trials has N numbered slots. Every slot is to have one trial that waits, runs or is finished;
:meth:`Slots.fill` makes those that are missing. A worker says by a counter (*beat*) that it lives; whoever sees a
running trial's beat stand still for the grace time, by his own clock alone, gives it up, and its slot is filled again
with the same parameters. Two who fill the same slot at once make twins: of twins the one with the lower number runs.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tradectl.backtest.optimise.sampling import optuna_module
from tradectl.backtest.optimise.search_space import Params

if TYPE_CHECKING:
    import optuna

#: So many trials wait at most: what waits is read from the storage again and again.
AHEAD = 100
SLOT, BEAT, WORKER, WHY, WANTED = "slot", "beat", "worker", "why", "wanted"
#: Why a trial does not count: its parameters break a rule; another has its slot; nobody had asked for it.
UNFIT, TWIN, SURPLUS = "unfit", "twin", "surplus"


class Slots:
    """The slots 0 to ``count`` - 1 of a study; ``wanted`` holds each one's parameters where they are given (a grid)."""

    def __init__(self, study: "optuna.Study", count: int, wanted: Sequence[Params] = ()) -> None:
        self._study, self._count, self._wanted = study, count, wanted
        self._states = optuna_module().trial.TrialState

    def fill(self) -> int:
        """Put a waiting trial into every slot that has none, :data:`AHEAD` waiting at most; how many were put."""
        trials = self._trials()
        room = AHEAD - sum(it.state == self._states.WAITING for it in trials)
        alive = {it.user_attrs[SLOT] for it in trials if it.state != self._states.FAIL}
        last = {it.user_attrs[SLOT]: it for it in trials}
        missing = [slot for slot in range(self._count) if slot not in alive][: max(room, 0)]
        for slot in missing:
            self.put(slot, self._again(slot, last.get(slot)))
        return len(missing)

    def put(self, slot: int, params: Params) -> None:
        """A waiting trial for ``slot``; parameters that are not given are left to the sampler."""
        self._study.enqueue_trial(params, user_attrs={SLOT: slot, WANTED: params})

    def take(self) -> "optuna.Trial | None":
        """The next waiting trial, now running; ``None`` when none waits."""
        while self._study.get_trials(deepcopy=False, states=(self._states.WAITING,)):
            trial = self._study.ask()
            slot = trial.user_attrs.get(SLOT)
            if slot is None:  # another took the last one in between: Optuna made a new trial
                self.give_up(trial, SURPLUS)
            elif self._has_twin(slot, trial.number):
                self.give_up(trial, TWIN)
            else:
                return trial
        return None

    def give_up(self, trial: "optuna.Trial", why: str) -> None:
        """End a trial of one's own that is not to count."""
        trial.set_user_attr(WHY, why)
        self._failed(trial)

    def release(self, number: int) -> None:
        """End a trial whose worker is gone: :meth:`fill` gives its slot to others. One that has ended stays so."""
        self._failed(number)

    def _failed(self, trial: "optuna.Trial | int") -> None:
        try:
            self._study.tell(trial, state=self._states.FAIL, skip_if_finished=True)
        except (RuntimeError, ValueError):  # it ended between the look and the word
            if self.is_running(trial if isinstance(trial, int) else trial.number):
                raise

    def is_running(self, number: int) -> bool:
        """Whether the trial has not ended."""
        return any(it.number == number for it in self.running())

    def running(self) -> "list[optuna.trial.FrozenTrial]":
        """What is being worked on, by whomever."""
        return [it for it in self._trials() if it.state == self._states.RUNNING]

    def finished(self) -> "dict[int, optuna.trial.FrozenTrial]":
        """The finished trial of each slot that has one."""
        ended = (self._states.COMPLETE, self._states.PRUNED)
        found: dict[int, Any] = {}
        for it in self._trials():
            if it.state in ended:
                found.setdefault(it.user_attrs[SLOT], it)
        return found

    def _trials(self) -> "list[optuna.trial.FrozenTrial]":
        found = self._study.get_trials(deepcopy=False)
        return [it for it in found if it.user_attrs.get(SLOT, self._count) < self._count]

    def _again(self, slot: int, failed: "optuna.trial.FrozenTrial | None") -> Params:
        given = self._wanted[slot] if self._wanted else {}
        if failed is None or failed.user_attrs.get(WHY) == UNFIT:
            return given
        return {**given, **failed.user_attrs.get(WANTED, {}), **failed.params}

    def _has_twin(self, slot: int, number: int) -> bool:
        return any(
            it.user_attrs[SLOT] == slot and it.number < number and it.state != self._states.FAIL
            for it in self._trials()
        )


class Watch:
    """Notices trials whose worker has fallen silent, by the watcher's own clock: clocks need not agree."""

    def __init__(self, grace_s: float) -> None:
        self._grace = grace_s
        self._heard: dict[int, tuple[Any, float]] = {}

    def silent(self, running: "Sequence[optuna.trial.FrozenTrial]", now: float) -> list[int]:
        """Numbers of the trials whose beat has not changed for the grace time (seconds) before ``now``."""
        before, self._heard = self._heard, {}
        for trial in running:
            beat = trial.user_attrs.get(BEAT)
            known = before.get(trial.number)
            self._heard[trial.number] = known if known is not None and known[0] == beat else (beat, now)
        return [number for number, (_, since) in self._heard.items() if now - since > self._grace]
