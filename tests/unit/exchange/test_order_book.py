"""The kept book against a slow obvious one, and real captures."""

import gzip
import os
import random
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradectl.exchange.bybit.market_cache import MarketCache
from tradectl.exchange.bybit.market_topics import BookTopic, MarketContext, TradeTopic, make_topic
from tradectl.exchange.bybit.order_book import BadFrame, OrderBook
from tradectl.model.events import BookChanged, TradePrinted
from tradectl.model.instruments import Category, InstrumentId
from tradectl.model.market_data import MarketKey

PRICES = st.integers(1, 40)
SIZES = st.integers(0, 5)
Change = list[tuple[int, int]]


class SlowBook:
    """Two dicts, sorted whenever asked."""

    def __init__(self) -> None:
        self.bids: dict[float, float] = {}
        self.asks: dict[float, float] = {}

    def change(self, bids: Change, asks: Change) -> None:
        for side, levels in ((self.bids, bids), (self.asks, asks)):
            for price, size in levels:
                side[float(price)] = float(size)
                if not size:
                    del side[float(price)]

    def crossed(self) -> bool:
        return bool(self.bids) and bool(self.asks) and max(self.bids) >= min(self.asks)


def floats(levels: Change) -> tuple[tuple[float, float], ...]:
    return tuple((float(p), float(s)) for p, s in levels)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.lists(st.tuples(PRICES, SIZES), max_size=6), st.booleans()), max_size=30))
def test_the_book_equals_a_slow_one(frames: list[tuple[Change, bool]]) -> None:
    fast, slow = OrderBook(), SlowBook()
    fast.replace((), (), 1)
    update = 1
    for levels, on_bids in frames:
        bids, asks = (levels, []) if on_bids else ([], [(p + 20, s) for p, s in levels])
        update += 1
        slow.change(bids, asks)
        if slow.crossed():
            with pytest.raises(BadFrame):
                fast.change(floats(bids), floats(asks), update)
            assert not fast.synced
            return
        fast.change(floats(bids), floats(asks), update)
        assert fast.synced
        assert fast.best_bid == max(slow.bids, default=None)
        assert fast.best_ask == min(slow.asks, default=None)
        expected = (
            tuple(sorted(slow.bids.items(), reverse=True)[:5]),
            tuple(sorted(slow.asks.items())[:5]),
        )
        assert fast.levels(5) == expected


def generated(count: int) -> list[bytes]:
    """A twin of the captures: a snapshot and contiguous deltas around a wandering middle that never crosses."""
    rng = random.Random(7)
    middle, update = 10_000, 1
    bids = {middle - n: rng.randint(1, 9) for n in range(1, 51)}
    asks = {middle + n: rng.randint(1, 9) for n in range(1, 51)}

    def frame(kind: str, b: dict[int, int], a: dict[int, int]) -> bytes:
        rows = [[[str(p / 10), str(s)] for p, s in side.items()] for side in (b, a)]
        data = {"s": "XRPUSDT", "b": rows[0], "a": rows[1], "u": update, "seq": update}
        return msgspec.json.encode({"topic": "orderbook.500.XRPUSDT", "type": kind, "ts": 1_000 + update, "data": data})

    frames = [frame("snapshot", bids, asks)]
    for _ in range(count - 1):
        update += 1
        middle += rng.choice((-1, 0, 1))
        gone_bids = {p: 0 for p in bids if p >= middle}
        gone_asks = {p: 0 for p in asks if p <= middle}
        new_bids = {middle - rng.randint(1, 50): rng.randint(1, 9) for _ in range(3)}
        new_asks = {middle + rng.randint(1, 50): rng.randint(1, 9) for _ in range(3)}
        for side, gone, new in ((bids, gone_bids, new_bids), (asks, gone_asks, new_asks)):
            for price in gone:
                del side[price]
            side.update(new)
        frames.append(frame("delta", {**gone_bids, **new_bids}, {**gone_asks, **new_asks}))
    return frames


def replay(frames: list[bytes]) -> tuple[list[Any], list[str]]:
    """Feed book and trade frames of any symbols; every one must be believed."""
    events: list[Any] = []
    counts: list[str] = []
    context = MarketContext(events.append, lambda ts: ts, MarketCache(10), counts.append)
    topics: dict[str, Any] = {}
    for payload in frames:
        name = msgspec.json.decode(payload)["topic"]
        if name not in topics:
            family, _, rest = name.partition(".")
            detail, _, symbol = rest.rpartition(".")
            kind = {"orderbook": "book", "publicTrade": "trades"}[family]
            key = MarketKey(kind, InstrumentId(Category.LINEAR, symbol), detail)
            topics[name] = make_topic(key, context)
        assert topics[name].take(payload)
    assert {type(topic) for topic in topics.values()} <= {BookTopic, TradeTopic}
    return events, counts


def test_generated_capture() -> None:
    events, counts = replay(generated(2_000))
    assert len(events) == 2_000
    assert [e.snapshot for e in events].count(True) == 1
    assert not counts


@pytest.mark.skipif("TRADECTL_TEST_DATA" not in os.environ, reason="TRADECTL_TEST_DATA is not set")
@pytest.mark.parametrize(
    "pattern", ["bybit_v5_XRPUSDT_ob500*.jsonl.gz", "bybit_*reencoded*.jsonl.gz", "binance_*reencoded*.jsonl.gz"]
)
def test_real_captures(pattern: str) -> None:
    path = next((Path(os.environ["TRADECTL_TEST_DATA"]) / "book").glob(pattern))
    with gzip.open(path) as file:
        frames = [line.strip() for line in file]
    events, counts = replay(frames)
    assert not counts
    assert sum(type(e) in (BookChanged, TradePrinted) for e in events) >= len(frames)
