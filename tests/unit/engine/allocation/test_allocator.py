"""The allocator in a running engine: shares on schedule, bands, restarts, people and strategies that share out."""

from decimal import Decimal

import pytest

from tests.unit.engine.harness import BTC, ETH, SECOND, Bench, config, ready
from tradectl.engine.allocation.allocator import REBALANCE_TIMER, SAMPLE_TIMER
from tradectl.engine.allocation.policy import AllocationConfig
from tradectl.engine.config import StrategyConfig
from tradectl.engine.strategy import Strategy
from tradectl.model.commands import Alert, AllocationChanged, RequestAnswered
from tradectl.model.events import Executed, QuoteChanged, RebalanceRequested
from tradectl.model.orders import Execution

HOUR = 3600 * SECOND
D = Decimal


class Holder(Strategy):
    """Wants half of its capital, from the first bar on."""

    symbol: str = "BTCUSDT"

    def on_start(self) -> None:
        self.subscribe_bars(self.symbol, "1m")
        self.asked = False

    def on_bar(self, bar) -> None:
        if not self.asked:
            self.target(self.symbol, weight=0.5, reason="hold")
            self.asked = True


class Sharer(Holder):
    """Shares out capital by itself."""

    def on_bar(self, bar) -> None:
        self.allocate({"a": D("0.3"), "nobody": D(1)}, reason="mine")


def engine_config(policy="equal", **more):
    names = (("a", "BTCUSDT", "0.10"), ("b", "ETHUSDT", "0.30"))
    strategies = [StrategyConfig(name=n, class_="holder", capital=D(c), params={"symbol": s}) for n, s, c in names]
    allocation = AllocationConfig(policy=policy, rebalance_hours=1, sample_hours=1, min_samples=5, window=50, **more)
    return config(*strategies, allocation=allocation)


def bench(policy="equal", cls=Holder, **more) -> Bench:
    found = ready(engine_config(policy, **more), {"holder": cls})
    for symbol in (BTC, ETH):
        found.history({-1: 100.0}, symbol)
    return found


def shares(engine) -> dict[str, Decimal]:
    return {name: engine.allocator.share(name) for name in ("a", "b")}


def ask(b: Bench) -> str:
    b.feed(RebalanceRequested(b.now, "anna"))
    return b.said(RequestAnswered)[-1].text


def fill(b: Bench) -> None:
    """Fill every order that left since the last time, at 100."""
    for n, order in enumerate(b.creates()):
        done = Execution(
            f"e{n}", order.instrument, f"o{n}", order.link_id, order.side, D(100), order.qty, order.qty * 100, D(0),
            "USDT", False, b.now,
        )  # fmt: skip
        b.feed(Executed(b.now, done))


def test_it_begins_with_the_settings_and_says_so():
    b = bench()
    (told,) = b.said(AllocationChanged)
    assert dict(told.shares) == {"a": D("0.10"), "b": D("0.30")} == shares(b.engine)
    assert b.engine.host.runners["b"].capital() == b.engine.world.valuation.account().equity * D("0.30")


def test_on_schedule_the_total_is_shared_out():
    b = bench()
    b.wait(HOUR + SECOND)
    assert shares(b.engine) == {"a": D("0.2"), "b": D("0.2")}
    assert b.said(AllocationChanged)[-1].reason == "equal, on schedule"
    assert REBALANCE_TIMER in b.timers


def test_inside_the_band_nothing_changes_until_a_person_asks():
    b = bench(band=9.0)
    b.wait(2 * HOUR + SECOND)
    assert shares(b.engine)["a"] == D("0.10")
    assert ask(b) == "a 20 %, b 20 %"
    assert shares(b.engine) == {"a": D("0.2"), "b": D("0.2")}
    assert ask(b) == "nothing to change"


def test_another_share_resizes_a_position_that_follows_a_weight():
    b = bench()
    b.bar(0, 100.0)
    fill(b)
    before = b.engine.world.portfolio.size("a", BTC)
    assert before > 0
    ask(b)
    fill(b)
    assert float(b.engine.world.portfolio.size("a", BTC)) == pytest.approx(float(before) * 2, rel=0.02)
    b.feed(QuoteChanged(b.now, b.now, BTC, 100.0, 5.0, 100.0, 5.0))
    assert b.engine.allocator.state.weights == {"a": {BTC: D("0.5")}}


@pytest.mark.parametrize("policy", ["inverse_volatility", "volatility_target", "risk_parity", "kelly"])
def test_before_there_are_samples_everybody_keeps_its_own(policy):
    b = bench(policy)
    b.wait(3 * HOUR)
    assert SAMPLE_TIMER in b.timers
    assert shares(b.engine) == {"a": D("0.10"), "b": D("0.30")}
    assert b.engine.allocator.state.returns == {"a": [0.0] * 3, "b": [0.0] * 3}


def test_volatile_ones_get_less_and_it_survives_a_restart():
    b = bench("inverse_volatility", band=0.0)
    b.engine.allocator.state.returns.update(a=[0.01, -0.01] * 5, b=[0.03, -0.03] * 5)
    assert ask(b) == "a 30 %, b 10 %"
    again, _ = b.reborn(b.engine.checkpoint(), [])
    assert shares(again) == {"a": D("0.3"), "b": D("0.1")}
    assert again.checkpoint() == b.engine.checkpoint()
    assert again.host.runners["a"].capital() == b.engine.host.runners["a"].capital()


def test_what_is_earned_on_the_capital_is_sampled():
    b = bench("kelly")
    b.bar(0, 100.0)
    fill(b)
    b.wait(HOUR)
    capital = b.engine.allocator.state.capital["a"]
    b.quote(BTC, 101.0)
    b.wait(HOUR)
    size = b.engine.world.portfolio.size("a", BTC)
    assert b.engine.allocator.state.returns["a"][-1] == pytest.approx(float(size / capital))


def test_no_share_is_above_the_most():
    b = bench(max_share=D("0.15"))
    ask(b)
    assert shares(b.engine) == {"a": D("0.15"), "b": D("0.15")}


def test_declared_shares():
    b = bench("user", shares={"a": D("0.05")})
    ask(b)
    assert shares(b.engine) == {"a": D("0.05"), "b": D("0.30")}


def test_a_strategy_shares_out():
    b = bench("user", cls=Sharer)
    b.bar(0, 100.0)
    assert shares(b.engine) == {"a": D("0.3"), "b": D("0.30")}
    refused = bench("equal", cls=Sharer)
    refused.bar(0, 100.0)
    assert shares(refused.engine)["a"] == D("0.10")
    assert "the policy is not user" in refused.said(Alert)[-1].text


def test_fixed_sets_no_timer():
    b = bench("fixed")
    assert not {SAMPLE_TIMER, REBALANCE_TIMER} & set(b.timers)
    assert ask(b) == "nothing to change"
