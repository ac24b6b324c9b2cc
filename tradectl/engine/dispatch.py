"""Dispatch: what risk accepted waits in the queue and leaves it here, approved anew, as budgets allow."""

from decimal import Decimal

from msgspec.structs import replace

from tradectl.engine.order_queue import Waiting
from tradectl.engine.order_state import REST, Order
from tradectl.engine.risk_manager import RiskManager
from tradectl.engine.world import World
from tradectl.model.commands import Amendment, CancelOrder
from tradectl.model.events import Action
from tradectl.model.instruments import Category
from tradectl.model.orders import FINAL, OrderStatus, TradingStop

QUEUE_TIMER = "queue"
_CREATE = Action.CREATE


class Dispatch:
    """Puts creates, amendments and cancels into the queue, and sends what is due."""

    def __init__(self, world: World, risk: RiskManager) -> None:
        self._w = world
        self._risk = risk

    # --- into the queue

    def create(self, order: Order, reduces: bool | None = None) -> None:
        """Queue an order's create; ``reduces`` when the caller knows already."""
        if reduces is None:
            reduces = self._still_reduces(order)
        self._w.queue.add(self._waiting(Action.CREATE, order, reduces, order.cause))

    def create_plain(self, order: Order, reduces: bool) -> None:
        """:meth:`create` of a market order and nothing else."""
        spec, queue = order.spec, self._w.queue
        waiting = Waiting(_CREATE, spec.link_id, spec.instrument, reduces, self._w.now, 0, order.cause)
        waiting.strategy = order.strategy
        queue.add(waiting)

    def amend(
        self,
        order: Order,
        qty: Decimal | None,
        price: Decimal | None,
        trigger_price: Decimal | None = None,
        take_profit: Decimal | None = None,
        stop_loss: Decimal | None = None,
    ) -> None:
        """Queue an amendment; ``None`` leaves as it is, 0 removes an attached stop."""
        waiting = self._waiting(Action.AMEND, order, order.protective, self._w.cause)
        waiting.qty, waiting.price, waiting.trigger_price = qty, price, trigger_price
        waiting.take_profit, waiting.stop_loss = take_profit, stop_loss
        waiting.protective |= stop_loss is not None
        # amend-batch excludes conditional orders (bybit-v5 5.8)
        waiting.batchable = order.spec.trigger is None and not order.is_stop
        self._w.queue.add(waiting)

    def cancel(self, order: Order, not_before: int = 0) -> None:
        """Queue a cancel."""
        waiting = self._waiting(Action.CANCEL, order, True, self._w.cause)
        waiting.not_before = not_before
        # The cancel of a conditional spot order names its kind, for which an item of a batch has no field.
        waiting.batchable = order.spec.trigger is None or order.instrument.category is not Category.SPOT
        self._w.queue.add(waiting)

    def stop(self, stop: TradingStop, cause: int, decision: int = 0, strategy: str = "") -> None:
        """Queue a change of a whole position's stops; one that waits already is completed by it."""
        w = self._w
        name = f"stop:{stop.instrument}:{stop.position_idx}"
        waiting = Waiting(Action.AMEND, name, stop.instrument, True, w.now, cause=cause, strategy=strategy)
        waiting.protective, waiting.batchable, waiting.stop, waiting.decision = True, False, stop, decision
        w.queue.add(waiting)

    def insist(self, order: Order, not_before: int = 0) -> None:
        """Send the cancel of an order again that was to be cancelled and is still open."""
        if order.is_open and order.cancel_asked and not self._w.queue.holds(order.link_id, Action.CANCEL):
            self.cancel(order, not_before)

    def _still_reduces(self, order: Order) -> bool:
        return self._risk.still_reduces(order, order.qty)

    def _waiting(self, action: Action, order: Order, reduces: bool, cause: int) -> Waiting:
        return Waiting(
            action, order.link_id, order.instrument, reduces, self._w.now, cause=cause, strategy=order.strategy,
            protective=order.is_stop,
        )  # fmt: skip

    # --- out of it

    def release(self) -> None:
        """Send what is due, drop what waited too long, and ask to be woken for the rest."""
        w, queue = self._w, self._w.queue
        lone = queue.leave_alone(w.now, w.unreconciled) if queue.waits else None
        if lone is not None and not self._send(lone):
            queue.give_back(lone)
        if not queue.waits:
            if QUEUE_TIMER in w.timers:
                w.cancel_timer(QUEUE_TIMER)
            return
        for waiting in w.queue.expired(w.now):
            self._expire(waiting)
        while self._send_due():
            pass
        if not w.queue:
            w.cancel_timer(QUEUE_TIMER)
            return
        again = w.queue.next_at(w.now, cancels_only=w.unreconciled)
        if again is None:
            w.cancel_timer(QUEUE_TIMER)
        else:
            w.set_timer(QUEUE_TIMER, again)

    def _send_due(self) -> bool:
        """Send what the budgets allow; whether some of it was stopped here, so that another may have its place."""
        w, spared = self._w, False
        for waiting in w.queue.release(w.now, cancels_only=w.unreconciled):
            if not self._send(waiting):
                w.queue.give_back(waiting)
                spared = True
        return spared

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
        order.rest_until = self._w.now + REST
        order.reason = reason
        self._w.touch(order)

    def _send(self, waiting: Waiting) -> bool:
        """Approve and send one request; false when it does not leave after all."""
        if waiting.stop is not None:
            self._w.emit(self._risk.approve_stop(waiting.cause, waiting.decision, waiting.stop))
            return True
        order = self._w.orders.get(waiting.link_id)
        if order is None or order.status in FINAL:
            return False
        if waiting.action is _CREATE:
            return self._send_create(order, waiting.batch)
        if waiting.action is Action.AMEND:
            return self._send_amend(order, waiting)
        conditional = order.spec.trigger is not None
        self._w.emit(
            CancelOrder(waiting.cause, order.link_id, order.order_id, order.instrument, waiting.batch, conditional)
        )
        return True

    def _send_amend(self, order: Order, waiting: Waiting) -> bool:
        w = waiting
        # New attached stops alone change nothing of what the order may add: there is nothing to ask anew.
        exposed = not (w.qty is None and w.price is None and w.trigger_price is None)
        failed = self._risk.check_release(order, w.qty, w.price) if exposed else None
        if failed is not None:
            self._not_amended(order, f"not amended: {failed.reason}")
            return False
        order.amending = Amendment(
            order.link_id, order.order_id, order.instrument, w.qty, w.price, w.trigger_price, w.take_profit, w.stop_loss
        )
        order.touched = self._w.now  # from here on its answer is waited for
        self._w.emit(self._risk.approve_amendment(order, w.cause, order.amending, w.batch))
        return True

    def _send_create(self, order: Order, batch: int) -> bool:
        if order.status is not OrderStatus.QUEUED:
            return False
        # What risk accepted in this very step need not be asked about again: nothing has moved since.
        failed = None if order.cause == self._w.cause else self._risk.check_release(order)
        if failed is None:
            order.status, order.touched = OrderStatus.SENT, self._w.now
            self._w.dirty_orders[order.spec.link_id] = None  # what is in flight of it stays: nothing to count anew
            self._w.out.append(self._risk.approve(order, batch))
            return True
        order.status, order.reason = OrderStatus.REFUSED, failed.reason
        self._w.touch(order)
        return False

    def again(self, order: Order, not_before: int) -> None:
        """The venue certainly did not take this order: queue it anew under a fresh id, for no id is sent twice."""
        w = self._w
        w.recount(order)
        fresh = replace(order.spec, link_id=w.next_link(order.strategy))
        clone = Order(
            fresh, order.strategy, order.decision, order.cause, w.now, OrderStatus.QUEUED, order.qty, order.price,
            retries=order.retries + 1, person=order.person, trigger_price=order.trigger_price,
            take_profit=order.take_profit, stop_loss=order.stop_loss, algorithm=order.algorithm, leg=order.leg,
            arrival=order.arrival, expected_qty=order.expected_qty,
        )  # fmt: skip
        w.add_order(clone)
        waiting = self._waiting(Action.CREATE, clone, self._still_reduces(clone), clone.cause)
        waiting.not_before = not_before
        w.queue.add(waiting)
