"""The last market data seen, for reads that must never reach the network."""

from bisect import bisect_left
from collections import deque
from collections.abc import Iterable

from msgspec import Struct

from tradectl.exchange.bybit.order_book import OrderBook
from tradectl.exchange.bybit.wire import Levels
from tradectl.model.events import QuoteChanged
from tradectl.model.instruments import InstrumentId
from tradectl.model.market_data import Bar, Ticker


class BookView(Struct, frozen=True):
    """Levels ``(price, size)``, best first, as of one moment."""

    bids: Levels
    asks: Levels
    update_id: int
    depth: int


class MarketCache:
    """Last ticker, quote, book and closed bars of each instrument."""

    def __init__(self, bars_kept: int) -> None:
        self._bars_kept = bars_kept
        self.tickers: dict[InstrumentId, Ticker] = {}
        self.quotes: dict[InstrumentId, QuoteChanged] = {}
        self.books: dict[InstrumentId, dict[int, OrderBook]] = {}
        self._bars: dict[tuple[InstrumentId, str], deque[Bar]] = {}

    def add_bar(self, instrument: InstrumentId, interval: str, bar: Bar) -> None:
        """Append a bar that just closed; an older or known one is merged in its place."""
        bars = self._bars.get((instrument, interval))
        if bars is not None and bars and bar.open_time > bars[-1].open_time:
            bars.append(bar)
        else:
            self.add_bars(instrument, interval, (bar,))

    def add_bars(self, instrument: InstrumentId, interval: str, bars: Iterable[Bar]) -> None:
        """Merge ``bars`` by open time; the latest statement of a candle wins."""
        key = (instrument, interval)
        merged = {bar.open_time: bar for bar in self._bars.get(key, ())}
        merged.update((bar.open_time, bar) for bar in bars)
        self._bars[key] = deque((merged[t] for t in sorted(merged)), maxlen=self._bars_kept)

    def bars(self, instrument: InstrumentId, interval: str) -> tuple[Bar, ...]:
        """Closed bars, oldest first."""
        return tuple(self._bars.get((instrument, interval), ()))

    def has_bar(self, instrument: InstrumentId, interval: str, open_time: int) -> bool:
        """Whether the candle that opened at ``open_time`` is known to be closed."""
        times = [bar.open_time for bar in self._bars.get((instrument, interval), ())]
        place = bisect_left(times, open_time)
        return place < len(times) and times[place] == open_time

    def book(self, instrument: InstrumentId) -> BookView | None:
        """The deepest trusted book, or ``None`` while none is subscribed or all are being rebuilt."""
        books = self.books.get(instrument, {})
        for depth in sorted(books, reverse=True):
            if books[depth].synced:
                bids, asks = books[depth].levels(depth)
                return BookView(bids, asks, books[depth].update_id, depth)
        return None
