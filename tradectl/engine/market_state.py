"""The market as the engine sees it: last quotes and tickers, and the prices orders and positions are valued at."""

from decimal import Decimal

from msgspec import Struct, field

from tradectl.model.events import BarClosed, DataDoubted, QuoteChanged, TickerChanged
from tradectl.model.instruments import InstrumentId
from tradectl.model.market_data import Ticker
from tradectl.model.money import exact


class Quote(Struct, frozen=True, array_like=True, gc=False):
    """Best bid and ask, and when we heard of them (nanoseconds)."""

    bid: float
    bid_size: float
    ask: float
    ask_size: float
    received: int


#: Bid, ask, last, mark, funding rate, and when they were heard of (nanoseconds).
Standing = tuple[float, float, float, float, float, int]


class MarketState(Struct):
    """Last quote, ticker and doubts per instrument; ``doubts`` are keyed by instrument and kind of stream.

    ``bars`` are candles that stated the prices they closed at and were not asked about yet: most never are.
    """

    quotes: dict[InstrumentId, Quote] = field(default_factory=dict)
    tickers: dict[InstrumentId, Ticker] = field(default_factory=dict)
    heard: dict[InstrumentId, int] = field(default_factory=dict)
    doubts: dict[str, str] = field(default_factory=dict)
    bars: dict[InstrumentId, BarClosed] = field(default_factory=dict)

    def on_bar(self, event: BarClosed) -> None:
        """Remember what a candle closed at, where it states best prices: they count as a quote and a ticker."""
        instrument = event.instrument
        waits = instrument in self.bars
        self.bars[instrument] = event
        if not waits and not (instrument in self.quotes and instrument in self.tickers):
            self._take_in(instrument)  # the first words on each stand in the order they came

    def settle(self) -> None:
        """Take in every candle that waits to be asked about."""
        for instrument in list(self.bars):
            self._take_in(instrument)

    def _take_in(self, instrument: InstrumentId) -> None:
        """A candle says nothing of sizes, index and funding: those of the ticker before it stay."""
        e = self.bars.pop(instrument)
        close = e.bar.close
        self.quotes[instrument] = Quote(e.bid, 0.0, e.ask, 0.0, e.received)
        t = self.tickers.get(instrument) or Ticker(close)
        self.tickers[instrument] = Ticker(
            close, e.mark or close, t.index, e.bid, e.ask, t.funding_rate, t.next_funding, t.turnover_24h, t.high_24h,
            t.low_24h,
        )  # fmt: skip
        self.heard[instrument] = e.received

    def on_quote(self, event: QuoteChanged) -> None:
        """Remember the best bid and ask."""
        if event.instrument in self.bars:
            self._take_in(event.instrument)
        self.quotes[event.instrument] = Quote(event.bid, event.bid_size, event.ask, event.ask_size, event.received)
        self.heard[event.instrument] = event.received

    def on_ticker(self, event: TickerChanged) -> None:
        """Remember last, mark and index price."""
        if event.instrument in self.bars:
            self._take_in(event.instrument)
        self.tickers[event.instrument] = event.ticker
        self.heard[event.instrument] = event.received

    def on_doubt(self, event: DataDoubted) -> None:
        """Remember that one of an instrument's streams cannot be trusted, or can be again."""
        key = f"{event.instrument} {event.kind}"
        if event.ok:
            self.doubts.pop(key, None)
        else:
            self.doubts[key] = f"{event.kind}: {event.reason}"

    def doubt(self, instrument: InstrumentId) -> str:
        """Why the market data of an instrument is in doubt; empty when it is not."""
        if not self.doubts:
            return ""
        start = f"{instrument} "
        return "; ".join(text for key, text in self.doubts.items() if key.startswith(start))

    def quote(self, instrument: InstrumentId) -> Quote | None:
        """The best bid and ask, ``None`` before the first."""
        if instrument in self.bars:
            self._take_in(instrument)
        return self.quotes.get(instrument)

    def ticker(self, instrument: InstrumentId) -> Ticker | None:
        """Last, mark and index price and funding rate, ``None`` before the first."""
        if instrument in self.bars:
            self._take_in(instrument)
        return self.tickers.get(instrument)

    def standing(self, instrument: InstrumentId) -> Standing | None:
        """Quote and ticker in one look; ``None`` before the first of each."""
        ticker = self.tickers.get(instrument)
        bar = self.bars.get(instrument)
        if bar is not None and ticker is not None:
            last = bar.bar.close
            return bar.bid, bar.ask, last, bar.mark or last, ticker.funding_rate, bar.received
        quote = self.quotes.get(instrument)
        if quote is None or ticker is None:
            return None
        heard = self.heard[instrument]
        return quote.bid, quote.ask, ticker.last, ticker.mark or ticker.last, ticker.funding_rate, heard

    def price(self, instrument: InstrumentId) -> float:
        """:meth:`mark` as the float it came as; 0.0 when unknown."""
        bar = self.bars.get(instrument)
        if bar is not None:
            return bar.mark or bar.bar.close
        ticker = self.tickers.get(instrument)
        return (ticker.mark or ticker.last) if ticker is not None else 0.0

    def mark(self, instrument: InstrumentId) -> Decimal | None:
        """What a position is valued at: the mark price, for spot the last price; ``None`` when unknown."""
        ticker = self.ticker(instrument)
        if ticker is None:
            return None
        price = ticker.mark or ticker.last
        return exact(price) if price > 0 else None

    def touch(self, instrument: InstrumentId, buy: bool) -> Decimal | None:
        """The price a market order meets first: the ask for a buy, the bid for a sell; else last; else ``None``."""
        quote = self.quote(instrument)
        if quote is not None:
            price = quote.ask if buy else quote.bid
            if price > 0:
                return exact(price)
        ticker = self.tickers.get(instrument)  # the quote brought it up to date
        return exact(ticker.last) if ticker is not None and ticker.last > 0 else None

    def oldest(self) -> int:
        """When we heard last of the instrument that has been silent longest; 0 before any."""
        oldest = 0
        for instrument, at in self.heard.items():
            bar = self.bars.get(instrument)
            if bar is not None:
                at = bar.received
            if not oldest or at < oldest:
                oldest = at
        return oldest

    def age(self, instrument: InstrumentId, now: int) -> int | None:
        """Nanoseconds since the last word on the instrument; ``None`` when there was none."""
        bar = self.bars.get(instrument)
        heard = bar.received if bar is not None else self.heard.get(instrument)
        return None if heard is None else now - heard
