"""The figures of a result a search can be after, by name."""

from collections.abc import Callable

from msgspec import Struct

from tradectl.backtest.job import BacktestResult


class Measure(Struct, frozen=True):
    """A figure of a result; ``high``: the higher the better. Losses are told as their size, so lower is better."""

    get: Callable[[BacktestResult], float]
    high: bool = True


MEASURES: dict[str, Measure] = {
    "sharpe": Measure(lambda r: r.metrics.sharpe),
    "sortino": Measure(lambda r: r.metrics.sortino),
    "calmar": Measure(lambda r: r.metrics.calmar),
    "omega": Measure(lambda r: r.metrics.omega),
    "total_return": Measure(lambda r: r.metrics.total_return),
    "annual_return": Measure(lambda r: r.metrics.annual_return),
    "profit": Measure(lambda r: float(r.metrics.profit.net)),
    "final_equity": Measure(lambda r: float(r.final_equity)),
    "volatility": Measure(lambda r: r.metrics.volatility, high=False),
    "max_drawdown": Measure(lambda r: abs(r.metrics.max_drawdown), high=False),
    "drawdown_days": Measure(lambda r: float(r.metrics.drawdown_days), high=False),
    "value_at_risk": Measure(lambda r: -r.metrics.value_at_risk, high=False),
    "expected_shortfall": Measure(lambda r: -r.metrics.expected_shortfall, high=False),
    "trades": Measure(lambda r: float(r.metrics.trades.trades)),
    "win_rate": Measure(lambda r: r.metrics.trades.win_rate),
    "profit_factor": Measure(lambda r: r.metrics.trades.profit_factor),
    "payoff": Measure(lambda r: r.metrics.trades.payoff),
    "expectancy": Measure(lambda r: float(r.metrics.trades.expectancy)),
    "exposure": Measure(lambda r: r.metrics.exposure.time, high=False),
    "turnover": Measure(lambda r: r.metrics.exposure.turnover_yearly, high=False),
    "fees": Measure(lambda r: float(r.metrics.profit.fees), high=False),
}
