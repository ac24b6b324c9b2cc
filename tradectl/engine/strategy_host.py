"""Runs the strategy instances: starts, warms up and calls them back, and stops one that fails, and only that one."""

from collections.abc import Callable, Mapping
from typing import Any

from tradectl.engine.bar_series import BarSeries, Phase
from tradectl.engine.intents import Intent
from tradectl.engine.runner import Runner, RunnerState, SeriesKey
from tradectl.engine.strategy import Strategy
from tradectl.engine.world import World
from tradectl.model.commands import AlertLevel, RequestBars, StrategyChanged, StrategyStatus, Subscribe
from tradectl.model.events import BarClosed, BarsLoaded
from tradectl.model.instruments import InstrumentId
from tradectl.model.market_data import Bar, MarketKey

Process = Callable[[Runner, list[Intent]], None]


class StrategyHost:
    """Calls the instances back; what they ask for is handed to ``process`` after each callback."""

    def __init__(self, world: World, classes: Mapping[str, type[Strategy]], process: Process) -> None:
        self._w = world
        self._process = process
        self.runners: dict[str, Runner] = {}
        self._by_bars: dict[SeriesKey, list[Runner]] = {}
        self._by_watch: dict[tuple[str, InstrumentId], list[Runner]] = {}
        self._subscribed: dict[MarketKey, None] = {}
        for config in world.config.strategies:
            world.number(config.name)
            self.runners[config.name] = Runner(config, classes[config.class_], world)

    # --- life

    def start_all(self) -> None:
        """Start every enabled instance that has not started, and ask once for the history they need."""
        for runner in self.runners.values():
            if not runner.started and runner.status is StrategyStatus.WARMING:
                self._start(runner)
        self._request_history()

    def _start(self, runner: Runner) -> None:
        runner.started = True
        self._call(runner, runner.on_start)
        self._check_state(runner)
        if runner.status is StrategyStatus.STOPPED:
            return
        self._publish(runner)
        self._index(runner)
        self._settle(runner)

    def _index(self, runner: Runner) -> None:
        self._enlist(runner)
        self._subscribe_for(runner)

    def _enlist(self, runner: Runner) -> None:
        """Into the lists of who follows what, in the order of the configuration whenever it was started."""
        for key in runner.series:
            self._by_bars[key] = self._ordered([*self._by_bars.get(key, ()), runner])
        for watch in runner.watches:
            if watch.kind != "bars":
                of = (watch.kind, watch.instrument)
                self._by_watch[of] = self._ordered([*self._by_watch.get(of, ()), runner])

    def _ordered(self, followers: list[Runner]) -> list[Runner]:
        return [r for r in self.runners.values() if r in followers]

    def _delist(self, runner: Runner) -> None:
        for key in runner.series:
            self._by_bars[key] = [r for r in self._by_bars.get(key, ()) if r is not runner]
        for of, followers in self._by_watch.items():
            self._by_watch[of] = [r for r in followers if r is not runner]

    def _subscribe_for(self, runner: Runner) -> None:
        """What it asked for, and what the risk manager needs to judge its orders."""
        for watch in runner.watches:
            self.subscribe(watch)
        for instrument in runner.symbols():
            self.follow(instrument)

    def follow(self, instrument: InstrumentId) -> None:
        """Ask for an instrument's prices: of what a strategy or a person trades, and of what is held."""
        self.subscribe(MarketKey("ticker", instrument))
        self.subscribe(MarketKey("quotes", instrument))

    def subscribe(self, key: MarketKey) -> None:
        """Ask for a stream, once."""
        if key not in self._subscribed:
            self._subscribed[key] = None
            self._w.emit(Subscribe(key))

    def resume_all(self) -> None:
        """After a restart: every stream again, and the bars missed meanwhile."""
        self._subscribed.clear()
        held = [i for i, net in self._w.portfolio.state.nets.items() if net.size]
        for instrument in dict.fromkeys([*held, *(o.instrument for o in self._w.open_orders())]):
            self.follow(instrument)
        for runner in self.runners.values():
            if runner.started and runner.status is not StrategyStatus.STOPPED:
                for series in runner.series.values():
                    series.await_history()
                self._subscribe_for(runner)
        self._request_history()

    def _request_history(self) -> None:
        waiting: dict[SeriesKey, list[BarSeries]] = {}
        for runner in self.runners.values():
            for key, series in runner.series.items():
                if runner.status is not StrategyStatus.STOPPED and series.phase is not Phase.LIVE:
                    waiting.setdefault(key, []).append(series)
        for (instrument, interval), all_series in waiting.items():
            if all(s.asked for s in all_series):
                continue
            count = max(s.lookback for s in all_series) + 1
            on_their_way = max(s.asked for s in all_series) + 1
            for series in all_series:
                series.asked = on_their_way  # each answer is everybody's, whoever asked
            self._w.emit(RequestBars(instrument, interval, count, self._since(all_series, count)))

    def _since(self, waiting: list[BarSeries], count: int) -> int:
        """From where one answer serves all: those that catch up and, among them, those that begin."""
        since = min((s.next_open() for s in waiting if s.next_open()), default=0)
        if since and any(s.phase is Phase.WARMING for s in waiting):
            since = min(since, self._w.now - (count + 1) * waiting[0].length)
        return since

    def switch(self, runner: Runner, enabled: bool) -> None:
        """Enable or disable an instance; disabling calls ``on_stop``."""
        if enabled:
            if runner.status in (StrategyStatus.STOPPED, StrategyStatus.DISABLED):
                self._enable(runner)
            return
        if runner.started and runner.status is not StrategyStatus.STOPPED:
            self._call(runner, runner.strategy.on_stop)
        if runner.status is not StrategyStatus.STOPPED:
            runner.status = StrategyStatus.DISABLED
            self._publish(runner)

    def _enable(self, runner: Runner) -> None:
        """One that failed begins anew, from warm-up; one that was disabled goes on with its warm indicators."""
        if runner.status is StrategyStatus.STOPPED:
            self._delist(runner)
            runner.renew()
        runner.status, runner.reason = StrategyStatus.WARMING, ""
        if runner.started:
            self._settle(runner)
        elif self._w.instruments:
            self._start(runner)
            self._request_history()

    def deliver_stop(self, runner: Runner) -> None:
        """The daemon stops: the last word of an instance."""
        self._call(runner, runner.strategy.on_stop)

    def subscribed_keys(self) -> list[MarketKey]:
        """The streams that were asked for."""
        return list(self._subscribed)

    def publish_all(self) -> None:
        """State every instance's status anew, for views that begin here."""
        for runner in self.runners.values():
            self._publish(runner)

    def restore(self, states: Mapping[str, RunnerState], subscribed: list[MarketKey]) -> None:
        """Bring the instances back; one that is new since then starts from warm-up."""
        self._subscribed = dict.fromkeys(subscribed)
        for name, runner in self.runners.items():
            if name in states:
                self._restore(runner, states[name])
                if runner.started and runner.status is not StrategyStatus.STOPPED:
                    self._enlist(runner)

    @staticmethod
    def _restore(runner: Runner, state: RunnerState) -> None:
        try:
            runner.restore(state)
        except Exception as error:  # noqa: BLE001 - a user's on_start may raise anything; it alone stays down
            runner.status = StrategyStatus.STOPPED
            runner.reason = f"on_start after the restart: {type(error).__name__}: {error}"

    def check_states(self) -> None:
        """Stop every instance whose attributes could not be kept over a restart."""
        for runner in self.runners.values():
            self._check_state(runner)

    def _check_state(self, runner: Runner) -> None:
        if not runner.started or runner.status is StrategyStatus.STOPPED:
            return
        try:
            runner.attributes()
        except Exception as error:  # noqa: BLE001 - a cycle, a number too large: whatever it is, it cannot be kept
            self._fail(runner, "its state", error)

    def _settle(self, runner: Runner) -> None:
        live = all(s.phase is not Phase.WARMING for s in runner.series.values())
        if runner.status is StrategyStatus.WARMING and live:
            runner.status = StrategyStatus.ACTIVE
            self._publish(runner)

    def _publish(self, runner: Runner) -> None:
        seq = self._w.cause if runner.status is StrategyStatus.STOPPED else 0
        self._w.emit(StrategyChanged(self._w.now, runner.name, runner.status, runner.reason, seq))

    # --- market data

    def bar_closed(self, event: BarClosed) -> None:
        """A live bar: to every instance that follows it, or into the waiting line of one that loads history."""
        asked: set[int] = set()
        key, bar = (event.instrument, event.interval), event.bar
        for runner in self._by_bars.get(key, ()):
            series = runner.series[key]
            if series.follows(bar):
                self._deliver_bar(runner, series, bar)
                continue
            bars = series.live(bar)
            if bars is not None:
                self._deliver_bars(runner, series, bars)
                continue
            series.asked += 1
            if series.next_open() not in asked:
                asked.add(series.next_open())
                self._w.emit(RequestBars(event.instrument, event.interval, 0, series.next_open()))

    def bars_loaded(self, event: BarsLoaded) -> None:
        """History for every instance that waits for it; without any the series warms up live."""
        if event.error:
            text = f"no history of {event.instrument} {event.interval}: {event.error}"
            self._w.alert(AlertLevel.WARNING, "no_history", text, "the strategy warms up on live bars")
        for runner in self._by_bars.get((event.instrument, event.interval), ()):
            series = runner.series[(event.instrument, event.interval)]
            series.asked = max(series.asked - 1, 0)
            if series.phase is not Phase.LIVE and (series.reaches_back(event.bars) or not series.asked):
                bars = series.loaded(event.bars)
                self._settle(runner)
                self._deliver_bars(runner, series, bars)

    def catch_up(self) -> None:
        """A public stream came back: load what closed meanwhile."""
        for runner in self.runners.values():
            for series in runner.series.values():
                if runner.status is not StrategyStatus.STOPPED and series.phase is Phase.LIVE and series.next_open():
                    series.await_history()
        self._request_history()

    def _deliver_bars(self, runner: Runner, series: BarSeries, bars: list[Bar]) -> None:
        for bar in bars:
            self._deliver_bar(runner, series, bar)

    def _deliver_bar(self, runner: Runner, series: BarSeries, bar: Bar) -> None:
        if series.consume(bar) and runner.status is StrategyStatus.ACTIVE:
            runner.late = bar.late
            self._call(runner, runner.strategy.on_bar, bar)
            runner.late = False

    def market(self, kind: str, instrument: InstrumentId, callback: str, event: Any) -> None:
        """A quote, print or book to the instances that asked for it."""
        for runner in self._by_watch.get((kind, instrument), ()):
            if runner.status is StrategyStatus.ACTIVE:
                self._call(runner, getattr(runner.strategy, callback), event)

    # --- callbacks

    def deliver(self, name: str, callback: str, record: Any) -> None:
        """An order, execution or timer to one instance."""
        runner = self.runners.get(name)
        if runner is not None and runner.started and runner.status in (StrategyStatus.ACTIVE, StrategyStatus.WARMING):
            self._call(runner, getattr(runner.strategy, callback), record)

    def _call(self, runner: Runner, callback: Callable[..., None], *args: Any) -> None:
        try:
            callback(*args)
        except Exception as error:  # noqa: BLE001 - a user's strategy may raise anything; it alone is stopped
            self._fail(runner, callback.__name__, error)
            return
        if runner.intents:
            intents, runner.intents = runner.intents, []
            self._process(runner, intents)

    def stop(self, name: str, why: str) -> None:
        """Stop an instance that is out of control."""
        runner = self.runners.get(name)
        if runner is not None and runner.status is not StrategyStatus.STOPPED:
            self._fail(runner, "its callbacks", RuntimeError(why))

    def _fail(self, runner: Runner, where: str, error: Exception) -> None:
        runner.intents.clear()
        runner.status = StrategyStatus.STOPPED
        runner.reason = f"{where}: {type(error).__name__}: {error}"
        self._delist(runner)
        self._publish(runner)
        text = f"strategy {runner.name} was stopped: {runner.reason}"
        self._w.alert(AlertLevel.CRITICAL, "strategy_stopped", text, "correct it, then: tradectl strategies reload")
