"""Dispatch: what risk accepted waits in the queue and leaves it here, approved anew, as budgets allow."""

from decimal import Decimal

from tradectl.engine.order_queue import Waiting
from tradectl.engine.order_state import Order
from tradectl.engine.risk_manager import RiskManager
from tradectl.engine.world import World
from tradectl.model.commands import Amendment, CancelOrder
from tradectl.model.events import Action
from tradectl.model.orders import OrderSpec, OrderStatus

QUEUE_TIMER = "queue"


class Dispatch:
    """Puts creates, amendments and cancels into the queue, and sends what is due."""

    def __init__(self, world: World, risk: RiskManager) -> None:
        self._w = world
        self._risk = risk

    # --- into the queue

    def create(self, order: Order, reduces: bool | None = None) -> None:
        """Queue an order's create; ``reduces`` when the caller knows already."""
        self._w.queue.add(self._create_of(order, self._still_reduces(order) if reduces is None else reduces))

    def amend(self, order: Order, qty: Decimal | None, price: Decimal | None) -> None:
        """Queue an amendment."""
        w = self._w
        w.queue.add(Waiting(Action.AMEND, order.link_id, order.instrument, False, w.now, 0, w.cause, qty, price))

    def cancel(self, order: Order) -> None:
        """Queue a cancel."""
        w = self._w
        w.queue.add(Waiting(Action.CANCEL, order.link_id, order.instrument, True, w.now, cause=w.cause))

    def insist(self, order: Order, not_before: int = 0) -> None:
        """Send the cancel of an order again that was to be cancelled and is still open."""
        if order.is_open and order.cancel_asked and not self._w.queue.holds(order.link_id, Action.CANCEL):
            waiting = Waiting(Action.CANCEL, order.link_id, order.instrument, True, self._w.now, not_before)
            waiting.cause = self._w.cause
            self._w.queue.add(waiting)

    def _still_reduces(self, order: Order) -> bool:
        spec = order.spec
        return self._risk.reduces(
            order.strategy, order.instrument, spec.side, order.qty, order.link_id, spec.reduce_only
        )

    def _create_of(self, order: Order, reduces: bool) -> Waiting:
        return Waiting(Action.CREATE, order.link_id, order.instrument, reduces, self._w.now, cause=order.cause)

    # --- out of it

    def release(self) -> None:
        """Send what is due, drop what waited too long, and ask to be woken for the rest."""
        w = self._w
        if not w.queue.state.waiting:
            w.cancel_timer(QUEUE_TIMER)
            return
        for waiting in w.queue.expired(w.now):
            self._expire(waiting)
        for waiting in w.queue.release(w.now, cancels_only=w.unreconciled):
            self._send(waiting)
        again = w.queue.next_at(w.now, cancels_only=w.unreconciled)
        if again is None:
            w.cancel_timer(QUEUE_TIMER)
        else:
            w.set_timer(QUEUE_TIMER, again)

    def distrust_queue(self) -> None:
        """After a restart: the journal may have lost its last entries, so what waited may have been sent since then.
        Such an order is looked up like any other without an answer, never sent under the same id."""
        for order in self._w.open_orders():
            if order.status is OrderStatus.QUEUED:
                self._w.queue.drop(order.link_id, Action.CREATE)
                order.status, order.reason = OrderStatus.UNKNOWN, "it waited to be sent when the daemon stopped"
                self._w.touch(order)

    def _expire(self, waiting: Waiting) -> None:
        order = self._w.orders.get(waiting.link_id)
        if order is None:
            return
        if waiting.action is Action.AMEND:
            self._not_amended(order, "the amendment waited too long in the queue")
        elif order.status is OrderStatus.QUEUED:
            order.status, order.reason = OrderStatus.EXPIRED, "waited too long in the queue"
            self._w.touch(order)

    def _not_amended(self, order: Order, reason: str) -> None:
        order.amend_ended()
        order.reason = reason
        self._w.touch(order)

    def _send(self, waiting: Waiting) -> None:
        order = self._w.orders.get(waiting.link_id)
        if order is None or not order.is_open:
            return
        if waiting.action is Action.CREATE:
            self._send_create(order)
        elif waiting.action is Action.CANCEL:
            self._w.emit(CancelOrder(waiting.cause, order.link_id, order.order_id, order.instrument))
        else:
            self._send_amend(order, waiting)

    def _send_amend(self, order: Order, waiting: Waiting) -> None:
        failed = self._risk.check_release(order, waiting.qty, waiting.price)
        if failed is not None:
            self._not_amended(order, f"not amended: {failed.reason}")
            return
        order.amending = Amendment(order.link_id, order.order_id, order.instrument, waiting.qty, waiting.price)
        self._w.emit(self._risk.approve_amendment(order, waiting.cause, order.amending))

    def _send_create(self, order: Order) -> None:
        if order.status is not OrderStatus.QUEUED:
            return
        # What risk accepted in this very step need not be asked about again: nothing has moved since.
        failed = None if order.cause == self._w.cause else self._risk.check_release(order)
        if failed is None:
            order.status = OrderStatus.SENT
            self._w.emit(self._risk.approve(order))
        else:
            order.status, order.reason = OrderStatus.REFUSED, failed.reason
        self._w.touch(order)

    def again(self, order: Order, not_before: int) -> None:
        """The venue certainly did not take this order: queue it anew under a fresh id, for no id is sent twice."""
        w = self._w
        spec = order.spec
        fresh = OrderSpec(
            w.next_link(order.strategy), spec.instrument, spec.side, spec.type, spec.qty, spec.price,
            spec.time_in_force, spec.reduce_only, spec.quote_qty,
        )  # fmt: skip
        clone = Order(
            fresh, order.strategy, order.decision, order.cause, w.now, OrderStatus.QUEUED, order.qty, order.price,
            retries=order.retries + 1, person=order.person,
        )  # fmt: skip
        w.add_order(clone)
        waiting = self._create_of(clone, self._still_reduces(clone))
        waiting.not_before = not_before
        w.queue.add(waiting)
