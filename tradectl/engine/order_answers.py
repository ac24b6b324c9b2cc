"""What comes back about orders: answers, reports, executions and look-ups, merged into orders and books."""

from collections.abc import Callable

from tradectl.engine.dispatch import Dispatch
from tradectl.engine.order_queue import group_of
from tradectl.engine.order_state import Order, Orphan, add_execution, merge_report
from tradectl.engine.portfolio_manager import EXTERNAL, Booked
from tradectl.engine.trading_state import PERSON
from tradectl.engine.world import World
from tradectl.model.commands import AlertLevel, ExecutionBooked, Level, LookUpOrder
from tradectl.model.events import Action, OrderAnswered, OrderLookedUp, Reaction
from tradectl.model.ids import parse_link_id
from tradectl.model.orders import Execution, OrderReport, OrderSpec, OrderStatus

#: A look-up or reconciliation is repeated after this long (nanoseconds of wall time, see ``WALL``).
LOOK_AGAIN = 1_000_000_000
#: Timers with this prefix run on wall time even when the venue's clock is stepped: they wait for the transport.
WALL = "wall:"
#: A create the venue certainly did not take is tried this often under fresh ids.
MAX_RETRIES = 3
#: A cancel the venue was too busy for is tried again after this long (nanoseconds).
PAUSE = 100_000_000
#: So many orders that are not kept are remembered by their executions and their end.
MAX_ORPHANS = 200


class OrderAnswers:
    """Merges every word about an order. What happened once is booked once."""

    def __init__(self, world: World, dispatch: Dispatch) -> None:
        self._w = world
        self._dispatch = dispatch
        #: Told of every order that filled, after it was booked.
        self.on_fill: Callable[[Order], None] = lambda order: None

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
        elif event.reaction is Reaction.RECONCILE:
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
        self._w.emit(LookUpOrder(order.link_id, order.instrument))
        self._w.touch(order)

    def looked_up(self, event: OrderLookedUp) -> None:
        """The venue's whole knowledge of one order."""
        order = self._w.orders.get(event.link_id)
        if order is None:
            return
        for execution in event.executions:
            self.executed(execution)
        if event.report is not None:
            self.reported(event.report)
        if event.error or (event.report is None and not event.conclusive):
            self._w.set_timer(f"{WALL}look:{order.link_id}", self._w.now + LOOK_AGAIN)
        elif order.is_open:
            self._looked(order, known=event.report is not None)

    def _looked(self, order: Order, known: bool) -> None:
        order.amend_ended()
        if known:
            self._dispatch.insist(order)
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

    def reported(self, report: OrderReport) -> None:
        """Merge the state of one order; orders that are not known yet are taken in."""
        order = self.find(report.link_id, report.order_id) or self._take_in(report)
        if order is not None and merge_report(order, report):
            if not order.is_open:
                order.cancel_asked = False
                order.amend_ended()
            self._w.touch(order)

    def find(self, link_id: str, order_id: str) -> Order | None:
        """An order by our id, else by the venue's."""
        order = self._w.orders.get(link_id) if link_id else None
        return order if order is not None else self._w.orders.get(self._w.link_of.get(order_id, order_id))

    def _take_in(self, report: OrderReport) -> Order | None:
        if report.status.is_final:
            self._orphan(report.order_id).ended = True
            return None
        orphan = self._w.orphans.get(report.order_id)
        if orphan is not None and orphan.ended:
            return None
        strategy = self.owner(report.link_id)
        spec = OrderSpec(
            report.link_id or report.order_id, report.instrument, report.side, report.type, report.qty, report.price,
            report.time_in_force, report.reduce_only,
        )  # fmt: skip
        order = Order(
            spec, strategy or EXTERNAL, 0, self._w.cause, self._w.now, OrderStatus.SENT, report.qty, report.price,
            order_id=report.order_id, foreign=strategy is None, reason="found at the venue",
        )  # fmt: skip
        if orphan is not None:
            del self._w.orphans[report.order_id]
            order.booked, order.booked_value, order.fees = orphan.qty, orphan.value, orphan.fees
        self._w.add_order(order)
        self._w.touch(order)
        return order

    def owner(self, link_id: str) -> str | None:
        """The strategy an id of this run belongs to, ``None`` when the id is not ours."""
        parts = parse_link_id(link_id)
        if parts is None or parts.run != self._w.config.run:
            return None
        return self._w.strategy_of_number(parts.instance)

    # --- executions

    def executed(self, execution: Execution) -> None:
        """Book a fill or funding payment, once."""
        w = self._w
        if not w.portfolio.state.baselined:
            return  # the first reconciliation begins the books, and reads this one again if it is not in them
        info = w.instruments.get(execution.instrument)
        if info is None:
            text = f"execution {execution.exec_id} is on {execution.instrument}, which is not known"
            w.restrict("unknown_instrument", Level.REDUCING, PERSON, text)
            return
        if not w.portfolio.remember(execution):
            return
        if execution.type == "Funding":
            shares = w.portfolio.funding(execution, info)
            self._publish_funding(execution, shares)
        else:
            self._trade(execution)
        coins = (info.settle_coin, execution.fee_coin, *((info.base_coin, info.quote_coin) if info.is_spot else ()))
        w.dirty_coins.update(dict.fromkeys(c for c in coins if c))

    def _trade(self, execution: Execution) -> None:
        w = self._w
        order = self.find(execution.link_id, execution.order_id)
        strategy = order.strategy if order is not None else self.owner(execution.link_id) or EXTERNAL
        booked = w.portfolio.trade(execution, w.instruments[execution.instrument], strategy)
        if order is not None:
            add_execution(order, execution)
            w.touch(order)
            self.on_fill(order)
        else:
            self._note_orphan(execution)
        if strategy == EXTERNAL and (order is None or order.foreign):
            text = f"{execution.side.value} {execution.qty} {execution.instrument} was not ours ({execution.type})"
            w.alert(AlertLevel.WARNING, "external_trade", text, "it is kept in the book external; see positions adopt")
        self._publish(execution, booked, order.decision if order is not None else 0)
        w.dirty_books[(strategy, execution.instrument)] = None
        w.dirty_books[("", execution.instrument)] = None

    def _note_orphan(self, execution: Execution) -> None:
        orphan = self._orphan(execution.order_id)
        orphan.qty += execution.qty
        orphan.value += execution.value
        orphan.fees += execution.fee

    def _orphan(self, order_id: str) -> Orphan:
        orphans = self._w.orphans
        orphan = orphans.setdefault(order_id, Orphan())
        if len(orphans) > MAX_ORPHANS:
            del orphans[next(iter(orphans))]
        return orphan

    def _publish_funding(self, execution: Execution, shares: list[Booked]) -> None:
        w = self._w
        name = shares[0].strategy if len(shares) == 1 else ""
        size = w.portfolio.net_size(execution.instrument)
        self._publish(execution, Booked(name, -execution.fee, size), 0)
        for share in shares:
            w.dirty_books[(share.strategy, execution.instrument)] = None
        w.dirty_books[("", execution.instrument)] = None

    def _publish(self, execution: Execution, booked: Booked, decision: int) -> None:
        w = self._w
        record = ExecutionBooked(w.now, execution, booked.strategy, decision, booked.realised, booked.size)
        w.emit(record)
        w.deliveries.append((booked.strategy, "on_funding" if execution.type == "Funding" else "on_execution", record))

    def chase(self, older_than: int) -> bool:
        """Look up orders that were sent and never heard of again; whether executions are missing anywhere."""
        missing = False
        for order in self._w.open_orders():
            quiet = order.touched < older_than
            if quiet and order.status in (OrderStatus.SENT, OrderStatus.ACCEPTED):
                self.look_up(order)
            missing |= quiet and order.misses_executions
        return missing
