"""The life of one order: acks, updates, executions and polls merge in any order, with repeats, and never go backwards.

Reports merge by ``(cumExecQty, status rank, updatedTime)`` (decision 12). Our own words for an order (LOST, REJECTED by
the gateway) rank below anything the venue itself says of it.
"""

from decimal import Decimal

from msgspec import Struct

from tradectl.model.commands import Amendment, OrderChanged
from tradectl.model.instruments import InstrumentId
from tradectl.model.money import ZERO
from tradectl.model.orders import FINAL, Execution, OrderReport, OrderSpec, OrderStatus

_RANK = {
    OrderStatus.QUEUED: 0,
    OrderStatus.SENT: 1,
    OrderStatus.UNKNOWN: 1,
    OrderStatus.REFUSED: 2,
    OrderStatus.EXPIRED: 2,
    OrderStatus.LOST: 2,
    OrderStatus.ACCEPTED: 3,
    OrderStatus.UNTRIGGERED: 4,
    OrderStatus.TRIGGERED: 5,
    OrderStatus.NEW: 6,
    OrderStatus.PARTIALLY_FILLED: 7,
}
_FINAL_RANK = 8


class Order(Struct):
    """An order as we know it. ``cum_qty`` is the venue's word, ``booked`` what its executions add up to.

    ``inferred``: the status is our own conclusion (refused by the gateway, filled by its executions, gone), which any
    word of the venue corrects. ``worst_qty`` is the largest quantity asked for by amendments without an outcome.
    """

    spec: OrderSpec
    strategy: str
    decision: int
    cause: int
    created: int
    status: OrderStatus
    qty: Decimal
    price: Decimal | None
    order_id: str = ""
    cum_qty: Decimal = ZERO
    booked: Decimal = ZERO
    booked_value: Decimal = ZERO
    fees: Decimal = ZERO
    updated: int = 0
    inferred: bool = False
    cancel_asked: bool = False
    amending: Amendment | None = None
    reason: str = ""
    looks: int = 0
    retries: int = 0
    touched: int = 0
    person: bool = False
    foreign: bool = False
    worst_qty: Decimal = ZERO

    @property
    def link_id(self) -> str:
        return self.spec.link_id

    @property
    def instrument(self) -> InstrumentId:
        return self.spec.instrument

    @property
    def sign(self) -> int:
        return self.spec.side.sign

    @property
    def filled(self) -> Decimal:
        """The most that is known to have been filled."""
        return max(self.cum_qty, self.booked)

    @property
    def is_open(self) -> bool:
        """Whether it may still fill."""
        return self.status not in FINAL

    @property
    def in_flight(self) -> Decimal:
        """What may still be added to the books: the open remainder and fills whose executions are not here yet."""
        if self.spec.quote_qty or (self.foreign and self.spec.reduce_only):
            return ZERO
        expected = max(self.qty, self.worst_qty, self.cum_qty) if self.is_open else self.cum_qty
        return max(expected - self.booked, ZERO)

    @property
    def misses_executions(self) -> bool:
        """The venue says it filled more than its executions add up to."""
        return self.cum_qty > self.booked

    @property
    def average(self) -> Decimal | None:
        """Average price of the booked executions."""
        return self.booked_value / self.booked if self.booked else None

    def amend_ended(self) -> None:
        """No amendment is on its way any more."""
        self.amending, self.worst_qty = None, ZERO


class Orphan(Struct):
    """An order that is not (or no longer) kept: what was booked of it before its first report, and whether it ended,
    so that a late report does not bring it to life."""

    qty: Decimal = ZERO
    value: Decimal = ZERO
    fees: Decimal = ZERO
    ended: bool = False


def rank(order: Order) -> int:
    """How far along the order is; what we concluded ourselves ranks below every word of the venue."""
    if order.inferred:
        return 2
    return _RANK.get(order.status, _FINAL_RANK)


def merge_report(order: Order, report: OrderReport) -> bool:
    """Take the venue's statement when it is further along than ours; returns whether anything changed."""
    theirs = (report.cum_qty, _RANK.get(report.status, _FINAL_RANK), report.updated)
    if theirs <= (order.cum_qty, rank(order), order.updated):
        learned = bool(report.order_id) and not order.order_id
        order.order_id = order.order_id or report.order_id
        return learned
    order.cum_qty = report.cum_qty
    order.status = report.status
    order.updated = report.updated
    order.inferred = False
    order.order_id = report.order_id or order.order_id
    order.qty = report.qty or order.qty
    if order.spec.price is not None and report.price is not None:
        order.price = report.price
    order.reason = _why(report) or order.reason
    if order.amending is not None and _amended(order, order.amending):
        order.amend_ended()
    return True


def _why(report: OrderReport) -> str:
    if report.status is OrderStatus.FILLED:
        return ""
    if report.reject_reason not in ("", "EC_NoError"):
        return report.reject_reason
    return report.cancel_type if report.cancel_type not in ("", "UNKNOWN") and report.status in FINAL else ""


def _amended(order: Order, asked: Amendment) -> bool:
    return asked.qty in (None, order.qty) and asked.price in (None, order.price)


def add_execution(order: Order, execution: Execution) -> None:
    """Count an execution (each id once, the caller sees to that) towards what is booked."""
    order.booked += execution.qty
    order.booked_value += execution.value
    order.fees += execution.fee
    order.order_id = order.order_id or execution.order_id
    if order.booked >= max(order.qty, order.worst_qty) and not order.spec.quote_qty:
        if order.is_open or order.inferred:
            order.status, order.inferred = OrderStatus.FILLED, True
            order.cum_qty = max(order.cum_qty, order.booked)
    elif order.inferred or rank(order) < _RANK[OrderStatus.PARTIALLY_FILLED]:
        order.status, order.inferred = OrderStatus.PARTIALLY_FILLED, False


def view(order: Order, now: int) -> OrderChanged:
    """The order as everybody outside the engine sees it."""
    s = order.spec
    return OrderChanged(
        now, s.link_id, order.order_id, order.strategy, order.decision, s.instrument, s.side, s.type, s.time_in_force,
        order.qty, order.price, order.status, order.filled, order.average, s.reduce_only, order.created, order.fees,
        order.reason,
    )  # fmt: skip
