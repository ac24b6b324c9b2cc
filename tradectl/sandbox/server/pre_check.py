"""``POST /v5/order/pre-check``: what an order would do to the account's margin, tried on a copy (bybit-v5 5.9)."""

from decimal import Decimal
from typing import Any

from tradectl.matching.exchange import Exchange
from tradectl.matching.records import Refused
from tradectl.sandbox.server import params as wire
from tradectl.sandbox.server.calls import Call, Route
from tradectl.sandbox.server.envelope import Reply
from tradectl.sandbox.server.order_requests import parse_create
from tradectl.sandbox.server.params import bad

_SHORT_OF_MARGIN = 110007


def pre_check(call: Call) -> Reply:
    """The margin rates before and after; ``orderId`` is the one the order would get. Refuses conditional orders, and
    inverse contracts, which Bybit checks under portfolio margin alone."""
    category = wire.category(call.params)
    if category == "inverse":
        raise bad("params error: category inverse is checked under portfolio margin alone")
    request = parse_create(category, call.params)
    if request.trigger is not None:
        raise bad("params error: triggerPrice, a conditional order cannot be checked before")
    call.floor.views.instrument(request.instrument)
    venue = call.floor.venue
    before = _rates(venue.exchange, call.uid, "pre")
    trial = Exchange.restore(venue.exchange.save())
    try:
        order, _ = trial.place(call.uid, request, venue.now())
    except Refused as refused:
        if refused.code != _SHORT_OF_MARGIN:
            raise
        after = _rates(venue.exchange, call.uid, "post")
        ext = {"future_order_id": "", "future_order_link_id": request.link_id}
        ext |= {"post_imr_e4": after["postImrE4"], "post_mmr_e4": after["postMmrE4"]}
        return Reply({}, refused.code, refused.message, ext=ext)
    ids = {"orderId": order.order_id, "orderLinkId": order.link_id}
    return Reply(ids | before | _rates(trial, call.uid, "post"))


def _rates(exchange: Exchange, uid: str, when: str) -> dict[str, Any]:
    """Initial and maintenance margin rate in whole basis points: 35 is 0.35 %."""
    account = exchange.account(uid)
    return {f"{when}ImrE4": _points(account.im_rate), f"{when}MmrE4": _points(account.mm_rate)}


def _points(rate: Decimal) -> int:
    return int(rate * 10_000)


ROUTES: dict[tuple[str, str], Route] = {
    ("POST", "order/pre-check"): Route(pre_check, "order/pre-check", writes=True),
}
