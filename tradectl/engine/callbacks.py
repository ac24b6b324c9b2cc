"""Calls a strategy back: what it asked for is carried out after it returned; one that fails is stopped, alone."""

from collections.abc import Callable, Iterable
from typing import Any

from tradectl.engine.callback_guard import CallbackAborted, CallbackGuard
from tradectl.engine.decision_notes import DecisionNotes
from tradectl.engine.intents import Intent
from tradectl.engine.runner import Runner
from tradectl.engine.world import World
from tradectl.model.commands import AlertLevel, Command, StrategyChanged, StrategyStatus

Process = Callable[[Runner, list[Intent]], None]
Stopped = Callable[[Runner], None]


class Callbacks:
    """Runs callbacks one at a time. ``stopped`` is told of each instance that is stopped, after its status changed."""

    def __init__(self, world: World, notes: DecisionNotes, process: Process, stopped: Stopped) -> None:
        self._w = world
        self._notes = notes
        self._process = process
        self._stopped = stopped
        #: Nobody watches in replays, tests and backtests.
        self.guard: CallbackGuard | None = None
        #: Callbacks the record says were aborted: (instance, the how many'th in this step) -> the recorded reason.
        self._doomed: dict[tuple[str, int], str] = {}

    def forewarn(self, recorded: Iterable[Command]) -> None:
        """The next step is a replay, and this is what was decided in it: a callback that was aborted is not run."""
        self._doomed = {
            (c.name, c.aborted_call): c.reason for c in recorded if type(c) is StrategyChanged and c.aborted_call
        }

    def call(self, runner: Runner, callback: Callable[..., None], *args: Any) -> None:
        """One callback and, when it ends well, what it asked for."""
        step = self._w.seq
        runner.calls = number = runner.calls + 1 if runner.step == step else 1
        runner.step = step
        if self._doomed and (runner.name, number) in self._doomed:
            self._stop(runner, self._doomed[runner.name, number], number)
            return
        guard, failure = self.guard, ""
        if guard is not None:
            guard.enter(runner.name)
        try:
            callback(*args)
        except CallbackAborted:
            pass  # the guard knows why
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a user's strategy may raise anything
            failure = f"{type(error).__name__}: {error}"
        aborted = guard.leave() if guard is not None else ""
        if aborted or failure or runner.flood:
            where = callback.__name__
            self._stop(runner, f"{where}: {aborted or failure or runner.flood}", number if aborted else 0)
        elif runner.intents:
            self._carry_out(runner)

    def _carry_out(self, runner: Runner) -> None:
        intents, runner.intents = runner.intents, []
        first = len(self._w.out)
        self._process(runner, intents)
        self._notes.complete(first, runner.inputs)

    def fail(self, runner: Runner, reason: str) -> None:
        """Stop an instance; what it asked for in the running callback is dropped."""
        self._stop(runner, reason, 0)

    def _stop(self, runner: Runner, reason: str, aborted_call: int) -> None:
        w = self._w
        runner.give_up(reason)
        w.emit(StrategyChanged(w.now, runner.name, StrategyStatus.STOPPED, reason, w.cause, aborted_call))
        text = f"strategy {runner.name} was stopped: {reason}"
        w.alert(AlertLevel.CRITICAL, "strategy_stopped", text, "correct it, then: tradectl strategies reload")
        self._stopped(runner)


#: The frame every callback runs in: who interrupts one looks for it.
CALLBACK_FRAME = Callbacks.call.__code__
