"""Random flows in both position modes and with an inverse contract: the books are the venue's, leg by leg and coin by
coin, the account is worth what the independent checker says, and the strategies' profits add up to it.

Crashes, lost and repeated messages, trades by a stranger and stops that fire are part of it; see ``flow.py``.
"""

import random
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.engine.flow import PRICE, Choices, Flow
from tests.unit.engine.harness import BTC, COIN
from tests.unit.engine.venue import place_of
from tradectl.model.commands import PositionChanged
from tradectl.model.events import ResumeRequested, Started, StrategySwitched
from tradectl.model.orders import OrderType

NUMBERS = st.lists(st.integers(min_value=0, max_value=5039), min_size=90, max_size=300)
QUICK = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))


def run(numbers: list[int], steps: int, states_pnl: bool, stops: bool = False, hedge: bool = True) -> Flow:
    flow = Flow(Choices(numbers), states_pnl=states_pnl, stops=stops, hedge=hedge, inverse=True)
    for _ in range(steps):
        flow.step()
    flow.finish()
    flow.compare()
    return flow


@given(NUMBERS, st.booleans(), st.booleans())
@QUICK
def test_any_interleaving_in_hedge_mode(numbers: list[int], states_pnl: bool, stops: bool) -> None:
    run(numbers, len(numbers) // 3, states_pnl, stops)


@given(NUMBERS, st.booleans())
@QUICK
def test_any_interleaving_in_one_way_mode(numbers: list[int], states_pnl: bool) -> None:
    run(numbers, len(numbers) // 3, states_pnl, hedge=False)


@pytest.mark.parametrize("seed", range(30))
def test_long_flows(seed: int) -> None:
    generator = random.Random(seed)
    numbers = [generator.randrange(5040) for _ in range(900)]
    run(numbers, 200, states_pnl=bool(seed % 2), stops=bool(seed % 3 == 0), hedge=bool(seed % 5))


class MakerFlow(Flow):
    """One strategy quotes both sides in hedge mode; a stranger who closed its legs would be another story."""

    def stranger_trades(self) -> None:
        self.price_moves()

    def trade_out(self) -> None:
        """What is to trade at once does, until nothing more is."""
        for _ in range(20):
            self.finish()
            own = [o for o in self.venue.open_orders() if o.instrument == BTC]
            due = [o for o in own if o.type is OrderType.MARKET and not o.is_dormant]
            if not due:
                return
            for order in due:
                if order.is_open:
                    self.venue.fill(order, order.leaves, PRICE)
                    self._hear()
        raise AssertionError("orders at any price are sent without end")


def legs_of(flow: Flow) -> list[Decimal]:
    portfolio = flow.bench.engine.world.portfolio
    return [portfolio.sizes(BTC, idx).get("alpha", Decimal(0)) for idx in (1, 2)]


def flattened(numbers: list[int], steps: int, stops: bool) -> bool:
    """A maker's flow and its end: whatever legs it held, disabled it holds none, unless another book's exits closed
    them at the venue. Returns whether it held both."""
    flow = MakerFlow(Choices(numbers), stops=stops, hedge=True, maker=True)
    for _ in range(steps):
        flow.step()
    flow.trade_out()
    flow.compare()
    both = all(legs_of(flow))
    flow.feed(ResumeRequested(flow.bench.now, "me"))
    flow.feed(StrategySwitched(flow.bench.now, "me", "alpha", False, flatten=True))
    flow.trade_out()
    flow.compare()
    for idx, size in zip((1, 2), legs_of(flow), strict=True):
        closed_by_others = not flow.venue.sizes.get(place_of(BTC, idx))
        assert not size or closed_by_others, f"{size} of leg {idx} is left"
    left = flow.bench.engine.world.open_orders("alpha", BTC)
    held = any(legs_of(flow))
    assert not [o.link_id for o in left if not o.protective or (o.is_stop and not held)], "no entry, no stop is left"
    return both


@given(NUMBERS, st.booleans())
@QUICK
def test_a_maker_of_both_legs_ends_flat(numbers: list[int], stops: bool) -> None:
    flattened(numbers, len(numbers) // 3, stops)


def test_makers_do_hold_both_legs() -> None:
    held = 0
    for seed in range(36):
        generator = random.Random(seed)
        held += flattened([generator.randrange(5040) for _ in range(600)], 130, stops=bool(seed % 2))
    assert held >= 6


def test_the_flows_do_what_they_are_for() -> None:
    """A flow in which nothing happens would prove nothing: count what the long ones contain."""
    both = crashes = funded = inverse = foreign = 0
    for seed in range(20):
        generator = random.Random(1000 + seed)
        flow = run([generator.randrange(5040) for _ in range(900)], 200, states_pnl=True)
        told = [p.position_idx for p in flow.bench.said(PositionChanged) if not p.strategy and p.instrument == BTC]
        both += {1, 2} <= set(told) and all(flow.venue.sizes.get(place_of(BTC, idx)) is not None for idx in (1, 2))
        assert 0 not in told
        crashes += sum(isinstance(e, Started) and e.restored for e in flow.bench.events)
        funded += sum(e.type == "Funding" for e in flow.venue.executions)
        inverse += sum(e.instrument == COIN and bool(e.closed_qty) for e in flow.venue.executions)
        foreign += "external" in flow.bench.engine.world.portfolio.state.books
    assert both >= 12
    assert crashes >= 5
    assert funded >= 20
    assert inverse >= 15
    assert foreign >= 12
