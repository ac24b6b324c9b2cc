"""A simulated venue that streams move: quotes, whole books, prints, marks. Displayed sizes are used up by our fills.

Pure, as :class:`tradectl.simulation.venue.SimulatedVenue`: time comes with each call. What rests is filled by prints
that reach it behind the queue before it, and by quotes that cross it; takers find what is displayed. An exchange for
which nothing waits is told late: :attr:`behind` are the instruments it does not know the newest of.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal

from tradectl.matching.at_once import Sides
from tradectl.model.events import Event
from tradectl.model.instruments import Instrument, InstrumentId
from tradectl.model.money import exact
from tradectl.model.orders import Side
from tradectl.simulation.display import Display
from tradectl.simulation.models import Models
from tradectl.simulation.streamed_display import StreamedDisplay
from tradectl.simulation.venue import SimulatedVenue


class StreamedVenue(SimulatedVenue):
    """Where an instrument has neither quotes nor a book, bid and ask follow from its prints and the spread model."""

    def __init__(
        self, instruments: Iterable[Instrument], models: Models, *, cash: Mapping[str, Decimal], seed: str,
        leverage: Decimal = Decimal(1), hedge: bool = False, now: int = 0,
    ) -> None:  # fmt: skip
        super().__init__(instruments, models, cash=cash, seed=seed, leverage=leverage, hedge=hedge, now=now)
        self.streams = {it.id: StreamedDisplay(it, models) for it in self.instruments.values()}
        self.displays.update(self.streams)
        self._is_alone = False  # what is displayed here stands, and must be told first

    # --- the market

    def quote(self, i: InstrumentId, now: int, bid: int, bid_lots: int, ask: int, ask_lots: int) -> list[Event]:
        """The touch, in ticks and lots."""
        display = self.streams[i]
        display.quoted(bid, bid_lots, ask, ask_lots)
        return self.tell(i, now) if self.is_watching(i) else self._later(i)

    def book(
        self, i: InstrumentId, now: int, start: bool, bids: dict[int, int], asks: dict[int, int]
    ) -> list[Event]:  # fmt: skip
        """A snapshot (``start``) or changed levels, lots by key: ticks, those of bids negative. Changes of a book that
        nobody knows are passed over."""
        display, exchange = self.streams[i], self.exchange
        if start:
            display.has_book = True
            happened = exchange.set_sides(i, bids, asks, now)
        elif display.has_book:
            happened = exchange.change_sides(i, bids, asks, now)
        else:
            return []
        (bid, bid_lots), (ask, ask_lots) = exchange.displayed(i)
        display.quoted(bid, bid_lots, ask, ask_lots)
        events = self._events(happened, now)
        if display.has_tape:
            return events
        return events + (self.tell(i, now) if self.is_watching(i) else self._later(i))

    def printed(self, i: InstrumentId, now: int, side: Side, price: float, size: float) -> list[Event]:
        """A public trade; ``side`` is the taker's, ``price`` on the tick."""
        display = self.streams[i]
        display.printed(price, size, now)
        if not self.is_watching(i):
            return self._later(i)
        if not display.is_quoted:
            lots = int(exact(size) / display.instrument.lot_size)
            return self._walk(display, price, now, display.mark, lots)
        events = self._events(self.exchange.print_trade(i, side, exact(price), exact(size), now), now)
        return events if display.mark else events + self.tell(i, now)

    def marked(self, i: InstrumentId, now: int, mark: float) -> list[Event]:
        """The mark price; until the first one, and for spot, the last price stands for it."""
        self.displays[i].mark = mark
        return self.tell(i, now) if self.is_watching(i) else self._later(i)

    def _later(self, i: InstrumentId) -> list[Event]:
        self.behind[i] = None
        return []

    def tell(self, i: InstrumentId, now: int) -> list[Event]:
        """Tell the exchange where the market of ``i`` stands: what rests and waits, and margins, look at it."""
        display = self.streams[i]
        if not display.is_quoted:
            return super()._stand(display, now) if display.price else []
        self.behind.pop(i, None)
        exchange, events = self.exchange, []
        if not (display.is_told or display.has_book):
            display.is_told = True
            events += self._events(exchange.set_sides(i, *display.sides(), now), now)
        if display.price:
            events += self._events(exchange.set_last(i, exact(display.price), now), now)
            mark = exact(display.mark or display.price)
            events += self._events(exchange.set_mark(i, mark, mark, now), now)
        return events

    # --- what the simulated venue asks

    def _stand(self, display: Display, now: int) -> list[Event]:
        return self.tell(display.instrument.id, now)

    def _shown(self, display: Display, taker: Side | None, qty: Decimal) -> Sides | None:
        """What is quoted stands, less what our fills used of it."""
        return None if self.streams[display.instrument.id].is_quoted else display.sides(taker, qty)
