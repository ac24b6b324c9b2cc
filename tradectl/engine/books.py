"""Books of a position: size and *cost*, never an average price, because division does not terminate.

A partial close rounds its profit half-even to the settle coin's eight decimals and leaves the remainder in cost, so
that cash + cost is conserved to the last digit (decision 16): ``realised == cash_flow + cost`` at every moment.
"""

from decimal import Decimal

from msgspec import Struct

from tradectl.model.money import ZERO, to_coin

#: A flat position's cost below this share of the last trade is what a venue's rounded figures left; it is dropped.
_DUST = Decimal("1e-7")


class Book(Struct):
    """One position: ``size`` and ``cost`` are signed; ``cash_flow`` is minus the signed value of all trades.

    ``cash_flow``, ``fees`` and ``funding`` (paid > 0) add up over books exactly; ``realised`` is per book.
    """

    size: Decimal = ZERO
    cost: Decimal = ZERO
    realised: Decimal = ZERO
    fees: Decimal = ZERO
    funding: Decimal = ZERO
    cash_flow: Decimal = ZERO
    opened: int = 0

    def trade(self, sign: int, qty: Decimal, price: Decimal, stated_pnl: Decimal | None = None) -> Decimal:
        """Book a trade of ``qty`` > 0 at ``price`` (``sign`` +1 buy, -1 sell); returns the profit it realised.

        ``stated_pnl`` is the venue's own figure, which wins over ours: the difference stays in cost. With it the
        outcome does not depend on the order in which trades become known.
        """
        self.cash_flow -= sign * qty * price
        if stated_pnl is not None:
            return self._as_stated(sign * qty, price, stated_pnl)
        closing = min(qty, abs(self.size)) if self.size * sign < 0 else ZERO
        realised = self._close(closing, price) if closing else ZERO
        rest = qty - closing
        if rest:
            self.size += sign * rest
            self.cost += sign * rest * price
        self.realised += realised
        return realised

    def _as_stated(self, qty: Decimal, price: Decimal, realised: Decimal) -> Decimal:
        self.size += qty
        self.cost += qty * price + realised
        self.realised += realised
        if not self.size and abs(self.cost) < abs(qty) * price * _DUST:
            self.cost = ZERO
        return realised

    def _close(self, closing: Decimal, price: Decimal) -> Decimal:
        held = 1 if self.size > 0 else -1
        exit_value = held * closing * price
        whole = closing == abs(self.size)
        realised = exit_value - self.cost if whole else to_coin(exit_value - self.cost * closing / abs(self.size))
        self.cost = ZERO if whole else self.cost - (exit_value - realised)
        self.size -= held * closing
        return realised

    def merge(self, other: "Book") -> None:
        """Take over another book of the same instrument; opposite sizes close each other at their own costs."""
        kept = self if abs(self.size) >= abs(other.size) else other
        size = self.size + other.size
        opposite = self.size * other.size < 0
        cost = to_coin(kept.cost * size / kept.size) if opposite else self.cost + other.cost
        for name in ("fees", "funding", "cash_flow"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.realised += other.realised + (cost - self.cost - other.cost)
        self.size, self.cost = size, cost

    def unrealised(self, mark: Decimal) -> Decimal:
        """Profit of the open size at ``mark``, in the settle coin."""
        return self.size * mark - self.cost

    def equity(self, mark: Decimal) -> Decimal:
        """Profit since the book's start: trades, fees, funding and the open size at ``mark``."""
        return self.cash_flow - self.fees - self.funding + self.size * mark
