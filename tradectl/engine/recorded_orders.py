"""The tail of a journal replayed by other code than wrote it: what was sent then counts, not what is decided now.

Otherwise an id that was sent with one order would be known with another, or an order be waited for that never left.
"""

from collections.abc import Iterable

from tradectl.engine.order_state import Order
from tradectl.engine.world import OPERATOR, World
from tradectl.model.commands import Command, RiskApproved
from tradectl.model.ids import parse_link_id
from tradectl.model.orders import OrderStatus

NOT_SENT = "decided by newer code while older records were replayed: never sent"


def follow_record(world: World, recorded: Iterable[Command], again: Iterable[Command]) -> int:
    """After the replay of one entry: make the orders those of the record. Returns how many it departed in."""
    sent, made = _creates(recorded), _creates(again)
    departed = 0
    for link_id in made:
        if link_id not in sent:
            departed += 1
            _take_back(world, link_id)
    for link_id, approved in sent.items():
        if link_id not in made or made[link_id].order != approved.order:
            departed += 1
            _take_over(world, approved)
    return departed


def _creates(commands: Iterable[Command]) -> dict[str, RiskApproved]:
    approved = (c for c in commands if isinstance(c, RiskApproved) and c.order is not None)
    return {c.order.link_id: c for c in approved if c.order is not None}


def _take_back(world: World, link_id: str) -> None:
    order = world.orders.get(link_id)
    if order is not None:
        order.status, order.reason = OrderStatus.REFUSED, NOT_SENT
        world.touch(order)


def _take_over(world: World, approved: RiskApproved) -> None:
    spec = approved.order
    assert spec is not None
    parts = parse_link_id(spec.link_id)
    assert parts is not None  # every order we sent has such an id
    owner = world.strategy_of_number(parts.instance) or OPERATOR
    world.open.drop(spec.link_id)  # it may have been counted for another instrument or side
    order = Order(spec, owner, approved.decision, approved.cause, world.now, OrderStatus.SENT, spec.qty, spec.price)
    world.add_order(order)
    world.order_seq = max(world.order_seq, parts.seq + 1)
