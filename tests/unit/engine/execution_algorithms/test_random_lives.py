"""No overfill, no orphan, no duplicate: under lost answers, refusals, late fills, crashes, a restart at every step."""

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.engine.execution_algorithms.algorithm_flow import ASKED, run

_NUMBERS = st.lists(st.integers(0, 10_000), min_size=30, max_size=240)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(0, len(ASKED) - 1), _NUMBERS)
def test_any_life_of_any_algorithm(kind: int, numbers: list[int]) -> None:
    flow = run([kind, *numbers])
    flow.compare()
    flow.compare_algorithms()


@pytest.mark.parametrize("side", [0, 1])
@pytest.mark.parametrize("kind", range(len(ASKED)))
def test_a_quiet_life_of_every_algorithm(kind: int, side: int) -> None:
    """Nothing goes wrong: each kind comes to its end, on either side."""
    flow = run([kind, side])
    flow.compare()
    flow.compare_algorithms()


@pytest.mark.parametrize("seed", range(40))
def test_long_lives(seed: int) -> None:
    """Long ones, with crashes and power losses in them; 140 and 1433 once failed."""
    drawn = random.Random((140, 1433, *range(38))[seed])
    flow = run([drawn.randrange(5040) for _ in range(drawn.randrange(60, 400))])
    flow.compare()
    flow.compare_algorithms()
