"""One order: created, amended or cancelled as a wire object says (bybit-v5 5.1-5.3)."""

from collections.abc import Mapping
from typing import Any

from tradectl.matching.records import Happening, Refused, VenueOrder
from tradectl.model.orders import OrderStatus
from tradectl.sandbox.memory.order_kinds import filed_under
from tradectl.sandbox.server.account_views import AccountViews
from tradectl.sandbox.server.order_requests import (
    instrument_of,
    parse_amendment,
    parse_create,
    parse_filter,
    parse_ids,
)
from tradectl.sandbox.server.params import bad
from tradectl.sandbox.venue import Venue

Body = Mapping[str, Any]
#: The order after the request, and what happened.
Done = tuple[VenueOrder, list[Happening]]


class SingleOrders:
    """Each method takes the account, the category and the wire object, and raises ``Refused`` with nothing changed."""

    def __init__(self, venue: Venue, views: AccountViews) -> None:
        self._venue = venue
        self._views = views

    def create(self, uid: str, category: str, body: Body) -> Done:
        """``order.create``."""
        request = parse_create(category, body)
        self._views.instrument(request.instrument)
        return self._venue.place(uid, request)

    def amend(self, uid: str, category: str, body: Body) -> Done:
        """``order.amend``: what changes, and nothing else."""
        instrument = self._views.instrument(instrument_of(category, body))
        order_id, link_id = parse_ids(body)
        wanted = parse_amendment(body)
        return self._venue.amend(
            uid, instrument.id, order_id=order_id, link_id=link_id, qty=wanted.qty, price=wanted.price,
            stops=wanted.stops,
        )  # fmt: skip

    def cancel(self, uid: str, category: str, body: Body) -> Done:
        """``order.cancel``; on spot ``orderFilter`` says among which orders to look."""
        instrument = self._views.instrument(instrument_of(category, body))
        order_id, link_id = parse_ids(body)
        order_filter = parse_filter(category, body)
        if category == "spot":
            self._check_kind(uid, order_filter, order_id, link_id)
        return self._venue.cancel(uid, instrument.id, order_id=order_id, link_id=link_id)

    def _check_kind(self, uid: str, order_filter: str, order_id: str, link_id: str) -> None:
        """Spot keeps plain and conditional orders apart: one is not found under another's filter (bybit-v5 5.3)."""
        order = self._venue.exchange.order(uid, order_id, link_id)
        if order is not None and filed_under(order) != order_filter:
            raise Refused(170213, f"Order does not exist with orderFilter {order_filter}")

    def amend_in_batch(self, uid: str, category: str, body: Body) -> Done:
        """A batch of amendments takes no conditional orders (bybit-v5 5.8)."""
        order = self._venue.exchange.order(uid, *parse_ids(body))
        if order is not None and order.status is OrderStatus.UNTRIGGERED:
            raise bad("params error: orderId names a conditional order, which amend-batch does not take")
        return self.amend(uid, category, body)
