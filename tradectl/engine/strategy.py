"""What a strategy is, and what it may ask for. A strategy has no handle on sockets, secrets, clocks or files."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, ClassVar, Protocol

from tradectl.engine.algorithm_methods import AlgorithmMethods
from tradectl.engine.bar_series import BarSeries
from tradectl.engine.intents import AllocateIntent, Intent, TimerIntent
from tradectl.engine.order_methods import Amount, OrderMethods, finite
from tradectl.engine.parameters import Parameter, declared, param
from tradectl.model.commands import AlgorithmChanged, ExecutionBooked, OrderChanged
from tradectl.model.events import BookChanged, PredictionMade, QuoteChanged, TradePrinted
from tradectl.model.instruments import Instrument, InstrumentId
from tradectl.model.market_data import Bar, Ticker

__all__ = ["Strategy", "StrategyContext", "param"]


class StrategyContext(Protocol):
    """The engine as one instance sees it."""

    @property
    def now(self) -> int: ...
    def submit(self, intent: Intent) -> None: ...
    def bars(self, instrument: InstrumentId, interval: str) -> BarSeries: ...
    def watch(self, kind: str, instrument: InstrumentId, detail: str) -> None: ...
    def position(self, instrument: InstrumentId) -> Decimal: ...
    def capital(self) -> Decimal: ...
    def instrument(self, instrument: InstrumentId) -> Instrument: ...
    def ticker(self, instrument: InstrumentId) -> Ticker | None: ...
    def quote(self, instrument: InstrumentId) -> tuple[float, float] | None: ...
    def open_orders(self) -> tuple[OrderChanged, ...]: ...
    def members(self, universe: str) -> tuple[str, ...]: ...
    def pressure(self) -> float: ...
    def algorithms(self) -> tuple[AlgorithmChanged, ...]: ...


class Strategy(OrderMethods, AlgorithmMethods):
    """Base of all strategies: declare parameters, subscribe in ``on_start``, act in the callbacks.

    Attributes set on ``self`` are kept over restarts when they are numbers, text, Decimals, lists or dicts of these.
    """

    category: str = param("linear", choices=("spot", "linear", "inverse"), help="product family of the symbols")

    #: Attribute names the framework owns; never saved as state.
    _framework: ClassVar[frozenset[str]] = frozenset({"name"})
    #: Hash of the file the class came from; whoever loads it notes it.
    source_hash: ClassVar[str] = ""
    #: Of a stand-in for a class that cannot be loaded: why.
    absent: ClassVar[str] = ""
    _context: StrategyContext

    def __init__(self, name: str, params: dict[str, Any], context: StrategyContext) -> None:
        self.name = name
        self._context = context
        for key, value in params.items():
            setattr(self, key, value)

    @classmethod
    def parameters(cls) -> dict[str, Parameter]:
        """The declared parameters by name."""
        return declared(cls)

    # --- callbacks, all optional

    def on_start(self) -> None:
        """Subscribe and create indicators here; called again after each restart, before the state comes back."""

    def on_bar(self, bar: Bar) -> None:
        """A candle of a subscribed series closed."""

    def on_quote(self, quote: QuoteChanged) -> None:
        """Best bid or ask changed."""

    def on_trade(self, trade: TradePrinted) -> None:
        """A public trade."""

    def on_book(self, book: BookChanged) -> None:
        """Levels of a subscribed book changed."""

    def on_prediction(self, prediction: PredictionMade) -> None:
        """A model's word on a symbol of :meth:`subscribe_predictions`."""

    def on_universe(self, added: tuple[str, ...], removed: tuple[str, ...]) -> None:
        """The members of a universe this instance follows changed; series of ``added`` may be subscribed here.

        A removed symbol takes no new entries; its series goes on, so that its position can be closed.
        """

    def on_order(self, order: OrderChanged) -> None:
        """One of this instance's orders changed."""

    def on_execution(self, execution: ExecutionBooked) -> None:
        """A fill entered this instance's book."""

    def on_funding(self, execution: ExecutionBooked) -> None:
        """A funding payment entered this instance's book."""

    def on_timer(self, name: str) -> None:
        """A timer set with :meth:`set_timer` is due."""

    def on_stop(self) -> None:
        """The instance is being disabled or the daemon stops."""

    # --- what it may ask for

    def subscribe_bars(self, symbol: str, interval: str = "1m") -> BarSeries:
        """Closed candles of ``symbol``; ask the returned series for indicators."""
        return self._context.bars(self._id(symbol), interval)

    def subscribe_quotes(self, symbol: str) -> None:
        """Call ``on_quote`` for ``symbol``."""
        self._context.watch("quotes", self._id(symbol), "")

    def subscribe_trades(self, symbol: str) -> None:
        """Call ``on_trade`` for ``symbol``."""
        self._context.watch("trades", self._id(symbol), "")

    def subscribe_book(self, symbol: str, depth: int = 50) -> None:
        """Call ``on_book`` for ``symbol`` with ``depth`` levels (50, 200 or 1000)."""
        self._context.watch("book", self._id(symbol), str(depth))

    def subscribe_predictions(self, symbol: str) -> None:
        """Call ``on_prediction`` for ``symbol``."""
        self._context.watch("predictions", self._id(symbol), "")

    def symbols_of(self, text: str) -> tuple[str, ...]:
        """``"universe:NAME"``: its members, by turnover (and :meth:`on_universe` from now on); else a list with commas.

        In ``on_start`` after a restart: every symbol this instance was ever given, so that held ones are followed.
        """
        name = text.removeprefix("universe:")
        if name != text:
            return self._context.members(name)
        return tuple(symbol.strip() for symbol in text.split(",") if symbol.strip())

    @property
    def now(self) -> int:
        """The engine's time: nanoseconds UTC."""
        return self._context.now

    @property
    def capital(self) -> Decimal:
        """This instance's capital in the settle coin."""
        return self._context.capital()

    @property
    def pressure(self) -> float:
        """How full the order queue is for this instance: 0.0 nothing waits, 1.0 what opens is refused until it drains.
        A strategy that asks for much holds back while it rises."""
        return self._context.pressure()

    def position(self, symbol: str) -> Decimal:
        """The signed size of this instance's book."""
        return self._context.position(self._id(symbol))

    def quote(self, symbol: str) -> tuple[float, float] | None:
        """Best bid and ask, or ``None`` before the first."""
        return self._context.quote(self._id(symbol))

    def ticker(self, symbol: str) -> Ticker | None:
        """Last, mark and index price and funding rate, or ``None`` before the first."""
        return self._context.ticker(self._id(symbol))

    def instrument(self, symbol: str) -> Instrument:
        """The filters of ``symbol``."""
        return self._context.instrument(self._id(symbol))

    @property
    def orders(self) -> tuple[OrderChanged, ...]:
        """This instance's open orders."""
        return self._context.open_orders()

    def allocate(self, shares: Mapping[str, Amount], *, reason: str) -> None:
        """Share out capital among instances, as shares of equity by name; needs ``allocation.policy = "user"``."""
        given = {name: finite(Decimal(str(share)), f"the share of {name}") for name, share in shares.items()}
        self._context.submit(AllocateIntent(given, reason))

    def set_timer(self, name: str, after_s: float) -> None:
        """Call ``on_timer(name)`` after ``after_s`` seconds."""
        self._context.submit(TimerIntent(name, self.now + int(after_s * 1e9)))
