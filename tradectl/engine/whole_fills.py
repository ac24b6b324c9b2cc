"""The short way of a whole fill of one of our own plain market orders: what a strategy that trades often gets most.

:class:`Fills` and the end of a step do the same for every fill; here nothing is asked that such a fill cannot need.
Whatever is not plain goes their way, with nothing changed.
"""

from typing import TYPE_CHECKING

from tradectl.engine.dispatch import QUEUE_TIMER
from tradectl.engine.order_state import Order
from tradectl.engine.portfolio_state import EXTERNAL, Booked
from tradectl.model.commands import ExecutionBooked
from tradectl.model.events import Executed
from tradectl.model.instruments import Category
from tradectl.model.orders import FINAL, Execution, OrderStatus, OrderType

if TYPE_CHECKING:
    from tradectl.engine.trading_engine import TradingEngine

_LINEAR, _MARKET, _FILLED = Category.LINEAR, OrderType.MARKET, OrderStatus.FILLED


class WholeFills:
    """Books executions, the plain ones itself; ends the step, too, where nobody has more to do with it."""

    def __init__(self, engine: "TradingEngine") -> None:
        self._e = engine
        self._w = engine.world
        self._coin = engine.world.config.settle_coin
        self._hedges = engine.world.config.position_mode == "hedge"

    def executed(self, event: Executed) -> None:
        """Book a fill or funding payment, once."""
        execution, w = event.execution, self._w
        order = w.orders.get(execution.link_id)
        if order is None or not self._is_plain(execution, order):
            self._e.fills.executed(execution)
        elif w.portfolio.remember(execution):
            booked = self._book(execution, order)
            if not (self._is_quiet(order) and self._ends(order, booked)):
                self._leave(order)

    def _is_plain(self, e: Execution, order: Order) -> bool:
        """Whether it completes, alone, a market order without legs and stops, paid for in the coin of the account."""
        spec, w = order.spec, self._w
        if spec.type is not _MARKET or e.type != "Trade" or e.qty != order.qty or spec.instrument != e.instrument:
            return False
        if order.booked or order.worst_qty or order.inferred or order.parent or order.strategy == EXTERNAL:
            return False
        if order.cum_qty != e.qty if order.status in FINAL else order.cum_qty:
            return False
        if spec.protection is not None or order.take_profit is not None or order.stop_loss is not None:
            return False
        if spec.trigger is not None or spec.quote_qty or spec.position_idx or self._hedges:
            return False
        info = w.instruments.get(e.instrument)
        if info is None or info.id.category is not _LINEAR or not e.fee_coin == info.settle_coin == self._coin:
            return False
        return w.portfolio.state.baselined

    def _book(self, execution: Execution, order: Order) -> Booked:
        """Into the books and the order, and say so."""
        w, strategy, arrival = self._w, order.strategy, order.arrival
        booked = w.portfolio.single(execution, w.instruments[execution.instrument], strategy, arrival)
        order.booked += execution.qty
        order.booked_value += execution.value
        order.fees += execution.fee
        if order.status not in FINAL:
            order.status, order.inferred, order.cum_qty = _FILLED, True, order.booked
        order.touched = w.now
        order.order_id = order_id = order.order_id or execution.order_id
        if order_id:
            w.link_of[order_id] = order.spec.link_id
        w.open.recount(order)
        record = ExecutionBooked(w.now, execution, strategy, order.decision, booked.realised, booked.size, arrival)
        w.out.append(record)
        if w.hears(strategy, "on_execution"):
            w.deliveries.append((strategy, "on_execution", record))
        return booked

    def _is_quiet(self, order: Order) -> bool:
        """Whether nothing is left to do but to state the order and follow the position."""
        w, e = self._w, self._e
        if w.deliveries or w.queue.waits or QUEUE_TIMER in w.timers or w.audience.positions or order.algorithm:
            return False
        if w.unfinished:
            return False
        return not (e.algorithms.is_busy or e.protections.is_needed() or w.hears(order.strategy, "on_order"))

    def _ends(self, order: Order, booked: Booked) -> bool:
        """End the step, unless a limit was reached now."""
        w, e, instrument = self._w, self._e, order.spec.instrument
        if not booked.size:
            book = w.portfolio.state.books[booked.strategy][instrument]
            e.guards.latches.booked(booked.strategy, instrument, book)
            if w.state_dirty:
                return False
        e.publication.unheard(order)
        w.moved = True
        if booked.size or w.portfolio.net_size(instrument):
            e.host.follow(instrument)
        return True

    def _leave(self, order: Order) -> None:
        """Leave the rest to the end of the step."""
        w, instrument = self._w, order.spec.instrument
        w.dirty_orders[order.spec.link_id] = None
        w.dirty_books[(order.strategy, instrument)] = None
        w.dirty_books[("", instrument)] = None
        w.dirty_coins[w.config.settle_coin] = None
