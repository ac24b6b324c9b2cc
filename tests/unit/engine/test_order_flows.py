"""Whatever is delayed, repeated, reordered or lost, the engine ends where the exchange is (bars of issue 2)."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.engine.flow import Choices, Flow

NUMBERS = st.lists(st.integers(min_value=0, max_value=5039), min_size=0, max_size=120)
QUICK = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


@given(NUMBERS)
@QUICK
def test_any_interleaving_ends_in_the_state_the_exchange_has(numbers: list[int]) -> None:
    flow = Flow(Choices(numbers))
    for _ in range(len(numbers) // 2):
        flow.step()
    flow.finish()
    flow.compare()
