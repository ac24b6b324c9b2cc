"""Cost basis: which purchase a sale came from (first in, first out) or what it cost on average, in one currency.

Every disposal is a row with proceeds, cost basis and gain, fees included on both sides, as tax offices want it: the fee
of a purchase raises its cost, the fee of a sale lowers its proceeds. A short position is opened by a sale: then the
roles are turned and the gain is known when it is bought back. Amounts are rounded to ``places`` half-even only where
a division forces it; what is rounded off one row stays in the lot, so nothing is lost over all rows.
"""

from collections import deque
from collections.abc import Callable, Iterable
from decimal import ROUND_HALF_EVEN, Decimal
from enum import Enum

from msgspec import Struct

from tradectl.model.instruments import InstrumentId
from tradectl.performance.fills import Fill, in_order


class Basis(str, Enum):
    FIFO = "fifo"
    AVERAGE = "average"


class Disposal(Struct, frozen=True):
    """One closed piece. ``gain = proceeds - cost`` for longs and shorts alike; ``acquired`` is when it was opened
    (with the average method: when the position was). ``short``: it was sold first."""

    id: str
    strategy: str
    instrument: InstrumentId
    qty: Decimal
    acquired: int
    disposed: int
    proceeds: Decimal
    cost: Decimal
    gain: Decimal
    short: bool


class Lot(Struct):
    """An open piece: ``qty`` > 0 and the value it was opened at, fees included, in the chosen currency."""

    qty: Decimal
    value: Decimal
    at: int


#: What one unit of the fill's money is worth in the chosen currency at the fill's time.
RateOf = Callable[[Fill], Decimal]


def one(fill: Fill) -> Decimal:
    """The rate when the chosen currency is the one profit is counted in."""
    return Decimal(1)


class CostBasis:
    """Keeps open lots by book and matches what closes them."""

    def __init__(self, method: Basis, rate_of: RateOf = one, places: int = 8) -> None:
        self._method, self._rate_of = method, rate_of
        self._step = Decimal(1).scaleb(-places)
        self._lots: dict[tuple[str, InstrumentId], deque[Lot]] = {}
        self._short: dict[tuple[str, InstrumentId], bool] = {}

    def disposals(self, fills: Iterable[Fill]) -> list[Disposal]:
        """The rows of ``fills``, which are taken in their order of time; lots stay open between calls."""
        return [row for fill in in_order(fills) if fill.qty for row in self._take(fill)]

    def open_lots(self, strategy: str, instrument: InstrumentId) -> list[Lot]:
        """What is still open, oldest first."""
        return list(self._lots.get((strategy, instrument), ()))

    def _take(self, fill: Fill) -> list[Disposal]:
        key = (fill.strategy, fill.instrument)
        lots = self._lots.setdefault(key, deque())
        selling = fill.qty < 0
        rate = self._rate_of(fill)
        fee, value, left = fill.fee * rate, abs(fill.value) * rate, abs(fill.qty)
        worth = value - fee if selling else value + fee
        rows: list[Disposal] = []
        while left and lots and self._short[key] is not selling:
            piece = min(left, lots[0].qty)
            share = worth if piece == left else self._rounded(worth * piece / left)
            rows.append(self._close(fill, lots, piece, share, short=not selling))
            left, worth = left - piece, worth - share
        if left:
            self._open(lots, Lot(left, worth, fill.at))
            self._short[key] = selling
        return rows

    def _close(self, fill: Fill, lots: deque[Lot], piece: Decimal, worth: Decimal, short: bool) -> Disposal:
        lot = lots[0]
        opened = lot.value if piece == lot.qty else self._rounded(lot.value * piece / lot.qty)
        lot.qty, lot.value = lot.qty - piece, lot.value - opened
        if not lot.qty:
            lots.popleft()
        proceeds, cost = (opened, worth) if short else (worth, opened)
        return Disposal(
            fill.id, fill.strategy, fill.instrument, piece, lot.at, fill.at, proceeds, cost, proceeds - cost, short
        )

    def _open(self, lots: deque[Lot], lot: Lot) -> None:
        if lots and self._method is Basis.AVERAGE:
            lots[0].qty += lot.qty
            lots[0].value += lot.value
        else:
            lots.append(lot)

    def _rounded(self, value: Decimal) -> Decimal:
        return value.quantize(self._step, ROUND_HALF_EVEN)
