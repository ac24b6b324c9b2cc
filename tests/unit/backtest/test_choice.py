"""A backtest takes the engine that is sooner there, and only where the result is the same."""

import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace

from tests.unit.backtest.arrays.market import BTC, INFO, MINUTE, T0, candles, job_of
from tests.unit.backtest.arrays.test_complete import differing
from tradectl.backtest import choice
from tradectl.backtest.arrays import ready
from tradectl.backtest.choice import run_by
from tradectl.backtest.engines import ENGINE, WHY, Engine
from tradectl.backtest.job import BacktestJob, BacktestResult, Progress
from tradectl.backtest.limits import wide_open
from tradectl.engine.config import StrategyConfig
from tradectl.engine.risk_limits import RiskLimits
from tradectl.engine.strategy import Strategy
from tradectl.history.reading import MemoryHistory
from tradectl.history.series import Kind, Points, SeriesId
from tradectl.matching.views import AccountFees
from tradectl.model.errors import ErrorCode, Problem
from tradectl.model.market_data import Bar
from tradectl.simulation.models import FixedFunding, FixedLatency, Models, TierFees, VolumeShare
from tradectl.strategies.buy_and_hold import BuyAndHold
from tradectl.strategies.ema_cross import EmaCross
from tradectl.strategies.ma_cross import MaCross

QUICK: dict[str, Any] = {"fast": 4, "slow": 15}
ENGINES: tuple[Engine, Engine] = ("auto", "events")
MADE = candles(400, 5)
HISTORY = MemoryHistory({SeriesId(BTC, Kind.CANDLES, "1m"): MADE}, [INFO])


loaded = ready.in_memory


@pytest.fixture(autouse=True)
def kernels_at_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ready, "in_memory", lambda: True)


def run(engine: Engine = "auto", job: BacktestJob | None = None, cls: type[Strategy] = EmaCross) -> BacktestResult:
    return run_by(engine, job or job_of(MADE, QUICK), HISTORY, {"it": cls})


def test_a_built_in_that_declares_its_signals_goes_over_arrays_with_the_same_result() -> None:
    auto, events = run(), run("events")
    assert (auto.extra, events.extra) == ({ENGINE: "arrays"}, {ENGINE: "events"})
    assert len(auto.executions) > 10
    assert differing(auto, events) == []


def test_progress_of_a_run_over_arrays_is_told_when_it_is_done() -> None:
    heard: list[Progress] = []
    run_by("auto", job_of(MADE, QUICK), HISTORY, {"it": EmaCross}, heard.append)
    assert [(it.done, it.total) for it in heard] == [(400, 400)]


class Own(EmaCross):
    """Somebody's own."""


class Changed(EmaCross):
    """What it does is not what it inherited to say."""

    def on_bar(self, bar: Bar) -> None:
        self.close(self.symbol, reason="never in")


TWICE = tuple(StrategyConfig(name=it, class_="it", capital=Decimal("0.4"), params=dict(QUICK)) for it in ("a", "b"))
TINY = AccountFees(linear_taker=Decimal("0.00055000000000001"))
REPEATED = replace(wide_open(), repeat_orders=2, repeat_seconds=3600)
JOBS: dict[str, tuple[Callable[[BacktestJob], BacktestJob], str]] = {
    "hedge": (lambda it: replace(it, position_mode="hedge"), "hedge mode"),
    "decisions": (lambda it: replace(it, keep_decisions=True), "every decision is to be kept"),
    "two": (lambda it: replace(it, strategies=TWICE), "several strategies"),
    "bounded": (lambda it: replace(it, models=Models(liquidity=VolumeShare(0.1))), "size at each price is bounded"),
    "back": (lambda it: replace(it, models=Models(latency=FixedLatency(0, 0, 5))), "heard after the moment"),
    "late bars": (lambda it: replace(it, models=Models(latency=FixedLatency(5, 5, 0))), "heard after the moment"),
    "funding": (lambda it: replace(it, models=Models(funding=FixedFunding(Decimal("0.0001")))), "follows a model"),
    "refused": (lambda it: replace(it, limits=RiskLimits(order_share=Decimal(1))), "entries were refused"),
    "losses": (lambda it: replace(it, limits=replace(it.limits, drawdown_share=Decimal("0.0001"))), "loss limit"),
    "stops": (lambda it: replace(it, limits=replace(it.limits, require_stop=True)), "entries need a stop"),
    "minute": (lambda it: replace(it, limits=replace(it.limits, orders_per_minute=1)), "how often orders are made"),
    "flood": (lambda it: replace(it, limits=replace(it.limits, flood_per_minute=1)), "how often orders are made"),
    "repeated": (lambda it: replace(it, limits=REPEATED), "how often orders are made"),
    "same": (lambda it: replace(it, limits=replace(it.limits, duplicate_ms=60_000)), "how often orders are made"),
    "rich": (lambda it: replace(it, cash=Decimal(10**12)), "of cash is no number of"),
    "finer": (lambda it: replace(it, cash=Decimal("1000.123456789")), "of cash is no number of"),
    "fee": (lambda it: replace(it, models=Models(fees=TierFees(TINY))), "the fee has too many digits"),
    "poor": (lambda it: replace(it, cash=Decimal("0.5")), ""),
}


@pytest.mark.parametrize("case", JOBS)
def test_where_arrays_cannot_promise_the_same_events_run_and_the_reason_is_told(case: str) -> None:
    change, reason = JOBS[case]
    job = change(job_of(MADE, QUICK))
    auto, events = run(job=job), run("events", job)
    assert differing(auto, events) == []
    if not reason:
        assert auto.extra[ENGINE] == "arrays"
        return
    assert auto.extra[ENGINE] == "events"
    assert reason in auto.extra[WHY]
    with pytest.raises(Problem, match="cannot run this or promise the result") as refused:
        run("arrays", job)
    assert refused.value.field == "engine"
    assert reason in refused.value.message


def test_the_word_of_an_own_class_is_taken_when_arrays_are_asked_for() -> None:
    auto, arrays = run(cls=Own), run("arrays", cls=Own)
    assert "Own is not built in" in auto.extra[WHY]
    assert arrays.extra == {ENGINE: "arrays"}
    assert differing(auto, arrays) == []


@pytest.mark.parametrize(("cls", "reason"), [(Changed, "an on_bar of its own"), (BuyAndHold, "does not declare")])
def test_signals_that_are_not_those_of_on_bar_are_nobodys(cls: type[Strategy], reason: str) -> None:
    job = job_of(MADE, {} if cls is BuyAndHold else QUICK)
    assert reason in run(job=job, cls=cls).extra[WHY]
    with pytest.raises(Problem, match=reason):
        run("arrays", job, cls)


def test_parameters_the_signals_refuse_are_for_events_to_judge() -> None:
    job = job_of(MADE, {"fast": 20, "slow": 15, "interval": "1m"})
    auto = run(job=job, cls=MaCross)
    assert "must be below slow" in auto.extra[WHY]
    assert "must be below slow" in auto.stopped["it"]
    with pytest.raises(Problem, match="must be below slow") as refused:
        run("arrays", job, MaCross)
    assert refused.value.code is ErrorCode.INVALID_SETTING


def test_a_short_run_does_not_wait_for_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ready, "in_memory", lambda: False)
    monkeypatch.setattr(choice, "WORTH_LOADING", 400)
    monkeypatch.setattr(choice, "WORTH_COMPILING", 401)
    for compiled, engine in ((True, "arrays"), (False, "events")):
        monkeypatch.setattr(ready, "on_disk", lambda compiled=compiled: compiled)
        assert run().extra[ENGINE] == engine
    assert "fewer than 401 candles" in run().extra[WHY]
    assert run("arrays").extra == {ENGINE: "arrays"}


def test_without_a_compiler_events_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ready, "can_compile", lambda: False)
    assert run().extra == {ENGINE: "events", WHY: "numba is not installed"}


def test_kernels_that_cannot_be_loaded_stop_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tradectl.backtest.arrays.complete", None)
    assert "its kernels cannot be loaded" in run().extra[WHY]
    with pytest.raises(Problem, match="its kernels cannot be loaded"):
        run("arrays")


def test_a_process_that_ran_kernels_has_them_in_memory() -> None:
    run("arrays")
    assert loaded()


def test_what_is_wrong_with_the_job_is_said_once_and_alike() -> None:
    job = replace(job_of(MADE, QUICK), interval="5m")
    for engine in ("auto", "events", "arrays"):
        with pytest.raises(Problem, match="has no candles of 5m"):
            run(engine, job)
    with pytest.raises(Problem, match="engine numba is none of"):
        run("numba")  # type: ignore[arg-type]


def test_payments_at_a_rate_of_zero_and_in_a_gap_are_told() -> None:
    keep = np.ones(400, bool)
    keep[100:130] = False
    made = type(MADE)(*(column[keep] for column in MADE.arrays()))
    funding = Points(T0 + np.array([60, 110, 200, 300]) * MINUTE, np.array([0.0, 0.0001, -0.0002, 0.0]))
    history = MemoryHistory(
        {SeriesId(BTC, Kind.CANDLES, "1m"): made, SeriesId(BTC, Kind.FUNDING): funding}, [INFO]
    )  # fmt: skip
    job = job_of(made, {"fast": 4, "slow": 15, "interval": "1m", "short": True})
    auto, events = (run_by(it, job, history, {"it": MaCross}) for it in ENGINES)
    assert auto.extra == {ENGINE: "arrays"}
    assert sum(it.execution.type == "Funding" for it in auto.executions) == 4
    assert differing(auto, events) == []


def test_what_is_on_disk_is_asked_without_the_compiler(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setenv(ready.FOLDER, str(tmp_path))
    assert not ready.on_disk()
    kept = tmp_path / "arrays_1" / "simulate.simulate-1.py311.nbi"
    kept.parent.mkdir()
    kept.touch()
    assert ready.on_disk()


def test_so_many_orders_that_nobody_would_send_them_are_not_even_tried() -> None:
    small = replace(INFO, max_market_qty=Decimal("0.001"))
    history = MemoryHistory({SeriesId(BTC, Kind.CANDLES, "1m"): MADE}, [small])
    with pytest.raises(Problem, match="one decision makes more orders"):
        run_by("arrays", job_of(MADE, QUICK, cash=Decimal(10**9)), history, {"it": EmaCross})


def test_a_price_of_nothing_is_for_events() -> None:
    made = candles(400, 5)
    made.low[200] = 0.0
    history = MemoryHistory({SeriesId(BTC, Kind.CANDLES, "1m"): made}, [INFO])
    auto, events = (run_by(it, job_of(made, QUICK), history, {"it": EmaCross}) for it in ENGINES)
    assert auto.extra == {ENGINE: "events", WHY: "a price is not above 0"}
    assert differing(auto, events) == []


def test_an_instrument_that_does_not_trade_is_for_events() -> None:
    history = MemoryHistory({SeriesId(BTC, Kind.CANDLES, "1m"): MADE}, [replace(INFO, status="Closed")])
    auto, events = (run_by(it, job_of(MADE, QUICK), history, {"it": EmaCross}) for it in ENGINES)
    assert auto.extra[WHY] == "linear:BTCUSDT is Closed"
    assert auto.refused["instrument_status"] > 5
    assert differing(auto, events) == []


def test_kernels_of_other_sources_are_kept_apart(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(ready.FOLDER, raising=False)
    for name, text in (("codes.py", "LONG = 1\n"), ("orders.py", "\n@part\ndef wanted(): ...\n"), ("told.py", "")):
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(ready, "__file__", str(tmp_path / "ready.py"))
    before = ready.folder()
    (tmp_path / "told.py").write_text("nothing of a kernel's\n")
    assert ready.folder() == before
    (tmp_path / "orders.py").write_text("\n@part\ndef wanted(code): ...\n")
    assert ready.folder() != before
