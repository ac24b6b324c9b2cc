"""All metrics of an account or strategy at once: what ``portfolio metrics`` shows. Definitions: docs/metrics.md."""

import math
from collections.abc import Iterable, Sequence

from msgspec import Struct

from tradectl.performance import ratios
from tradectl.performance.breakdown import ProfitRow, total
from tradectl.performance.drawdowns import deepest, drawdowns, longest
from tradectl.performance.exposure import Exposure, exposure
from tradectl.performance.fills import Fill
from tradectl.performance.returns import Day, Flow, Mark, changes, daily
from tradectl.performance.round_trips import round_trips
from tradectl.performance.trade_statistics import TradeStatistics, trade_statistics


class Metrics(Struct, frozen=True):
    """Fractions, not per cent. NaN where there is not enough to measure. Days since 1970 for peak, trough, recovery."""

    days: int
    total_return: float
    annual_return: float
    volatility: float
    sharpe: float
    sortino: float
    calmar: float
    omega: float
    max_drawdown: float
    drawdown_peak: int | None
    drawdown_trough: int | None
    drawdown_recovered: int | None
    drawdown_days: int
    longest_drawdown_days: int
    value_at_risk: float
    expected_shortfall: float
    best_day: float
    worst_day: float
    profit: ProfitRow
    trades: TradeStatistics
    exposure: Exposure


def metrics(
    marks: Sequence[Mark], fills: Iterable[Fill], flows: Iterable[Flow] = (), periods: int = ratios.YEAR
) -> Metrics:
    """Everything, from marks of equity, fills and money moved in or out."""
    own, days = fills if isinstance(fills, Sequence) else list(fills), daily(marks, flows)
    returns = changes(days)
    fallen = drawdowns(days)
    worst, slowest = deepest(fallen), longest(fallen)
    return Metrics(
        days=len(days),
        total_return=ratios.total_return(returns),
        annual_return=ratios.annual_return(returns, periods),
        volatility=ratios.volatility(returns, periods),
        sharpe=ratios.sharpe(returns, periods),
        sortino=ratios.sortino(returns, periods),
        calmar=ratios.calmar(returns, periods),
        omega=ratios.omega(returns),
        max_drawdown=worst.depth if worst else (0.0 if returns else math.nan),
        drawdown_peak=worst.peak if worst else None,
        drawdown_trough=worst.trough if worst else None,
        drawdown_recovered=worst.recovered if worst else None,
        drawdown_days=worst.days if worst else 0,
        longest_drawdown_days=slowest.days if slowest else 0,
        value_at_risk=ratios.value_at_risk(returns),
        expected_shortfall=ratios.expected_shortfall(returns),
        best_day=max(returns, default=math.nan),
        worst_day=min(returns, default=math.nan),
        profit=total(own),
        trades=trade_statistics(round_trips(own)),
        exposure=exposure(own, marks),
    )


__all__ = ["Day", "Fill", "Flow", "Mark", "Metrics", "metrics"]
