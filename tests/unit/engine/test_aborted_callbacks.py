"""An aborted callback counts for nothing, and a replay stops the strategy at the same place without running it."""

from typing import Any

import pytest

from tests.unit.engine.harness import BTC, SECOND, Bench, config, encoded
from tests.unit.engine.live import Live
from tradectl.engine.callback_guard import CallbackAborted
from tradectl.engine.config import StrategyConfig
from tradectl.engine.strategy import Strategy
from tradectl.engine.trading_engine import TradingEngine
from tradectl.model.commands import OrderChanged, StrategyChanged, StrategyStatus
from tradectl.model.market_data import Bar


class Guard:
    """Aborts the callback it is told to, as the daemon's guard does: an exception inside, and its word after."""

    def __init__(self) -> None:
        self.why = ""

    def enter(self, name: str) -> None:
        self.why = ""

    def abort(self) -> None:
        self.why = "it took more than 1000 ms and was aborted"
        raise CallbackAborted(self.why)

    def leave(self) -> str:
        return self.why


GUARD = Guard()


class Slow(Strategy):
    """Trades on each bar; hangs where a test says, unless it is replayed: then hanging is a failure of the test."""

    hangs_in: str = "on_bar"
    at: int = 3
    swallows: bool = False
    live = False

    def on_start(self) -> None:
        self.subscribe_bars("BTCUSDT", "1m")
        self.calls = 0
        self._hang("on_start")

    def on_bar(self, bar: Bar) -> None:
        self.calls += 1
        self.buy("BTCUSDT", "0.1", reason="more")
        if self.calls >= self.at:
            self._hang("on_bar")

    def on_order(self, order: OrderChanged) -> None:
        self.buy("BTCUSDT", 1, 20, reason="deep") if len(self.orders) < 2 else None
        if self.calls >= self.at:
            self._hang("on_order")

    def _hang(self, where: str) -> None:
        if where != self.hangs_in:
            return
        if not Slow.live:
            pytest.fail("a callback that was aborted is run again")
        if not self.swallows:
            GUARD.abort()
        try:
            GUARD.abort()
        except CallbackAborted:
            self.buy("BTCUSDT", 5, reason="as if nothing happened")


def run(**params: Any) -> Live:
    strategies = (
        StrategyConfig(name="slow", class_="slow", params=params),
        StrategyConfig(name="calm", class_="slow", params={"hangs_in": "never"}),
    )
    Slow.live = True
    try:
        live = Live(config(*strategies), {"slow": Slow}, past={-2: 100.0, -1: 100.0})
        live.bench.engine.host.callbacks.guard = GUARD
        for number in range(6):
            live.bar(number, 100.0)
        live.wait(7 * SECOND)
    finally:
        Slow.live = False
    return live


@pytest.mark.parametrize("where", ["on_bar", "on_order"])
@pytest.mark.parametrize("swallows", [False, True])
def test_it_is_stopped_alone_and_what_it_asked_for_is_dropped(where: str, swallows: bool) -> None:
    live = run(hangs_in=where, swallows=swallows)
    (stopped,) = [s for s in live.bench.said(StrategyChanged) if s.status is StrategyStatus.STOPPED]
    assert stopped.name == "slow"
    assert stopped.reason == f"{where}: it took more than 1000 ms and was aborted"
    assert stopped.aborted_call >= 1
    assert live.bench.engine.host.runners["calm"].status is StrategyStatus.ACTIVE
    assert live.bench.engine.host.runners["calm"].strategy.calls == 6  # type: ignore[attr-defined]
    assert all(order.qty < 5 for order in live.bench.creates())
    bars = 2 if where == "on_bar" else 3
    bought = [o for o in live.bench.creates() if o.price is None]
    assert len([o for o in bought if o.link_id.split("-")[1] == bought[0].link_id.split("-")[1]]) == bars


@pytest.mark.parametrize("where", ["on_bar", "on_order"])
@pytest.mark.parametrize("swallows", [False, True])
def test_a_replay_obeys_the_record_to_the_byte(where: str, swallows: bool) -> None:
    bench = run(hangs_in=where, swallows=swallows).bench
    whole = TradingEngine(bench.config, bench.classes)
    for number, event in enumerate(bench.events):
        whole.forewarn(bench.answers[number])
        assert encoded(whole.apply(event)) == encoded(bench.answers[number]), number
        if number % 5 == 0:
            again = TradingEngine(bench.config, bench.classes)
            again.restore(whole.checkpoint())
            assert again.checkpoint() == whole.checkpoint()
            whole = again
    assert whole.checkpoint() == bench.engine.checkpoint()
    assert whole.host.runners["slow"].status is StrategyStatus.STOPPED


@pytest.mark.parametrize("swallows", [False, True])
def test_a_replay_obeys_when_it_was_the_start_that_hung(swallows: bool) -> None:
    strategies = (StrategyConfig(name="slow", class_="slow", params={"hangs_in": "on_start", "swallows": swallows}),)
    bench = Bench(config(*strategies), {"slow": Slow})
    bench.engine.host.callbacks.guard = GUARD
    Slow.live = True
    bench.start()
    Slow.live = False
    bench.quote(BTC, 100.0)
    bench.bar(0, 100.0)
    again = TradingEngine(bench.config, bench.classes)
    for number, event in enumerate(bench.events):
        again.forewarn(bench.answers[number])
        assert encoded(again.apply(event)) == encoded(bench.answers[number]), number
    assert again.checkpoint() == bench.engine.checkpoint()
    assert again.host.runners["slow"].reason.startswith("on_start: it took more than")


def test_without_the_warning_the_replay_would_run_it() -> None:
    bench = run().bench
    engine = TradingEngine(bench.config, bench.classes)
    with pytest.raises(pytest.fail.Exception):
        list(map(engine.apply, bench.events))
