"""The life of the strategy instances: started, warmed up, called back, restarted anew; each fails alone."""

from collections.abc import Callable, Mapping
from typing import Any

from tradectl.engine.bar_feed import BarFeed
from tradectl.engine.callbacks import Callbacks, Process
from tradectl.engine.decision_notes import DecisionNotes
from tradectl.engine.following import Following
from tradectl.engine.intent_desk import STRATEGY_TIMER
from tradectl.engine.runner import Runner
from tradectl.engine.runner_state import RunnerState, kept_attributes, restore
from tradectl.engine.strategy import Strategy
from tradectl.engine.universe import Universes
from tradectl.engine.world import OPERATOR, World
from tradectl.model.commands import AlertLevel, StrategyChanged, StrategyStatus
from tradectl.model.events import PredictionMade
from tradectl.model.instruments import InstrumentId
from tradectl.model.market_data import MarketKey

#: Ends what can add risk of an instance, for the reason given.
EndEntries = Callable[[str, str], object]


class StrategyHost:
    """All instances. What they ask for goes to ``process``; one that stops has its entries ended by ``end_entries``."""

    def __init__(
        self, world: World, classes: Mapping[str, type[Strategy]], process: Process, end_entries: EndEntries
    ) -> None:
        self._w = world
        self._end_entries = end_entries
        self.notes = DecisionNotes(world)
        self.universes = Universes(world)
        self.universes.changed = self._universe_changed
        self.runners: dict[str, Runner] = {}
        #: Stopped while the state was brought back, where nothing can be decided: told with the next start.
        self._untold: list[Runner] = []
        for config in world.config.strategies:
            world.number(config.name)
            self.runners[config.name] = Runner(config, classes[config.class_], world, self.universes)
        self.following = Following(world, self.runners)
        self.callbacks = Callbacks(world, self.notes, process, self._has_stopped)
        self.bars = BarFeed(world, self.runners, self.following, self.callbacks)
        self.follow, self.subscribe = self.following.follow, self.following.subscribe
        world.entry_veto = self.entry_veto
        world.hears = self.hears

    # --- life

    def start_all(self) -> None:
        """Start every enabled instance that can, and ask once for the history they need."""
        self._tell_stopped()
        self.universes.ask_missing()
        for runner in self.runners.values():
            if not runner.started and runner.status is StrategyStatus.WARMING and not self.waits_for(runner):
                self._start(runner)
        self.bars.request_history()

    def _tell_stopped(self) -> None:
        untold, self._untold = self._untold, []
        for runner in untold:
            if runner.status is StrategyStatus.STOPPED:
                self.callbacks.fail(runner, runner.reason)

    def waits_for(self, runner: Runner) -> str:
        """The universe without which an instance cannot start, if its members are not known yet."""
        named = runner.universes_named(runner.params)
        return next((name for name in named if not self.universes.is_loaded(name)), "")

    def _start(self, runner: Runner) -> None:
        runner.started = True
        self.callbacks.call(runner, runner.on_start)
        self._check_state(runner)
        if runner.status is StrategyStatus.STOPPED:
            return
        self._publish(runner)
        self.following.enlist(runner)
        self.following.subscribe_for(runner)
        self.bars.settle(runner)

    def resume_all(self) -> None:
        """After a restart: every stream again, and the bars missed meanwhile."""
        self.following.subscribed.clear()
        held = [i for i, _, book in self._w.portfolio.positions() if book.size]
        for instrument in dict.fromkeys([*held, *(o.instrument for o in self._w.open_orders())]):
            self.follow(instrument)
        for runner in self.runners.values():
            if runner.started and runner.status is not StrategyStatus.STOPPED:
                for series in runner.series.values():
                    series.await_history()
                self.following.subscribe_for(runner)
        self.bars.request_history()

    def switch(self, runner: Runner, enabled: bool) -> None:
        """Enable or disable an instance; disabling calls ``on_stop``."""
        if enabled:
            if runner.status in (StrategyStatus.STOPPED, StrategyStatus.DISABLED) and not runner.cls.absent:
                self._enable(runner)
            return
        if runner.started and runner.status is not StrategyStatus.STOPPED:
            self.callbacks.call(runner, runner.strategy.on_stop)
        if runner.status is not StrategyStatus.STOPPED:
            runner.status = StrategyStatus.DISABLED
            self._publish(runner)

    def _enable(self, runner: Runner) -> None:
        """One that failed, or whose universe moved on, begins anew; else it goes on with its warm indicators."""
        anew = runner.status is StrategyStatus.STOPPED or bool(runner.given)
        runner.status, runner.reason = StrategyStatus.WARMING, ""
        if anew:
            self.begin_anew(runner)
            return
        if runner.started:
            self.bars.settle(runner)
        else:
            self._begin(runner)

    def begin_anew(self, runner: Runner) -> None:
        """Forget all but the book: a fresh strategy object from warm-up; one that is disabled stays so."""
        self.following.delist(runner)
        runner.renew()
        self._cancel_timers(runner.name)
        if runner.status is not StrategyStatus.DISABLED:
            runner.status, runner.reason = StrategyStatus.WARMING, ""
            self._begin(runner)

    def _begin(self, runner: Runner) -> None:
        if self._w.instruments and not self.waits_for(runner):
            self._start(runner)
            self.bars.request_history()
        if not runner.started:
            self._publish(runner)

    def _cancel_timers(self, name: str) -> None:
        """Timers of the code that was: what comes after sets its own."""
        for timer in [t for t in self._w.timers if t.startswith(f"{STRATEGY_TIMER}{name}:")]:
            self._w.cancel_timer(timer)

    def stop(self, name: str, why: str) -> None:
        """Stop an instance that is out of control."""
        runner = self.runners.get(name)
        if runner is not None and runner.status is not StrategyStatus.STOPPED:
            self.callbacks.fail(runner, f"its callbacks: RuntimeError: {why}")

    def end(self, name: str, reason: str) -> None:
        """Stop an instance from outside, whatever it is doing."""
        runner = self.runners.get(name)
        if runner is not None and runner.status is not StrategyStatus.STOPPED:
            self.callbacks.fail(runner, reason)

    def _has_stopped(self, runner: Runner) -> None:
        self.following.delist(runner)
        self._end_entries(f"{runner.name} was stopped", runner.name)

    def deliver_stop(self, runner: Runner) -> None:
        """The daemon stops: the last word of an instance."""
        self.callbacks.call(runner, runner.strategy.on_stop)

    def publish_all(self) -> None:
        """State every instance's status anew, for views that begin here."""
        for runner in self.runners.values():
            self._publish(runner)

    def _publish(self, runner: Runner) -> None:
        seq = self._w.cause if runner.status is StrategyStatus.STOPPED else 0
        self._w.emit(StrategyChanged(self._w.now, runner.name, runner.status, runner.reason, seq))

    # --- universes

    def _universe_changed(self, name: str, added: tuple[str, ...], removed: tuple[str, ...]) -> None:
        awake = (StrategyStatus.ACTIVE, StrategyStatus.WARMING)
        for runner in self.runners.values() if added or removed else ():
            if name in runner.given and runner.status in awake:
                self._tell_members(runner, name, added, removed)
        self.start_all()  # those that waited for the first answer

    def _tell_members(self, runner: Runner, name: str, added: tuple[str, ...], removed: tuple[str, ...]) -> None:
        given = runner.given[name]
        given += [symbol for symbol in added if symbol not in given]
        self.callbacks.call(runner, runner.on_universe, added, removed)
        if runner.status is not StrategyStatus.STOPPED:
            self.following.enlist(runner)
            self.following.subscribe_for(runner)

    def entry_veto(self, strategy: str, instrument: InstrumentId) -> str:
        """Why an instance may not enter an instrument: it left the universe it was given from. Else nothing."""
        runner = self.runners.get(strategy)
        if runner is None or not runner.given:
            return ""
        reasons = []
        for name, symbols in runner.given.items():
            if instrument.symbol in symbols:
                reasons.append((name, self.universes.why_out(name, instrument)))
        if not reasons or any(not why for _, why in reasons):
            return ""
        return "; ".join(f"{instrument.symbol} is no member of universe {name}: {why}" for name, why in reasons)

    # --- state

    def restore(self, states: Mapping[str, RunnerState], subscribed: list[MarketKey]) -> None:
        """Bring the instances back; one that is new since then starts from warm-up."""
        self.following.subscribed = dict.fromkeys(subscribed)
        for name, runner in self.runners.items():
            if name in states:
                self._restore(runner, states[name])
                if runner.status is StrategyStatus.STOPPED and states[name].status is not StrategyStatus.STOPPED:
                    self._untold.append(runner)
                if runner.started and runner.status is not StrategyStatus.STOPPED:
                    self.following.enlist(runner)
                elif not runner.started:
                    self._cancel_timers(name)

    @staticmethod
    def _restore(runner: Runner, state: RunnerState) -> None:
        try:
            restore(runner, state)
        except Exception as error:  # noqa: BLE001 - a user's on_start may raise anything; it alone stays down
            runner.give_up(f"on_start after the restart: {type(error).__name__}: {error}")

    def why_idle(self, name: str) -> str:
        """Why nothing may go on in the name of an instance: it is disabled, stopped or gone. Else nothing."""
        runner = self.runners.get(name)
        if runner is None:
            return "" if name == OPERATOR else f"no strategy is named {name}"
        idle = runner.status in (StrategyStatus.DISABLED, StrategyStatus.STOPPED)
        return f"strategy {name} is {runner.status.value}" if idle else ""

    def check_states(self) -> None:
        """Stop every instance whose attributes could not be kept over a restart."""
        for runner in self.runners.values():
            self._check_state(runner)

    def _check_state(self, runner: Runner) -> None:
        if not runner.started or runner.status is StrategyStatus.STOPPED:
            return
        names = list(vars(runner.strategy))
        if names == runner.seen_names:
            return  # nothing of its own, as when it was looked at before
        try:
            kept = kept_attributes(runner)
            runner.seen_names = [] if kept else names
        except Exception as error:  # noqa: BLE001 - a cycle, a number too large: whatever it is, it cannot be kept
            self.callbacks.fail(runner, f"its state: {type(error).__name__}: {error}")

    # --- events for one or some

    def hears(self, name: str, callback: str) -> bool:
        """Whether an instance's class does anything in a callback."""
        runner = self.runners.get(name)
        return runner is not None and callback in runner.heard

    def market(self, kind: str, instrument: InstrumentId, callback: str, event: Any) -> None:
        """A quote, print, book or prediction to the instances that asked for it."""
        for runner in self.following.by_watch.get((kind, instrument), ()):
            if runner.status is StrategyStatus.ACTIVE:
                self.callbacks.call(runner, getattr(runner.strategy, callback), event)

    def prediction(self, event: PredictionMade) -> None:
        """A model's word; one that could not be made is an alert, and no strategy acts on it."""
        if event.error:
            text = f"{event.model} made no prediction of {event.instrument}: {event.error}"
            self._w.alert(AlertLevel.WARNING, "no_prediction", text, "the strategies go on without it")
            return
        self.market("predictions", event.instrument, "on_prediction", event)

    def deliver(self, name: str, callback: str, record: Any) -> None:
        """An order, execution or timer to one instance."""
        runner = self.runners.get(name)
        if runner is not None and runner.started and runner.status in (StrategyStatus.ACTIVE, StrategyStatus.WARMING):
            self.callbacks.call(runner, getattr(runner.strategy, callback), record)
