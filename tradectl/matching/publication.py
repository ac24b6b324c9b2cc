"""Collects what one action caused, in the order a venue would publish it.

Executions and their transaction log rows come as they happen, then each changed order once, each position, each
account's wallets. A copy is taken at the end, so a message always carries the final state of its action. Kinds that
nobody reads are neither kept nor copied.
"""

import copy

from msgspec import Struct

from tradectl.matching.records import (
    EVERYTHING,
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
from tradectl.model.orders import OrderStatus

FILLED = OrderStatus.FILLED


class Wanted(Struct, frozen=True):
    """Which kinds of happenings somebody reads."""

    orders: bool = True
    fills: bool = True
    positions: bool = True
    wallets: bool = True
    ledger: bool = True

    @classmethod
    def of(cls, kinds: frozenset[type[Happening]]) -> "Wanted":
        """Raises ``ValueError`` for what is no kind of happening."""
        unknown = kinds - EVERYTHING
        if unknown:
            raise ValueError(f"nothing like {sorted(map(str, unknown))} ever happens")
        every = (OrderHappened, FillHappened, PositionHappened, WalletHappened, LedgerHappened)
        return cls(*(kind in kinds for kind in every))


def copy_order(order: VenueOrder) -> VenueOrder:
    """A copy that shares nothing with the original."""
    twin = copy.copy(order)
    twin.fees = dict(order.fees)
    return twin


def shown(order: VenueOrder) -> VenueOrder:
    """What may be handed out: a copy, or the order itself when it is final, because nobody changes it any more."""
    return order if order.status is FILLED or order.status.is_final else copy_order(order)


class Publication:
    """What happened in one action. Orders, positions and wallets are kept by reference until :meth:`finish`."""

    __slots__ = ("_items", "_orders", "_positions", "_shown", "_wallets", "wanted")

    def __init__(self, wanted: Wanted) -> None:
        self.wanted = wanted
        self._items: list[Happening] = []
        self._orders: dict[str, VenueOrder] = {}
        self._shown: list[VenueOrder] = []
        self._positions: dict[tuple[str, InstrumentId, int], Position] = {}
        self._wallets: dict[str, dict[str, Wallet]] = {}

    def fill(self, fill: Fill) -> None:
        if self.wanted.fills:
            self._items.append(FillHappened(fill))

    def ledger(self, entry: LedgerEntry) -> None:
        """A row of the log; who has none to read may leave it unmade (:attr:`Wanted.ledger`)."""
        if self.wanted.ledger:
            self._items.append(LedgerHappened(entry))

    def order(self, order: VenueOrder) -> None:
        self._orders[order.order_id] = order

    def triggered(self, order: VenueOrder) -> None:
        """A conditional order as it fires: said at once, because its final state follows in the same action."""
        if self.wanted.orders:
            self._items.append(OrderHappened(copy_order(order)))

    def position(self, position: Position) -> None:
        if self.wanted.positions:
            self._positions[position.uid, position.instrument, position.position_idx] = position

    def wallet(self, wallet: Wallet) -> None:
        if self.wanted.wallets:
            self._wallets.setdefault(wallet.uid, {})[wallet.coin] = wallet

    def finish(self) -> list[Happening]:
        """The whole list, in order."""
        items = self._items
        if self.wanted.orders:
            self._shown = [shown(order) for order in self._orders.values()]
            items += [OrderHappened(order) for order in self._shown]
        if self._positions:
            items += [PositionHappened(copy.copy(position)) for position in self._positions.values()]
        if self._wallets:
            for uid, wallets in self._wallets.items():
                items.append(WalletHappened(uid, tuple([copy.copy(wallet) for wallet in wallets.values()])))
        return items

    def shown(self, order: VenueOrder) -> VenueOrder:
        """After :meth:`finish`: the order as it was published, for the answer to the request."""
        for each in self._shown:
            if each.order_id == order.order_id:
                return each
        return shown(order)
