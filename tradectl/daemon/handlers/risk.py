"""Risk limits: showing them with their use, changing them, lifting latched ones, trying an order."""

from decimal import Decimal
from typing import Any

from tradectl.daemon.handlers.order_request import order_of
from tradectl.daemon.service import Service, who
from tradectl.engine.limit_rules import meaning_of, parse_scope, unit_of
from tradectl.engine.risk_report import LimitUse, limits_in_force
from tradectl.model.commands import RequestAnswered
from tradectl.model.events import LimitsSet, RiskResetRequested
from tradectl.rpc import methods, params, rows
from tradectl.rpc.server import Peer


def handlers(s: Service) -> list[tuple[methods.Method[Any, Any], Any]]:
    """The methods of this file."""
    return [
        (methods.RISK_SHOW, lambda p, peer: _report(s, p)),
        (methods.RISK_LIMITS, lambda p, peer: _report(s, p)),
        (methods.RISK_SET, lambda p, peer: _set(s, p, peer)),
        (methods.RISK_RESET, lambda p, peer: _reset(s, p, peer)),
        (methods.RISK_TEST, lambda p, peer: _test(s, p, peer)),
    ]


def limit_rows(s: Service, scope: str = "") -> tuple[rows.LimitRow, ...]:
    """Every limit in force with what is used of it, of one scope or (``""``) of the account and all of them."""
    world = s.engine.world
    scopes = [scope] if scope else ["", *sorted(world.limits.scoped)]
    return tuple(_row(use, where) for where in scopes for use in limits_in_force(world, where))


def _row(use: LimitUse, scope: str) -> rows.LimitRow:
    """A fraction is shown as per cent of what it is a fraction of."""
    unit, used, meaning = use.unit, use.used, meaning_of(use.name)
    value = Decimal(use.limit) if use.limit.replace(".", "", 1).isdecimal() else None
    if used is not None and not used.is_finite():
        used = None
    if unit.startswith("fraction of "):
        unit = unit.replace("fraction", "%", 1)
        value, used = (None if it is None else it * 100 for it in (value, used))
    if not use.on:
        return rows.LimitRow(use.name, None, unit, used, scope, "off", meaning)
    return rows.LimitRow(use.name, value, unit, used, scope, use.limit if value is None else "", meaning)


def _report(s: Service, p: params.RiskScope) -> methods.RiskReport:
    parse_scope(p.scope)
    raised = tuple(
        _row(LimitUse(name, text, unit_of(name), True), scope)
        for scope, changes in s.engine.world.limits.state.changes.items()
        for name, text in changes.items()
    )
    return methods.RiskReport(s.views.state, s.views.reason_rows(), limit_rows(s, p.scope), raised)


def _set(s: Service, p: params.SetLimits, peer: Peer) -> methods.Done:
    event = LimitsSet(s.now(), who(peer), p.changes, p.scope, p.reason)
    _, answer = s.ask(event, RequestAnswered)
    return methods.Done(answer.text)


def _reset(s: Service, p: params.ResetRisk, peer: Peer) -> methods.StateResult:
    event = RiskResetRequested(s.now(), who(peer), p.code, p.strategy, p.symbol)
    _, answer = s.ask(event, RequestAnswered)
    return methods.StateResult(s.views.state, s.views.reason_rows(), answer.text)


async def _test(s: Service, p: params.PlaceOrder, peer: Peer) -> methods.RiskTested:
    s.require_up()
    info = s.views.instruments[s.instrument(p.symbol, p.category)]
    await s.priced(info.id)
    event = order_of(s, p, info, who(peer))
    checks = s.engine.requests.preview(event)
    found = tuple(rows.CheckRow.of(check) for check in checks)
    return methods.RiskTested(all(check.ok for check in checks), info.id.category, info.id.symbol, event.qty, found)
