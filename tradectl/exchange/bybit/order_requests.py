"""What is sent for orders: one order, several in one batch (bybit-v5 5.8), or the stops of a position.

Every kind names its ``operation`` (``create``, ``cancel-batch``, ``trading-stop``), its rate-limit ``group`` and its
``body``, which is the REST body and the trade socket's ``args`` alike.
"""

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

from msgspec import Struct

from tradectl.exchange.bybit.order_bodies import amend_body, cancel_body, create_body, stop_body
from tradectl.model.commands import CancelOrder, RiskApproved
from tradectl.model.events import Action
from tradectl.model.instruments import Category, InstrumentId
from tradectl.model.orders import TradingStop

OrderCommand = RiskApproved | CancelOrder
#: Most orders of one batch request (bybit-v5 5.8).
BATCH_LIMITS = {Category.SPOT: 10, Category.LINEAR: 20, Category.INVERSE: 20, Category.OPTION: 20}


class OrderRequest(Struct):
    """A request about one order; ``order_id`` names one that carries no id of ours."""

    action: Action
    link_id: str
    instrument: InstrumentId
    body: dict[str, Any]
    order_id: str = ""

    @property
    def operation(self) -> str:
        return self.action.value

    @property
    def group(self) -> str:
        """The rate-limit group, as ``linear:create``."""
        return f"{self.instrument.category.value}:{self.operation}"

    @property
    def orders(self) -> "tuple[OrderRequest, ...]":
        """Every order it is about."""
        return (self,)


class OrderBatch(Struct):
    """Requests of one action and category that go out as one."""

    orders: tuple[OrderRequest, ...]

    @property
    def operation(self) -> str:
        return f"{self.orders[0].operation}-batch"

    @property
    def group(self) -> str:
        """The rate-limit group, as ``linear:create-batch``: batches have a bucket of their own (bybit-v5 3.1)."""
        return f"{self.orders[0].group}-batch"

    @property
    def body(self) -> dict[str, Any]:
        items = [{name: value for name, value in o.body.items() if name != "category"} for o in self.orders]
        return {"category": self.orders[0].instrument.category.value, "request": items}


class StopRequest(Struct):
    """A change of a position's stops; REST alone takes it."""

    stop: TradingStop

    @property
    def operation(self) -> str:
        return "trading-stop"

    @property
    def group(self) -> str:
        return f"{self.stop.instrument.category.value}:{self.operation}"

    @property
    def body(self) -> dict[str, Any]:
        return stop_body(self.stop)

    @property
    def orders(self) -> tuple[OrderRequest, ...]:
        return ()


Request = OrderRequest | OrderBatch | StopRequest


def request_of(command: OrderCommand) -> OrderRequest | StopRequest:
    """The request for one command. Raises ``ValueError`` on an approval of nothing."""
    if isinstance(command, CancelOrder):
        body = cancel_body(command)
        return OrderRequest(Action.CANCEL, command.link_id, command.instrument, body, command.order_id)
    if command.order is not None:
        order = command.order
        return OrderRequest(Action.CREATE, order.link_id, order.instrument, create_body(order))
    if command.amendment is not None:
        change = command.amendment
        return OrderRequest(Action.AMEND, change.link_id, change.instrument, amend_body(change), change.order_id)
    if command.stop is not None:
        return StopRequest(command.stop)
    raise ValueError("a RiskApproved without order, amendment and stop")


def requests_of(commands: Iterable[OrderCommand], batching: frozenset[Category]) -> Iterator[Request]:
    """The requests for ``commands``: neighbours with the same ``batch`` go together where the venue allows it.

    ``batching`` are the categories that have batch endpoints. Raises like :func:`request_of`.
    """
    for batch, run in groupby(commands, key=lambda command: command.batch):
        if batch:
            yield from _together(run, batching)
        else:
            yield from map(request_of, run)


def _together(run: Iterable[OrderCommand], batching: frozenset[Category]) -> Iterator[Request]:
    alone: list[Request] = []
    groups: dict[tuple[Action, Category], list[OrderRequest]] = {}
    for command in run:
        request = request_of(command)
        if isinstance(request, StopRequest) or not _fits_batch(request, batching):
            alone.append(request)
        else:
            groups.setdefault((request.action, request.instrument.category), []).append(request)
    for (_, category), found in groups.items():
        size = BATCH_LIMITS[category]
        yield from (OrderBatch(tuple(found[n : n + size])) for n in range(0, len(found), size))
    yield from alone


def _fits_batch(request: OrderRequest, batching: frozenset[Category]) -> bool:
    """A cancel in a batch cannot say ``orderFilter``, and no conditional order is amended in one (bybit-v5 5.8)."""
    if request.instrument.category not in batching:
        return False
    if request.action is Action.CANCEL:
        return "orderFilter" not in request.body
    return request.action is Action.CREATE or "triggerPrice" not in request.body
