"""Bybit's kline intervals (bybit-v5 conventions): which candle a time belongs to."""

from datetime import UTC, datetime

from tradectl.model.market_data import INTERVALS, WIRE_INTERVALS

#: Lengths of the intervals by their wire names; a month has none.
LENGTHS = {wire: INTERVALS[name] for name, wire in WIRE_INTERVALS.items()}
MONTH = "M"
WIRE_NAMES = (*LENGTHS, MONTH)
#: Weeks start on Monday, and 1970 started on a Thursday.
_MONDAY = 4 * INTERVALS["1d"]
_SECOND = 1_000_000_000


def bucket_start(time: int, wire: str) -> int:
    """The open of the candle of interval ``wire`` that contains ``time``."""
    if wire == MONTH:
        day = datetime.fromtimestamp(time // _SECOND, UTC)
        return int(datetime(day.year, day.month, 1, tzinfo=UTC).timestamp()) * _SECOND
    offset = _MONDAY if wire == "W" else 0
    return time - (time - offset) % LENGTHS[wire]


def bucket_end(start: int, wire: str) -> int:
    """The open of the candle after the one that opens at ``start``."""
    if wire != MONTH:
        return start + LENGTHS[wire]
    day = datetime.fromtimestamp(start // _SECOND, UTC)
    following = datetime(day.year + day.month // 12, day.month % 12 + 1, 1, tzinfo=UTC)
    return int(following.timestamp()) * _SECOND


def can_be_made_of(wire: str, base: int) -> bool:
    """Whether candles of interval ``wire`` can be put together from candles of ``base`` nanoseconds."""
    if wire == MONTH:
        return base <= INTERVALS["1d"]
    return wire in LENGTHS and LENGTHS[wire] % base == 0
