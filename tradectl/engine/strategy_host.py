"""Runs the strategy instances: starts, warms up and calls them back, and stops one that fails, and only that one."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from msgspec import Struct, field

from tradectl.engine.bar_series import BarSeries, Phase, SeriesState
from tradectl.engine.config import StrategyConfig
from tradectl.engine.intents import Intent
from tradectl.engine.order_state import view
from tradectl.engine.parameters import validated
from tradectl.engine.strategy import Strategy
from tradectl.engine.strategy_state import attributes, decode
from tradectl.engine.world import World
from tradectl.model.commands import (
    AlertLevel,
    OrderChanged,
    RequestBars,
    StrategyChanged,
    StrategyStatus,
    Subscribe,
)
from tradectl.model.events import BarClosed, BarsLoaded
from tradectl.model.instruments import Instrument, InstrumentId
from tradectl.model.market_data import Bar, MarketKey, Ticker

#: A strategy that asks for more than this in one callback is out of control.
MAX_INTENTS = 100
SeriesKey = tuple[InstrumentId, str]


class RunnerState(Struct):
    """One instance written down."""

    status: StrategyStatus
    reason: str
    started: bool
    fingerprint: str
    series: list[SeriesState] = field(default_factory=list)
    attributes: dict[str, Any] = field(default_factory=dict)


class Runner:
    """One instance: its strategy object, its series, what it asked for in the running callback."""

    def __init__(self, config: StrategyConfig, cls: type[Strategy], world: World) -> None:
        self.config = config
        self.name = config.name
        given = {"category": config.category, **config.params}
        self.params = validated(cls, given, config.name)
        self.cls = cls
        self.status = StrategyStatus.WARMING if config.enabled else StrategyStatus.DISABLED
        self.reason = ""
        self.started = False
        self.series: dict[SeriesKey, BarSeries] = {}
        self.watches: dict[MarketKey, None] = {}
        self.intents: list[Intent] = []
        self.late = False
        self._world = world
        self.strategy = cls(config.name, self.params, self)

    # --- StrategyContext

    @property
    def now(self) -> int:
        return self._world.now

    def submit(self, intent: Intent) -> None:
        if len(self.intents) >= MAX_INTENTS:
            raise RuntimeError(f"more than {MAX_INTENTS} intents in one callback")
        self.intents.append(intent)

    def bars(self, instrument: InstrumentId, interval: str) -> BarSeries:
        self.instrument(instrument)
        key = (instrument, interval)
        if key not in self.series:
            self.series[key] = BarSeries(instrument, interval)
        self.watches[MarketKey("bars", instrument, interval)] = None
        return self.series[key]

    def watch(self, kind: str, instrument: InstrumentId, detail: str) -> None:
        self.instrument(instrument)
        self.watches[MarketKey(kind, instrument, detail)] = None

    def position(self, instrument: InstrumentId) -> Decimal:
        return self._world.portfolio.size(self.name, instrument)

    def capital(self) -> Decimal:
        return self._world.valuation.account().equity * self.config.capital

    def instrument(self, instrument: InstrumentId) -> Instrument:
        info = self._world.instruments.get(instrument)
        if info is None:
            raise LookupError(f"{instrument} is not an instrument of this venue")
        return info

    def ticker(self, instrument: InstrumentId) -> Ticker | None:
        return self._world.market.tickers.get(instrument)

    def quote(self, instrument: InstrumentId) -> tuple[float, float] | None:
        quote = self._world.market.quotes.get(instrument)
        return None if quote is None else (quote.bid, quote.ask)

    def open_orders(self) -> tuple[OrderChanged, ...]:

        mine = (o for o in self._world.open_orders() if o.strategy == self.name and o.is_open)
        return tuple(view(o, self._world.now) for o in mine)

    # --- state

    def symbols(self) -> list[InstrumentId]:
        """The instruments this instance watches."""
        return list(dict.fromkeys(k.instrument for k in self.watches))

    @property
    def fingerprint(self) -> str:
        """What the kept state depends on: the code and the parameters."""
        return f"{self.cls.__qualname__} {self.cls.source_hash} {self.config.enabled} {sorted(self.params.items())}"

    def state(self) -> RunnerState:
        """Everything :meth:`restore` needs."""
        kept = attributes(self.strategy, self.params, self.strategy._framework) if self.started else {}
        return RunnerState(
            self.status, self.reason, self.started, self.fingerprint, [s.state() for s in self.series.values()], kept
        )

    def restore(self, state: RunnerState) -> None:
        """Continue where :meth:`state` was taken: ``on_start`` makes the indicators anew, then their values return."""
        if state.fingerprint != self.fingerprint:
            return  # changed code or parameters start from warm-up, never from an old state
        self.status, self.reason, self.started = state.status, state.reason, state.started
        if not self.started or self.status is StrategyStatus.STOPPED:
            return
        self.strategy.on_start()
        self.intents.clear()
        for series, saved in zip(self.series.values(), state.series, strict=True):
            series.restore(saved)
        for name, value in state.attributes.items():
            setattr(self.strategy, name, decode(value))


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
        self._call(runner, runner.strategy.on_start)
        if runner.status is StrategyStatus.STOPPED:
            return
        self._publish(runner)
        self._index(runner)
        self._settle(runner)

    def _index(self, runner: Runner) -> None:
        self._enlist(runner)
        self._subscribe_for(runner)

    def _enlist(self, runner: Runner) -> None:
        for key in runner.series:
            self._by_bars.setdefault(key, []).append(runner)
        for watch in runner.watches:
            if watch.kind != "bars":
                self._by_watch.setdefault((watch.kind, watch.instrument), []).append(runner)

    def _subscribe_for(self, runner: Runner) -> None:
        """What it asked for, and what the risk manager needs to judge its orders."""
        for watch in runner.watches:
            self.subscribe(watch)
        for instrument in runner.symbols():
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
        for runner in self.runners.values():
            if runner.started and runner.status is not StrategyStatus.STOPPED:
                for series in runner.series.values():
                    series.await_history()
                self._subscribe_for(runner)
        self._request_history()

    def _request_history(self) -> None:
        wanted: dict[SeriesKey, tuple[int, int]] = {}
        for runner in self.runners.values():
            for key, series in runner.series.items():
                if runner.status is not StrategyStatus.STOPPED and series.phase is not Phase.LIVE:
                    count, since = wanted.get(key, (0, 0))
                    opens = series.next_open()
                    wanted[key] = (
                        max(count, series.lookback + 1),
                        min(since, opens) if since and opens else opens or since,
                    )
        for (instrument, interval), (count, since) in wanted.items():
            self._w.emit(RequestBars(instrument, interval, count, since))

    def switch(self, runner: Runner, enabled: bool) -> None:
        """Enable or disable an instance; disabling calls ``on_stop``."""
        if enabled:
            runner.status = StrategyStatus.WARMING
            runner.reason = ""
            if not runner.started:
                self._start(runner)
                self._request_history()
            else:
                self._settle(runner)
                self._publish(runner)
            return
        if runner.started and runner.status is not StrategyStatus.STOPPED:
            self._call(runner, runner.strategy.on_stop)
        if runner.status is not StrategyStatus.STOPPED:
            runner.status = StrategyStatus.DISABLED
            self._publish(runner)

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
                runner.restore(states[name])
                if runner.started and runner.status is not StrategyStatus.STOPPED:
                    self._enlist(runner)

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
        for runner in self._by_bars.get((event.instrument, event.interval), ()):
            series = runner.series[(event.instrument, event.interval)]
            bars = series.live(event.bar)
            if bars is None:
                self._w.emit(RequestBars(event.instrument, event.interval, 0, series.next_open()))
            else:
                self._deliver_bars(runner, series, bars)

    def bars_loaded(self, event: BarsLoaded) -> None:
        """History for every instance that waits for it; without any the series warms up live."""
        if event.error:
            text = f"no history of {event.instrument} {event.interval}: {event.error}"
            self._w.alert(AlertLevel.WARNING, "no_history", text, "the strategy warms up on live bars")
        for runner in self._by_bars.get((event.instrument, event.interval), ()):
            series = runner.series[(event.instrument, event.interval)]
            if series.phase is not Phase.LIVE:
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
            self._fail(runner, callback, error)
            return
        if runner.intents:
            intents, runner.intents = runner.intents, []
            self._process(runner, intents)

    def _fail(self, runner: Runner, callback: Callable[..., None], error: Exception) -> None:
        runner.intents.clear()
        runner.status = StrategyStatus.STOPPED
        runner.reason = f"{callback.__name__}: {type(error).__name__}: {error}"
        self._publish(runner)
        text = f"strategy {runner.name} was stopped: {runner.reason}"
        self._w.alert(AlertLevel.CRITICAL, "strategy_stopped", text, "correct it, then: tradectl strategies reload")
