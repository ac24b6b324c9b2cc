"""A book delta: decoded, applied, best bid and ask read; against the fastest structure known and the plainest."""

import json
from bisect import bisect_left, insort
from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import partial

import msgspec
from sortedcontainers import SortedDict

from tests.benchmarks import messages
from tests.benchmarks.decode import BTC, context
from tests.benchmarks.measure import Effort, Goal, Row, cpu_us, interleaved, over
from tradectl.exchange.bybit.market_topics import BookTopic
from tradectl.model.market_data import MarketKey


class _Levels(msgspec.Struct, gc=False):
    b: list[tuple[float, float]]
    a: list[tuple[float, float]]
    u: int


class _Frame(msgspec.Struct, gc=False):
    type: str
    data: _Levels


class BareBook:
    """The first floor: msgspec into Structs, a dict beside a bisect-kept list, no check of anything."""

    _decode = staticmethod(msgspec.json.Decoder(_Frame, strict=False).decode)

    def __init__(self) -> None:
        self.sides: tuple[tuple[dict[float, float], list[float]], ...] = (({}, []), ({}, []))

    def take(self, payload: bytes) -> tuple[float, float]:
        data = self._decode(payload).data
        for (sizes, prices), levels in zip(self.sides, (data.b, data.a), strict=True):
            for price, size in levels:
                if size:
                    if price not in sizes:
                        insort(prices, price)
                    sizes[price] = size
                elif price in sizes:
                    del sizes[price]
                    del prices[bisect_left(prices, price)]
        return self.sides[0][1][-1], self.sides[1][1][0]


class PlainBook:
    """The second floor: json, Decimal and SortedDict, as most clients do it."""

    def __init__(self) -> None:
        self.bids: SortedDict[Decimal, Decimal] = SortedDict()
        self.asks: SortedDict[Decimal, Decimal] = SortedDict()

    def take(self, payload: bytes) -> tuple[Decimal, Decimal]:
        data = json.loads(payload)["data"]
        for side, levels in ((self.bids, data["b"]), (self.asks, data["a"])):
            for price_text, size_text in levels:
                price, size = Decimal(price_text), Decimal(size_text)
                if size:
                    side[price] = size
                else:
                    side.pop(price, None)
        return self.bids.peekitem(-1)[0], self.asks.peekitem(0)[0]


class OwnBook:
    """Ours: the connector's topic, with every check and its event."""

    def __init__(self, depth: int) -> None:
        self._topic = BookTopic(MarketKey("book", BTC, str(depth)), context())

    def take(self, payload: bytes) -> tuple[float | None, float | None]:
        self._topic.take(payload)
        book = self._topic.book
        return book.best_bid, book.best_ask


def _measured(make: Callable[[], OwnBook | BareBook | PlainBook], stream: list[bytes]) -> float:
    book = make()
    book.take(stream[0])
    return cpu_us(over(book.take, stream[1:]))


def rows(effort: Effort) -> Iterator[Row]:
    """Deltas of three depths."""
    for depth in messages.DEPTHS:
        stream = messages.book(depth, effort.count(4_000, least=20))
        books = {"own": partial(OwnBook, depth), "bisect": BareBook, "SortedDict": PlainBook}
        found = interleaved(effort.rounds, {name: partial(_measured, make, stream) for name, make in books.items()})
        changed = messages.CHANGES[depth]
        yield Row(
            name=f"book.{depth}",
            what=f"a delta of {changed} levels of a {depth}-level book: decode, apply, best bid and ask, CPU",
            unit="us", values=found["own"],
            floors={"bisect": found["bisect"], "SortedDict": found["SortedDict"]},
            goals=(Goal(1.2, "bisect"), Goal(0.25, "SortedDict")),
        )  # fmt: skip
