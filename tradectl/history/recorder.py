"""A recording: market events as they come, gathered in spools and merged into the store; breaks stay marked.

Coverage (:mod:`tradectl.history.coverage`) says which stretches of trades and quotes were followed without a break.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import Struct

from tradectl.history.columns import dtype_of, made
from tradectl.history.coverage import Stretch
from tradectl.history.series import COLUMNS, Kind, SeriesId
from tradectl.history.settling import settle, settle_but_last
from tradectl.history.sources import HistorySink
from tradectl.history.spool import Spool
from tradectl.model.events import (
    BarClosed,
    BookChanged,
    ConnectionChanged,
    DataDoubted,
    Event,
    QuoteChanged,
    TradePrinted,
)
from tradectl.model.instruments import Category
from tradectl.model.market_data import INTERVALS
from tradectl.model.orders import Side

#: Rows that wait in the spool before the store's files are written anew.
BATCH = 50_000
#: What the recorded kinds are called where streams are subscribed and doubted.
STREAMS = {Kind.CANDLES: "bars", Kind.TRADES: "trades", Kind.QUOTES: "quotes", Kind.BOOK: "book"}


class Recorded(Struct):
    """What came of one series.

    ``gaps`` are breaks between two rows, from the last before to the first after; ``kept`` counts candles left out
    because the store says something else about them.
    """

    series: SeriesId
    rows: int = 0
    first: int = 0
    last: int = 0
    kept: int = 0
    gaps: list[Stretch] = []


class _Track:
    """One series: rows in memory until the next :meth:`Recorder.save`, then in the spool."""

    def __init__(self, folder: Path, series: SeriesId) -> None:
        self.spool = Spool(folder, series)
        self.rows: list[tuple[Any, ...]] = []
        self.told = Recorded(series)
        self.broken_at = 0
        #: Candles this far apart have none between them.
        self.step = INTERVALS.get(series.interval, 0)

    def add(self, row: tuple[Any, ...]) -> None:
        """One row, its time first."""
        if self.broken_at:
            if row[0] - self.broken_at > self.step:
                self.told.gaps.append((self.broken_at, row[0]))
            self.broken_at = 0
        self.rows.append(row)
        self.told.rows += 1
        self.told.first = self.told.first or row[0]
        self.told.last = max(self.told.last, row[0])

    def save(self) -> None:
        """What is in memory is on disk when this returns."""
        if self.rows:
            rows, self.rows = self.rows, []
            names = COLUMNS[self.told.series.kind].names
            columns = [
                np.array(values, dtype_of(name)) for name, values in zip(names, zip(*rows, strict=True), strict=True)
            ]
            self.spool.append(made(self.told.series.kind, columns))


class Recorder:
    """Takes events of ``series`` and keeps them in ``store``, whose spools and coverage are in ``folder``.

    Raises ``Problem`` (CONFLICT) when another process writes one of them.
    """

    def __init__(self, store: HistorySink, folder: Path, series: Iterable[SeriesId]) -> None:
        self._store = store
        self._tracks: dict[SeriesId, _Track] = {}
        try:
            for one in series:
                self._tracks[one] = _Track(folder, one)
                settle(store, self._tracks[one].spool)
        except BaseException:
            self._release()
            raise

    @property
    def recorded(self) -> list[Recorded]:
        """What came so far."""
        return [track.told for track in self._tracks.values()]

    def take(self, event: Event) -> None:
        """One event of the venue; what is not recorded is passed over."""
        if isinstance(event, TradePrinted):
            side = 1 if event.side is Side.BUY else -1
            self._add(SeriesId(event.instrument, Kind.TRADES), (event.ts, event.price, event.size, side))
        elif isinstance(event, QuoteChanged):
            quote = (event.ts, event.bid, event.bid_size, event.ask, event.ask_size)
            self._add(SeriesId(event.instrument, Kind.QUOTES), quote)
        elif isinstance(event, BookChanged):
            series = SeriesId(event.instrument, Kind.BOOK, str(event.depth))
            for level in level_rows(event):
                self._add(series, level)
        elif isinstance(event, BarClosed):
            bar = event.bar
            row = (bar.open_time, bar.open, bar.high, bar.low, bar.close, bar.volume, bar.turnover)
            self._add(SeriesId(event.instrument, Kind.CANDLES, event.interval), row)
        elif isinstance(event, ConnectionChanged) and not event.up and event.stream.startswith("public."):
            category = Category(event.stream.split(".")[1])
            self._break(track for name, track in self._tracks.items() if name.instrument.category is category)
        elif isinstance(event, DataDoubted) and not event.ok:
            self._break(
                track for name, track in self._tracks.items()
                if name.instrument == event.instrument and STREAMS[name.kind] == event.kind
            )  # fmt: skip

    def save(self) -> None:
        """Everything taken so far is on disk when this returns."""
        for track in self._tracks.values():
            track.save()

    def merge(self) -> None:
        """:meth:`save`, and move full spools into the store."""
        for track in self._tracks.values():
            track.save()
            if track.spool.rows >= BATCH:
                track.told.kept += settle_but_last(self._store, track.spool)

    def close(self) -> None:
        """Everything into the store; the series are free for others."""
        try:
            for track in self._tracks.values():
                track.save()
                track.told.kept += settle(self._store, track.spool)
        finally:
            self._release()

    def _add(self, series: SeriesId, row: tuple[Any, ...]) -> None:
        track = self._tracks.get(series)
        if track is not None:
            track.add(row)

    def _break(self, tracks: Iterable[_Track]) -> None:
        """Rows may have been missed from here on. What came before is stored, for a spool is one unbroken stretch."""
        for track in tracks:
            if track.told.rows and not track.broken_at:
                track.broken_at = track.told.last
                track.save()
                track.told.kept += settle(self._store, track.spool)

    def _release(self) -> None:
        for track in self._tracks.values():
            track.spool.close()


def level_rows(event: BookChanged) -> Iterator[tuple[int, float, float, int, int]]:
    """The rows of :class:`tradectl.history.series.Levels` that say what the event says."""
    start = 2 if event.snapshot else 0
    for side, levels in ((1, event.bids), (-1, event.asks)):
        for price, size in levels:
            yield event.ts, price, size, side, start
            start = min(start, 1)
