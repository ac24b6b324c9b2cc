"""Why an instrument is quiet: read as a person would, in each state a strategy can be in."""

from decimal import Decimal

import pytest

from tests.unit.engine.harness import BTC, ETH, WIDE, Bench, config, ready
from tests.unit.engine.live import Live
from tradectl.engine.config import StrategyConfig
from tradectl.engine.explain import compared, explain, sentences
from tradectl.engine.strategy import Strategy
from tradectl.model.events import HaltRequested, StrategySwitched
from tradectl.model.market_data import Bar
from tradectl.strategies.ema_cross import EmaCross


class Once(Strategy):
    """Buys when the close is 110, else it is quiet."""

    def on_start(self) -> None:
        self._mean = self.subscribe_bars("BTCUSDT", "1m").sma(3)

    def on_bar(self, bar: Bar) -> None:
        if bar.close == 110:
            self.buy("BTCUSDT", 1, reason="a round number")


def told(bench: Bench, instrument: object = BTC) -> list[str]:
    answer = explain(bench.engine.world, bench.engine.host, instrument)  # type: ignore[arg-type]
    return [f"{kind}: {text}" for kind, text in sentences(answer)]


def quiet_run(cls: type[Strategy], **params: int) -> Live:
    live = Live(
        config(StrategyConfig(name="s", class_="c", params=dict(params))), {"c": cls},
        past={n: 100.0 + n for n in range(-40, 0)},
    )  # fmt: skip
    for number in range(5):
        live.bar(number, 100.0 - number)
    return live


def test_a_quiet_strategy_says_for_how_long_and_what_it_looks_at() -> None:
    live = quiet_run(EmaCross, fast=2, slow=30)
    live.bar(5, 95.0)
    (text,) = [t for t in told(live.bench) if "no signal" in t]
    assert text.startswith("s: no signal: ")
    assert "bars of 1m since 00:0" in text
    assert "ema(2) " in text
    assert " ema(30) " in text
    assert (" above " in text) or (" below " in text)


def test_the_count_begins_anew_with_each_signal_and_survives_restarts() -> None:
    live = quiet_run(Once)
    assert "s: no signal: 5 bars of 1m since 00:00, sma(3) 97" in told(live.bench)
    live.bar(5, 110.0)
    assert [t for t in told(live.bench) if "no bar of 1m since its last signal" in t]
    live.bar(6, 100.0)
    live.bar(7, 100.0)
    words = told(live.bench)
    assert [t for t in words if t.startswith("s: no signal: 2 bars of 1m since 00:05")]
    assert "s: holds 1 already" in words
    assert [t for t in words if t.startswith("s: last decision d1 at 00:06: order buy 1 (a round number), accepted")]
    again = Bench(live.bench.config, live.bench.classes)
    again.engine.restore(live.bench.engine.checkpoint())
    assert told(again) == words


def test_a_refusal_is_remembered_with_its_rule() -> None:
    from msgspec.structs import replace

    small = replace(WIDE, order_share=Decimal("0.0001"))
    bench = ready(config(StrategyConfig(name="s", class_="c"), risk=small), {"c": Once})
    bench.history(dict.fromkeys(range(5), 100.0))
    bench.quote(BTC, 110.0)
    bench.bar(5, 110.0)
    (text,) = [t for t in told(bench) if "last decision" in t]
    assert "refused: " in text


@pytest.mark.parametrize("instrument", [ETH])
def test_nobody_follows_it(instrument: object) -> None:
    live = quiet_run(Once)
    assert told(live.bench, instrument) == ["strategy: no strategy follows linear:ETHUSDT"]


def test_warming_disabled_stopped_and_halted() -> None:
    bench = ready(config(StrategyConfig(name="s", class_="c")), {"c": Once})
    assert "s: is warming" in told(bench)
    assert [t for t in told(bench) if t.startswith("s: warming up: 0 of ")]
    live = quiet_run(Once)
    live.feed(HaltRequested(live.bench.now, "me", symbol="BTCUSDT", reason="news"))
    assert "state: trading is HALTED: halted by me: news" in told(live.bench)
    live.feed(HaltRequested(live.bench.now, "me", strategy="s"))
    assert [t for t in told(live.bench) if t.startswith("s: trading is HALTED for it: halted by me")]
    live.feed(StrategySwitched(live.bench.now, "me", "s", False))
    assert "s: is disabled" in told(live.bench)


def test_indicators_of_one_kind_are_compared_and_others_listed() -> None:
    inputs = (("ema(10)", 60123.5), ("ema(30)", 60190.2), ("rsi(14)", 55.0))
    assert compared(inputs) == "ema(10) 60123.5 below ema(30) 60190.2, rsi(14) 55"
    assert compared(()) == ""


def test_only_values_of_one_kind_are_compared() -> None:
    assert compared((("ema(10)", 2.0), ("ema(30)", 3.0))) == "ema(10) 2 below ema(30) 3"
    assert compared((("atr(30)", 0.5), ("atr(30).percent", 0.2))) == "atr(30) 0.5, atr(30).percent 0.2"
    assert compared((("rsi(14)", 50.0), ("close", 3.0))) == "rsi(14) 50, close 3"
