"""One strategy instance: its strategy object, what it follows, what it asked for, and its state written down."""

from decimal import Decimal
from typing import Any

from msgspec import Struct, field

from tradectl.engine.bar_series import BarSeries, SeriesState
from tradectl.engine.config import StrategyConfig
from tradectl.engine.intents import Intent
from tradectl.engine.order_state import view
from tradectl.engine.parameters import validated
from tradectl.engine.strategy import Strategy
from tradectl.engine.strategy_state import attributes, decode
from tradectl.engine.world import World
from tradectl.model.commands import OrderChanged, StrategyStatus
from tradectl.model.instruments import Instrument, InstrumentId
from tradectl.model.market_data import INTERVALS, MarketKey, Ticker

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
        self.late = False
        self._world = world
        self.renew()

    def renew(self) -> None:
        """A fresh strategy object that knows nothing yet."""
        self.started = self.starting = False
        self.series: dict[SeriesKey, BarSeries] = {}
        self.watches: dict[MarketKey, None] = {}
        self.intents: list[Intent] = []
        self.strategy = self.cls(self.name, self.params, self)

    def on_start(self) -> None:
        """The strategy's ``on_start``; only there may it subscribe and ask for indicators."""
        self.starting = True
        try:
            self.strategy.on_start()
        finally:
            self.starting = False
            for series in self.series.values():
                series.seal()

    # --- StrategyContext

    @property
    def now(self) -> int:
        return self._world.now

    def submit(self, intent: Intent) -> None:
        if len(self.intents) >= MAX_INTENTS:
            raise RuntimeError(f"more than {MAX_INTENTS} intents in one callback")
        self.intents.append(intent)

    def bars(self, instrument: InstrumentId, interval: str) -> BarSeries:
        key = (instrument, interval)
        if key not in self.series:
            self._subscribing(instrument)
            if interval not in INTERVALS:
                raise ValueError(f"{interval!r} is no interval; use one of {', '.join(INTERVALS)}")
            self.series[key] = BarSeries(instrument, interval)
            self.watches[MarketKey("bars", instrument, interval)] = None
        return self.series[key]

    def watch(self, kind: str, instrument: InstrumentId, detail: str) -> None:
        key = MarketKey(kind, instrument, detail)
        if key not in self.watches:
            self._subscribing(instrument)
            self.watches[key] = None

    def _subscribing(self, instrument: InstrumentId) -> None:
        if not self.starting:
            raise RuntimeError("subscribe in on_start: it is called again after each restart")
        self.instrument(instrument)

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

    def members(self, universe: str) -> tuple[str, ...]:
        raise LookupError(f"there is no universe {universe}")

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
        if not self.started or self.status is StrategyStatus.STOPPED:
            return RunnerState(self.status, self.reason, self.started, self.fingerprint)
        series = [s.state() for s in self.series.values()]
        return RunnerState(self.status, self.reason, self.started, self.fingerprint, series, self.attributes())

    def attributes(self) -> dict[str, Any]:
        """The strategy's own attributes written down. Raises ``Problem`` when one cannot be."""
        return attributes(self.strategy, self.params, self.strategy._framework)

    def restore(self, state: RunnerState) -> None:
        """Continue where :meth:`state` was taken: ``on_start`` makes the indicators anew, then their values return."""
        if state.fingerprint != self.fingerprint:
            return  # changed code or parameters start from warm-up, never from an old state
        self.status, self.reason, self.started = state.status, state.reason, state.started
        if not self.started or self.status is StrategyStatus.STOPPED:
            return
        self.on_start()
        self.intents.clear()
        for series, saved in zip(self.series.values(), state.series, strict=True):
            series.restore(saved)
        for name, value in state.attributes.items():
            setattr(self.strategy, name, decode(value))
