"""Commands as the venue's request bodies (bybit-v5 5.1 to 5.3). Amounts are written plainly, as strings."""

from typing import Any

from msgspec import Struct

from tradectl.model.commands import Amendment, CancelOrder, RiskApproved
from tradectl.model.events import Action
from tradectl.model.instruments import Category, InstrumentId
from tradectl.model.money import plain
from tradectl.model.orders import OrderSpec, OrderType


class OrderRequest(Struct):
    """One request: its wire operation follows from ``action``; ``body`` is the REST body and the socket's ``args``."""

    action: Action
    link_id: str
    instrument: InstrumentId
    body: dict[str, Any]

    @property
    def group(self) -> str:
        """The rate-limit group, as ``linear:create``."""
        return f"{self.instrument.category.value}:{self.action.value}"


def request_of(command: RiskApproved | CancelOrder) -> OrderRequest:
    """The request for a command. Raises ``ValueError`` on an approval of nothing."""
    if isinstance(command, CancelOrder):
        return _cancel(command)
    if command.order is not None:
        return _create(command.order)
    if command.amendment is not None:
        return _amend(command.amendment)
    raise ValueError("a RiskApproved without order and amendment")


def _create(order: OrderSpec) -> OrderRequest:
    category = order.instrument.category
    body: dict[str, Any] = {
        "category": category.value,
        "symbol": order.instrument.symbol,
        "side": order.side.value,
        "orderType": order.type.value,
        "qty": plain(order.qty),
    }
    if order.type is OrderType.LIMIT and order.price is not None:
        body["price"] = plain(order.price)
    # The venue turns every market order into IOC (bybit-v5 5.1).
    body["timeInForce"] = "IOC" if order.type is OrderType.MARKET else order.time_in_force.value
    body["orderLinkId"] = order.link_id
    if category is Category.SPOT:
        if order.type is OrderType.MARKET:
            body["marketUnit"] = "quoteCoin" if order.quote_qty else "baseCoin"
    else:
        body["reduceOnly"] = order.reduce_only
        if category is not Category.OPTION:
            body["positionIdx"] = 0
    return OrderRequest(Action.CREATE, order.link_id, order.instrument, body)


def _amend(amendment: Amendment) -> OrderRequest:
    body = _named(amendment.instrument, amendment.link_id, amendment.order_id)
    if amendment.qty is not None:
        body["qty"] = plain(amendment.qty)
    if amendment.price is not None:
        body["price"] = plain(amendment.price)
    return OrderRequest(Action.AMEND, amendment.link_id, amendment.instrument, body)


def _cancel(command: CancelOrder) -> OrderRequest:
    body = _named(command.instrument, command.link_id, command.order_id)
    return OrderRequest(Action.CANCEL, command.link_id, command.instrument, body)


def _named(instrument: InstrumentId, link_id: str, order_id: str) -> dict[str, Any]:
    """The order by our own id; a foreign order has only the venue's. With both, the venue's would win."""
    body: dict[str, Any] = {"category": instrument.category.value, "symbol": instrument.symbol}
    if link_id:
        body["orderLinkId"] = link_id
    else:
        body["orderId"] = order_id
    return body
