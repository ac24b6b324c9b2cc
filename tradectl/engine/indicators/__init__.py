"""Incremental indicators: plain Python, encodable, equal to their own batch form to the last bit."""

from tradectl.engine.indicators.averages import ExponentialAverage, SimpleAverage
from tradectl.engine.indicators.indicator import Indicator

__all__ = ["ExponentialAverage", "Indicator", "SimpleAverage"]
