"""Round trips: a book's position from flat to flat. A fill that turns the position ends one and begins the next."""

from collections.abc import Iterable
from decimal import Decimal

from msgspec import Struct

from tradectl.model.instruments import InstrumentId
from tradectl.model.money import ZERO, to_coin
from tradectl.performance.fills import Fill, in_order


class RoundTrip(Struct, frozen=True):
    """One trade as a trader counts them. Amounts in the settle coin; ``pnl`` is after fees and funding.

    ``long``: it was bought first. ``qty`` is the largest size held, ``entered`` all that was entered (more than ``qty``
    when it was reduced and enlarged again); times are of the first and last fill, ``ended`` 0
    while it is open (then ``pnl`` holds what was realised so far).
    """

    strategy: str
    instrument: InstrumentId
    long: bool
    qty: Decimal
    began: int
    ended: int
    entry_value: Decimal
    exit_value: Decimal
    price_pnl: Decimal
    fees: Decimal
    funding: Decimal
    slippage: Decimal
    fills: int
    entered: Decimal = ZERO

    @property
    def pnl(self) -> Decimal:
        """Profit after fees and funding."""
        return self.price_pnl - self.fees - self.funding


class _Open:
    """A round trip under way."""

    def __init__(self, fill: Fill, long: bool) -> None:
        self.first, self.long = fill, long
        self.size = self.most = self.entry = self.exit = self.entered = ZERO
        self.pnl = self.fees = self.funding = self.slippage = ZERO
        self.fills = 0

    def take(self, qty: Decimal, value: Decimal, fee: Decimal, slippage: Decimal, realised: Decimal) -> None:
        """Count a fill, or the part of one that belongs here: ``qty`` signed, ``value`` not."""
        self.size += qty
        if (qty > 0) is self.long:
            self.entry += value
            self.entered += abs(qty)
            self.most = max(self.most, abs(self.size))
        else:
            self.exit += value
        self.pnl += realised
        self.fees += fee
        self.slippage += slippage
        self.fills += 1

    def record(self, ended: int) -> RoundTrip:
        f = self.first
        return RoundTrip(
            f.strategy, f.instrument, self.long, self.most, f.at, ended, self.entry, self.exit, self.pnl, self.fees,
            self.funding, self.slippage, self.fills, self.entered,
        )  # fmt: skip


def round_trips(fills: Iterable[Fill], with_open: bool = False) -> list[RoundTrip]:
    """Every round trip of every book, in the order they ended; open ones last when asked for."""
    found: list[RoundTrip] = []
    working: dict[tuple[str, InstrumentId], _Open] = {}
    for fill in in_order(fills):
        key = (fill.strategy, fill.instrument)
        current = working.get(key)
        if not fill.qty:
            if current is not None:
                current.funding += fill.funding
            continue
        ended = _take(fill, current, working, key)
        if ended is not None:
            found.append(ended)
    return found + ([trip.record(0) for trip in working.values()] if with_open else [])


def _take(
    fill: Fill, current: _Open | None, working: dict[tuple[str, InstrumentId], _Open], key: tuple[str, InstrumentId]
) -> RoundTrip | None:
    if current is None:
        current = working[key] = _Open(fill, fill.qty > 0)
    after = _turned(fill, current)
    if after is None:
        current.take(fill.qty, abs(fill.value), fill.fee, fill.slippage, fill.realised)
        if current.size:
            return None
        del working[key]
    else:
        working[key] = after
    return current.record(fill.at)


def _turned(fill: Fill, held: _Open) -> _Open | None:
    """What a fill opens anew that turns the position, ``held`` being closed by the rest of it; else ``None``.

    The two parts add up to the last digit.
    """
    qty, size = fill.qty, held.size
    if (qty > 0) is held.long or abs(qty) <= abs(size):
        return None
    all_of_it = abs(fill.value), fill.fee, fill.slippage
    value, fee, slippage = (to_coin(a * size / -qty) for a in all_of_it)
    held.take(-size, value, fee, slippage, fill.realised)
    after = _Open(fill, qty > 0)
    after.take(qty + size, all_of_it[0] - value, all_of_it[1] - fee, all_of_it[2] - slippage, ZERO)
    return after
