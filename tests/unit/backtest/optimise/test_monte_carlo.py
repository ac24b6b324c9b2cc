"""Draws against exact expectations, the same for the same seed, and prices that keep their shape."""

import itertools
import math
from decimal import Decimal

import numpy as np
import pytest

from tests.unit.backtest.made_result import instrument
from tradectl.backtest.optimise.monte_carlo import of_days, of_equities, of_trades, stationary
from tradectl.backtest.optimise.synthetic_prices import synthetic
from tradectl.history.reading import MemoryHistory
from tradectl.history.series import Candles, Kind, Points, SeriesId
from tradectl.model.errors import Problem
from tradectl.model.instruments import Category, InstrumentId
from tradectl.performance.round_trips import RoundTrip

BTC, ETH = InstrumentId(Category.LINEAR, "BTCUSDT"), InstrumentId(Category.LINEAR, "ETHUSDT")
MINUTE = 60 * 10**9


def trip(pnl: str, ended: int = 1) -> RoundTrip:
    zero = Decimal(0)
    return RoundTrip("s", BTC, True, zero, 0, ended, zero, zero, Decimal(pnl), zero, zero, zero, 2)


def test_trades_drawn_again_are_distributed_as_every_draw_there_is() -> None:
    trips = [trip("10"), trip("-44"), trip("13.2"), trip("999", ended=0)]
    returns = (0.1, -0.4, 0.2)  # each over the equity before it: 100, 110, 66
    every = [math.prod(1 + r for r in drawn) for drawn in itertools.product(returns, repeat=3)]
    ruined = [min(itertools.accumulate((1 + r for r in drawn), lambda a, b: a * b)) <= 0.5
              for drawn in itertools.product(returns, repeat=3)]  # fmt: skip
    found = of_trades(trips, Decimal(100), 20_000, seed=1)
    assert found.drawn == 3
    assert found.final_equity.mean == pytest.approx(sum(every) / 27, abs=0.01)
    assert found.ruin == pytest.approx(sum(ruined) / 27, abs=0.015)
    assert found.loss == pytest.approx(sum(it < 1 for it in every) / 27, abs=0.015)
    assert found.max_drawdown.quantiles[0][1] == pytest.approx(0.6**3 - 1)


def test_the_same_seed_draws_the_same_and_another_does_not() -> None:
    days = list(np.random.default_rng(0).normal(0.001, 0.02, 200))
    assert of_days(days, 300, seed=4) == of_days(days, 300, seed=4)
    assert of_days(days, 300, seed=4) != of_days(days, 300, seed=5)


def test_blocks_keep_what_hangs_together() -> None:
    """A hundred good and a hundred bad days: drawn one by one the spread of outcomes is far smaller than in blocks."""
    days = [0.01] * 100 + [-0.01] * 100
    single, blocks = of_days(days, 2000, seed=1, block=1.0), of_days(days, 2000, seed=1, block=10.0)
    width = [dict(it.final_equity.quantiles) for it in (single, blocks)]
    assert width[1][0.95] - width[1][0.05] > 1.7 * (width[0][0.95] - width[0][0.05])


def test_the_stationary_bootstrap_has_blocks_of_the_mean_length_and_uses_every_row_alike() -> None:
    rows = stationary(np.random.default_rng(2), 50, 200, 500, 8.0)
    breaks = np.mean((np.diff(rows, axis=1) % 50) != 1)
    assert breaks == pytest.approx(1 / 8 * 49 / 50, rel=0.03)
    counts = np.bincount(rows.ravel(), minlength=50)
    assert counts.min() > 0.9 * rows.size / 50
    assert rows.min() == 0
    assert rows.max() == 49


def test_curves_are_measured_from_their_start() -> None:
    found = of_equities([[100, 50, 200], [10, 11, 12], [4, 2.4, 3]], 3, 0, 1.0, 0.5)
    assert found.runs == 3
    assert found.ruin == pytest.approx(1 / 3)
    assert found.loss == pytest.approx(1 / 3)
    assert found.max_drawdown.quantiles[0][1] == pytest.approx(-0.498)


def test_nothing_to_draw_from_is_nan() -> None:
    assert math.isnan(of_trades([], Decimal(100), 10, 1).ruin)
    assert math.isnan(of_days([], 10, 1).final_equity.mean)


@pytest.mark.parametrize("call", [
    lambda: of_days([0.1], 0, 1), lambda: of_days([0.1], 5, 1, block=0.5), lambda: of_days([0.1], 5, 1, ruined=1.0),
    lambda: of_trades([], Decimal(1), -1, 1),
])  # fmt: skip
def test_what_shows_nothing_is_refused(call) -> None:
    with pytest.raises(Problem):
        call()


def candles(seed: int, rows: int = 400, shared: float = 0.0) -> Candles:
    rng, common = np.random.default_rng(seed), np.random.default_rng(99).normal(0, 0.01, rows)
    steps = shared * common + (1 - shared) * rng.normal(0, 0.01, rows)
    close = np.round(1000 * np.exp(np.cumsum(steps)), 2)
    opened = np.round(np.concatenate([[1000.0], close[:-1]]), 2)
    high, low = np.maximum(opened, close) + 1.5, np.minimum(opened, close) - 0.75
    return Candles(np.arange(rows) * MINUTE, opened, high, low, close, rng.uniform(1, 9, rows))


def world() -> tuple[MemoryHistory, list[SeriesId], SeriesId]:
    ids = [SeriesId(it, Kind.CANDLES, "1m") for it in (BTC, ETH)]
    funding = SeriesId(BTC, Kind.FUNDING)
    data = {ids[0]: candles(1, shared=0.9), ids[1]: candles(2, shared=0.9)}
    history = MemoryHistory(
        {**data, funding: Points(np.array([5 * MINUTE]), np.array([0.0001]))},
        [instrument("BTCUSDT"), instrument("ETHUSDT")],
    )
    return history, ids, funding


def whole(history: MemoryHistory, one: SeriesId) -> Candles:
    (part,) = history.read(one, 0, 10**18)
    assert isinstance(part, Candles)
    return part


def test_synthetic_prices_are_possible_candles_on_the_grid_with_the_old_returns() -> None:
    history, ids, funding = world()
    made = synthetic(history, ids, [funding], 0, 10**18, seed=3, block=20)
    for one in ids:
        old, new = whole(history, one), whole(made, one)
        assert np.array_equal(old.open_time, new.open_time)
        assert not np.array_equal(old.close, new.close)
        assert (new.low <= np.minimum(new.open, new.close)).all()
        assert (new.high >= np.maximum(new.open, new.close)).all()
        assert (new.low > 0).all()
        assert np.array_equal(np.round(new.close, 2), new.close)
        before = np.round(np.log(old.close[1:] / old.close[:-1]), 4)
        after = np.log(new.close[1:] / new.close[:-1])
        assert all(np.abs(before - it).min() < 2e-4 for it in after)
    assert [it.times.tolist() for it in made.read(funding, 0, 10**18)] == [[5 * MINUTE]]


def test_synthetic_instruments_move_together_as_before() -> None:
    history, ids, _ = world()
    made = synthetic(history, ids, [], 0, 10**18, seed=3)
    moves = [np.diff(np.log(whole(made, one).close)) for one in ids]
    assert np.corrcoef(moves[0], moves[1])[0, 1] > 0.9


def test_synthetic_prices_are_the_same_for_the_same_seed() -> None:
    history, ids, _ = world()
    one, same, other = (synthetic(history, ids, [], 0, 10**18, seed=it).fingerprint(ids, 0, 10**18) for it in (1, 1, 2))
    assert one == same != other


def test_candles_of_different_times_are_not_drawn_together() -> None:
    history, ids, _ = world()
    short = MemoryHistory(
        {ids[0]: whole(history, ids[0]), ids[1]: candles(2, rows=300)}, history.instruments(0).values()
    )
    with pytest.raises(Problem, match="same times"):
        synthetic(short, ids, [], 0, 10**18, seed=1)
    with pytest.raises(Problem, match="fewer than two"):
        synthetic(history, ids, [], 0, MINUTE, seed=1)
