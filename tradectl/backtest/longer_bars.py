"""Candles of longer intervals, made while a backtest runs: closed at their own end or, after a gap, when it is seen."""

from collections.abc import Iterable

from tradectl.model.market_data import INTERVALS, Bar, grid_offset


def bucket_of(open_time: int, length: int) -> int:
    """Open time of the candle of ``length`` that holds ``open_time``; weeks start on Monday."""
    return open_time - (open_time - grid_offset(length)) % length


class LongerBars:
    """One instrument's candles of one longer interval out of shorter ones."""

    __slots__ = ("_last", "_length", "_parts", "_short", "_start", "interval")

    def __init__(self, interval: str, short: int, past: Iterable[Bar] = ()) -> None:
        """``past``: what is there already of the candle in progress; what it completes is not told again."""
        self.interval = interval
        self._length = INTERVALS[interval]
        self._short = short
        self._start = self._last = -1
        self._parts: list[Bar] = []
        for bar in past:
            self.add(bar)

    def add(self, bar: Bar) -> list[Bar]:
        """Take the next short candle, or one that was taken already; the longer candles that are final with it."""
        done: list[Bar] = []
        if bar.open_time <= self._last:
            return done
        self._last = bar.open_time
        start = bucket_of(bar.open_time, self._length)
        if start != self._start and self._parts:
            done.append(self._close())
        self._start = start
        self._parts.append(bar)
        if bar.open_time + self._short >= start + self._length:
            done.append(self._close())
        return done

    def _close(self) -> Bar:
        parts, self._parts = self._parts, []
        return merged(self._start, parts)


def merged(open_time: int, parts: list[Bar]) -> Bar:
    """One candle from shorter ones, oldest first."""
    return Bar(
        open_time, parts[0].open, max(it.high for it in parts), min(it.low for it in parts), parts[-1].close,
        sum(it.volume for it in parts), sum(it.turnover for it in parts),
    )  # fmt: skip
