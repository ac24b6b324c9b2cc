"""Trials over arrays and event-driven ones agree in everything a trial is judged by; who cannot says why."""

import math
import sys
from decimal import Decimal

import pytest
from msgspec.structs import replace

from tests.unit.backtest.arrays.market import BTC, INFO, MINUTE, candles
from tradectl.backtest.engines import WHY
from tradectl.backtest.job import BacktestJob, BacktestResult, Interim
from tradectl.backtest.optimise.evaluation import BacktestSource, Held
from tradectl.backtest.optimise.objectives import Judge
from tradectl.backtest.optimise.optimiser import optimise
from tradectl.backtest.optimise.plan import Plan
from tradectl.backtest.optimise.ranges import search_space
from tradectl.backtest.optimise.whole import Further, differences, document, whole
from tradectl.backtest.request import Request, job_of
from tradectl.engine.strategy import Strategy
from tradectl.history.reading import MemoryHistory
from tradectl.history.series import Kind, SeriesId
from tradectl.model.errors import Problem
from tradectl.simulation.models import FixedFunding, Models
from tradectl.strategies.buy_and_hold import BuyAndHold
from tradectl.strategies.ma_cross import MaCross

MADE = candles(2_400, 51)
HISTORY = MemoryHistory({SeriesId(BTC, Kind.CANDLES, "1m"): MADE}, [INFO])
JUDGE = Judge("sharpe,trades", ["trades > 20"])


def job(cls: type[Strategy] = MaCross, name: str = "ma_cross", **more) -> BacktestJob:
    made = job_of(Request(strategy=name, symbols=("BTCUSDT",), interval="1m", **more), HISTORY, cls)
    return replace(made, since=int(MADE.open_time[600]))


def source(engine: str, **more) -> BacktestSource:
    return BacktestSource(job=job(), open=Held(HISTORY), engine=engine, **more)


def plan(**changes) -> Plan:
    space = search_space(MaCross, ["fast=3:12", "slow=10:60", "kind=sma,ema,hma"], ["fast < slow"], {})
    settings = {"trials": 6, "seed": 4, "objective": "total_return", **changes}
    own = job()
    return Plan(space=space, since=own.since, until=own.until, poll_s=0.01, **settings)


@pytest.mark.parametrize("params", [{"fast": 3, "slow": 10}, {"fast": 8, "slow": 40, "kind": "wma", "short": True}])
def test_a_trial_is_judged_the_same_and_sees_the_same_under_way(params) -> None:
    judged: list[list] = []
    for engine in ("arrays", "events"):
        told: list = []
        own = job()
        span = own.until - own.since
        interim = Interim(
            (own.since + span // 8, own.since + span // 4), lambda it, to=told: to.append((it.ended, JUDGE.judge(it)))
        )
        result = source(engine)(lambda: False)(params, own.since, own.until, interim)
        assert (result.extra.get("engine") == "arrays") is (engine == "arrays")
        told.append((result.ended, JUDGE.judge(result)))
        judged.append(told)
    for (at, one), (then, other) in zip(*judged, strict=True):
        assert at == then
        assert one.violations == pytest.approx(other.violations)
        assert one.measures.keys() == other.measures.keys()
        unmeasured = [[name for name, it in each.measures.items() if it is None] for each in (one, other)]
        assert unmeasured[0] == unmeasured[1]
        for name, value in one.measures.items():
            assert value is None or value == pytest.approx(other.measures[name], rel=1e-9, abs=1e-12), name
    assert judged[0][-1][1].measures["trades"] > 30


@pytest.mark.parametrize("changes", [{}, {"pruner": "median", "sampler": "random", "trials": 11}])
def test_a_search_takes_the_same_way_at_both_speeds(changes) -> None:
    fast, slow = (optimise(plan(**changes), source(engine)) for engine in ("auto", "events"))
    assert set(fast.engines) == {"arrays"}
    assert set(slow.engines) == {"events"}
    assert [(it.params, it.state) for it in fast.trials] == [(it.params, it.state) for it in slow.trials]
    assert (fast.pruned > 0) is bool(changes)
    for one, other in zip(fast.trials, slow.trials, strict=True):
        assert one.values == pytest.approx(other.values, rel=1e-9)
        assert one.returns == pytest.approx(other.returns, rel=1e-9)
    assert fast.deflated.probability == pytest.approx(slow.deflated.probability, rel=1e-6)


def test_the_winner_is_run_again_by_events_and_agrees() -> None:
    found = whole(plan(trials=4), source("auto"), Further())
    assert found.differs == ()
    assert document(found)["differs"] == []
    assert found.best is not None
    assert found.best.executions
    assert found.search.best is not None
    lied = replace(found.search.best, measures={**found.search.best.measures, "sharpe": 9.0}, values=(0.5,))
    said = differences(lied, Judge("total_return").judge(found.best))
    assert [it.partition(" was ")[0] for it in said] == ["sharpe", "goal 1"]
    assert "was 9.0, is " in said[0]


def ran(of: BacktestSource, params: dict) -> BacktestResult:
    return of(lambda: False)(params, of.job.since, of.job.until)


def test_what_arrays_cannot_do_is_done_by_events_and_said() -> None:
    hedged = BacktestSource(job=job(hedge=True), open=Held(HISTORY))
    assert ran(hedged, {}).extra[WHY] == "the account is in hedge mode"
    held = BacktestSource(job=job(BuyAndHold, "buy_and_hold"), open=Held(HISTORY))
    assert ran(held, {}).extra[WHY] == "BuyAndHold does not declare its signals as arrays"
    assert ran(source("auto", unfit="it is mine"), {}).extra[WHY] == "it is mine"
    strict = replace(job(), limits=replace(job().limits, drawdown_share=Decimal("0.01")))
    assert "a loss limit may have spoken" in ran(BacktestSource(job=strict, open=Held(HISTORY)), {}).extra[WHY]
    paying = BacktestSource(job=job(models=Models(funding=FixedFunding(Decimal("0.0001")))), open=Held(HISTORY))
    assert ran(paying, {}).extra[WHY] == "funding follows a model"
    crossed = ran(source("auto"), {"fast": 20, "slow": 10})
    assert "fast (20) must be below slow (10)" in crossed.extra[WHY]
    assert crossed.stopped
    with pytest.raises(Problem, match="hedge mode"):
        ran(replace(hedged, engine="arrays"), {})
    with pytest.raises(Problem, match="it is mine"):
        ran(source("arrays", unfit="it is mine"), {})


def test_a_function_of_the_users_is_not_fed_with_half_a_result(tmp_path) -> None:
    (tmp_path / "mine.py").write_text("def calm(result):\n    return 1.0\n")
    assert Judge("mine:calm", (), tmp_path).has_own
    assert Judge("sharpe", ("mine:calm",), tmp_path).has_own
    assert not Judge("sharpe,max_drawdown:min", ("trades > 3",)).has_own


def test_who_looks_back_further_than_was_read_is_run_by_events(monkeypatch) -> None:
    monkeypatch.setattr("tradectl.backtest.arrays.loaded.PAST", 50)
    assert WHY not in ran(source("auto"), {"fast": 3, "slow": 20}).extra
    late = ran(source("auto"), {"fast": 3, "slow": 90})
    assert "look back further" in late.extra[WHY]
    assert math.isclose(float(late.final_equity), float(ran(source("events"), {"fast": 3, "slow": 90}).final_equity))
    assert late.samples[0].at == job().since
    assert int(MADE.open_time[600]) - int(MADE.open_time[0]) == 600 * MINUTE


def test_without_the_compiler_trials_are_event_driven_and_say_so(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "numba", None)
    for name in [it for it in sys.modules if it.startswith("tradectl.backtest.arrays.")]:
        monkeypatch.delitem(sys.modules, name)
    result = ran(source("auto"), {"fast": 3, "slow": 20})
    assert "numba" in result.extra[WHY]
    with pytest.raises(Problem, match="numba") as caught:
        ran(source("arrays"), {"fast": 3, "slow": 20})
    assert caught.value.remedy == "pip install 'tradectl[research]'"
