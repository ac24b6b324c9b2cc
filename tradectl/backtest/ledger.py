"""What an engine said over a run, as far as money and orders go: the same of a recorded run and of a backtest."""

from collections.abc import Callable, Iterable
from typing import Any

from tradectl.model.commands import (
    DecisionMade,
    EquityMarked,
    ExecutionBooked,
    LedgerBooked,
    OrderChanged,
    StrategyChanged,
    StrategyStatus,
)


class Ledger:
    """Takes commands in order. ``orders`` are each order's last state by its id, ``marks`` the account's equity.

    Everything here is kept in memory: it grows with orders, not with market data.
    """

    def __init__(self) -> None:
        self.executions: list[ExecutionBooked] = []
        self.orders: dict[str, OrderChanged] = {}
        self.decisions: dict[int, DecisionMade] = {}
        self.marks: list[EquityMarked] = []
        self.transfers: list[LedgerBooked] = []
        self.stopped: dict[str, str] = {}
        self._ids: dict[str, str] = {}
        self._take: dict[Any, Callable[[Any], None]] = {
            ExecutionBooked: self.executions.append,
            OrderChanged: self._order,
            DecisionMade: self._decision,
            EquityMarked: self._mark,
            LedgerBooked: self.transfers.append,
            StrategyChanged: self._strategy,
        }

    def take(self, commands: Iterable[Any]) -> None:
        """Everything of one step."""
        for command in commands:
            handler = self._take.get(type(command))
            if handler is not None:
                handler(command)

    def order_of(self, booked: ExecutionBooked) -> OrderChanged | None:
        """The order a fill belongs to, by our id or the venue's."""
        done = booked.execution
        name = done.link_id if done.link_id in self.orders else self._ids.get(done.order_id, "")
        return self.orders.get(name)

    def _order(self, order: OrderChanged) -> None:
        name = order.link_id or order.order_id
        if order.link_id and order.order_id in self.orders and order.order_id != name:
            del self.orders[order.order_id]  # it was known by the venue's id alone
        self.orders[name] = order
        if order.order_id:
            self._ids[order.order_id] = name

    def _decision(self, made: DecisionMade) -> None:
        self.decisions[made.id] = made

    def _mark(self, mark: EquityMarked) -> None:
        if not mark.strategy:
            self.marks.append(mark)

    def _strategy(self, change: StrategyChanged) -> None:
        if change.status is StrategyStatus.STOPPED:
            self.stopped[change.name] = change.reason


__all__ = ["Ledger"]
