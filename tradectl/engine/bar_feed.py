"""Candles to the instances: asks for history once, delivers live bars, and lets bars wait while history loads."""

from tradectl.engine.bar_series import BarSeries, Phase
from tradectl.engine.callbacks import Callbacks
from tradectl.engine.following import Following
from tradectl.engine.runner import Runner, SeriesKey
from tradectl.engine.world import World
from tradectl.model.commands import AlertLevel, RequestBars, StrategyChanged, StrategyStatus
from tradectl.model.events import BarClosed, BarsLoaded
from tradectl.model.market_data import Bar

_ACTIVE = StrategyStatus.ACTIVE


class BarFeed:
    """Everything about bars that concerns several instances at once."""

    def __init__(self, world: World, runners: dict[str, Runner], following: Following, callbacks: Callbacks) -> None:
        self._w = world
        self._runners = runners
        self._following = following
        self._callbacks = callbacks

    # --- history

    def request_history(self) -> None:
        """Ask once for the history all series need that have none."""
        waiting: dict[SeriesKey, list[BarSeries]] = {}
        for runner in self._runners.values():
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

    def catch_up(self) -> None:
        """A public stream came back: load what closed meanwhile."""
        for runner in self._runners.values():
            for series in runner.series.values():
                if runner.status is not StrategyStatus.STOPPED and series.phase is Phase.LIVE and series.next_open():
                    series.await_history()
        self.request_history()

    def loaded(self, event: BarsLoaded) -> None:
        """History for every instance that waits for it; without any the series warms up live."""
        if event.error:
            text = f"no history of {event.instrument} {event.interval}: {event.error}"
            self._w.alert(AlertLevel.WARNING, "no_history", text, "the strategy warms up on live bars")
        for runner in self._following.of_bars((event.instrument, event.interval)):
            series = runner.series[(event.instrument, event.interval)]
            series.asked = max(series.asked - 1, 0)
            if series.phase is not Phase.LIVE and (series.reaches_back(event.bars) or not series.asked):
                bars = series.loaded(event.bars)
                self.settle(runner)
                self._deliver_all(runner, series, bars)

    def settle(self, runner: Runner) -> None:
        """An instance whose series are all warm becomes active."""
        live = all(s.phase is not Phase.WARMING for s in runner.series.values())
        if runner.status is StrategyStatus.WARMING and live:
            runner.status = StrategyStatus.ACTIVE
            self._w.emit(StrategyChanged(self._w.now, runner.name, runner.status, runner.reason))

    # --- live

    def closed(self, event: BarClosed) -> None:
        """A live bar: to every instance that follows it, or into the waiting line of one that loads history."""
        key, bar = (event.instrument, event.interval), event.bar
        opened: int = bar.open_time
        asked: tuple[int, ...] = ()
        for runner in self._following.by_bars.get(key, ()):
            series = runner.series[key]
            if opened == series.expected:
                series.follow(bar)
                if runner.status is _ACTIVE:
                    self._tell(runner, series, bar)
                continue
            bars = series.live(bar)
            if bars is None:
                asked = self._ask(series, asked)
            else:
                self._deliver_all(runner, series, bars)

    def _ask(self, series: BarSeries, asked: tuple[int, ...]) -> tuple[int, ...]:
        """Ask for what a series missed, unless another one did from the same bar on; ``asked`` and this one."""
        series.asked += 1
        since = series.next_open()
        if since in asked:
            return asked
        self._w.emit(RequestBars(series.instrument, series.interval, 0, since))
        return (*asked, since)

    def _deliver_all(self, runner: Runner, series: BarSeries, bars: list[Bar]) -> None:
        for bar in bars:
            self._deliver(runner, series, bar)

    def _deliver(self, runner: Runner, series: BarSeries, bar: Bar) -> None:
        if series.consume(bar) and runner.status is _ACTIVE:
            self._tell(runner, series, bar)

    def _tell(self, runner: Runner, series: BarSeries, bar: Bar) -> None:
        quiet = series.quiet or runner.heard_first(series, bar)
        quiet.bars += 1  # without an intent, so far
        quiet.last = bar.open_time
        if bar.late:
            runner.late = True
            self._callbacks.call(runner, runner.strategy.on_bar, bar)
            runner.late = False
        else:
            self._callbacks.on_bar(runner, bar)
