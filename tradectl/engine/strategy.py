"""What a strategy is, and what it may ask for. A strategy has no handle on sockets, secrets, clocks or files."""

from decimal import Decimal
from typing import Any, ClassVar, Protocol

from tradectl.engine.bar_series import BarSeries
from tradectl.engine.intents import AmendIntent, CancelIntent, Intent, OrderIntent, TargetIntent, TimerIntent
from tradectl.engine.parameters import Parameter, declared, param
from tradectl.model.commands import ExecutionBooked, OrderChanged
from tradectl.model.events import BookChanged, PredictionMade, QuoteChanged, TradePrinted
from tradectl.model.instruments import Category, Instrument, InstrumentId
from tradectl.model.market_data import Bar, Ticker
from tradectl.model.money import ZERO
from tradectl.model.orders import OrderType, Side, TimeInForce

__all__ = ["Strategy", "StrategyContext", "param"]

Amount = Decimal | int | float | str


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


class Strategy:
    """Base of all strategies: declare parameters, subscribe in ``on_start``, act in the callbacks.

    Attributes set on ``self`` are kept over restarts when they are numbers, text, Decimals, lists or dicts of these.
    """

    category: str = param("linear", choices=("spot", "linear"), help="product family of the symbols")

    #: Attribute names the framework owns; never saved as state.
    _framework: ClassVar[frozenset[str]] = frozenset({"name"})
    #: Hash of the file the class came from; whoever loads it notes it.
    source_hash: ClassVar[str] = ""
    #: Of a stand-in for a class that cannot be loaded: why.
    absent: ClassVar[str] = ""

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

    def buy(self, symbol: str, qty: Amount, price: Amount | None = None, *, reason: str, **how: Any) -> None:
        """Buy ``qty``: at market, or at most ``price``. ``how``: ``post_only``, ``reduce_only``, ``time_in_force``."""
        self._order(symbol, Side.BUY, qty, price, reason, **how)

    def sell(self, symbol: str, qty: Amount, price: Amount | None = None, *, reason: str, **how: Any) -> None:
        """Sell ``qty``: at market, or at least ``price``; see :meth:`buy`."""
        self._order(symbol, Side.SELL, qty, price, reason, **how)

    def target(self, symbol: str, weight: float, *, reason: str) -> None:
        """Bring the position to ``weight`` of this instance's capital: 1.0 long all of it, -1.0 short, 0.0 flat."""
        self._context.submit(TargetIntent(self._id(symbol), _finite(Decimal(repr(float(weight))), "weight"), reason))

    def close(self, symbol: str, *, reason: str) -> None:
        """Close this instance's position and cancel its open orders on ``symbol``."""
        self._context.submit(TargetIntent(self._id(symbol), ZERO, reason))

    def cancel(self, link_id: str = "", symbol: str = "", *, reason: str) -> None:
        """Cancel one order, or all of this instance (on ``symbol``)."""
        self._context.submit(CancelIntent(link_id, self._id(symbol) if symbol else None, reason))

    def amend(self, link_id: str, qty: Amount | None = None, price: Amount | None = None, *, reason: str) -> None:
        """Change total quantity or price of an open order."""
        self._context.submit(AmendIntent(link_id, _amount(qty), _amount(price), reason))

    def set_timer(self, name: str, after_s: float) -> None:
        """Call ``on_timer(name)`` after ``after_s`` seconds."""
        self._context.submit(TimerIntent(name, self.now + int(after_s * 1e9)))

    # --- inside

    def _order(
        self,
        symbol: str,
        side: Side,
        qty: Amount,
        price: Amount | None,
        reason: str,
        post_only: bool = False,
        reduce_only: bool = False,
        time_in_force: TimeInForce = TimeInForce.GTC,
    ) -> None:
        size, limit = _amount(qty), _amount(price)
        assert size is not None
        kind = OrderType.MARKET if limit is None else OrderType.LIMIT
        tif = TimeInForce.POST_ONLY if post_only else time_in_force
        self._context.submit(OrderIntent(self._id(symbol), side, size, kind, limit, tif, reduce_only, reason))

    def _id(self, symbol: str) -> InstrumentId:
        return InstrumentId(Category(self.category), symbol)


def _amount(value: Amount | None) -> Decimal | None:
    if value is None:
        return None
    return _finite(Decimal(repr(value)) if isinstance(value, float) else Decimal(value), "an amount")


def _finite(value: Decimal, name: str) -> Decimal:
    if not value.is_finite():
        raise ValueError(f"{name} must be a finite number, not {value}")
    return value
