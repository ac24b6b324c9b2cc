"""Windows that never overlap what they are tested on, and walls nobody looks over, on the engine's own backtests."""

import itertools
import math
from decimal import Decimal

import numpy as np
import pytest

from tests.unit.backtest.made_result import instrument
from tests.unit.backtest.optimise.synthetic import DAY, SINCE, HillSource, made, space
from tradectl.backtest.engines import Engine
from tradectl.backtest.optimise.evaluation import BacktestSource, Held, identity_of
from tradectl.backtest.optimise.optimiser import optimise
from tradectl.backtest.optimise.plan import Plan
from tradectl.backtest.optimise.ranges import search_space
from tradectl.backtest.optimise.walk_forward import stitched, walk_forward
from tradectl.backtest.optimise.windowed_history import OutsideWindow, WindowedHistory
from tradectl.backtest.optimise.windows import Walk, Window, windows
from tradectl.backtest.request import Request, job_of
from tradectl.history.reading import MemoryHistory
from tradectl.history.series import Candles, Kind, Points, SeriesId
from tradectl.model.errors import Problem
from tradectl.model.instruments import Category, InstrumentId
from tradectl.strategies.ema_cross import EmaCross

BTC = InstrumentId(Category.LINEAR, "BTCUSDT")
HOURS, FUNDING = SeriesId(BTC, Kind.CANDLES, "1h"), SeriesId(BTC, Kind.FUNDING)
HOUR = 3600 * 10**9


def test_rolling_windows_step_and_keep_an_embargo() -> None:
    found = windows(Walk(train=90, test=30, step=40, embargo=5), 0, 250)
    assert found == [Window(0, 90, 95, 125), Window(40, 130, 135, 165), Window(80, 170, 175, 205),
                     Window(120, 210, 215, 245)]  # fmt: skip


def test_anchored_windows_train_from_the_first_moment() -> None:
    found = windows(Walk(kind="anchored", train=90, test=30), 10, 200)
    assert [(it.train_since, it.train_until) for it in found] == [(10, 100), (10, 130), (10, 160)]


def test_no_test_overlaps_its_training_or_another_test() -> None:
    for kind in ("rolling", "anchored"):
        found = windows(Walk(kind=kind, train=70, test=20, embargo=3), 0, 1000)
        assert all(it.train_until + 3 <= it.test_since for it in found)
        assert all(a.test_until <= b.test_since for a, b in itertools.pairwise(found))
        assert found[-1].test_until <= 1000


@pytest.mark.parametrize(
    "walk",
    [
        Walk(train=0, test=1),
        Walk(train=5, test=3, step=2),
        Walk(train=5, test=3, embargo=-1),
        Walk(train=900, test=200),
    ],
)
def test_lengths_that_cannot_be_walked_are_refused(walk) -> None:
    with pytest.raises(Problem, match="walk-forward"):
        windows(walk, 0, 1000)


def test_the_curve_compounds_test_after_test() -> None:
    first, second = (Window(0, 0, i * DAY, (i + 2) * DAY) for i in (10, 20))
    curve = stitched([(first, made([100, 120], 10 * DAY).marks), (second, made([50, 40], 20 * DAY).marks)])
    assert curve == [(10 * DAY, 1.0), (11 * DAY, 1.2), (20 * DAY, 1.2), (21 * DAY, pytest.approx(0.96))]
    flat = stitched([(first, []), (second, made([50, 40], 20 * DAY).marks)])
    assert [level for _, level in flat] == pytest.approx([1, 1, 1, 0.8])


def test_tests_are_run_with_what_their_training_chose_and_summed_up() -> None:
    asked = []

    def source_of(since, until):
        inner = HillSource()(lambda: False)

        def evaluate(params, a, b):
            assert since <= a < b <= until
            asked.append((a, b, tuple(sorted(params.items()))))
            return inner(params, a, b)

        return lambda stop: evaluate

    plan = Plan(space=space(), since=SINCE, until=SINCE + 100 * DAY, trials=8, poll_s=0.01)
    found = walk_forward(plan, Walk(train=40 * DAY, test=20 * DAY), source_of)
    assert len(found.steps) == 3
    assert found.trials == 24
    for number, step in enumerate(found.steps):
        test = asked[9 * number + 8]
        assert test[:2] == (step.window.test_since, step.window.test_until)
        assert test[2] == tuple(sorted(step.params.items()))
    product = math.prod(1 + (it.outside["total_return"] or 0) for it in found.steps)
    assert found.total_return == pytest.approx(product - 1)
    assert found.kept == sum((it.outside["total_return"] or 0) > 0 for it in found.steps)


def test_a_training_without_a_result_leaves_its_test_flat() -> None:
    plan = Plan(space=space(), since=SINCE, until=SINCE + 60 * DAY, trials=3, constraints=("trades > 9",), poll_s=0.01)
    found = walk_forward(plan, Walk(train=40 * DAY, test=20 * DAY), lambda a, b: HillSource())
    assert found.total_return == 0.0
    assert [it.code for it in found.warnings] == ["no_result"]


# --- on the engine


def candles(seed: int = 1, days: int = 40) -> Candles:
    rng = np.random.default_rng(seed)
    close = np.round(30_000 * np.exp(np.cumsum(rng.normal(0, 0.006, days * 24))), 2)
    opened = np.concatenate([[30_000.0], close[:-1]])
    high, low = np.maximum(opened, close) + 20, np.minimum(opened, close) - 20
    return Candles(SINCE + np.arange(days * 24) * HOUR, opened, high, low, close, np.full(days * 24, 500.0))


def history(data: Candles, rates: np.ndarray) -> MemoryHistory:
    times = SINCE + (1 + np.arange(len(rates))) * 8 * HOUR
    return MemoryHistory({HOURS: data, FUNDING: Points(times, rates)}, [instrument("BTCUSDT")])


def disturbed(window: tuple[int, int], data: Candles, rates: np.ndarray) -> MemoryHistory:
    """Everything outside the window is another world; funding at the window's very end belongs to it."""
    inside = (data.open_time >= window[0]) & (data.open_time < window[1])
    other = candles(seed=2)
    columns = [np.where(inside, a, b * 1.7) for a, b in zip(data.arrays()[1:], other.arrays()[1:], strict=True)]
    times = SINCE + (1 + np.arange(len(rates))) * 8 * HOUR
    kept = (times >= window[0]) & (times <= window[1])
    return history(Candles(data.open_time, *columns), np.where(kept, rates, -0.02))


def searched(data: MemoryHistory, window: Window, engine: Engine):
    """One window's search and test, as the walk does it, on a history that goes on around it."""
    job = job_of(Request(strategy="ema_cross", symbols=("BTCUSDT",), interval="1h"), data, EmaCross)
    source = BacktestSource(job=job, open=Held(data), engine=engine)
    dims = search_space(EmaCross, ["fast=3:12", "slow=15:40"], ["fast < slow"], {})
    plan = Plan(space=dims, since=window.train_since, until=window.train_until, trials=6, seed=5, poll_s=0.01)
    found = optimise(plan, source.within(window.train_since, window.train_until))
    assert found.best is not None
    evaluate = source.within(window.train_since, window.test_until).by_events()(lambda: False)
    test = evaluate(found.best.params, window.test_since, window.test_until)
    return found, test


def told(found, test) -> tuple:
    """Everything of a search and a test that could move."""
    trials = [(it.params, it.values, it.returns) for it in found.trials]
    return trials, test.executions, test.samples, test.data_fingerprint


@pytest.mark.parametrize("engine", ["arrays", "events"])
def test_nothing_outside_the_window_moves_anything_inside(engine) -> None:
    """The perturbation test: before, after and (for the search) the test's own span are turned into another world."""
    data, rates = candles(), np.full(200, 0.0001)
    window = Window(SINCE + 10 * DAY, SINCE + 22 * DAY, SINCE + 22 * DAY, SINCE + 30 * DAY)
    found, test = searched(history(data, rates), window, engine)
    assert len(test.fills) > 4
    again = searched(disturbed((window.train_since, window.test_until), data, rates), window, engine)
    assert told(*again) == told(found, test)
    blind, _ = searched(disturbed((window.train_since, window.train_until), data, rates), window, engine)
    assert [it.returns for it in blind.trials] == [it.returns for it in found.trials]


def test_the_disturbance_would_be_seen_without_walls() -> None:
    """The test above can fail: the same disturbance moves a backtest that looks a day further."""
    data, rates = candles(), np.full(200, 0.0001)
    inside = (SINCE + 10 * DAY, SINCE + 22 * DAY)
    job = job_of(Request(strategy="ema_cross", symbols=("BTCUSDT",), interval="1h"), history(data, rates), EmaCross)
    results = [
        BacktestSource(job=job, open=Held(it))(lambda: False)({"fast": 3, "slow": 15}, inside[0], inside[1] + DAY)
        for it in (history(data, rates), disturbed(inside, data, rates))
    ]
    assert results[0].final_equity != results[1].final_equity


def test_a_walk_over_the_engine_stays_inside_its_windows() -> None:
    data = history(candles(), np.full(200, 0.0001))
    job = job_of(Request(strategy="ema_cross", symbols=("BTCUSDT",), interval="1h"), data, EmaCross)
    read: list[tuple[int, int]] = []

    class Noted(MemoryHistory):
        def read(self, series, since, until):
            read.append((since, until))
            return super().read(series, since, until)

    noted = Noted({HOURS: candles(), FUNDING: Points(np.zeros(0, np.int64), np.zeros(0))}, [instrument("BTCUSDT")])
    source = BacktestSource(job=job, open=Held(noted))
    dims = search_space(EmaCross, ["fast=3:12", "slow=15:40"], ["fast < slow"], {})
    plan = Plan(space=dims, since=SINCE, until=SINCE + 24 * DAY, trials=3, poll_s=0.01)
    found = walk_forward(plan, Walk(train=12 * DAY, test=4 * DAY, embargo=DAY), source.within)
    assert [it.window.test_since for it in found.steps] == [SINCE + 13 * DAY, SINCE + 17 * DAY]
    assert read
    assert max(until for _, until in read) <= SINCE + 21 * DAY + 1
    assert found.trades > 0


def test_a_read_behind_the_wall_is_refused_and_one_before_it_is_cut() -> None:
    walled = WindowedHistory(history(candles(), np.full(200, 0.0001)), SINCE + DAY, SINCE + 2 * DAY)
    for since, until in ((SINCE + DAY, SINCE + 2 * DAY + 1), (SINCE + 3 * DAY, SINCE + 4 * DAY)):
        with pytest.raises(OutsideWindow):
            walled.read(HOURS, since, until)
    with pytest.raises(OutsideWindow):
        walled.fingerprint([HOURS], SINCE + DAY, SINCE + 3 * DAY)
    with pytest.raises(OutsideWindow):
        walled.instruments(SINCE + 3 * DAY)
    (part,) = walled.read(HOURS, 0, SINCE + 2 * DAY)
    assert (part.times[0], len(part)) == (SINCE + DAY, 24)
    span = walled.span(HOURS)
    assert span is not None
    assert (span.first, span.last, span.rows) == (SINCE + DAY, SINCE + 2 * DAY - HOUR, 24)
    (paid,) = walled.read(FUNDING, SINCE + DAY + 1, SINCE + 2 * DAY + 1)
    assert paid.times[-1] == SINCE + 2 * DAY


def test_a_studys_identity_names_data_code_and_models() -> None:
    one, other = (history(candles(seed), np.full(20, 0.0001)) for seed in (1, 2))
    job = job_of(Request(strategy="ema_cross", symbols=("BTCUSDT",), interval="1h"), one, EmaCross)
    first, second = (identity_of(job, it, {"ema_cross": EmaCross}) for it in (one, other))
    assert [name for name in first if first[name] != second[name]] == ["data"]
    assert "model of fees" in first
    assert job.cash == Decimal(10_000)
