"""tradectl as ``tradectl backtest`` runs ``ema_cross`` of many candles: over arrays, with all events would leave.

Every execution and order is made and read within the time that is measured.
"""

from tests.benchmarks.peers.alone.handover import Answer, Candles, asked
from tests.benchmarks.peers.alone.tradectl_job import history_of, job_of
from tradectl.backtest.choice import run_by
from tradectl.backtest.job import BacktestResult
from tradectl.model.money import use_exact_context
from tradectl.model.orders import Execution, OrderStatus
from tradectl.strategies.ema_cross import EmaCross


def main() -> None:
    folder, path, _ = asked()
    use_exact_context()
    answer = Answer("tradectl")
    candles = Candles(folder)
    history, job = history_of(candles), job_of(candles)
    answer.loaded()

    def work() -> tuple[BacktestResult, list[tuple[int, int, float, float]]]:
        result = run_by("arrays", job, history, {"it": EmaCross})
        ended = sum(it.status is OrderStatus.FILLED for it in result.orders)
        fills = [row_of(it.execution) for it in result.executions]
        if ended != len(fills):
            answer.found["notes"].append(f"{ended} orders were filled, there are {len(fills)} executions")
        return result, fills

    result, fills = answer.run(work, times=5)
    answer.write(path, *zip(*fills, strict=True), result.final_equity)


def row_of(execution: Execution) -> tuple[int, int, float, float]:
    """Time, side, price and coins."""
    return execution.ts, execution.side.sign, float(execution.price), float(execution.qty)


main()
