"""Everything a sandbox remembers, as one object: the accounts, their history, the market's place and its candles."""

from collections.abc import Iterable
from pathlib import Path

import msgspec

from tradectl.matching.records import Fill, Happening, LedgerEntry, VenueOrder
from tradectl.sandbox.market.bars import ReadBars
from tradectl.sandbox.market.records import Bar, Kline
from tradectl.sandbox.memory.database import Database
from tradectl.sandbox.memory.queries import (
    DAY,
    RECENTLY_CLOSED,
    UNFILLED_KEPT,
    WEEK,
    Filters,
    cursor_place,
    cursor_text,
    page,
    window,
)
from tradectl.sandbox.memory.recorder import Recorder
from tradectl.sandbox.memory.records import ClosedPnl

_kline_decoder = msgspec.msgpack.Decoder(Kline)


class Memory:
    """Opens the memory in ``state`` (``None``: only as long as the process). Raises ``Problem`` when it cannot."""

    def __init__(self, state: Path | None) -> None:
        self.database = Database(state)
        self.recorder = Recorder(self.database)

    def close(self) -> None:
        self.database.close()

    def save(self, *, place: bytes, happenings: list[Happening], closes: Iterable[Bar], exchange: bytes | None) -> None:
        """One step or request, all or nothing. ``exchange`` is given when accounts changed."""
        with self.database.transaction():
            self.recorder.record(happenings)
            self.add_bars(closes)
            if exchange is not None:
                self.database.put("exchange", exchange)
            self.database.put("place", place)

    # --- candles ----------------------------------------------------------------------------------------------------

    def add_bars(self, bars: Iterable[Bar]) -> None:
        """Keep closed candles; call inside a transaction."""
        self.database.execute_many(
            "INSERT INTO bars VALUES (?, ?, ?)",
            ((str(bar.instrument), bar.kline.open_time, msgspec.msgpack.encode(bar.kline)) for bar in bars),
        )

    def reader_of(self, instrument: str) -> ReadBars:
        """Reads one instrument's closed candles with ``start <= open_time < end``, oldest first."""

        def read(start: int, end: int) -> list[Kline]:
            query = "SELECT body FROM bars WHERE instrument = ? AND open_time >= ? AND open_time < ? ORDER BY open_time"
            return [_kline_decoder.decode(body) for (body,) in self.database.rows(query, (instrument, start, end))]

        return read

    def newest_bars(self, instrument: str, count: int) -> list[Kline]:
        """The last ``count`` closed candles, oldest first."""
        query = "SELECT body FROM bars WHERE instrument = ? ORDER BY open_time DESC LIMIT ?"
        return [_kline_decoder.decode(body) for (body,) in self.database.rows(query, (instrument, count))][::-1]

    def forget_bars(self, instrument: str, before: int) -> None:
        """Drop candles that opened before a time."""
        with self.database.transaction():
            self.database.execute("DELETE FROM bars WHERE instrument = ? AND open_time < ?", (instrument, before))

    # --- histories --------------------------------------------------------------------------------------------------

    def closed_orders(self, uid: str, category: str) -> list[VenueOrder]:
        """The last 500 closed orders of an account and category, newest first."""
        query = "SELECT body FROM orders WHERE uid = ? AND category = ? AND final = 1 ORDER BY n DESC LIMIT ?"
        rows = self.database.rows(query, (uid, category, RECENTLY_CLOSED))
        return [msgspec.msgpack.decode(body, type=VenueOrder) for (body,) in rows]

    def orders_by_id(self, uid: str, category: str, order_id: str, link_id: str) -> list[VenueOrder]:
        """The order with ``order_id`` or else ``link_id``, open or final."""
        column, value = ("order_id", order_id) if order_id else ("link_id", link_id)
        query = f"SELECT body FROM orders WHERE uid = ? AND category = ? AND {column} = ? ORDER BY n DESC"
        return [
            msgspec.msgpack.decode(body, type=VenueOrder)
            for (body,) in self.database.rows(query, (uid, category, value))
        ]

    def order_history(
        self,
        uid: str,
        category: str,
        symbols: list[str] | None,
        order_id: str,
        link_id: str,
        status: str,
        kind: str,
        start_ms: int | None,
        end_ms: int | None,
        now: int,
        limit: int,
        cursor: str,
    ) -> tuple[list[VenueOrder], str]:
        """Final orders that were alive in the window: created before its end and finished after its start."""
        filters = Filters(
            ["uid = ?", "category = ?", "final = 1", "(filled = 1 OR updated > ?)"],
            [uid, category, now - UNFILLED_KEPT],
        )
        filters.add("order_id = ?", order_id)
        filters.add("link_id = ?", link_id)
        filters.add("status = ?", status)
        filters.add("kind = ?", kind)
        if symbols is not None:
            filters.add_any_of("symbol", symbols)
        if not order_id and not link_id:
            start, end = window(start_ms, end_ms, now, WEEK, WEEK)
            filters.add("updated >= ?", start)
            filters.add("created <= ?", end)
        return page(self.database, "orders", filters, VenueOrder, limit, cursor)

    def executions(
        self,
        uid: str,
        category: str,
        symbols: list[str] | None,
        order_id: str,
        link_id: str,
        exec_type: str,
        start_ms: int | None,
        end_ms: int | None,
        now: int,
        limit: int,
        cursor: str,
    ) -> tuple[list[Fill], str]:
        """Executions in the window; given an id, all other filters are ignored."""
        filters = Filters(["uid = ?", "category = ?"], [uid, category])
        if order_id or link_id:
            filters.add(*(("order_id = ?", order_id) if order_id else ("link_id = ?", link_id)))
        else:
            start, end = window(start_ms, end_ms, now, WEEK, WEEK)
            filters.add("ts >= ?", start)
            filters.add("ts <= ?", end)
            filters.add("type = ?", exec_type)
            if symbols is not None:
                filters.add_any_of("symbol", symbols)
        return page(self.database, "executions", filters, Fill, limit, cursor)

    def ledger(
        self,
        uid: str,
        category: str,
        currency: str,
        symbols: list[str] | None,
        kind: str,
        start_ms: int | None,
        end_ms: int | None,
        now: int,
        limit: int,
        cursor: str,
    ) -> tuple[list[LedgerEntry], str]:
        """Rows of the transaction log; without both bounds the window is 24 hours."""
        start, end = window(start_ms, end_ms, now, DAY, WEEK)
        filters = Filters(["uid = ?", "ts >= ?", "ts <= ?"], [uid, start, end])
        filters.add("category = ?", category)
        filters.add("coin = ?", currency)
        filters.add("type = ?", kind)
        if symbols is not None:
            filters.add_any_of("symbol", symbols)
        return page(self.database, "ledger", filters, LedgerEntry, limit, cursor)

    def closed_pnl(
        self,
        uid: str,
        category: str,
        symbol: str,
        start_ms: int | None,
        end_ms: int | None,
        now: int,
        limit: int,
        cursor: str,
    ) -> tuple[list[ClosedPnl], str]:
        """What closing orders realised."""
        start, end = window(start_ms, end_ms, now, WEEK, WEEK)
        filters = Filters(["uid = ?", "category = ?", "ts >= ?", "ts <= ?"], [uid, category, start, end])
        filters.add("symbol = ?", symbol)
        return page(self.database, "closed_pnl", filters, ClosedPnl, limit, cursor)


__all__ = ["Memory", "cursor_place", "cursor_text"]
