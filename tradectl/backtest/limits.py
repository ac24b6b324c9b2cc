"""Risk limits that let a strategy show what it does: the live risk manager is at work, but nothing binds early."""

from decimal import Decimal

from tradectl.engine.risk_limits import RiskLimits
from tradectl.model.money import ZERO


def wide_open(leverage: Decimal = Decimal(1)) -> RiskLimits:
    """No limit of loss, order or position but ``leverage`` on the gross position; the checks of form, funds and market
    stay as they are, the collar around market orders too: targets are sized by it as live."""
    most = Decimal(10)
    return RiskLimits(
        order_share=most, position_share=most, gross_share=most, day_loss_share=most, drawdown_share=most,
        limit_band_share=most, orders_per_second=1000, orders_per_minute=60_000, open_orders=500,
        stale_quote_seconds=3600, leverage=max(leverage, Decimal(1)), margin_share=ZERO, amends_per_second=1000,
        amends_per_minute=60_000, repeat_orders=0, duplicate_ms=0, flood_per_minute=0, refuse_locked=False,
        refuse_self_trade=False, funding_share=ZERO, liquidation_share=ZERO,
    )  # fmt: skip
