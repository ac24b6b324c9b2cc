"""What the engine is told once: limits, budgets and strategy instances. A change is a new run or a journalled event."""

from decimal import Decimal
from typing import Annotated, Literal

from msgspec import Meta, Struct

from tradectl.engine.allocation.policy import AllocationConfig
from tradectl.engine.risk_limits import RiskLimits, ScopeLimits, Share

Requests = Annotated[int, Meta(ge=1)]


class QueueLimits(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The order queue's budgets: requests per rolling second by category and action (bybit-v5 3.1, VIP 0).

    Derivative is linear and inverse together. ``*_batch`` counts the orders inside batch requests (of options: the
    requests), which have limits of their own; without ``batch`` they are not used. ``window_ms`` is a little over
    Bybit's second, so that jitter on the way cannot squeeze two windows into one. ``reserve`` creates per second are
    kept back for orders that reduce risk. Intents wait ``max_wait_ms`` at most. While ``max_waiting`` requests wait, or
    ``max_waiting_per_strategy`` of one strategy, nothing that opens is accepted.
    """

    derivative_create: Requests = 10
    derivative_amend: Requests = 10
    derivative_cancel: Requests = 10
    derivative_create_batch: Requests = 10
    derivative_amend_batch: Requests = 10
    derivative_cancel_batch: Requests = 10
    derivative_stop: Requests = 10
    option_create: Requests = 10
    option_amend: Requests = 10
    option_cancel: Requests = 10
    option_create_batch: Requests = 10
    option_amend_batch: Requests = 10
    option_cancel_batch: Requests = 10
    option_stop: Requests = 10
    spot_create: Requests = 20
    spot_amend: Requests = 10
    spot_cancel: Requests = 20
    spot_create_batch: Requests = 20
    spot_amend_batch: Requests = 20
    spot_cancel_batch: Requests = 20
    batch: bool = True
    window_ms: Annotated[int, Meta(ge=1000, le=5000)] = 1040
    reserve: Annotated[int, Meta(ge=0)] = 1
    max_wait_ms: Annotated[int, Meta(ge=100)] = 15_000
    max_waiting: Annotated[int, Meta(ge=1, le=100_000)] = 2_000
    max_waiting_per_strategy: Annotated[int, Meta(ge=1, le=100_000)] = 200


class StrategyConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A named strategy instance. ``capital`` is a share of equity; ``class`` a built-in's name or a user's class."""

    name: str
    class_: str = ""
    category: str = "linear"
    capital: Share = Decimal("0.10")
    enabled: bool = True
    params: dict[str, bool | int | float | str] = {}
    max_intents_per_minute: Annotated[int, Meta(ge=1, le=100_000)] = 1200


class UniverseConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A named list of symbols, refreshed every ``refresh_minutes`` from the venue's 24-hour tickers.

    ``min_turnover`` in quote coin per day; ``max_spread`` as a fraction of the middle, ``*_volatility`` as high / low
    - 1 of the day, 0 for no limit; ``allow`` and ``deny`` are patterns such as ``*USDT``, deny wins; ``quote_coin``
    is the settle coin when empty. The ``max_members`` with the highest turnover are in.
    """

    name: str
    category: str = "linear"
    quote_coin: str = ""
    min_turnover: Annotated[float, Meta(ge=0)] = 0.0
    min_age_days: Annotated[int, Meta(ge=0, le=10_000)] = 0
    max_spread: Annotated[float, Meta(ge=0, le=1)] = 0.0
    min_volatility: Annotated[float, Meta(ge=0)] = 0.0
    max_volatility: Annotated[float, Meta(ge=0)] = 0.0
    allow: tuple[str, ...] = ("*",)
    deny: tuple[str, ...] = ()
    max_members: Annotated[int, Meta(ge=1, le=1000)] = 50
    refresh_minutes: Annotated[int, Meta(ge=1, le=10_080)] = 60


class EngineConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Everything :class:`TradingEngine` depends on besides its events; its encoded form is the fingerprint.

    ``guard_every_s`` 0: no timer; the guard looks once at each moment of closed candles, before they are delivered.
    That is for a simulation, whose world moves with its candles alone; the daemon's settings do not offer it.
    """

    run: str
    mode: str = "sandbox"
    settle_coin: str = "USDT"
    position_mode: Literal["one_way", "hedge"] = "one_way"
    tolerance: Decimal = Decimal(0)
    equity_every_s: int = 300
    guard_every_s: Annotated[int, Meta(ge=0)] = 5
    audit_every_s: int = 60
    risk: RiskLimits = RiskLimits()
    scoped: dict[str, ScopeLimits] = {}  # by scope: strategy:NAME, strategy:*, symbol:SYMBOL, group:NAME
    groups: dict[str, tuple[str, ...]] = {}  # symbols that move together, by name of the group
    queue: QueueLimits = QueueLimits()
    strategies: tuple[StrategyConfig, ...] = ()
    universes: tuple[UniverseConfig, ...] = ()
    allocation: AllocationConfig = AllocationConfig()


__all__ = [
    "AllocationConfig", "EngineConfig", "QueueLimits", "RiskLimits", "ScopeLimits", "StrategyConfig", "UniverseConfig",
]  # fmt: skip
