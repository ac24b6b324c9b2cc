"""Lines cross each other and levels, carry labels for decisions, and refuse periods that make no sense."""

import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.engine.harness import BTC, ETH, make_bar
from tests.unit.engine.indicators.cases import candles
from tradectl.engine.bar_series import BarSeries
from tradectl.engine.indicators import Indicator, Line
from tradectl.model.market_data import Bar

levels = st.floats(-10, 10) | st.just(math.nan)


def line(previous: float, value: float) -> Line:
    made = Line()
    made.put(previous)
    made.put(value)
    return made


@given(levels, levels, levels, levels)
def test_crossing_is_from_one_side_to_the_other(a: float, b: float, c: float, d: float) -> None:
    first, second = line(a, b), line(c, d)
    assert first.crossed_above(second) == (a <= c and b > d)
    assert first.crossed_below(second) == (a >= c and b < d)
    assert not (first.crossed_above(second) and first.crossed_below(second))
    assert first.crossed_above(c) == first.crossed_above(line(c, c))
    assert first.crossed_below(c) == first.crossed_below(line(c, c))
    assert line(-a, -b).crossed_above(line(-c, -d)) == first.crossed_below(second)


def test_a_series_names_its_inputs() -> None:
    series = BarSeries(BTC, "1m")
    series.ema(3), series.macd(2, 4, 3), series.bollinger(3, 1.5)
    for number in range(9):
        series.consume(make_bar(number, 100.0 + number))
    inputs = dict(series.inputs())
    assert list(inputs)[:4] == ["ema(3)", "macd(2,4,3)", "macd(2,4,3).signal", "macd(2,4,3).histogram"]
    assert inputs["ema(3)"] == 107.0
    assert inputs["bollinger(3,1.5)"] == 107.0
    assert inputs["bollinger(3,1.5).upper"] == pytest.approx(107 + 1.5 * math.sqrt(2 / 3))


def test_an_indicator_of_ones_own_is_named_after_its_class() -> None:
    class Closing(Indicator):
        def _next(self, bar: Bar) -> float:
            return bar.close

    series = BarSeries(BTC, "1m")
    series.keep(Closing(1))
    series.consume(make_bar(0, 5.0))
    assert series.inputs() == (("closing", 5.0),)


def refused(ask: Callable[[BarSeries], object]) -> str:
    with pytest.raises(ValueError, match=":") as caught:
        ask(BarSeries(BTC, "1m"))
    return str(caught.value)


@pytest.mark.parametrize(
    ("ask", "why"),
    [
        (lambda s: s.sma(0), "sma: period must be a whole number of at least 1, not 0"),
        (lambda s: s.ema(-1), "ema: period must be a whole number of at least 1, not -1"),
        (lambda s: s.rsi(2.5), "rsi: period must be a whole number of at least 1, not 2.5"),
        (lambda s: s.sma(True), "sma: period must be a whole number of at least 1, not True"),
        (lambda s: s.hma(1), "hma: period must be a whole number of at least 2, not 1"),
        (lambda s: s.macd(26, 12), "macd: slow must be a whole number of at least 27, not 12"),
        (lambda s: s.macd(12, 26, 0), "macd: signal must be a whole number of at least 1, not 0"),
        (lambda s: s.bollinger(20, math.nan), "bollinger: width must be a finite number above 0, not nan"),
        (lambda s: s.bollinger(1), "bollinger: period must be a whole number of at least 2, not 1"),
        (lambda s: s.keltner(20, math.inf), "keltner: width must be a finite number above 0, not inf"),
        (lambda s: s.supertrend(10, 0.0), "supertrend: multiplier must be a finite number above 0, not 0.0"),
        (lambda s: s.psar(-0.02), "psar: step must be a finite number above 0, not -0.02"),
        (lambda s: s.obv(-1), "obv: period must be a whole number of at least 0, not -1"),
        (lambda s: s.ichimoku(9, 8), "ichimoku: base must be a whole number of at least 9, not 8"),
        (lambda s: s.kama(10, 30, 2), "kama: slow must be a whole number of at least 30, not 2"),
        (lambda s: s.ultimate(7, 5), "ultimate: middle must be a whole number of at least 7, not 5"),
        (lambda s: s.beta(s, 20), "beta(20): a pair needs two series of the same interval"),
        (lambda s: s.spread(BarSeries(ETH, "5m"), 20), "spread(20): a pair needs two series of the same interval"),
    ],
)  # fmt: skip
def test_senseless_periods_are_refused_by_name(ask: Callable[[BarSeries], object], why: str) -> None:
    assert refused(ask) == why


METHODS: dict[str, tuple[int | float, ...]] = {
    "sma": (5,), "ema": (5,), "wma": (5,), "rma": (5,), "vwma": (5,), "dema": (5,), "tema": (5,), "hma": (5,),
    "kama": (), "macd": (), "rsi": (), "stochastic": (), "stoch_rsi": (), "cci": (), "williams_r": (), "roc": (),
    "momentum": (), "trix": (), "ultimate": (), "adx": (), "aroon": (), "supertrend": (), "psar": (), "linreg": (),
    "atr": (), "volatility": (20,), "stddev": (5,), "zscore": (5,), "bollinger": (), "keltner": (), "donchian": (),
    "highest": (5,), "lowest": (5,), "ichimoku": (), "obv": (), "mfi": (), "cmf": (), "vwap": (),
}  # fmt: skip


@pytest.mark.parametrize("method", METHODS)
def test_every_indicator_can_be_asked_of_a_series_and_survives_its_restart(method: str) -> None:
    bars = candles("generated", 700)
    one, two = BarSeries(BTC, "1m"), BarSeries(BTC, "1m")
    for series in (one, two):
        kept = getattr(series, method)(*METHODS[method])
        assert kept.label.startswith(method)
        assert series.lookback == kept.lookback
    for bar in bars[:500]:
        one.consume(bar)
    two.restore(one.state())
    for bar in bars[500:]:
        one.consume(bar)
        two.consume(bar)
    assert one.inputs() == two.inputs()
    assert all(value == value for _, value in one.inputs())


def test_the_methods_tested_are_all_there_are() -> None:
    from tradectl.engine.series_indicators import SeriesIndicators

    assert {n for n in vars(SeriesIndicators) if not n.startswith("_")} == {*METHODS, "correlation", "beta", "spread"}


def test_volatility_is_per_year_of_the_series_interval() -> None:
    minute, hour = BarSeries(BTC, "1m"), BarSeries(BTC, "1h")
    of_minutes, of_hours = minute.volatility(10), hour.volatility(10)
    for bar in candles("generated", 200):
        minute.consume(bar)
        hour.consume(bar)
    assert of_minutes.value == pytest.approx(of_hours.value * math.sqrt(60))
