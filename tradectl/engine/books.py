"""Books of a position: size and *cost*, never an average price, because division does not terminate.

A partial close rounds its profit half-even to the settle coin's eight decimals and leaves the remainder in cost, so
that cash + cost is conserved to the last digit (decision 16).
"""

from decimal import Decimal

from msgspec import Struct

from tradectl.model.money import ZERO, to_coin


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

        ``stated_pnl`` is the venue's own figure, which wins over ours: the difference stays in cost.
        """
        self.cash_flow -= sign * qty * price
        closing = min(qty, abs(self.size)) if self.size * sign < 0 else ZERO
        realised = self._close(closing, price, stated_pnl) if closing else ZERO
        rest = qty - closing
        if rest:
            self.size += sign * rest
            self.cost += sign * rest * price
        self.realised += realised
        return realised

    def _close(self, closing: Decimal, price: Decimal, stated: Decimal | None) -> Decimal:
        held = 1 if self.size > 0 else -1
        exit_value = held * closing * price
        whole = closing == abs(self.size)
        if stated is not None:
            realised = stated
        elif whole:
            realised = exit_value - self.cost
        else:
            realised = to_coin(exit_value - self.cost * closing / abs(self.size))
        self.cost = ZERO if whole else self.cost - (exit_value - realised)
        self.size -= held * closing
        return realised

    def unrealised(self, mark: Decimal) -> Decimal:
        """Profit of the open size at ``mark``, in the settle coin."""
        return self.size * mark - self.cost

    def equity(self, mark: Decimal) -> Decimal:
        """Profit since the book's start: trades, fees, funding and the open size at ``mark``."""
        return self.cash_flow - self.fees - self.funding + self.size * mark


def reduces(size: Decimal, sign: int, qty: Decimal) -> bool:
    """Whether an order of ``qty`` in direction ``sign`` only shrinks a position of ``size``."""
    return size * sign < 0 and qty <= abs(size)
