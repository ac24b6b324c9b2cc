"""Whatever is lost, late, repeated or crashes: once all is quiet, every position has the stops it is meant to have.

The flows are those of ``test_order_flows`` with brackets, conditional orders, stops set by hand, trailing stops, and a
venue that triggers, cancels and forgets stops. At the end the venue holds exactly the stops each of two books is meant
to have, no more and no less, and books, cash and orders equal the venue's.
"""

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.engine.flow import Choices, Flow
from tradectl.model.commands import Alert, ExecutionBooked, RiskApproved
from tradectl.model.events import Started

NUMBERS = st.lists(st.integers(min_value=0, max_value=5039), min_size=120, max_size=400)
QUICK = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


def run(numbers: list[int], steps: int, states_pnl: bool = True) -> Flow:
    flow = Flow(Choices(numbers), states_pnl=states_pnl, stops=True)
    for _ in range(steps):
        flow.step()
    flow.finish()
    flow.compare()
    assert flow.unprotected() == []
    return flow


@given(NUMBERS)
@QUICK
def test_no_position_is_left_without_its_stops(numbers: list[int]) -> None:
    run(numbers, len(numbers) // 4)


@pytest.mark.parametrize("seed", range(40))
def test_long_flows(seed: int) -> None:
    generator = random.Random(seed)
    run([generator.randrange(5040) for _ in range(1500)], 180, bool(seed % 2))


def test_the_flows_do_what_they_are_for() -> None:
    """A flow without stops would prove nothing: count what the long ones contain."""
    counts = dict.fromkeys(("conditional", "attached", "amended", "stopped", "replaced", "crashes"), 0)
    for seed in range(40):
        generator = random.Random(seed)
        bench = run([generator.randrange(5040) for _ in range(1500)], 180).bench
        orders = bench.creates()
        counts["conditional"] += sum(o.trigger is not None for o in orders)
        counts["attached"] += sum(o.protection is not None for o in orders)
        amendments = [c.amendment for c in bench.said(RiskApproved) if c.amendment is not None]
        counts["amended"] += sum(a.trigger_price is not None for a in amendments)
        counts["stopped"] += sum(b.execution.stop_order_type != "" for b in bench.said(ExecutionBooked))
        counts["replaced"] += sum(a.code == "stop_missing" for a in bench.said(Alert))
        counts["crashes"] += sum(isinstance(e, Started) and e.restored for e in bench.events)
    assert all(count >= 2 for count in counts.values()), counts
