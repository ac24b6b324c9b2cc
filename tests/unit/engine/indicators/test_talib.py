"""Every indicator against TA-Lib over a month of candles, within the rounding of its running sums.

What TA-Lib does not have is put together from what it has. Where nothing moved the two disagree on purpose: a range,
gain or flow of nothing is the middle of an oscillator here and 0 there; such bars are left out and counted.
"""

from collections.abc import Callable

import numpy as np
import pytest
import talib
from numpy.typing import NDArray

from tests.unit.engine.candles import MONTH
from tests.unit.engine.indicators.cases import CASES, SOURCES, candles
from tradectl.engine.indicators import batch
from tradectl.model.market_data import Bar

Array = NDArray[np.float64]
Columns = dict[str, Array]


def month(source: str) -> list[Bar]:
    """All that was recorded, or ten days of the walk."""
    return candles(source, 14_400 if source == "generated" else MONTH)


def columns(source: str) -> Columns:
    bars = month(source)
    return {k: np.array([getattr(b, k) for b in bars]) for k in ("open", "high", "low", "close", "volume")}


def macd(c: Columns) -> Columns:
    line, signal, histogram = talib.MACD(c["close"], 12, 26, 9)
    return {"": line, "signal": signal, "histogram": histogram}


def two(first: str, second: str, both: tuple[Array, Array]) -> Columns:
    return {first: both[0], second: both[1]}


def adx(c: Columns) -> Columns:
    hlc = c["high"], c["low"], c["close"]
    return {"": talib.ADX(*hlc, 14), "plus": talib.PLUS_DI(*hlc, 14), "minus": talib.MINUS_DI(*hlc, 14)}


def aroon(c: Columns) -> Columns:
    down, up = talib.AROON(c["high"], c["low"], 25)
    return {"": talib.AROONOSC(c["high"], c["low"], 25), "up": up, "down": down}


def bollinger(c: Columns) -> Columns:
    upper, middle, lower = talib.BBANDS(c["close"], 20, 2.0, 2.0)
    return {"": middle, "upper": upper, "lower": lower, "bandwidth": (upper - lower) / middle}


def keltner(c: Columns) -> Columns:
    middle, away = talib.EMA(c["close"], 20), 2.0 * talib.ATR(c["high"], c["low"], c["close"], 10)
    return {"": middle, "upper": middle + away, "lower": middle - away}


def donchian(c: Columns, n: int = 20) -> Columns:
    upper, lower = talib.MAX(c["high"], n), talib.MIN(c["low"], n)
    return {"": (upper + lower) / 2, "upper": upper, "lower": lower}


def ichimoku(c: Columns) -> Columns:
    conversion, base, span = (donchian(c, n)[""] for n in (9, 26, 52))
    late = np.full(26, np.nan)
    ahead = np.concatenate([late, (conversion + base) / 2])[: len(base)]
    return {"": conversion, "base": base, "span_a": ahead, "span_b": np.concatenate([late, span])[: len(span)]}


def hma(c: Columns) -> Columns:
    raw = 2 * talib.WMA(c["close"], 10) - talib.WMA(c["close"], 21)
    return {"": talib.WMA(raw, 4)}


def weighted(prices: Array, c: Columns) -> Columns:
    return {"": talib.SUM(prices * c["volume"], 20) / talib.SUM(c["volume"], 20)}


def volatility(c: Columns) -> Columns:
    squares = np.log(c["close"][1:] / c["close"][:-1]) ** 2
    return {"": np.sqrt(np.concatenate([[np.nan], talib.SMA(squares, 30)]) * 365 * 1440)}


def rolling_obv(c: Columns) -> Columns:
    total = talib.OBV(c["close"], c["volume"])
    return {"": np.concatenate([np.full(20, np.nan), total[20:] - total[:-20]])}


def cmf(c: Columns) -> Columns:
    span = c["high"] - c["low"]
    place = np.divide(2 * c["close"] - c["high"] - c["low"], span, out=np.zeros_like(span), where=span > 0)
    return {"": talib.SUM(place * c["volume"], 20) / talib.SUM(c["volume"], 20)}


def typical(c: Columns) -> Array:
    return talib.TYPPRICE(c["high"], c["low"], c["close"])


def zscore(c: Columns) -> Columns:
    return {"": (c["close"] - talib.SMA(c["close"], 20)) / talib.STDDEV(c["close"], 20)}


#: Per indicator: its lines by TA-Lib, and how far they may be apart in the unit of the line.
ORACLES: dict[str, tuple[Callable[[Columns], Columns], float]] = {
    "sma": (lambda c: {"": talib.SMA(c["close"], 20)}, 1e-5),
    "ema": (lambda c: {"": talib.EMA(c["close"], 20)}, 1e-8),
    "wma": (lambda c: {"": talib.WMA(c["close"], 20)}, 1e-4),
    "vwma": (lambda c: weighted(c["close"], c), 1e-2),
    "dema": (lambda c: {"": talib.DEMA(c["close"], 20)}, 1e-8),
    "tema": (lambda c: {"": talib.TEMA(c["close"], 20)}, 1e-8),
    "hma": (hma, 1e-3),
    "kama": (lambda c: {"": talib.KAMA(c["close"], 10)}, 1e-5),
    "trix": (lambda c: {"": talib.TRIX(c["close"], 15)}, 1e-9),
    "macd": (macd, 1e-8),
    "rsi": (lambda c: {"": talib.RSI(c["close"], 14)}, 1e-8),
    "stochastic": (lambda c: two("", "d", talib.STOCH(c["high"], c["low"], c["close"], 14, 3, 0, 3, 0)), 1e-7),
    "fast_stochastic": (lambda c: two("", "d", talib.STOCHF(c["high"], c["low"], c["close"], 5, 3, 0)), 1e-7),
    "stoch_rsi": (lambda c: two("", "d", talib.STOCHRSI(c["close"], 14, 14, 3, 0)), 1e-6),
    "cci": (lambda c: {"": talib.CCI(c["high"], c["low"], c["close"], 20)}, 1e-5),
    "williams_r": (lambda c: {"": talib.WILLR(c["high"], c["low"], c["close"], 14)}, 1e-9),
    "roc": (lambda c: {"": talib.ROC(c["close"], 10)}, 1e-10),
    "momentum": (lambda c: {"": talib.MOM(c["close"], 10)}, 1e-10),
    "ultimate": (lambda c: {"": talib.ULTOSC(c["high"], c["low"], c["close"], 7, 14, 28)}, 1e-6),
    "adx": (adx, 1e-8),
    "aroon": (aroon, 1e-10),
    "psar": (lambda c: {"": talib.SAR(c["high"], c["low"], 0.02, 0.2)}, 1e-8),
    "linreg": (
        lambda c: {
            "": talib.LINEARREG(c["close"], 14),
            "slope": talib.LINEARREG_SLOPE(c["close"], 14),
            "forecast": talib.TSF(c["close"], 14),
        },
        1e-6,
    ),
    "atr": (
        lambda c: {
            "": talib.ATR(c["high"], c["low"], c["close"], 14),
            "percent": talib.NATR(c["high"], c["low"], c["close"], 14),
        },
        1e-8,
    ),
    "volatility": (volatility, 1e-6),
    "stddev": (lambda c: {"": talib.STDDEV(c["close"], 20)}, 2e-2),
    "zscore": (zscore, 1e-2),
    "bollinger": (bollinger, 4e-2),
    "keltner": (keltner, 1e-8),
    "donchian": (donchian, 1e-10),
    "highest": (lambda c: {"": talib.MAX(c["close"], 20)}, 0.0),
    "lowest": (lambda c: {"": talib.MIN(c["close"], 20)}, 0.0),
    "ichimoku": (ichimoku, 1e-10),
    "obv": (lambda c: {"": talib.OBV(c["close"], c["volume"])}, 1e-4),
    "rolling_obv": (rolling_obv, 1e-4),
    "mfi": (lambda c: {"": talib.MFI(c["high"], c["low"], c["close"], c["volume"], 14)}, 1e-4),
    "cmf": (cmf, 1e-6),
    "rolling_vwap": (lambda c: weighted(typical(c), c), 1e-2),
}


def still(c: Columns) -> NDArray[np.bool_]:
    """Bars in whose last 30 minutes the price stood still for a while, or nothing was traded."""
    flat = (c["high"] == c["low"]) | (c["volume"] == 0)
    return np.convolve(flat, np.ones(60), "full")[: len(flat)] > 0


def ties(name: str, c: Columns) -> NDArray[np.bool_]:
    """Bars where the last digit of a sum decides: equal typical prices for the MFI, an RSI at rest for its place."""
    if name == "mfi":
        change = np.abs(np.diff(typical(c), prepend=0.0))
        tied = change < 1e-9 * c["close"]
    elif name == "stoch_rsi":
        strength = talib.RSI(c["close"], 14)
        tied = talib.MAX(strength, 14) - talib.MIN(strength, 14) < 1e-6
    else:
        return np.zeros(len(c["close"]), dtype=np.bool_)
    return np.convolve(tied, np.ones(20), "full")[: len(tied)] > 0


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("name", ORACLES)
def test_it_agrees_with_talib(name: str, source: str) -> None:
    c = columns(source)
    work, tolerance = ORACLES[name]
    with np.errstate(divide="ignore", invalid="ignore"):
        expected = work(c)
    indicator = CASES[name].make()
    found = {k: np.array(v) for k, v in batch(indicator, month(source)).items()}
    for line, column in expected.items():
        own = found[f"{indicator.label}.{line}" if line else indicator.label]
        both = ~np.isnan(own) & ~np.isnan(column) & ~still(c) & ~ties(name, c)
        assert both.sum() > (0.5 if name == "mfi" else 0.85) * len(own)
        assert np.abs(own - column)[both].max() <= tolerance, line


def test_what_talib_lacks_is_known() -> None:
    assert CASES.keys() - ORACLES.keys() == {"rma", "supertrend", "session_vwap"}
