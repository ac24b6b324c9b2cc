"""What happens when, inside a bar and while answers are on their way."""

from decimal import Decimal
from typing import Any

import numpy as np
from msgspec.structs import replace

from tests.unit.backtest.candles import BTC, MINUTE, NO_SPREAD, START, candles, history, job
from tests.unit.backtest.test_runner import scripted
from tradectl.backtest.job import BacktestResult
from tradectl.backtest.runner import run_backtest
from tradectl.engine.strategy import Strategy
from tradectl.history.series import Candles, Points
from tradectl.model.commands import ExecutionBooked
from tradectl.model.market_data import Bar
from tradectl.simulation.models import FixedLatency, FixedSpread, Models, VolumeShare

FLAT = (100.0, 100.0, 100.0, 100.0)


class Watching(Strategy):
    """Buys at its first bar as ``entry`` says, and answers its first fill with ``answer``."""

    entry: dict[str, Any] = {}
    answer: dict[str, Any] = {}

    def on_start(self) -> None:
        self.subscribe_bars("BTCUSDT", "1m")
        self.heard: list[str] = []

    def on_bar(self, bar: Bar) -> None:
        if bar.open_time == START:
            self.buy("BTCUSDT", **self.entry, reason="entry")

    def on_execution(self, execution: ExecutionBooked) -> None:
        self.heard.append(str(execution.execution.qty))
        if len(self.heard) == 1 and self.answer:
            self.sell("BTCUSDT", **self.answer, reason="answer")


def watched(
    rows: list[tuple[float, float, float, float]], entry: dict[str, Any], answer: dict[str, Any] | None = None,
    models: Models = NO_SPREAD, funding: dict[Any, Points] | None = None,
) -> BacktestResult:  # fmt: skip
    data: dict[Any, Candles] = {BTC: candles(rows)}
    strategy = type("Watcher", (Watching,), {"entry": entry, "answer": answer or {}, "__doc__": "It watches."})
    return run_backtest(job(data, "watching", models=models), history(data, funding), {"watching": strategy})


def prices(done: BacktestResult) -> list[Decimal]:
    return [it.execution.price for it in done.executions]


def test_a_stop_that_came_with_a_limit_order_is_met_on_the_way_that_filled_it() -> None:
    done = watched([FLAT, (100.0, 100.0, 97.0, 100.0)], {"qty": 1, "price": 99, "stop_loss": 98})
    assert prices(done) == [Decimal(99), Decimal(98)]


def test_a_stop_placed_when_the_fill_was_heard_is_met_before_the_price_goes_further() -> None:
    done = watched([FLAT, (100.0, 100.0, 97.0, 100.0)], {"qty": 1, "price": 99}, {"qty": 1, "stop": 98})
    assert prices(done) == [Decimal(99), Decimal(98)]


def test_a_price_that_only_comes_to_an_order_inside_the_spread_does_not_fill_it() -> None:
    models = replace(NO_SPREAD, spread=FixedSpread(2))
    done = watched([FLAT, FLAT, (100.0, 100.2, 100.0, 100.1)], {"qty": 1, "price": 100}, models=models)
    assert not done.executions


def test_what_a_fill_makes_a_strategy_do_is_heard_after_the_other_fills_of_that_moment() -> None:
    models = replace(NO_SPREAD, liquidity=VolumeShare(0.05))  # 0.5 at each price
    done = watched([FLAT, FLAT], {"qty": Decimal("1.2")}, {"qty": Decimal("0.1")}, models)
    assert [it.execution.qty for it in done.executions] == [Decimal(it) for it in ("0.5", "0.5", "0.2", "0.1")]
    assert [it.execution.ts for it in done.executions] == [START + MINUTE] * 4


def test_who_has_not_heard_of_a_fill_yet_pays_funding_for_it() -> None:
    models = replace(NO_SPREAD, latency=FixedLatency(0, 0, 5_000_000))
    paid = {BTC: Points(np.array([START + MINUTE + 2_000_000]), np.array([0.001]))}
    done = watched([FLAT, FLAT, FLAT], {"qty": 2}, None, models, paid)
    assert [it.execution.type for it in done.executions] == ["Trade", "Funding"]
    assert done.executions[1].execution.fee == Decimal("0.2")


def test_what_the_venue_did_before_the_end_is_heard_after_it_and_what_is_asked_for_then_is_not_done() -> None:
    models = replace(NO_SPREAD, latency=FixedLatency(0, 0, 3_000_000_000))
    done = watched([FLAT], {"qty": 1}, {"qty": 1}, models)
    (bought,) = done.executions
    assert bought.execution.price == Decimal(100)
    assert done.final_equity == Decimal(10_000) - bought.execution.fee
    assert done.samples[-1].at == START + MINUTE


def test_the_last_sample_is_the_end_of_the_run_however_coarse_they_are() -> None:
    rows = [FLAT] * 6_000 + [(100.0, 110.0, 100.0, 110.0)] * 7
    data = {BTC: candles(rows)}
    done = run_backtest(job(data, "scripted"), history(data), scripted({1: "buy:1"}))
    assert done.samples[-1].at == START + 6_007 * MINUTE
    assert done.final_equity == Decimal(10_010) - done.executions[0].execution.fee


def test_candles_finer_than_the_tick_are_worth_what_they_say() -> None:
    rows = [FLAT, (100.0, 100.03, 100.0, 100.03)]
    data = {BTC: candles(rows)}
    done = run_backtest(job(data, "scripted"), history(data), scripted({1: "buy:1"}))
    assert done.final_equity == Decimal("10000.03") - done.executions[0].execution.fee
