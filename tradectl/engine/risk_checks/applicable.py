"""Which checks have a limit to hold somebody to: those that are switched off cost an order nothing."""

from collections.abc import Callable

from tradectl.engine.limit_book import InForce
from tradectl.engine.risk_checks.candidate import RiskCheck


def _own(f: InForce) -> bool:
    return f.strategy is not None


def _grouped(f: InForce) -> bool:
    return bool(f.groups)


#: By name of the check, whether it is on; a check that is not named here always is.
_ON: dict[str, Callable[[InForce], object]] = {
    "restricted_symbol": lambda f: f.account.deny or f.account.allow != ("*",),
    "protection": lambda f: f.single.require_stop,
    "order_value": lambda f: f.single.order_value,
    "strategy_position": _own,
    "strategy_gross": _own,
    "strategy_net": _own,
    "strategy_day_loss": _own,
    "strategy_drawdown": _own,
    "net_exposure": lambda f: f.account.net_share,
    "group_gross": _grouped,
    "group_net": _grouped,
    "concentration": lambda f: f.single.concentration_share,
    "margin": lambda f: f.account.margin_share,
    "day_realised": lambda f: f.account.day_realised_share,
    "liquidation_distance": lambda f: f.single.liquidation_share,
    "funding_cost": lambda f: f.single.funding_share,
    "repeated_execution": lambda f: f.single.repeat_orders,
    "duplicate_intent": lambda f: f.single.duplicate_ms,
    "self_trade": lambda f: f.account.refuse_self_trade,
}


#: Checks that have a word on what only reduces; the others let it pass unseen.
_OF_REDUCING = frozenset(
    {
        "quantity", "price", "instrument_status", "reduce_only", "trading_state", "late_bar", "market_data",
        "price_band", "min_notional", "balance",
    }
)  # fmt: skip


def applicable(checks: tuple[RiskCheck, ...], limits: InForce, reduces: bool = False) -> tuple[RiskCheck, ...]:
    """The checks that are on under ``limits``, in their order; of an order that only ``reduces`` those that look."""
    on = (check for check in checks if check.name not in _ON or _ON[check.name](limits))
    return tuple(check for check in on if not reduces or check.name in _OF_REDUCING)
