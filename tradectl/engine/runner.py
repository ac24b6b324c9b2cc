"""One strategy instance: its strategy object, what it follows, what it asked for in the running callback."""

import math
from decimal import Decimal
from typing import Any

from tradectl.engine.bar_series import BarSeries
from tradectl.engine.config import StrategyConfig
from tradectl.engine.intents import Intent
from tradectl.engine.order_state import view
from tradectl.engine.parameters import coerced, validated
from tradectl.engine.quiet import Quiet
from tradectl.engine.strategy import Strategy
from tradectl.engine.universe import Universes
from tradectl.engine.world import World
from tradectl.model.commands import AlgorithmChanged, OrderChanged, StrategyStatus
from tradectl.model.errors import ErrorCode, Problem
from tradectl.model.instruments import Instrument, InstrumentId
from tradectl.model.market_data import INTERVALS, Bar, MarketKey, Ticker

#: A strategy that asks for more than this in one callback is out of control.
MAX_INTENTS = 100
#: Series whose indicators are noted with a decision; with more, only those of its instrument are.
NOTED_SERIES = 4
_MINUTE = 60 * 10**9
#: Callbacks about what became of an instance's orders.
_TOLD = ("on_order", "on_execution", "on_funding", "on_algorithm")
SeriesKey = tuple[InstrumentId, str]
Value = bool | int | float | str


class Runner:
    """One instance: its strategy object, its series, what it asked for in the running callback."""

    def __init__(self, config: StrategyConfig, cls: type[Strategy], world: World, universes: Universes) -> None:
        self.config = config
        self.name = config.name
        self.cls = cls
        #: The callbacks its class does something in.
        self.heard = frozenset(n for n in _TOLD if getattr(cls, n) is not getattr(Strategy, n))
        self._world = world
        self._universes = universes
        #: Parameters a person set while it ran; they win over the configuration.
        self.changes: dict[str, Value] = {}
        self.params = self._with({})
        self.status = StrategyStatus.WARMING if config.enabled else StrategyStatus.DISABLED
        self.reason = ""
        self.late = False
        self._step = self._calls = 0
        self.minute = self.asked = 0
        self.renew()
        if cls.absent:
            self.give_up(cls.absent)

    def renew(self) -> None:
        """A fresh strategy object that knows nothing yet."""
        self.started = self.starting = False
        #: The attributes of a strategy that keeps nothing, when that was looked at.
        self.seen_names: list[str] = []
        self.series: dict[SeriesKey, BarSeries] = {}
        self.watches: dict[MarketKey, None] = {}
        self.quiet: dict[SeriesKey, Quiet] = {}
        #: By universe it follows: every symbol it was ever given.
        self.given: dict[str, list[str]] = {}
        self.intents: list[Intent] = []
        self.flood = ""
        self.strategy = self.cls(self.name, self.params, self)

    # --- parameters

    def _with(self, changes: dict[str, Value]) -> dict[str, Any]:
        given = {"category": self.config.category, **self.config.params, **changes}
        if self.cls.absent:
            return given
        params = validated(self.cls, given, self.name)
        for name in self.universes_named(params):
            try:
                self._universes.members(name)
            except LookupError as error:
                raise Problem(
                    ErrorCode.INVALID_SETTING, f"strategies.{self.name}: {error}", field=f"strategies.{self.name}",
                    remedy="name one of [[universes]] in trading.toml",
                ) from None  # fmt: skip
        return params

    @staticmethod
    def universes_named(params: dict[str, Any]) -> list[str]:
        """The universes that parameters name as ``universe:NAME``."""
        texts = [v for v in params.values() if isinstance(v, str)]
        return [v.removeprefix("universe:") for v in texts if v.startswith("universe:")]

    def change(self, given: dict[str, Value]) -> None:
        """Take other parameters; the strategy object has them after :meth:`renew`. Raises ``Problem``, unchanged."""
        changes = {**self.changes, **coerced(self.cls, given, self.name)}
        self.params = self._with(changes)
        self.changes = changes

    # --- the callbacks' bookkeeping

    def on_start(self) -> None:
        """The strategy's ``on_start``; only there may it subscribe and ask for indicators."""
        self._subscribing(self.strategy.on_start)

    def on_universe(self, added: tuple[str, ...], removed: tuple[str, ...]) -> None:
        """The strategy's ``on_universe``, where it may subscribe to what was added."""
        self._subscribing(self.strategy.on_universe, added, removed)

    def _subscribing(self, callback: Any, *args: Any) -> None:
        self.starting = True
        try:
            callback(*args)
        finally:
            self.starting = False
            for series in self.series.values():
                series.seal()

    def count_call(self, step: int) -> int:
        """The how many'th watched callback of this instance in the step this is, counting from 1."""
        if step != self._step:
            self._step, self._calls = step, 0
        self._calls += 1
        return self._calls

    def heard_first(self, series: BarSeries, bar: Bar) -> Quiet:
        """Begin to count the bars of a series, or go on after a restart."""
        found = self.quiet.get(series.key)
        if found is None:
            found = self.quiet[series.key] = Quiet(series.instrument, series.interval, bar.open_time)
        series.quiet = found
        return found

    def give_up(self, reason: str) -> None:
        """Stopped: nothing that the failed callback did counts."""
        self.status, self.reason = StrategyStatus.STOPPED, reason
        self.intents.clear()
        self.flood = ""
        self.minute = self.asked = 0

    # --- StrategyContext

    @property
    def now(self) -> int:
        return self._world.now

    def submit(self, intent: Intent) -> None:
        self._count()
        self.intents.append(intent)
        instrument = getattr(intent, "instrument", None)
        for key, quiet in self.quiet.items():
            if key[0] == instrument:
                quiet.bars, quiet.since = 0, quiet.last

    def _count(self) -> None:
        minute = self._world.now // _MINUTE
        if minute != self.minute:
            self.minute, self.asked = minute, 0
        self.asked += 1
        if len(self.intents) >= MAX_INTENTS:
            self.flood = f"RuntimeError: more than {MAX_INTENTS} intents in one callback"
        elif self.asked > self.config.max_intents_per_minute:
            self.flood = f"RuntimeError: more than {self.config.max_intents_per_minute} intents in one minute"
        if self.flood:
            raise RuntimeError(self.flood.removeprefix("RuntimeError: "))

    def bars(self, instrument: InstrumentId, interval: str) -> BarSeries:
        key = (instrument, interval)
        if key not in self.series:
            self._may_subscribe(instrument)
            if interval not in INTERVALS:
                raise ValueError(f"{interval!r} is no interval; use one of {', '.join(INTERVALS)}")
            self.series[key] = BarSeries(instrument, interval)
            self.watches[MarketKey("bars", instrument, interval)] = None
        return self.series[key]

    def watch(self, kind: str, instrument: InstrumentId, detail: str) -> None:
        key = MarketKey(kind, instrument, detail)
        if key not in self.watches:
            self._may_subscribe(instrument)
            self.watches[key] = None

    def _may_subscribe(self, instrument: InstrumentId) -> None:
        if not self.starting:
            raise RuntimeError("subscribe in on_start: it is called again after each restart")
        self.instrument(instrument)

    def members(self, universe: str) -> tuple[str, ...]:
        now = self._universes.members(universe)
        if not self.starting:
            return now
        given = self.given.setdefault(universe, [])
        given += [s for s in now if s not in given]
        return tuple(given)

    def position(self, instrument: InstrumentId) -> Decimal:
        return self._world.portfolio.size(self.name, instrument)

    def capital(self) -> Decimal:
        share = self._world.allocation.shares.get(self.name, self.config.capital)
        return self._world.valuation.account().equity * share

    def pressure(self) -> float:
        return self._world.queue.pressure(self.name)

    def instrument(self, instrument: InstrumentId) -> Instrument:
        info = self._world.instruments.get(instrument)
        if info is None:
            raise LookupError(f"{instrument} is not an instrument of this venue")
        return info

    def ticker(self, instrument: InstrumentId) -> Ticker | None:
        return self._world.market.ticker(instrument)

    def quote(self, instrument: InstrumentId) -> tuple[float, float] | None:
        quote = self._world.market.quote(instrument)
        return None if quote is None else (quote.bid, quote.ask)

    def open_orders(self) -> tuple[OrderChanged, ...]:
        mine = (o for o in self._world.open_orders(self.name) if o.is_open)
        return tuple(view(o, self._world.now) for o in mine)

    def algorithms(self) -> tuple[AlgorithmChanged, ...]:
        return self._world.algorithms_of(self.name)

    # --- what others ask

    def symbols(self) -> list[InstrumentId]:
        """The instruments this instance watches."""
        return list(dict.fromkeys(k.instrument for k in self.watches))

    def inputs(self, instrument: InstrumentId) -> tuple[tuple[str, float], ...]:
        """What it looks at now: indicators and their values, named by series where there are several."""
        own = [s for s in self.series.values() if len(self.series) <= NOTED_SERIES or s.instrument == instrument]
        if len(own) == 1:
            return tuple((n, v) for n, v in own[0].inputs() if math.isfinite(v))
        named = ((f"{s.instrument.symbol} {s.interval} {n}", v) for s in own for n, v in s.inputs())
        return tuple((n, v) for n, v in named if math.isfinite(v))

    @property
    def fingerprint(self) -> str:
        """What the kept state depends on: the code and the parameters."""
        return f"{self.cls.__qualname__} {self.cls.source_hash} {self.config.enabled} {sorted(self.params.items())}"
