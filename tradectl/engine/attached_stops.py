"""What the venue has still to show of the stops that went out attached to entries, kept up to date order by order."""

from collections.abc import Iterable
from decimal import Decimal

from tradectl.engine.order_state import STOP_LOSS, TAKE_PROFIT, Order, leg_of
from tradectl.model.instruments import InstrumentId
from tradectl.model.money import ZERO

#: Strategy, instrument, sign of the entry and name of the leg.
_Key = tuple[str, InstrumentId, int, str]


class AttachedStops:
    """Entries with attached stops among the remembered orders, the stops the venue made of them, and running totals.

    They follow :meth:`recount`, which :class:`World` calls whenever an order changes, and :meth:`drop`.
    """

    def __init__(self) -> None:
        self._entries: dict[str, Order] = {}
        self._children: dict[str, dict[str, Order]] = {}
        self._counted: dict[str, list[tuple[_Key, Decimal]]] = {}
        self._totals: dict[_Key, Decimal] = {}

    def restore(self, orders: Iterable[Order]) -> None:
        """Hold exactly these."""
        self._entries, self._children, self._counted, self._totals = {}, {}, {}, {}
        for order in orders:
            self.recount(order)

    def owed(self, strategy: str, instrument: InstrumentId, sign: int, leg: str) -> Decimal:
        """Filled quantity of entries whose stop of this leg the venue has not shown."""
        return self._totals.get((strategy, instrument, sign, leg), ZERO)

    def entries(self, strategy: str, instrument: InstrumentId) -> list[Order]:
        """Those of a book."""
        return [o for o in self._entries.values() if o.strategy == strategy and o.instrument == instrument]

    def shown(self, entry: Order, leg: str) -> Decimal:
        """The size of an entry's stops of one leg, as far as the venue told of them."""
        children = self._children.get(entry.link_id)
        return sum((o.qty for o in children.values() if leg_of(o) == leg), ZERO) if children else ZERO

    def ahead(self, order: Order) -> list[Order]:
        """The other exits of its entry that filled what this one, by all that is known, would still close."""
        children = self._children.get(order.parent) if order.parent else None
        if children is None or len(children) < 2:
            return []
        leg = leg_of(order)
        others = [o for o in children.values() if o.filled and leg_of(o) != leg]
        ended = (o for o in children.values() if leg_of(o) == leg and not o.is_open)
        if sum((o.filled for o in others), ZERO) <= sum((o.qty - o.filled for o in ended), ZERO):
            return []
        return [o for o in others if order.qty > o.qty - o.filled]

    def recount(self, order: Order) -> None:
        """Count an order as it is now, if it is an entry with stops or such a stop."""
        link = order.spec.link_id
        if order.parent:
            self._children.setdefault(order.parent, {})[link] = order
            self._count(order.parent)
        if order.spec.protection is not None:
            self._entries[link] = order
            self._count(link)
        elif link in self._entries:
            self._forget(link)

    def drop(self, order: Order) -> None:
        """An order is not remembered any more."""
        link = order.spec.link_id
        if link in self._entries:
            self._forget(link)
        siblings = self._children.get(order.parent) if order.parent else None
        if siblings and siblings.pop(link, None) is not None:
            if not siblings:
                del self._children[order.parent]
            self._count(order.parent)

    def _forget(self, link: str) -> None:
        self._uncount(link)
        del self._entries[link]

    def _uncount(self, link: str) -> None:
        for key, amount in self._counted.pop(link, ()):
            self._totals[key] -= amount
            if not self._totals[key]:
                del self._totals[key]

    def _count(self, link: str) -> None:
        entry = self._entries.get(link)
        if entry is None:
            return  # over and forgotten, or not told of yet
        self._uncount(link)
        attached, counted = entry.spec.protection, []
        assert attached is not None
        for leg, wanted in ((STOP_LOSS, attached.stop_loss), (TAKE_PROFIT, attached.take_profit)):
            amount = entry.booked - entry.unattached - self.shown(entry, leg) if wanted is not None else ZERO
            if amount > 0:
                key = (entry.strategy, entry.instrument, entry.sign, leg)
                counted.append((key, amount))
                self._totals[key] = self._totals.get(key, ZERO) + amount
        if counted:
            self._counted[link] = counted
