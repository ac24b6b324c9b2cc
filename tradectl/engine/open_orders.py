"""The open orders, found by instrument and strategy, with running totals of what of them is in flight.

The totals follow :meth:`OpenOrders.recount`, which whoever changes an order calls before anybody asks again.
"""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import TypeVar

from msgspec import Struct

from tradectl.engine.order_state import Order
from tradectl.model.instruments import InstrumentId
from tradectl.model.money import ZERO
from tradectl.model.orders import FINAL, OrderStatus

_K = TypeVar("_K")
_Key = tuple[InstrumentId, int, str, int]
_UNKNOWN = OrderStatus.UNKNOWN


class _Share(Struct, frozen=True):
    """What an order was last counted for."""

    instrument: InstrumentId
    sign: int
    strategy: str
    amount: Decimal
    ending: bool
    is_open: bool
    unknown: bool
    is_stop: bool
    idx: int


class OpenOrders:
    """Orders that may still fill or whose executions are not all here, in the order they came. Quantities in base
    units."""

    def __init__(self) -> None:
        self._clear()

    def _clear(self) -> None:
        #: Whether there are any, for those who ask at every event; how many have no answer, and how many are stops.
        self.any = False
        self.unknown_count = 0
        self.stop_count = 0
        #: The one order that is open, if it is a plain one: most come and go before anybody asks for more than that.
        self._lone: Order | None = None
        self._orders: dict[str, Order] = {}
        self._by_instrument: dict[InstrumentId, dict[str, Order]] = {}
        self._by_side: dict[tuple[InstrumentId, int], dict[str, Order]] = {}
        self._by_strategy: dict[str, dict[str, Order]] = {}
        self._open_count = 0
        self._shares: dict[str, _Share] = {}
        self._totals: dict[_Key, Decimal] = {}
        self._ending: dict[_Key, Decimal] = {}

    def restore(self, orders: Iterable[Order]) -> None:
        """Hold exactly these."""
        self._clear()
        for order in orders:
            self.recount(order)

    # --- the indexes; asking for one puts the lone order into all

    def _settle(self) -> None:
        if self._lone is not None:
            lone, self._lone = self._lone, None
            self._index(lone)

    @property
    def orders(self) -> dict[str, Order]:
        """All of them, by link id."""
        self._settle()
        return self._orders

    @property
    def by_instrument(self) -> dict[InstrumentId, dict[str, Order]]:
        """Those of each instrument that has any."""
        self._settle()
        return self._by_instrument

    @property
    def by_strategy(self) -> dict[str, dict[str, Order]]:
        """Those of each strategy that has any."""
        self._settle()
        return self._by_strategy

    @property
    def open_count(self) -> int:
        """How many may still fill."""
        self._settle()
        return self._open_count

    def __len__(self) -> int:
        return len(self._orders) if self._lone is None else 1

    def __iter__(self) -> Iterator[str]:
        """Their link ids."""
        return iter(self._orders if self._lone is None else (self._lone.spec.link_id,))

    def __contains__(self, link_id: str) -> bool:
        return link_id in self._orders if self._lone is None else link_id == self._lone.spec.link_id

    # --- what changes

    def recount(self, order: Order) -> None:
        """Count an order as it is now; one that is over is let go."""
        lone = self._lone
        if order.status in FINAL and order.cum_qty <= order.booked:
            if lone is order:
                self._lone, self.any = None, False
            elif self.any:
                self.drop(order.spec.link_id)
            return
        if lone is not None and lone is not order:
            self._settle()
            lone = None
        if (lone is not None or not self._orders) and _is_plain(order):
            self._lone, self.any = order, True
        else:
            self._lone = None
            self._index(order)

    def _index(self, order: Order) -> None:
        link = order.spec.link_id
        self._hold(order)
        share = _share(order)
        old = self._shares.get(link)
        if old != share:
            if old is not None:
                self._count(old, -1)
            self._count(share, 1)
            self._shares[link] = share

    def drop(self, link_id: str) -> None:
        """Let an order go."""
        lone = self._lone
        if lone is not None:
            if lone.spec.link_id == link_id:
                self._lone, self.any = None, False
            return
        order = self._orders.pop(link_id, None)
        if order is None:
            return
        self.any = bool(self._orders)
        self._count(self._shares.pop(link_id), -1)
        _leave(self._by_instrument, order.instrument, link_id)
        _leave(self._by_side, (order.instrument, order.sign), link_id)
        _leave(self._by_strategy, order.strategy, link_id)

    # --- what can be asked

    def of(self, strategy: str = "", instrument: InstrumentId | None = None) -> list[Order]:
        """Open orders of a strategy, of an instrument, of both, or all."""
        if instrument is None:
            return list((self.by_strategy.get(strategy, {}) if strategy else self.orders).values())
        there = self.by_instrument.get(instrument, {})
        if not strategy:
            return list(there.values())
        own = self.by_strategy.get(strategy, {})
        if len(own) < len(there):
            return [o for o in own.values() if o.instrument == instrument]
        return [o for o in there.values() if o.strategy == strategy]

    def of_side(self, instrument: InstrumentId, sign: int) -> list[Order]:
        """Open orders of an instrument that buy (``sign`` 1) or sell (-1)."""
        self._settle()
        return list(self._by_side.get((instrument, sign), {}).values())

    def in_flight(
        self, instrument: InstrumentId, sign: int, strategy: str, without: str, ending: bool, idx: int = 0
    ) -> Decimal:  # fmt: skip
        """Quantity on one side that may still be booked; see :meth:`World.in_flight`."""
        self._settle()
        key = (instrument, sign, strategy, idx)
        total = self._totals.get(key, ZERO)
        if not ending:
            total -= self._ending.get(key, ZERO)
        own = self._shares.get(without) if without else None
        if (
            own is not None and own.instrument == instrument and own.sign == sign and strategy in ("", own.strategy)
            and idx in (0, own.idx)
        ):  # fmt: skip
            total -= own.amount if ending or not own.ending else ZERO
        return total

    def open_without(self, link_id: str) -> int:
        """How many orders may still fill, one left out."""
        self._settle()
        own = self._shares.get(link_id) if link_id else None
        return self._open_count - (own is not None and own.is_open)

    def _hold(self, order: Order) -> None:
        spec = order.spec
        link = spec.link_id
        if link not in self._orders:
            self.any = True
            self._orders[link] = order
            self._by_instrument.setdefault(spec.instrument, {})[link] = order
            self._by_side.setdefault((spec.instrument, spec.side.sign), {})[link] = order
            self._by_strategy.setdefault(order.strategy, {})[link] = order

    def _count(self, share: _Share, sign: int) -> None:
        self._open_count += sign * share.is_open
        self.unknown_count += sign * share.unknown
        self.stop_count += sign * share.is_stop
        if share.amount and not share.idx and not share.ending:  # the usual case
            amount = share.amount if sign > 0 else -share.amount
            _add(self._totals, (share.instrument, share.sign, "", 0), amount)
            _add(self._totals, (share.instrument, share.sign, share.strategy, 0), amount)
        elif share.amount:
            for idx in (0, share.idx) if share.idx else (0,):
                for strategy in ("", share.strategy):
                    key = (share.instrument, share.sign, strategy, idx)
                    _add(self._totals, key, sign * share.amount)
                    if share.ending:
                        _add(self._ending, key, sign * share.amount)


def _is_plain(order: Order) -> bool:
    """Whether it can be counted later: one without an answer and a stop are asked about at every event."""
    conditional = order.spec.trigger is not None or order.stop_type or order.parent or order.leg
    return not conditional and order.status is not _UNKNOWN


def _share(order: Order) -> _Share:
    spec, is_open = order.spec, order.status not in FINAL
    return _Share(
        spec.instrument, spec.side.sign, order.strategy, order.in_flight, order.cancel_asked, is_open,
        order.status is _UNKNOWN, is_open and order.is_stop, spec.position_idx,
    )  # fmt: skip


def _add(totals: dict[_Key, Decimal], key: _Key, amount: Decimal) -> None:
    known = totals.get(key)
    total = amount if known is None else known + amount
    if total:
        # The same amount always in the same digits, however it came about: what depends on it is compared by the byte.
        totals[key] = total.normalize() + ZERO
    else:
        del totals[key]


def _leave(index: dict[_K, dict[str, Order]], key: _K, link_id: str) -> None:
    del index[key][link_id]
    if not index[key]:
        del index[key]
