"""What comes back about orders: answers, reports, executions and look-ups, merged into orders and books."""

from tradectl.engine.dispatch import Dispatch
from tradectl.engine.fills import WALL, Fills
from tradectl.engine.known_orders import KnownOrders
from tradectl.engine.order_queue import group_of
from tradectl.engine.order_state import REST, Order, merge_report
from tradectl.engine.trading_state import PERSON
from tradectl.engine.world import World
from tradectl.model.commands import AlertLevel, Level, LookUpOrder
from tradectl.model.events import Action, OrderAnswered, OrderLookedUp, Reaction
from tradectl.model.orders import OrderReport, OrderStatus

__all__ = ["LOOK_AGAIN", "WALL", "OrderAnswers"]

#: A look-up or reconciliation is repeated after this long (nanoseconds of wall time, see ``WALL``).
LOOK_AGAIN = 1_000_000_000
#: The longest wait before a cancel the venue did not carry out is sent again, in units of ``LOOK_AGAIN``.
MOST_PATIENCE = 60
#: A reduce-only order found no position: it was not made, and it is the position that wants a look (bybit-v5 10).
NOTHING_TO_REDUCE = 110017
#: A create the venue certainly did not take is tried this often under fresh ids.
MAX_RETRIES = 3
#: A cancel the venue was too busy for is tried again after this long (nanoseconds).
PAUSE = 100_000_000


class OrderAnswers:
    """Merges every word about an order. What happened once is booked once."""

    def __init__(self, world: World, dispatch: Dispatch, known: KnownOrders, fills: Fills) -> None:
        self._w = world
        self._dispatch = dispatch
        self._known = known
        self._fills = fills

    # --- answers of the gateway

    def answered(self, event: OrderAnswered) -> None:
        """An ack, a refusal, or no answer at all."""
        order = self._w.orders.get(event.link_id)
        if order is None:
            return
        if event.order_id and not order.order_id:
            order.order_id = event.order_id
        if event.code == 10006 or (event.reaction is Reaction.RETRY and event.retry_at):
            self._w.queue.block(group_of(order.instrument, event.action), event.retry_at)
        if event.action is Action.CREATE:
            self._created(order, event)
        elif event.reaction is not Reaction.OK:
            self._not_done(order, event)
        self._w.touch(order)

    def _created(self, order: Order, event: OrderAnswered) -> None:
        if order.status not in (OrderStatus.SENT, OrderStatus.UNKNOWN):
            return
        if event.reaction is Reaction.OK:
            order.status = OrderStatus.ACCEPTED
        elif event.reaction is Reaction.RECONCILE and event.code != NOTHING_TO_REDUCE:
            self.look_up(order)
        else:
            order.status, order.inferred = OrderStatus.REJECTED, True
            order.reason = f"{event.code} {event.message}"
            if event.reaction is Reaction.RETRY and order.retries < MAX_RETRIES and not order.cancel_asked:
                self._dispatch.again(order, max(event.retry_at, self._w.now + 1_000_000))
            if event.reaction is Reaction.STOP:
                self._stop(event)

    def _stop(self, event: OrderAnswered) -> None:
        text = f"the venue answered {event.code}: {event.message}"
        if self._w.restrict(f"venue:{event.code}", Level.REDUCING, PERSON, text):
            self._w.alert(AlertLevel.CRITICAL, "venue_stop", text, "correct the cause, then: tradectl resume")

    def _not_done(self, order: Order, event: OrderAnswered) -> None:
        """A cancel or amendment that failed; one whose outcome is unknown stays wanted until a look-up."""
        if event.reaction is not Reaction.RECONCILE:
            if event.action is Action.AMEND:
                order.amend_ended()
                order.rest_until = self._w.now + REST
            elif event.reaction is not Reaction.RETRY:
                order.cancel_asked = False
        if event.reaction is Reaction.STOP:
            self._stop(event)
        elif not order.is_open:
            return
        elif event.reaction is Reaction.RETRY and event.action is Action.CANCEL:
            self._dispatch.insist(order, max(event.retry_at, self._w.now + PAUSE))
        elif event.reaction in (Reaction.RECONCILE, Reaction.RETRY):
            self.look_up(order)

    # --- look-ups

    def look_up(self, order: Order) -> None:
        """Ask the venue what became of an order; never send it again."""
        if order.status is OrderStatus.SENT:
            order.status = OrderStatus.UNKNOWN
        order.looks += 1
        ours = self._known.owner(order.link_id) is not None
        self._w.emit(LookUpOrder(order.link_id if ours else "", order.instrument, "" if ours else order.order_id))
        self._w.touch(order)

    def looked_up(self, event: OrderLookedUp) -> None:
        """The venue's whole knowledge of one order."""
        order = self._known.find(event.link_id, event.order_id)
        if order is None:
            self._looked_for_held(event)
            return
        for execution in event.executions:
            self._fills.executed(execution)
        if event.report is not None:
            self.reported(event.report)
        if event.error or (event.report is None and not event.conclusive):
            self._w.set_timer(f"{WALL}look:{order.link_id}", self._w.now + LOOK_AGAIN)
        elif order.is_open:
            self._looked(order, known=event.report is not None)

    def _looked_for_held(self, event: OrderLookedUp) -> None:
        """The answer about an order we know by its fills alone."""
        if event.report is not None:
            self.reported(event.report)
        elif event.conclusive and not event.error:
            self._fills.settle(event.order_id)

    def _looked(self, order: Order, known: bool) -> None:
        order.amend_ended()
        self._w.recount(order)
        if known:
            # Each further try waits longer: an order that will not be cancelled must not use up the venue's allowance.
            self._dispatch.insist(order, self._w.now + min(order.looks - 1, MOST_PATIENCE) * LOOK_AGAIN)
            return
        existed = bool(order.booked or order.updated)
        order.status = OrderStatus.CANCELLED if existed else OrderStatus.LOST
        order.reason = "the venue no longer knows it" if existed else "it never reached the venue"
        order.cum_qty, order.inferred = max(order.cum_qty, order.booked), True
        self._w.touch(order)

    def insist(self, order: Order) -> None:
        """An order that was to be cancelled is still open: cancel it again."""
        self._dispatch.insist(order)

    # --- what the venue says

    def reported(self, report: OrderReport, news: bool = False) -> None:
        """Merge the state of one order; orders that are not known yet are taken in. ``news``: as the stream says."""
        order = self._known.find(report.link_id, report.order_id) or self._known.take_in(report, news)
        if order is not None and merge_report(order, report):
            if not order.is_open:
                order.cancel_asked = False
                order.amend_ended()
            self._w.touch(order)
        if report.order_id in self._w.held:
            self._fills.settle(report.order_id)

    def chase(self, older_than: int) -> bool:
        """Look up orders and amendments that were never heard of again; whether executions are missing anywhere."""
        if not self._w.open.any:
            return False
        missing = False
        for order in self._w.open_orders():
            quiet = order.touched < older_than
            unheard = order.status in (OrderStatus.SENT, OrderStatus.ACCEPTED) or order.amending is not None
            if quiet and unheard and order.is_open:
                self.look_up(order)
            missing |= quiet and order.misses_executions
        return missing
