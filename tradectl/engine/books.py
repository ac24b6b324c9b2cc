"""Books of a position: size and *cost*, never an average price, because division does not terminate.

A partial close rounds its profit half-even to the settle coin's eight decimals and leaves the remainder in cost, so
that cash + cost is conserved to the last digit (decision 16): ``realised == cash_flow + cost`` at every moment.

An inverse contract is worth coins, ``size / price`` rounded half-even to eight decimals as the venue states it, and
with the opposite sign: who is long owes the coins of its dollars. With that, one rule holds for all of them.
"""

from collections.abc import Iterable
from decimal import Decimal

from msgspec import Struct

from tradectl.model.instruments import Category, InstrumentId
from tradectl.model.money import ZERO, to_coin

#: A flat position's cost below this share of the last trade is what a venue's rounded figures left; it is dropped.
_DUST = Decimal("1e-7")
#: What adds up over books exactly.
_SUMS = ("size", "cost", "realised", "fees", "funding", "cash_flow", "slippage")


class Components(Struct, frozen=True):
    """Where a profit came from: ``price`` is what the trades would have made at the market's middle of each decision,
    ``slippage``, ``fees`` and ``funding`` > 0 were lost."""

    price: Decimal
    slippage: Decimal
    fees: Decimal
    funding: Decimal

    @property
    def total(self) -> Decimal:
        """The profit, open positions included."""
        return self.price - self.slippage - self.fees - self.funding


class Book(Struct):
    """One position: ``size`` and ``cost`` are signed; ``cash_flow`` is minus the signed value of all trades.

    ``cash_flow``, ``fees``, ``funding`` (paid > 0) and ``slippage`` (lost > 0) add up over books exactly; ``realised``
    is per book. Amounts are in the coin the instrument is settled in, of spot in the quote coin.
    """

    size: Decimal = ZERO
    cost: Decimal = ZERO
    realised: Decimal = ZERO
    fees: Decimal = ZERO
    funding: Decimal = ZERO
    cash_flow: Decimal = ZERO
    opened: int = 0
    inverse: bool = False
    slippage: Decimal = ZERO

    def worth(self, size: Decimal, price: Decimal) -> Decimal:
        """What holding signed ``size`` at ``price`` is worth to its owner."""
        return -to_coin(size / price) if self.inverse else size * price

    def trade(
        self, sign: int, qty: Decimal, price: Decimal, stated_pnl: Decimal | None = None, value: Decimal | None = None
    ) -> Decimal:
        """Book a trade of ``qty`` > 0 at ``price`` (``sign`` +1 buy, -1 sell); returns the profit it realised.

        ``stated_pnl`` is the venue's own figure, which wins over ours: the difference stays in cost. With it the
        outcome does not depend on the order in which trades become known. ``value`` (> 0) is the venue's figure for
        what was traded, where it is not simply ``qty * price``.
        """
        signed = qty if sign > 0 else -qty
        if value is not None:
            worth = sign * (-value if self.inverse else value)
        else:
            worth = self.worth(signed, price) if self.inverse else signed * price
        self.cash_flow -= worth
        if stated_pnl is not None:
            return self._as_stated(signed, worth, stated_pnl)
        size = self.size
        if not size or (size > ZERO) is (sign > 0):
            self.size = size + signed
            self.cost += worth
            return ZERO
        if not size + signed:
            realised = -worth - self.cost
            self.size, self.cost = size + signed, ZERO
        else:
            realised = self._close(sign, qty, price, worth)
        self.realised += realised
        return realised

    def _as_stated(self, qty: Decimal, worth: Decimal, realised: Decimal) -> Decimal:
        self.size += qty
        self.cost += worth + realised
        self.realised += realised
        if not self.size and abs(self.cost) < abs(worth) * _DUST:
            self.cost = ZERO
        return realised

    def _close(self, sign: int, qty: Decimal, price: Decimal, worth: Decimal) -> Decimal:
        """A part of what is held, or more than that: the rest opens the other side."""
        size = abs(self.size)
        if qty > size:
            closed = self.worth(sign * size, price)
            realised, self.cost = -closed - self.cost, ZERO + worth - closed
        else:
            realised = to_coin(-worth - self.cost * qty / size)
            self.cost += worth + realised
        self.size += sign * qty
        return realised

    def pay_in_kind(self, qty: Decimal, price: Decimal) -> Decimal:
        """A fee of ``qty`` taken out of what was bought (< 0 given): so much is sold at ``price`` to pay it. Returns
        the profit of that sale."""
        self.fees += qty * price
        return self.trade(-1 if qty > 0 else 1, abs(qty), price) if qty else ZERO

    def slip(self, sign: int, qty: Decimal, price: Decimal, arrival: Decimal) -> Decimal:
        """Note and return what a trade lost (> 0) against ``arrival``, the market's middle when it was decided."""
        signed = qty if sign > 0 else -qty
        if self.inverse:
            lost = self.worth(signed, price) - self.worth(signed, arrival)
        else:
            lost = signed * price - signed * arrival
        self.slippage += lost
        return lost

    def clear(self) -> None:
        """Forget everything: the book was handed over."""
        for name in _SUMS:
            setattr(self, name, ZERO)

    def merge(self, other: "Book") -> None:
        """Take over another book of the same instrument; opposite sizes close each other at their own costs."""
        kept = self if abs(self.size) >= abs(other.size) else other
        size = self.size + other.size
        opposite = self.size * other.size < 0
        cost = to_coin(kept.cost * size / kept.size) if opposite else self.cost + other.cost
        for name in ("fees", "funding", "cash_flow", "slippage"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.realised += other.realised + (cost - self.cost - other.cost)
        self.size, self.cost = size, cost

    def unrealised(self, mark: Decimal) -> Decimal:
        """Profit of the open size at ``mark``, in the settle coin."""
        return self.worth(self.size, mark) - self.cost

    def equity(self, mark: Decimal | None) -> Decimal:
        """Profit since the book's start: trades, fees, funding and the open size at ``mark``, else at its entry."""
        held = self.cost if mark is None else self.worth(self.size, mark)
        return self.cash_flow - self.fees - self.funding + held

    def components(self, mark: Decimal | None) -> Components:
        """:meth:`equity` by where it came from; ``components(mark).total == equity(mark)`` to the last digit."""
        return Components(
            self.equity(mark) + self.slippage + self.fees + self.funding, self.slippage, self.fees, self.funding
        )


def new_book(instrument: InstrumentId) -> Book:
    """An empty book that counts as its instrument does."""
    return Book(inverse=instrument.category is Category.INVERSE)


def sum_of(books: Iterable[Book]) -> Book:
    """Several books of one instrument as one; ``unrealised`` of it is theirs together, also when its size is 0."""
    total = Book()
    for book in books:
        total.inverse = book.inverse
        for name in _SUMS:
            setattr(total, name, getattr(total, name) + getattr(book, name))
    return total
