"""What the portfolio manager remembers."""

from decimal import Decimal

from msgspec import Struct, field

from tradectl.engine.books import Book
from tradectl.engine.held_sizes import HeldSizes
from tradectl.engine.legs import Legs
from tradectl.engine.recent_trades import RecentTrades
from tradectl.model.instruments import InstrumentId

#: The book of what is not ours: positions found at the start, manual trades, liquidations without a parent.
EXTERNAL = "external"


class PortfolioState(Struct):
    """``nets`` are the positions at the venue, ``books`` the strategies' parts of them, by name and instrument.

    Of instruments in hedge mode both are sums of ``legs``, which are kept by name (``""`` is the venue's) and
    instrument. ``executions`` and ``ledger`` are the ids that were booked and when they happened (nanoseconds).
    """

    baselined: bool = False
    cash: dict[str, Decimal] = field(default_factory=dict)
    nets: dict[InstrumentId, Book] = field(default_factory=dict)
    books: dict[str, dict[InstrumentId, Book]] = field(default_factory=dict)
    executions: dict[str, int] = field(default_factory=dict)
    ledger: dict[str, int] = field(default_factory=dict)
    last_execution: int = 0
    trades: dict[str, int] = field(default_factory=dict)
    recent: dict[InstrumentId, RecentTrades] = field(default_factory=dict)
    legs: dict[str, dict[InstrumentId, Legs]] = field(default_factory=dict)
    recent_legs: dict[InstrumentId, dict[int, RecentTrades]] = field(default_factory=dict)
    held: HeldSizes = field(default_factory=HeldSizes)


class Booked(Struct, frozen=True):
    """What one execution did: the profit realised in its book and the book's size afterwards."""

    strategy: str
    realised: Decimal
    size: Decimal
