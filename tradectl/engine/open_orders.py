"""The open orders, found by instrument and strategy, with running totals of what of them is in flight.

The totals follow :meth:`OpenOrders.recount`, which whoever changes an order calls before anybody asks again.
"""

from collections.abc import Iterable
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
        self.orders: dict[str, Order] = {}
        self.by_instrument: dict[InstrumentId, dict[str, Order]] = {}
        self.by_side: dict[tuple[InstrumentId, int], dict[str, Order]] = {}
        self.by_strategy: dict[str, dict[str, Order]] = {}
        self.open_count = 0
        self.unknown_count = 0
        self.stop_count = 0
        self._shares: dict[str, _Share] = {}
        self._totals: dict[_Key, Decimal] = {}
        self._ending: dict[_Key, Decimal] = {}

    def restore(self, orders: Iterable[Order]) -> None:
        """Hold exactly these."""
        self._clear()
        for order in orders:
            self.recount(order)

    def recount(self, order: Order) -> None:
        """Count an order as it is now; one that is over is let go."""
        link = order.spec.link_id
        if order.status in FINAL and not order.misses_executions:
            if link in self.orders:
                self.drop(link)
            return
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
        order = self.orders.pop(link_id, None)
        if order is None:
            return
        self._count(self._shares.pop(link_id), -1)
        _leave(self.by_instrument, order.instrument, link_id)
        _leave(self.by_side, (order.instrument, order.sign), link_id)
        _leave(self.by_strategy, order.strategy, link_id)

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
        return list(self.by_side.get((instrument, sign), {}).values())

    def in_flight(
        self, instrument: InstrumentId, sign: int, strategy: str, without: str, ending: bool, idx: int = 0
    ) -> Decimal:  # fmt: skip
        """Quantity on one side that may still be booked; see :meth:`World.in_flight`."""
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
        own = self._shares.get(link_id) if link_id else None
        return self.open_count - (own is not None and own.is_open)

    def _hold(self, order: Order) -> None:
        spec = order.spec
        link = spec.link_id
        if link not in self.orders:
            self.orders[link] = order
            self.by_instrument.setdefault(spec.instrument, {})[link] = order
            self.by_side.setdefault((spec.instrument, spec.side.sign), {})[link] = order
            self.by_strategy.setdefault(order.strategy, {})[link] = order

    def _count(self, share: _Share, sign: int) -> None:
        self.open_count += sign * share.is_open
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
