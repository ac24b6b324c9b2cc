"""Profit by day, week, month, strategy or symbol, split into price, slippage, fees and funding.

``net = price - slippage - fees - funding``, where ``price`` is what would have been realised at the market's middle of
each decision: ``realised = price - slippage``. Open positions are not part of it. Every amount adds up exactly.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal

from msgspec import Struct

from tradectl.model.money import ZERO
from tradectl.performance.fills import Fill


class ProfitRow(Struct, frozen=True):
    """The profit of one ``key``; ``trades`` counts fills. ``volume`` is the traded value."""

    key: str
    realised: Decimal
    price: Decimal
    slippage: Decimal
    fees: Decimal
    funding: Decimal
    net: Decimal
    volume: Decimal
    trades: int


def _moment(fill: Fill) -> datetime:
    return datetime.fromtimestamp(fill.at // 10**9, UTC)


def _week(fill: Fill) -> str:
    year, week, _ = _moment(fill).isocalendar()
    return f"{year}-W{week:02d}"


#: How ``by`` groups: UTC days and months, ISO weeks, strategies, and symbols with their category.
GROUPINGS: dict[str, Callable[[Fill], str]] = {
    "day": lambda fill: _moment(fill).strftime("%Y-%m-%d"),
    "week": _week,
    "month": lambda fill: _moment(fill).strftime("%Y-%m"),
    "strategy": lambda fill: fill.strategy,
    "symbol": lambda fill: str(fill.instrument),
}


def breakdown(fills: Iterable[Fill], by: str) -> list[ProfitRow]:
    """Rows by key in rising order. Raises ``KeyError`` for an unknown grouping."""
    key_of = GROUPINGS[by]
    groups: dict[str, list[Fill]] = {}
    for fill in fills:
        groups.setdefault(key_of(fill), []).append(fill)
    return [_row(key, groups[key]) for key in sorted(groups)]


def total(fills: Iterable[Fill]) -> ProfitRow:
    """All of it in one row."""
    return _row("total", fills if isinstance(fills, Sequence) else list(fills))


def _row(key: str, fills: Sequence[Fill]) -> ProfitRow:
    realised, slippage = sum((f.realised for f in fills), ZERO), sum((f.slippage for f in fills), ZERO)
    fees, funding = sum((f.fee for f in fills), ZERO), sum((f.funding for f in fills), ZERO)
    volume = sum((abs(f.value) for f in fills), ZERO)
    trades = sum(1 for f in fills if f.qty)
    net = realised - fees - funding
    return ProfitRow(key, realised, realised + slippage, slippage, fees, funding, net, volume, trades)
