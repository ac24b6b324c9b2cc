"""Trades a model's predictions: when they are sure enough and promise more than the trade costs."""

import math

from tradectl.engine.strategy import param
from tradectl.model.events import PredictionMade
from tradectl.model.market_data import INTERVALS, Bar
from tradectl.strategies.stopped import Stopped


class AiTrader(Stopped):
    """Long when the chance of a rise is at least ``sure``, short (if allowed) when that of a fall is.

    The expected move must exceed ``cost``, fees and slippage of both ways. It is the model's own number where it
    states one, else what the chance makes of a typical move: ``(2 p - 1) ATR sqrt(horizon)``. The position ends
    ``horizon`` bars after the prediction's bar unless the model has renewed it, or when the model says the opposite.
    """

    symbol: str = param("BTCUSDT", help="what to trade")
    interval: str = param("1m", help="interval of the bars the model sees")
    model: str = param("", help="only predictions of this model; empty takes any")
    sure: float = param(0.58, low=0.5, high=1, help="least probability that opens a position")
    cost: float = param(0.0013, low=0, high=0.1, help="cost of a round trip, as a fraction of its value")
    atr: int = param(30, low=2, high=500, help="bars of the ATR of a typical move and of the stop")
    stop_atr: float = param(4.0, low=0.1, high=50, help="distance of the stop, in ATRs times the root of the horizon")
    short: bool = param(False, help="trade falls too")

    def on_start(self) -> None:
        self.watch(self.symbol)
        self.subscribe_predictions(self.symbol)
        self._bars = self.subscribe_bars(self.symbol, self.interval)
        self._atr = self._bars.atr(self.atr)
        self.until = 0

    def on_prediction(self, prediction: PredictionMade) -> None:
        last = self._bars.last
        if prediction.error or last is None or not self._is_current(prediction, last):
            return
        rises = prediction.probability
        if rises >= self.sure:
            self._act(1, rises, prediction, last)
        elif 1 - rises >= self.sure:
            self._act(-1, 1 - rises, prediction, last)

    def _is_current(self, prediction: PredictionMade, last: Bar) -> bool:
        """Whether it speaks of the newest bar, and is of the model that was asked for."""
        mine = prediction.interval == self.interval and self.model in ("", prediction.model)
        return mine and prediction.ts >= last.open_time

    def _act(self, side: int, chance: float, prediction: PredictionMade, last: Bar) -> None:
        until = prediction.ts + (prediction.horizon + 1) * INTERVALS[self.interval]
        if self.side == side:
            self.until = until
        elif self.side:
            self.leave("the model says the opposite")
        elif (side > 0 or self.short) and self._edge(side, chance, prediction, last) > self.cost:
            self.until = until
            away = self.stop_atr * self._atr.value * math.sqrt(prediction.horizon)
            self.enter(side, last.close - side * away, f"{chance:.3f} for {prediction.horizon} bars")

    def _edge(self, side: int, chance: float, prediction: PredictionMade, last: Bar) -> float:
        """The move expected in our direction, as a fraction of the price."""
        if prediction.value:
            return side * prediction.value
        return (2 * chance - 1) * self._atr.value / last.close * math.sqrt(prediction.horizon)

    def on_bar(self, bar: Bar) -> None:
        if self.side and bar.open_time + INTERVALS[self.interval] >= self.until:
            self.leave("the prediction's horizon is over")
        elif self.side and self.passed_stop(bar):
            self.leave("close beyond the stop")
