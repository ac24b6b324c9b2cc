"""However finely a candle is played, its prints are exactly the candle."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from tradectl.model.instruments import Category, InstrumentId
from tradectl.sandbox.market.bar_moments import bar_moments
from tradectl.sandbox.market.file_catalogue import file_instrument
from tradectl.sandbox.market.records import Bar, Kline

MINUTE = 60_000_000_000
BTC = InstrumentId(Category.LINEAR, "BTCUSDT")
INSTRUMENT = file_instrument(BTC, 1, 3, Decimal(100_000))


@st.composite
def klines(draw: st.DrawFn) -> Kline:
    low = draw(st.integers(1, 10_000))
    high = low + draw(st.integers(0, 300))
    open_, close = draw(st.integers(low, high)), draw(st.integers(low, high))
    volume = draw(st.integers(1, 10_000))
    prices = [Decimal(p).scaleb(-1) for p in (open_, high, low, close)]
    return Kline(7 * MINUTE, *prices, Decimal(volume).scaleb(-3), Decimal(0))


@given(klines(), st.integers(4, 60))
def test_prints_aggregate_to_the_candle(kline: Kline, parts: int) -> None:
    moments = bar_moments((Bar(BTC, kline),), [INSTRUMENT], MINUTE, parts)
    assert len(moments) == parts + 1
    times = [moment.at for moment in moments]
    assert times == sorted(set(times))
    assert times[0] > kline.open_time
    assert times[-2] < times[-1] == kline.open_time + MINUTE
    prints = [one for moment in moments for tick in moment.ticks for one in tick.prints]
    prices = [one.price for one in prints]
    assert (prices[0], max(prices), min(prices), prices[-1]) == (kline.open, kline.high, kline.low, kline.close)
    assert sum(one.qty for one in prints) == kline.volume
    assert all(one.qty > 0 for one in prints)
    assert all(one.price % INSTRUMENT.tick_size == 0 for one in prints)
    (closed,) = moments[-1].closes
    assert closed.kline.turnover == sum(one.price * one.qty for one in prints)
