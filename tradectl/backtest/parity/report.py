"""What a comparison found: both profits, the causes that add up to their difference, and every row behind them."""

from collections.abc import Iterable
from decimal import Decimal

from msgspec import Struct

from tradectl.backtest.parity.matching import pairs
from tradectl.backtest.parity.orders import Side, Units
from tradectl.backtest.parity.waterfall import Cause, Row, Touch, Waterfall, funding_rows
from tradectl.model.money import ZERO

#: Orders this far apart (nanoseconds) may still be the same one: a minute.
WINDOW = 60 * 10**9


class CauseSum(Struct, frozen=True):
    """What one cause made in one coin: recorded minus backtest, from so many rows."""

    cause: Cause
    coin: str
    amount: Decimal
    rows: int


class Profit(Struct, frozen=True):
    """Profit in one coin, all fills valued at the common marks; ``explained`` is the sum of the causes."""

    coin: str
    recorded: Decimal
    backtest: Decimal
    explained: Decimal

    @property
    def difference(self) -> Decimal:
        return self.recorded - self.backtest

    @property
    def unexplained(self) -> Decimal:
        """0, or the comparison is wrong."""
        return self.difference - self.explained


class Counts(Struct, frozen=True):
    """Orders and fills of both sides, and how many orders have a twin."""

    recorded_orders: int
    backtest_orders: int
    matched: int
    recorded_fills: int
    backtest_fills: int


class ParityReport(Struct, frozen=True):
    """``profits`` and ``causes`` by coin; ``rows`` in the order of the decisions."""

    profits: tuple[Profit, ...]
    causes: tuple[CauseSum, ...]
    rows: tuple[Row, ...]
    counts: Counts

    @property
    def explained(self) -> bool:
        """Whether the causes add up to the difference to the last digit."""
        return all(not it.unexplained for it in self.profits)


def compare(recorded: Side, backtest: Side, units: Units, touch: Touch, window: int = WINDOW) -> ParityReport:
    """Explain every difference between the two sides. Raises ``KeyError`` for an instrument without a mark."""
    matched = pairs(recorded.orders, backtest.orders, window)
    waterfall = Waterfall(units, touch)
    rows = [row for pair in matched for row in waterfall.rows(pair)]
    rows += funding_rows(recorded.funding, backtest.funding)
    left, right, explained = _profit(recorded, units), _profit(backtest, units), _by_coin(rows)
    coins = sorted({*left, *right, *explained})
    profits = tuple(
        Profit(it, left.get(it, ZERO), right.get(it, ZERO), explained.get(it, ZERO)) for it in coins
    )  # fmt: skip
    counts = Counts(
        len(recorded.orders), len(backtest.orders), sum(a is not None and b is not None for a, b in matched),
        sum(len(it.pieces) for it in recorded.orders), sum(len(it.pieces) for it in backtest.orders),
    )  # fmt: skip
    return ParityReport(profits, _sums(rows), tuple(rows), counts)


def _profit(side: Side, units: Units) -> dict[str, Decimal]:
    """Profit by coin, straight from the fills."""
    found: dict[str, Decimal] = {}

    def add(coin: str, amount: Decimal) -> None:
        found[coin] = found.get(coin, ZERO) + amount

    for order in side.orders:
        for piece in order.pieces:
            add(units.coin(order.instrument), units.worth(order.instrument, order.sign, piece))
            coin, fee = units.fee(order.instrument, piece)
            add(coin, -fee)
    for paid in side.funding:
        add(paid.coin, -paid.amount)
    return found


def _by_coin(rows: Iterable[Row]) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for row in rows:
        found[row.coin] = found.get(row.coin, ZERO) + row.amount
    return found


def _sums(rows: Iterable[Row]) -> tuple[CauseSum, ...]:
    found: dict[tuple[str, Cause], list[Decimal]] = {}
    for row in rows:
        found.setdefault((row.coin, row.cause), []).append(row.amount)
    order = list(Cause)
    keys = sorted(found, key=lambda it: (it[0], order.index(it[1])))
    return tuple(CauseSum(cause, coin, sum(found[coin, cause], ZERO), len(found[coin, cause])) for coin, cause in keys)
