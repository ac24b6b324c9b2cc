"""A worker: takes a study's trials one by one until every slot is finished, and gives up those of the dead."""

import os
import socket
import threading
import time
from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING

from tradectl.backtest.optimise.objectives import Judge
from tradectl.backtest.optimise.plan import Plan, Source
from tradectl.backtest.optimise.sampling import optuna_module, sampler, suggest
from tradectl.backtest.optimise.search_space import Params
from tradectl.backtest.optimise.slots import BEAT, SLOT, UNFIT, WORKER, Slots, Watch
from tradectl.backtest.optimise.trial_run import Abandoned, Pruned, TrialRun

if TYPE_CHECKING:
    import optuna


def worker_id(pid: int | None = None) -> str:
    """Host and process: who works on a trial."""
    return f"{socket.gethostname()}-{os.getpid() if pid is None else pid}"


class Beat:
    """While it is entered, a thread counts up in the trial: the worker lives. ``lost`` once others ended the trial."""

    def __init__(self, study: "optuna.Study", trial: "optuna.Trial", plan: Plan) -> None:
        self._trial = optuna_module().trial.Trial(study, trial._trial_id)  # one of its own: trials are not shared
        self._every, self._most = plan.grace_s / 4, plan.longest_trial_s
        self._end, self._lost = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True)

    def lost(self) -> bool:
        return self._lost.is_set()

    def __enter__(self) -> "Beat":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def _beat(self) -> None:
        begun, count = time.monotonic(), 0
        while not self._end.wait(self._every) and time.monotonic() - begun < self._most:
            count += 1
            try:
                self._trial.set_user_attr(BEAT, count)
            except RuntimeError:  # Optuna's word for: it has ended
                self._lost.set()
                return
            except Exception:  # noqa: BLE001 - a database that is away for a moment: the next beat says it again
                continue


class Worker:
    """Works on one study. ``stop`` is asked between and (by the evaluation) inside trials."""

    def __init__(self, plan: Plan, study: "optuna.Study", slots: Slots, judge: Judge, stop: Callable[[], bool]) -> None:
        self._plan, self._study, self._slots, self._judge, self._stop = plan, study, slots, judge, stop
        self._watch = Watch(plan.grace_s)
        self._current: Beat | None = None

    def work(self, source: Source, count: int, told: Callable[[int], None] = lambda done: None) -> None:
        """Until all ``count`` trials are finished, by whomever. ``told`` hears how many are."""
        run = TrialRun(self._plan, self._judge, source(self._ended), self._ended)
        self._slots.fill()
        while not self._stop():
            trial = self._slots.take()
            if trial is not None:
                self._tried(trial, run)
                told(len(self._slots.finished()))
            elif self._refilled():
                continue
            elif len(self._slots.finished()) >= count:
                return
            else:
                time.sleep(self._plan.poll_s)

    def _ended(self) -> bool:
        return self._stop() or (self._current is not None and self._current.lost())

    def _refilled(self) -> bool:
        """Put back what the dead left behind, and more of what is still to do; whether there was any."""
        for number in self._watch.silent(self._slots.running(), time.monotonic()):
            self._slots.release(number)
        return self._slots.fill() > 0

    def _tried(self, trial: "optuna.Trial", run: TrialRun) -> None:
        slot = trial.user_attrs[SLOT]
        trial.set_user_attr(WORKER, worker_id())
        self._study.sampler = sampler(self._plan, slot, len(self._judge.goals))
        params = suggest(trial, self._plan.space.dimensions)
        if not self._plan.space.allowed(params):
            self._redrawn(trial, slot)
            return
        with Beat(self._study, trial, self._plan) as self._current:
            self._told(trial, params, run)
        self._current = None

    def _redrawn(self, trial: "optuna.Trial", slot: int) -> None:
        """A proposal that breaks a rule costs no trial: its slot gets parameters by chance that keep them."""
        drawn: Params = self._plan.space.draw(Random(f"{self._plan.seed}:{slot}"))
        self._slots.give_up(trial, UNFIT)
        self._slots.put(slot, drawn)

    def _told(self, trial: "optuna.Trial", params: Params, run: TrialRun) -> None:
        states = optuna_module().trial.TrialState
        try:
            values = run.run(trial, params, self._slots.finished())
            self._study.tell(trial, values)
        except Pruned:
            self._study.tell(trial, state=states.PRUNED)
        except Abandoned:
            self._slots.release(trial.number)
        except RuntimeError:
            # others took the trial for dead and ended it: their verdict counts, this one is dropped
            if self._slots.is_running(trial.number):
                self._slots.release(trial.number)
                raise
        except BaseException:  # it cannot be judged here: nobody has to wait for this worker's silence
            self._slots.release(trial.number)
            raise
