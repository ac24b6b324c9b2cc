"""Which ``orderFilter`` an order answers to (bybit-v5 5.1, 5.4, 5.5).

A stop counts as a plain order while it is active, that is from its trigger to its end: Bybit then treats it as one.
"""

from tradectl.matching.records import VenueOrder
from tradectl.model.orders import OrderStatus

PLAIN = "Order"
FILTERS = (PLAIN, "StopOrder", "tpslOrder", "OcoOrder", "BidirectionalTpslOrder")
_SPOT_STOPS = frozenset(FILTERS[2:])
_ACTIVE = frozenset({OrderStatus.NEW, OrderStatus.PARTIALLY_FILLED})


def kind_of(order: VenueOrder) -> str:
    """One of :data:`FILTERS`; derivatives know Order and StopOrder, the latter with every TP, SL and trailing stop."""
    if order.status in _ACTIVE:
        return PLAIN
    if order.instrument.category != "spot":
        return "StopOrder" if order.stop_order_type else PLAIN
    return order.stop_order_type if order.stop_order_type in _SPOT_STOPS else order.order_filter


def filed_under(order: VenueOrder) -> str:
    """The ``orderFilter`` that cancels a spot order by id; pairs and attached stops are TP/SL orders (bybit-v5 5.3)."""
    kind = kind_of(order)
    return "tpslOrder" if kind in _SPOT_STOPS else kind


def is_wanted(order: VenueOrder, order_filter: str = "", stop_order_type: str = "") -> bool:
    """Whether a query or cancellation with these words means the order; ``""`` admits every kind."""
    return order_filter in ("", kind_of(order)) and stop_order_type in ("", order.stop_order_type)
