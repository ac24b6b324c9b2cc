"""A user's strategy of the tests: holds every member of a universe, with a stop, and wants a little more every hour."""

from tradectl.engine.bar_series import BarSeries
from tradectl.engine.strategy import Strategy, param
from tradectl.model.market_data import Bar

HOUR = 3_600_000_000_000


class Members(Strategy):
    """Asks for more of whatever it was ever given: what left the universe must be refused, and keep its stop."""

    symbols: str = param("universe:liquid", help="what to hold")

    def on_start(self) -> None:
        self._series: dict[str, BarSeries] = {}
        self.stops: dict[str, float] = {}
        self.hours = 0
        self.heard: list[str] = []
        self._follow(self.symbols_of(self.symbols))

    def _follow(self, symbols: tuple[str, ...]) -> None:
        for symbol in symbols:
            self._series.setdefault(symbol, self.subscribe_bars(symbol, "1m"))

    def on_universe(self, added: tuple[str, ...], removed: tuple[str, ...]) -> None:
        self.heard.append(f"+{','.join(added)} -{','.join(removed)}")
        self._follow(added)

    def on_bar(self, bar: Bar) -> None:
        if bar.open_time // HOUR == self.hours or bar.late:
            return
        self.hours = bar.open_time // HOUR
        for symbol, series in self._series.items():
            if series.last is None:
                continue
            stop = self.stops.setdefault(symbol, round(series.last.close * 0.8, 1))
            self.target(symbol, weight=0.1 + self.hours % 24 / 200, stop_loss=stop, reason="a little more")
