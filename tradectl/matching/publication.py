"""Collects what one action caused, in the order a venue would publish it.

Executions and their transaction log rows come as they happen, then each changed order once, each position, each
account's wallets. A copy is taken at the end, so a message always carries the final state of its action.
"""

import copy

from tradectl.matching.records import (
    Fill,
    FillHappened,
    Happening,
    LedgerEntry,
    LedgerHappened,
    OrderHappened,
    Position,
    PositionHappened,
    VenueOrder,
    Wallet,
    WalletHappened,
)
from tradectl.model.instruments import InstrumentId


def copy_order(order: VenueOrder) -> VenueOrder:
    """A copy that shares nothing with the original."""
    twin = copy.copy(order)
    twin.fees = dict(order.fees)
    return twin


class Publication:
    """What happened in one action. Orders, positions and wallets are kept by reference until :meth:`finish`."""

    __slots__ = ("_items", "_orders", "_positions", "_wallets")

    def __init__(self) -> None:
        self._items: list[Happening] = []
        self._orders: dict[str, VenueOrder] = {}
        self._positions: dict[tuple[str, InstrumentId, int], Position] = {}
        self._wallets: dict[str, dict[str, Wallet]] = {}

    def fill(self, fill: Fill) -> None:
        self._items.append(FillHappened(fill))

    def ledger(self, entry: LedgerEntry) -> None:
        self._items.append(LedgerHappened(entry))

    def order(self, order: VenueOrder) -> None:
        self._orders[order.order_id] = order

    def triggered(self, order: VenueOrder) -> None:
        """A conditional order as it fires: said at once, because its final state follows in the same action."""
        self._items.append(OrderHappened(copy_order(order)))

    def position(self, position: Position) -> None:
        self._positions[position.uid, position.instrument, position.position_idx] = position

    def wallet(self, wallet: Wallet) -> None:
        self._wallets.setdefault(wallet.uid, {})[wallet.coin] = wallet

    @property
    def positions(self) -> list[Position]:
        """The positions touched so far."""
        return list(self._positions.values())

    def finish(self) -> list[Happening]:
        """The whole list, in order."""
        items = self._items
        items.extend(OrderHappened(copy_order(order)) for order in self._orders.values())
        items.extend(PositionHappened(copy.copy(position)) for position in self._positions.values())
        for uid, wallets in self._wallets.items():
            items.append(WalletHappened(uid, tuple(copy.copy(wallet) for wallet in wallets.values())))
        return items
