"""Two speeds, one truth: a run over arrays trades what the event-driven run trades, to the last digit."""

from decimal import Decimal
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace

from tests.unit.backtest.arrays.market import (
    INFO,
    MINUTE,
    T0,
    assert_same,
    both_ways,
    candles,
    fast_fills,
    job_of,
    with_gaps,
)
from tests.unit.engine.candles import recorded
from tradectl.engine.risk_limits import RiskLimits
from tradectl.engine.strategy import Strategy, param
from tradectl.history.series import Candles, Points
from tradectl.matching.views import AccountFees
from tradectl.model.errors import Problem
from tradectl.model.market_data import Bar
from tradectl.simulation.models import FixedLatency, FixedSlippage, FixedSpread, Models, TierFees
from tradectl.strategies.ema_cross import EmaCross
from tradectl.strategies.ma_cross import MaCross
from tradectl.strategies.signals import ArrayBars, Signals

MS = 1_000_000
QUICK = {"fast": 4, "slow": 15}
TURNS: dict[str, Any] = {"fast": 4, "slow": 15, "interval": "1m", "short": True}
FUNDING = Points(
    T0 + np.arange(0, 7) * 480 * MINUTE, np.array([0.0001, -0.00012345, 0.0003, 0.0001, -0.0002, 0.00007, 0.0001])
)
COSTS = {
    "bybit": Models(),
    "wide": Models(spread=FixedSpread(3, 1.5), slippage=FixedSlippage(2.5)),
    "free": Models(spread=FixedSpread(0), fees=TierFees(AccountFees(linear_taker=Decimal(0)))),
    "late": Models(latency=FixedLatency(0, 50 * MS, 0)),
    "hardly late": Models(latency=FixedLatency(0, MS // 2, 0), slippage=FixedSlippage(1.0)),
}


@pytest.mark.parametrize("costs", COSTS)
@pytest.mark.parametrize("warm", [0, 700])
def test_a_crossing_of_averages_trades_the_same_at_every_cost(costs: str, warm: int) -> None:
    made = candles(1_600, 11)
    fast, slow = both_ways(job_of(made, QUICK, warm, models=COSTS[costs]), made, EmaCross)
    assert len(fast) > 40
    assert_same(fast, slow)


@pytest.mark.parametrize("kind", ["sma", "ema", "wma", "dema", "tema", "hma", "vwma"])
def test_turning_from_long_to_short_trades_the_same_with_funding(kind: str) -> None:
    made = candles(2_000, 12)
    job = job_of(made, {**TURNS, "kind": kind}, 500, models=COSTS["late" if kind in "sma wma" else "wide"])
    fast, slow = both_ways(job, made, MaCross, FUNDING)
    assert fast.figures.funding
    assert_same(fast, slow)


def test_missing_candles_change_nothing_about_that() -> None:
    for models in (Models(), COSTS["late"]):
        made = with_gaps(candles(1_500, 13))
        fast, slow = both_ways(job_of(made, TURNS, 400, models=models), made, MaCross, FUNDING)
        assert len(fast) > 30
        assert_same(fast, slow)


def test_entries_are_sliced_by_the_limit_on_an_order_and_refused_by_that_on_a_position() -> None:
    made = candles(1_200, 14)
    sliced = both_ways(job_of(made, QUICK, capital="0.10", limits=RiskLimits(refuse_locked=False)), made, EmaCross)
    assert max(it.orders for it in sliced[0].fills) >= 5
    assert_same(*sliced)
    tight = RiskLimits(position_share=Decimal("0.0995"), order_share=Decimal(1))
    made = candles(1_200, 14, wild=0.004)
    refused = both_ways(job_of(made, QUICK, capital="0.10", limits=tight), made, EmaCross)
    assert refused[0].refused == refused[1].refused["position_size"] > 0
    assert_same(*refused)


def test_what_is_too_little_to_trade_is_not_traded() -> None:
    made = candles(1_000, 15, wild=0.01)
    poor = both_ways(job_of(made, QUICK, cash=Decimal(64)), made, EmaCross)
    assert_same(*poor)
    assert {it.qty for it in poor[0].fills} <= {Decimal("0.001")}
    broke = both_ways(job_of(made, QUICK, cash=Decimal(20)), made, EmaCross)
    assert not len(broke[0])
    assert_same(*broke)


def test_a_short_of_all_equity_has_no_margin_in_either() -> None:
    made = candles(600, 16)
    fast, slow = both_ways(job_of(made, TURNS, capital="1"), made, MaCross)
    assert fast.refused
    assert_same(fast, slow)


def test_orders_beyond_the_largest_the_venue_takes_are_cut() -> None:
    made, info = candles(800, 17), replace(INFO, max_market_qty=Decimal("0.05"))
    fast, slow = both_ways(job_of(made, QUICK), made, EmaCross, info=info)
    assert max(it.orders for it in fast.fills) > 2
    assert_same(fast, slow)


class Again(Strategy):
    """Sets its target again and again while it holds."""

    symbol: str = param("BTCUSDT")
    weight: float = param(0.7)

    def on_start(self) -> None:
        self._rsi = self.subscribe_bars(self.symbol, "1m").rsi(5)

    def on_bar(self, bar: Bar) -> None:
        if self._rsi.crossed_above(55.0):
            self.target(self.symbol, weight=self.weight, reason="up")
        elif self._rsi.crossed_below(15.0):
            self.close(self.symbol, reason="down")

    @staticmethod
    def signals(bars: ArrayBars, p: "Again") -> Signals:
        rsi = bars.rsi(5)
        return Signals(rsi.crossed_above(55.0), rsi.crossed_below(15.0), weight=p.weight)


def test_a_target_set_again_while_it_is_held_trades_the_difference() -> None:
    made = candles(2_000, 18, wild=0.003)
    fast, slow = both_ways(job_of(made, {}, 200), made, Again)
    assert any(one.side is other.side for one, other in pairwise(fast.fills))
    assert_same(fast, slow)


def test_recorded_candles_trade_the_same() -> None:
    bars = recorded()
    if bars:
        rows = [(b.open_time, b.open, b.high, b.low, b.close, b.volume) for b in bars[:6_000]]
        columns = zip(*rows, strict=True)
        made = Candles(*(np.array(it, np.int64 if at == 0 else np.float64) for at, it in enumerate(columns)))
    else:
        made = candles(6_000, 19)
    fast, slow = both_ways(job_of(made, {"fast": 10, "slow": 30}, 1_000), made, EmaCross)
    assert len(fast) > 50
    assert_same(fast, slow)


def test_a_decision_too_near_to_call_is_made_exactly() -> None:
    """At 100.1 with a tick of spread and a quarter for the collar 125.25 buys one coin, and nothing is left over."""
    flat = np.where(np.arange(400) % 40 < 20, 100.0, 100.1)
    even = Candles(T0 + np.arange(400) * MINUTE, flat, flat, flat, flat, flat)
    limits = replace(job_of(even, QUICK).limits, collar_share=Decimal("0.25"))
    free = Models(spread=FixedSpread(1), fees=TierFees(AccountFees(linear_taker=Decimal(0))))
    job = job_of(even, {"fast": 2, "slow": 5}, capital="1", cash=Decimal("125.25"), limits=limits, models=free)
    fast, slow = both_ways(job, even, EmaCross)
    assert fast.exact
    assert fast.fills[0].qty == 1
    assert_same(fast, slow)


def test_a_limit_on_losses_that_may_speak_sends_the_run_to_the_engine() -> None:
    made = candles(3_000, 21)
    limits = replace(job_of(made, QUICK).limits, drawdown_share=Decimal("0.05"))
    with pytest.raises(Problem, match="a loss limit may have spoken"):
        both_ways(job_of(made, QUICK, limits=limits), made, EmaCross)


def test_a_price_off_the_tick_sends_the_run_to_the_engine() -> None:
    made = candles(600, 22)
    made.close = made.close + 0.05
    with pytest.raises(Problem, match="off the tick"):
        both_ways(job_of(made, QUICK), made, EmaCross)


def test_the_arrays_alone_are_deterministic() -> None:
    made = candles(1_000, 23)
    job = job_of(made, QUICK)
    one, other = (both_ways(job, made, EmaCross)[0] for _ in range(2))
    assert fast_fills(one) == fast_fills(other)
