"""The two legs of an instrument in hedge mode: a long and a short position side by side, each with its own cost."""

from msgspec import Struct, field

from tradectl.engine.books import Book, sum_of
from tradectl.model.instruments import Category, InstrumentId
from tradectl.model.orders import Execution, Side

#: ``positionIdx`` of the legs (bybit-v5 5.1).
LONG, SHORT = 1, 2


class Legs(Struct):
    """What is held on each side."""

    long: Book = field(default_factory=Book)
    short: Book = field(default_factory=Book)

    def of(self, idx: int) -> Book:
        """One leg."""
        return self.long if idx == LONG else self.short

    def total(self) -> Book:
        """Both as one book."""
        return sum_of((self.long, self.short))


def can_hedge(instrument: InstrumentId) -> bool:
    """USDT perpetuals alone; dated ones carry their date in the name, USDC and inverse end otherwise (bybit-v5 6.3)."""
    return instrument.category is Category.LINEAR and instrument.symbol.endswith("USDT")


def side_of(sign: int) -> int:
    """The leg that is long (``sign`` 1) or short (-1)."""
    return LONG if sign > 0 else SHORT


def leg_of(execution: Execution) -> int:
    """The leg a fill belongs to by what the venue says of it: a sale closes the long leg or opens the short one."""
    opens = not execution.closed_qty
    return LONG if (execution.side is Side.BUY) is opens else SHORT
