"""What the connector is told: the environment of a mode, the account's declared leverage, and the sandbox's manners."""

from decimal import Decimal

import msgspec

from tradectl.engine.config import EngineConfig, RiskLimits
from tradectl.exchange.bybit.config import BybitConfig, Environment, StaleLimits
from tradectl.model.instruments import Category, InstrumentId
from tradectl.settings import Settings

_ENVIRONMENTS = {
    "sandbox": Environment.SANDBOX, "demo": Environment.DEMO, "testnet": Environment.TESTNET,
    "live": Environment.MAINNET,
}  # fmt: skip

#: In the sandbox no money is at stake: beside a strategy's position there is room for orders of one's own.
SANDBOX_POSITION_SHARE = Decimal("0.25")


def risk_limits(mode: str, settings: Settings) -> RiskLimits:
    """The limits in force: the sandbox mode starts with a wider position limit unless the settings name one."""
    if mode != "sandbox" or "risk.position_share" in settings.origins:
        return settings.risk
    return msgspec.structs.replace(settings.risk, position_share=SANDBOX_POSITION_SHARE)


def venue_config(mode: str, base: str, settings: Settings, engine: EngineConfig) -> BybitConfig:
    """The connector's configuration for ``mode``; ``base`` is the sandbox's REST address."""
    stepped = mode == "sandbox" and settings.sandbox.stepped
    config: BybitConfig = msgspec.structs.replace(
        settings.exchange,
        environment=_ENVIRONMENTS[mode],
        rest_base=base,
        categories=(Category.LINEAR, Category.SPOT),
        settle_coins=(settings.trading.settle_coin,),
        leverage=_leverage(settings, engine),
    )
    if stepped:  # the market waits for us: silence means nothing
        config = msgspec.structs.replace(
            config, stale=StaleLimits(0, 0, 0, 0, 0), silence_limit=120.0, bar_margin=0.0, clock_interval=86_400.0
        )
    return config


def _leverage(settings: Settings, engine: EngineConfig) -> dict[InstrumentId, Decimal]:
    declared = {InstrumentId(Category.LINEAR, symbol): value for symbol, value in settings.trading.leverage.items()}
    for strategy in engine.strategies:
        symbol = strategy.params.get("symbol")
        if strategy.category == "linear" and isinstance(symbol, str):
            declared.setdefault(InstrumentId(Category.LINEAR, symbol), settings.risk.leverage)
    return declared
