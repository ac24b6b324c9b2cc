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


class _Piece(Struct, frozen=True):
    """A fill or a part of one: ``qty`` signed, ``value`` not."""

    qty: Decimal
    value: Decimal
    fee: Decimal
    slippage: Decimal
    realised: Decimal


class _Open:
    """A round trip under way."""

    def __init__(self, fill: Fill, long: bool) -> None:
        self.first, self.long = fill, long
        self.size = self.most = self.entry = self.exit = self.entered = ZERO
        self.pnl = self.fees = self.funding = self.slippage = ZERO
        self.fills = 0

    def take(self, piece: "_Piece") -> None:
        """Count a fill, or the part of one that belongs here."""
        self.size += piece.qty
        self.most = max(self.most, abs(self.size))
        if (piece.qty > 0) is self.long:
            self.entry += piece.value
            self.entered += abs(piece.qty)
        else:
            self.exit += piece.value
        self.pnl += piece.realised
        self.fees += piece.fee
        self.slippage += piece.slippage
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
    first, rest = _pieces(fill, current.size)
    current.take(first)
    if current.size:
        return None
    del working[key]
    if rest is not None:
        after = working[key] = _Open(fill, rest.qty > 0)
        after.take(rest)
    return current.record(fill.at)


def _pieces(fill: Fill, held: Decimal) -> tuple[_Piece, _Piece | None]:
    """The whole fill, or what closes ``held`` and what opens anew; the two add up to the last digit."""
    whole = _Piece(fill.qty, abs(fill.value), fill.fee, fill.slippage, fill.realised)
    if fill.qty * held >= 0 or abs(fill.qty) <= abs(held):
        return whole, None
    value, fee, slippage = (to_coin(a * held / -fill.qty) for a in (whole.value, whole.fee, whole.slippage))
    first = _Piece(-held, value, fee, slippage, fill.realised)
    return first, _Piece(fill.qty + held, whole.value - value, whole.fee - fee, whole.slippage - slippage, ZERO)
