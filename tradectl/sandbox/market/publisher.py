"""Makes the public frames of each moment, for the topics that somebody watches and no others."""

from typing import Any

from msgspec import Struct

from tradectl.sandbox.market.feeds import BookFeed, KlineFeed, Payload, TickerFeed, TradeFeed
from tradectl.sandbox.market.instrument_market import InstrumentMarket
from tradectl.sandbox.market.intervals import can_be_made_of
from tradectl.sandbox.market.market import Market, Played
from tradectl.sandbox.market.topics import Topic, parse_topic, unknown_topic

Feed = BookFeed | TickerFeed | TradeFeed | KlineFeed


class Frame(Struct, frozen=True):
    """One complete public WebSocket message (bybit-v5 8.2) for the subscribers of ``topic``.

    ``topic`` is namespaced, ``payload["topic"]`` is as Bybit writes it. Do not change the payload: it is shared.
    """

    topic: str
    payload: dict[str, Any]


class _Watched(Struct):
    topic: Topic
    feed: Feed
    watchers: int = 1


class Publisher:
    """The watched topics of one market. ``forming_every``: venue time between pushes of unfinished candles, ``None``
    for none at all (stepped)."""

    def __init__(self, market: Market, forming_every: int | None) -> None:
        self._market = market
        self._forming_every = forming_every
        self._watched: dict[str, _Watched] = {}
        self._trade_feeds = 0

    def watch(self, topic: str) -> None:
        """One more subscriber. Raises ``Refused`` 10001 for a topic, symbol or interval that does not exist."""
        watched = self._watched.get(topic)
        if watched is not None:
            watched.watchers += 1
            return
        parsed = parse_topic(topic)
        market = self._market.instruments.get(parsed.instrument)
        if market is None:
            raise unknown_topic(parsed.wire)
        watched = self._watched[topic] = _Watched(parsed, self._feed(parsed, market))
        self._trade_feeds += isinstance(watched.feed, TradeFeed)

    def unwatch(self, topic: str) -> None:
        """One subscriber less."""
        watched = self._watched.get(topic)
        if watched is not None:
            watched.watchers -= 1
            if watched.watchers == 0:
                del self._watched[topic]
                self._trade_feeds -= isinstance(watched.feed, TradeFeed)

    def watched(self) -> list[str]:
        """Every watched topic, as often as it has subscribers."""
        return [topic for topic, watched in self._watched.items() for _ in range(watched.watchers)]

    def snapshot(self, topic: str) -> Payload | None:
        """The first message of a watched topic, ``None`` where none is sent."""
        watched = self._watched.get(topic)
        if watched is None or not isinstance(watched.feed, BookFeed | TickerFeed):
            return None
        return watched.feed.snapshot(self._market.now, self._market.seq)

    def frames(self, played: Played) -> list[Frame]:
        """The frames of one moment: trades, then books and tickers, then candles, so that who acts on a candle has
        seen the prices that stand when it closes."""
        if not self._has_news(played):
            return []
        quoted = {market.instrument.id for market in played.quoted}
        prints = {market.instrument.id: public for market, public in played.prints}
        frames: list[Frame] = []
        for topic, watched in self._watched.items():
            if isinstance(watched.feed, TradeFeed) and watched.topic.instrument in prints:
                messages = watched.feed.messages(played.at, prints[watched.topic.instrument])
                frames += [Frame(topic, message) for message in messages]
        for topic, watched in self._watched.items():
            if isinstance(watched.feed, BookFeed | TickerFeed) and watched.topic.instrument in quoted:
                message = watched.feed.update(played.at, self._market.seq)
                if message is not None:
                    frames.append(Frame(topic, message))
        return frames + self._candles(played)

    def _has_news(self, played: Played) -> bool:
        """Whether any watched topic may have something to say: stepped, most moments concern nobody."""
        if not self._watched:
            return False
        return bool(played.quoted or played.closes or (played.prints and self._trade_feeds) or self._forming_every)

    def _candles(self, played: Played) -> list[Frame]:
        frames: list[Frame] = []
        closes = {bar.instrument: bar.kline for bar in played.closes}
        for topic, watched in self._watched.items():
            if not isinstance(watched.feed, KlineFeed):
                continue
            kline = closes.get(watched.topic.instrument)
            if kline is not None:
                frames += [Frame(topic, message) for message in watched.feed.closed(played.at, kline)]
            elif self._forming_every is not None:
                message = watched.feed.forming(played.at, self._forming_every)
                if message is not None:
                    frames.append(Frame(topic, message))
        return frames

    def _feed(self, topic: Topic, market: InstrumentMarket) -> Feed:
        now, base = self._market.now, self._market.interval
        if topic.kind == "orderbook":
            return BookFeed(topic.wire, market, int(topic.detail), self._market.seq)
        if topic.kind == "tickers":
            return TickerFeed(topic.wire, market, self._market.funding, now)
        if topic.kind == "publicTrade":
            return TradeFeed(topic.wire, market)
        if not can_be_made_of(topic.detail, base):
            raise unknown_topic(topic.wire)
        return KlineFeed(topic.wire, market, topic.detail, base, now)
