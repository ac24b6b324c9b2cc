"""Public market data: topics spread over sockets by category, doubted when bad or silent, and asked for anew."""

import asyncio
import re
from collections.abc import Callable

import msgspec
from msgspec import Struct

from tradectl.exchange.bybit.config import StaleLimits
from tradectl.exchange.bybit.market_topics import EmptySide, MarketContext, Topic, make_topic
from tradectl.exchange.bybit.order_book import BadFrame
from tradectl.exchange.bybit.stream import Stream
from tradectl.exchange.retry_handler import backoff
from tradectl.model.events import DataDoubted
from tradectl.model.instruments import Category
from tradectl.model.market_data import MarketKey

#: Finds the topic wherever it stands: the order of keys differs between messages (bybit-v5 8.2).
_TOPIC = re.compile(rb'"topic"\s*:\s*"([^"]+)"')
#: A public connection takes 21,000 characters of topics (bybit-v5 8.1); some room is left.
ROOM = 20_000
RESYNC_FIRST, RESYNC_LONGEST = 0.5, 30.0

_COMPACT = b'"topic":"'


def topic_of(payload: bytes) -> bytes | None:
    """The topic a message seems to carry, ``None`` without one. Written without spaces, as the venue does, it is
    found four times faster than by the expression; the decoder checks it again."""
    start = payload.find(_COMPACT, 0, 256)
    if start >= 0:
        start += 9
        return payload[start : payload.find(b'"', start)]
    match = _TOPIC.search(payload)
    return match[1] if match else None


#: Makes the stream of the n-th socket of a category.
MakeStream = Callable[[Category, int, "Socket"], Stream]


class Health(Struct):
    """What is known of a topic's trustworthiness. Times in loop seconds; ``heard`` since the last look."""

    topic: Topic
    last_frame: float
    heard: bool = False
    doubt: str = ""
    resyncs: int = 0
    resync_due: asyncio.TimerHandle | None = None


class Socket:
    """The topics of one public connection."""

    stream: Stream

    def __init__(self, context: MarketContext, stale: StaleLimits, random: Callable[[], float]) -> None:
        self._context = context
        self._stale = stale
        self._random = random
        self._topics: dict[bytes, Health] = {}
        self.characters = 0

    def add(self, topic: Topic) -> None:
        """Subscribe ``topic``."""
        self._topics[topic.name.encode()] = Health(topic, asyncio.get_running_loop().time())
        self.characters += len(topic.name)
        self.stream.subscribe((topic.name,))

    def remove(self, name: str) -> None:
        """Unsubscribe a topic of this socket."""
        health = self._topics.pop(name.encode())
        self.characters -= len(name)
        if health.resync_due is not None:
            health.resync_due.cancel()
        health.topic.close()
        self.stream.unsubscribe(name)

    def handle(self, payload: bytes) -> bool:
        """Take one message; whether it carries a topic."""
        name = topic_of(payload)
        if name is None:
            return False
        health = self._topics.get(name)
        if health is None:
            self._context.count("unknown_topics")
            return True
        health.heard = True
        try:
            trusted = health.topic.take(payload)
        except EmptySide as error:
            self._doubt(health, str(error))
        except (BadFrame, msgspec.DecodeError, UnicodeDecodeError) as error:
            self._context.count("bad_frames")
            self._doubt(health, str(error))
            self._resync(health)
        else:
            if trusted and health.doubt:
                self._trust(health)
        return True

    def refused(self, topic: str, reason: str) -> None:
        """The venue does not know the topic."""
        health = self._topics.get(topic.encode())
        if health is not None:
            self._doubt(health, f"the venue refuses {topic}: {reason}")

    def lost(self) -> None:
        """The connection is gone: what was pieced together is worthless."""
        for health in self._topics.values():
            health.topic.reset()

    def regained(self) -> None:
        """All topics are subscribed again: silence is counted from now."""
        now = asyncio.get_running_loop().time()
        for health in self._topics.values():
            health.last_frame = now

    def check_silence(self, now: float) -> None:
        """Doubt every topic that has been silent for too long and ask for it anew."""
        for health in self._topics.values():
            if health.heard:
                health.heard, health.last_frame = False, now
            limit = self._stale.of(health.topic.key.kind)
            if limit and now - health.last_frame > limit:
                health.last_frame = now
                self._context.count("stale_topics")
                self._doubt(health, f"no message for {limit:g} s")
                self._resync(health)

    def _doubt(self, health: Health, reason: str) -> None:
        known, health.doubt = health.doubt, reason
        if not known:
            key = health.topic.key
            self._context.emit(DataDoubted(self._context.stamp(0), key.instrument, key.kind, False, reason))

    def _trust(self, health: Health) -> None:
        health.doubt = ""
        health.resyncs = 0
        key = health.topic.key
        self._context.emit(DataDoubted(self._context.stamp(0), key.instrument, key.kind, True))

    def _resync(self, health: Health) -> None:
        """Ask for a fresh start: the first time at once, then with growing pauses."""
        health.topic.reset()
        if health.resync_due is not None:
            return
        loop = asyncio.get_running_loop()
        pause = backoff(health.resyncs - 1, RESYNC_FIRST, RESYNC_LONGEST, self._random) if health.resyncs else 0.0
        health.resyncs += 1
        health.resync_due = loop.call_later(pause, self._resubscribe, health)

    def _resubscribe(self, health: Health) -> None:
        health.resync_due = None
        self._context.count("resyncs")
        self.stream.resubscribe(health.topic.name)


class PublicStreams:
    """All public sockets. Sockets are made when the first topic needs them."""

    def __init__(
        self, context: MarketContext, stale: StaleLimits, random: Callable[[], float], make: MakeStream
    ) -> None:
        self._context = context
        self._stale = stale
        self._random = random
        self._make = make
        self._sockets: dict[Category, list[Socket]] = {}
        self._places: dict[MarketKey, tuple[Socket, str]] = {}

    @property
    def streams(self) -> list[Stream]:
        return [socket.stream for sockets in self._sockets.values() for socket in sockets]

    def subscribe(self, key: MarketKey) -> None:
        """Want ``key``. One that Bybit does not stream is doubted for good, with the reason."""
        if key in self._places:
            return
        try:
            topic = make_topic(key, self._context)
        except ValueError as error:
            self._context.emit(DataDoubted(self._context.stamp(0), key.instrument, key.kind, False, str(error)))
            return
        socket = self._socket_for(key.instrument.category, len(topic.name))
        self._places[key] = (socket, topic.name)
        socket.add(topic)

    def unsubscribe(self, key: MarketKey) -> None:
        """Do not want ``key`` any more."""
        place = self._places.pop(key, None)
        if place is not None:
            place[0].remove(place[1])

    def _socket_for(self, category: Category, characters: int) -> Socket:
        sockets = self._sockets.setdefault(category, [])
        for socket in sockets:
            if socket.characters + characters <= ROOM:
                return socket
        socket = Socket(self._context, self._stale, self._random)
        socket.stream = self._make(category, len(sockets), socket)
        sockets.append(socket)
        socket.stream.start()
        return socket
