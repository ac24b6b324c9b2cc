"""The figures of a backtest: what the terminal, ``--json``, the page and the list of runs show.

Plain dicts with Decimals for amounts and floats for ratios (``None`` where there is nothing to measure), times in
nanoseconds, dates as UTC days. Fractions, not per cent. Definitions: docs/metrics.md.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from tradectl.backtest.engines import ENGINE, WHY
from tradectl.backtest.job import BacktestResult
from tradectl.backtest.report.benchmark import Held, buy_and_hold
from tradectl.backtest.report.document import plain
from tradectl.model.money import ZERO
from tradectl.performance.breakdown import breakdown, total
from tradectl.performance.fills import Fill
from tradectl.performance.metrics import Metrics
from tradectl.performance.returns import Flow
from tradectl.performance.round_trips import round_trips
from tradectl.performance.trade_statistics import trade_statistics

Row = dict[str, Any]
_RETURNS = ("total_return", "annual_return", "volatility", "sharpe", "sortino", "calmar", "omega", "max_drawdown",
            "value_at_risk", "expected_shortfall", "best_day", "worst_day")  # fmt: skip


def summary(result: BacktestResult) -> Row:
    """Everything one looks at first, without the lists of trades, orders and samples."""
    held = buy_and_hold(result)
    return {
        **about(result),
        **measured(result.metrics, total_return(result)),
        "profit": profit(result),
        "buy_and_hold": [_held_row(it) for it in held],
        "per_strategy": [_strategy_row(result, name) for name in sorted(result.per_strategy)],
        "per_symbol": _symbol_rows(result.fills),
        "warnings": [plain(it) for it in result.warnings],
        "models": dict(result.models),
        "missing": dict(result.missing),
        "decided": result.decided,
        "refused": dict(result.refused),
        "stopped": dict(result.stopped),
        "cpu_seconds": result.cpu_seconds,
        "wall_seconds": result.wall_seconds,
    }


def about(result: BacktestResult) -> Row:
    """What was run over what."""
    job = result.job
    return {
        "strategies": [strategy_row(it) for it in job.strategies],
        "instruments": [str(it) for it in job.instruments],
        "interval": job.interval,
        "since": job.since,
        "until": job.until,
        "ended": result.ended,
        "interrupted": result.interrupted,
        "candles": result.candles,
        "coin": job.settle_coin,
        "cash": job.cash,
        "final_equity": result.final_equity,
        "leverage": job.leverage,
        "data_fingerprint": result.data_fingerprint,
        "code": result.code,
        **engine_of(result),
    }


def engine_of(result: BacktestResult) -> Row:
    """Which engine ran it, and why arrays did not; nothing where nobody said."""
    named = {"engine": ENGINE, "not_over_arrays": WHY}
    return {name: result.extra[key] for name, key in named.items() if key in result.extra}


def strategy_row(config: Any) -> Row:
    """A strategy instance as it was set: its parameters by name."""
    return {"name": config.name, "class": config.class_ or config.name, "capital": config.capital,
            "params": dict(config.params)}  # fmt: skip


def flows_of(result: BacktestResult) -> tuple[Flow, ...]:
    """Money paid in and out: never in a backtest, but a recorded run keeps it in ``extra``."""
    return tuple(Flow(int(at), amount) for at, amount in result.extra.get("flows", ()))


def total_return(result: BacktestResult) -> float:
    """From the first cash to the last equity; with money paid in or out that of the days."""
    cash = result.job.cash
    if flows_of(result):
        return result.metrics.total_return
    return float(result.final_equity / cash - 1) if cash else float("nan")


def measured(found: Metrics, whole: float | None = None) -> Row:
    """The figures of an account or a strategy, grouped as ``portfolio metrics`` groups them."""
    returns = {name: _number(getattr(found, name)) for name in _RETURNS}
    if whole is not None:
        returns["total_return"] = _number(whole)
    return {
        "days": found.days, "returns": returns, "drawdown": fall(found), "trades": plain(found.trades),
        "exposure": plain(found.exposure),
    }  # fmt: skip


def fall(found: Metrics) -> Row | None:
    """The deepest drawdown with its dates, ``None`` when there was none."""
    if found.drawdown_peak is None or found.drawdown_trough is None:
        return None
    back = found.drawdown_recovered
    return {
        "depth": found.max_drawdown, "peak": date(found.drawdown_peak), "trough": date(found.drawdown_trough),
        "recovered": None if back is None else date(back), "days": found.drawdown_days,
        "longest_days": found.longest_drawdown_days,
    }  # fmt: skip


def date(day: int) -> str:
    """The UTC date of a day since 1970."""
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=day)).strftime("%Y-%m-%d")


def profit(result: BacktestResult) -> Row:
    """Where the money went: ``change = price - slippage - fees - funding + unrealised``, exactly, transfers apart.

    ``price`` is what would have been realised at the market's middle of each decision.
    """
    row = total(result.fills)
    moved = sum((it.amount for it in flows_of(result)), ZERO)
    change = result.final_equity - result.job.cash - moved
    return {
        "price": row.price, "slippage": row.slippage, "fees": row.fees, "funding": row.funding, "net": row.net,
        "unrealised": change - row.net, "change": change, "transfers": moved, "volume": row.volume,
        "fills": row.trades,
    }  # fmt: skip


def _held_row(held: Held) -> Row:
    names = ("total_return", "annual_return", "sharpe", "max_drawdown")
    return {"instrument": held.name, **{name: _number(getattr(held.figures, name)) for name in names}}


def _strategy_row(result: BacktestResult, name: str) -> Row:
    found = result.per_strategy[name]
    return {"name": name, **measured(found), "profit": plain(found.profit)}


def _symbol_rows(fills: Iterable[Fill]) -> list[Row]:
    own = list(fills)
    trips = round_trips(own)
    rows = []
    for row in breakdown(own, "symbol"):
        figures = trade_statistics([trip for trip in trips if str(trip.instrument) == row.key])
        rows.append({"instrument": row.key, "profit": plain(row), "trades": plain(figures)})
    return rows


def _number(value: float) -> float | None:
    return value if value == value else None
