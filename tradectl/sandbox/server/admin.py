"""The operator's requests, below ``/sandbox/``: state, allowances, deposit, faults, reset. Loopback peers only."""

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from tradectl.matching.records import Refused
from tradectl.sandbox.config import SandboxAccount
from tradectl.sandbox.faults import Fault
from tradectl.sandbox.server.http_messages import HttpAnswer, HttpRequest, is_local
from tradectl.sandbox.server.sockets import encode

if TYPE_CHECKING:
    from tradectl.sandbox.server.server import SandboxServer


class DepositRequest(Struct, forbid_unknown_fields=True):
    """``amount`` in ``coin``, negative to take it out; ``uid`` empty for the first account."""

    coin: str
    amount: Decimal
    uid: str = ""


class FaultRequest(Struct, forbid_unknown_fields=True):
    """``fault`` to arm, ``clear`` to forget those armed before."""

    fault: Fault | None = None
    clear: bool = False


class Admin:
    """Answers are plain JSON objects; an error is ``{"error": text}`` with status 400, 403 or 404."""

    def __init__(self, server: "SandboxServer") -> None:
        self._server = server

    def answer(self, request: HttpRequest) -> HttpAnswer:
        if not is_local(request.peer):
            return _json({"error": "the control path serves this machine alone"}, 403)
        try:
            match request.method, request.path:
                case "GET", "/sandbox/state":
                    return _json(self._state())
                case "GET", "/sandbox/allowances":
                    return _json(self._server.floor.limiter.counts.describe())
                case "POST", "/sandbox/deposit":
                    return self._deposit(msgspec.json.decode(request.body, type=DepositRequest))
                case "POST", "/sandbox/fault":
                    return self._fault(msgspec.json.decode(request.body, type=FaultRequest))
                case "POST", "/sandbox/reset":
                    return self._reset()
        except (msgspec.MsgspecError, RecursionError, ValueError) as error:
            return _json({"error": str(error)}, 400)
        except Refused as refused:
            return _json({"error": refused.message, "code": refused.code}, 400)
        return _json({"error": f"no {request.method} {request.path}"}, 404)

    def _state(self) -> dict[str, Any]:
        server = self._server
        return server.describe_clock() | {
            "accounts": [self._account(account) for account in server.floor.keys.accounts()],
            "frames_sent": server.late.frames,
            "create_counts": dict(server.received.counts),
            "refusals": server.floor.limiter.counts.totals(),
            "faults": {"armed": msgspec.to_builtins(server.faults.pending()), "fired": server.faults.fired},
            "ended": server.ended,
        }

    def _account(self, account: SandboxAccount) -> dict[str, Any]:
        exchange, views, uid = self._server.venue.exchange, self._server.floor.views, account.uid
        return {
            "uid": uid,
            "key": account.key,
            "wallet": views.wallet(uid),
            "open_orders": len(exchange.open_orders(uid)),
            "positions": [
                views.position(uid, position.instrument, position.position_idx) for position in exchange.positions(uid)
            ],
        }

    def _deposit(self, request: DepositRequest) -> HttpAnswer:
        uid = request.uid or self._server.floor.config.accounts[0].uid
        if not self._server.venue.exchange.has_account(uid):
            raise ValueError(f"no account {uid}")
        if not request.amount.is_finite() or not request.coin.isalnum():
            raise ValueError("a deposit is a coin and a finite amount")
        happenings = self._server.venue.deposit(uid, request.coin.upper(), request.amount)
        wallet = self._server.floor.views.wallet(uid, [request.coin.upper()])
        answer = _json({"uid": uid, "wallet": wallet})
        answer.then = lambda: self._server.floor.private.publish(happenings)
        return answer

    def _fault(self, request: FaultRequest) -> HttpAnswer:
        faults = self._server.faults
        if request.clear:
            faults.clear()
        if request.fault is not None:
            faults.arm(request.fault)
        return _json({"armed": msgspec.to_builtins(faults.pending()), "fired": faults.fired})

    def _reset(self) -> HttpAnswer:
        self._server.reset()
        return _json(self._server.describe_clock())


def _json(payload: dict[str, Any], status: int = 200) -> HttpAnswer:
    return HttpAnswer(encode(payload), status)
