"""The life of one order: acks, updates, executions and polls merge in any order, with repeats, and never go backwards.

Reports merge by ``(cumExecQty, status rank, updatedTime)`` (decision 12). Our own words for an order (LOST, REJECTED by
the gateway) rank below anything the venue itself says of it.
"""

from decimal import Decimal

from msgspec import Struct, field

from tradectl.model.commands import Amendment, OrderChanged
from tradectl.model.instruments import InstrumentId
from tradectl.model.money import ZERO
from tradectl.model.orders import (
    FINAL,
    Execution,
    OrderReport,
    OrderSpec,
    OrderStatus,
    OrderType,
    Protection,
    Trigger,
)

#: Quantity, price and trigger price of a statement.
Terms = tuple[Decimal, Decimal | None, Decimal | None]
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
#: Before its trigger fired an order can neither fill nor, when it is reduce-only, ever open.
_BEFORE_TRIGGER = frozenset(
    {OrderStatus.QUEUED, OrderStatus.SENT, OrderStatus.UNKNOWN, OrderStatus.ACCEPTED, OrderStatus.UNTRIGGERED}
)
#: The kinds of stop the venue makes itself (bybit-v5 5.12); ``Stop`` is any conditional order.
NO_STOP = frozenset({"", "UNKNOWN", "Stop"})


#: An order whose amendment failed is not amended again by our own doing for this long (nanoseconds).
REST = 1_000_000_000
STOP_LOSS, TAKE_PROFIT = "stop_loss", "take_profit"


class Order(Struct):
    """An order as we know it. ``cum_qty`` is the venue's word, ``booked`` what its executions add up to.

    ``inferred``: the status is our own conclusion (refused by the gateway, filled by its executions, gone), which any
    word of the venue corrects. ``worst_qty`` is the largest quantity asked for by amendments without an outcome.
    ``trigger_price``, ``take_profit`` and ``stop_loss`` are as last amended. ``parent`` is the link id of the entry an
    attached stop belongs to, ``leg`` what an order of the protection desk is for, ``expected_qty`` the base quantity
    an amount of quote coin was expected to buy, ``rest_until`` the time before which no amendment is tried again,
    ``arrival`` the middle of the market when the order was decided, ``unattached`` what of an entry the venue,
    asked for it, showed no attached stops for, ``told`` the terms of every statement of the open order that was
    taken with the last one's stamp: one that comes again is old, and ``parted`` says that an attached stop was changed,
    so that the venue no longer ends it when the other one of its pair fills.
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
    trigger_price: Decimal | None = None
    take_profit: Decimal | None = None
    stop_loss: Decimal | None = None
    algorithm: int = 0
    parent: str = ""
    stop_type: str = ""
    leg: str = ""
    arrival: Decimal | None = None
    expected_qty: Decimal = ZERO
    rest_until: int = 0
    unattached: Decimal = ZERO
    told: list[Terms] = field(default_factory=list)
    parted: bool = False

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
    def is_dormant(self) -> bool:
        """Whether it waits for its trigger."""
        return self.spec.trigger is not None and self.status in _BEFORE_TRIGGER

    @property
    def protective(self) -> bool:
        """Whether it can only shrink a position: nothing but its owner or a flat position removes such an order."""
        return self.spec.reduce_only or self.spec.close_on_trigger or bool(self.parent or self.leg)

    @property
    def is_stop(self) -> bool:
        """Whether it is a protective order that waits for a price: a stop, a take-profit or a trailing stop."""
        if not self.protective:
            return False
        conditional = self.spec.trigger is not None or self.stop_type not in NO_STOP
        return conditional or bool(self.parent or self.leg)

    @property
    def leaves(self) -> Decimal:
        """What of it may still fill, as far as is known."""
        return max(self.qty - self.filled, ZERO) if self.is_open else ZERO

    @property
    def quote_left(self) -> Decimal:
        """Of an order by amount of quote coin: what it may still spend."""
        return max(self.qty - self.booked_value, ZERO) if self.is_open and self.spec.quote_qty else ZERO

    @property
    def in_flight(self) -> Decimal:
        """What may still be added to the books: the open remainder and fills whose executions are not here yet.

        A protective order that waits for its trigger reserves nothing; an entry that waits counts like a resting one.
        """
        if self.foreign and self.spec.reduce_only:
            return ZERO
        if not (self.cum_qty or self.booked or self.worst_qty or self.spec.quote_qty or self.spec.trigger):
            return self.qty if self.is_open else ZERO  # nothing happened yet: the usual case
        if self.spec.quote_qty:
            return max((self.expected_qty if self.is_open else ZERO) - self.booked, self.cum_qty - self.booked, ZERO)
        if self.is_dormant and self.protective:
            return max(self.cum_qty - self.booked, ZERO)
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


class Held(Struct):
    """Fills of an order whose owner is not known yet, and how often the venue was asked for it."""

    instrument: InstrumentId
    executions: list[Execution] = field(default_factory=list)
    asks: int = 0


def rank(order: Order) -> int:
    """How far along the order is; what we concluded ourselves ranks below every word of the venue."""
    if order.inferred:
        return 2
    return _RANK.get(order.status, _FINAL_RANK)


def merge_report(order: Order, report: OrderReport) -> bool:
    """Take the venue's statement when it is further along than ours; returns whether anything changed."""
    theirs = (report.cum_qty, _RANK.get(report.status, _FINAL_RANK), report.updated)
    ours = (order.cum_qty, rank(order), order.updated)
    terms = (report.qty, report.price, report.trigger_price)
    again = theirs == ours and (not order.told or terms in order.told) and not _shows(report, order.amending)
    if theirs < ours or again:
        learned = bool(report.order_id) and not order.order_id
        order.order_id = order.order_id or report.order_id
        return learned
    order.told = [] if report.status in FINAL else [*order.told, terms] if theirs == ours else [terms]
    order.cum_qty = report.cum_qty
    order.status = report.status
    order.updated = report.updated
    order.inferred = False
    order.order_id = report.order_id or order.order_id
    order.qty = report.qty or order.qty
    if order.spec.price is not None and report.price is not None:
        order.price = report.price
    order.trigger_price = report.trigger_price or order.trigger_price
    if report.protection is not None:
        order.take_profit, order.stop_loss = report.protection.take_profit, report.protection.stop_loss
    order.stop_type = report.stop_order_type if report.stop_order_type != "UNKNOWN" else order.stop_type
    order.reason = _why(report) or order.reason
    if order.amending is not None and _amended(order, order.amending):
        order.amend_ended()
        order.parted = bool(order.parent)
    return True


def _shows(report: OrderReport, asked: Amendment | None) -> bool:
    """Whether a statement no later than the last one (the venue counts milliseconds) has the terms that were asked."""
    if asked is None or asked.qty is asked.price is asked.trigger_price is None:
        return False
    pairs = ((asked.qty, report.qty), (asked.price, report.price), (asked.trigger_price, report.trigger_price))
    return all(wanted in (None, stated) for wanted, stated in pairs)


def _why(report: OrderReport) -> str:
    if report.status is OrderStatus.FILLED:
        return ""
    if report.reject_reason not in ("", "EC_NoError"):
        return report.reject_reason
    return report.cancel_type if report.cancel_type not in ("", "UNKNOWN") and report.status in FINAL else ""


def _amended(order: Order, asked: Amendment) -> bool:
    """Whether the venue's statement shows the amendment; stops attached to an order are stated apart from it."""
    return (
        asked.qty in (None, order.qty)
        and asked.price in (None, order.price)
        and asked.trigger_price in (None, order.trigger_price)
    )


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
    s, booked, cum = order.spec, order.booked, order.cum_qty
    return OrderChanged(
        now, s.link_id, order.order_id, order.strategy, order.decision, s.instrument, s.side, s.type, s.time_in_force,
        order.qty, order.price, order.status, booked if booked > cum else cum,
        order.booked_value / booked if booked else None, s.reduce_only, order.created, order.fees, order.reason,
        None if s.trigger is None else trigger_of(order), order.take_profit, order.stop_loss, order.parent,
        order.stop_type, order.algorithm, s.position_idx,
    )  # fmt: skip


def trigger_of(order: Order) -> Trigger | None:
    """The trigger as last amended."""
    trigger = order.spec.trigger
    if trigger is None or order.trigger_price in (None, trigger.price):
        return trigger
    assert order.trigger_price is not None
    return Trigger(order.trigger_price, trigger.rises, trigger.by)


def protection_of(order: Order) -> Protection | None:
    """The attached stops as last amended."""
    attached = order.spec.protection
    if order.take_profit is None and order.stop_loss is None:
        return None
    base = attached if attached is not None else Protection()
    return Protection(
        order.take_profit, order.stop_loss, base.tp_by, base.sl_by, base.tp_limit, base.sl_limit, base.partial
    )


def leg_of(order: Order) -> str:
    """What a stop is for: ``stop_loss`` or ``take_profit``. The venue's name counts, else the side of its trigger."""
    if order.leg:
        return order.leg
    if "TakeProfit" in order.stop_type:
        return TAKE_PROFIT
    if order.stop_type not in NO_STOP or order.spec.trigger is None:
        return STOP_LOSS
    return STOP_LOSS if order.spec.trigger.rises == (order.sign > 0) else TAKE_PROFIT


def is_market(order: Order) -> bool:
    """Whether it trades at once at any price."""
    return order.spec.type is OrderType.MARKET and not order.is_dormant
