"""The market as the engine sees it: last quotes and tickers, and the prices orders and positions are valued at."""

from decimal import Decimal

from msgspec import Struct, field

from tradectl.model.events import DataDoubted, QuoteChanged, TickerChanged
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


class MarketState(Struct):
    """Last quote, ticker and doubts per instrument; ``doubts`` are keyed by instrument and kind of stream."""

    quotes: dict[InstrumentId, Quote] = field(default_factory=dict)
    tickers: dict[InstrumentId, Ticker] = field(default_factory=dict)
    heard: dict[InstrumentId, int] = field(default_factory=dict)
    doubts: dict[str, str] = field(default_factory=dict)

    def on_quote(self, event: QuoteChanged) -> None:
        """Remember the best bid and ask."""
        self.quotes[event.instrument] = Quote(event.bid, event.bid_size, event.ask, event.ask_size, event.received)
        self.heard[event.instrument] = event.received

    def on_ticker(self, event: TickerChanged) -> None:
        """Remember last, mark and index price."""
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

    def mark(self, instrument: InstrumentId) -> Decimal | None:
        """What a position is valued at: the mark price, for spot the last price; ``None`` when unknown."""
        ticker = self.tickers.get(instrument)
        if ticker is None:
            return None
        price = ticker.mark or ticker.last
        return exact(price) if price > 0 else None

    def touch(self, instrument: InstrumentId, buy: bool) -> Decimal | None:
        """The price a market order meets first: the ask for a buy, the bid for a sell; else last; else ``None``."""
        quote = self.quotes.get(instrument)
        if quote is not None:
            price = quote.ask if buy else quote.bid
            if price > 0:
                return exact(price)
        ticker = self.tickers.get(instrument)
        return exact(ticker.last) if ticker is not None and ticker.last > 0 else None

    def age(self, instrument: InstrumentId, now: int) -> int | None:
        """Nanoseconds since the last word on the instrument; ``None`` when there was none."""
        heard = self.heard.get(instrument)
        return None if heard is None else now - heard
