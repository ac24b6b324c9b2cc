"""The order desk: turns what risk accepted into orders, and releases them from the queue as budgets allow."""

from decimal import Decimal

from msgspec import Struct
from msgspec.structs import replace

from tradectl.engine.order_queue import Waiting
from tradectl.engine.order_state import Order
from tradectl.engine.risk_checks import Candidate
from tradectl.engine.risk_manager import RiskManager
from tradectl.engine.world import World
from tradectl.model.commands import Amendment, CancelOrder, Check, DecisionMade
from tradectl.model.events import Action
from tradectl.model.instruments import Instrument, InstrumentId
from tradectl.model.money import ZERO, plain
from tradectl.model.orders import OrderSpec, OrderStatus, OrderType, Side, TimeInForce

QUEUE_TIMER = "queue"


class Wish(Struct, frozen=True):
    """One decision's worth of orders: the same but for their sizes. Amounts in base units."""

    strategy: str
    instrument: Instrument
    side: Side
    sizes: tuple[Decimal, ...]
    action: str
    reason: str
    type: OrderType = OrderType.MARKET
    price: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    reduce_only: bool = False
    late: bool = False
    who: str = ""


class OrderDesk:
    """Accepts wishes whole or not at all, queues their orders, sends what is due."""

    def __init__(self, world: World, risk: RiskManager) -> None:
        self._w = world
        self._risk = risk

    def place(self, wish: Wish) -> DecisionMade:
        """Check every order of a wish, each with the ones before it in flight; one refusal refuses all."""
        w = self._w
        first_seq = w.order_seq
        w.decision_seq += 1
        decision = w.decision_seq
        made: list[Order] = []
        kinds: list[bool] = []
        checks: tuple[Check, ...] = ()
        for size in wish.sizes:
            candidate = self.candidate(wish, size)
            checks = self._risk.check(candidate)
            if not checks[-1].ok:
                self._undo(made, first_seq)
                return self._decide(wish, decision, False, checks, ())
            made.append(self._make(wish, candidate, size, decision))
            kinds.append(candidate.reduces)
        for order, reduces in zip(made, kinds, strict=True):
            w.queue.add(self._create_of(order, reduces))
        return self._decide(wish, decision, True, checks, tuple(o.link_id for o in made))

    def candidate(self, wish: Wish, size: Decimal) -> Candidate:
        """One order of a wish as the checks see it."""
        i = wish.instrument
        protected = not i.is_spot and (wish.reduce_only or wish.type is OrderType.MARKET)
        reduces = self._risk.reduces(wish.strategy, i.id, wish.side, size, protected=protected)
        return Candidate(
            wish.strategy, i, wish.side, wish.type, size, wish.price, reduces, wish.late, bool(wish.who),
            wish.reduce_only,
        )  # fmt: skip

    def _make(self, wish: Wish, c: Candidate, size: Decimal, decision: int) -> Order:
        w = self._w
        tif = TimeInForce.IOC if wish.type is OrderType.MARKET else wish.time_in_force
        reduce_only = c.reduces and not wish.instrument.is_spot and (wish.reduce_only or wish.type is OrderType.MARKET)
        spec = OrderSpec(
            w.next_link(wish.strategy), wish.instrument.id, wish.side, wish.type, size, wish.price, tif, reduce_only
        )
        order = Order(
            spec, wish.strategy, decision, w.cause, w.now, OrderStatus.QUEUED, size, wish.price, person=bool(wish.who)
        )
        w.add_order(order)
        return order

    def _undo(self, made: list[Order], first_seq: int) -> None:
        for order in made:
            self._w.forget(order.link_id)
        self._w.order_seq = first_seq

    def _still_reduces(self, order: Order) -> bool:
        spec = order.spec
        return self._risk.reduces(
            order.strategy, order.instrument, spec.side, order.qty, order.link_id, spec.reduce_only
        )

    def _create_of(self, order: Order, reduces: bool) -> Waiting:
        return Waiting(Action.CREATE, order.link_id, order.instrument, reduces, self._w.now, cause=order.cause)

    def _decide(
        self, wish: Wish, decision: int, ok: bool, checks: tuple[Check, ...], links: tuple[str, ...]
    ) -> DecisionMade:
        made = DecisionMade(
            decision, self._w.cause, self._w.now, wish.strategy, wish.instrument.id, wish.action, wish.side,
            sum(wish.sizes[1:], wish.sizes[0]), wish.price, wish.reason, ok, checks, links, wish.who,
        )  # fmt: skip
        self._w.emit(made)
        return made

    def refuse(self, strategy: str, instrument: InstrumentId, action: str, reason: str, check: Check) -> DecisionMade:
        """Record an intent that did not get as far as an order."""
        self._w.decision_seq += 1
        made = DecisionMade(
            self._w.decision_seq, self._w.cause, self._w.now, strategy, instrument, action, None, ZERO, None, reason,
            check.ok, (check,),
        )  # fmt: skip
        self._w.emit(made)
        return made

    # --- cancels and amendments

    def cancel(self, order: Order, reason: str) -> bool:
        """Ask for an order's end; one still in the queue ends here. Returns whether anything was done."""
        if not order.is_open or order.cancel_asked:
            return False
        if order.status is OrderStatus.QUEUED:
            self._w.queue.drop(order.link_id, Action.CREATE)
            order.status, order.reason = OrderStatus.CANCELLED, f"{reason} (before it was sent)"
        else:
            order.cancel_asked = True
            self._w.queue.add(
                Waiting(Action.CANCEL, order.link_id, order.instrument, True, self._w.now, cause=self._w.cause)
            )
        self._w.touch(order)
        return True

    def cancel_entries(self, reason: str, strategy: str = "", symbol: str = "", everything: bool = False) -> list[str]:
        """Cancel what can add risk (or everything of ours), within a strategy or symbol; returns the link ids."""
        done = []
        for order in self._w.open_orders():
            wanted = not order.foreign and strategy in ("", order.strategy) and symbol in ("", order.instrument.symbol)
            if wanted and (everything or not order.spec.reduce_only) and self.cancel(order, reason):
                done.append(order.link_id)
        return done

    def amend(self, order: Order, qty: Decimal | None, price: Decimal | None, reason: str, who: str) -> DecisionMade:
        """Check and queue an amendment."""
        w = self._w
        checks = self._risk.check_amend(order, qty, price)
        if checks[-1].ok:
            checks += (_can_be_amended(order, qty, price),)
        ok = checks[-1].ok
        if ok:
            self._amend(order, qty, price)
        w.decision_seq += 1
        made = DecisionMade(
            w.decision_seq, w.cause, w.now, order.strategy, order.instrument, "amend", order.spec.side,
            qty if qty is not None else order.qty, price if price is not None else order.price, reason, ok, checks,
            (order.link_id,), who,
        )  # fmt: skip
        w.emit(made)
        return made

    def _amend(self, order: Order, qty: Decimal | None, price: Decimal | None) -> None:
        """Queue the amendment; an order that still waits itself is changed where it stands."""
        w = self._w
        if order.status is OrderStatus.QUEUED:
            order.qty, order.price = qty or order.qty, price or order.price
            order.spec = replace(order.spec, qty=order.qty, price=order.price)
            w.queue.drop(order.link_id, Action.CREATE)
            w.queue.add(self._create_of(order, self._still_reduces(order)))
            w.touch(order)
            return
        order.worst_qty = max(order.worst_qty, qty or ZERO)
        w.queue.add(Waiting(Action.AMEND, order.link_id, order.instrument, False, w.now, 0, w.cause, qty, price))

    def insist(self, order: Order, not_before: int = 0) -> None:
        """Send the cancel of an order again that was to be cancelled and is still open."""
        if order.is_open and order.cancel_asked and not self._w.queue.holds(order.link_id, Action.CANCEL):
            waiting = Waiting(Action.CANCEL, order.link_id, order.instrument, True, self._w.now, not_before)
            waiting.cause = self._w.cause
            self._w.queue.add(waiting)

    # --- release

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


def _can_be_amended(order: Order, qty: Decimal | None, price: Decimal | None) -> Check:
    if not order.is_open or order.cancel_asked:
        state = "being cancelled" if order.is_open else order.status.value
        return Check("amend", False, "open", state, f"order {order.link_id} is {state}")
    if qty is None and price is None:
        return Check("amend", False, "a change", "none", "neither quantity nor price is to change")
    if price is not None and order.spec.type is OrderType.MARKET:
        return Check("amend", False, "no price", plain(price), "a market order has no price to change")
    ok = qty is None or qty > order.filled
    done = plain(order.filled)
    return Check("amend", ok, f"> {done}", plain(qty or order.qty), "" if ok else f"{done} is filled already")
