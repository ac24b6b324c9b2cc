"""The candle history against a slow one: day figures with their window moving, older candles from the memory."""

from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from tradectl.sandbox.market.bars import DAY, KEPT, BarHistory
from tradectl.sandbox.market.records import Kline

HOUR = 3_600_000_000_000


def kline(open_time: int, low: int, high: int, volume: int) -> Kline:
    return Kline(open_time, *map(Decimal, (low, high, low, high, volume, volume * low)))


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(1, 9), st.integers(1, 50), st.integers(0, 30), st.integers(0, 9)), min_size=1))
def test_day_figures_are_those_of_the_last_24_hours(rows: list[tuple[int, int, int, int]]) -> None:
    history, every, at = BarHistory(lambda start, end: []), [], 0
    for hours, low, width, volume in rows:
        at += hours * HOUR
        every.append(kline(at, low, low + width, volume))
        history.add(every[-1])
        day = [k for k in every if k.open_time > at - DAY]
        assert history.day_high(Decimal(0)) == max(k.high for k in day)
        assert history.day_low(Decimal(1000)) == min(k.low for k in day)
        assert history.day_volume == sum(k.volume for k in day)
        assert history.day_turnover == sum(k.turnover for k in day)
        assert history.day_open(Decimal(0)) == day[0].open


def test_candles_no_longer_at_hand_are_read_from_the_memory() -> None:
    every: list[Kline] = []

    def read(start: int, end: int) -> list[Kline]:
        return [k for k in every if start <= k.open_time < end]

    history = BarHistory(read)
    for i in range(2 * KEPT + 5):
        every.append(kline(i * HOUR, 1, 2, 1))
        history.add(every[-1])
    assert len(history) < len(every)
    assert history.between(3 * HOUR, 9 * HOUR) == every[3:9]
    assert history.between(5000 * HOUR, 10**20) == every[5000:]
