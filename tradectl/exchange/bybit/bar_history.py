"""Closed candles over REST: paged backwards, the still-open candle left out, checked, oldest first."""

import asyncio
from collections.abc import Callable

from msgspec import Struct

from tradectl.exchange.bybit.market_time import MarketTime
from tradectl.exchange.bybit.market_topics import check_bar
from tradectl.exchange.bybit.order_book import BadFrame
from tradectl.exchange.bybit.rest import Rest
from tradectl.exchange.bybit.translate import MS
from tradectl.exchange.bybit.wire import KlinePage
from tradectl.exchange.retry_handler import ReadFailed
from tradectl.model.commands import RequestBars
from tradectl.model.instruments import InstrumentId
from tradectl.model.market_data import INTERVALS, WIRE_INTERVALS, Bar

PAGE = 1000
MAX_PAGES = 1000
#: How often, and after how many seconds, a candle that has only just ended is looked at again.
SETTLE_TRIES, SETTLE_PAUSE = 4, 0.3


class BarRules(Struct):
    """``margin`` nanoseconds after its end a candle may still change, unless ``known`` says that the stream has
    confirmed it."""

    margin: int
    known: Callable[[InstrumentId, str, int], bool]


class BarHistory:
    """Answers ``RequestBars``."""

    def __init__(self, rest: Rest, time: MarketTime, rules: BarRules) -> None:
        self._rest = rest
        self._time = time
        self._rules = rules

    async def load(self, request: RequestBars) -> tuple[Bar, ...]:
        """The candles asked for. Raises ``ReadFailed``, and ``ValueError`` on an interval that is not offered."""
        if request.interval not in INTERVALS:
            raise ValueError(f"interval {request.interval!r} is none of {', '.join(INTERVALS)}")
        found = await self._newest(request)
        wanted = request.count if not request.since else PAGE * MAX_PAGES
        for _ in range(MAX_PAGES):
            if len(found) >= wanted or not found:
                break
            oldest = min(found)
            if oldest <= request.since:
                break
            page, _ = await self._page(request, wanted - len(found), oldest // MS - 1)
            fresh = {bar.open_time: bar for bar in page if bar.open_time < oldest}
            if not fresh:
                break
            found.update(fresh)
        bars = tuple(found[t] for t in sorted(found) if t >= request.since)
        return bars if request.since else bars[-request.count :] if request.count else ()

    async def _newest(self, request: RequestBars) -> dict[int, Bar]:
        """The first page without its open candle; one that has only just ended is read again until it settled."""
        count = request.count + 1 if not request.since else PAGE
        for attempt in range(SETTLE_TRIES + 1):
            # A sandbox's market is asked for its time before the candles, so that an ended candle is final in them.
            before = await self._time.now(request.instrument) if self._time.own_clock else 0
            page, server_ms = await self._page(request, count, None)
            bars = {bar.open_time: bar for bar in page}
            newest = max(bars, default=None)
            if newest is None or self._rules.known(request.instrument, request.interval, newest):
                return bars
            age = (before or server_ms * MS) - (newest + INTERVALS[request.interval])
            if age < 0:
                del bars[newest]
            if age < 0 or self._time.own_clock or age >= self._rules.margin or attempt == SETTLE_TRIES:
                return bars
            await asyncio.sleep(SETTLE_PAUSE)
        return {}

    async def _page(self, request: RequestBars, count: int, end_ms: int | None) -> tuple[list[Bar], int]:
        """One page that ends at ``end_ms`` (newest when ``None``), and the venue's transport clock."""
        page, server_ms = await self._rest.read_timed(
            "get_kline",
            KlinePage,
            category=request.instrument.category.value,
            symbol=request.instrument.symbol,
            interval=WIRE_INTERVALS[request.interval],
            start=request.since // MS if request.since else None,
            end=end_ms,
            limit=max(1, min(count, PAGE)),
        )
        return [_bar(row) for row in page.list], server_ms


def _bar(row: tuple[int, float, float, float, float, float, float]) -> Bar:
    bar = Bar(row[0] * MS, *row[1:])
    try:
        check_bar(bar)
    except BadFrame as error:
        raise ReadFailed(0, f"the venue's history is not usable: {error}", again=False) from error
    return bar
