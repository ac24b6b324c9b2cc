"""Bars that go straight to the engine end as those do that go bar by bar: every record the same."""

import random
from decimal import Decimal
from unittest.mock import patch

import numpy as np
import pytest
from msgspec.structs import replace

from tests.unit.backtest.candles import BTC, MINUTE, START, history, instrument, job, walk
from tradectl.backtest.closings import touches
from tradectl.backtest.job import BacktestResult
from tradectl.backtest.limits import wide_open
from tradectl.backtest.runner import Backtest
from tradectl.backtest.singles import Singles
from tradectl.engine.bar_series import BarSeries
from tradectl.engine.quiet_bars import QuietBars
from tradectl.engine.strategy import Strategy, param
from tradectl.history.series import Candles, Points
from tradectl.model.events import BarClosed
from tradectl.model.market_data import Bar
from tradectl.simulation.display import Display
from tradectl.simulation.models import FixedSpread, Models

D = Decimal
_TAKE_IN = QuietBars._take_in


class Drawn(Strategy):
    """Goes in and out as a draw says; unless it is ``calm`` with stops and resting orders, so that bars are watched."""

    symbol: str = param("BTCUSDT")
    seed: int = param(1)
    calm: bool = param(False)
    weight: float = param(0.9)

    def on_start(self) -> None:
        self.subscribe_bars(self.symbol, "1m")
        self._draw = random.Random(self.seed)

    def on_bar(self, bar: Bar) -> None:
        kind = self._draw.randrange(40)
        if kind < 2:
            self.target(self.symbol, self.weight * self._draw.choice((1, 0.4, -0.8)), reason="drawn")
        elif kind == 2:
            self.close(self.symbol, reason="drawn")
        elif kind == 3 and not self.calm:
            self.target(self.symbol, 0.5, reason="drawn", stop_loss=round(bar.close * 0.99))
        elif kind == 4 and not self.calm:
            self.buy(self.symbol, D("0.05"), price=round(bar.close * 0.998), reason="drawn")


class Listener(Drawn):
    """Hears of its orders, so that the venue says all of each."""

    def on_order(self, order: object) -> None:
        self.heard = getattr(self, "heard", 0) + 1


def candles_of(seed: int) -> Candles:
    """With gaps and jumps, and now and then off the tick."""
    rng, whole = np.random.default_rng(seed), walk(1500, seed)
    shift = np.where(rng.random(1500) < 0.05, 0.03, 0.0) * (seed % 2)
    level = 1 + 0.15 * (np.arange(1500) // 60 % 2)
    parts = (whole.open, 0.0), (whole.high, shift), (whole.low, 0.0), (whole.close, shift)
    opens, highs, lows, closes = (np.round(it * level, 1) + extra for it, extra in parts)
    chosen = rng.random(1500) > 0.02
    moved = Candles(whole.open_time, opens, highs, lows, closes, whole.volume)
    return Candles(*(column[chosen] for column in moved.arrays()))


def played(
    seed: int, single: bool, class_: type[Strategy] = Drawn, calm: bool = False
) -> tuple[Backtest, BacktestResult]:
    data, leverage = {BTC: candles_of(seed)}, 10 if seed % 3 == 0 else 1
    paid = Points(START + np.arange(1, 4) * 480 * MINUTE, np.array([0.0001, -0.0004, 0.003]))
    params = {"seed": seed, "calm": calm, "weight": 9.0 if leverage > 1 else 0.9}
    limits = replace(wide_open(), funding_share=D("0.002") if seed % 2 else D(0))
    models = Models(spread=FixedSpread(seed % 4))
    asked = job(data, "drawn", params, models=models, leverage=D(leverage), limits=limits)
    # Over a longer span equity is noted once in many candles, and those between may pass in one loop.
    with patch("tradectl.backtest.runner.sample_step", return_value=60 * MINUTE):
        run = Backtest(asked, history(data, {BTC: paid}), {"drawn": class_})
    assert Singles(run).are_possible()
    if single:
        return run, run.run(None, None)
    with patch.object(Singles, "are_possible", return_value=False):
        return run, run.run(None, None)


def compared(result: BacktestResult) -> BacktestResult:
    """Without what a run took."""
    return replace(result, wall_seconds=0.0, cpu_seconds=0.0)


@pytest.mark.parametrize("seed", range(8))
def test_a_stretch_is_the_same_as_bar_by_bar(seed: int) -> None:
    (fast, first), (slow, second) = played(seed, True, calm=seed % 4 == 1), played(seed, False, calm=seed % 4 == 1)
    assert compared(first) == compared(second)
    assert fast.engine.checkpoint() == slow.engine.checkpoint()
    assert fast.venue.exchange.save() == slow.venue.exchange.save()
    assert len(first.executions) > (20 if seed % 3 else 3)


@pytest.mark.parametrize("seed", [1, 4])
def test_most_candles_are_followed_in_one_loop(seed: int) -> None:
    """Also while something is held and its funding is limited."""
    held: list[int] = []

    def taken_in(self: QuietBars, series: BarSeries, event: BarClosed, taken: int) -> None:
        held.append(taken if self._e.world.portfolio.net_size(BTC) else 0)
        _TAKE_IN(self, series, event, taken)

    with patch.object(QuietBars, "_take_in", taken_in):
        played(seed, True, calm=True)
    assert sum(held) > 500


def test_the_runs_contain_liquidations_and_funding() -> None:
    """Else nothing would be said about bounds and about what is due."""
    kinds = {it.execution.type for seed in (0, 1, 3) for it in played(seed, True)[1].executions}
    assert {"Trade", "Funding", "BustTrade"} <= kinds


@pytest.mark.parametrize("seed", [1, 4])
def test_what_is_not_said_of_a_filled_order_was_known(seed: int) -> None:
    """Told of a fill alone, the engine ends with the same money and the same orders as when it is told of both."""
    (terse, first), (full, second) = played(seed, True, Drawn), played(seed, True, Listener)
    assert (terse.venue.terse, full.venue.terse) == (True, False)
    assert [it.execution for it in first.executions] == [it.execution for it in second.executions]
    assert first.orders == second.orders
    assert first.samples == second.samples


@pytest.mark.parametrize(("tick", "half"), [("0.1", 1), ("0.01", 0), ("0.5", 1), ("1", 3), ("10", 1), ("0.00001", 2)])
def test_touches_are_what_is_displayed_price_by_price(tick: str, half: int) -> None:
    display = Display(instrument(tick=tick), Models(spread=FixedSpread(half)))
    rng = np.random.default_rng(half)
    drawn = rng.integers(1, 10**6, 400) * float(tick)
    drawn[:9] = np.arange(1, 10) * float(tick)  # where a bid would be at or below nothing
    drawn[9::7] += float(tick) / 3
    prices = np.array([round(price, 7) for price in drawn.tolist()], dtype=np.float64)
    display.price = 42.0
    bids, asks = touches(display, prices)
    assert display.price == 42.0
    for bid, ask, price in zip(bids, asks, prices.tolist(), strict=True):
        display.price = price
        assert (bid, ask) == display.touch()
