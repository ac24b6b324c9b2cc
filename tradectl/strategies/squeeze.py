"""Quiet before the move: Bollinger bands inside the Keltner channel, then the way out of it."""

from tradectl.engine.strategy import param
from tradectl.model.market_data import Bar
from tradectl.strategies.stopped import Stopped


class Squeeze(Stopped):
    """Enters when the Bollinger bands leave the Keltner channel after a squeeze, in the direction of the close.

    Leaves when the close is back on the other side of the middle band. The stop is the far side of the channel.
    """

    symbol: str = param("BTCUSDT", help="what to trade")
    interval: str = param("15m", help="candle interval")
    period: int = param(20, low=5, high=200, help="bars of both bands")
    deviations: float = param(2.0, low=0.5, high=5, help="width of the Bollinger bands, in standard deviations")
    ranges: float = param(1.5, low=0.5, high=5, help="width of the Keltner channel, in ATRs")
    quiet: int = param(6, low=1, high=200, help="bars a squeeze must have lasted")
    short: bool = param(True, help="follow moves downwards too")

    def on_start(self) -> None:
        self.watch(self.symbol)
        bars = self.subscribe_bars(self.symbol, self.interval)
        self._bands = bars.bollinger(self.period, self.deviations)
        self._channel = bars.keltner(self.period, self.ranges, self.period)
        self.squeezed = 0

    def on_bar(self, bar: Bar) -> None:
        lasted = self._count()
        side, middle = self.side, self._bands.value
        if side and ((bar.close - middle) * side < 0 or self.passed_stop(bar)):
            self.leave("close behind the middle band")
        elif not side and lasted >= self.quiet and bar.close > middle:
            self.enter(1, self._channel.lower.value, f"up, out of a squeeze of {lasted} bars")
        elif not side and lasted >= self.quiet and self.short and bar.close < middle:
            self.enter(-1, self._channel.upper.value, f"down, out of a squeeze of {lasted} bars")

    def _count(self) -> int:
        """How long the squeeze that ended with this bar had lasted; 0 when none ended."""
        bands, channel = self._bands, self._channel
        if bands.upper.value < channel.upper.value and bands.lower.value > channel.lower.value:
            self.squeezed += 1
            return 0
        lasted, self.squeezed = self.squeezed, 0
        return lasted
