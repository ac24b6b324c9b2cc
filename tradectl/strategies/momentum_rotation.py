"""Relative strength: holds the strongest few of many symbols and changes them on a schedule."""

from tradectl.engine.bar_series import BarSeries
from tradectl.engine.indicators import RateOfChange
from tradectl.engine.strategy import Strategy, param
from tradectl.model.market_data import INTERVALS, Bar

#: How long after the hour the bars of all symbols are awaited, in seconds.
SETTLE = 5.0


class MomentumRotation(Strategy):
    """Every ``every`` bars: the ``top`` symbols by change over ``lookback`` bars, in equal parts, if they rose at all.

    A symbol without a fresh bar at that time is neither bought nor kept.
    """

    symbols: str = param("BTCUSDT,ETHUSDT,SOLUSDT", help="symbols with commas between, or universe:NAME")
    interval: str = param("1h", help="candle interval")
    lookback: int = param(24, low=2, high=1000, help="bars of the change that ranks")
    top: int = param(1, low=1, high=50, help="how many to hold")
    every: int = param(24, low=1, high=1000, help="bars between changes")

    def on_start(self) -> None:
        if "," in self.symbols and len(self.symbols_of(self.symbols)) < self.top:
            raise ValueError(f"top ({self.top}) is more than the symbols there are: {self.symbols}")
        self._series: dict[str, BarSeries] = {}
        self._change: dict[str, RateOfChange] = {}
        self._follow(self.symbols_of(self.symbols))
        self.due = 0

    def on_universe(self, added: tuple[str, ...], removed: tuple[str, ...]) -> None:
        self._follow(added)

    def _follow(self, symbols: tuple[str, ...]) -> None:
        for symbol in symbols:
            if symbol not in self._series:
                self._series[symbol] = bars = self.subscribe_bars(symbol, self.interval)
                self._change[symbol] = bars.roc(self.lookback)

    def on_bar(self, bar: Bar) -> None:
        length = INTERVALS[self.interval]
        end = bar.open_time + length
        if end % (self.every * length) == 0 and self.due != end and not bar.late:
            self.due = end
            self.set_timer("rotate", SETTLE)

    def on_timer(self, name: str) -> None:
        chosen = self._strongest()
        for symbol in self._series:
            if symbol not in chosen and self.position(symbol):
                self.close(symbol, reason="no longer among the strongest")
        for symbol in chosen:
            self.target(symbol, weight=1.0 / self.top, reason=f"change of {self._change[symbol].value:.2f} %")

    def _strongest(self) -> list[str]:
        """The risers by change, the strongest first; of members and fresh bars alone."""
        members = set(self.symbols_of(self.symbols))
        rose = [
            (-change.value, symbol)
            for symbol, change in self._change.items()
            if symbol in members and change.value > 0 and self._series[symbol].next_open() >= self.due
        ]
        return [symbol for _, symbol in sorted(rose)[: self.top]]
