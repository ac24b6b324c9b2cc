"""Twenty strategies want more than the venue allows: the queue uses what is permitted and never more.

``python -m tests.unit.engine.test_order_flood`` is the full-size bar: 10,000 intents.
"""

import json
import sys
import time

import pytest

from tests.unit.engine.flooding import Flood
from tradectl.engine.config import QueueLimits
from tradectl.model.events import OrderAnswered
from tradectl.model.money import use_exact_context

#: Of the permitted rate, while something waits: ten requests in 1.04 s are 96.2 % of ten in a second.
LEAST_USE = 0.95


def figures(flood: Flood) -> dict[str, object]:
    """What a run is judged by."""
    sent = {f"{family}:{action}": len(times) for (family, action), times in sorted(flood.venue.admitted.items())}
    use = {
        f"{family}:{action}": flood.use(family, action)
        for family in ("derivative", "spot")
        for action in ("create", "amend", "cancel")
    }
    return {
        "intents": flood.intents(), "refused_10006": sum(flood.venue.refused.values()), "sent": sent,
        "use_of_permitted_rate_and_seconds": use, "refused_by_risk": len(flood.refusals()),
        "out_of_order": flood.watched.breaches[:5], "cancels_behind_creates": flood.step_faults[:5],
    }  # fmt: skip


def judge(flood: Flood) -> None:
    """The bar."""
    found = figures(flood)
    assert found["refused_10006"] == 0, found
    assert not flood.watched.breaches, found
    assert not flood.step_faults, found
    assert len(flood.venue.creates) == len(set(flood.venue.creates)), "an id was sent twice"
    assert not any(e.code for e in flood.bench.events if isinstance(e, OrderAnswered) and e.code == 10006)


def test_no_limit_is_broken_and_the_permitted_rate_is_used() -> None:
    flood = Flood(1_000)
    flood.run(120)
    judge(flood)
    assert flood.intents() == 1_000
    used, seconds = flood.use("derivative", "create")
    assert seconds >= 4
    assert used >= LEAST_USE


def test_the_venue_of_this_test_does_refuse() -> None:
    """A queue that believes in more than the venue gives is caught."""
    flood = Flood(200, QueueLimits(derivative_create=14, reserve=0))
    flood.run(20)
    assert flood.venue.refused.get(("derivative", "create"), 0) > 0


def test_without_batches_the_single_budget_is_used_alone() -> None:
    flood = Flood(300, QueueLimits(batch=False))
    flood.run(60)
    judge(flood)
    assert not any(action.endswith("_batch") for _, action in flood.venue.admitted)


@pytest.mark.parametrize("seed", [1])
def test_two_floods_of_one_seed_are_the_same(seed: int) -> None:
    prints = []
    for _ in range(2):
        flood = Flood(200, seed=seed)
        flood.run(20)
        prints.append(flood.bench.answers)
    assert prints[0] == prints[1]


def main() -> int:
    """The full-size bar, by hand."""
    use_exact_context()
    began = time.monotonic()
    flood = Flood(10_000)
    flood.run(600)
    print(json.dumps(figures(flood) | {"wall_s": round(time.monotonic() - began, 1)}, indent=2))
    judge(flood)
    for family in ("derivative", "spot"):
        for action in ("create", "amend", "cancel"):
            used, seconds = flood.use(family, action)
            assert seconds < 20 or used >= LEAST_USE, (family, action, used)
    return 0


if __name__ == "__main__":
    sys.exit(main())
