"""tradectl: ``sweep`` of the built-in ``ema_cross``, eight figures of each pair."""

from tests.benchmarks.peers.alone.handover import Answer, Candles, asked, pairs
from tests.benchmarks.peers.alone.tradectl_job import INFO, job_of, ours
from tradectl.backtest.arrays.sweep import SweepResult, sweep
from tradectl.model.money import use_exact_context
from tradectl.strategies.ema_cross import EmaCross


def main() -> None:
    folder, path, words = asked()
    use_exact_context()
    answer = Answer("tradectl")
    candles = Candles(folder)
    given, job, rows = ours(candles), job_of(candles), pairs(int(words[0]))
    answer.loaded()

    def work() -> SweepResult:
        return sweep(job, given, EmaCross, ("fast", "slow"), rows, INFO)

    result = answer.run(work, times=int(words[1]))
    if result.notes:
        answer.found["notes"].append(f"{len(result.notes)} pairs: {next(iter(result.notes.values()))}")
    answer.write_returns(path, result.columns["total_return"])


main()
