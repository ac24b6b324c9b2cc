"""What is now so, as the gateway last heard it: a snapshot at a journal sequence, and every delta since.

Reads are answered from here, so that no number of them reaches the daemon.
"""

from collections.abc import Iterator

from tradectl.model.commands import Level
from tradectl.model.errors import ErrorCode, Problem
from tradectl.model.instruments import Category
from tradectl.rpc.methods import Delta, Snapshot
from tradectl.rpc.rows import BalanceRow, EquityRow, InstrumentRow, OrderRow, PositionRow, ReasonRow, TickerRow

#: Orders that ended are kept this long (counted in orders) so that their last state can still be read.
ENDED_KEPT = 1000

Key = tuple[Category, str]


class Projection:
    """The daemon's present, followed. ``seq`` is the journal sequence it reflects."""

    def __init__(self) -> None:
        self.seq = 0
        self.at = 0
        self.mode = self.profile = self.run = ""
        self.state: Level | None = None
        self.reasons: tuple[ReasonRow, ...] = ()
        self.orders: dict[str, OrderRow] = {}
        self.positions: dict[tuple[Category, str, str, int], PositionRow] = {}
        self.balances: dict[str, BalanceRow] = {}
        self.equity: dict[str, EquityRow] = {}
        self.tickers: dict[Key, TickerRow] = {}
        self.instruments: dict[Key, InstrumentRow] = {}
        self._ended: dict[str, None] = {}

    def take(self, snapshot: Snapshot) -> None:
        """Forget everything but the instruments, and begin at ``snapshot``."""
        self.seq, self.at = snapshot.seq, snapshot.at
        self.mode, self.profile, self.run = snapshot.mode, snapshot.profile, snapshot.run
        self.state, self.reasons = snapshot.state, snapshot.reasons
        self.orders, self._ended = {}, {}
        self.positions, self.balances, self.equity, self.tickers = {}, {}, {}, {}
        self._merge(snapshot)

    def apply(self, delta: Delta) -> None:
        """Take in what changed; a row replaces the one with the same key."""
        self.seq, self.at = delta.seq, delta.at
        if delta.state is not None:
            self.state, self.reasons = delta.state, delta.reasons
        self._merge(delta)

    def _merge(self, rows: Snapshot | Delta) -> None:
        for order in rows.orders:
            self._keep_order(order)
        for position in rows.positions:
            self.positions[position.category, position.symbol, position.strategy, position.position_idx] = position
        for balance in rows.balances:
            self.balances[balance.coin] = balance
        for equity in rows.equity:
            self.equity[equity.strategy] = equity
        for ticker in rows.tickers:
            self.tickers[ticker.category, ticker.symbol] = ticker

    def _keep_order(self, order: OrderRow) -> None:
        self.orders[order.id] = order
        if not order.status.is_final:
            return
        self._ended.pop(order.id, None)
        self._ended[order.id] = None
        if len(self._ended) > ENDED_KEPT:
            oldest = next(iter(self._ended))
            del self._ended[oldest], self.orders[oldest]

    def take_instruments(self, instruments: tuple[InstrumentRow, ...]) -> None:
        self.instruments = {(row.category, row.symbol): row for row in instruments}

    def open_orders(self) -> Iterator[OrderRow]:
        """Orders that may still trade, oldest first."""
        return iter(sorted((o for o in self.orders.values() if not o.status.is_final), key=lambda o: (o.created, o.id)))

    def net_positions(self) -> Iterator[PositionRow]:
        """The positions at the venue that are not flat, by symbol."""
        rows = (row for row in self.positions.values() if row.strategy == "" and row.size)
        return iter(sorted(rows, key=lambda row: (row.symbol, row.category.value)))

    def order(self, order_id: str) -> OrderRow:
        """The order with this link id or venue id. Raises ``Problem(UNKNOWN_ORDER)``."""
        found = self.orders.get(order_id)
        if found is None:
            found = next((row for row in self.orders.values() if row.order_id == order_id), None)
        if found is None:
            raise Problem(
                ErrorCode.UNKNOWN_ORDER,
                f"no order {order_id[:64]!r} is open or ended lately",
                field="id",
                reason="unknown order",
                remedy="Older orders: GET /api/orders?status=all.",
            )
        return found

    def instrument(self, symbol: str, category: Category) -> InstrumentRow:
        """Raises ``Problem(UNKNOWN_SYMBOL)`` with a hint where the symbol exists in another category."""
        found = self.instruments.get((category, symbol))
        if found is None:
            others = [kind.value for kind, name in self.instruments if name == symbol]
            raise Problem(
                ErrorCode.UNKNOWN_SYMBOL,
                f"{symbol[:32]!r} is no {category.value} instrument",
                field="symbol",
                reason=f"Unknown {category.value} symbol",
                remedy=f"It exists as {', '.join(others)}: name the category."
                if others
                else "See its exact spelling with: tradectl instruments.",
            )
        return found
