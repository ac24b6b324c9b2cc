"""What can be asked about accounts: open and past orders, executions, ledger, closed profit; paged as at Bybit."""

from collections.abc import Callable

from tradectl.matching.exchange import Exchange
from tradectl.matching.records import Fill, LedgerEntry, VenueOrder
from tradectl.model.instruments import Category
from tradectl.sandbox.memory.memory import Memory
from tradectl.sandbox.memory.order_kinds import is_wanted
from tradectl.sandbox.memory.queries import cursor_place, cursor_text
from tradectl.sandbox.memory.records import ClosedPnl


def named_symbols(
    exchange: Exchange, category: str, symbol: str = "", base_coin: str = "", settle_coin: str = ""
) -> list[str] | None:
    """The symbols a request names, ``None`` for all; Bybit's precedence is symbol, base coin, settle coin."""
    if symbol:
        return [symbol]
    if not base_coin and not settle_coin:
        return None
    return [
        instrument.id.symbol
        for instrument in exchange.instruments.values()
        if (not category or instrument.id.category is Category(category))
        and (instrument.base_coin == base_coin if base_coin else instrument.settle_coin == settle_coin)
    ]


class AccountQueries:
    """The queries of a venue: rows newest first, and the cursor of the next page ("" = last page).

    Times are venue milliseconds, both ends included; windows follow bybit-v5 3.2. Raises ``Refused`` 10001 for a
    window that is inverted or too long, and for a foreign cursor.
    """

    exchange: Exchange
    now: Callable[[], int]
    _memory: Memory

    def orders_open(
        self,
        uid: str,
        category: str,
        *,
        symbol: str = "",
        base_coin: str = "",
        settle_coin: str = "",
        order_id: str = "",
        link_id: str = "",
        order_filter: str = "",
        open_only: int = 0,
        limit: int = 20,
        cursor: str = "",
    ) -> tuple[list[VenueOrder], str]:
        """``order/realtime``: open orders; with ``open_only`` 1 the last 500 closed ones; by id either kind."""
        if order_id or link_id:
            orders = self._memory.orders_by_id(uid, category, order_id, link_id)
        elif open_only:
            orders = self._memory.closed_orders(uid, category)
        else:
            orders = [o for o in self.exchange.open_orders(uid) if o.instrument.category.value == category][::-1]
        symbols = (
            None if order_id or link_id else named_symbols(self.exchange, category, symbol, base_coin, settle_coin)
        )
        if symbols is not None:
            orders = [order for order in orders if order.instrument.symbol in symbols]
        orders = [order for order in orders if is_wanted(order, order_filter)]
        start = cursor_place(cursor) or 0
        more = len(orders) > start + limit
        return orders[start : start + limit], cursor_text(start + limit) if more else ""

    def orders_history(
        self,
        uid: str,
        category: str,
        *,
        symbol: str = "",
        base_coin: str = "",
        settle_coin: str = "",
        order_id: str = "",
        link_id: str = "",
        status: str = "",
        order_filter: str = "",
        start_ms: int | None = None,
        end_ms: int | None = None,
        limit: int = 20,
        cursor: str = "",
    ) -> tuple[list[VenueOrder], str]:
        """``order/history``: final orders; those without fills only for 24 hours of venue time.

        The window holds orders created before its end and finished after its start.
        """
        symbols = named_symbols(self.exchange, category, symbol, base_coin, settle_coin)
        return self._memory.order_history(
            uid, category, symbols, order_id, link_id, status, order_filter, start_ms, end_ms, self.now(), limit, cursor
        )

    def executions(
        self,
        uid: str,
        category: str,
        *,
        symbol: str = "",
        base_coin: str = "",
        settle_coin: str = "",
        order_id: str = "",
        link_id: str = "",
        exec_type: str = "",
        start_ms: int | None = None,
        end_ms: int | None = None,
        limit: int = 50,
        cursor: str = "",
    ) -> tuple[list[Fill], str]:
        """``execution/list``: given an id, all other filters are ignored."""
        symbols = named_symbols(self.exchange, category, symbol, base_coin, settle_coin)
        return self._memory.executions(
            uid, category, symbols, order_id, link_id, exec_type, start_ms, end_ms, self.now(), limit, cursor
        )

    def ledger(
        self,
        uid: str,
        *,
        category: str = "",
        currency: str = "",
        base_coin: str = "",
        type: str = "",
        start_ms: int | None = None,
        end_ms: int | None = None,
        limit: int = 20,
        cursor: str = "",
    ) -> tuple[list[LedgerEntry], str]:
        """``account/transaction-log``: without both bounds the window is 24 hours."""
        symbols = named_symbols(self.exchange, category, "", base_coin, "")
        return self._memory.ledger(uid, category, currency, symbols, type, start_ms, end_ms, self.now(), limit, cursor)

    def closed_pnl(
        self,
        uid: str,
        category: str,
        *,
        symbol: str = "",
        start_ms: int | None = None,
        end_ms: int | None = None,
        limit: int = 50,
        cursor: str = "",
    ) -> tuple[list[ClosedPnl], str]:
        """``position/closed-pnl``: one row per closing order."""
        return self._memory.closed_pnl(uid, category, symbol, start_ms, end_ms, self.now(), limit, cursor)
