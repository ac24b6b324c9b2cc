"""The short way of a whole fill: an engine that has it and one that has not say the same and end the same."""

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.unit.engine.fill_flow import CLASSES, FillFlow
from tests.unit.engine.flow import Choices
from tests.unit.engine.harness import WIDE, config
from tests.unit.engine.recount import assert_index
from tradectl.engine.audience import EVERYBODY, NOBODY, Audience
from tradectl.engine.config import EngineConfig, StrategyConfig
from tradectl.engine.trading_engine import TradingEngine
from tradectl.engine.whole_fills import WholeFills
from tradectl.model.events import Executed
from tradectl.model.orders import Execution

NUMBERS = st.lists(st.integers(min_value=0, max_value=5039), min_size=120, max_size=400)
AUDIENCES = (NOBODY, EVERYBODY, Audience(decisions=True, orders=False, positions=False, equity=False))
QUICK = settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))


def config_of(hedge: bool, streak: int) -> EngineConfig:
    strategies = StrategyConfig(name="alpha", class_="idle"), StrategyConfig(name="beta", class_="eager")
    return config(*strategies, risk=replace(WIDE, losing_streak=streak), position_mode="hedge" if hedge else "one_way")


def without(engine: TradingEngine) -> TradingEngine:
    """The same engine with the general way alone."""
    engine._handlers[Executed] = lambda event: engine.fills.executed(event.execution)
    return engine


def play(numbers: list[int], steps: int, audience: Audience, hedge: bool = False, streak: int = 0) -> FillFlow:
    cfg = config_of(hedge, streak)
    short, long = TradingEngine(cfg, CLASSES, audience), without(TradingEngine(cfg, CLASSES, audience))
    flow = FillFlow((long, short), Choices(numbers), hedge)
    for _ in range(steps):
        flow.step()
    assert_index(short.world)
    return flow


@given(NUMBERS, st.sampled_from(AUDIENCES), st.booleans(), st.integers(0, 2))
@QUICK
def test_with_and_without_the_short_way_all_is_the_same(
    numbers: list[int], audience: Audience, hedge: bool, streak: int
) -> None:
    play(numbers, len(numbers) // 5, audience, hedge, streak)


@pytest.mark.parametrize("seed", range(12))
def test_so_it_is_through_long_flows(seed: int) -> None:
    draw = random.Random(seed)
    play([draw.randrange(5040) for _ in range(2_000)], 400, AUDIENCES[seed % 3], streak=seed % 4)


@pytest.mark.parametrize("audience", AUDIENCES)
def test_the_flows_take_the_short_way_and_leave_it(audience: Audience, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the comparison would prove nothing."""
    taken, left, ended = 0, 0, 0
    real, quiet = WholeFills._book, WholeFills._is_quiet

    def book(self: WholeFills, execution: Execution, *rest: object) -> object:
        nonlocal taken
        taken += 1
        return real(self, execution, *rest)  # type: ignore[arg-type]

    def is_quiet(self: WholeFills, *rest: object) -> bool:
        nonlocal ended
        said = quiet(self, *rest)  # type: ignore[arg-type]
        ended += said
        return said

    monkeypatch.setattr(WholeFills, "_book", book)
    monkeypatch.setattr(WholeFills, "_is_quiet", is_quiet)
    for seed in range(6):
        draw = random.Random(seed)
        flow = play([draw.randrange(5040) for _ in range(1_500)], 300, audience)
        left += len(flow.told)
    assert taken > 60
    assert left - taken > 60
    assert (ended > 20) is not audience.positions
