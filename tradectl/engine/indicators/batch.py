"""The batch form of an indicator: all its lines over a sequence of bars, value by value what it says live."""

from collections.abc import Iterable

from tradectl.engine.indicators.indicator import Indicator
from tradectl.model.market_data import Bar


def batch(indicator: Indicator, bars: Iterable[Bar]) -> dict[str, list[float]]:
    """Every line's value after each bar, by label; ``indicator`` is fresh and has seen all bars afterwards."""
    lines = list(indicator.outputs())
    columns: dict[str, list[float]] = {label: [] for label, _ in lines}
    for bar in bars:
        indicator.update(bar)
        for label, line in lines:
            columns[label].append(line.value)
    return columns
