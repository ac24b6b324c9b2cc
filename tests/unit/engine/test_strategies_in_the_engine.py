"""A strategy that fails, floods or holds what cannot be kept is stopped, alone and with a reason; state survives."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from tests.unit.engine.harness import BTC, SECOND, T0, WIDE, Bench, config, ready
from tests.unit.engine.live import Live
from tradectl.engine.config import QueueLimits, StrategyConfig
from tradectl.engine.parameters import declared, validated
from tradectl.engine.strategy import Strategy, param
from tradectl.engine.strategy_state import decode, encode
from tradectl.engine.trading_engine import TradingEngine
from tradectl.model.commands import (
    Alert,
    DecisionMade,
    OrderChanged,
    RequestAnswered,
    RequestBars,
    SetTimer,
    StrategyChanged,
    StrategyStatus,
)
from tradectl.model.errors import Problem
from tradectl.model.events import OrderRequested, StopRequested, StrategySwitched
from tradectl.model.market_data import Bar
from tradectl.model.orders import OrderStatus, OrderType, Side


class Calm(Strategy):
    """Counts its bars."""

    def on_start(self) -> None:
        self.subscribe_bars("BTCUSDT", "1m")
        self.count = 0

    def on_bar(self, bar: Bar) -> None:
        self.count += 1


class Wild(Calm):
    """Does what a test tells it to."""

    do: Callable[["Wild"], None]

    def on_bar(self, bar: Bar) -> None:
        super().on_bar(bar)
        type(self).do(self)


def wild(do: Callable[[Wild], None]) -> type[Wild]:
    return type("Wild", (Wild,), {"do": staticmethod(do)})


def raises(strategy: Wild) -> None:
    strategy.buy("BTCUSDT", 1, reason="before the fall")
    raise ZeroDivisionError("a bug")


def floods(strategy: Wild) -> None:
    for _ in range(101):
        strategy.buy("BTCUSDT", 1, reason="more")


def two(do: Callable[[Wild], None]) -> Bench:
    strategies = (StrategyConfig(name="wild", class_="wild"), StrategyConfig(name="calm", class_="calm"))
    bench = ready(config(*strategies), {"wild": wild(do), "calm": Calm})
    bench.history({0: 100.0})
    return bench


def status(bench: Bench, name: str) -> StrategyStatus:
    return bench.engine.host.runners[name].status


@pytest.mark.parametrize(
    ("do", "why"),
    [
        (raises, "on_bar: ZeroDivisionError: a bug"),
        (floods, "on_bar: RuntimeError: more than 100 intents in one callback"),
        (lambda s: s.target("BTCUSDT", float("nan"), reason="nan"), "on_bar: ValueError: weight must be a finite"),
        (lambda s: s.buy("BTCUSDT", float("inf"), reason="inf"), "on_bar: ValueError: qty must be a finite"),
        (lambda s: s.buy("BTCUSDT", 1, Decimal("NaN"), reason="nan"), "on_bar: ValueError: price must be"),
        (lambda s: s.buy("BTCUSDT", "many", reason="text"), "on_bar: InvalidOperation"),
        (lambda s: s.subscribe_bars("ETHUSDT"), "on_bar: RuntimeError: subscribe in on_start"),
        (lambda s: s.subscribe_trades("BTCUSDT"), "on_bar: RuntimeError: subscribe in on_start"),
        (lambda s: s.subscribe_bars("BTCUSDT").ema(5), "on_bar: RuntimeError: indicators are asked for in on_start"),
        (lambda s: s.instrument("NOPE"), "on_bar: LookupError: linear:NOPE is not an instrument of this venue"),
    ],
)
def test_what_fails_is_stopped_alone_and_its_intents_are_dropped(do: Callable[[Wild], None], why: str) -> None:
    bench = two(do)
    bench.bar(1, 100.0)
    stopped = [s for s in bench.said(StrategyChanged) if s.status is StrategyStatus.STOPPED]
    assert [s.name for s in stopped] == ["wild"]
    assert stopped[0].reason.startswith(why)
    assert stopped[0].at_seq == bench.engine.seq
    assert bench.creates() == []
    assert "strategy wild was stopped" in bench.said(Alert)[-1].text
    bench.bar(2, 100.0)
    assert bench.engine.host.runners["calm"].strategy.count == 2  # type: ignore[attr-defined]
    assert bench.engine.host.runners["wild"].strategy.count == 1  # type: ignore[attr-defined]


def unkeepable(value: Any) -> Callable[[Wild], None]:
    def do(strategy: Wild) -> None:
        strategy.thing = value  # type: ignore[attr-defined]

    return do


def endless() -> list[Any]:
    value: list[Any] = []
    value.append(value)
    return value


@pytest.mark.parametrize("value", [object(), {1, 2}, {1: 2}, {"$x": 1}, [1, (2, {"a": b"bytes"})], endless(), Side.BUY])
def test_state_that_cannot_be_kept_stops_the_strategy_at_the_next_look(value: Any) -> None:
    bench = two(unkeepable(value))
    bench.bar(1, 100.0)
    with pytest.raises((Problem, RecursionError)):
        bench.engine.checkpoint()
    bench.wait(6 * SECOND)
    assert status(bench, "wild") is StrategyStatus.STOPPED
    assert status(bench, "calm") is StrategyStatus.ACTIVE
    assert bench.engine.host.runners["wild"].reason.startswith("its state: ")
    engine = TradingEngine(bench.config, bench.classes)
    engine.restore(bench.engine.checkpoint())
    assert engine.host.runners["wild"].status is StrategyStatus.STOPPED


def test_state_that_cannot_be_kept_after_on_start_stops_it_there() -> None:
    class Bad(Calm):
        def on_start(self) -> None:
            super().on_start()
            self.file = object()

    bench = ready(config(StrategyConfig(name="bad", class_="bad")), {"bad": Bad})
    assert status(bench, "bad") is StrategyStatus.STOPPED
    assert "Bad.file holds a object" in bench.engine.host.runners["bad"].reason


@pytest.mark.parametrize(
    "value",
    [
        0, -1, 2**63, -(2**70), 1.5, float("inf"), "text", None, True, Decimal("1.50"), [], [1, [2.5, "x"]], (1, (2,)),
        {"a": (Decimal("0.1"), {"b": None})}, (), {},
    ],
)  # fmt: skip
def test_state_returns_as_it_was(value: Any) -> None:
    again = decode(msgspec.msgpack.decode(msgspec.msgpack.encode(encode(value, "x"))))
    assert again == value
    assert type(again) is type(value)
    assert repr(again) == repr(value)


def test_an_on_start_that_fails_after_a_restart_stops_that_instance_alone() -> None:
    class Moody(Calm):
        fails = False

        def on_start(self) -> None:
            if type(self).fails:
                raise OSError("no such file")
            super().on_start()

    strategies = (StrategyConfig(name="moody", class_="moody"), StrategyConfig(name="calm", class_="calm"))
    bench = ready(config(*strategies), {"moody": Moody, "calm": Calm})
    bench.history({0: 100.0})
    data = bench.engine.checkpoint()
    Moody.fails = True
    engine = TradingEngine(bench.config, bench.classes)
    engine.restore(data)
    bench.engine, bench.answers = engine, []
    bench.start(restored=True)
    told = {s.name: s for s in bench.said(StrategyChanged)}
    assert told["moody"].status is StrategyStatus.STOPPED
    assert "no such file" in told["moody"].reason
    assert told["calm"].status is StrategyStatus.ACTIVE


def test_a_stopped_instance_that_is_enabled_begins_anew() -> None:
    bench = two(raises)
    bench.bar(1, 100.0)
    assert status(bench, "wild") is StrategyStatus.STOPPED
    engine = TradingEngine(bench.config, bench.classes)
    engine.restore(bench.engine.checkpoint())
    bench.engine = engine
    asked = len(bench.said(RequestBars))
    out = bench.feed(StrategySwitched(bench.now, "me", "wild", True))
    assert status(bench, "wild") is StrategyStatus.WARMING
    assert "warming" in next(c for c in out if isinstance(c, RequestAnswered)).text
    assert len(bench.said(RequestBars)) == asked + 1
    bench.history({0: 100.0, 1: 100.0})
    assert status(bench, "wild") is StrategyStatus.ACTIVE
    bench.bar(2, 100.0)
    assert status(bench, "wild") is StrategyStatus.STOPPED  # the bug is still there, and it was called again
    bench.bar(3, 100.0)
    assert bench.engine.host.runners["calm"].strategy.count == 3  # type: ignore[attr-defined]


def test_enabling_before_the_instruments_are_known_waits_for_them() -> None:
    bench = Bench(config(StrategyConfig(name="calm", class_="calm", enabled=False)), {"calm": Calm})
    bench.feed(StrategySwitched(T0, "me", "calm", True))
    assert status(bench, "calm") is StrategyStatus.WARMING
    bench.start()
    assert [r.interval for r in bench.said(RequestBars)] == ["1m"]


def test_a_loop_between_a_strategy_and_its_own_orders_ends() -> None:
    class Loop(Calm):
        def on_bar(self, bar: Bar) -> None:
            self.sell("BTCUSDT", 1, 120, reason="go", reduce_only=True)

        def on_order(self, order: OrderChanged) -> None:
            if order.side is Side.BUY:
                return
            if order.status is OrderStatus.QUEUED:  # the first took the whole budget
                self.cancel(order.link_id, reason="and again")
            elif order.status in (OrderStatus.SENT, OrderStatus.CANCELLED):
                self.sell("BTCUSDT", 1, 120, reason="go", reduce_only=True)

    loop = StrategyConfig(name="loop", class_="loop", max_intents_per_minute=100_000)
    strategies = (loop, StrategyConfig(name="calm", class_="calm"))
    live = Live(config(*strategies, queue=QueueLimits(derivative_create=1, reserve=0)), {"loop": Loop, "calm": Calm})
    live.feed(OrderRequested(live.bench.now, "me", BTC, Side.BUY, OrderType.MARKET, Decimal(2), strategy="loop"))
    live.bar(0, 100.0)
    assert status(live.bench, "loop") is StrategyStatus.STOPPED
    assert "it answers itself" in live.bench.engine.host.runners["loop"].reason
    assert status(live.bench, "calm") is StrategyStatus.ACTIVE


def test_timers_come_back_and_on_stop_is_the_last_word() -> None:
    class Clock(Calm):
        def on_start(self) -> None:
            super().on_start()
            self.heard: list[str] = []
            self.set_timer("tick", 1.5)

        def on_timer(self, name: str) -> None:
            self.heard.append(name)
            self.set_timer(name, 1.5)

        def on_stop(self) -> None:
            self.heard.append("stop")

    bench = ready(config(StrategyConfig(name="clock", class_="clock")), {"clock": Clock})
    bench.history({0: 1.0})
    bench.wait(4 * SECOND)
    assert bench.engine.host.runners["clock"].strategy.heard == ["tick", "tick"]  # type: ignore[attr-defined]
    assert [t.at - T0 for t in bench.said(SetTimer) if t.timer == "strategy:clock:tick"] == [
        15 * SECOND // 10, 3 * SECOND, 45 * SECOND // 10,
    ]  # fmt: skip
    bench.feed(StopRequested(bench.now, "me"))
    assert bench.engine.host.runners["clock"].strategy.heard[-1] == "stop"  # type: ignore[attr-defined]


def test_a_strategy_sees_its_own_orders_fills_and_position_alone() -> None:
    class Eyes(Calm):
        def on_start(self) -> None:
            super().on_start()
            self.orders_seen: list[str] = []
            self.fills: list[str] = []

        def on_bar(self, bar: Bar) -> None:
            if self.name == "a" and not self.position("BTCUSDT"):
                self.buy("BTCUSDT", "0.5", reason="once")

        def on_order(self, order: OrderChanged) -> None:
            self.orders_seen.append(order.status.value)

        def on_execution(self, execution: Any) -> None:
            self.fills.append(str(execution.execution.qty))

    strategies = (StrategyConfig(name="a", class_="eyes"), StrategyConfig(name="b", class_="eyes"))
    live = Live(config(*strategies), {"eyes": Eyes})
    live.bar(0, 100.0)
    a, b = (live.bench.engine.host.runners[n].strategy for n in "ab")
    assert a.orders_seen[0] == "Sent"  # type: ignore[attr-defined]
    assert a.orders_seen[-1] == "Filled"  # type: ignore[attr-defined]
    assert a.fills == ["0.5"]  # type: ignore[attr-defined]
    assert (a.position("BTCUSDT"), b.position("BTCUSDT")) == (Decimal("0.5"), 0)
    assert b.orders_seen == b.fills == []  # type: ignore[attr-defined]


def test_targets_are_cut_into_orders_within_the_limit_and_flips_close_first() -> None:
    class Flip(Calm):
        def on_bar(self, bar: Bar) -> None:
            super().on_bar(bar)
            self.target("BTCUSDT", 1.0 if self.count % 2 else -1.0, reason="flip")

    limits = replace(WIDE, order_share=Decimal("0.02"), position_share=Decimal("0.2"))
    live = Live(config(StrategyConfig(name="flip", class_="flip"), risk=limits), {"flip": Flip})
    live.bar(0, 100.0)
    opened = live.bench.creates()
    assert len(opened) == 6
    assert all(not s.reduce_only and s.qty * Decimal("100.5") <= Decimal(2002) for s in opened)
    held = live.position("flip")
    live.bar(1, 100.0)
    second = live.bench.creates()[6:]
    assert second[0].reduce_only
    assert second[0].qty == held
    assert all(not s.reduce_only for s in second[1:])
    assert live.position("flip") < 0
    assert [d.accepted for d in live.bench.said(DecisionMade)] == [True] * 3


def test_a_target_beyond_an_absolute_limit_is_refused_whole() -> None:
    class Greedy(Calm):
        def on_bar(self, bar: Bar) -> None:
            self.target("BTCUSDT", 1.0, reason="all in")

    limits = replace(WIDE, order_share=Decimal("0.02"), position_share=Decimal("0.099"))
    bench = ready(config(StrategyConfig(name="g", class_="g"), risk=limits), {"g": Greedy})
    bench.history({0: 100.0})
    seq = bench.engine.world.order_seq
    bench.bar(1, 100.0)
    decision = bench.said(DecisionMade)[-1]
    assert not decision.accepted
    assert decision.checks[-1].name == "position_size"
    assert bench.creates() == []
    assert bench.engine.world.order_seq == seq
    assert bench.engine.world.open_orders() == []


# --- parameters


class Tuned(Strategy):
    """Parameters of every kind."""

    fast: int = param(10, low=2, high=50)
    ratio: float = param(0.5, low=0.0, high=1.0)
    mode: str = param("calm", choices=("calm", "wild"))
    loud: bool = False


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"fats": 3}, "strategies.x.fats is no parameter of Tuned"),
        ({"fast": "3"}, "strategies.x.fast must be int, not '3'"),
        ({"fast": 3.0}, "strategies.x.fast must be int, not 3.0"),
        ({"fast": True}, "strategies.x.fast must be int, not True"),
        ({"fast": 1}, "strategies.x.fast is 1, below 2"),
        ({"fast": 51}, "strategies.x.fast is 51, above 50"),
        ({"ratio": 1.5}, "strategies.x.ratio is 1.5, above 1"),
        ({"ratio": float("nan")}, "strategies.x.ratio is nan, not a finite number"),
        ({"mode": "mad"}, "strategies.x.mode is 'mad', not one of calm, wild"),
        ({"loud": 1}, "strategies.x.loud must be bool, not 1"),
    ],
)
def test_bad_parameters_are_named(given: dict[str, Any], said: str) -> None:
    with pytest.raises(Problem) as caught:
        validated(Tuned, given, "x")
    assert caught.value.message.startswith(said)
    assert caught.value.field == f"strategies.x.{next(iter(given))}"


def test_good_parameters_come_over_the_defaults() -> None:
    assert validated(Tuned, {"fast": 2, "ratio": 1}, "x") == {
        "category": "linear", "fast": 2, "ratio": 1.0, "mode": "calm", "loud": False,
    }  # fmt: skip
    assert list(declared(Tuned)) == ["category", "fast", "ratio", "mode", "loud"]


def test_a_parameter_of_another_kind_is_refused_when_it_is_declared() -> None:
    class Odd(Strategy):
        many: list[int] = param([1])

    with pytest.raises(Problem, match="many cannot be a"):
        declared(Odd)
