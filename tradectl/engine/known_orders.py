"""Which order a statement of the venue is about, and whose it is: by our id, by the venue's, or through its parent."""

from tradectl.engine.order_state import NO_STOP, Order, Orphan
from tradectl.engine.portfolio_manager import EXTERNAL
from tradectl.engine.world import World
from tradectl.model.ids import parse_link_id
from tradectl.model.orders import OrderReport, OrderSpec, OrderStatus

#: So many orders that are not kept are remembered by their executions and their end.
MAX_ORPHANS = 200


class KnownOrders:
    """Finds orders and takes in those that are new to us."""

    def __init__(self, world: World) -> None:
        self._w = world

    def find(self, link_id: str, order_id: str) -> Order | None:
        """An order by our id, else by the venue's."""
        order = self._w.orders.get(link_id) if link_id else None
        return order if order is not None else self._w.orders.get(self._w.link_of.get(order_id, order_id))

    def owner(self, link_id: str) -> str | None:
        """The strategy an id of this run belongs to, ``None`` when the id is not ours."""
        parts = parse_link_id(link_id)
        if parts is None or parts.run != self._w.config.run:
            return None
        return self._w.strategy_of_number(parts.instance)

    def take_in(self, report: OrderReport, news: bool = False) -> Order | None:
        """An order we hear of for the first time; ``None`` when it is over and has nothing left to tell.

        ``news``: it ends now, as the stream says, so that its executions may be still to come: one of ours whose
        record was lost with the journal's end counts as exposure until they are here.
        """
        owner = self.owner(report.link_id) or self.owner(report.parent_link)
        orphan = self._w.orphans.get(report.order_id)
        awaited = self._is_awaited(report, owner) or (news and self._is_filling(report, orphan))
        if report.status.is_final and not awaited:
            self.orphan(report.order_id).ended = True
            return None
        if orphan is not None and orphan.ended:
            return None
        order = self._made(report, owner)
        if orphan is not None:
            del self._w.orphans[report.order_id]
            order.booked, order.booked_value, order.fees = orphan.qty, orphan.value, orphan.fees
        self._w.add_order(order)
        self._w.touch(order)
        return order

    def _is_awaited(self, report: OrderReport, owner: str | None) -> bool:
        """Whether executions of an attached stop that is over still have to find their book through it."""
        return owner is not None and bool(report.cum_qty) and report.order_id in self._w.held

    def _is_filling(self, report: OrderReport, orphan: Orphan | None) -> bool:
        """Whether an order of ours, new to us, was filled by executions that are not all here."""
        if self.owner(report.link_id) is None or (orphan is not None and orphan.ended):
            return False
        return report.cum_qty > (orphan.qty if orphan is not None else 0)

    def _made(self, report: OrderReport, owner: str | None) -> Order:
        w = self._w
        child = bool(report.parent_link) and not report.link_id
        spec = OrderSpec(
            report.link_id or report.order_id, report.instrument, report.side, report.type, report.qty, report.price,
            report.time_in_force, report.reduce_only, trigger=report.trigger, close_on_trigger=report.close_on_trigger,
            protection=report.protection, position_idx=report.position_idx,
        )  # fmt: skip
        entry = w.orders.get(report.parent_link)
        return Order(
            spec, owner or EXTERNAL, entry.decision if entry is not None else 0, w.cause, w.now, OrderStatus.SENT,
            report.qty, report.price, order_id=report.order_id, foreign=owner is None,
            reason="" if child else "found at the venue", trigger_price=report.trigger_price,
            parent=report.parent_link, stop_type="" if report.stop_order_type in NO_STOP else report.stop_order_type,
            arrival=report.trigger_price,
        )  # fmt: skip

    def orphan(self, order_id: str) -> Orphan:
        """What is remembered of an order that is not kept."""
        orphans = self._w.orphans
        orphan = orphans.setdefault(order_id, Orphan())
        if len(orphans) > MAX_ORPHANS:
            del orphans[next(iter(orphans))]
        return orphan
