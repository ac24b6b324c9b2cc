"""The orders of an algorithm: each fill counted once, what may still fill counted at its worst."""

from decimal import Decimal

from tradectl.engine.execution_algorithms.state import Child, Leg, Run
from tradectl.engine.order_state import Order
from tradectl.engine.world import World
from tradectl.model.money import ZERO
from tradectl.model.orders import Execution, Side

#: So many orders are remembered one by one; of older ones only their sums are, once the engine let them go.
KEEP_CHILDREN = 200
#: What the tags begin with of orders whose record was lost with the end of the journal: they count, and are cancelled.
FOUND = "found"


class Children:
    """The orders of one algorithm, beside the engine's own knowledge of them."""

    def __init__(self, world: World, run: Run) -> None:
        self._w = world
        self._run = run

    def adopt(self, order: Order, tag: str = "") -> None:
        """An order belongs to the algorithm from now on.

        Without a ``tag``: a create tried again under a fresh id is of the same decision as the order it replaces.
        """
        run = self._run
        if not tag:
            twins = (c.tag for c in run.children.values() if c.decision == order.decision and c.decision)
            tag = next(twins, f"{FOUND} {order.spec.side.value}")
        run.children[order.link_id] = Child(tag, order.spec.side, order.decision)
        if tag not in run.legs:
            run.legs[tag] = Leg(order.spec.side)

    def count(self, order: Order) -> bool:
        """Take note of an order as it is now, each fill once; whether it filled more than was known."""
        child = self._run.children[order.link_id]
        leg = self._run.legs[child.tag]
        filled = max(child.filled, order.filled)
        more = filled > child.filled
        now = {"filled": filled, "booked": order.booked, "value": order.booked_value, "fees": order.fees}
        for name, amount in now.items():
            setattr(leg, name, getattr(leg, name) + amount - getattr(child, name))
            setattr(child, name, amount)
        child.settled = not order.is_open and not order.misses_executions
        return more

    def stray(self, execution: Execution) -> None:
        """A fill of an order that nobody remembers; the order itself may still be heard of."""
        tag = f"{FOUND} {execution.side.value}"
        child = self._run.children.setdefault(execution.link_id, Child(tag, execution.side))
        leg = self._run.legs.setdefault(child.tag, Leg(execution.side))
        for part in (child, leg):
            part.filled += execution.qty
            part.booked += execution.qty
            part.value += execution.value
            part.fees += execution.fee

    def prune(self) -> None:
        """Forget the oldest orders the engine has let go of: nothing can be heard of them any more."""
        children = self._run.children
        if len(children) > KEEP_CHILDREN:
            gone = [link for link in children if link not in self._w.orders]
            for link in gone[: len(children) - KEEP_CHILDREN]:
                del children[link]

    def open(self, tag: str = "") -> list[Order]:
        """Orders (with this tag) that may still fill, oldest first."""
        orders = (self._w.orders.get(link) for link, c in self._run.children.items() if not tag or c.tag == tag)
        return [o for o in orders if o is not None and o.is_open]

    @property
    def all_settled(self) -> bool:
        """Nothing of it is open, and every execution is here."""
        return all(c.settled or link not in self._w.orders for link, c in self._run.children.items())

    def in_flight(self, side: Side, tag: str = "") -> Decimal:
        """What open orders of a side may still fill, at their worst: unknown, being amended or cancelled all count."""
        return sum((worst(o) for o in self.open(tag) if o.spec.side is side), ZERO)


def worst(order: Order) -> Decimal:
    """What an order may still fill, whatever becomes of its amendments."""
    return max(max(order.qty, order.worst_qty) - order.filled, ZERO) if order.is_open else ZERO
