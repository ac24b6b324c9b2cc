"""Every built-in strategy through a month of candles in the real engine: its trades are those of its rule, restated.

Recorded candles where they are at hand, else generated ones of the same length; a shorter walk runs beside them.
``TRADECTL_TEST_MONTH=1 pytest tests/unit/strategies`` runs the whole month, the suite a quarter of it.
"""

import os
import random
from collections.abc import Mapping
from itertools import pairwise

import pytest

from tests.oracles import indicator_oracle as column
from tests.oracles import strategy_oracle as oracle
from tests.unit.engine.candles import MONTH, generated, recorded
from tests.unit.strategies.candle_market import LINEAR, MINUTE, SPOT_BTC, CandleMarket, Trade
from tradectl.engine.strategy import Strategy
from tradectl.model.events import PredictionMade
from tradectl.model.market_data import Bar
from tradectl.strategies.ai_trader import AiTrader
from tradectl.strategies.buy_and_hold import BuyAndHold
from tradectl.strategies.dca import Dca
from tradectl.strategies.donchian_breakout import DonchianBreakout
from tradectl.strategies.ema_cross import EmaCross
from tradectl.strategies.funding_carry import FundingCarry
from tradectl.strategies.grid import Grid
from tradectl.strategies.ma_cross import MaCross
from tradectl.strategies.market_maker import MarketMaker
from tradectl.strategies.momentum_rotation import MomentumRotation
from tradectl.strategies.pairs import Pairs
from tradectl.strategies.rsi_reversion import RsiReversion
from tradectl.strategies.squeeze import Squeeze

BTC = LINEAR["BTCUSDT"]
WARM = 600
#: The twin's length in bars, long enough for every rule to act often.
SHORT = 4_000
LONG = MONTH if os.environ.get("TRADECTL_TEST_MONTH") == "1" else MONTH // 4
SOURCES = ("month", "twin")


def market(source: str, symbol: str = "BTCUSDT", most: int = LONG) -> list[Bar]:
    seed = len(symbol) * ord(symbol[0])
    walk = {"BTCUSDT": 100_000.0, "ETHUSDT": 2_500.0, "SOLUSDT": 150.0}[symbol]
    found = recorded(symbol) if source == "month" else ()
    return list((found or generated(seed, MONTH if source == "month" else SHORT, walk))[:most])


def traded(cls: type[Strategy], params: Mapping[str, object], bars: list[Bar], interval: str = "1m") -> list[Trade]:
    ran = CandleMarket(cls, params, {BTC: bars}, warm=WARM)
    trades = ran.run()
    assert ran.refused() == []
    return trades


def same(found: list[Trade], expected: list[oracle.Trade], at_least: int) -> None:
    """The same trades; their order within a minute, or into how many orders they were cut, does not matter."""
    mine, rule = sorted({tuple(t) for t in found}), sorted(set(expected))
    for one, other in zip(mine, rule, strict=False):
        assert one == other
    assert len(mine) == len(rule)
    assert len(rule) >= at_least


@pytest.mark.parametrize("source", SOURCES)
def test_ema_cross(source: str) -> None:
    bars = market(source)
    fast, slow = column.ema(bars, 10)[""], column.ema(bars, 30)[""]
    same(traded(EmaCross, {}, bars), oracle.crossing(bars, WARM, fast, slow, 0), 100)


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("kind", ["sma", "ema", "wma", "dema", "tema", "hma", "vwma"])
def test_ma_cross(kind: str, source: str) -> None:
    bars = market(source, most=LONG if kind == "sma" else SHORT)
    average = getattr(column, kind)
    fast, slow = average(bars, 20)[""], average(bars, 50)[""]
    params = {"interval": "1m", "kind": kind, "short": True}
    same(traded(MaCross, params, bars), oracle.crossing(bars, WARM, fast, slow, -1), 50)


@pytest.mark.parametrize("source", SOURCES)
def test_donchian_breakout(source: str) -> None:
    bars = market(source)
    found = traded(DonchianBreakout, {"interval": "1m", "short": True}, bars)
    same(found, oracle.donchian_breakout(bars, WARM, 20, 10, 20, 2.0), 150)


@pytest.mark.parametrize("source", SOURCES)
def test_rsi_reversion(source: str) -> None:
    bars = market(source)
    params = {"interval": "1m", "short": True, "patience": 30, "stop_percent": 0.3}
    same(traded(RsiReversion, params, bars), oracle.rsi_reversion(bars, WARM, 14, 30.0, 50.0, 30, 0.3), 100)


@pytest.mark.parametrize("source", SOURCES)
def test_squeeze(source: str) -> None:
    bars = market(source)
    same(traded(Squeeze, {"interval": "1m"}, bars), oracle.squeeze(bars, WARM, 20, 2.0, 1.5, 6), 30)


@pytest.mark.parametrize("source", SOURCES)
def test_grid(source: str) -> None:
    bars = market(source)
    params = {"interval": "1m", "step": 0.1, "stop": 3.0}
    same(traded(Grid, params, bars), oracle.grid(bars, WARM, 8, 0.1, 3.0), 20)


@pytest.mark.parametrize("source", SOURCES)
def test_dca(source: str) -> None:
    bars = market(source)
    params = {"interval": "1m", "every": 30, "profit": 0.5}
    same(traded(Dca, params, bars), oracle.dca(bars, WARM, 30, 0.05, 20, 0.5, 1_000_000), 20)


@pytest.mark.parametrize("source", SOURCES)
def test_market_maker(source: str) -> None:
    bars = market(source)
    params = {"half_spread": 5.0}
    same(traded(MarketMaker, params, bars), oracle.market_maker(bars, WARM, 5.0, 10.0, 2.0, 5), 300)


@pytest.mark.parametrize("source", SOURCES)
def test_buy_and_hold(source: str) -> None:
    bars = market(source, most=SHORT)
    assert traded(BuyAndHold, {}, bars) == [oracle.at_market(bars[WARM], oracle.BTC, 1)]


@pytest.mark.parametrize("source", SOURCES)
def test_pairs(source: str) -> None:
    two, one = market(source), market(source, "ETHUSDT")
    params = {"interval": "1m", "period": 60}
    ran = CandleMarket(Pairs, params, {LINEAR["ETHUSDT"]: one, BTC: two}, warm=WARM)
    same(ran.run(), oracle.pairs(one, two, WARM, 60, 2.0, 0.5, 4.0), 100)
    assert ran.refused() == []


@pytest.mark.parametrize("source", SOURCES)
def test_momentum_rotation(source: str) -> None:
    markets = {s: market(source, s) for s in LINEAR}
    times = set.intersection(*({b.open_time for b in bars} for bars in markets.values()))
    markets = {s: [b for b in bars if b.open_time in times] for s, bars in markets.items()}
    params = {"interval": "1m", "symbols": ",".join(markets), "lookback": 60, "top": 2, "every": 60}
    ran = CandleMarket(MomentumRotation, params, {LINEAR[s]: b for s, b in markets.items()}, warm=WARM)
    held: list[tuple[int, list[str]]] = []

    def rotate(minute: int) -> None:
        if "strategy:it:rotate" in ran.bench.timers:
            ran.fire(5)
            held.append((minute, [i.symbol for i, size in ran.sizes.items() if size]))

    ran.run(rotate)
    expected = oracle.momentum_rotation(markets, WARM, 60, 2, 60)
    assert held == [(minute, [s for s in markets if s in names]) for minute, names in expected]
    assert len({tuple(names) for _, names in held}) >= 5


@pytest.mark.parametrize("source", SOURCES)
def test_ai_trader(source: str) -> None:
    bars, draw = market(source), random.Random(5)
    said = {
        i: (round(draw.uniform(0.2, 0.8), 3), draw.choice((0.0, 0.0, draw.uniform(-0.004, 0.004))))
        for i in range(WARM, len(bars))
        if draw.random() < 0.1
    }
    index = {b.open_time: i for i, b in enumerate(bars)}
    params = {"short": True, "cost": 0.0008, "stop_atr": 0.7}
    ran = CandleMarket(AiTrader, params, {BTC: bars}, warm=WARM)

    def predict(minute: int) -> None:
        if index[minute] in said:
            chance, value = said[index[minute]]
            now = ran.bench.now
            ran.feed(PredictionMade(now, minute, str(minute), "coin", BTC, "1m", 20, chance, value))

    found = ran.run(predict)
    same(found, oracle.ai_trader(bars, WARM, said, 20, 0.58, 0.0008, 30, 0.7), 100)
    assert ran.refused() == []


def rate(minute: int) -> float:
    """A funding rate that pays twice and then costs once, eight hours each."""
    return (0.0003, 0.00015, -0.0001)[minute // (480 * MINUTE) % 3]


@pytest.mark.parametrize("source", SOURCES)
def test_funding_carry(source: str) -> None:
    bars = market(source)
    params = {"interval": "1m"}
    ran = CandleMarket(FundingCarry, params, {SPOT_BTC: bars, BTC: bars}, warm=WARM, funding=rate)
    waves = oracle.funding_carry(bars, WARM, rate, 0.0001, 0.0)
    book = ran.bench.engine.world.portfolio
    stand: list[tuple[float, float]] = []
    ran.run(lambda minute: stand.append((float(book.size("it", SPOT_BTC)), float(book.size("it", BTC)))))
    assert ran.refused() == []
    for number, (spot, short) in enumerate(stand):
        assert abs(spot + short) < 0.001, number  # never more than a lot apart once the minute is over
        if waves[number] < 0:
            assert short == 0
        elif waves[max(number - 10, 0) : number + 1] == [1] * 11:
            assert 0.035 * 1_000_000 < spot * bars[WARM + number].close < 0.06 * 1_000_000
    sides = {(t.symbol, t.side) for t in ran.trades}
    assert sides == {(s, d) for s in ("spot:BTCUSDT", "linear:BTCUSDT") for d in ("Buy", "Sell")}
    closings = sum(a >= 0 > b for a, b in pairwise(waves))
    assert sum(t.side == "Buy" for t in ran.trades if t.symbol == "linear:BTCUSDT") == closings
    assert closings >= (2 if source == "month" else 1)
