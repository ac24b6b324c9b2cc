"""What a person asks of orders and stops: the same rules, the same checks, the same queue, the same record."""

from tradectl.engine.intents import ProtectIntent
from tradectl.engine.order_desk import OrderDesk, Wish
from tradectl.engine.order_state import Order
from tradectl.engine.position_stops import PositionStops
from tradectl.engine.protection import Protections
from tradectl.engine.strategy_host import StrategyHost
from tradectl.engine.world import OPERATOR, World
from tradectl.model.commands import Check, DecisionMade, RequestAnswered
from tradectl.model.errors import ErrorCode
from tradectl.model.events import AmendRequested, CancelRequested, OrderRequested, ProtectRequested
from tradectl.model.instruments import Instrument


class OrderRequests:
    """Each request ends with a ``DecisionMade`` or a ``RequestAnswered``."""

    def __init__(
        self, world: World, desk: OrderDesk, host: StrategyHost, protections: Protections, stops: PositionStops
    ) -> None:
        self._w = world
        self._desk = desk
        self._host = host
        self._protections = protections
        self._stops = stops

    def _refuse(self, code: ErrorCode, text: str) -> None:
        self._w.emit(RequestAnswered(False, text, code.value))

    def _is_known(self, strategy: str) -> bool:
        known = strategy == OPERATOR or strategy in self._host.runners
        if not known:
            self._refuse(ErrorCode.UNKNOWN_STRATEGY, f"no strategy is named {strategy}")
        return known

    def order(self, e: OrderRequested) -> None:
        """Place an order under the named strategy's book, or the operator's own."""
        info = self._w.instruments.get(e.instrument)
        strategy = e.strategy or OPERATOR
        if not self._is_known(strategy):
            return
        reason = e.reason or f"placed by {e.who}"
        if info is None:
            rule = f"{e.instrument} is not an instrument of this venue"
            check = Check("instrument", False, "", str(e.instrument), rule)
            self._desk.refuse(strategy, e.instrument, "place", reason, check, e.who)
            return
        self._host.follow(e.instrument)
        self._desk.place(self._wish(e, info, strategy, reason))

    @staticmethod
    def _wish(e: OrderRequested, info: Instrument, strategy: str, reason: str) -> Wish:
        return Wish(
            strategy, info, e.side, (e.qty,), "place", reason, e.type, e.price, e.time_in_force, e.reduce_only,
            who=e.who or OPERATOR, trigger=e.trigger, protection=e.protection, close_on_trigger=e.close_on_trigger,
            quote_qty=e.quote_qty,
        )  # fmt: skip

    def preview(self, e: OrderRequested) -> tuple[Check, ...]:
        """What would be said of an order now; nothing changes. The instrument must be known."""
        info = self._w.instruments[e.instrument]
        return self._desk.what_if(self._wish(e, info, e.strategy or OPERATOR, ""), e.qty)

    def amend(self, e: AmendRequested) -> None:
        """Change an open order."""
        order = self._known(e.link_id)
        if order is None:
            return
        if not order.is_open:
            self._refuse(ErrorCode.CONFLICT, f"order {e.link_id} is {order.status.value} and cannot be changed")
            return
        self._desk.amend(
            order, e.qty, e.price, f"amended by {e.who}", e.who, e.trigger_price, e.take_profit, e.stop_loss
        )

    def _known(self, link_id: str) -> Order | None:
        order = self._w.orders.get(link_id) or self._w.orders.get(self._w.link_of.get(link_id, ""))
        if order is None:
            self._refuse(ErrorCode.UNKNOWN_ORDER, f"no order has the id {link_id}")
        return order

    def cancel(self, e: CancelRequested) -> None:
        """Cancel one order, or every entry in scope; protective orders stay."""
        if not e.link_id:
            done = self._desk.cancel_entries(f"cancelled by {e.who}", e.strategy, e.symbol)
            self._w.emit(RequestAnswered(True, f"{len(done)} orders are being cancelled", "", tuple(done)))
            return
        order = self._known(e.link_id)
        if order is None:
            return
        if not order.is_open:
            self._refuse(ErrorCode.CONFLICT, f"order {order.link_id} is already {order.status.value}")
            return
        self._desk.cancel(order, f"cancelled by {e.who}")
        self._w.emit(RequestAnswered(True, f"order {order.link_id} is being cancelled", "", (order.link_id,)))

    def protect(self, e: ProtectRequested) -> None:
        """Set the stops of one strategy's position, or without a strategy of the whole position at the venue."""
        reason = f"set by {e.who}"
        if not e.strategy:
            self._told(self._stops.set(e, reason))
        elif self._is_known(e.strategy):
            action = "trail" if e.trailing else "protect"
            intent = ProtectIntent(
                e.instrument, reason, e.stop_loss, e.take_profit, e.trailing, activate=e.active_price, action=action,
                position_idx=e.position_idx,
            )  # fmt: skip
            self._told(self._protections.protect(e.strategy, intent, e.who))

    def _told(self, made: DecisionMade) -> None:
        """The answer to a change of stops, in words."""
        if made.accepted:
            self._w.emit(RequestAnswered(True, f"the stops of {made.instrument} are being set"))
        else:
            self._refuse(ErrorCode.INVALID_ORDER, made.checks[-1].reason)
