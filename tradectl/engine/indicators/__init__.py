"""Incremental indicators: plain Python, encodable, equal to their own batch form to the last bit."""

from tradectl.engine.indicators.averages import (
    ExponentialAverage,
    SimpleAverage,
    VolumeWeightedAverage,
    WeightedAverage,
    WilderAverage,
)
from tradectl.engine.indicators.batch import batch
from tradectl.engine.indicators.channels import Bollinger, Donchian, Highest, Ichimoku, Keltner, Lowest
from tradectl.engine.indicators.fast_averages import (
    AdaptiveAverage,
    DoubleExponentialAverage,
    HullAverage,
    TripleExponentialAverage,
    Trix,
)
from tradectl.engine.indicators.indicator import Indicator, Line
from tradectl.engine.indicators.momentum import (
    CommodityChannel,
    Momentum,
    RateOfChange,
    Rsi,
    UltimateOscillator,
    WilliamsR,
)
from tradectl.engine.indicators.oscillators import Macd, Stochastic, StochasticRsi
from tradectl.engine.indicators.pairs import Beta, Correlation, PairIndicator, Spread
from tradectl.engine.indicators.statistics import LinearRegression, StandardDeviation, ZScore
from tradectl.engine.indicators.trend import Aroon, DirectionalIndex, ParabolicSar, Supertrend
from tradectl.engine.indicators.volatility import AverageTrueRange, RealizedVolatility
from tradectl.engine.indicators.volume import ChaikinMoneyFlow, MoneyFlow, OnBalanceVolume, RollingVwap, SessionVwap

__all__ = [
    "AdaptiveAverage", "Aroon", "AverageTrueRange", "Beta", "Bollinger", "ChaikinMoneyFlow", "CommodityChannel",
    "Correlation", "DirectionalIndex", "Donchian", "DoubleExponentialAverage", "ExponentialAverage", "Highest",
    "HullAverage", "Ichimoku", "Indicator", "Keltner", "Line", "LinearRegression", "Lowest", "Macd", "Momentum",
    "MoneyFlow", "OnBalanceVolume", "PairIndicator", "ParabolicSar", "RateOfChange", "RealizedVolatility",
    "RollingVwap", "Rsi", "SessionVwap", "SimpleAverage", "Spread", "StandardDeviation", "Stochastic",
    "StochasticRsi", "Supertrend", "TripleExponentialAverage", "Trix", "UltimateOscillator", "VolumeWeightedAverage",
    "WeightedAverage", "WilderAverage", "WilliamsR", "ZScore", "batch",
]  # fmt: skip
