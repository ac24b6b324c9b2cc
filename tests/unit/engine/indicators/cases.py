"""Every indicator with its slow twin, and the candles both are tried on."""

from collections.abc import Callable
from typing import NamedTuple

from tests.oracles import indicator_oracle as oracle
from tests.unit.engine.candles import generated, recorded
from tradectl.engine import indicators as i
from tradectl.model.market_data import Bar

MINUTE = 60_000_000_000


class Case(NamedTuple):
    """How to make an indicator, and its lines by the oracle."""

    make: Callable[[], i.Indicator]
    slow: Callable[[list[Bar]], oracle.Lines]


CASES: dict[str, Case] = {
    "sma": Case(lambda: i.SimpleAverage(20), lambda b: oracle.sma(b, 20)),
    "ema": Case(lambda: i.ExponentialAverage(20), lambda b: oracle.ema(b, 20)),
    "wma": Case(lambda: i.WeightedAverage(20), lambda b: oracle.wma(b, 20)),
    "rma": Case(lambda: i.WilderAverage(14), lambda b: oracle.rma(b, 14)),
    "vwma": Case(lambda: i.VolumeWeightedAverage(20), lambda b: oracle.vwma(b, 20)),
    "dema": Case(lambda: i.DoubleExponentialAverage(20), lambda b: oracle.dema(b, 20)),
    "tema": Case(lambda: i.TripleExponentialAverage(20), lambda b: oracle.tema(b, 20)),
    "hma": Case(lambda: i.HullAverage(21), lambda b: oracle.hma(b, 21)),
    "kama": Case(i.AdaptiveAverage, lambda b: oracle.kama(b, 10, 2, 30)),
    "trix": Case(lambda: i.Trix(15), lambda b: oracle.trix(b, 15)),
    "macd": Case(i.Macd, lambda b: oracle.macd(b, 12, 26, 9)),
    "rsi": Case(i.Rsi, lambda b: oracle.rsi(b, 14)),
    "stochastic": Case(i.Stochastic, lambda b: oracle.stochastic(b, 14, 3, 3)),
    "fast_stochastic": Case(lambda: i.Stochastic(5, 1, 3), lambda b: oracle.stochastic(b, 5, 1, 3)),
    "stoch_rsi": Case(i.StochasticRsi, lambda b: oracle.stoch_rsi(b, 14, 14, 3)),
    "cci": Case(i.CommodityChannel, lambda b: oracle.cci(b, 20)),
    "williams_r": Case(i.WilliamsR, lambda b: oracle.williams_r(b, 14)),
    "roc": Case(i.RateOfChange, lambda b: oracle.roc(b, 10)),
    "momentum": Case(i.Momentum, lambda b: oracle.momentum(b, 10)),
    "ultimate": Case(i.UltimateOscillator, lambda b: oracle.ultimate(b, 7, 14, 28)),
    "adx": Case(i.DirectionalIndex, lambda b: oracle.adx(b, 14)),
    "aroon": Case(i.Aroon, lambda b: oracle.aroon(b, 25)),
    "supertrend": Case(i.Supertrend, lambda b: oracle.supertrend(b, 10, 3.0)),
    "psar": Case(i.ParabolicSar, lambda b: oracle.psar(b, 0.02, 0.2)),
    "linreg": Case(i.LinearRegression, lambda b: oracle.linreg(b, 14)),
    "atr": Case(i.AverageTrueRange, lambda b: oracle.atr(b, 14)),
    "volatility": Case(lambda: i.RealizedVolatility(30, MINUTE), lambda b: oracle.volatility(b, 30)),
    "stddev": Case(lambda: i.StandardDeviation(20), lambda b: oracle.stddev(b, 20)),
    "zscore": Case(lambda: i.ZScore(20), lambda b: oracle.zscore(b, 20)),
    "bollinger": Case(i.Bollinger, lambda b: oracle.bollinger(b, 20, 2.0)),
    "keltner": Case(i.Keltner, lambda b: oracle.keltner(b, 20, 2.0, 10)),
    "donchian": Case(i.Donchian, lambda b: oracle.donchian(b, 20)),
    "highest": Case(lambda: i.Highest(20), lambda b: oracle.highest(b, 20)),
    "lowest": Case(lambda: i.Lowest(20), lambda b: oracle.lowest(b, 20)),
    "ichimoku": Case(i.Ichimoku, lambda b: oracle.ichimoku(b, 9, 26, 52)),
    "obv": Case(i.OnBalanceVolume, lambda b: oracle.obv(b)),
    "rolling_obv": Case(lambda: i.OnBalanceVolume(20), lambda b: oracle.rolling_obv(b, 20)),
    "mfi": Case(i.MoneyFlow, lambda b: oracle.mfi(b, 14)),
    "cmf": Case(i.ChaikinMoneyFlow, lambda b: oracle.cmf(b, 20)),
    "rolling_vwap": Case(lambda: i.RollingVwap(20), lambda b: oracle.rolling_vwap(b, 20)),
    "session_vwap": Case(lambda: i.SessionVwap(MINUTE), lambda b: oracle.session_vwap(b)),
}


def candles(source: str, count: int) -> list[Bar]:
    """``generated``, or a recorded symbol's; a second generated walk stands in on a machine without records."""
    bars = generated(1) if source == "generated" else recorded(source) or generated(len(source) + ord(source[0]))
    return list(bars[:count])


SOURCES = ("generated", "BTCUSDT", "ETHUSDT")
