"""Whatever is delayed, repeated, reordered, lost or crashes: the engine ends where the exchange is.

Every flow checks, at each step, that no execution is booked twice and that no order goes back; at each crash, that
checkpoint + tail equals what the dead engine was, byte for byte; and at the end, that orders, cash, fees, funding and
positions equal the venue's, that no id was sent twice and that nothing a person cancelled is still open.
"""

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.engine.flow import Choices, Flow
from tests.unit.engine.venue import half_even_agrees
from tradectl.model.commands import ExecutionBooked, LookUpOrder, RiskApproved
from tradectl.model.events import Started

NUMBERS = st.lists(st.integers(min_value=0, max_value=5039), min_size=90, max_size=300)
QUICK = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


def run(numbers: list[int], steps: int, states_pnl: bool) -> Flow:
    flow = Flow(Choices(numbers), states_pnl=states_pnl)
    for _ in range(steps):
        flow.step()
    flow.finish()
    flow.compare()
    return flow


@given(NUMBERS)
@QUICK
def test_any_interleaving_ends_in_the_state_the_exchange_has(numbers: list[int]) -> None:
    run(numbers, len(numbers) // 3, states_pnl=True)


@given(NUMBERS)
@QUICK
def test_any_interleaving_ends_there_too_when_the_venue_states_no_profits(numbers: list[int]) -> None:
    run(numbers, len(numbers) // 3, states_pnl=False)


@pytest.mark.parametrize("seed", range(40))
def test_long_flows(seed: int) -> None:
    generator = random.Random(seed)
    run([generator.randrange(5040) for _ in range(900)], 200, states_pnl=bool(seed % 2))


def test_the_flows_do_what_they_are_for() -> None:
    """A flow in which nothing happens would prove nothing: count what the long ones contain."""
    crashes = fills = lost = sent = 0
    for seed in range(12):
        generator = random.Random(seed)
        flow = run([generator.randrange(5040) for _ in range(900)], 200, states_pnl=True)
        crashes += sum(isinstance(e, Started) and e.restored for e in flow.bench.events)
        fills += len(flow.bench.said(ExecutionBooked))
        lost += len(flow.bench.said(LookUpOrder))
        sent += len(flow.bench.said(RiskApproved))
    assert crashes >= 10
    assert fills >= 100
    assert lost >= 40
    assert sent >= 100


def test_the_oracle_rounds_half_even() -> None:
    assert half_even_agrees()
