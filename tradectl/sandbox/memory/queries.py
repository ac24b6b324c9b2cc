"""Paged reading of what was recorded, with Bybit's filters, windows and cursors (bybit-v5 3.2, 5.5-5.7, 7.3)."""

from collections.abc import Iterable
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from tradectl.matching.records import Refused
from tradectl.sandbox.memory.database import Database

Row = TypeVar("Row")
NS_PER_MS = 1_000_000
DAY = 86_400_000_000_000
WEEK = 7 * DAY
#: Final orders without a fill leave the history after this long (bybit-v5 5.6).
UNFILLED_KEPT = DAY
#: Closed orders that ``order/realtime`` still shows (bybit-v5 5.5).
RECENTLY_CLOSED = 500


class Filters(Struct):
    """Conditions of a query, joined by AND; :meth:`add` skips the ones nobody asked for."""

    clauses: list[str]
    values: list[Any]

    def add(self, clause: str, value: object) -> None:
        """Add ``clause`` with its one value unless that is empty."""
        if value not in ("", None):
            self.clauses.append(clause)
            self.values.append(value)

    def add_any_of(self, column: str, symbols: Iterable[str]) -> None:
        """``column`` is one of ``symbols``."""
        names = list(symbols)
        self.clauses.append(f"{column} IN ({', '.join('?' * len(names))})")
        self.values += names


def window(start_ms: int | None, end_ms: int | None, now: int, span: int, most: int) -> tuple[int, int]:
    """The time window of a history request in nanoseconds, both ends included.

    No bound: the last ``span``; one bound: ``span`` from it. Raises ``Refused`` 10001 when it is inverted or longer
    than ``most``.
    """
    start = None if start_ms is None else start_ms * NS_PER_MS
    end = None if end_ms is None else end_ms * NS_PER_MS + NS_PER_MS - 1
    if start is None and end is None:
        return now - span, now
    if start is None:
        assert end is not None
        return end - span, end
    if end is None:
        return start, start + span
    if start > end:
        raise Refused(10001, "params error: startTime must not be later than endTime")
    if end - start >= most + NS_PER_MS:
        raise Refused(10001, f"params error: the time range between startTime and endTime exceeds {most // DAY} days")
    return start, end


def cursor_text(place: int) -> str:
    """A cursor as Bybit writes it: already percent-encoded."""
    return f"page_token%3D{place}%26"


def cursor_place(cursor: str) -> int | None:
    """The place a cursor names, ``None`` for the first page. Raises ``Refused`` 10001 for a foreign one."""
    if not cursor:
        return None
    digits = cursor.replace("%3D", "=").replace("%26", "&").removeprefix("page_token=").removesuffix("&")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 18):
        raise Refused(10001, "params error: cursor invalid")
    return int(digits)


def page(
    database: Database, table: str, filters: Filters, row: type[Row], limit: int, cursor: str
) -> tuple[list[Row], str]:
    """Rows newest first, and the cursor of the next page ("" = last page)."""
    filters.add("n < ?", cursor_place(cursor))
    where = " AND ".join(filters.clauses)
    found = database.rows(
        f"SELECT n, body FROM {table} WHERE {where} ORDER BY n DESC LIMIT ?",
        [*filters.values, limit + 1],
    )
    rows = [msgspec.msgpack.decode(body, type=row) for _, body in found[:limit]]
    return rows, cursor_text(found[limit - 1][0]) if len(found) > limit else ""
