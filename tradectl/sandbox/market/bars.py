"""The closed candles of one instrument: the recent ones at hand, the older ones from the memory; and their merging."""

from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterable
from decimal import Decimal

from tradectl.model.money import ZERO
from tradectl.sandbox.market.intervals import bucket_start
from tradectl.sandbox.market.records import Kline

DAY = 86_400_000_000_000
HOUR = 3_600_000_000_000
#: Candles at hand: at least a day of minutes.
KEPT = 3_000

#: Reads closed candles with ``start <= open_time < end``, oldest first.
ReadBars = Callable[[int, int], list[Kline]]


def merge(klines: list[Kline], open_time: int) -> Kline:
    """One longer candle from shorter ones (at least one), oldest first."""
    first, last = klines[0], klines[-1]
    return Kline(
        open_time,
        first.open,
        max(k.high for k in klines),
        min(k.low for k in klines),
        last.close,
        sum((k.volume for k in klines), ZERO),
        sum((k.turnover for k in klines), ZERO),
        last.index_ratio,
    )


def resample(klines: Iterable[Kline], wire: str) -> list[Kline]:
    """The candles of interval ``wire`` that ``klines`` (oldest first) make; the outer ones may be incomplete."""
    groups: list[tuple[int, list[Kline]]] = []
    for kline in klines:
        start = bucket_start(kline.open_time, wire)
        if not groups or groups[-1][0] != start:
            groups.append((start, []))
        groups[-1][1].append(kline)
    return [merge(group, start) for start, group in groups]


class BarHistory:
    """Closed candles in time order, and the figures of the last 24 hours kept up to date with each one."""

    def __init__(self, read: ReadBars, *, older: bool = False) -> None:
        """``older``: the memory holds candles before the first one that will be added."""
        self._read = read
        self._klines: list[Kline] = []
        self._times: list[int] = []
        self._trimmed = older
        self._day: deque[Kline] = deque()
        self._highs: deque[Kline] = deque()
        self._lows: deque[Kline] = deque()
        self.day_volume = ZERO
        self.day_turnover = ZERO

    def __len__(self) -> int:
        return len(self._klines)

    @property
    def last(self) -> Kline | None:
        return self._klines[-1] if self._klines else None

    @property
    def first_time(self) -> int | None:
        """Open time of the oldest candle at hand."""
        return self._times[0] if self._times else None

    def add(self, kline: Kline) -> None:
        """Append a candle that has just closed."""
        self._klines.append(kline)
        self._times.append(kline.open_time)
        if len(self._klines) > 2 * KEPT:
            del self._klines[:KEPT], self._times[:KEPT]
            self._trimmed = True
        self._roll(kline)

    def _roll(self, kline: Kline) -> None:
        """Move the 24-hour window: its highest and lowest candles stay at the front of two monotonic queues."""
        self._day.append(kline)
        self.day_volume += kline.volume
        self.day_turnover += kline.turnover
        while self._highs and self._highs[-1].high <= kline.high:
            self._highs.pop()
        self._highs.append(kline)
        while self._lows and self._lows[-1].low >= kline.low:
            self._lows.pop()
        self._lows.append(kline)
        edge = kline.open_time - DAY
        while self._day[0].open_time <= edge:
            gone = self._day.popleft()
            self.day_volume -= gone.volume
            self.day_turnover -= gone.turnover
            if self._highs[0] is gone:
                self._highs.popleft()
            if self._lows[0] is gone:
                self._lows.popleft()

    def day_high(self, now_price: Decimal) -> Decimal:
        """Highest price of the last 24 hours, the price now included."""
        return max(self._highs[0].high, now_price) if self._highs else now_price

    def day_low(self, now_price: Decimal) -> Decimal:
        """Lowest price of the last 24 hours, the price now included."""
        return min(self._lows[0].low, now_price) if self._lows else now_price

    def day_open(self, now_price: Decimal) -> Decimal:
        """The price 24 hours ago, or the oldest known."""
        return self._day[0].open if self._day else now_price

    def hour_open(self, now: int, now_price: Decimal) -> Decimal:
        """The price an hour before ``now``, or the oldest known."""
        index = bisect_left(self._times, now - HOUR)
        return self._klines[index].open if index < len(self._klines) else now_price

    def between(self, start: int, end: int) -> list[Kline]:
        """Closed candles with ``start <= open_time < end``, oldest first."""
        if self._trimmed and start < self._times[0]:
            return self._read(start, end)
        return self._klines[bisect_left(self._times, start) : bisect_left(self._times, end)]
