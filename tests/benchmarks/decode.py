"""Decoding: every message type of the streams with the connector's own decoders, against json on the same bytes."""

import json
from collections.abc import Callable, Iterator
from functools import partial

import msgspec

from tests.benchmarks import messages, private_messages
from tests.benchmarks.measure import Effort, Goal, Row, cpu_us, interleaved, over
from tradectl.exchange.bybit import wire
from tradectl.exchange.bybit.market_cache import MarketCache
from tradectl.exchange.bybit.market_topics import MarketContext, make_topic
from tradectl.exchange.bybit.private_stream import PrivateMessages
from tradectl.model.instruments import Category, InstrumentId
from tradectl.model.market_data import MarketKey

BTC = InstrumentId(Category.LINEAR, "BTCUSDT")
#: Market data is read from text into floats; private rows stay text.
_BOOK = msgspec.json.Decoder(wire.BookFrame, strict=False).decode
_TICKER = msgspec.json.Decoder(wire.TickerFrame, strict=False).decode
GOAL = Goal(0.25, "json")

Decode = Callable[[bytes], object]


def context() -> MarketContext:
    """What topics share, with nobody listening."""
    return MarketContext(lambda event: None, lambda ts: ts, MarketCache(300), lambda name: None)


def samples(effort: Effort) -> Iterator[tuple[str, Decode, list[bytes]]]:
    """Every message type: its name, its decoder, and messages of it."""
    n = effort.count(3_000, least=20)
    yield "book-1", _BOOK, messages.quotes(n)
    for depth in messages.DEPTHS:
        stream = messages.book(depth, n)
        yield f"book-{depth}-snapshot", _BOOK, stream[:1] * max(5, 10 * n // depth)
        yield f"book-{depth}-delta", _BOOK, stream[1:]
    yield "trade", msgspec.json.Decoder(wire.TradesFrame, strict=False).decode, messages.trades(n)
    yield "ticker-snapshot", _TICKER, [messages.ticker_snapshot()] * n
    yield "ticker-delta", _TICKER, messages.ticker_deltas(n)
    yield "kline", msgspec.json.Decoder(wire.KlineFrame, strict=False).decode, messages.klines(n)
    yield "order", msgspec.json.Decoder(wire.OrderFrame).decode, private_messages.orders(n)
    yield "execution", msgspec.json.Decoder(wire.ExecutionFrame).decode, private_messages.executions(n)
    yield "position", msgspec.json.Decoder(wire.PositionFrame).decode, private_messages.positions(n)
    yield "wallet", msgspec.json.Decoder(wire.WalletFrame).decode, private_messages.wallets(n)
    yield "trade-ack", msgspec.json.Decoder(wire.TradeAnswer).decode, private_messages.acks(n)


def decode_rows(effort: Effort) -> Iterator[Row]:
    """Bytes to typed records, and nothing more."""
    for name, decode, stream in samples(effort):
        size = sum(map(len, stream)) // len(stream)
        jobs = {"own": partial(cpu_us, over(decode, stream)), "json": partial(cpu_us, over(json.loads, stream))}
        found = interleaved(effort.rounds, jobs)
        yield Row(
            name=f"decode.{name}", what=f"a message of {size:,} bytes into typed records, CPU", unit="us",
            values=found["own"], floors={"json": found["json"]}, goals=(GOAL,),
        )  # fmt: skip


def _handlers(effort: Effort) -> Iterator[tuple[str, Callable[[], Decode], list[bytes]]]:
    n = effort.count(3_000, least=20)

    def topic(kind: str, detail: str = "") -> Callable[[], Decode]:
        return lambda: make_topic(MarketKey(kind, BTC, detail), context()).take

    def private(name: bytes) -> Callable[[], Decode]:
        def make() -> Decode:
            taker = PrivateMessages(lambda e: None, lambda ts: ts, lambda *a: "USDT", lambda n: None, lambda r: None)
            return lambda payload: taker.take(name, payload)

        return make

    yield "book-1", topic("quotes"), messages.quotes(n)
    yield "trade", topic("trades"), messages.trades(n)
    yield "ticker-delta", topic("ticker"), [messages.ticker_snapshot(), *messages.ticker_deltas(n)]
    yield "kline", topic("bars", "1m"), messages.klines(n)
    yield "order", private(b"order"), private_messages.orders(n)
    yield "execution", private(b"execution"), private_messages.executions(n)
    yield "position", private(b"position"), private_messages.positions(n)
    yield "wallet", private(b"wallet"), private_messages.wallets(n)


def _handled(make: Callable[[], Decode], stream: list[bytes]) -> float:
    """A fresh handler each round: it ignores what it has seen before."""
    return cpu_us(over(make(), stream))


def handle_rows(effort: Effort) -> Iterator[Row]:
    """Bytes to checked model events: what a frame costs before the engine sees it."""
    for name, make, stream in _handlers(effort):
        jobs = {"own": partial(_handled, make, stream), "json": partial(cpu_us, over(json.loads, stream))}
        found = interleaved(effort.rounds, jobs)
        yield Row(
            name=f"handle.{name}", what="the same message decoded, checked and made a model event, CPU", unit="us",
            values=found["own"], floors={"json": found["json"]},
        )  # fmt: skip
