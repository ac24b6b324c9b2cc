"""What changes accounts: funds, orders, stops, leverage and position mode.

Each change is kept before its method returns; all raise ``Refused`` with nothing changed.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import TypeVar

from tradectl.matching.exchange import Exchange
from tradectl.matching.records import Happening, NewOrder, StopChange, VenueOrder
from tradectl.matching.views import AccountFees
from tradectl.model.instruments import InstrumentId
from tradectl.model.orders import Protection, TradingStop
from tradectl.sandbox.account_queries import named_symbols
from tradectl.sandbox.memory.order_kinds import is_wanted

Result = TypeVar("Result")
#: A change of the accounts at a venue time.
Change = Callable[[int], tuple[Result, list[Happening]]]
#: Orders that one cancel-all ends (bybit-v5 5.4).
MOST_CANCELLED = 500


class AccountChanges(ABC):
    """The requests of a venue that change something. Subclasses carry them out and keep them in :meth:`_request`."""

    exchange: Exchange

    @abstractmethod
    def _request(self, change: Change[Result]) -> tuple[Result, list[Happening]]:
        """Carry out a change at the venue's time and keep it, or leave everything as it was."""

    def open_account(self, uid: str, fund: Mapping[str, Decimal] | None = None, *, hedge: bool = False) -> bool:
        """Open an account with VIP 0 fees and, in the same breath, ``fund`` it and with ``hedge`` hold both sides of
        USDT perpetuals apart; ``False`` when it was there already (then nothing is done)."""
        if self.exchange.has_account(uid):
            return False

        def opened(now: int) -> tuple[None, list[Happening]]:
            self.exchange.open_account(uid, AccountFees(), now)
            if hedge:
                self.exchange.switch_mode(uid, "USDT", True, now)
            deposits = [
                self.exchange.deposit(uid, coin, amount, now) for coin, amount in (fund or {}).items() if amount
            ]
            return None, [happening for deposit in deposits for happening in deposit]

        self._request(opened)
        return True

    def deposit(self, uid: str, coin: str, amount: Decimal) -> list[Happening]:
        """Transfer in (``amount`` > 0) or out (< 0)."""
        return self._request(lambda now: (None, self.exchange.deposit(uid, coin, amount, now)))[1]

    def place(self, uid: str, order: NewOrder) -> tuple[VenueOrder, list[Happening]]:
        """Check, match and rest an order."""
        return self._request(lambda now: self.exchange.place(uid, order, now))

    def amend(
        self,
        uid: str,
        instrument: InstrumentId,
        *,
        order_id: str = "",
        link_id: str = "",
        qty: Decimal | None = None,
        price: Decimal | None = None,
        stops: StopChange | None = None,
    ) -> tuple[VenueOrder, list[Happening]]:
        """Change total quantity, price or stops of an open order, named by ``order_id`` or else ``link_id``."""
        return self._request(
            lambda now: self.exchange.amend(uid, instrument, order_id, link_id, qty, price, now, stops)
        )

    def cancel(
        self, uid: str, instrument: InstrumentId, *, order_id: str = "", link_id: str = ""
    ) -> tuple[VenueOrder, list[Happening]]:
        """Cancel an open order, named by ``order_id`` or else ``link_id``."""
        return self._request(lambda now: self.exchange.cancel(uid, instrument, order_id, link_id, now))

    def cancel_all(
        self,
        uid: str,
        category: str,
        *,
        symbol: str = "",
        base_coin: str = "",
        settle_coin: str = "",
        order_filter: str = "",
        stop_order_type: str = "",
    ) -> tuple[list[VenueOrder], list[Happening]]:
        """Cancel the open orders of a category that match, the oldest 500; the orders are as they ended."""
        symbols = named_symbols(self.exchange, category, symbol, base_coin, settle_coin)
        orders = [
            order
            for order in self.exchange.open_orders(uid)
            if order.instrument.category.value == category
            and (symbols is None or order.instrument.symbol in symbols)
            and is_wanted(order, order_filter, stop_order_type)
        ]
        return self._request(lambda now: cancel_each(self.exchange, uid, orders[:MOST_CANCELLED], now))

    def set_leverage(self, uid: str, instrument: InstrumentId, leverage: Decimal) -> list[Happening]:
        """Set the leverage of a perpetual."""
        return self._request(lambda now: (None, self.exchange.set_leverage(uid, instrument, leverage, now)))[1]

    def switch_mode(self, uid: str, target: InstrumentId | str, hedge: bool) -> list[Happening]:
        """Hold both sides of an instrument, or of a settle coin's, apart (``hedge``) or in one position."""
        return self._request(lambda now: (None, self.exchange.switch_mode(uid, target, hedge, now)))[1]

    def set_trading_stop(self, uid: str, stop: TradingStop) -> list[Happening]:
        """Edit the stops of a whole position."""
        return self._request(lambda now: (None, self.exchange.set_trading_stop(uid, stop, now)))[1]

    def add_partial_stops(
        self, uid: str, instrument: InstrumentId, position_idx: int, legs: Protection, size: Decimal
    ) -> list[Happening]:
        """Add a take-profit, a stop-loss or a pair for ``size`` of a position."""
        return self._request(
            lambda now: (None, self.exchange.add_partial_stops(uid, instrument, position_idx, legs, size, now))
        )[1]


def cancel_each(
    exchange: Exchange, uid: str, orders: list[VenueOrder], now: int
) -> tuple[list[VenueOrder], list[Happening]]:
    """Cancel open orders one by one; one that ended with another (a pair, a parent) is not cancelled again."""
    cancelled: list[VenueOrder] = []
    happenings: list[Happening] = []
    for order in orders:
        if exchange.order(uid, order.order_id) is not None:
            ended, happened = exchange.cancel(uid, order.instrument, order.order_id, "", now)
            cancelled.append(ended)
            happenings += happened
    return cancelled, happenings
