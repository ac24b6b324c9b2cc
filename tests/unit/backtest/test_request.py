"""From what a person asks for to a job."""

from decimal import Decimal

import numpy as np
import pytest

from tests.unit.backtest.candles import BTC, ETH, MINUTE, START, history, instrument, walk
from tradectl.backtest.request import Request, job_of, job_of_all, params_for, with_params
from tradectl.backtest.runner import run_backtest
from tradectl.history.reading import MemoryHistory
from tradectl.history.series import Candles, Kind, SeriesId
from tradectl.model.errors import Problem
from tradectl.strategies.dca import Dca
from tradectl.strategies.ema_cross import EmaCross
from tradectl.strategies.momentum_rotation import MomentumRotation
from tradectl.strategies.pairs import Pairs

BOTH = {BTC: walk(300), ETH: walk(300, seed=2, price=3000.0)}
HOUR = 60 * MINUTE


def test_what_is_not_said_follows_from_class_and_data() -> None:
    made = job_of(Request(strategy="ema_cross"), history({BTC: BOTH[BTC]}), EmaCross)
    assert made.instruments == (BTC,)
    assert (made.interval, made.since, made.until) == ("1m", START, START + 300 * MINUTE)
    (one,) = made.strategies
    assert (one.name, one.capital, one.params["symbol"]) == ("ema_cross", Decimal(1), "BTCUSDT")


def test_a_class_for_one_symbol_runs_once_for_each_with_an_equal_part() -> None:
    made = job_of(Request(strategy="ema_cross", symbols=("btcusdt", "ETHUSDT")), history(BOTH), EmaCross)
    assert [(it.name, it.capital) for it in made.strategies] == [
        ("ema_cross-btcusdt", Decimal("0.5")), ("ema_cross-ethusdt", Decimal("0.5")),
    ]  # fmt: skip
    assert made.instruments == (BTC, ETH)


@pytest.mark.parametrize("cls", [MomentumRotation, Pairs])
def test_a_class_for_several_symbols_takes_them_all(cls: type) -> None:
    made = job_of(Request(strategy="it", symbols=("BTCUSDT", "ETHUSDT")), history(BOTH), cls)
    assert len(made.strategies) == 1
    assert made.instruments == (BTC, ETH)


def test_a_longer_interval_moves_by_the_longest_candles_that_make_it() -> None:
    times = START + np.arange(60, dtype=np.int64) * 5 * MINUTE
    flat = np.full(60, 100.0)
    five = Candles(times, flat, flat, flat, flat, flat)
    data = MemoryHistory(
        {SeriesId(BTC, Kind.CANDLES, "1m"): BOTH[BTC], SeriesId(BTC, Kind.CANDLES, "5m"): five}, [instrument()]
    )
    made = job_of(Request(strategy="ema_cross", interval="1h"), data, EmaCross)
    assert made.interval == "5m"
    assert made.strategies[0].params["interval"] == "1h"
    by_minutes = job_of(Request(strategy="ema_cross", interval="1h", data_interval="1m"), data, EmaCross)
    assert by_minutes.interval == "1m"
    assert job_of(Request(strategy="ema_cross", interval="5m"), data, EmaCross).interval == "5m"


def test_an_interval_the_data_cannot_give_is_refused() -> None:
    hours = Candles(START + np.arange(9, dtype=np.int64) * HOUR, *(np.full(9, 1.0) for _ in range(5)))
    data = MemoryHistory({SeriesId(BTC, Kind.CANDLES, "1h"): hours}, [instrument()])
    with pytest.raises(Problem, match="cannot be made from the data"):
        job_of(Request(strategy="ema_cross", interval="5m"), data, EmaCross)
    with pytest.raises(Problem, match="is no interval"):
        job_of(Request(strategy="ema_cross", interval="7m"), data, EmaCross)


def test_text_becomes_what_parameters_are_declared_as_and_others_are_named() -> None:
    made = job_of(Request(strategy="ema_cross", params={"fast": "7"}), history(BOTH), EmaCross)
    assert made.strategies[0].params["fast"] == 7
    wrong = job_of(Request(strategy="ema_cross", params={"fst": "7"}), history(BOTH), EmaCross)
    with pytest.raises(Problem, match="fst is no parameter"):
        run_backtest(wrong, history(BOTH), {"ema_cross": EmaCross})


def test_several_strategies_share_an_account_and_keep_their_own_parameters() -> None:
    classes = {"ema_cross": EmaCross, "dca": Dca}
    given = {"ema_cross.fast": 5, "slow": 40, "symbol": "BTCUSDT"}
    requests = [
        Request(strategy=name, params=params_for(classes[name], name, given, alone=False), capital=Decimal("0.3"))
        for name in ("ema_cross", "dca", "ema_cross")
    ]
    made = job_of_all(requests, history(BOTH), classes)
    assert [it.name for it in made.strategies] == ["ema_cross", "dca", "ema_cross-2"]
    assert made.strategies[0].params == {"fast": 5, "slow": 40, "symbol": "BTCUSDT", "interval": "1m"}
    assert "slow" not in made.strategies[1].params
    done = run_backtest(made, history(BOTH), classes)
    assert {it.strategy for it in done.fills} >= {"ema_cross", "dca"}
    assert sum(1 for it in done.fills if it.strategy == "ema_cross") == sum(
        1 for it in done.fills if it.strategy == "ema_cross-2"
    )


def test_other_parameters_of_the_same_job() -> None:
    made = with_params(job_of(Request(strategy="ema_cross"), history(BOTH), EmaCross), {"fast": 9})
    assert made.strategies[0].params["fast"] == 9
