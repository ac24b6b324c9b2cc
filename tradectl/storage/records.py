"""Rows back into the records they were made from."""

import math

from sqlalchemy import RowMapping

from tradectl.model.commands import (
    AlgorithmChanged,
    AlgorithmStatus,
    Check,
    DecisionMade,
    EquityMarked,
    ExecutionBooked,
    LedgerBooked,
    OrderChanged,
    PositionChanged,
)
from tradectl.model.instruments import Category, InstrumentId
from tradectl.model.orders import Execution, OrderStatus, OrderType, Side, TimeInForce, Trigger, TriggerBy


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
        trigger=_trigger(row),
        take_profit=row["take_profit"],
        stop_loss=row["stop_loss"],
        parent=row["parent"],
        stop_type=row["stop_type"],
        algorithm=row["algorithm"],
        position_idx=row["position_idx"],
    )


def _trigger(row: RowMapping) -> Trigger | None:
    if row["trigger_price"] is None:
        return None
    return Trigger(row["trigger_price"], row["trigger_rises"], TriggerBy(row["trigger_by"]))


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
        stop_order_type=row["stop_order_type"],
        create_type=row["create_type"],
    )
    return ExecutionBooked(
        at=row["at"],
        execution=execution,
        strategy=row["strategy"],
        decision=row["decision"],
        realised=row["realised"],
        position=row["position"],
        arrival=row["arrival"],
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
        position_idx=row["position_idx"],
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
        event=row["event"],
        inputs=tuple((name, math.nan if value is None else value) for name, value in row["inputs"]),
        algorithm=row["algorithm"],
    )


def to_algorithm(row: RowMapping) -> AlgorithmChanged:
    return AlgorithmChanged(
        at=row["at"],
        id=row["id"],
        kind=row["kind"],
        strategy=row["strategy"],
        instrument=_instrument(row),
        side=Side(row["side"]) if row["side"] else None,
        qty=row["qty"],
        filled=row["filled"],
        status=AlgorithmStatus(row["status"]),
        reason=row["reason"],
        note=row["note"],
        parameters=tuple((name, value) for name, value in row["parameters"]),
    )


def to_ledger(row: RowMapping) -> LedgerBooked:
    return LedgerBooked(row["at"], row["id"], row["type"], row["coin"], row["change"], row["ts"])


def _instrument(row: RowMapping) -> InstrumentId:
    return InstrumentId(Category(row["category"]), row["symbol"])
