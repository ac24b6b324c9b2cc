"""All positions together: gross and net of account, strategy and group; margin and leverage; coins for spot."""

from collections.abc import Callable
from decimal import Decimal

from tradectl.engine.risk_checks.candidate import Candidate, RiskView, Verdict, failed, passed, text_of
from tradectl.engine.risk_checks.size import most_of
from tradectl.model.orders import Side

_ONE = Decimal(1)


def _within(name: str, what: str, value: Decimal, most: Decimal) -> Verdict:
    if value <= most:
        return passed(name, most, value)
    return failed(name, most, value, f"{what} {value:.2f} would be above {most:.2f}")


class GrossCheck:
    """All positions together are at most a share of equity (times the leverage allowed), and an amount."""

    name = "gross_exposure"

    def __call__(self, c: Candidate, v: RiskView) -> Verdict | None:
        if c.reduces or v.price is None:
            return None
        a = v.in_force.account
        most = most_of(a.gross_share * a.leverage, a.gross_value, v.equity())
        return None if most is None else _within(self.name, "gross exposure", v.gross(), most)


class NetCheck:
    """Longs less shorts, in the direction of the order."""

    name = "net_exposure"

    def __call__(self, c: Candidate, v: RiskView) -> Verdict | None:
        a = v.in_force.account
        if not a.net_share or c.reduces or v.price is None:
            return None
        return _within(self.name, "net exposure", v.net(), v.equity() * a.net_share * a.leverage)


class StrategyExposureCheck:
    """A strategy's own books together, where it has limits of its own: ``gross`` or net."""

    def __init__(self, gross: bool) -> None:
        self._gross = gross
        self._kind = "gross" if gross else "net"
        self.name = f"strategy_{self._kind}"

    def __call__(self, c: Candidate, v: RiskView) -> Verdict | None:
        own = v.in_force.strategy
        if own is None or c.reduces or v.price is None:
            return None
        share, value = (own.gross_share, own.gross_value) if self._gross else (own.net_share or None, None)
        most = most_of(share, value, v.equity())
        if most is None:
            return None
        found = v.strategy_gross() if self._gross else v.strategy_net()
        return _within(self.name, f"{self._kind} exposure of {c.strategy}", found, most)


class GroupExposureCheck:
    """Symbols that move together count together: ``gross`` or net, the group nearest its limit."""

    def __init__(self, gross: bool) -> None:
        self._gross = gross
        self.name = "group_gross" if gross else "group_net"

    def __call__(self, c: Candidate, v: RiskView) -> Verdict | None:
        if not v.in_force.groups or c.reduces or v.price is None:
            return None
        last: Verdict | None = None
        for group in v.in_force.groups:
            own = group.limits
            share, value = (own.gross_share, own.gross_value) if self._gross else (own.net_share or None, None)
            most = most_of(share, value, v.equity())
            if most is None:
                continue
            measure: Callable[[tuple[str, ...]], Decimal] = v.group_gross if self._gross else v.group_net
            last = _within(self.name, f"exposure of group {group.name}", measure(group.symbols), most)
            if not last.ok:
                return last
        return last


class MarginCheck:
    """Initial margin of all positions and orders, with the fee to open this one, fits into equity."""

    name = "margin"

    def __call__(self, c: Candidate, v: RiskView) -> Verdict | None:
        share = v.in_force.account.margin_share
        if not share or c.reduces or c.instrument.is_spot or v.price is None:
            return None
        return _within(self.name, "initial margin", v.margin(), v.equity() * share)


class LeverageCheck:
    """Derivatives together, over equity, at most the leverage allowed (times the gross share)."""

    name = "leverage"

    def __call__(self, c: Candidate, v: RiskView) -> Verdict | None:
        if c.reduces or c.instrument.is_spot or v.price is None:
            return None
        a = v.in_force.account
        most = v.equity() * a.leverage * max(a.gross_share, _ONE)
        value = v.borrowed_gross()
        if value <= most:
            return passed(self.name, most, value)
        rule = f"exposure in derivatives at {a.leverage} x {value:.2f} would be above {most:.2f}"
        return failed(self.name, most, value, rule)


class BalanceCheck:
    """Spot buys need free quote coin, spot sells free base coin."""

    name = "balance"

    def __call__(self, c: Candidate, v: RiskView) -> Verdict | None:
        price = v.price
        if not c.instrument.is_spot or price is None:
            return None
        buys = c.side is Side.BUY
        coin = c.instrument.quote_coin if buys else c.instrument.base_coin
        need = v.qty
        if buys:
            need = v.qty * price if c.quote_amount is None else c.quote_amount
        free = v.free(coin)
        if need <= free:
            return passed(self.name, free, need, coin)
        one, other = f"{text_of(free)} {coin}", f"{text_of(need)} {coin}"
        return failed(self.name, one, other, f"{need:.8f} {coin} needed, {free:.8f} free")
