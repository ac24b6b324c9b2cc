"""Parameters set while it runs, ends from outside, floods over a minute, predictions, and what a decision records."""

from decimal import Decimal
from typing import Any

import pytest

from tests.unit.engine.harness import BTC, ETH, MINUTE, SECOND, Bench, config, encoded, ready
from tests.unit.engine.live import Live
from tradectl.engine.config import EngineConfig, StrategyConfig
from tradectl.engine.strategy import Strategy, param
from tradectl.engine.trading_engine import TradingEngine
from tradectl.model.commands import (
    Alert,
    CancelOrder,
    DecisionMade,
    ParametersChanged,
    RequestAnswered,
    StrategyChanged,
    StrategyStatus,
)
from tradectl.model.events import OrderRequested, ParametersSet, PredictionMade, StrategyEnded, StrategySwitched
from tradectl.model.market_data import Bar
from tradectl.model.orders import OrderStatus, OrderType, Side


class Steady(Strategy):
    """Buys at market on its first bar, then keeps one resting entry and one resting exit."""

    symbol: str = param("BTCUSDT")
    period: int = param(2, low=1, high=20)
    size: float = param(0.5, low=0.1, high=5)
    eager: bool = param(True)

    def on_start(self) -> None:
        self._mean = self.subscribe_bars(self.symbol, "1m").sma(self.period)
        self.bars_seen = 0
        self.set_timer("tick", 600)

    def on_bar(self, bar: Bar) -> None:
        self.bars_seen += 1
        if not self.position(self.symbol):
            self.buy(self.symbol, self.size, reason="first")
        elif len(self.orders) < 2 and self.eager:
            self.buy(self.symbol, "0.1", 50, reason="cheap")
            self.sell(self.symbol, "0.1", 200, reason="dear", reduce_only=True)


CLASSES = {"steady": Steady}


def cfg(**more: Any) -> EngineConfig:
    return config(StrategyConfig(name="s", class_="steady", **more), StrategyConfig(name="t", class_="steady"))


@pytest.fixture
def live() -> Live:
    found = Live(cfg(), CLASSES, past=dict.fromkeys(range(-30, 0), 100.0))
    for number in range(3):
        found.bar(number, 100.0)
    return found


def runner(bench: Bench, name: str = "s") -> Any:
    return bench.engine.host.runners[name]


def set_(live: Live, name: str = "s", **parameters: Any) -> RequestAnswered:
    live.feed(ParametersSet(live.bench.now, "me", name, parameters))
    return live.bench.said(RequestAnswered)[-1]


def test_parameters_are_changed_in_the_run_and_only_entries_go(live: Live) -> None:
    held = live.position("s")
    assert held == Decimal("0.5")
    answer = set_(live, period="5", size="0.25", eager="no")
    assert answer.ok, answer.text
    s = runner(live.bench)
    assert (s.strategy.period, s.strategy.size, s.strategy.eager) == (5, 0.25, False)
    assert s.strategy.bars_seen == 0, "it starts anew"
    assert s.status is StrategyStatus.ACTIVE, "its history was at hand"
    assert s.strategy._mean.ready
    assert live.position("s") == held
    open_now = [o for o in live.bench.engine.world.open_orders() if o.strategy == "s" and not o.cancel_asked]
    assert [(o.spec.side, o.spec.reduce_only) for o in open_now] == [(Side.SELL, True)]
    others = [o for o in live.bench.engine.world.open_orders() if o.strategy == "t" and not o.cancel_asked]
    assert len(others) == 2, "the other instance of the class is none of its business"
    (changed,) = live.bench.said(ParametersChanged)
    assert (changed.name, changed.who) == ("s", "me")
    assert dict(changed.parameters) == {
        "category": "linear", "symbol": "BTCUSDT", "period": "5", "size": "0.25", "eager": "False",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("parameters", "why"),
    [
        ({"period": "21"}, "strategies.s.period is 21, above 20"),
        ({"period": 0}, "strategies.s.period is 0, below 1"),
        ({"period": "2.5"}, "strategies.s.period must be a whole number, not '2.5'"),
        ({"period": 2.5}, "strategies.s.period must be int, not 2.5"),
        ({"size": "much"}, "strategies.s.size must be a number, not 'much'"),
        ({"size": "nan"}, "strategies.s.size is nan, not a finite number"),
        ({"size": "inf"}, "strategies.s.size is inf, not a finite number"),
        ({"eager": "maybe"}, "strategies.s.eager must be true or false, not 'maybe'"),
        ({"perod": 3}, "strategies.s.perod is no parameter of Steady"),
        ({"category": "inverse2"}, "strategies.s.category is 'inverse2', not one of"),
        ({"symbol": "universe:none"}, "strategies.s: there is no universe 'none'"),
        ({"period": 5, "size": 99}, "strategies.s.size is 99.0, above 5"),
    ],
)
def test_a_wrong_parameter_changes_nothing(live: Live, parameters: dict[str, Any], why: str) -> None:
    before, said = live.bench.engine.checkpoint(), len(live.bench.said(CancelOrder))
    answer = set_(live, **parameters)
    assert not answer.ok
    assert answer.text.startswith(why)
    assert answer.code == "INVALID_SETTING"
    assert runner(live.bench).params["period"] == 2
    assert len(live.bench.said(CancelOrder)) == said
    assert runner(live.bench).strategy.bars_seen == 3
    after = TradingEngine(live.bench.config, CLASSES)
    after.restore(before)
    assert after.host.runners["s"].params == runner(live.bench).params


def test_an_unknown_name_and_an_unchanged_value(live: Live) -> None:
    assert set_(live, "nobody", period=3).code == "UNKNOWN_STRATEGY"
    assert set_(live, period="2").text == "s: nothing changes"
    assert runner(live.bench).strategy.bars_seen == 3


def reborn(live: Live, settings: EngineConfig, classes: Any = None) -> TradingEngine:
    engine = TradingEngine(settings, classes or CLASSES)
    engine.restore(live.bench.engine.checkpoint())
    return engine


def test_what_was_set_outlives_restarts_until_the_settings_say_otherwise(live: Live) -> None:
    set_(live, period=7, size=0.3)
    same = reborn(live, cfg())
    assert same.host.runners["s"].params["period"] == 7
    assert same.host.runners["s"].strategy._mean.value == runner(live.bench).strategy._mean.value  # type: ignore[attr-defined]
    assert same.checkpoint() == live.bench.engine.checkpoint()
    other = reborn(live, cfg(params={"period": 9}))
    assert other.host.runners["s"].params["period"] == 9, "the newer word wins"
    assert other.host.runners["s"].params["size"] == 0.3


def test_what_was_set_must_suit_changed_code(live: Live) -> None:
    class Narrow(Steady):
        period: int = param(2, low=1, high=4)

    set_(live, period=7)
    engine = reborn(live, cfg(), {"steady": Narrow})
    stopped = engine.host.runners["s"]
    assert stopped.status is StrategyStatus.STOPPED
    assert "period is 7, above 4" in stopped.reason
    assert engine.host.runners["t"].status is not StrategyStatus.STOPPED


def test_a_run_with_changed_parameters_replays_to_the_byte(live: Live) -> None:
    set_(live, period=4)
    for number in range(3, 9):
        live.bar(number, 100.0 + number)
    set_(live, period="1", eager="false")
    live.wait(MINUTE)
    live.bar(9, 90.0)
    bench = live.bench
    whole = TradingEngine(bench.config, CLASSES)
    for number, event in enumerate(bench.events):
        if number % 7 == 0:
            again = TradingEngine(bench.config, CLASSES)
            again.restore(whole.checkpoint())
            assert again.checkpoint() == whole.checkpoint()
            whole = again
        assert encoded(whole.apply(event)) == encoded(bench.answers[number]), number
    assert whole.checkpoint() == bench.engine.checkpoint()


def test_a_disabled_one_takes_parameters_and_stays_disabled_even_with_other_code(live: Live) -> None:
    live.feed(StrategySwitched(live.bench.now, "me", "s", False))
    assert set_(live, period=3).ok
    assert runner(live.bench).status is StrategyStatus.DISABLED

    class Other(Steady):
        source_hash = "other"

    engine = reborn(live, cfg(), {"steady": Other})
    assert engine.host.runners["s"].status is StrategyStatus.DISABLED
    assert engine.host.runners["t"].status is StrategyStatus.WARMING
    live.feed(StrategySwitched(live.bench.now, "me", "s", True))
    assert runner(live.bench).status is StrategyStatus.ACTIVE
    assert runner(live.bench).strategy.period == 3


def test_timers_of_the_code_that_was_do_not_reach_the_code_that_is(live: Live) -> None:
    before = live.bench.engine.world.timers["strategy:s:tick"]
    live.wait(SECOND)
    set_(live, period=3)
    assert live.bench.engine.world.timers["strategy:s:tick"] > before


def test_ended_from_outside_it_stays_down_and_its_entries_go(live: Live) -> None:
    live.feed(StrategyEnded(live.bench.now, "s", "it held the process for 20 s"))
    stopped = live.bench.said(StrategyChanged)[-1]
    assert (stopped.name, stopped.status) == ("s", StrategyStatus.STOPPED)
    assert stopped.reason == "it held the process for 20 s"
    assert live.position("s") == Decimal("0.5")
    left = [o for o in live.bench.engine.world.open_orders() if o.strategy == "s" and not o.cancel_asked]
    assert [o.spec.reduce_only for o in left] == [True], "the exit stays, the entry goes"
    live.feed(StrategyEnded(live.bench.now, "nobody", "gone"))
    seen = runner(live.bench).strategy.bars_seen
    live.bar(3, 100.0)
    assert runner(live.bench).strategy.bars_seen == seen
    assert runner(live.bench, "t").strategy.bars_seen == 4
    assert reborn(live, cfg()).host.runners["s"].status is StrategyStatus.STOPPED
    live.feed(StrategySwitched(live.bench.now, "me", "s", True))
    assert runner(live.bench).status is StrategyStatus.ACTIVE, "a person lets it begin anew"


def test_a_strategy_that_leaves_the_interpreter_is_stopped_alone() -> None:
    class Leaves(Steady):
        def on_bar(self, bar: Bar) -> None:
            raise SystemExit(3)

    bench = ready(config(StrategyConfig(name="s", class_="l")), {"l": Leaves})
    bench.history(dict.fromkeys(range(5), 100.0))
    bench.bar(5, 100.0)
    assert runner(bench).status is StrategyStatus.STOPPED
    assert runner(bench).reason.startswith("on_bar: SystemExit: 3")


def test_a_flood_over_a_minute_stops_it_even_when_it_swallows_the_error() -> None:
    class Chatty(Steady):
        def on_start(self) -> None:
            self.subscribe_quotes("BTCUSDT")

        def on_quote(self, quote: Any) -> None:
            try:
                self.cancel("nothing", reason="chat")
            except RuntimeError:
                return

    limited = StrategyConfig(name="s", class_="c", max_intents_per_minute=10)
    bench = ready(config(limited), {"c": Chatty})
    bench.now += MINUTE
    for _ in range(10):
        bench.quote(BTC, 100.0)
    assert runner(bench).status is StrategyStatus.ACTIVE, "ten are allowed"
    bench.now += MINUTE
    for _ in range(10):
        bench.quote(BTC, 100.0)
    assert runner(bench).status is StrategyStatus.ACTIVE, "and ten in the next"
    engine = TradingEngine(bench.config, bench.classes)
    engine.restore(bench.engine.checkpoint())
    assert engine.host.runners["s"].asked == 10, "a restart forgets nothing of it"
    bench.quote(BTC, 100.0)
    assert runner(bench).status is StrategyStatus.STOPPED
    assert runner(bench).reason == "on_quote: RuntimeError: more than 10 intents in one minute"


def test_a_prediction_reaches_who_asked_for_it_and_a_missing_one_nobody() -> None:
    class Believer(Steady):
        def on_start(self) -> None:
            self.subscribe_predictions("BTCUSDT")
            self.heard: list[float] = []

        def on_prediction(self, prediction: PredictionMade) -> None:
            self.heard.append(prediction.probability)
            self.buy("BTCUSDT", 1, reason="it rises")

    bench = ready(config(StrategyConfig(name="s", class_="b")), {"b": Believer})
    bench.feed(PredictionMade(bench.now, bench.now, "p1", "m:1", BTC, "1m", 5, 0.75))
    bench.feed(PredictionMade(bench.now, bench.now, "p2", "m:1", ETH, "1m", 5, 0.9))
    bench.feed(PredictionMade(bench.now, bench.now, "p3", "m:1", BTC, "1m", 5, 0.0, error="no features"))
    assert runner(bench).strategy.heard == [0.75]
    assert bench.said(DecisionMade)[-1].event == "prediction p1 of m:1: linear:BTCUSDT rises with 0.75"
    assert "no features" in bench.said(Alert)[-1].text


def test_a_decision_records_what_was_told_and_what_was_seen(live: Live) -> None:
    first = live.bench.said(DecisionMade)[0]
    assert first.event == "bar 1m linear:BTCUSDT 00:00 close 100"
    assert dict(first.inputs) == {"sma(2)": 100.0}
    live.feed(OrderRequested(live.bench.now, "me", BTC, Side.BUY, OrderType.MARKET, Decimal(1)))
    by_hand = live.bench.said(DecisionMade)[-1]
    assert (by_hand.event, by_hand.inputs) == ("order requested by me", ())


def test_the_fill_that_came_of_an_order_is_told_in_words() -> None:
    class Echo(Steady):
        def on_order(self, order: Any) -> None:
            if order.status is OrderStatus.FILLED and order.side is Side.BUY:
                self.sell("BTCUSDT", "0.1", 300, reason="target", reduce_only=True)

    found = Live(config(StrategyConfig(name="s", class_="e")), {"e": Echo}, past=dict.fromkeys(range(-9, 0), 100.0))
    found.bar(0, 100.0)
    told = [d.event for d in found.bench.said(DecisionMade) if d.reason == "target"]
    assert told[0] == "trade buy 0.5 linear:BTCUSDT at 100.0"
