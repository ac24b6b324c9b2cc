"""tradectl over arrays: the built-in ``ema_cross`` as it declares its signals, by share of its capital, compiled."""

from tests.benchmarks.peers.alone.handover import Answer, Candles, Rules, asked
from tests.benchmarks.peers.alone.tradectl_job import INFO, job_of, ours
from tradectl.backtest.arrays.run import ArrayResult, run_arrays
from tradectl.model.money import use_exact_context
from tradectl.model.orders import Side
from tradectl.strategies.ema_cross import EmaCross


def main() -> None:
    folder, path, _ = asked()
    use_exact_context()
    answer = Answer("tradectl")
    candles = Candles(folder)
    given, job = ours(candles), job_of(candles)
    params = {"fast": Rules.FAST, "slow": Rules.SLOW}
    answer.loaded()

    def work() -> ArrayResult:
        return run_arrays(job, given, EmaCross, params, INFO)

    result = answer.run(work, times=15)
    if result.exact:
        answer.found["notes"].append("redone in exact arithmetic: a rounding was too near to call")
    fills = result.fills
    answer.write(
        path, [it.at for it in fills], [1 if it.side is Side.BUY else -1 for it in fills],
        [float(it.price) for it in fills], [float(it.qty) for it in fills], result.final_equity,
    )  # fmt: skip


main()
