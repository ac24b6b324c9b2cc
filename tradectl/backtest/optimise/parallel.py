"""Worker processes of this machine: spawned, niced, started again when one dies, ended together."""

import contextlib
import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from typing import Any

from tradectl.backtest.optimise.objectives import Judge
from tradectl.backtest.optimise.plan import Plan, Source
from tradectl.backtest.optimise.slots import WORKER, Slots
from tradectl.backtest.optimise.study import open_study
from tradectl.backtest.optimise.worker import Worker, worker_id
from tradectl.model.errors import ErrorCode, Problem

#: How often a worker that died is replaced before the study is left to a person.
REPLACEMENTS = 5
#: How long workers may take to leave off when asked, in seconds, before they are killed.
LEAVE_S = 10.0
WATCH_S = 0.3


class Workers:
    """``plan.workers`` processes on one study in a storage they share."""

    def __init__(self, plan: Plan, source: Source, count: int, wanted: Any) -> None:
        self._plan, self._source, self._count, self._wanted = plan, source, count, wanted
        self._context = multiprocessing.get_context("spawn")
        self._leave = self._context.Event()
        self._said: Any = self._context.SimpleQueue()
        self._running: list[Any] = []
        self.replaced = 0

    def run(self, slots: Slots, stop: Callable[[], bool], told: Callable[[int], None]) -> None:
        """Until every trial is finished or ``stop`` says so. Raises ``Problem`` when workers keep failing."""
        self._running = [self._started() for _ in range(self._plan.workers)]
        try:
            while self._running and not stop():
                time.sleep(WATCH_S)
                self._look(slots)
                told(len(slots.finished()))
        finally:
            self._end()

    @property
    def pids(self) -> list[int]:
        """The processes that work now."""
        return [it.pid for it in self._running]

    def _started(self) -> Any:
        arguments = (self._plan, self._source, self._count, self._wanted, self._leave, self._said)
        process = self._context.Process(target=_main, args=arguments, daemon=True)
        process.start()
        return process

    def _look(self, slots: Slots) -> None:
        for process in [it for it in self._running if not it.is_alive()]:
            self._running.remove(process)
            if process.exitcode:
                self._died(process, slots)

    def _died(self, process: Any, slots: Slots) -> None:
        """Give its trial to others at once and start another in its place."""
        if not self._said.empty():
            raise _problem(self._said.get())
        lost = [it.number for it in slots.running() if it.user_attrs.get(WORKER) == worker_id(process.pid)]
        for number in lost:
            slots.release(number)
        slots.fill()
        self.replaced += 1
        if self.replaced > REPLACEMENTS:
            raise Problem(
                ErrorCode.INTERNAL, f"workers died {self.replaced} times, the last with exit code {process.exitcode}",
                field="workers", remedy="look for a lack of memory; the study goes on where it stood",
            )  # fmt: skip
        self._running.append(self._started())

    def _end(self) -> None:
        self._leave.set()
        until = time.monotonic() + LEAVE_S
        for process in self._running:
            process.join(max(until - time.monotonic(), 0.0))
            if process.is_alive():
                process.kill()
                process.join()


def _main(plan: Plan, source: Source, count: int, wanted: Any, leave: Any, said: Any) -> None:
    """A worker process: the parent alone listens to Ctrl-C and tells when to leave."""
    from tradectl.model.money import use_exact_context

    use_exact_context()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(OSError):
        os.nice(plan.nice)
    try:
        judge = Judge.of(plan)
        study = open_study(plan, judge.goals, join=True)
        parent = os.getppid()
        stop = lambda: leave.is_set() or os.getppid() != parent  # noqa: E731 - nobody left to work for
        Worker(plan, study, Slots(study, count, wanted), judge, stop).work(source, count)
    except Problem as problem:
        said.put(_plain(problem))
        raise SystemExit(1) from None


def _plain(problem: Problem) -> dict[str, str]:
    return {
        "code": problem.code.value, "message": problem.message, "field": problem.field, "reason": problem.reason,
        "remedy": problem.remedy,
    }  # fmt: skip


def _problem(told: dict[str, str]) -> Problem:
    code = ErrorCode(told.pop("code"))
    return Problem(code, told.pop("message"), **told)
