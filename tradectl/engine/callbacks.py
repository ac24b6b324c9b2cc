"""Calls a strategy back: what it asked for is carried out after it returned; one that fails is stopped, alone."""

from collections.abc import Callable, Iterable
from typing import Any

from tradectl.engine.callback_guard import CallbackAborted, CallbackGuard
from tradectl.engine.decision_notes import DecisionNotes
from tradectl.engine.failure import failure_of
from tradectl.engine.intents import Intent
from tradectl.engine.runner import Runner
from tradectl.engine.world import World
from tradectl.model.commands import AlertLevel, Command, StrategyChanged, StrategyStatus
from tradectl.model.market_data import Bar

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
        if self._doomed or self.guard is not None:
            if self._watched(runner, callback, args):
                return
        else:
            try:
                callback(*args)
            except (Exception, SystemExit) as error:  # noqa: BLE001 - a user's strategy may raise anything
                self.fail(runner, failure_of(callback, error))
                return
        if runner.flood:
            self.fail(runner, f"{callback.__name__}: {runner.flood}")
        elif runner.intents:
            self._carry_out(runner)

    def on_bar(self, runner: Runner, bar: Bar) -> None:
        """:meth:`call` of the callback that is called most."""
        if self._doomed or self.guard is not None:
            self.call(runner, runner.strategy.on_bar, bar)
            return
        failure = None
        try:
            runner.strategy.on_bar(bar)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a user's strategy may raise anything
            failure = error
        if runner.intents or failure is not None or runner.flood:
            self.heard(runner, failure)

    @property
    def is_watched(self) -> bool:
        """Whether each callback must be run by :meth:`call`."""
        return bool(self._doomed) or self.guard is not None

    def heard(self, runner: Runner, failure: BaseException | None) -> None:
        """What comes of an ``on_bar`` that failed or asked for something."""
        if failure is not None:
            self.fail(runner, failure_of(runner.strategy.on_bar, failure))
        elif runner.flood:
            self.fail(runner, f"on_bar: {runner.flood}")
        else:
            self._carry_out(runner)

    def _watched(self, runner: Runner, callback: Callable[..., None], args: tuple[Any, ...]) -> bool:
        """A callback that the guard watches, or the record says was aborted; whether that stopped the instance."""
        number = runner.count_call(self._w.seq)
        doom = self._doomed.get((runner.name, number), "")
        if doom:
            self._stop(runner, doom, number)
            return True
        failure = self._run(runner, callback, args)
        aborted = self.guard.leave() if self.guard is not None else ""
        if aborted:
            self._stop(runner, f"{callback.__name__}: {aborted}", number)
        elif failure:
            self.fail(runner, failure)
        return bool(aborted or failure)

    def _run(self, runner: Runner, callback: Callable[..., None], args: tuple[Any, ...]) -> str:
        """Returns how it failed, in words."""
        if self.guard is not None:
            self.guard.enter(runner.name)
        try:
            callback(*args)
        except CallbackAborted:
            return ""  # the guard knows why
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a user's strategy may raise anything
            return failure_of(callback, error)
        return ""

    def _carry_out(self, runner: Runner) -> None:
        intents, runner.intents = runner.intents, []
        first = len(self._w.out)
        self._process(runner, intents)
        if self._w.audience.decisions:
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


#: The frame every watched callback runs in: who interrupts one looks for it.
CALLBACK_FRAME = Callbacks._run.__code__
