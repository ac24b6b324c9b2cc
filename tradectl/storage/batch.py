"""Commands of the journal as rows of the tables, gathered for one commit."""

import math
from collections.abc import Callable, Iterator
from typing import Any

from sqlmodel import SQLModel

from tradectl.model.commands import (
    Alert,
    AlgorithmChanged,
    AllocationChanged,
    BalanceChanged,
    DecisionMade,
    Entry,
    EquityMarked,
    ExecutionBooked,
    LedgerBooked,
    LimitsChanged,
    OrderChanged,
    ParametersChanged,
    PositionChanged,
    StateChanged,
    StrategyChanged,
    UniverseChanged,
)
from tradectl.model.money import plain
from tradectl.storage import tables

Row = dict[str, Any]
Key = tuple[Any, ...]


class Batch:
    """The rows of consecutive entries of one run. Of a row that changes several times only the last state is kept."""

    def __init__(self, run: str, after: int) -> None:
        self.run = run
        self.after = after
        self.seq = after
        self._rows: dict[type[SQLModel], dict[Key, Row]] = {}
        self._size = 0

    @property
    def size(self) -> int:
        """How many rows were made, those that replaced each other included."""
        return self._size

    def add(self, entry: Entry) -> None:
        """Take in ``entry``, which must follow the last one."""
        for n, command in enumerate(entry.commands):
            project = _PROJECTIONS.get(type(command))
            if project is not None:
                self._put(*project(command), entry.seq, n)
        self.seq = entry.seq

    def tables(self) -> Iterator[tuple[type[SQLModel], list[Row]]]:
        """The rows by table."""
        for table, rows in self._rows.items():
            yield table, list(rows.values())

    def _put(self, table: type[SQLModel], key: Key | None, row: Row, seq: int, n: int) -> None:
        row["run"], row["seq"] = self.run, seq
        if key is None:
            row["n"] = n
            key = (seq, n)
        rows = self._rows.setdefault(table, {})
        if table in _FIRST_COUNTS and key in rows:
            return
        rows[key] = row
        self._size += 1


Projection = tuple[type[SQLModel], Key | None, Row]
#: What happened once: a repetition is the same happening and changes nothing.
_FIRST_COUNTS: frozenset[type[SQLModel]] = frozenset(
    {tables.ExecutionRecord, tables.DecisionRecord, tables.LedgerRecord}
)


def _order(it: OrderChanged) -> Projection:
    key = it.link_id or it.order_id
    row: Row = {
        "key": key,
        "at": it.at,
        "link_id": it.link_id,
        "order_id": it.order_id,
        "strategy": it.strategy,
        "decision": it.decision,
        "category": it.instrument.category.value,
        "symbol": it.instrument.symbol,
        "side": it.side.value,
        "type": it.type.value,
        "time_in_force": it.time_in_force.value,
        "qty": it.qty,
        "price": it.price,
        "status": it.status.value,
        "filled": it.filled,
        "avg_price": it.avg_price,
        "reduce_only": it.reduce_only,
        "created": it.created,
        "fees": it.fees,
        "reason": it.reason,
        "trigger_price": it.trigger.price if it.trigger else None,
        "trigger_by": it.trigger.by.value if it.trigger else None,
        "trigger_rises": it.trigger.rises if it.trigger else None,
        "take_profit": it.take_profit,
        "stop_loss": it.stop_loss,
        "parent": it.parent,
        "stop_type": it.stop_type,
        "algorithm": it.algorithm,
        "position_idx": it.position_idx,
    }
    return tables.OrderRecord, (key,), row


def _execution(it: ExecutionBooked) -> Projection:
    done = it.execution
    row: Row = {
        "exec_id": done.exec_id,
        "at": it.at,
        "ts": done.ts,
        "category": done.instrument.category.value,
        "symbol": done.instrument.symbol,
        "strategy": it.strategy,
        "decision": it.decision,
        "order_id": done.order_id,
        "link_id": done.link_id,
        "side": done.side.value,
        "type": done.type,
        "price": done.price,
        "qty": done.qty,
        "value": done.value,
        "fee": done.fee,
        "fee_coin": done.fee_coin,
        "fee_rate": done.fee_rate,
        "is_maker": done.is_maker,
        "closed_qty": done.closed_qty,
        "pnl": done.pnl,
        "realised": it.realised,
        "position": it.position,
        "arrival": it.arrival,
        "stop_order_type": done.stop_order_type,
        "create_type": done.create_type,
    }
    return tables.ExecutionRecord, (done.exec_id,), row


def _position(it: PositionChanged) -> Projection:
    key = {
        "strategy": it.strategy,
        "category": it.instrument.category.value,
        "symbol": it.instrument.symbol,
        "position_idx": it.position_idx,
    }
    row: Row = {
        **key,
        "at": it.at,
        "size": it.size,
        "cost": it.cost,
        "realised": it.realised,
        "fees": it.fees,
        "funding": it.funding,
        "mark": it.mark,
    }
    return tables.PositionRecord, tuple(key.values()), row


def _balance(it: BalanceChanged) -> Projection:
    return tables.BalanceRecord, (it.coin,), {"coin": it.coin, "at": it.at, "wallet": it.wallet}


def _equity(it: EquityMarked) -> Projection:
    row: Row = {
        "at": it.at,
        "strategy": it.strategy,
        "equity": it.equity,
        "cash": it.cash,
        "unrealised": it.unrealised,
    }
    return tables.EquityRecord, None, row


def _decision(it: DecisionMade) -> Projection:
    row: Row = {
        "id": it.id,
        "at": it.at,
        "cause": it.cause,
        "strategy": it.strategy,
        "category": it.instrument.category.value,
        "symbol": it.instrument.symbol,
        "action": it.action,
        "side": it.side.value if it.side else None,
        "qty": it.qty,
        "price": it.price,
        "reason": it.reason,
        "accepted": it.accepted,
        "checks": [[c.name, c.ok, c.limit, c.value, c.reason] for c in it.checks],
        "orders": list(it.orders),
        "who": it.who,
        "event": it.event,
        "inputs": [[name, _number(value)] for name, value in it.inputs],
        "algorithm": it.algorithm,
    }
    return tables.DecisionRecord, (it.id,), row


def _alert(it: Alert) -> Projection:
    row: Row = {"at": it.at, "level": it.level.value, "code": it.code, "text": it.text, "remedy": it.remedy}
    return tables.AlertRecord, None, row


def _state(it: StateChanged) -> Projection:
    reasons = [[r.code, r.level.value, r.clears, r.text, r.since, r.scope] for r in it.reasons]
    return tables.StateRecord, None, {"at": it.at, "state": it.state.value, "reasons": reasons}


def _strategy(it: StrategyChanged) -> Projection:
    row: Row = {"at": it.at, "name": it.name, "status": it.status.value, "reason": it.reason, "at_seq": it.at_seq}
    return tables.StrategyRecord, None, row


def _number(value: float) -> float | None:
    """JSON knows no NaN: an indicator that is not ready has no value."""
    return value if math.isfinite(value) else None


def _algorithm(it: AlgorithmChanged) -> Projection:
    row: Row = {
        "id": it.id,
        "at": it.at,
        "kind": it.kind,
        "strategy": it.strategy,
        "category": it.instrument.category.value,
        "symbol": it.instrument.symbol,
        "side": it.side.value if it.side else None,
        "qty": it.qty,
        "filled": it.filled,
        "status": it.status.value,
        "reason": it.reason,
        "note": it.note,
        "parameters": [list(pair) for pair in it.parameters],
    }
    return tables.AlgorithmRecord, (it.id,), row


def _ledger(it: LedgerBooked) -> Projection:
    row: Row = {"id": it.id, "at": it.at, "ts": it.ts, "type": it.type, "coin": it.coin, "change": it.change}
    return tables.LedgerRecord, (it.id,), row


def _change(kind: str, name: str, at: int, who: str, content: dict[str, Any]) -> Projection:
    row: Row = {"at": at, "kind": kind, "name": name, "who": who, "content": content}
    return tables.ChangeRecord, None, row


def _limits(it: LimitsChanged) -> Projection:
    return _change("limits", it.scope, it.at, it.who, {"limits": dict(it.limits), "reason": it.reason})


def _parameters(it: ParametersChanged) -> Projection:
    return _change("parameters", it.name, it.at, it.who, {"parameters": dict(it.parameters)})


def _universe(it: UniverseChanged) -> Projection:
    content = {"members": list(it.members), "added": list(it.added), "removed": list(it.removed)}
    return _change("universe", it.name, it.at, "", {**content, "refused": dict(it.refused)})


def _allocation(it: AllocationChanged) -> Projection:
    shares = {name: plain(share) for name, share in it.shares}
    return _change("allocation", it.policy, it.at, "", {"shares": shares, "reason": it.reason})


_PROJECTIONS: dict[type, Callable[[Any], Projection]] = {
    OrderChanged: _order,
    ExecutionBooked: _execution,
    PositionChanged: _position,
    BalanceChanged: _balance,
    EquityMarked: _equity,
    DecisionMade: _decision,
    Alert: _alert,
    StateChanged: _state,
    StrategyChanged: _strategy,
    AlgorithmChanged: _algorithm,
    LedgerBooked: _ledger,
    LimitsChanged: _limits,
    ParametersChanged: _parameters,
    UniverseChanged: _universe,
    AllocationChanged: _allocation,
}
