"""A backtest of a few candles, worked out by hand."""

from decimal import Decimal

import numpy as np
import pytest
from msgspec.structs import replace

from tests.unit.backtest.candles import BTC, ETH, MINUTE, NO_SPREAD, START, candles, history, job, of_closes, walk
from tradectl.backtest.job import Progress
from tradectl.backtest.runner import run_backtest
from tradectl.engine.risk_limits import RiskLimits
from tradectl.engine.strategy import Strategy, param
from tradectl.history.reading import MemoryHistory
from tradectl.history.series import Candles, Points
from tradectl.model.errors import Problem
from tradectl.model.market_data import Bar
from tradectl.model.orders import Side
from tradectl.simulation.models import FixedLatency, FixedSlippage, FixedSpread, VolumeShare

HOUR = 60 * MINUTE


class Scripted(Strategy):
    """Does what the test says at the bar of that number, counting from 1."""

    symbol: str = param("BTCUSDT")
    plan: dict[int, str] = {}

    def on_start(self) -> None:
        self.subscribe_bars(self.symbol, "1m")
        self.count = 0

    def on_bar(self, bar: Bar) -> None:
        self.count += 1
        for step in self.plan.get(self.count, "").split():
            self._do(step)

    def _do(self, step: str) -> None:
        verb, _, rest = step.partition(":")
        qty, _, price = rest.partition("@")
        if verb == "close":
            self.close(self.symbol, reason="plan")
        elif verb == "buy":
            self.buy(self.symbol, Decimal(qty), price=Decimal(price) if price else None, reason="plan")
        elif verb == "sell":
            self.sell(self.symbol, Decimal(qty), price=Decimal(price) if price else None, reason="plan")
        elif verb == "long":  # with a stop
            self.buy(self.symbol, Decimal(qty), stop_loss=Decimal(price), reason="plan")


def scripted(plan: dict[int, str]) -> dict[str, type[Strategy]]:
    return {"scripted": type("Planned", (Scripted,), {"plan": plan, "__doc__": "A plan."})}


def test_a_market_order_trades_at_the_close_of_the_bar_it_was_decided_on() -> None:
    data = {BTC: of_closes([100.0, 101.0, 102.0, 103.0])}
    done = run_backtest(job(data, "scripted"), history(data), scripted({2: "buy:1", 3: "close"}))
    bought, sold = done.executions
    assert (bought.execution.price, bought.execution.side, bought.execution.ts) == (
        Decimal("101"), Side.BUY, START + 2 * MINUTE
    )  # fmt: skip
    assert sold.execution.price == Decimal("102")
    fees = Decimal("0.05555") + Decimal("0.0561")
    assert done.final_equity == Decimal(10_000) + 1 - fees
    assert done.candles == 4
    assert not done.refused


def test_spread_and_slippage_make_takers_pay() -> None:
    data = {BTC: of_closes([100.0, 100.0, 100.0])}
    models = replace(NO_SPREAD, spread=FixedSpread(2), slippage=FixedSlippage(bps=10))
    done = run_backtest(job(data, "scripted", models=models), history(data), scripted({1: "buy:1", 2: "close"}))
    assert [it.execution.price for it in done.executions] == [Decimal("100.3"), Decimal("99.7")]


def test_with_latency_an_order_meets_the_next_open() -> None:
    rows = [(100.0, 100.0, 100.0, 100.0), (105.0, 106.0, 104.0, 106.0), (106.0, 106.0, 106.0, 106.0)]
    data = {BTC: candles(rows)}
    models = replace(NO_SPREAD, latency=FixedLatency(0, 50_000_000, 10_000_000))
    done = run_backtest(job(data, "scripted", models=models), history(data), scripted({1: "buy:1"}))
    (bought,) = done.executions
    assert bought.execution.price == Decimal("105")
    assert bought.execution.ts == START + MINUTE + 50_000_000
    assert bought.at == START + MINUTE + 60_000_000


def test_a_resting_order_fills_when_the_price_goes_through_it_and_not_before() -> None:
    rows = [(100.0, 100.0, 100.0, 100.0), (100.0, 100.0, 99.0, 100.0), (100.0, 100.0, 98.9, 100.0)]
    data = {BTC: candles(rows)}
    done = run_backtest(job(data, "scripted"), history(data), scripted({1: "buy:1@99"}))
    (bought,) = done.executions
    assert bought.execution.is_maker
    assert bought.execution.price == Decimal("99")
    assert START + 2 * MINUTE < bought.execution.ts < START + 3 * MINUTE
    assert bought.execution.fee == Decimal("0.0198")


def test_a_stop_trades_where_the_price_meets_it_and_at_the_open_after_a_gap() -> None:
    flat = (100.0, 100.0, 100.0, 100.0)
    through = {BTC: candles([flat, (100.0, 100.0, 90.0, 91.0)])}
    gap = {BTC: candles([flat, (93.0, 94.0, 90.0, 91.0)])}
    for data, price in ((through, "95"), (gap, "93")):
        done = run_backtest(job(data, "scripted"), history(data), scripted({1: "long:1@95"}))
        assert [it.execution.price for it in done.executions] == [Decimal("100"), Decimal(price)]


def test_a_bar_trades_no_more_than_its_share_of_volume() -> None:
    data = {BTC: of_closes([100.0] * 6)}
    models = replace(NO_SPREAD, spread=FixedSpread(1), liquidity=VolumeShare(0.05))  # 0.5 of 10 at each price
    done = run_backtest(job(data, "scripted", models=models), history(data), scripted({1: "buy:1.2"}))
    assert [(it.execution.qty, it.execution.price) for it in done.executions] == [
        (Decimal("0.5"), Decimal("100.1")), (Decimal("0.5"), Decimal("100.2")), (Decimal("0.2"), Decimal("100.3")),
    ]  # fmt: skip


def test_funding_is_paid_by_who_holds_at_the_settlement_and_before_the_bar_is_heard() -> None:
    data = {BTC: of_closes([100.0] * 5)}
    paid = {BTC: Points(np.array([START + 3 * MINUTE]), np.array([0.001]))}
    done = run_backtest(job(data, "scripted"), history(data, paid), scripted({2: "buy:2", 3: "close"}))
    kinds = [it.execution.type for it in done.executions]
    assert kinds == ["Trade", "Funding", "Trade"]
    assert done.executions[1].execution.fee == Decimal("0.2")
    assert done.final_equity == Decimal(10_000) - Decimal("0.2") - 2 * Decimal("0.11")


def test_a_leveraged_long_is_liquidated_inside_the_bar_that_ruins_it() -> None:
    data = {BTC: candles([(100.0, 100.0, 100.0, 100.0), (100.0, 100.0, 80.0, 100.0), (100.0,) * 4])}
    asked = job(data, "scripted", leverage=Decimal(10), cash=Decimal(1000))
    asked = replace(asked, limits=replace(asked.limits, leverage=Decimal(10)))
    done = run_backtest(asked, history(data), scripted({1: "buy:80"}))
    bust = done.executions[-1].execution
    assert bust.type == "BustTrade"
    assert bust.qty == Decimal("80")
    assert START + MINUTE < bust.ts < START + 2 * MINUTE
    assert 0 <= done.final_equity < 80 * Decimal("0.1")  # rounding to the tick, in the account's favour


def test_instruments_play_together_and_gaps_are_counted() -> None:
    whole = walk(50)
    keep = np.array([i not in (10, 11) for i in range(50)])
    other = walk(50, seed=2)
    holed = Candles(*(column[keep] for column in other.arrays()))
    data = {BTC: whole, ETH: holed}
    done = run_backtest(job(data, "scripted"), history(data), scripted({}))
    assert done.candles == 98
    assert done.missing == {"linear:ETHUSDT": 2}
    assert any(it.code == "gaps" for it in done.warnings)


class Hourly(Strategy):
    """Notes the candles of a longer interval."""

    seen: list[Bar] = []

    def on_start(self) -> None:
        self._mean = self.subscribe_bars("BTCUSDT", "1h").sma(2)

    def on_bar(self, bar: Bar) -> None:
        self.seen.append(bar)


def test_a_longer_interval_is_made_from_shorter_candles_and_warmed_up_from_the_past() -> None:
    data = {BTC: walk(600)}
    Hourly.seen = []
    run_backtest(replace(job(data, "hourly"), since=START + 3 * HOUR), history(data), {"hourly": Hourly})
    part = data[BTC].rows(180, 240)
    assert isinstance(part, Candles)
    first = Hourly.seen[0]
    assert first.open_time == START + 3 * HOUR
    assert (first.open, first.high, first.low, first.close) == (
        part.open[0], part.high.max(), part.low.min(), part.close[-1]
    )  # fmt: skip
    assert len(Hourly.seen) == 7


def test_a_run_that_begins_inside_a_longer_candle_hears_all_of_it() -> None:
    data = {BTC: walk(600)}
    Hourly.seen = []
    half_past = START + 3 * HOUR + 30 * MINUTE
    run_backtest(replace(job(data, "hourly"), since=half_past), history(data), {"hourly": Hourly})
    part = data[BTC].rows(180, 240)
    assert isinstance(part, Candles)
    first = Hourly.seen[0]
    assert (first.open_time, first.open, first.high, first.low, first.volume) == (
        START + 3 * HOUR, part.open[0], part.high.max(), part.low.min(), pytest.approx(part.volume.sum())
    )  # fmt: skip


def test_the_same_job_gives_the_same_result_and_the_parts_history_comes_in_do_not_matter(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from tradectl.strategies.ema_cross import EmaCross

    data, classes = {BTC: walk(2000)}, {"ema_cross": EmaCross}
    asked = job(data, "ema_cross", {"fast": 5, "slow": 20})
    first = run_backtest(asked, history(data), classes)
    monkeypatch.setattr("tradectl.history.reading.CHUNK", 97)
    second = run_backtest(asked, history(data), classes)
    assert len(first.fills) > 50
    assert (first.executions, first.samples, first.prices, first.data_fingerprint) == (
        second.executions, second.samples, second.prices, second.data_fingerprint
    )  # fmt: skip


def test_risk_limits_are_at_work() -> None:
    data = {BTC: of_closes([100.0, 100.0, 100.0])}
    asked = job(data, "scripted", limits=RiskLimits(), models=replace(NO_SPREAD, spread=FixedSpread(1)))
    done = run_backtest(asked, history(data), scripted({1: "buy:10"}))
    assert not done.executions
    assert done.refused == {"order_size": 1}


def test_somebody_may_stop_it_and_has_what_there_is() -> None:
    data = {BTC: walk(10_000)}
    seen: list[Progress] = []
    done = run_backtest(job(data, "scripted"), history(data), scripted({}), seen.append, lambda: len(seen) > 0)
    assert done.interrupted
    assert done.candles == seen[0].done < seen[0].total == 10_000
    assert done.samples[-1].at <= done.ended


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"since": START + 9, "until": START}, "since", "is not before until"),
        ({"interval": "7m"}, "interval", "is no interval"),
        ({"interval": "1h"}, "interval", "has no candles of 1h, only of 1m"),
        ({"since": START - 90 * HOUR, "until": START - HOUR}, "since", "holds no candle"),
        ({"instruments": ()}, "symbol", "at least one"),
        ({"instruments": (ETH,)}, "symbol", "has no candles"),
        ({"cash": Decimal(0)}, "cash", "above 0"),
        ({"strategies": ()}, "strategy", "is given"),
    ],
)
def test_what_cannot_be_done_is_said_with_field_and_remedy(changes: dict[str, object], field: str, words: str) -> None:
    data = {BTC: walk(10)}
    with pytest.raises(Problem, match=words) as caught:
        run_backtest(replace(job(data, "scripted"), **changes), history(data), scripted({}))
    assert caught.value.field == field
    assert caught.value.remedy


def test_a_parameter_the_class_does_not_have_is_named() -> None:
    data = {BTC: walk(10)}
    with pytest.raises(Problem, match="speed"):
        run_backtest(job(data, "scripted", {"speed": 3}), history(data), scripted({}))


def test_an_empty_history_says_what_it_has() -> None:
    data = {BTC: walk(10)}
    with pytest.raises(Problem, match="has no candles"):
        run_backtest(job(data, "scripted"), MemoryHistory({}), scripted({}))
