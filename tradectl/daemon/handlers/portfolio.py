"""Positions and the portfolio."""

from decimal import Decimal
from typing import Any

from tradectl.daemon.handlers.strategies import strategy_rows
from tradectl.daemon.service import Service, who
from tradectl.model.commands import PositionChanged, RequestAnswered
from tradectl.model.errors import ErrorCode, Problem
from tradectl.model.events import AdoptRequested, CloseRequested, ProtectRequested
from tradectl.rpc import methods, params, rows
from tradectl.rpc.server import Peer


def handlers(s: Service) -> list[tuple[methods.Method[Any, Any], Any]]:
    """The methods of this file."""
    return [
        (methods.POSITIONS_LIST, lambda p, peer: _list(s, p)),
        (methods.POSITIONS_SHOW, lambda p, peer: _show(s, p)),
        (methods.POSITIONS_CLOSE, lambda p, peer: _close(s, p, peer)),
        (methods.POSITIONS_ADOPT, lambda p, peer: _adopt(s, p, peer)),
        (methods.POSITIONS_SET, lambda p, peer: _set(s, p, peer)),
        (methods.PORTFOLIO_SHOW, lambda p, peer: _portfolio(s)),
    ]


def _list(s: Service, p: params.PositionFilter) -> methods.PositionList:
    chosen = tuple(
        r
        for r in s.views.position_rows(p.books or bool(p.strategy))
        if p.symbol in ("", r.symbol) and p.strategy in ("", r.strategy) and p.category in (None, r.category)
    )
    return methods.PositionList(chosen, s.views.seq)


def _show(s: Service, p: params.PositionOf) -> methods.PositionDetail:
    instrument = s.instrument(p.symbol, p.category)
    here = [position for (_, i, _), position in s.views.positions.items() if i == instrument]
    orders = tuple(rows.OrderRow.of(o) for o in s.views.open_orders() if o.instrument == instrument)
    books = tuple(_row(s, p) for p in here if p.strategy and p.size)
    legs = tuple(_row(s, p) for p in here if not p.strategy)
    return methods.PositionDetail(legs[0] if legs else None, books, orders, s.views.seq, legs[1:])


def _row(s: Service, position: PositionChanged) -> rows.PositionRow:
    return rows.PositionRow.of(position, s.views.mark(position.instrument))


def _close(s: Service, p: params.ClosePosition, peer: Peer) -> methods.Done:
    s.require_up()
    event = CloseRequested(s.now(), who(peer), s.instrument(p.symbol, p.category), p.strategy)
    _, answer = s.ask(event, RequestAnswered)
    return methods.Done(answer.text, answer.orders)


def _adopt(s: Service, p: params.AdoptPosition, peer: Peer) -> methods.Done:
    s.require_up()
    event = AdoptRequested(s.now(), who(peer), s.instrument(p.symbol, p.category), p.strategy)
    _, answer = s.ask(event, RequestAnswered)
    return methods.Done(answer.text, answer.orders)


_LEGS = {"": 0, "long": 1, "short": 2}


def _set(s: Service, p: params.ProtectPosition, peer: Peer) -> methods.Done:
    s.require_up()
    if all(value is None for value in (p.stop_loss, p.take_profit, p.trailing)):
        raise Problem(
            ErrorCode.INVALID_REQUEST, "nothing to set", field="stop_loss",
            reason="give a stop loss, a take profit or a trailing distance",
        )  # fmt: skip
    if p.leg not in _LEGS:
        raise Problem(ErrorCode.INVALID_REQUEST, f"leg is {p.leg!r}", field="leg", reason="long or short")
    event = ProtectRequested(
        s.now(), who(peer), s.instrument(p.symbol, p.category), p.strategy, p.take_profit, p.stop_loss, p.trailing,
        p.active_price, _LEGS[p.leg],
    )  # fmt: skip
    _, answer = s.ask(event, RequestAnswered)
    return methods.Done(answer.text, answer.orders)


def _portfolio(s: Service) -> methods.Portfolio:
    value = s.engine.world.valuation.account()
    nets = [p for (name, _, _), p in s.views.positions.items() if not name]
    zero = Decimal(0)
    balances = s.views.balance_rows()
    return methods.Portfolio(
        s.mode, s.profile, s.views.at, s.config.settle_coin, value.equity, value.cash, value.unrealised,
        sum((p.realised for p in nets), zero), sum((p.fees for p in nets), zero), sum((p.funding for p in nets), zero),
        balances, s.views.position_rows(books=False), strategy_rows(s), s.views.seq,
        sum((b.used for b in balances if b.coin == s.config.settle_coin), zero),
    )  # fmt: skip
