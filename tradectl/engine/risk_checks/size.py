"""How large one order and the position it leads to may be, with everything in flight at its worst."""

from decimal import Decimal

from tradectl.engine.risk_checks.candidate import Candidate, RiskView, Verdict, failed, passed, percent
from tradectl.model.money import ZERO


def most_of(share: Decimal | None, value: Decimal | None, equity: Decimal) -> Decimal | None:
    """The tighter of a share of equity and an amount; ``None`` when neither is set (an amount of 0 is not)."""
    by_share = None if share is None else equity * share
    if not value:
        return by_share
    return value if by_share is None else min(by_share, value)


class OrderSizeCheck:
    """One order is at most a share of equity."""

    name = "order_size"

    def __call__(self, c: Candidate, v: RiskView) -> Verdict | None:
        if c.reduces or v.price is None:
            return None
        share = v.limits.order_share
        most, value = v.equity() * share, v.order_value()
        if value <= most:
            return passed(self.name, most, value)
        rule = f"order value {value:.2f} is above {percent(share)} of equity ({most:.2f})"
        return failed(self.name, most, value, rule)


class OrderValueCheck:
    """One order is at most an amount."""

    name = "order_value"

    def __call__(self, c: Candidate, v: RiskView) -> Verdict | None:
        most = v.limits.order_value
        if not most or c.reduces or v.price is None:
            return None
        value = v.order_value()
        if value <= most:
            return passed(self.name, most, value)
        return failed(self.name, most, value, f"order value {value:.2f} is above order_value {most:.2f}")


class PositionSizeCheck:
    """The position is at most a share of equity, and an amount."""

    name = "position_size"

    def __call__(self, c: Candidate, v: RiskView) -> Verdict | None:
        if c.reduces or v.price is None:
            return None
        most = most_of(v.limits.position_share, v.limits.position_value, v.equity())
        value = v.position_value()
        if most is None:
            return None
        if value <= most:
            return passed(self.name, most, value)
        rule = f"position value {value:.2f} would be above {most:.2f} (position_share, position_value)"
        return failed(self.name, most, value, rule)


class StrategyPositionCheck:
    """One strategy's book of an instrument, where it has a limit of its own."""

    name = "strategy_position"

    def __call__(self, c: Candidate, v: RiskView) -> Verdict | None:
        own = v.in_force.strategy
        if own is None or c.reduces or v.price is None or (own.position_share is None and not own.position_value):
            return None
        most = most_of(own.position_share, own.position_value, v.equity())
        value = v.strategy_position_value()
        if most is None:
            return None
        if value <= most:
            return passed(self.name, most, value)
        return failed(self.name, most, value, f"{c.strategy}'s position of {value:.2f} would be above {most:.2f}")


class ConcentrationCheck:
    """The largest symbol's part of all exposure, once all exposure is worth counting."""

    name = "concentration"

    def __call__(self, c: Candidate, v: RiskView) -> Verdict | None:
        limits = v.limits
        if not limits.concentration_share or c.reduces or v.price is None:
            return None
        gross = v.gross()
        if not gross.is_finite() or gross <= v.equity() * limits.concentration_from_share:
            return None
        part = v.position_value() / gross if gross else ZERO
        share = limits.concentration_share
        if part <= share:
            return passed(self.name, share, part)
        rule = f"{c.instrument.id.symbol} would be {percent(part)} of all exposure, {percent(share)} is allowed"
        return failed(self.name, share, part, rule)
