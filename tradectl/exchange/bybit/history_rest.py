"""Bybit's history over REST: candles, mark, index, funding, open interest and the newest trades, in whole pages.

A page is asked for by both its bounds and is never larger than the venue's limit, so that what it lacks does not exist
(bybit-v5 3.2, 4.2); a few are asked for at once and handed on in order.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping

import numpy as np

from tradectl.exchange.bybit.history_pages import (
    INTEREST_PERIODS,
    PAGE_ROWS,
    Bounds,
    candles_of,
    interest_of,
    point_rows,
    points_of,
    prices_of,
    tape_of,
)
from tradectl.exchange.bybit.history_problems import failures_about
from tradectl.exchange.bybit.history_wire import InterestPage, PricePage, RecentPage, SettlementPage
from tradectl.exchange.bybit.pages import pages, rows
from tradectl.exchange.bybit.rest import Rest
from tradectl.exchange.bybit.translate import MS, instrument_of
from tradectl.exchange.bybit.wire import BookMoment, InstrumentPage, KlinePage
from tradectl.history.series import Columns, Kind, SeriesId
from tradectl.history.sources import Piece
from tradectl.model.instruments import Category, Instrument, InstrumentId
from tradectl.model.market_data import INTERVALS, WIRE_INTERVALS

#: Pages in flight for one series.
AHEAD = 4
#: Funding pages are cut for the shortest period there is, an hour.
FUNDING_STEP = INTERVALS["1h"]
NEWEST_TRADES = {Category.SPOT: 60}

Read = Callable[[SeriesId, Bounds], Awaitable[Columns]]


class BybitHistory:
    """A ``HistorySource``. ``margin`` nanoseconds after its end a candle may still change."""

    name = "rest"

    def __init__(self, rest: Rest, margin: int) -> None:
        self._rest = rest
        self._margin = margin
        self.notes: list[str] = []
        self._reads: dict[Kind, Read] = {
            Kind.CANDLES: self._candles,
            Kind.MARK: lambda series, bounds: self._prices("get_mark_price_kline", series, bounds),
            Kind.INDEX: lambda series, bounds: self._prices("get_index_price_kline", series, bounds),
            Kind.FUNDING: self._funding,
            Kind.OPEN_INTEREST: self._interest,
        }

    def refusal(self, series: SeriesId) -> str:
        """Quotes and books are not kept by Bybit; spot has trades and candles alone."""
        if series.kind in (Kind.QUOTES, Kind.BOOK):
            return f"Bybit keeps no history of {series.kind.value}: data record gathers them from now on"
        if series.instrument.category is Category.OPTION:
            return "options have no candles at Bybit"
        if series.instrument.category is Category.SPOT and series.kind not in (Kind.CANDLES, Kind.TRADES):
            return f"spot has no {series.kind.value}"
        if series.kind is Kind.OPEN_INTEREST and series.interval not in INTEREST_PERIODS:
            return f"open interest comes every {', '.join(INTEREST_PERIODS)}, not {series.interval}"
        return ""

    async def now(self, instrument: InstrumentId) -> int:
        """Market time by the book, which a sandbox states truly (its transport clock is another)."""
        with failures_about(instrument):
            book = await self._rest.read(
                "get_orderbook", BookMoment, category=instrument.category.value, symbol=instrument.symbol, limit=1
            )
        return book.ts * MS - self._margin

    async def instruments(self, category: Category) -> Mapping[InstrumentId, Instrument]:
        """What is traded now, and of derivatives what no longer is: the dead belong into an honest backtest."""
        found: dict[InstrumentId, Instrument] = {}
        with failures_about(None):
            for status in ("Closed", None) if category is not Category.SPOT else (None,):
                limit = None if category is Category.SPOT else 1000
                for row in await rows(
                    self._rest, "get_instruments_info", InstrumentPage,
                    category=category.value, limit=limit, status=status,
                ):  # fmt: skip
                    try:
                        found[InstrumentId(category, row.symbol)] = instrument_of(row, category)
                    except ValueError as error:
                        self.notes.append(f"{category.value}:{row.symbol} is left out: {error}")
        return found

    async def pieces(self, series: SeriesId, since: int, until: int) -> AsyncGenerator[Piece, None]:
        """Page by page, oldest first."""
        if series.kind is Kind.TRADES:
            piece = await self._newest_trades(series, since, until)
            if piece is not None:
                yield piece
            return
        read = self._reads[series.kind]
        waiting: deque[tuple[int, int, asyncio.Task[Columns]]] = deque()
        try:
            for start, stop in _windows(series, since, until):
                if len(waiting) == AHEAD:
                    yield await _first(waiting)
                bounds = Bounds(start // MS, (stop - 1) // MS)
                waiting.append((start, stop, asyncio.ensure_future(self._page(read, series, bounds))))
            while waiting:
                yield await _first(waiting)
        finally:
            for _, _, task in waiting:
                task.cancel()
            await asyncio.gather(*(task for _, _, task in waiting), return_exceptions=True)

    async def close(self) -> None:
        """Close the sessions."""
        await self._rest.close()

    async def _page(self, read: Read, series: SeriesId, bounds: Bounds) -> Columns:
        with failures_about(series.instrument):
            return await read(series, bounds)

    async def _candles(self, series: SeriesId, bounds: Bounds) -> Columns:
        page = await self._rest.read("get_kline", KlinePage, **_named_by(series), **_interval(series, bounds))
        return candles_of(page.list, bounds)

    async def _prices(self, method: str, series: SeriesId, bounds: Bounds) -> Columns:
        page = await self._rest.read(method, PricePage, **_named_by(series), **_interval(series, bounds))
        return prices_of(page.list, bounds)

    async def _funding(self, series: SeriesId, bounds: Bounds) -> Columns:
        found: dict[int, float] = {}
        end = bounds.end
        while True:
            page = await self._rest.read(
                "get_funding_rate_history", SettlementPage, **_named_by(series),
                startTime=bounds.start, endTime=end, limit=PAGE_ROWS[Kind.FUNDING],
            )  # fmt: skip
            fresh = points_of(page.list, bounds)
            found.update(fresh)
            if len(page.list) < PAGE_ROWS[Kind.FUNDING] or not fresh or min(fresh) <= bounds.start:
                return point_rows(found)
            end = min(fresh) - 1

    async def _interest(self, series: SeriesId, bounds: Bounds) -> Columns:
        found: dict[int, float] = {}
        async for page in pages(
            self._rest, "get_open_interest", InterestPage, **_named_by(series),
            intervalTime=INTEREST_PERIODS[series.interval], startTime=bounds.start, endTime=bounds.end,
            limit=PAGE_ROWS[Kind.OPEN_INTEREST],
        ):  # fmt: skip
            found.update(interest_of(page.list, bounds))
        return point_rows(found)

    async def _newest_trades(self, series: SeriesId, since: int, until: int) -> Piece | None:
        """The newest trades alone: Bybit pages no further back. The newest millisecond may still grow, and the
        oldest of a full page may have begun before it, so neither counts."""
        limit = NEWEST_TRADES.get(series.instrument.category, 1000)
        with failures_about(series.instrument):
            page = await self._rest.read("get_public_trade_history", RecentPage, **_named_by(series), limit=limit)
        if not page.list:
            return None
        tape = tape_of(page.list)
        first = int(tape.times[0]) + (MS if len(page.list) == limit else 0)
        begin, end = max(first, since), min(int(tape.times[-1]), until)
        if begin > since:
            at = np.datetime64(begin, "ns").astype("datetime64[s]")
            self.notes.append(
                f"{series.instrument}: REST gives the newest trades alone (at most {limit}), since {at}Z; "
                "--source archive has the days before"
            )
        return Piece(begin, end, tape.between(begin, end)) if begin < end else None


def _windows(series: SeriesId, since: int, until: int) -> list[tuple[int, int]]:
    step = INTERVALS[series.interval] if series.interval else FUNDING_STEP
    length = PAGE_ROWS[series.kind] * step
    return [(start, min(start + length, until)) for start in range(since, until, length)]


async def _first(waiting: "deque[tuple[int, int, asyncio.Task[Columns]]]") -> Piece:
    start, stop, task = waiting[0]
    columns = await task
    waiting.popleft()
    return Piece(start, stop, columns)


def _named_by(series: SeriesId) -> dict[str, str]:
    return {"category": series.instrument.category.value, "symbol": series.instrument.symbol}


def _interval(series: SeriesId, bounds: Bounds) -> dict[str, object]:
    return {
        "interval": WIRE_INTERVALS[series.interval], "start": bounds.start, "end": bounds.end,
        "limit": PAGE_ROWS[series.kind],
    }  # fmt: skip
