"""A run over arrays told as a backtest's result measures what the event-driven run measures, under way too."""

import math
from typing import Any

import msgspec
import numpy as np
import pytest

from tests.unit.backtest.arrays.market import BTC, INFO, MINUTE, T0, candles, job_of, with_gaps
from tradectl.backtest.arrays.prepared import Inputs
from tradectl.backtest.arrays.run import ArrayResult, raw_run
from tradectl.backtest.arrays.told import Telling
from tradectl.backtest.job import BacktestResult, Interim
from tradectl.backtest.runner import run_backtest
from tradectl.engine.risk_limits import RiskLimits
from tradectl.history.reading import MemoryHistory
from tradectl.history.series import Kind, Points, SeriesId
from tradectl.simulation.models import FixedLatency, FixedSlippage, Models
from tradectl.strategies.ma_cross import MaCross

FUNDING = Points(T0 + np.arange(0, 12) * 480 * MINUTE, np.linspace(-0.0003, 0.0004, 12).round(6))
TURNS: dict[str, Any] = {"fast": 4, "slow": 15, "interval": "1m", "short": True}
CASES: dict[str, dict[str, Any]] = {
    "plain": {},
    "late": {"models": Models(latency=FixedLatency(0, 50_000_000, 0), slippage=FixedSlippage(2.0))},
    "sliced": {"capital": "0.10", "limits": RiskLimits(refuse_locked=False)},
    "gaps": {},
}


def both(case: str) -> tuple[BacktestResult, list[BacktestResult], BacktestResult, list[BacktestResult]]:
    """Result and looks over arrays, result and looks of the event-driven run."""
    made = candles(5_500, 41)
    made = with_gaps(made) if case == "gaps" else made
    job = job_of(made, TURNS, 300, **CASES[case])
    moments = tuple(job.since + (job.until - job.since) * part // 8 for part in (1, 2, 7))
    fast: list[BacktestResult] = []
    slow: list[BacktestResult] = []
    inputs = Inputs(job, made, INFO, FUNDING)
    asked = inputs.signals(MaCross, TURNS)
    telling = Telling(inputs, FUNDING)
    told = telling.result(ArrayResult(asked, raw_run(asked)), job)
    telling.show(told, Interim(moments, fast.append))
    history = MemoryHistory({SeriesId(BTC, Kind.CANDLES, "1m"): made, SeriesId(BTC, Kind.FUNDING): FUNDING}, [INFO])
    ran = run_backtest(job, history, {"it": MaCross}, interim=Interim(moments, slow.append))
    return told, fast, ran, slow


def assert_same_measures(fast: BacktestResult, slow: BacktestResult) -> None:
    one, other = (flat(msgspec.to_builtins(it.metrics)) for it in (fast, slow))
    assert one.keys() == other.keys()
    for name, value in one.items():
        assert close(value, other[name]), (name, value, other[name])


def close(one: Any, other: Any) -> bool:
    if isinstance(one, float | int) and isinstance(other, float | int):
        return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-9) or (math.isnan(one) and math.isnan(other))
    return bool(one == other)


def flat(value: Any, name: str = "") -> dict[str, Any]:
    if isinstance(value, dict):
        return {key: item for k, v in value.items() for key, item in flat(v, f"{name}.{k}").items()}
    try:
        return {name: float(value)}
    except (TypeError, ValueError):
        return {name: value}


@pytest.mark.parametrize("case", CASES)
def test_samples_and_every_measure_are_those_of_the_event_driven_run(case: str) -> None:
    told, fast, ran, slow = both(case)
    assert [(it.at, it.equity) for it in told.samples] == [(it.at, it.equity) for it in ran.samples]
    assert [float(it.exposure) for it in told.samples] == pytest.approx([float(it.exposure) for it in ran.samples])
    assert sum(bool(it.funding) for it in told.fills) == sum(bool(it.funding) for it in ran.fills) > 3
    assert_same_measures(told, ran)
    assert len(fast) == len(slow) == 3
    for one, other in zip(fast, slow, strict=True):
        assert one.samples == tuple(told.samples[: len(one.samples)])
        assert [(it.at, it.equity) for it in one.samples] == [(it.at, it.equity) for it in other.samples]
        assert one.interrupted
        assert_same_measures(one, other)


def test_a_look_under_way_changes_nothing_about_the_run() -> None:
    made = candles(600, 42)
    job = job_of(made, TURNS)
    history = MemoryHistory({SeriesId(BTC, Kind.CANDLES, "1m"): made}, [INFO])
    alone = run_backtest(job, history, {"it": MaCross})
    seen: list[BacktestResult] = []
    watched = run_backtest(job, history, {"it": MaCross}, interim=Interim((job.since + 90 * MINUTE,), seen.append))
    assert [it.ended for it in seen] == [job.since + 90 * MINUTE]
    for name in ("executions", "samples", "orders", "metrics", "per_strategy", "warnings"):
        assert repr(getattr(alone, name)) == repr(getattr(watched, name))  # NaN is not itself


def test_what_a_look_raises_ends_the_run() -> None:
    made = candles(600, 42)
    job = job_of(made, TURNS)
    history = MemoryHistory({SeriesId(BTC, Kind.CANDLES, "1m"): made}, [INFO])

    def enough(result: BacktestResult) -> None:
        raise LookupError

    with pytest.raises(LookupError):
        run_backtest(job, history, {"it": MaCross}, interim=Interim((0,), enough))
