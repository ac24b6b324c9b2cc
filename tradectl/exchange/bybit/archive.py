"""Bybit's public archive as a source of history: one file of trades a day for each symbol, and candles made of them.

Spot is under ``spot/`` (``BTCUSDT_2025-06-01.csv.gz``), derivatives under ``trading/`` (``BTCUSDT2025-06-01.csv.gz``).
The archive's own candles (``kline_for_metatrader4/``) are not used: their clock is not UTC and nowhere stated.
"""

import asyncio
import time
from collections import OrderedDict, defaultdict
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path

import httpx
import numpy as np

from tradectl.exchange.bybit.archive_fetch import ArchiveFile, fetch
from tradectl.exchange.bybit.archive_rows import read_trades
from tradectl.exchange.retry_handler import RetryPolicy
from tradectl.history.series import Kind, SeriesId, Tape
from tradectl.history.sources import Piece
from tradectl.history.trade_bars import bars_of
from tradectl.model.instruments import Category, Instrument, InstrumentId
from tradectl.model.market_data import INTERVALS

PUBLIC = "https://public.bybit.com"
DAY = INTERVALS["1d"]
#: Files that are being brought at the same time, over all series: the archive is a shared public good.
FILES = 3
#: Days kept in memory, so that trades and candles of several intervals bring a file once.
KEPT = 6


class BybitArchive:
    """A ``HistorySource``. Files are gathered in ``folder`` and removed when they were read."""

    name = "archive"

    def __init__(self, base: str, folder: Path, client: httpx.AsyncClient, policy: RetryPolicy) -> None:
        self._base = base.rstrip("/")
        self._folder = folder
        self._client = client
        self._policy = policy
        self._turns = asyncio.Semaphore(FILES)
        self._locks: defaultdict[tuple[InstrumentId, int], asyncio.Lock] = defaultdict(asyncio.Lock)
        self._recent: OrderedDict[tuple[InstrumentId, int], Tape | None] = OrderedDict()
        self.notes: list[str] = []

    def refusal(self, series: SeriesId) -> str:
        """Trades, and candles of up to a day."""
        if series.instrument.category is Category.OPTION:
            return "there are no files of options"
        if series.kind not in (Kind.TRADES, Kind.CANDLES):
            return f"the files hold trades, not {series.kind.value}"
        if series.interval and DAY % INTERVALS[series.interval]:
            return f"candles of {series.interval} do not fit into the files' days"
        return ""

    async def now(self, instrument: InstrumentId) -> int:
        """The beginning of today, UTC: a file is of one whole day."""
        return time.time_ns() // DAY * DAY

    async def instruments(self, category: Category) -> Mapping[InstrumentId, Instrument] | None:
        """The archive does not say; it also has symbols that are traded no more."""
        return None

    async def pieces(self, series: SeriesId, since: int, until: int) -> AsyncGenerator[Piece, None]:
        """Day by day. A day without a file is left out and noted."""
        before = 0.0
        if series.kind is Kind.CANDLES:
            # The first candle of a day opens at the last price of the day before.
            before = _last_price(await self._day(series.instrument, since // DAY * DAY - DAY, noted=False))
        for day in range(since // DAY * DAY, until, DAY):
            tape = await self._day(series.instrument, day, noted=True)
            if tape is None:
                before = 0.0
                continue
            if series.kind is Kind.TRADES:
                yield Piece(day, day + DAY, tape)
                continue
            bars = bars_of(
                tape, day, day + DAY, INTERVALS[series.interval], before,
                inverse=series.instrument.category is Category.INVERSE,
            )  # fmt: skip
            before = _last_price(tape)
            yield Piece(day, day + DAY, bars)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _day(self, instrument: InstrumentId, day: int, *, noted: bool) -> Tape | None:
        """The trades of a day, ``None`` when there is no file of it."""
        key = (instrument, day)
        async with self._locks[key]:
            if key in self._recent:
                self._recent.move_to_end(key)
                tape = self._recent[key]
            else:
                async with self._turns:
                    tape = self._recent[key] = await self._bring(instrument, day)
                if len(self._recent) > KEPT:
                    self._recent.popitem(last=False)
        if tape is None and noted:
            self.notes.append(f"{instrument}: there is no file of {_date(day)}")
        return tape

    async def _bring(self, instrument: InstrumentId, day: int) -> Tape | None:
        file = self._file(instrument, _date(day))
        if not await fetch(self._client, file, self._policy, self.notes.append):
            return None
        tape = await asyncio.to_thread(read_trades, file.path, instrument.symbol)
        inside = tape.between(day, day + DAY)
        assert isinstance(inside, Tape)
        if len(inside) < len(tape):
            odd = len(tape) - len(inside)
            self.notes.append(f"{instrument}: {odd} trades in the file of {_date(day)} are of another day: left out")
        file.forget()
        return inside

    def _file(self, instrument: InstrumentId, date: str) -> ArchiveFile:
        symbol = instrument.symbol
        spot = instrument.category is Category.SPOT
        name = f"{symbol}_{date}.csv.gz" if spot else f"{symbol}{date}.csv.gz"
        place = self._folder / f"{instrument.category.value}.{symbol}.{date}.csv.gz"
        return ArchiveFile(f"{self._base}/{'spot' if spot else 'trading'}/{symbol}/{name}", place)


def _date(day: int) -> str:
    return str(np.datetime64(day, "ns").astype("datetime64[D]"))


def _last_price(tape: Tape | None) -> float:
    return float(tape.price[-1]) if tape is not None and len(tape) else 0.0
