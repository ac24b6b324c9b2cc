"""Pages of past market data as columns: oldest first, within the bounds asked for, checked row by row."""

from collections.abc import Mapping, Sequence
from math import inf

import numpy as np
from msgspec import Struct

from tradectl.exchange.bybit.history_wire import InterestRow, RecentTrade, SettlementRow
from tradectl.exchange.bybit.market_topics import check_bar
from tradectl.exchange.bybit.order_book import BadFrame
from tradectl.exchange.bybit.translate import MS
from tradectl.exchange.retry_handler import ReadFailed
from tradectl.history.series import Candles, Kind, Points, Tape
from tradectl.model.market_data import Bar
from tradectl.model.orders import Side

#: Rows of the largest page the venue gives (bybit-v5 3.2).
PAGE_ROWS = {Kind.CANDLES: 1000, Kind.MARK: 1000, Kind.INDEX: 1000, Kind.FUNDING: 200, Kind.OPEN_INTEREST: 200}
#: Our names of the periods of open interest and Bybit's (bybit-v5 4.8).
INTEREST_PERIODS = {"5m": "5min", "15m": "15min", "30m": "30min", "1h": "1h", "4h": "4h", "1d": "1d"}


class Bounds(Struct, frozen=True):
    """A stretch in wire milliseconds, both ends included."""

    start: int
    end: int

    def hold(self, ms: int) -> bool:
        """Whether a moment lies inside: a candle that began before ``start`` may come along (bybit-v5 4.2)."""
        return self.start <= ms <= self.end


def candles_of(rows: Sequence[tuple[int, float, float, float, float, float, float]], bounds: Bounds) -> Candles:
    """Candles. Raises ``ReadFailed`` for one that no market can make."""
    kept = {row[0]: row for row in rows if bounds.hold(row[0])}
    for row in kept.values():
        _check(Bar(row[0] * MS, *row[1:]))
    ordered = [kept[ms] for ms in sorted(kept)]
    times = np.array([row[0] * MS for row in ordered], np.int64)
    values = np.array([row[1:] for row in ordered], np.float64).reshape(len(ordered), 6)
    return Candles(times, *(np.ascontiguousarray(column) for column in values.T))


def prices_of(rows: Sequence[tuple[int, float, float, float, float]], bounds: Bounds) -> Candles:
    """Mark or index candles, whose volume and turnover are 0. Raises ``ReadFailed`` like :func:`candles_of`."""
    return candles_of([(*row, 0.0, 0.0) for row in rows], bounds)


def points_of(rows: Sequence[SettlementRow], bounds: Bounds) -> dict[int, float]:
    """Settlements by wire milliseconds. Raises ``ReadFailed`` for a rate that is none."""
    for row in rows:
        if not -1.0 < row.fundingRate < 1.0:
            raise _unusable(f"funding rate {row.fundingRate} at {row.fundingRateTimestamp}")
    return {row.fundingRateTimestamp: row.fundingRate for row in rows if bounds.hold(row.fundingRateTimestamp)}


def interest_of(rows: Sequence[InterestRow], bounds: Bounds) -> dict[int, float]:
    """Open interest by wire milliseconds. Raises ``ReadFailed`` for a negative or infinite one."""
    for row in rows:
        if not 0.0 <= row.openInterest < inf:
            raise _unusable(f"open interest {row.openInterest} at {row.timestamp}")
    return {row.timestamp: row.openInterest for row in rows if bounds.hold(row.timestamp)}


def point_rows(found: Mapping[int, float]) -> Points:
    """Points by wire milliseconds as columns."""
    times = sorted(found)
    return Points(np.array([ms * MS for ms in times], np.int64), np.array([found[ms] for ms in times], np.float64))


def tape_of(rows: Sequence[RecentTrade]) -> Tape:
    """Trades that came newest first. Raises ``ReadFailed`` for one without a positive price and size."""
    for row in rows:
        if not (0.0 < row.price < inf and 0.0 < row.size < inf):
            raise _unusable(f"trade of {row.size} at price {row.price}, {row.time}")
    oldest_first = rows[::-1]  # trades of one millisecond stay in their order
    ordered = sorted(oldest_first, key=lambda row: row.time)
    return Tape(
        np.array([row.time * MS for row in ordered], np.int64),
        np.array([row.price for row in ordered], np.float64),
        np.array([row.size for row in ordered], np.float64),
        np.array([1 if row.side is Side.BUY else -1 for row in ordered], np.int8),
    )


def _check(bar: Bar) -> None:
    try:
        check_bar(bar)
    except BadFrame as error:
        raise _unusable(str(error)) from error


def _unusable(what: str) -> ReadFailed:
    return ReadFailed(0, f"the venue's history is not usable: {what}", again=False)
