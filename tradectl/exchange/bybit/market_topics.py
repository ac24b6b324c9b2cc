"""Public topics: each decodes its frames straight into typed records, checks them and emits model events.

A topic raises :class:`BadFrame` (or msgspec's ``DecodeError``) on a frame that must not be believed; who holds the
topic then doubts it and asks for a fresh subscription. Every check is written so that NaN fails it.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from math import inf

import msgspec
from msgspec import Struct

from tradectl.exchange.bybit.market_cache import MarketCache
from tradectl.exchange.bybit.order_book import BadFrame, OrderBook
from tradectl.exchange.bybit.translate import MS
from tradectl.exchange.bybit.wire import (
    BookFrame,
    KlineFrame,
    KlineRow,
    TickerData,
    TickerFrame,
    TickerTextFrame,
    TradesFrame,
)
from tradectl.exchange.exchange_connector import Sink, Stamp
from tradectl.model.events import BarClosed, BookChanged, QuoteChanged, TickerChanged, TradePrinted
from tradectl.model.instruments import InstrumentId
from tradectl.model.market_data import WIRE_INTERVALS, Bar, MarketKey, Ticker

BOOK_DEPTHS = ("50", "200", "500", "1000", "25", "100")
#: Kinds whose state begins with a snapshot: without one, a delta means nothing.
SNAPSHOT_KINDS = frozenset({"book", "ticker", "quotes"})


class MarketContext(Struct):
    """What every topic shares."""

    emit: Sink
    stamp: Stamp
    cache: MarketCache
    count: Callable[[str], None]


def topic_name(key: MarketKey) -> str:
    """The wire topic of a key. Raises ``ValueError`` on a kind or detail that Bybit does not stream."""
    symbol = key.instrument.symbol
    if key.kind == "bars":
        if key.detail not in WIRE_INTERVALS:
            raise ValueError(f"interval {key.detail!r} is none of {', '.join(WIRE_INTERVALS)}")
        return f"kline.{WIRE_INTERVALS[key.detail]}.{symbol}"
    if key.kind == "book":
        if key.detail not in BOOK_DEPTHS:
            raise ValueError(f"book depth {key.detail!r} is none of {', '.join(BOOK_DEPTHS)}")
        return f"orderbook.{key.detail}.{symbol}"
    names = {"quotes": "orderbook.1", "trades": "publicTrade", "ticker": "tickers"}
    if key.kind not in names:
        raise ValueError(f"kind {key.kind!r} is none of bars, quotes, trades, book, ticker")
    return f"{names[key.kind]}.{symbol}"


class Topic(ABC):
    """One subscribed topic of one instrument."""

    def __init__(self, key: MarketKey, context: MarketContext) -> None:
        self.key = key
        self.name = topic_name(key)
        self.context = context
        self.instrument: InstrumentId = key.instrument

    @abstractmethod
    def take(self, payload: bytes) -> bool:
        """Handle one frame; whether the topic can be trusted after it. Raises :class:`BadFrame`, ``DecodeError``."""

    def reset(self) -> None:
        """Forget what a lost subscription left behind; a topic without memory has nothing to forget."""
        return

    def close(self) -> None:
        """The topic is no longer wanted: take its data, if it keeps any, out of the cache."""
        return

    def expect(self, topic: str) -> None:
        """Refuse a frame whose topic is another one than the text suggested."""
        if topic != self.name:
            raise BadFrame(f"topic {topic} in a frame that looked like {self.name}")


class BookTopic(Topic):
    """``orderbook.N`` with N > 1: a snapshot, then deltas without a gap."""

    _decoder = msgspec.json.Decoder(BookFrame, strict=False)

    def __init__(self, key: MarketKey, context: MarketContext) -> None:
        super().__init__(key, context)
        self.depth = int(key.detail)
        self.book = OrderBook()
        context.cache.books.setdefault(key.instrument, {})[self.depth] = self.book

    def take(self, payload: bytes) -> bool:
        frame = self._decoder.decode(payload)
        self.expect(frame.topic)
        data, book = frame.data, self.book
        # u == 1 is a rebuilt book after a restart of the venue's service, whatever its type says.
        snapshot = frame.type == "snapshot" or data.u == 1
        if snapshot:
            book.replace(data.b, data.a, data.u)
        elif not book.synced:
            self.context.count("frames_before_snapshot")
            return False
        else:
            book.change(data.b, data.a, data.u)
        ts = frame.ts * MS
        received = self.context.stamp(ts)
        event = BookChanged(received, ts, self.instrument, self.depth, snapshot, data.b, data.a, data.u)
        self.context.emit(event)
        return True

    def reset(self) -> None:
        self.book.synced = False

    def close(self) -> None:
        self.context.cache.books.get(self.instrument, {}).pop(self.depth, None)


class QuoteTopic(Topic):
    """``orderbook.1``: snapshots only, the same one repeated when nothing changed for 3 s (bybit-v5 8.2)."""

    _decoder = msgspec.json.Decoder(BookFrame, strict=False)

    def __init__(self, key: MarketKey, context: MarketContext) -> None:
        super().__init__(key, context)
        self._last = (0, 0)

    def take(self, payload: bytes) -> bool:
        frame = self._decoder.decode(payload)
        self.expect(frame.topic)
        data = frame.data
        mark = (data.u, data.seq)
        if mark == self._last:
            self.context.count("duplicates")
            return True
        if data.u != 1 and data.seq < self._last[1]:
            self.context.count("late_frames")
            return True
        if not data.b or not data.a:
            raise EmptySide("the best bid or ask is missing: one side of the book is empty")
        (bid, bid_size), (ask, ask_size) = data.b[0], data.a[0]
        if not (0.0 < bid < ask < inf and 0.0 < bid_size < inf and 0.0 < ask_size < inf):
            raise BadFrame(f"quote {bid} x {bid_size} / {ask} x {ask_size} is not positive, finite and uncrossed")
        self._last = mark
        ts = frame.ts * MS
        event = QuoteChanged(self.context.stamp(ts), ts, self.instrument, bid, bid_size, ask, ask_size)
        self.context.cache.quotes[self.instrument] = event
        self.context.emit(event)
        return True

    def reset(self) -> None:
        self._last = (0, 0)


class EmptySide(BadFrame):
    """A true but untradeable statement: doubt the quote, but a new subscription would not help."""


class TradeTopic(Topic):
    """``publicTrade``: up to 1,024 trades a message."""

    _decoder = msgspec.json.Decoder(TradesFrame, strict=False)

    def take(self, payload: bytes) -> bool:
        frame = self._decoder.decode(payload)
        self.expect(frame.topic)
        for row in frame.data:
            if not (0.0 < row.p < inf and 0.0 < row.v < inf):
                raise BadFrame(f"trade {row.i}: {row.p} x {row.v} is not finite and positive")
        context, instrument = self.context, self.instrument
        for row in frame.data:
            ts = row.T * MS
            context.emit(TradePrinted(context.stamp(ts), ts, instrument, row.S, row.p, row.v, row.i))
        return True


class TickerTopic(Topic):
    """``tickers``: a delta holds only the keys that changed and is merged into the last state."""

    _decoder = msgspec.json.Decoder(TickerFrame, strict=False)
    _text_decoder = msgspec.json.Decoder(TickerTextFrame)

    def __init__(self, key: MarketKey, context: MarketContext) -> None:
        super().__init__(key, context)
        self._state: Ticker | None = None

    def take(self, payload: bytes) -> bool:
        try:
            frame = self._decoder.decode(payload)
        except msgspec.ValidationError:
            frame = self._without_blanks(payload)
        self.expect(frame.topic)
        before = self._state
        if frame.type == "snapshot":
            before = None
        elif before is None:
            self.context.count("frames_before_snapshot")
            return False
        ticker = merge_ticker(before or Ticker(0.0), frame.data)
        self._state = ticker
        self.context.cache.tickers[self.instrument] = ticker
        if before is None or _moved(before, ticker):
            ts = frame.ts * MS
            self.context.emit(TickerChanged(self.context.stamp(ts), ts, self.instrument, ticker))
        return True

    def _without_blanks(self, payload: bytes) -> TickerFrame:
        """The frame again with every ``""`` taken out; what is still no number then is a mistake."""
        frame = self._text_decoder.decode(payload)
        stated = {name: value for name, value in frame.data.items() if value != ""}
        return TickerFrame(frame.topic, frame.type, frame.ts, msgspec.convert(stated, TickerData, strict=False))

    def reset(self) -> None:
        self._state = None


def _moved(before: Ticker, now: Ticker) -> bool:
    """Whether more changed than the day's turnover, which every trade moves: that alone is no event."""
    return (
        now.last != before.last
        or now.mark != before.mark
        or now.index != before.index
        or now.bid != before.bid
        or now.ask != before.ask
        or now.funding_rate != before.funding_rate
        or now.next_funding != before.next_funding
    )


def merge_ticker(before: Ticker, data: TickerData) -> Ticker:
    """``before`` with every value that ``data`` states. Raises :class:`BadFrame` on one that makes no sense."""
    bid = data.bidPrice if data.bid1Price is None else data.bid1Price
    ask = data.askPrice if data.ask1Price is None else data.ask1Price
    ticker = Ticker(
        before.last if data.lastPrice is None else data.lastPrice,
        before.mark if data.markPrice is None else data.markPrice,
        before.index if data.indexPrice is None else data.indexPrice,
        before.bid if bid is None else bid,
        before.ask if ask is None else ask,
        before.funding_rate if data.fundingRate is None else data.fundingRate,
        before.next_funding if data.nextFundingTime is None else data.nextFundingTime * MS,
        before.turnover_24h if data.turnover24h is None else data.turnover24h,
        before.high_24h if data.highPrice24h is None else data.highPrice24h,
        before.low_24h if data.lowPrice24h is None else data.lowPrice24h,
    )
    if not (
        0.0 < ticker.last < inf
        and 0.0 <= ticker.mark < inf
        and 0.0 <= ticker.index < inf
        and 0.0 <= ticker.bid < inf
        and 0.0 <= ticker.ask < inf
        and -1.0 < ticker.funding_rate < 1.0
        and 0.0 <= ticker.turnover_24h < inf
        and 0.0 <= ticker.high_24h < inf
        and 0.0 <= ticker.low_24h < inf
    ):
        raise BadFrame(f"a ticker with a price that is not finite and positive, or a rate that is none: {ticker}")
    return ticker


class BarTopic(Topic):
    """``kline``: only a confirmed candle is final, and each is passed on once."""

    _decoder = msgspec.json.Decoder(KlineFrame, strict=False)

    def __init__(self, key: MarketKey, context: MarketContext) -> None:
        super().__init__(key, context)
        self._last_open = -1

    def take(self, payload: bytes) -> bool:
        frame = self._decoder.decode(payload)
        self.expect(frame.topic)
        for row in frame.data:
            if not row.confirm:
                continue
            bar = bar_of(row)
            if bar.open_time <= self._last_open:
                self.context.count("duplicates")
                continue
            self._last_open = bar.open_time
            ts = frame.ts * MS
            self.context.cache.add_bar(self.instrument, self.key.detail, bar)
            self.context.emit(BarClosed(self.context.stamp(ts), ts, self.instrument, self.key.detail, bar))
        return True


def bar_of(row: KlineRow) -> Bar:
    """A candle as a bar. Raises :class:`BadFrame` unless 0 < low <= open, close <= high and no volume is negative."""
    bar = Bar(row.start * MS, row.open, row.high, row.low, row.close, row.volume, row.turnover)
    check_bar(bar)
    return bar


def check_bar(bar: Bar) -> None:
    """Raises :class:`BadFrame` on a candle that no market can make."""
    if not (
        0.0 < bar.low <= bar.open <= bar.high < inf
        and bar.low <= bar.close <= bar.high
        and 0.0 <= bar.volume < inf
        and 0.0 <= bar.turnover < inf
    ):
        raise BadFrame(f"candle of {bar.open_time // MS}: {bar.open} {bar.high} {bar.low} {bar.close} makes no sense")


_TOPICS: dict[str, type[Topic]] = {
    "bars": BarTopic,
    "quotes": QuoteTopic,
    "trades": TradeTopic,
    "book": BookTopic,
    "ticker": TickerTopic,
}


def make_topic(key: MarketKey, context: MarketContext) -> Topic:
    """The topic for ``key``. Raises ``ValueError`` on a kind or detail that Bybit does not stream."""
    if key.kind not in _TOPICS:
        raise ValueError(f"kind {key.kind!r} is none of {', '.join(_TOPICS)}")
    return _TOPICS[key.kind](key, context)
