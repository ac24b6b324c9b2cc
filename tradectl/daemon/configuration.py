"""From the settings to what the engine is told once."""

from decimal import Decimal
from pathlib import Path

import msgspec

from tradectl.engine.config import EngineConfig, RiskLimits
from tradectl.exchange.bybit.config import PositionMode
from tradectl.settings import Settings

#: In the sandbox no money is at stake: beside a strategy's position there is room for orders of one's own.
SANDBOX_POSITION_SHARE = Decimal("0.25")


def risk_limits(mode: str, settings: Settings) -> RiskLimits:
    """The limits in force: the sandbox mode starts with a wider position limit unless the settings name one."""
    if mode != "sandbox" or "risk.position_share" in settings.origins:
        return settings.risk
    return msgspec.structs.replace(settings.risk, position_share=SANDBOX_POSITION_SHARE)


def engine_config(run: str, mode: str, s: Settings) -> EngineConfig:
    """Everything the engine depends on besides its events."""
    return EngineConfig(
        run=run, mode=mode, settle_coin=s.trading.settle_coin, tolerance=s.trading.tolerance,
        equity_every_s=s.trading.equity_every_s, audit_every_s=s.trading.audit_every_s, risk=risk_limits(mode, s),
        position_mode="hedge" if s.exchange.position_mode is PositionMode.HEDGE else "one_way",
        queue=s.queue, strategies=s.strategies, universes=s.universes, scoped=s.limits, groups=s.groups,
        allocation=s.allocation,
    )  # fmt: skip


def strategies_folder(settings: Settings) -> Path | None:
    """Where a user's own strategies are: as set, else ``strategies`` beside the settings files, if there are any."""
    named = settings.trading.strategies_dir
    if named:
        return Path(named).expanduser()
    return Path(settings.directory) / "strategies" if settings.directory else None
