"""A sweep summed up: what luck leaves of its best row, and that the best row is what the event-driven run gives."""

import numpy as np
import pytest

from tests.unit.backtest.arrays.market import BTC, INFO, candles
from tradectl.backtest.optimise.deflated_sharpe import moments
from tradectl.backtest.optimise.ranges import search_space
from tradectl.backtest.optimise.swept import Swept, differing, rows_of, study_of, swept, warnings_of
from tradectl.backtest.optimise.trial_run import marks_of
from tradectl.backtest.request import Request, job_of
from tradectl.history.reading import MemoryHistory
from tradectl.history.series import Kind, SeriesId
from tradectl.model.errors import Problem
from tradectl.performance.returns import changes, daily
from tradectl.strategies.ma_cross import MaCross

MADE = candles(9_000, 61)
HISTORY = MemoryHistory({SeriesId(BTC, Kind.CANDLES, "1m"): MADE}, [INFO])
CLASSES = {"ma_cross": MaCross}


def made(*ranges: str, hedge: bool = False, **more) -> Swept:
    job = job_of(Request(strategy="ma_cross", interval="1m", hedge=hedge), HISTORY, MaCross)
    return swept(job, HISTORY, CLASSES, search_space(MaCross, ranges, (), job.strategies[0].params), **more)


def test_the_best_of_noise_is_no_evidence() -> None:
    found = made("fast=3:10", "slow=20:60:5", "kind=ema")
    assert found.differs == ()
    assert found.deflated.trials == len(found.table) == 8 * 9
    assert found.best is not None
    assert found.best.executions
    assert found.deflated.observed == pytest.approx(moments(changes(daily(marks_of(found.best))))[0])
    assert found.deflated.observed * 365**0.5 == pytest.approx(found.table.columns["sharpe"][found.ranked[0]])
    assert found.deflated.spread == pytest.approx(np.std(found.table.columns["sharpe"], ddof=1) / 365**0.5)
    assert "is no evidence" in warnings_of(found)[0]
    assert study_of(found)["distinct"] == 72
    assert [len(row) for row in study_of(found)["stability"]["cells"]] == [8] * 9


def test_a_row_that_is_not_what_events_give_is_named() -> None:
    found = made("fast=3:4", "slow=20")
    assert found.best is not None
    row = {**found.table.row(found.ranked[0]), "fees": 1.0}
    said = differing(row, found.best)
    assert [it.partition(" ")[0] for it in said] == ["fees"]
    assert "1.0 over arrays" in said[0]


def test_rows_with_a_note_are_told_but_neither_ranked_nor_counted() -> None:
    found = made("fast=18:22", "slow=20")
    assert [row["fast"] for row in rows_of(found) if "note" in row] == [20, 21, 22]
    assert {found.table.params[it][0] for it in found.ranked} == {18, 19}
    assert found.deflated.trials == 2
    assert "3 rows are not ranked" in warnings_of(found)[-1]


def test_what_a_stop_left_over_is_not_counted() -> None:
    found = made("fast=3:20", "slow=30:60", stop=lambda: True)
    assert found.table.interrupted
    assert 0 < found.deflated.trials == len(found.ranked) < len(found.table) == 18 * 31


def test_a_job_for_events_alone_is_refused_with_the_command_that_does_it() -> None:
    with pytest.raises(Problem, match="hedge mode") as caught:
        made("fast=3:4", hedge=True)
    assert "optimize" in caught.value.remedy
