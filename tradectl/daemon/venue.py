"""What the connector is told: the environment of a mode, the account's declared leverage, and the sandbox's manners."""

from decimal import Decimal

import msgspec

from tradectl.engine.config import EngineConfig
from tradectl.exchange.bybit.config import BybitConfig, Environment, PositionMode, StaleLimits
from tradectl.model.instruments import Category, InstrumentId
from tradectl.settings import Settings
from tradectl.simulation.paper_venue import Terms

_ENVIRONMENTS = {
    "sandbox": Environment.SANDBOX, "demo": Environment.DEMO, "testnet": Environment.TESTNET,
    "live": Environment.MAINNET,
}  # fmt: skip


def venue_config(mode: str, base: str, settings: Settings, engine: EngineConfig) -> BybitConfig:
    """The connector's configuration for ``mode``; ``base`` is the sandbox's REST address."""
    stepped = mode == "sandbox" and settings.sandbox.stepped
    config: BybitConfig = msgspec.structs.replace(
        settings.exchange,
        environment=_environment(mode, base),
        rest_base=base,
        categories=_categories(engine),
        settle_coins=(settings.trading.settle_coin,),
        leverage=_leverage(settings, engine),
    )
    if stepped:  # the market waits for us: silence means nothing
        config = msgspec.structs.replace(
            config, stale=StaleLimits(0, 0, 0, 0, 0), silence_limit=120.0, bar_margin=0.0, clock_interval=86_400.0
        )
    return config


def paper_terms(settings: Settings, engine: EngineConfig) -> Terms:
    """What a new paper account is like."""
    return Terms(
        settings.paper.fees, settings.paper.cash, _leverage(settings, engine), settings.risk.leverage,
        settings.exchange.position_mode is PositionMode.HEDGE,
    )  # fmt: skip


def _environment(mode: str, base: str) -> Environment:
    """Paper trades on the real market, or on that of the sandbox whose address is set."""
    if mode == "paper":
        return Environment.SANDBOX if base else Environment.MAINNET
    return _ENVIRONMENTS[mode]


def _categories(engine: EngineConfig) -> tuple[Category, ...]:
    """Linear and spot always; another when a strategy trades it, for it costs reads and a permission of the key."""
    traded = {strategy.category for strategy in engine.strategies}
    others = tuple(c for c in (Category.INVERSE, Category.OPTION) if c.value in traded)
    return (Category.LINEAR, Category.SPOT, *others)


def _leverage(settings: Settings, engine: EngineConfig) -> dict[InstrumentId, Decimal]:
    declared = {InstrumentId(Category.LINEAR, symbol): value for symbol, value in settings.trading.leverage.items()}
    for strategy in engine.strategies:
        symbol = strategy.params.get("symbol")
        if strategy.category in ("linear", "inverse") and isinstance(symbol, str):
            declared.setdefault(InstrumentId(Category(strategy.category), symbol), settings.risk.leverage)
    return declared
