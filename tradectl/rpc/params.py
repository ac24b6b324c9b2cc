"""What each method is asked: parameters by name, refused when unknown, of the wrong type or not finite."""

from decimal import Decimal

from msgspec import Struct

from tradectl.model.errors import ErrorCode, Problem
from tradectl.model.instruments import Category
from tradectl.model.orders import Side, TimeInForce


class Params(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """Base of all parameters."""

    def __post_init__(self) -> None:
        """Raises ``Problem(INVALID_REQUEST)`` for NaN and infinities, which msgspec takes for a Decimal."""
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if isinstance(value, Decimal) and not value.is_finite():
                raise Problem(
                    ErrorCode.INVALID_REQUEST,
                    f"{name} is {value}, not a finite number",
                    field=name,
                    reason="must be a finite number",
                    remedy="Give a plain decimal number.",
                )


class Nothing(Params, frozen=True, kw_only=True):
    """No parameters."""


class Filter(Params, frozen=True, kw_only=True):
    """Narrows a list; ``category`` defaults to every category."""

    symbol: str = ""
    category: Category | None = None
    strategy: str = ""


class Stop(Params, frozen=True, kw_only=True):
    """``leave``: ``entries`` cancels entries and keeps positions with their stops, ``all`` leaves everything,
    ``flatten`` closes the positions first."""

    leave: str = "entries"
    reason: str = ""


class Halt(Params, frozen=True, kw_only=True):
    """``reduce`` stops entries only; ``strategy`` or ``symbol`` narrow it; ``flatten`` closes positions as well."""

    reduce: bool = False
    flatten: bool = False
    strategy: str = ""
    symbol: str = ""
    reason: str = ""


class Resume(Params, frozen=True, kw_only=True):
    strategy: str = ""
    symbol: str = ""


class OrderFilter(Filter, frozen=True, kw_only=True):
    """``open_only`` false adds the ended orders the daemon still remembers; older ones are in ``orders.history``."""

    open_only: bool = True
    limit: int = 500


class OrderId(Params, frozen=True, kw_only=True):
    """``id`` is a link id or the venue's order id."""

    id: str


class PlaceOrder(Params, frozen=True, kw_only=True):
    """``size`` as :func:`tradectl.rpc.sizes.parse_size` reads it; no ``price`` is a market order.

    ``category`` defaults to ``trading.default_category``, ``strategy`` to the operator's book. ``dry_run`` runs the
    risk checks and sends nothing. ``stop`` makes it conditional: it rests until ``trigger_by`` (last, mark or index)
    reaches that price. ``algorithm`` (twap, vwap, iceberg, chase, grid, dca, scaled) works the size off in pieces with
    ``parameters`` of its own.
    """

    side: Side
    symbol: str
    size: str
    price: Decimal | None = None
    category: Category | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    reduce_only: bool = False
    stop_loss: Decimal | None = None
    take_profit: Decimal | None = None
    strategy: str = ""
    reason: str = ""
    dry_run: bool = False
    stop: Decimal | None = None
    trigger_by: str = "last"
    close_on_trigger: bool = False
    algorithm: str = ""
    parameters: dict[str, str] = {}


class AmendOrder(Params, frozen=True, kw_only=True):
    """What is to change: total quantity, price, trigger, attached stops (0 removes a stop)."""

    id: str
    qty: Decimal | None = None
    price: Decimal | None = None
    stop: Decimal | None = None
    stop_loss: Decimal | None = None
    take_profit: Decimal | None = None


class CancelOrders(Params, frozen=True, kw_only=True):
    """One order (or algorithm, ``aN``) by ``id``, or with ``every`` all entries within ``symbol`` and ``strategy``
    (stops stay)."""

    id: str = ""
    every: bool = False
    symbol: str = ""
    strategy: str = ""


class PositionFilter(Filter, frozen=True, kw_only=True):
    """``books`` lists each strategy's book; otherwise the net positions at the venue."""

    books: bool = False


class PositionOf(Params, frozen=True, kw_only=True):
    symbol: str
    category: Category | None = None


class ClosePosition(PositionOf, frozen=True, kw_only=True):
    """``strategy`` closes that book only."""

    strategy: str = ""


class ProtectPosition(PositionOf, frozen=True, kw_only=True):
    """Stop-loss, take-profit and trailing distance (0 removes one): of ``strategy``'s book by orders of its own,
    without it the venue's stops of the whole position. ``trailing`` begins at ``active_price``; ``leg`` is long or
    short where the account hedges."""

    strategy: str = ""
    stop_loss: Decimal | None = None
    take_profit: Decimal | None = None
    trailing: Decimal | None = None
    active_price: Decimal | None = None
    leg: str = ""


class AdoptPosition(PositionOf, frozen=True, kw_only=True):
    strategy: str


class StrategyName(Params, frozen=True, kw_only=True):
    name: str


class SwitchStrategy(StrategyName, frozen=True, kw_only=True):
    """``flatten`` closes the strategy's positions when it is disabled; otherwise they stay with their stops."""

    flatten: bool = False


class SetParameters(StrategyName, frozen=True, kw_only=True):
    """Parameters by name; text is read as the parameter is declared."""

    parameters: dict[str, bool | int | float | str]


class UniverseName(Params, frozen=True, kw_only=True):
    """``name`` empty: every universe."""

    name: str = ""


class ReloadStrategies(Params, frozen=True, kw_only=True):
    """``name`` reloads one instance, empty all whose code or settings changed."""

    name: str = ""


class CheckStrategy(Params, frozen=True, kw_only=True):
    """Load and validate without starting: an instance's ``name``, or a ``path`` of a Python file."""

    name: str = ""
    path: str = ""


class InstrumentFilter(Params, frozen=True, kw_only=True):
    """``search`` is part of a symbol."""

    category: Category | None = None
    search: str = ""
    limit: int = 1000


class Market(Params, frozen=True, kw_only=True):
    symbol: str
    category: Category | None = None


class MarketBook(Market, frozen=True, kw_only=True):
    depth: int = 20


class MarketCandles(Market, frozen=True, kw_only=True):
    """The last ``limit`` closed candles, oldest first."""

    interval: str = "1m"
    limit: int = 100


class History(Filter, frozen=True, kw_only=True):
    """Rows of the store, newest first. ``since`` <= at < ``until`` in nanoseconds, 0 is open; ``cursor`` continues
    where the answer's ``next_cursor`` left off."""

    since: int = 0
    until: int = 0
    limit: int = 100
    cursor: str = ""


class TradeId(Params, frozen=True, kw_only=True):
    id: str


class QuietSince(Params, frozen=True, kw_only=True):
    """``since`` in nanoseconds UTC."""

    symbol: str
    since: int


class MetricsOf(Params, frozen=True, kw_only=True):
    """The account, or one strategy as if the account had held nothing else. ``since`` <= at < ``until``, 0 is open."""

    strategy: str = ""
    since: int = 0
    until: int = 0


class ProfitBy(MetricsOf, frozen=True, kw_only=True):
    """``by``: day, week, month, strategy or symbol."""

    by: str = "day"
    symbol: str = ""


class WhyNot(Params, frozen=True, kw_only=True):
    """``since`` is for the history beside it."""

    symbol: str
    category: Category | None = None
    since: int = 0


class RiskScope(Params, frozen=True, kw_only=True):
    """``scope``: empty for the account and every scope, ``strategy:NAME``, ``symbol:SYMBOL`` or ``group:NAME``."""

    scope: str = ""


class SetLimits(RiskScope, frozen=True, kw_only=True):
    """Limit names and values as text (``2%``, ``0.02``, ``off``)."""

    changes: dict[str, str]
    reason: str = ""


class ResetRisk(Params, frozen=True, kw_only=True):
    """``code`` names a latched limit, empty all of them, within ``strategy`` or ``symbol``."""

    code: str = ""
    strategy: str = ""
    symbol: str = ""
