"""Halt, resume, reconcile, stop."""

from typing import Any

from tradectl.daemon.service import Service, who
from tradectl.model.commands import RequestAnswered
from tradectl.model.errors import ErrorCode, Problem
from tradectl.model.events import HaltRequested, ReconcileRequested, ResumeRequested
from tradectl.rpc import methods, params, rows
from tradectl.rpc.server import Peer


def handlers(s: Service) -> list[tuple[methods.Method[Any, Any], Any]]:
    """The methods of this file."""
    return [
        (methods.HALT, lambda p, peer: _halt(s, p, peer)),
        (methods.RESUME, lambda p, peer: _resume(s, p, peer)),
        (methods.RECONCILE, lambda p, peer: _reconcile(s, peer)),
        (methods.STOP, lambda p, peer: _stop(s, p)),
    ]


def _halt(s: Service, p: params.Halt, peer: Peer) -> methods.StateResult:
    _check_scope(s, p.strategy)
    event = HaltRequested(s.now(), who(peer), p.reduce, p.flatten, p.strategy, p.symbol, p.reason)
    _, answer = s.ask(event, RequestAnswered)
    return methods.StateResult(s.views.state, s.views.reason_rows(), answer.text, answer.orders)


def _check_scope(s: Service, strategy: str) -> None:
    if strategy and strategy not in s.engine.host.runners:
        raise Problem(
            ErrorCode.UNKNOWN_STRATEGY, f"no strategy is named {strategy}", field="strategy",
            remedy="tradectl strategies lists them",
        )  # fmt: skip


def _resume(s: Service, p: params.Resume, peer: Peer) -> methods.StateResult:
    _check_scope(s, p.strategy)
    _, answer = s.ask(ResumeRequested(s.now(), who(peer), p.strategy, p.symbol), RequestAnswered)
    return methods.StateResult(s.views.state, s.views.reason_rows(), answer.text, answer.orders)


def _reconcile(s: Service, peer: Peer) -> methods.Done:
    s.require_up()
    _, answer = s.ask(ReconcileRequested(s.now(), who(peer)), RequestAnswered)
    return methods.Done(answer.text)


def _stop(s: Service, p: params.Stop) -> methods.Stopped:
    if p.leave not in ("entries", "all", "flatten"):
        raise Problem(
            ErrorCode.INVALID_REQUEST, f"leave is {p.leave!r}", field="leave", reason="one of entries, all, flatten"
        )
    orders = [o for o in s.views.open_orders() if p.leave == "all" or o.reduce_only]
    positions = () if p.leave == "flatten" else s.views.position_rows(books=False)
    s.stop(p.leave)
    text = "closing positions and stopping" if p.leave == "flatten" else "stopping"
    return methods.Stopped(text, tuple(rows.OrderRow.of(o) for o in orders), positions)
