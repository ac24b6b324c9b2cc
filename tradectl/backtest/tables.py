"""A result's lists as tables: trades, fills, orders, equity and figures. For notebooks and for CSV."""

import csv
import io
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from tradectl.backtest.frame import Frame
from tradectl.backtest.job import BacktestResult
from tradectl.backtest.report.document import plain
from tradectl.backtest.report.figures import measured, total_return
from tradectl.model.money import plain as amount_text
from tradectl.performance.round_trips import RoundTrip, round_trips


def trades_of(result: BacktestResult, hide_amounts: bool = False) -> Frame:
    """Round trips in the order they ended, open ones last (``ended`` empty). ``qty`` is the largest size held.

    ``return`` is the profit after all costs over the value entered. ``hide_amounts`` leaves out everything in money
    and gives the profit as a fraction of the first cash (``share``).
    """
    return trips_table(round_trips(result.fills, with_open=True), result.job.cash, hide_amounts)


def trips_table(trips: Iterable[RoundTrip], cash: Decimal, hide_amounts: bool = False) -> Frame:
    """Round trips as :func:`trades_of` gives them; ``cash`` is what ``share`` is a fraction of."""
    rows = [_trade(trip, cash) for trip in trips]
    names = [*_NAMES, "return", "share"] if hide_amounts else [*_NAMES, *_AMOUNTS, "return"]
    return Frame({name: [row[name] for row in rows] for name in names}, ("began", "ended"))


_NAMES = ("strategy", "category", "symbol", "side", "began", "ended", "fills")
_AMOUNTS = ("qty", "entry_value", "exit_value", "price_pnl", "fees", "funding", "slippage", "pnl")


def _trade(trip: RoundTrip, cash: Decimal) -> dict[str, Any]:
    own = {name: getattr(trip, name) for name in (*_AMOUNTS, "strategy", "began", "ended", "fills")}
    return {
        **own, "category": trip.instrument.category.value, "symbol": trip.instrument.symbol,
        "side": "long" if trip.long else "short", "return": _share(trip.pnl, trip.entry_value),
        "share": _share(trip.pnl, cash),
    }  # fmt: skip


def _share(amount: Decimal, whole: Decimal) -> float | None:
    return float(amount / whole) if whole else None


def as_csv(frame: Frame) -> str:
    """The table as CSV: times as ISO 8601 in UTC, every digit of an amount."""
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    table.writerow(frame.columns)
    for row in frame.rows():
        table.writerow([_text(value, name in frame.times) for name, value in row.items()])
    return out.getvalue()


def _text(value: Any, is_time: bool) -> str:
    if is_time:
        return datetime.fromtimestamp(value // 10**9, UTC).isoformat() if value else ""
    if isinstance(value, Decimal):
        return amount_text(value)
    return "" if value is None else str(value)


def fills_of(result: BacktestResult) -> Frame:
    """Executions and funding in order; ``qty`` is signed, 0 of funding; ``fee`` and ``funding`` > 0 were paid."""
    names = ("id", "at", "strategy", "qty", "price", "value", "fee", "funding", "realised", "slippage", "maker")
    columns: dict[str, list[Any]] = {name: [getattr(it, name) for it in result.fills] for name in names}
    columns["category"] = [it.instrument.category.value for it in result.fills]
    columns["symbol"] = [it.instrument.symbol for it in result.fills]
    columns["order"] = [it.execution.order_id for it in result.executions]
    return Frame(columns, ("at",))


def orders_of(result: BacktestResult) -> Frame:
    """Each order in its last state."""
    names = ("created", "at", "order_id", "link_id", "strategy", "qty", "price", "filled", "avg_price", "fees",
             "reduce_only", "reason", "stop_type", "take_profit", "stop_loss")  # fmt: skip
    columns: dict[str, list[Any]] = {name: [getattr(it, name) for it in result.orders] for name in names}
    for name in ("side", "type", "time_in_force", "status"):
        columns[name] = [getattr(it, name).value for it in result.orders]
    columns["category"] = [it.instrument.category.value for it in result.orders]
    columns["symbol"] = [it.instrument.symbol for it in result.orders]
    return Frame(columns, ("created", "at"))


def equity_of(result: BacktestResult) -> Frame:
    """Equity and gross exposure at the samples, in the settle coin."""
    names = ("at", "equity", "exposure")
    return Frame({name: [getattr(it, name) for it in result.samples] for name in names}, ("at",))


def metrics_of(result: BacktestResult) -> Frame:
    """Every figure by name: ``returns.sharpe``, ``trades.win_rate``, ``profit.fees``; ``None``: it has no value."""
    groups = {**measured(result.metrics, total_return(result)), "profit": plain(result.metrics.profit)}
    flat: dict[str, Any] = {}
    for group, figures in groups.items():
        if isinstance(figures, dict):
            flat.update({f"{group}.{name}": value for name, value in figures.items()})
    numbers = {name: value for name, value in flat.items() if not isinstance(value, str)}
    values = [None if it is None else float(it) for it in numbers.values()]
    return Frame({"name": list(numbers), "value": values})
