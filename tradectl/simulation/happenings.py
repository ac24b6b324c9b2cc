"""What happened at the venue, as the engine hears it: the same records the connector makes of the wire's rows."""

from decimal import Decimal

from tradectl.matching.records import Fill, Position, VenueOrder
from tradectl.model.events import Action, Executed, OrderAnswered, OrderReported, Reaction
from tradectl.model.instruments import Category
from tradectl.model.orders import Execution, OrderReport, Protection
from tradectl.model.positions import PositionReport

#: Refusals after which the engine must look at what is so; every other one concerns the order alone (bybit-v5 10).
_LOOK = frozenset({110001, 110008, 110010, 110017, 110064, 110072, 170139, 170141, 170142, 170143, 170213, 170313})
_NOTHING_TO_CHANGE = frozenset({34040, 110025, 110026, 110043})
_NO_ERROR, _UNKNOWN = "EC_NoError", "UNKNOWN"


def reaction_to(code: int) -> Reaction:
    """What a refusal asks for."""
    if code in _NOTHING_TO_CHANGE:
        return Reaction.OK
    return Reaction.RECONCILE if code in _LOOK else Reaction.FIX


def refusal(now: int, link_id: str, action: Action, code: int, message: str) -> OrderAnswered:
    """The gateway's no."""
    return OrderAnswered(now, link_id, action, code, message, reaction_to(code))


def executed(now: int, fill: Fill) -> Executed:
    """A fill, funding payment or liquidation."""
    return Executed(
        now,
        Execution(
            fill.exec_id, fill.instrument, fill.order_id, fill.link_id, fill.side, fill.price, fill.qty, fill.value,
            fill.fee, fill.fee_coin, fill.is_maker, fill.ts, fill.type, fill.closed_qty, fill.pnl, fill.fee_rate,
            fill.stop_order_type, fill.create_type,
        ),
    )  # fmt: skip


def reported(now: int, order: VenueOrder, updated: int = 0) -> OrderReported:
    """An order after a change; ``updated`` tells it from what was said of it before, at the same moment perhaps."""
    return OrderReported(now, report_of(order, updated))


def report_of(order: VenueOrder, updated: int = 0) -> OrderReport:
    """The venue's order as its row would state it, as of ``updated`` (0: its last change)."""
    own = order.protection
    protection = own if own is not None and (own.take_profit or own.stop_loss) else None
    return OrderReport(
        order.instrument, order.order_id, order.link_id, order.side, order.type, order.time_in_force, order.qty,
        order.price, order.status, order.cum_qty, order.cum_value,
        order.cum_value / order.cum_qty if order.cum_qty else None, updated or order.updated, order.created,
        order.reduce_only, "" if order.cancel_type == _UNKNOWN else order.cancel_type,
        "" if order.reject_reason == _NO_ERROR else order.reject_reason, order.stop_order_type,
        order.trigger.price if order.trigger is not None else None, order.trigger, order.close_on_trigger,
        _whole(protection, order), order.position_idx, order.parent_link, order.create_type,
    )  # fmt: skip


def _whole(protection: Protection | None, order: VenueOrder) -> Protection | None:
    """Those of spot are always an order's own (bybit-v5 5.1)."""
    if protection is None or protection.partial or order.instrument.category is not Category.SPOT:
        return protection
    return Protection(
        protection.take_profit, protection.stop_loss, protection.tp_by, protection.sl_by, protection.tp_limit,
        protection.sl_limit, True,
    )  # fmt: skip


def position_report(position: Position) -> PositionReport:
    """A position that is not flat, with its stops, as its row would state it."""
    return PositionReport(
        position.instrument, position.size, _entry_price(position), position.position_idx, position.leverage,
        updated=position.updated, take_profit=position.take_profit or None, stop_loss=position.stop_loss or None,
        trailing=position.trailing or None,
    )  # fmt: skip


def _entry_price(position: Position) -> Decimal:
    """Of an inverse contract the size is in dollars and the cost, of the other sign, in coins."""
    if position.instrument.category is Category.INVERSE:
        return -position.size / position.cost
    return position.cost / position.size
