"""Rows back into the records they were made from."""

from sqlalchemy import RowMapping

from tradectl.model.commands import Check, DecisionMade, EquityMarked, ExecutionBooked, OrderChanged, PositionChanged
from tradectl.model.instruments import Category, InstrumentId
from tradectl.model.orders import Execution, OrderStatus, OrderType, Side, TimeInForce


def to_order(row: RowMapping) -> OrderChanged:
    return OrderChanged(
        at=row["at"],
        link_id=row["link_id"],
        order_id=row["order_id"],
        strategy=row["strategy"],
        decision=row["decision"],
        instrument=_instrument(row),
        side=Side(row["side"]),
        type=OrderType(row["type"]),
        time_in_force=TimeInForce(row["time_in_force"]),
        qty=row["qty"],
        price=row["price"],
        status=OrderStatus(row["status"]),
        filled=row["filled"],
        avg_price=row["avg_price"],
        reduce_only=row["reduce_only"],
        created=row["created"],
        fees=row["fees"],
        reason=row["reason"],
    )


def to_execution(row: RowMapping) -> ExecutionBooked:
    execution = Execution(
        exec_id=row["exec_id"],
        instrument=_instrument(row),
        order_id=row["order_id"],
        link_id=row["link_id"],
        side=Side(row["side"]),
        price=row["price"],
        qty=row["qty"],
        value=row["value"],
        fee=row["fee"],
        fee_coin=row["fee_coin"],
        is_maker=row["is_maker"],
        ts=row["ts"],
        type=row["type"],
        closed_qty=row["closed_qty"],
        pnl=row["pnl"],
        fee_rate=row["fee_rate"],
    )
    return ExecutionBooked(
        at=row["at"],
        execution=execution,
        strategy=row["strategy"],
        decision=row["decision"],
        realised=row["realised"],
        position=row["position"],
    )


def to_position(row: RowMapping) -> PositionChanged:
    return PositionChanged(
        at=row["at"],
        strategy=row["strategy"],
        instrument=_instrument(row),
        size=row["size"],
        cost=row["cost"],
        realised=row["realised"],
        fees=row["fees"],
        funding=row["funding"],
        mark=row["mark"],
    )


def to_equity(row: RowMapping) -> EquityMarked:
    return EquityMarked(row["at"], row["strategy"], row["equity"], row["cash"], row["unrealised"])


def to_decision(row: RowMapping) -> DecisionMade:
    return DecisionMade(
        id=row["id"],
        cause=row["cause"],
        at=row["at"],
        strategy=row["strategy"],
        instrument=_instrument(row),
        action=row["action"],
        side=Side(row["side"]) if row["side"] else None,
        qty=row["qty"],
        price=row["price"],
        reason=row["reason"],
        accepted=row["accepted"],
        checks=tuple(Check(*check) for check in row["checks"]),
        orders=tuple(row["orders"]),
        who=row["who"],
    )


def _instrument(row: RowMapping) -> InstrumentId:
    return InstrumentId(Category(row["category"]), row["symbol"])
