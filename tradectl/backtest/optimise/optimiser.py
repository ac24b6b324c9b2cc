"""An optimisation from plan to result: opens the study, has its trials worked on, and sums up what they say."""

import time
from collections.abc import Callable

from msgspec.structs import replace

from tradectl.backtest.optimise.findings import findings
from tradectl.backtest.optimise.objectives import Judge
from tradectl.backtest.optimise.parallel import Workers
from tradectl.backtest.optimise.plan import Plan, Source, Stop
from tradectl.backtest.optimise.result import OptimisationResult
from tradectl.backtest.optimise.slots import Slots
from tradectl.backtest.optimise.study import agreed_trials, open_study
from tradectl.backtest.optimise.worker import Worker
from tradectl.model.errors import ErrorCode, Problem

#: How many trials are finished, and how many there are to be.
Told = Callable[[int, int], None]


def optimise(
    plan: Plan, source: Source, *, join: bool = False, stop: Stop = lambda: False,
    told: Told = lambda done, count: None,
) -> OptimisationResult:  # fmt: skip
    """Search until ``plan.trials`` are finished, or go on with the study where it stands; ``join`` only helps with it.

    With one worker in this process, else in processes of their own, which need a storage they share. A stopped search
    gives what there is. Raises ``Problem``.
    """
    begun = time.monotonic()
    judge = Judge.of(plan)
    wanted = plan.space.grid() if plan.sampler == "grid" else []
    if wanted:
        plan = replace(plan, trials=len(wanted))
    _must_fit(plan)
    study = open_study(plan, judge.goals, join)
    plan = replace(plan, study=study.study_name)
    count = agreed_trials(study, 0 if join else plan.trials)
    slots = Slots(study, count, wanted)
    replaced = 0
    if plan.workers == 1:
        Worker(plan, study, slots, judge, stop).work(source, count, lambda done: told(done, count))
    else:
        replaced = _by_processes(Workers(plan, source, count, wanted), slots, stop, lambda done: told(done, count))
    done = len(slots.finished())
    return findings(
        plan, judge.goals, study, slots, count,
        replaced=replaced, interrupted=done < count, wall_seconds=time.monotonic() - begun,
    )  # fmt: skip


def _by_processes(workers: Workers, slots: Slots, stop: Stop, told: Callable[[int], None]) -> int:
    slots.fill()
    workers.run(slots, stop, told)
    return workers.replaced


def _must_fit(plan: Plan) -> None:
    if plan.trials < 1:
        raise _wrong("trials", "is not above 0", "ask for at least one")
    if plan.workers < 1:
        raise _wrong("workers", "is not above 0", "ask for at least one")
    if plan.workers > 1 and not plan.storage:
        raise _wrong("workers", "need a storage they share", "give --study NAME or --storage URL")
    if plan.since >= plan.until:
        raise _wrong("since", "is not before until", "give a span with at least one candle")


def _wrong(field: str, rule: str, remedy: str) -> Problem:
    return Problem(ErrorCode.INVALID_REQUEST, f"{field} {rule}", field=field, reason=rule, remedy=remedy)
