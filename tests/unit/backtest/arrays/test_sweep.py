"""A sweep's rows are the runs one by one; what cannot be run says so, and only there."""

from decimal import Decimal
from typing import Any, cast

import numpy as np
import pytest
from msgspec.structs import replace

from tests.unit.backtest.arrays.market import INFO, MINUTE, T0, both_ways, candles, job_of
from tradectl.backtest.arrays import batch
from tradectl.backtest.arrays.codes import DOUBTFUL
from tradectl.backtest.arrays.exact import simulate_exactly
from tradectl.backtest.arrays.prepared import Asked, Inputs
from tradectl.backtest.arrays.run import ArrayResult, raw_run, run_arrays
from tradectl.backtest.arrays.sweep import grid, sweep
from tradectl.history.series import Points
from tradectl.model.errors import Problem
from tradectl.simulation.models import FixedSlippage, Models
from tradectl.strategies.buy_and_hold import BuyAndHold
from tradectl.strategies.ema_cross import EmaCross
from tradectl.strategies.ma_cross import MaCross
from tradectl.strategies.signals import ArrayBars, Signals

NAMES, PAIRS = grid({"fast": [3, 5, 8], "slow": [13, 21, 34]})


@pytest.mark.parametrize("warm", [0, 600])
@pytest.mark.parametrize("threads", [1, 3])
def test_each_row_is_the_run_of_its_parameters(warm: int, threads: int) -> None:
    made = candles(2_000, 31)
    job = job_of(made, {}, warm)
    table = sweep(job, made, EmaCross, NAMES, PAIRS, INFO, threads=threads)
    assert len(table) == 9
    assert not table.notes
    for row, pair in enumerate(PAIRS):
        alone = run_arrays(job, made, EmaCross, dict(zip(NAMES, pair, strict=True)), INFO).figures
        found = table.row(row)
        assert (found["fast"], found["slow"]) == pair
        assert np.array_equal([found[it] for it in alone._fields], alone, equal_nan=True)


def test_the_figures_are_those_of_the_event_driven_run() -> None:
    """As long as samples are a bar apart: the day's last mark is then the same."""
    made = candles(4_900, 32)
    fast, slow = both_ways(job_of(made, {"fast": 5, "slow": 21}), made, EmaCross)
    own, theirs = fast.figures, slow.metrics
    assert own.trades == theirs.trades.trades > 100
    assert own.sharpe == pytest.approx(theirs.sharpe, rel=1e-9)
    assert own.max_drawdown == pytest.approx(theirs.max_drawdown, rel=1e-9)
    assert own.profit_factor == pytest.approx(theirs.trades.profit_factor, rel=1e-12)
    assert own.win_rate == pytest.approx(theirs.trades.win_rate, rel=1e-12)
    assert own.total_return == pytest.approx(float(slow.final_equity) / 10_000 - 1, rel=1e-12)
    assert Decimal(repr(own.fees)) == sum(it.fee for it in fast.fills)


def test_parameters_that_cannot_go_together_are_a_note_on_their_row() -> None:
    made = candles(500, 33)
    table = sweep(job_of(made, {"interval": "1m"}), made, MaCross, ("fast", "slow"), [(5, 20), (20, 5), (6, 20)], INFO)
    assert list(table.notes) == [1]
    assert "fast (20) must be below slow (5)" in table.notes[1]
    assert np.isnan(table.columns["total_return"]).tolist() == [False, True, False]
    assert 1 not in table.best()


def test_rows_a_loss_limit_may_have_touched_are_marked() -> None:
    made = candles(3_000, 34)
    job = job_of(made, {})
    limits = replace(job.limits, drawdown_share=Decimal("0.2"))
    table = sweep(replace(job, limits=limits), made, EmaCross, NAMES, PAIRS, INFO)
    free = sweep(job, made, EmaCross, NAMES, PAIRS, INFO)
    deep = {row for row in range(9) if free.columns["max_drawdown"][row] < -0.2}
    assert deep <= set(table.notes)
    assert all("loss limit" in it for it in table.notes.values())


def test_somebody_who_stops_a_sweep_gets_what_is_done() -> None:
    made = candles(300, 35)
    done: list[int] = []
    names, pairs = grid({"fast": list(range(2, 32)), "slow": list(range(40, 60))})
    table = sweep(
        job_of(made, {}),
        made,
        EmaCross,
        names,
        pairs,
        INFO,
        threads=1,
        progress=done.append,
        stop=lambda: len(done) > 2,
    )
    assert table.interrupted
    ran = int(np.isfinite(table.columns["total_return"]).sum())
    assert 0 < done[-1] <= ran < len(table)


def test_what_the_arrays_cannot_do_is_said_in_words() -> None:
    made = candles(300, 36)
    job = job_of(made, {}, models=Models(slippage=FixedSlippage(1.0, 10.0)), position_mode="hedge")
    with pytest.raises(Problem, match="hedge mode; slippage grows with the order's share"):
        sweep(job, made, EmaCross, NAMES, PAIRS, INFO)
    with pytest.raises(Problem, match="BuyAndHold does not declare its signals"):
        sweep(job_of(made, {}), made, BuyAndHold, (), [()], INFO)
    with pytest.raises(Problem, match="follows 5m candles, the job is driven by 1m"):
        run_arrays(job_of(made, {}), made, EmaCross, {"interval": "5m"}, INFO)
    with pytest.raises(Problem, match="no candles of linear:BTCUSDT 1m in the span"):
        run_arrays(replace(job_of(made, {}), since=2 * 10**18, until=3 * 10**18), made, EmaCross, {}, INFO)


class _Short(EmaCross):
    """Says nothing about the last bar."""

    @staticmethod
    def signals(bars: ArrayBars, p: EmaCross) -> Signals:
        told: Any = bars
        return Signals(cast(Any, np.zeros(len(told.close.values) - 1, np.bool_)))


def test_signals_of_fewer_bars_than_there_are_are_refused() -> None:
    made = candles(300, 38)
    with pytest.raises(Problem, match="signals are of 299 bars, not of 300"):
        run_arrays(job_of(made, {}), made, _Short, {}, INFO)


def test_rows_too_near_to_call_are_redone_exactly_among_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every third row is said to be doubtful, with warm-ups of several lengths: all are the runs one by one."""
    made = candles(2_000, 39)
    job = replace(job_of(made, {}, 300), cash=Decimal(120_000))
    given = Points(T0 + np.arange(1, 4) * 480 * MINUTE, np.array([0.0001, -0.0003, 0.0002]))
    redone: list[int] = []

    def told(asked: Asked) -> Any:
        redone.append(asked.start)
        return simulate_exactly(asked)

    monkeypatch.setattr(batch, "simulate_exactly", told)
    monkeypatch.setattr(batch, "simulate_all", _doubting(batch.simulate_all))
    names, pairs = grid({"fast": [3, 4, 5, 8, 9], "slow": [13, 21, 34, 40]})
    table = sweep(job, made, EmaCross, names, pairs, INFO, given, threads=2)
    assert len(redone) > 3
    assert len(set(redone)) > 1  # a longer average looks further back
    for row, pair in enumerate(pairs):
        alone = run_arrays(job, made, EmaCross, dict(zip(names, pair, strict=True)), INFO, given).figures
        assert np.array_equal([table.row(row)[it] for it in alone._fields], alone, equal_nan=True)


def _doubting(run: Any) -> Any:
    def doubted(*given: Any) -> None:
        run(*given)
        *_, accounts, table = given
        accounts["flags"][::3] |= DOUBTFUL
        table[::3] = np.nan

    return doubted


def test_indicators_kept_for_further_runs_have_a_bound_and_forgetting_changes_nothing() -> None:
    made = candles(1_000, 37)
    inputs = Inputs(job_of(made, {}), made, INFO, None)
    kept, ends = [], []
    for slow in [*range(10, 60), *range(10, 60)]:
        inputs.trim(40_000 * 8)
        asked = inputs.signals(EmaCross, {"fast": 3, "slow": slow})
        ends.append(ArrayResult(asked, raw_run(asked)).final_equity)
        kept.append(inputs.kept_bytes)
    assert 20_000 * 8 < max(kept) <= 42_000 * 8
    assert ends[:50] == ends[50:]
