"""The positions at the venue and the books they are made of, by instrument and, in hedge mode, by leg."""

from collections.abc import Iterator
from decimal import Decimal

from tradectl.engine.books import Book, new_book
from tradectl.engine.legs import LONG, SHORT, Legs, can_hedge, side_of
from tradectl.engine.portfolio_state import PortfolioState
from tradectl.engine.recent_trades import RecentTrades
from tradectl.model.instruments import InstrumentId
from tradectl.model.money import ZERO

#: The name of the venue's own legs among those of the books.
VENUE = ""


class Holdings:
    """Finds books, makes them when they are missing, and keeps the sums of legs right."""

    def __init__(self, hedge: bool) -> None:
        self.hedge = hedge
        self.state = PortfolioState()

    def is_hedged(self, instrument: InstrumentId) -> bool:
        """Whether long and short are held apart."""
        return self.hedge and can_hedge(instrument)

    # --- to write

    def place(self, name: str, instrument: InstrumentId, idx: int) -> Book:
        """The book a trade goes to: of ``name`` (empty: the venue's), of a hedge leg with its ``idx``.

        Call :meth:`sum_up` when it was changed.
        """
        if idx:
            return self.state.legs.setdefault(name, {}).setdefault(instrument, Legs()).of(idx)
        books = self.state.books.setdefault(name, {}) if name else self.state.nets
        book = books.get(instrument)
        if book is None:
            book = books[instrument] = new_book(instrument)
        return book

    def sum_up(self, name: str, instrument: InstrumentId) -> None:
        """Make the sum of legs what they now add up to."""
        legs = self.state.legs.get(name, {}).get(instrument)
        if legs is not None:
            books = self.state.books.setdefault(name, {}) if name else self.state.nets
            books[instrument] = legs.total()

    def recent(self, instrument: InstrumentId, idx: int, net: Book) -> RecentTrades:
        """The last trades of a position, from ``net`` on when there were none."""
        kept = self.state.recent_legs.setdefault(instrument, {}) if idx else None
        found = self.state.recent.get(instrument) if kept is None else kept.get(idx)
        if found is None:
            found = RecentTrades.since(net)
            if kept is None:
                self.state.recent[instrument] = found
            else:
                kept[idx] = found
        return found

    def pay(self, coin: str, amount: Decimal) -> None:
        """Move cash."""
        if amount:
            self.state.cash[coin] = self.state.cash.get(coin, ZERO) + amount

    # --- to read

    def size(self, name: str, instrument: InstrumentId) -> Decimal:
        """Size of a book, without making one."""
        book = self.state.books.get(name, {}).get(instrument)
        return book.size if book is not None else ZERO

    def on_side(self, name: str, instrument: InstrumentId, sign: int) -> Decimal:
        """What a book holds on the side of ``sign``: its part of that leg, else its size, < 0 on the other side."""
        if not self.is_hedged(instrument):
            return sign * self.size(name, instrument)
        legs = self.state.legs.get(name, {}).get(instrument)
        return sign * legs.of(side_of(sign)).size if legs is not None else ZERO

    def legs_of(self, name: str, instrument: InstrumentId) -> tuple[Book, ...]:
        """The book of a name, or both legs of it; nothing where there is none."""
        legs = self.state.legs.get(name, {}).get(instrument)
        book = (self.state.books.get(name, {}) if name else self.state.nets).get(instrument)
        return (legs.long, legs.short) if legs is not None else (book,) if book is not None else ()

    def positions_of(self, instrument: InstrumentId) -> tuple[tuple[int, Book], ...]:
        """The venue's positions in an instrument with their index: one, or the long and the short leg."""
        if self.is_hedged(instrument):
            legs = self.state.legs.get(VENUE, {}).get(instrument) or Legs()
            return ((LONG, legs.long), (SHORT, legs.short))
        net = self.state.nets.get(instrument)
        return ((0, net if net is not None else new_book(instrument)),)

    def positions(self) -> Iterator[tuple[InstrumentId, int, Book]]:
        """Every position at the venue, as the venue counts them."""
        for instrument in self.state.nets:
            for idx, book in self.positions_of(instrument):
                yield instrument, idx, book

    def sizes(self, instrument: InstrumentId, idx: int) -> dict[str, Decimal]:
        """Size of each book of a position, by name."""
        if idx:
            return {n: legs[instrument].of(idx).size for n, legs in self.state.legs.items() if n and instrument in legs}
        return {name: books[instrument].size for name, books in self.state.books.items() if instrument in books}

    def leg_size(self, instrument: InstrumentId, idx: int) -> Decimal:
        """Signed size of one leg at the venue."""
        legs = self.state.legs.get(VENUE, {}).get(instrument)
        return legs.of(idx).size if legs is not None else ZERO
