"""tradectl, event by event: the live engine, its risk manager, queue and portfolio, and the matching of the venue.

Of fixed size with a strategy of ten lines, or (``share``) the built-in ``ema_cross`` by share of its capital.
"""

from collections.abc import Mapping
from typing import Any

from tests.benchmarks.peers.alone.handover import Answer, Candles, Rules, asked
from tests.benchmarks.peers.alone.tradectl_job import history_of, job_of
from tradectl.backtest.job import BacktestResult
from tradectl.backtest.runner import run_backtest
from tradectl.engine.strategy import Strategy, param
from tradectl.model.market_data import Bar
from tradectl.model.money import use_exact_context
from tradectl.model.orders import Side
from tradectl.strategies.ema_cross import EmaCross


class OneCoin(Strategy):
    """``ema_cross`` in a fixed size."""

    fast: int = param(Rules.FAST, low=2, high=500)
    slow: int = param(Rules.SLOW, low=2, high=500)

    def on_start(self) -> None:
        bars = self.subscribe_bars("BTCUSDT", "1m")
        self._fast, self._slow = bars.ema(self.fast), bars.ema(self.slow)

    def on_bar(self, bar: Bar) -> None:
        if self._fast.crossed_above(self._slow):
            self.buy("BTCUSDT", Rules.SIZE, reason="fast EMA crossed above slow")
        elif self._fast.crossed_below(self._slow) and self.position("BTCUSDT"):
            self.sell("BTCUSDT", Rules.SIZE, reason="fast EMA crossed below slow")


def written(answer: Answer, path: str, result: BacktestResult) -> None:
    """Its executions as the answer; what risk refused is noted."""
    done = [it.execution for it in result.executions if it.execution.type == "Trade"]
    if result.refused or result.stopped:
        answer.found["notes"].append(f"refused {result.refused}, stopped {result.stopped}")
    answer.write(
        path, [it.ts for it in done], [1 if it.side is Side.BUY else -1 for it in done],
        [float(it.price) for it in done], [float(it.qty) for it in done], result.final_equity,
    )  # fmt: skip


def main() -> None:
    folder, path, words = asked()
    use_exact_context()
    answer = Answer("tradectl")
    candles = Candles(folder)
    history, (job, cls) = history_of(candles), (job_of(candles), EmaCross if "share" in words else OneCoin)
    classes: Mapping[str, type[Any]] = {"it": cls}
    answer.loaded()
    written(answer, path, answer.run(lambda: run_backtest(job, history, classes)))


main()
