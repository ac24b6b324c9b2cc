"""Every built-in strategy goes on after a restart as if there had been none: same orders, same decisions."""

import random

import msgspec
import pytest

from tests.unit.engine.candles import generated
from tests.unit.strategies.candle_market import LINEAR, MINUTE, SPOT_BTC, CandleMarket
from tradectl.model.commands import DecisionMade
from tradectl.model.events import PredictionMade
from tradectl.model.instruments import InstrumentId
from tradectl.strategies.loader import BUILT_IN, load_class

BTC, ETH, SOL = LINEAR.values()
WARM, BARS = 300, 1_500

#: Parameters under which each acts often, and the instruments it needs.
RUNS: dict[str, tuple[dict[str, object], tuple[InstrumentId, ...]]] = {
    "ema_cross": ({}, (BTC,)),
    "buy_and_hold": ({}, (BTC,)),
    "ma_cross": ({"interval": "1m", "kind": "hma", "short": True}, (BTC,)),
    "donchian_breakout": ({"interval": "1m", "short": True}, (BTC,)),
    "rsi_reversion": ({"interval": "1m", "short": True, "stop_percent": 0.2}, (BTC,)),
    "squeeze": ({"interval": "1m", "quiet": 2}, (BTC,)),
    "momentum_rotation": ({"interval": "1m", "lookback": 30, "every": 20, "top": 2}, (BTC, ETH, SOL)),
    "pairs": ({"interval": "1m", "period": 40}, (ETH, BTC)),
    "grid": ({"interval": "1m", "step": 0.1}, (BTC,)),
    "dca": ({"interval": "1m", "every": 20, "profit": 0.3}, (BTC,)),
    "market_maker": ({"half_spread": 5.0}, (BTC,)),
    "funding_carry": ({"interval": "1m"}, (SPOT_BTC, BTC)),
    "ai_trader": ({"short": True, "cost": 0.0001}, (BTC,)),
}


def run(name: str, restarts: frozenset[int]) -> CandleMarket:
    params, instruments = RUNS[name]
    prices = {BTC: 100_000.0, SPOT_BTC: 100_000.0, ETH: 2_500.0, SOL: 150.0}
    bars = {i: generated(7 if i.symbol == "BTCUSDT" else 11 + n, BARS, prices[i]) for n, i in enumerate(instruments)}
    funding = lambda at: 0.0003 if at // (200 * MINUTE) % 2 else -0.0001  # noqa: E731
    ran = CandleMarket(load_class(name, None), params, bars, warm=WARM, funding=funding)
    chances = random.Random(3)
    first = ran.bars[instruments[0]][0].open_time

    def between(minute: int) -> None:
        if name == "ai_trader":
            said = PredictionMade(ran.bench.now, minute, str(minute), "coin", BTC, "1m", 15, chances.random())
            ran.feed(said)
        if (minute - first) // MINUTE in restarts:
            ran.restart()
        ran.fire(5)

    ran.run(between)
    return ran


def test_every_built_in_is_run() -> None:
    assert RUNS.keys() == BUILT_IN.keys()


@pytest.mark.parametrize("name", RUNS)
def test_restarts_change_nothing(name: str) -> None:
    draw = random.Random(name)
    often = frozenset(draw.sample(range(WARM, BARS), 12))
    plain, torn = run(name, frozenset()), run(name, often)
    assert torn.trades == plain.trades
    assert msgspec.msgpack.encode(torn.bench.answers) == msgspec.msgpack.encode(plain.bench.answers)
    assert torn.bench.engine.checkpoint() == plain.bench.engine.checkpoint()
    assert len([d for d in plain.bench.said(DecisionMade) if d.accepted]) >= (1 if name == "buy_and_hold" else 8)


@pytest.mark.parametrize(
    ("name", "params", "why"),
    [
        ("ma_cross", {"fast": 50, "slow": 20}, "fast (50) must be below slow (20)"),
        ("pairs", {"entry": 1.0, "leave": 1.5}, "leave (1.5) < entry (1.0) < give_up (4.0) must hold"),
        ("funding_carry", {"enter": 0.0001, "leave": 0.001}, "leave (0.001) must not be above enter (0.0001)"),
        ("momentum_rotation", {"top": 9}, "top (9) is more than the symbols there are: BTCUSDT,ETHUSDT,SOLUSDT"),
        ("pairs", {"second": "ETHUSDT"}, "spread(200): a pair needs two series of the same interval"),
        ("donchian_breakout", {"symbol": "NOPE"}, "linear:NOPE is not an instrument of this venue"),
        ("grid", {"step": 0.05, "symbol": "SOLUSDT"}, "step: 0.05 % of 1 is less than a tick of 0.01"),
    ],
)
def test_parameters_that_contradict_each_other_stop_it_with_a_reason(
    name: str, params: dict[str, object], why: str
) -> None:
    flat = generated(7, 4, 1.0)
    ran = CandleMarket(
        load_class(name, None), params, dict.fromkeys((BTC, ETH, SOL, SPOT_BTC), flat), warm=2, interval="5m"
    )
    with pytest.raises(AssertionError, match="StrategyChanged") as caught:
        ran.run()
    assert why in str(caught.value)
