"""Order entry, the same for REST and the trade socket: allowance, request, venue, answer (bybit-v5 5, 3.1, 8.4)."""

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Struct, field

from tradectl.matching.records import Happening, Refused, VenueOrder
from tradectl.sandbox.faults import Fault, Faults
from tradectl.sandbox.server import params as wire
from tradectl.sandbox.server.account_views import AccountViews
from tradectl.sandbox.server.cancel_requests import parse_cancel_all
from tradectl.sandbox.server.envelope import RATE_LIMITED
from tradectl.sandbox.server.params import bad
from tradectl.sandbox.server.rate_limits import RateLimiter
from tradectl.sandbox.server.received_orders import ReceivedOrders
from tradectl.sandbox.server.rows.amounts import ms
from tradectl.sandbox.server.single_orders import Body, Done, SingleOrders
from tradectl.sandbox.venue import Venue


class Outcome(Struct):
    """The answer to an order request and what it made happen, to be published after the answer."""

    result: dict[str, Any] = field(default_factory=dict)
    code: int = 0
    message: str = "OK"
    ext: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    happenings: list[Happening] = field(default_factory=list)
    fault: Fault | None = None


class OrderDesk:
    """Carries out ``order.create`` and its like; ``handles`` names them all."""

    def __init__(
        self, venue: Venue, views: AccountViews, limiter: RateLimiter, faults: Faults, received: ReceivedOrders
    ) -> None:
        self._venue = venue
        self._views = views
        self._limiter = limiter
        self._faults = faults
        self._received = received
        single = SingleOrders(venue, views)
        self._singles: dict[str, Callable[[str, str, Body], Done]] = {
            "order.create": single.create,
            "order.amend": single.amend,
            "order.cancel": single.cancel,
        }
        self._legs = self._singles | {"order.amend": single.amend_in_batch}
        self.handles = frozenset(self._singles) | {f"{op}-batch" for op in self._singles} | {"order.cancel-all"}

    def handle(self, place: str, uid: str, op: str, body: Body, *, may_write: bool = True) -> Outcome:
        """Carry out ``op``; never raises ``Refused``: a refusal is an outcome with its code.

        ``place`` (rest, trade) is where it came in.
        """
        fault = self._faults.on_request(place, op)
        if fault is not None and fault.kind == "answer" and not fault.taken:
            headers = self._limiter.exhausted(_endpoint(op)).headers() if fault.code == RATE_LIMITED[0] else {}
            return Outcome(code=fault.code, message=fault.message, headers=headers, fault=fault)
        outcome = self._within_allowance(uid, op, body, may_write)
        if fault is not None:
            outcome.fault = fault
            if fault.kind == "answer":
                outcome.code, outcome.message = fault.code, fault.message
                outcome.result, outcome.ext = {}, {}
        return outcome

    def count(self, op: str, args: object) -> None:
        """A frame or request with these bodies arrived: count the orders it creates, whatever becomes of it."""
        for body in args if isinstance(args, list) else ():
            if not isinstance(body, dict):
                continue
            if op == "order.create":
                self._received.count(body.get("orderLinkId"))
            elif op == "order.create-batch":
                self.count("order.create", body.get("request"))

    def _within_allowance(self, uid: str, op: str, body: Body, may_write: bool) -> Outcome:
        category = body.get("category")
        product = category if isinstance(category, str) else "linear"
        items = _items_or_none(body) if op.endswith("-batch") else None
        units = len(items) if items and product != "option" else 1
        budget = self._limiter.take(uid, _endpoint(op), product, units)
        if not budget.granted:
            return Outcome(code=RATE_LIMITED[0], message=RATE_LIMITED[1], headers=budget.headers())
        try:
            if not may_write:
                raise Refused(10005, "Permission denied, please check your API key permissions.")
            allowed = budget.granted if product != "option" else len(items or ())
            outcome = self._dispatch(uid, op, body, allowed)
        except Refused as refused:
            outcome = Outcome(code=refused.code, message=refused.message)
        outcome.headers = budget.headers()
        return outcome

    def _dispatch(self, uid: str, op: str, body: Body, allowed: int) -> Outcome:
        category = wire.category(body)
        if op == "order.cancel-all":
            return self._cancel_all(uid, category, body)
        if op.endswith("-batch"):
            return self._batch(uid, category, op.removesuffix("-batch"), body, allowed)
        order, happenings = self._singles[op](uid, category, body)
        return Outcome(_ids(order), happenings=happenings)

    # --- many orders --------------------------------------------------------------------------------------------------

    def _cancel_all(self, uid: str, category: str, body: Body) -> Outcome:
        wanted = parse_cancel_all(category, body)
        if wanted.symbol:
            self._views.find(category, wanted.symbol)
        orders, happenings = self._venue.cancel_all(uid, category, **msgspec.structs.asdict(wanted))
        return Outcome({"list": [_ids(order) for order in orders], "success": "1"}, happenings=happenings)

    def _batch(self, uid: str, category: str, op: str, body: Body, allowed: int) -> Outcome:
        items = _items_or_none(body)
        maximum = 10 if category == "spot" else 20
        if not items or len(items) > maximum:
            raise bad(f"params error: request holds 1 to {maximum} orders")
        rows: list[dict[str, Any]] = []
        codes: list[dict[str, Any]] = []
        happenings: list[Happening] = []
        for index, item in enumerate(items):
            row, code = self._batch_item(uid, category, op, item, index < allowed, happenings)
            rows.append(row)
            codes.append(code)
        return Outcome({"list": rows}, ext={"list": codes}, happenings=happenings)

    def _batch_item(
        self, uid: str, category: str, op: str, item: Any, allowed: bool, happenings: list[Happening]
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        row = {"category": category, "symbol": "", "orderId": "", "orderLinkId": ""}
        created = {"createAt": ""} if op == "order.create" else {}
        try:
            if not isinstance(item, dict):
                raise bad("params error: each order is an object")
            row |= {name: wire.text(item, name) for name in ("symbol", "orderLinkId")}
            if not allowed:
                raise Refused(*RATE_LIMITED)
            order, happened = self._legs[op](uid, category, item)
        except Refused as refused:
            return row | created, {"code": refused.code, "msg": refused.message}
        happenings.extend(happened)
        if created:
            created = {"createAt": ms(order.created)}
        return row | _ids(order) | created, {"code": 0, "msg": "OK"}


def _endpoint(op: str) -> str:
    """The rate window of an operation: the trade socket shares it with the REST path of the same name."""
    return op.replace(".", "/", 1)


def _ids(order: VenueOrder) -> dict[str, Any]:
    return {"orderId": order.order_id, "orderLinkId": order.link_id}


def _items_or_none(body: Body) -> list[Any] | None:
    items = body.get("request")
    return items if isinstance(items, list) else None
