"""Why something happened: the chain from event over signal, verdict and order to execution, from the database."""

from collections.abc import Iterator
from typing import Any

from msgspec import Struct
from sqlalchemy import Engine, RowMapping, Select, and_, or_, select

from tradectl.model.commands import AlgorithmChanged, DecisionMade, ExecutionBooked, OrderChanged
from tradectl.model.errors import ErrorCode, Problem
from tradectl.storage import tables
from tradectl.storage.records import to_algorithm, to_decision, to_execution, to_order
from tradectl.storage.tables import table_of

#: How many orders and fills of one chain are read.
_MOST = 200


class Chain(Struct, frozen=True, kw_only=True):
    """What hangs together. ``subject`` says in words what was asked about; a part nobody recorded is empty."""

    run: str = ""
    subject: str = ""
    decision: DecisionMade | None = None
    algorithm: AlgorithmChanged | None = None
    orders: tuple[OrderChanged, ...] = ()
    executions: tuple[ExecutionBooked, ...] = ()
    state: RowMapping | None = None
    alerts: tuple[RowMapping, ...] = ()


class Explainer:
    """Finds the chain behind an order, trade, decision, algorithm, alert, halt or symbol. For reading threads."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def chain(self, wanted: str) -> Chain:
        """The chain behind ``wanted``: any id, the code of an alert, the word halt, or a symbol (its last decision
        that became orders). Raises ``Problem`` (NOT_FOUND) with what could have been meant."""
        for find in (self._of_halt, self._of_order, self._of_execution, self._of_decision, self._of_algorithm,
                     self._of_symbol, self._of_alert):  # fmt: skip
            found = find(wanted)
            if found is not None:
                return found
        raise Problem(
            ErrorCode.NOT_FOUND, f"nothing recorded has the id {wanted!r}", field="id",
            reason="an order, trade or decision id (d12), an algorithm (a3), a symbol, an alert's code, or halt",
            remedy="tradectl orders list --history, tradectl trades list; or: tradectl why-not SYMBOL",
        )  # fmt: skip

    def refusals(self, symbol: str, since: int) -> tuple[DecisionMade, ...]:
        """What was wanted of ``symbol`` and refused since then (nanoseconds), newest first."""
        decisions = table_of(tables.DecisionRecord)
        refused = and_(decisions.c.symbol == symbol, decisions.c.at >= since, decisions.c.accepted.is_(False))
        query = select(decisions).where(refused).order_by(decisions.c.at.desc()).limit(_MOST)
        return tuple(to_decision(row) for row in self._rows(query))

    def restrictions(self, since: int) -> tuple[RowMapping, ...]:
        """The trading states since then, oldest first, begun by the one that was in force."""
        states = table_of(tables.StateRecord)
        order = states.c.at, states.c.run, states.c.seq, states.c.n
        before = select(states).where(states.c.at < since).order_by(*(key.desc() for key in order)).limit(1)
        after = select(states).where(states.c.at >= since).order_by(*order).limit(_MOST)
        return (*self._rows(before), *self._rows(after))

    # --- one way each to find it

    def _of_halt(self, wanted: str) -> Chain | None:
        if wanted.lower() not in ("halt", "halted", "reducing"):
            return None
        states = table_of(tables.StateRecord)
        last = states.c.at.desc(), states.c.run.desc(), states.c.seq.desc(), states.c.n.desc()
        row = self._one(select(states).where(states.c.state != "RUNNING").order_by(*last).limit(1))
        if row is None:
            return None
        alerts = self._alerts_of(row["run"], self._began(row))
        return Chain(run=row["run"], subject=f"trading was {row['state']}", state=row, alerts=alerts)

    def _began(self, row: RowMapping) -> int:
        """The entry with which this stretch of restriction began: the first one after trading was last RUNNING."""
        states = table_of(tables.StateRecord)
        here = and_(states.c.run == row["run"], states.c.seq <= row["seq"])
        running = and_(here, states.c.state == "RUNNING")
        calm = self._one(select(states.c.seq).where(running).order_by(states.c.seq.desc()).limit(1))
        after = states.c.seq > (calm["seq"] if calm else 0)
        first = self._one(select(states.c.seq).where(and_(here, after)).order_by(states.c.seq).limit(1))
        return int(first["seq"] if first else row["seq"])

    def _of_order(self, wanted: str) -> Chain | None:
        orders = table_of(tables.OrderRecord)
        row = self._one(select(orders).where(or_(orders.c.key == wanted, orders.c.order_id == wanted)).limit(1))
        if row is None or not wanted:
            return None
        order = to_order(row)
        return self._chain(row["run"], f"order {order.link_id or order.order_id}", order.decision, order)

    def _of_execution(self, wanted: str) -> Chain | None:
        executions = table_of(tables.ExecutionRecord)
        row = self._one(select(executions).where(executions.c.exec_id == wanted))
        if row is None:
            return None
        done = to_execution(row)
        found = self._of_order(done.execution.link_id) or self._of_order(done.execution.order_id)
        if found is None:
            return Chain(run=row["run"], subject=f"trade {wanted}", executions=(done,))
        chosen = tuple(e for e in found.executions if e.execution.exec_id == wanted)
        return Chain(
            run=found.run, subject=f"trade {wanted}", decision=found.decision, algorithm=found.algorithm,
            orders=found.orders, executions=chosen or (done,),
        )  # fmt: skip

    def _of_decision(self, wanted: str) -> Chain | None:
        if not (wanted[:1] == "d" and wanted[1:].isdecimal() and len(wanted) < 20):
            return None
        decisions = table_of(tables.DecisionRecord)
        same = decisions.c.id == int(wanted[1:])
        row = self._one(select(decisions).where(same).order_by(decisions.c.at.desc()).limit(1))
        return None if row is None else self._chain(row["run"], f"decision {wanted}", row["id"])

    def _of_algorithm(self, wanted: str) -> Chain | None:
        if not (wanted[:1] == "a" and wanted[1:].isdecimal() and len(wanted) < 20):
            return None
        algorithms = table_of(tables.AlgorithmRecord)
        same = algorithms.c.id == int(wanted[1:])
        row = self._one(select(algorithms).where(same).order_by(algorithms.c.at.desc()).limit(1))
        if row is None:
            return None
        orders = self._orders(row["run"], table_of(tables.OrderRecord).c.algorithm == row["id"])
        return Chain(
            run=row["run"], subject=f"algorithm {wanted}", algorithm=to_algorithm(row), orders=orders,
            executions=self._executions(orders),
        )  # fmt: skip

    def _of_symbol(self, wanted: str) -> Chain | None:
        decisions = table_of(tables.DecisionRecord)
        symbol = wanted.rpartition(":")[2].upper()
        about = and_(decisions.c.symbol == symbol, decisions.c.accepted.is_(True))
        for row in self._rows(select(decisions).where(about).order_by(decisions.c.at.desc()).limit(50)):
            if row["orders"]:
                return self._chain(row["run"], f"the last orders in {symbol}", row["id"])
        return None

    def _of_alert(self, wanted: str) -> Chain | None:
        alerts = table_of(tables.AlertRecord)
        row = self._one(select(alerts).where(alerts.c.code == wanted).order_by(alerts.c.at.desc()).limit(1))
        if row is None:
            return None
        return Chain(run=row["run"], subject=f"alert {wanted}", alerts=self._alerts_of(row["run"], row["seq"]))

    # --- what hangs on it

    def _chain(self, run: str, subject: str, decision: int, asked: OrderChanged | None = None) -> Chain:
        decisions, orders = table_of(tables.DecisionRecord), table_of(tables.OrderRecord)
        made = self._one(select(decisions).where(and_(decisions.c.run == run, decisions.c.id == decision)))
        found: tuple[OrderChanged, ...] = (asked,) if asked is not None else ()
        if asked is None and decision:
            found = self._orders(run, orders.c.decision == decision)
        known = {order.order_id for order in found}
        found += tuple(order for order in self._children(run, found) if order.order_id not in known)
        number = (found[0].algorithm if found else 0) or (made["algorithm"] if made else 0)
        return Chain(
            run=run, subject=subject, decision=to_decision(made) if made else None,
            algorithm=self._working(run, number), orders=found, executions=self._executions(found),
        )  # fmt: skip

    def _children(self, run: str, parents: tuple[OrderChanged, ...]) -> tuple[OrderChanged, ...]:
        """The stops the venue made of what was attached to an entry."""
        links = [order.link_id for order in parents if order.link_id]
        return self._orders(run, table_of(tables.OrderRecord).c.parent.in_(links)) if links else ()

    def _working(self, run: str, number: int) -> AlgorithmChanged | None:
        algorithms = table_of(tables.AlgorithmRecord)
        query = select(algorithms).where(and_(algorithms.c.run == run, algorithms.c.id == number))
        row = self._one(query) if number else None
        return to_algorithm(row) if row else None

    def _orders(self, run: str, condition: Any) -> tuple[OrderChanged, ...]:
        orders = table_of(tables.OrderRecord)
        query = select(orders).where(and_(orders.c.run == run, condition)).order_by(orders.c.created).limit(_MOST)
        return tuple(to_order(row) for row in self._rows(query))

    def _executions(self, orders: tuple[OrderChanged, ...]) -> tuple[ExecutionBooked, ...]:
        executions = table_of(tables.ExecutionRecord)
        ids = [order.order_id for order in orders if order.order_id]
        links = [order.link_id for order in orders if order.link_id]
        if not ids and not links:
            return ()
        of_them = or_(executions.c.order_id.in_(ids), executions.c.link_id.in_(links))
        query = select(executions).where(of_them).order_by(executions.c.ts, executions.c.exec_id).limit(_MOST)
        return tuple(to_execution(row) for row in self._rows(query))

    def _alerts_of(self, run: str, seq: int) -> tuple[RowMapping, ...]:
        alerts = table_of(tables.AlertRecord)
        return tuple(self._rows(select(alerts).where(and_(alerts.c.run == run, alerts.c.seq == seq))))

    def _rows(self, query: Select[Any]) -> Iterator[RowMapping]:
        with self._engine.connect() as connection:
            return iter(list(connection.execute(query).mappings()))

    def _one(self, query: Select[Any]) -> RowMapping | None:
        return next(self._rows(query), None)
