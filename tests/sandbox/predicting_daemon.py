"""A composition root of the tests: the daemon with a model of the simplest kind in the place of the AI's.

``python -m tests.sandbox.predicting_daemon --predict SYMBOL <daemon arguments>``. After each closed candle of the
linear SYMBOL the pump is fed one :class:`PredictionMade`, as a model's process would have it fed: the chance of a rise
follows the move of the last candles in units of their usual move. Nothing in the product knows of it.
"""

import argparse
import math
import sys
from collections import deque

from tradectl.daemon.__main__ import main
from tradectl.daemon.pump import Pump
from tradectl.model.events import BarClosed, Event, PredictionMade
from tradectl.model.instruments import Category, InstrumentId

LOOKBACK = 30
HORIZON = 15


class Follower:
    """Believes that a move goes on: the logistic function of its size in standard deviations."""

    def __init__(self, symbol: str) -> None:
        self.instrument = InstrumentId(Category.LINEAR, symbol)
        self.closes: deque[float] = deque(maxlen=LOOKBACK + 1)

    def heard(self, event: Event) -> PredictionMade | None:
        """The prediction that follows an event, if one does."""
        if not isinstance(event, BarClosed) or (event.instrument, event.interval) != (self.instrument, "1m"):
            return None
        self.closes.append(event.bar.close)
        if len(self.closes) <= LOOKBACK:
            return None
        at = event.bar.open_time
        return PredictionMade(
            event.received, at, f"follower-{at}", "follower-1", self.instrument, "1m", HORIZON, self._chance()
        )

    def _chance(self) -> float:
        moves = [math.log(b / a) for a, b in zip(self.closes, list(self.closes)[1:], strict=False)]
        deviation = math.sqrt(sum(move * move for move in moves) / len(moves)) or 1.0
        return 1 / (1 + math.exp(-0.5 * sum(moves) / (deviation * math.sqrt(len(moves)))))


def predict(symbol: str) -> None:
    """Let each candle of ``symbol`` be followed by a prediction."""
    feed, model = Pump.feed, Follower(symbol)

    def fed(self: Pump, event: Event) -> None:
        feed(self, event)
        prediction = model.heard(event)
        if prediction is not None:
            feed(self, prediction)

    Pump.feed = fed  # type: ignore[method-assign]


def run() -> int:
    """Start the model, then be the daemon."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--predict", required=True)
    mine, rest = parser.parse_known_args()
    predict(mine.predict)
    return main(rest)


if __name__ == "__main__":
    sys.exit(run())
