"""The indicators a bar series can be asked for, by the names traders know."""

from typing import Protocol, TypeVar

from tradectl.engine import indicators as i

_I = TypeVar("_I", bound=i.Indicator)


class Keeper(Protocol):
    """What an indicator needs of the series that keeps it."""

    length: int

    def keep(self, indicator: _I) -> _I: ...


class SeriesIndicators:
    """One method for each indicator; periods are in bars."""

    # --- averages

    def sma(self: Keeper, period: int) -> i.SimpleAverage:
        """Simple moving average of the close."""
        return self.keep(i.SimpleAverage(period))

    def ema(self: Keeper, period: int) -> i.ExponentialAverage:
        """Exponential moving average of the close."""
        return self.keep(i.ExponentialAverage(period))

    def wma(self: Keeper, period: int) -> i.WeightedAverage:
        """Linearly weighted moving average of the close."""
        return self.keep(i.WeightedAverage(period))

    def rma(self: Keeper, period: int) -> i.WilderAverage:
        """Wilder's moving average of the close."""
        return self.keep(i.WilderAverage(period))

    def vwma(self: Keeper, period: int) -> i.VolumeWeightedAverage:
        """Volume-weighted moving average of the close."""
        return self.keep(i.VolumeWeightedAverage(period))

    def dema(self: Keeper, period: int) -> i.DoubleExponentialAverage:
        """Double exponential moving average."""
        return self.keep(i.DoubleExponentialAverage(period))

    def tema(self: Keeper, period: int) -> i.TripleExponentialAverage:
        """Triple exponential moving average."""
        return self.keep(i.TripleExponentialAverage(period))

    def hma(self: Keeper, period: int) -> i.HullAverage:
        """Hull moving average."""
        return self.keep(i.HullAverage(period))

    def kama(self: Keeper, period: int = 10, fast: int = 2, slow: int = 30) -> i.AdaptiveAverage:
        """Kaufman's adaptive moving average."""
        return self.keep(i.AdaptiveAverage(period, fast, slow))

    # --- momentum

    def macd(self: Keeper, fast: int = 12, slow: int = 26, signal: int = 9) -> i.Macd:
        """MACD with ``signal`` and ``histogram``."""
        return self.keep(i.Macd(fast, slow, signal))

    def rsi(self: Keeper, period: int = 14) -> i.Rsi:
        """Relative strength index, 0 to 100."""
        return self.keep(i.Rsi(period))

    def stochastic(self: Keeper, period: int = 14, smooth: int = 3, signal: int = 3) -> i.Stochastic:
        """Stochastic %K with ``d``; ``smooth=1`` is the fast one."""
        return self.keep(i.Stochastic(period, smooth, signal))

    def stoch_rsi(self: Keeper, rsi: int = 14, period: int = 14, signal: int = 3) -> i.StochasticRsi:
        """Stochastic of the RSI with ``d``, 0 to 100."""
        return self.keep(i.StochasticRsi(rsi, period, signal))

    def cci(self: Keeper, period: int = 20) -> i.CommodityChannel:
        """Commodity channel index."""
        return self.keep(i.CommodityChannel(period))

    def williams_r(self: Keeper, period: int = 14) -> i.WilliamsR:
        """Williams %R, -100 to 0."""
        return self.keep(i.WilliamsR(period))

    def roc(self: Keeper, period: int = 10) -> i.RateOfChange:
        """Rate of change in percent."""
        return self.keep(i.RateOfChange(period))

    def momentum(self: Keeper, period: int = 10) -> i.Momentum:
        """Change of the close in price."""
        return self.keep(i.Momentum(period))

    def trix(self: Keeper, period: int = 15) -> i.Trix:
        """Change of the triple EMA in percent."""
        return self.keep(i.Trix(period))

    def ultimate(self: Keeper, short: int = 7, middle: int = 14, long: int = 28) -> i.UltimateOscillator:
        """Ultimate oscillator, 0 to 100."""
        return self.keep(i.UltimateOscillator(short, middle, long))

    # --- trend

    def adx(self: Keeper, period: int = 14) -> i.DirectionalIndex:
        """ADX with ``plus`` and ``minus`` (+DI, -DI)."""
        return self.keep(i.DirectionalIndex(period))

    def aroon(self: Keeper, period: int = 25) -> i.Aroon:
        """Aroon oscillator with ``up`` and ``down``."""
        return self.keep(i.Aroon(period))

    def supertrend(self: Keeper, period: int = 10, multiplier: float = 3.0) -> i.Supertrend:
        """Supertrend with ``direction``, ``upper`` and ``lower``."""
        return self.keep(i.Supertrend(period, multiplier))

    def psar(self: Keeper, step: float = 0.02, most: float = 0.2) -> i.ParabolicSar:
        """Parabolic SAR with ``direction``."""
        return self.keep(i.ParabolicSar(step, most))

    def linreg(self: Keeper, period: int = 14) -> i.LinearRegression:
        """Linear regression of the close with ``slope`` and ``forecast``."""
        return self.keep(i.LinearRegression(period))

    # --- volatility and channels

    def atr(self: Keeper, period: int = 14) -> i.AverageTrueRange:
        """Average true range with ``percent`` (NATR)."""
        return self.keep(i.AverageTrueRange(period))

    def volatility(self: Keeper, period: int) -> i.RealizedVolatility:
        """Realised volatility, for a year."""
        return self.keep(i.RealizedVolatility(period, self.length))

    def stddev(self: Keeper, period: int) -> i.StandardDeviation:
        """Standard deviation of the close."""
        return self.keep(i.StandardDeviation(period))

    def zscore(self: Keeper, period: int) -> i.ZScore:
        """Distance of the close from its mean in standard deviations."""
        return self.keep(i.ZScore(period))

    def bollinger(self: Keeper, period: int = 20, width: float = 2.0) -> i.Bollinger:
        """Bollinger bands: ``upper``, ``lower``, ``percent_b``, ``bandwidth``."""
        return self.keep(i.Bollinger(period, width))

    def keltner(self: Keeper, period: int = 20, width: float = 2.0, atr: int = 10) -> i.Keltner:
        """Keltner channel: ``upper`` and ``lower``."""
        return self.keep(i.Keltner(period, width, atr))

    def donchian(self: Keeper, period: int = 20) -> i.Donchian:
        """Donchian channel: ``upper`` and ``lower``."""
        return self.keep(i.Donchian(period))

    def highest(self: Keeper, period: int) -> i.Highest:
        """Highest close."""
        return self.keep(i.Highest(period))

    def lowest(self: Keeper, period: int) -> i.Lowest:
        """Lowest close."""
        return self.keep(i.Lowest(period))

    def ichimoku(self: Keeper, conversion: int = 9, base: int = 26, span: int = 52) -> i.Ichimoku:
        """Ichimoku: conversion line with ``base``, ``span_a`` and ``span_b``."""
        return self.keep(i.Ichimoku(conversion, base, span))

    # --- volume

    def obv(self: Keeper, period: int = 0) -> i.OnBalanceVolume:
        """On-balance volume: of ``period`` bars, or from the first bar seen (0)."""
        return self.keep(i.OnBalanceVolume(period))

    def mfi(self: Keeper, period: int = 14) -> i.MoneyFlow:
        """Money flow index, 0 to 100."""
        return self.keep(i.MoneyFlow(period))

    def cmf(self: Keeper, period: int = 20) -> i.ChaikinMoneyFlow:
        """Chaikin money flow, -1 to 1."""
        return self.keep(i.ChaikinMoneyFlow(period))

    def vwap(self: Keeper, period: int = 0) -> i.RollingVwap | i.SessionVwap:
        """Volume-weighted average price: of ``period`` bars, or since midnight UTC (0)."""
        return self.keep(i.RollingVwap(period)) if period else self.keep(i.SessionVwap(self.length))

    # --- two series

    def correlation(self: Keeper, other: Keeper, period: int) -> i.Correlation:
        """Correlation of this close with another series'."""
        return _joined(self, other, i.Correlation(period))

    def beta(self: Keeper, other: Keeper, period: int) -> i.Beta:
        """Slope of this series' returns on another's."""
        return _joined(self, other, i.Beta(period))

    def spread(self: Keeper, other: Keeper, period: int) -> i.Spread:
        """Z-score of this log price against another's, with ``hedge`` and ``residual``."""
        return _joined(self, other, i.Spread(period))


_P = TypeVar("_P", bound=i.PairIndicator)


def _joined(first: Keeper, second: Keeper, pair: _P) -> _P:
    if first is second or first.length != second.length:
        raise ValueError(f"{pair.label}: a pair needs two series of the same interval")
    second.keep(pair.leg)
    return first.keep(pair)
