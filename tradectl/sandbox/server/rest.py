"""REST: from a raw request to an answer: address limit, route, signature, window, handler, envelope (bybit-v5 2, 3)."""

from collections.abc import Mapping
from typing import Any

from tradectl.matching.records import Refused
from tradectl.sandbox.config import SandboxAccount
from tradectl.sandbox.faults import Fault
from tradectl.sandbox.server import account_routes, order_routes, position_routes, pre_check
from tradectl.sandbox.server import params as wire
from tradectl.sandbox.server.calls import Call, Route
from tradectl.sandbox.server.envelope import RATE_LIMITED, Reply, refusal, route_not_found
from tradectl.sandbox.server.floor import Floor
from tradectl.sandbox.server.http_messages import HttpAnswer, HttpRequest
from tradectl.sandbox.server.rate_limits import AddressLimiter

ROUTES: Mapping[tuple[str, str], Route] = (
    order_routes.ROUTES | pre_check.ROUTES | position_routes.ROUTES | account_routes.ROUTES
)
#: Order requests by path; their window and their faults are the order desk's.
_ORDER_PATHS = {
    f"order/{verb}": f"order.{verb}"
    for verb in ("create", "amend", "cancel", "create-batch", "amend-batch", "cancel-batch", "cancel-all")
}


class _Unsigned(Refused):
    """A signed route was called without a single authentication header."""


class Rest:
    """Serves ``/v5/...``. Business errors come with HTTP 200."""

    def __init__(self, floor: Floor) -> None:
        self._floor = floor
        self._addresses = AddressLimiter(floor.config.ip_limit, floor.config.ip_ban_seconds, floor.wall)

    def answer(self, request: HttpRequest) -> HttpAnswer:
        """Answer one request; never raises ``Refused``."""
        if not self._addresses.allows(request.peer):
            return self._forbidden(b"access too frequent")
        if request.method == "GET" and request.body:
            return self._forbidden(b"a GET has no body")
        path = request.path.removeprefix("/v5/")
        try:
            if request.method == "GET" and path.startswith("market/"):
                return self._finish(self._market(path.removeprefix("market/"), request), None)
            if request.method == "POST" and path in _ORDER_PATHS:
                return self._order(_ORDER_PATHS[path], request)
            route = ROUTES.get((request.method, path))
            if route is None:
                return self._finish(route_not_found(), None)
            fault = self._floor.faults.on_request("rest", path)
            return self._finish(self._signed(route, request, fault), fault)
        except Refused as refused:
            status = 401 if isinstance(refused, _Unsigned) else 200
            return self._finish(refusal(refused.code, refused.message, status=status), None)

    def _forbidden(self, why: bytes) -> HttpAnswer:
        self._floor.limiter.counts.forbidden += 1
        return HttpAnswer(why, 403, content_type="text/plain")

    # --- kinds of requests ----------------------------------------------------------------------------------------

    def _market(self, name: str, request: HttpRequest) -> Reply:
        if name == "time":
            now = self._floor.wall()
            return Reply({"timeSecond": str(now // 1_000_000_000), "timeNano": str(now)})
        try:
            return Reply(self._floor.venue.market(name, wire.parse_query(request.query)))
        except KeyError:
            return route_not_found()

    def _signed(self, route: Route, request: HttpRequest, fault: Fault | None) -> Reply:
        account = self._authenticate(request)
        get = request.method == "GET"
        params: dict[str, Any] = dict(wire.parse_query(request.query)) if get else wire.parse_body(request.body)
        budget = self._floor.limiter.take(account.uid, route.endpoint, str(params.get("category", "")))
        reply = refusal(*RATE_LIMITED)
        if budget.granted:
            reply = self._handle(route, Call(self._floor, account, params), fault)
            if reply.code == RATE_LIMITED[0]:  # a fault pretends it
                budget = self._floor.limiter.exhausted(route.endpoint)
        reply.headers = budget.headers()
        return reply

    def _handle(self, route: Route, call: Call, fault: Fault | None) -> Reply:
        if fault is not None and fault.kind == "answer" and not fault.taken:
            return refusal(fault.code, fault.message)
        try:
            if route.writes and call.account.read_only:
                raise Refused(10005, "Permission denied, please check your API key permissions.")
            reply = route.handler(call)
        except Refused as refused:
            return refusal(refused.code, refused.message)
        if fault is not None and fault.kind == "answer":
            return Reply({}, fault.code, fault.message, happenings=reply.happenings)
        return reply

    def _order(self, op: str, request: HttpRequest) -> HttpAnswer:
        malformed: Refused | None = None
        body: dict[str, Any] = {}
        try:
            body = wire.parse_body(request.body)
        except Refused as refused:
            malformed = refused
        self._floor.desk.count(op, [body])
        account = self._authenticate(request)
        if malformed is not None:
            raise malformed
        outcome = self._floor.desk.handle("rest", account.uid, op, body, may_write=not account.read_only)
        reply = Reply(
            outcome.result, outcome.code, outcome.message, outcome.ext, outcome.headers, happenings=outcome.happenings
        )
        return self._finish(reply, outcome.fault)

    # --- parts ----------------------------------------------------------------------------------------------------

    def _authenticate(self, request: HttpRequest) -> SandboxAccount:
        if not any(name.startswith("x-bapi-") for name in request.headers):
            raise _Unsigned(10001, "empty value: apiTimestamp[] apiKey[] apiSignature[]: openapi sign params error!")
        text = request.query if request.method == "GET" else request.body
        return self._floor.keys.rest(request.headers, text, self._floor.wall_ms(), request.peer)

    def _finish(self, reply: Reply, fault: Fault | None) -> HttpAnswer:
        """The answer, spoilt if a fault says so; what happened is published after it, or at once when it is late."""
        answer = HttpAnswer(reply.body(self._floor.wall_ms()), reply.status, reply.headers)
        happenings = reply.happenings
        if fault is not None and fault.kind == "late_answer":
            answer.hold = lambda release: self._floor.late.hold(fault, release)
            self._floor.private.publish(happenings)
        elif happenings:
            answer.then = lambda: self._floor.private.publish(happenings)
        answer.drop = fault is not None and fault.kind == "lose_answer"
        return answer
