"""What the venue owes of attached stops, from the running totals, is what adding up all remembered orders gives."""

import random
from decimal import Decimal

import pytest

from tests.unit.engine.flow import Choices, Flow
from tradectl.engine.attached_stops import AttachedStops
from tradectl.engine.order_state import leg_of
from tradectl.engine.protection_legs import Leg
from tradectl.model.instruments import InstrumentId


def slow_owed(leg: Leg, strategy: str, instrument: InstrumentId, sign: int, name: str) -> Decimal:
    """Two passes over everything that is remembered: the definition."""
    orders = list(leg._w.orders.values())
    shown: dict[str, Decimal] = {}
    for order in orders:
        if order.parent and leg_of(order) == name:
            shown[order.parent] = shown.get(order.parent, Decimal(0)) + order.qty
    total = Decimal(0)
    for entry in orders:
        attached = entry.spec.protection
        if attached is None or (entry.strategy, entry.instrument, entry.sign) != (strategy, instrument, sign):
            continue
        wanted = attached.stop_loss if name == "stop_loss" else attached.take_profit
        if wanted is not None:
            total += max(entry.booked - shown.get(entry.link_id, Decimal(0)) - entry.unattached, Decimal(0))
    return total


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Decimal]:
    """Every answer, compared at the very moment the protection desk relies on it."""
    answers: list[Decimal] = []
    fast = Leg._owed

    def checked(leg: Leg) -> Decimal:
        answer = fast(leg)
        assert answer == slow_owed(leg, leg._strategy, leg._info.id, leg._plan.sign, leg._name)
        answers.append(answer)
        return answer

    monkeypatch.setattr(Leg, "_owed", checked)
    return answers


def test_totals_are_what_all_orders_add_up_to(asked: list[Decimal], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tradectl.engine.world.KEEP_FINISHED", 12)  # so that entries and stops are forgotten, too
    for seed in range(12):
        generator = random.Random(seed)
        flow = Flow(Choices([generator.randrange(5040) for _ in range(1500)]), stops=True, hedge=seed % 3 == 0)
        for _ in range(180):
            flow.step()
        flow.finish()
        world = flow.bench.engine.world
        anew = AttachedStops()
        anew.restore(world.orders.values())
        assert anew._totals == world.attached._totals
        assert anew._children == world.attached._children
    assert len(asked) > 100
    assert sum(answer > 0 for answer in asked) > 20
