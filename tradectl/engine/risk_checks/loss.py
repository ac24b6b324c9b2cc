"""What was lost already, and what holding the position would cost: an entry is refused the moment a limit is reached.

The standing watch latches the same limits; until its next look these checks keep the door shut.
"""

from decimal import Decimal

from tradectl.engine.risk_checks.candidate import Candidate, RiskView, Verdict, failed, passed, percent
from tradectl.model.money import ZERO, exact, plain


def _loss(name: str, what: str, start: Decimal, loss: Decimal, share: Decimal) -> Verdict | None:
    if start <= 0 or not share:
        return None
    most = start * share
    if loss < most:
        return passed(name, most, loss if loss > 0 else ZERO)
    return failed(name, most, max(loss, ZERO), f"{what} of {loss:.2f} reached {percent(share)} of {start:.2f}")


class DayLossCheck:
    """The loss since the UTC day began, realised and unrealised, against a share of equity at its beginning."""

    name = "day_loss"

    def __call__(self, c: Candidate, v: RiskView) -> Verdict | None:
        g = v.guard
        if c.reduces or g.day < 0:
            return None
        return _loss(self.name, self.name, g.day_open, g.day_open - v.equity(), v.in_force.account.day_loss_share)


class DayRealisedCheck:
    """The realised loss of the day alone: closed trades, fees and funding."""

    name = "day_realised"

    def __call__(self, c: Candidate, v: RiskView) -> Verdict | None:
        share, g = v.in_force.account.day_realised_share, v.guard
        if not share or c.reduces or g.day < 0:
            return None
        return _loss(self.name, "realised loss", g.day_open, g.realised_open - v.realised(), share)


class DrawdownCheck:
    """The loss from the highest equity seen."""

    name = "drawdown"

    def __call__(self, c: Candidate, v: RiskView) -> Verdict | None:
        g = v.guard
        if c.reduces or g.day < 0:
            return None
        return _loss(self.name, self.name, g.peak, g.peak - v.equity(), v.in_force.account.drawdown_share)


class StrategyLossCheck:
    """One strategy's loss of the day, or from its highest, against a share of the account's equity."""

    def __init__(self, drawdown: bool) -> None:
        self._drawdown = drawdown
        self.name = "strategy_drawdown" if drawdown else "strategy_day_loss"

    def __call__(self, c: Candidate, v: RiskView) -> Verdict | None:
        own, g = v.in_force.strategy, v.guard.strategies.get(c.strategy)
        if own is None or g is None or c.reduces or g.day < 0:
            return None
        share = own.drawdown_share if self._drawdown else own.day_loss_share
        if share is None:
            return None
        start = v.guard.peak if self._drawdown else v.guard.day_open
        loss = (g.peak if self._drawdown else g.day_open) - v.strategy_equity()
        return _loss(self.name, f"{self.name} of {c.strategy}", start, loss, share)


class LiquidationCheck:
    """A position whose liquidation price is near may not grow."""

    name = "liquidation_distance"

    def __call__(self, c: Candidate, v: RiskView) -> Verdict | None:
        share, price, mark = v.limits.liquidation_share, v.guard.liquidation.get(c.instrument.id), v.mark
        if not share or not price or mark is None or c.reduces:
            return None
        if v.position() * c.side.sign < 0:
            return None  # the order's side does not lead towards more of the position that is there
        away = abs(mark - price) / mark
        if away >= share:
            return passed(self.name, share, away)
        rule = f"the liquidation price {plain(price)} is {percent(away)} from mark {plain(mark)}"
        return failed(self.name, share, away, rule)


class FundingCheck:
    """What the position would pay at the next funding."""

    name = "funding_cost"

    def __call__(self, c: Candidate, v: RiskView) -> Verdict | None:
        share, ticker = v.limits.funding_share, v.ticker
        if not share or c.reduces or v.price is None or ticker is None or not ticker.funding_rate:
            return None
        rate = exact(ticker.funding_rate)
        cost = v.position_value() * rate * (1 if v.position() > 0 else -1)
        most = v.equity() * share
        if cost <= most:
            return passed(self.name, most, cost if cost > 0 else ZERO)
        return failed(self.name, most, cost, f"the next funding would cost {cost:.2f}, {most:.2f} is allowed")
