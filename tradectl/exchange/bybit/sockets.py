"""Makes the streams: plans from the configuration, and what each stream tells whom."""

from collections.abc import Callable

from tradectl.exchange.bybit.clock import VenueClock
from tradectl.exchange.bybit.config import BybitConfig
from tradectl.exchange.bybit.endpoints import Endpoints, proxy_for, tls_context
from tradectl.exchange.bybit.order_entry import OrderEntry
from tradectl.exchange.bybit.order_rows import FeeCoin
from tradectl.exchange.bybit.private_stream import TOPICS, PrivateMessages
from tradectl.exchange.bybit.public_streams import Socket, topic_of
from tradectl.exchange.bybit.signing import Signer
from tradectl.exchange.bybit.socket_order_entry import SocketOrderEntry
from tradectl.exchange.bybit.stream import Stream, StreamHooks, StreamPlan
from tradectl.exchange.bybit.transport import TransportOptions, connector_of
from tradectl.exchange.exchange_connector import Sink, Stamp
from tradectl.model.events import ConnectionChanged
from tradectl.model.instruments import Category

#: Topics per subscribe request: spot takes 10 (bybit-v5 8.1), the others have no such limit.
CHUNKS = {Category.SPOT: 10}
CHUNK = 100


class Sockets:
    """The private streams (``private``, ``trade``) of an account, and public ones on demand."""

    def __init__(
        self,
        config: BybitConfig,
        endpoints: Endpoints,
        clock: VenueClock,
        random: Callable[[], float],
        frames: dict[int, int],
        signer: Signer | None,
    ) -> None:
        self._config = config
        self._endpoints = endpoints
        self._clock = clock
        self._random = random
        self._frames = frames
        self._signer = signer
        self.private: list[Stream] = []

    def bind(
        self,
        sink: Sink,
        stamp: Stamp,
        count: Callable[[str], None],
        idle: Callable[[], None],
        fee_coin: FeeCoin,
        entry: OrderEntry,
    ) -> None:
        """Say where events go, and make the private streams when there is a key."""
        self._sink, self._stamp, self._count, self._idle = sink, stamp, count, idle
        if self._signer is None:
            return
        self.private.append(self._private(fee_coin))
        if isinstance(entry, SocketOrderEntry):
            entry.stream = self._trade(entry)
            self.private.append(entry.stream)

    def public(self, category: Category, number: int, socket: Socket) -> Stream:
        """The stream of a category's ``number``-th public socket, named ``public.linear``, ``public.linear.2``, ..."""
        name = f"public.{category.value}" + (f".{number + 1}" if number else "")

        def changed(up: bool, reason: str) -> None:
            if up:
                socket.regained()
            else:
                socket.lost()
            self._report(name, up, reason)

        hooks = StreamHooks(socket.handle, changed, self._count, self._idle, socket.refused, socket.check_silence)
        plan = self._plan(self._endpoints.public_url(category), None, CHUNKS.get(category, CHUNK))
        return Stream(name, plan, hooks)

    def _private(self, fee_coin: FeeCoin) -> Stream:
        messages = PrivateMessages(
            self._sink, self._stamp, fee_coin, self._count, lambda reason: stream.restart(reason)
        )

        def handle(payload: bytes) -> bool:
            topic = topic_of(payload)
            if topic is None:
                return False
            messages.take(topic, payload)
            return True

        hooks = StreamHooks(
            handle,
            lambda up, reason: self._report("private", up, reason),
            self._count,
            self._idle,
            lambda topic, text: stream.restart(f"topic {topic} was refused: {text}"),
        )
        stream = Stream("private", self._plan(self._endpoints.private_url, self._auth, CHUNK), hooks)
        stream.subscribe(TOPICS)
        return stream

    def _trade(self, entry: SocketOrderEntry) -> Stream:
        def changed(up: bool, reason: str) -> None:
            if not up:
                entry.abandon(reason)
            self._report("trade", up, reason)

        hooks = StreamHooks(entry.handle, changed, self._count, self._idle, lambda topic, text: None)
        return Stream("trade", self._plan(self._endpoints.trade_url, self._auth, CHUNK), hooks)

    def _auth(self) -> list[object]:
        assert self._signer is not None
        return self._signer.socket_args(self._clock.now_ms())

    def _report(self, name: str, up: bool, reason: str) -> None:
        self._sink(ConnectionChanged(self._stamp(0), name, up, reason))

    def _plan(self, url: str, auth: Callable[[], list[object]] | None, chunk: int) -> StreamPlan:
        config = self._config
        options = TransportOptions(config.connect_timeout, proxy_for(config, url), tls_context(config))
        return StreamPlan(
            url=url,
            connect=connector_of(config.transport),
            options=options,
            ping_interval=config.ping_interval,
            silence_limit=config.silence_limit,
            answer_timeout=config.connect_timeout,
            first_delay=config.reconnect_first,
            longest_delay=config.reconnect_longest,
            random=self._random,
            frames=self._frames,
            auth=auth,
            chunk=chunk,
        )
