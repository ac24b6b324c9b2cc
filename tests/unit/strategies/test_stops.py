"""Strategies with a stop are never without it: it comes with the entry, covers it whole, and goes with the position."""

import math

import pytest

from tests.unit.engine.candles import generated
from tests.unit.strategies.candle_market import LINEAR, CandleMarket
from tests.unit.strategies.test_restarts import RUNS
from tradectl.model.events import PredictionMade
from tradectl.model.market_data import Bar
from tradectl.model.orders import Side
from tradectl.strategies.loader import load_class
from tradectl.strategies.stopped import Stopped

BTC = LINEAR["BTCUSDT"]


def run(name: str, seed: int) -> tuple[CandleMarket, int]:
    """The market after all its bars, and the number of minutes a position was held."""
    ran = CandleMarket(load_class(name, None), RUNS[name][0], {BTC: generated(seed, 1_500)}, warm=300)
    held = 0

    def check(minute: int) -> None:
        nonlocal held
        size, stops = ran.sizes[BTC], list(ran.orders.values())
        assert sum(stop.qty for stop in stops) == abs(size)
        for stop in stops:
            assert stop.spec.reduce_only
            assert stop.trigger is not None
            assert stop.spec.side is (Side.SELL if size > 0 else Side.BUY)
        held += bool(size)
        if name == "ai_trader":
            chance = 0.5 + 0.4 * math.sin(minute / 1e11)
            ran.feed(PredictionMade(ran.bench.now, minute, str(minute), "wave", BTC, "1m", 15, chance))

    ran.run(check)
    return ran, held


@pytest.mark.parametrize("name", ["donchian_breakout", "rsi_reversion", "squeeze", "ai_trader"])
def test_a_position_always_has_its_stop(name: str) -> None:
    assert issubclass(load_class(name, None), Stopped)
    for seed in (7, 8):
        ran, held = run(name, seed)
        assert held > 100
        creates = ran.bench.creates()
        assert all((spec.protection is not None) != spec.reduce_only for spec in creates)


def test_without_a_stop_price_nothing_is_entered() -> None:
    class Rash(Stopped):
        def on_start(self) -> None:
            self.watch("BTCUSDT")
            self.subscribe_bars("BTCUSDT", "1m")

        def on_bar(self, bar: Bar) -> None:
            self.enter(1, math.nan, "not warm yet")

    ran = CandleMarket(Rash, {}, {BTC: generated(7, 20)}, warm=2)
    assert ran.run() == []
