"""Which trades had a stop: from what the venue still knows of their orders.

Bybit forgets an order that ended without a fill after 24 hours (bybit-v5 5.6), so of an older trade only a stop that
fired, or one that was attached to a filled entry, can be seen. "No trace" is therefore not "no stop".
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from enum import Enum

from tradectl.backtest.review.carried import LEGS
from tradectl.model.account_past import AccountPast, PastExecution
from tradectl.model.instruments import InstrumentId
from tradectl.model.orders import OrderReport, Side
from tradectl.model.positions import PositionReport
from tradectl.performance.round_trips import RoundTrip

#: How long the venue remembers an order that ended without a fill.
REMEMBERED = 86_400 * 10**9
_WORDS = ("StopLoss", "TrailingStop", "TrailingProfit")


class Stop(str, Enum):
    """``SEEN``: it had one. ``NONE``: it had none, and the venue would still know. ``NO_TRACE``: nobody can tell."""

    SEEN = "seen"
    NONE = "none"
    NO_TRACE = "no trace"


class _Known:
    """What the past says of one instrument, in the order the questions come."""

    def __init__(self, past: AccountPast, trips: Sequence[RoundTrip]) -> None:
        self.until = past.until
        self.positions = past.positions
        self.executions: dict[InstrumentId, list[PastExecution]] = {trip.instrument: [] for trip in trips}
        self.attached = {it.order_id for it in past.orders if it.protection and it.protection.stop_loss is not None}
        self.conditional: dict[InstrumentId, list[OrderReport]] = {trip.instrument: [] for trip in trips}
        for done in past.executions:
            if done.execution.instrument in self.executions:
                self.executions[done.execution.instrument].append(done)
        for order in past.orders:
            if order.instrument in self.conditional and (order.stop_order_type or order.trigger is not None):
                self.conditional[order.instrument].append(order)

    def of(self, trip: RoundTrip) -> list[PastExecution]:
        """The executions of a trade: those of its time."""
        own = self.executions[trip.instrument]
        first = bisect_left(own, trip.began, key=_at)
        return own[first : bisect_right(own, trip.ended or self.until, key=_at)]


def _at(it: PastExecution) -> int:
    return it.execution.ts


def stops(past: AccountPast, trips: Sequence[RoundTrip]) -> tuple[Stop, ...]:
    """The verdict about each trade, in their order."""
    known = _Known(past, trips)
    return tuple(_verdict(known, trip) for trip in trips)


def _verdict(known: _Known, trip: RoundTrip) -> Stop:
    end = trip.ended or known.until
    own = known.of(trip)
    if any(_fired(it) or it.execution.order_id in known.attached for it in own):
        return Stop.SEEN
    for order in known.conditional[trip.instrument]:
        alive = order.created <= end and (not order.status.is_final or order.updated >= trip.began)
        if alive and LEGS.get(order.position_idx, "") == trip.strategy and _protects(order, trip):
            return Stop.SEEN
    if not trip.ended and any(_held_with_stop(it, trip) for it in known.positions):
        return Stop.SEEN
    return Stop.NONE if end >= known.until - REMEMBERED else Stop.NO_TRACE


def _fired(it: PastExecution) -> bool:
    done = it.execution
    return any(word in done.stop_order_type or word in done.create_type for word in _WORDS)


def _protects(order: OrderReport, trip: RoundTrip) -> bool:
    """A conditional order that limits a loss: it sells a long as the price falls, or buys a short as it rises."""
    if order.side is not (Side.SELL if trip.long else Side.BUY) or "TakeProfit" in order.stop_order_type:
        return False
    if any(word in order.stop_order_type for word in _WORDS):
        return True
    closes = order.reduce_only or order.close_on_trigger
    return closes and order.trigger is not None and order.trigger.rises is not trip.long


def _held_with_stop(it: PositionReport, trip: RoundTrip) -> bool:
    own = it.instrument == trip.instrument and LEGS.get(it.position_idx, "") == trip.strategy
    return own and (it.trailing is not None or it.stop_loss is not None)
