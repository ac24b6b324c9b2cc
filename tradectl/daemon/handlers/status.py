"""``status`` and ``events.subscribe``: everything at a glance, and everything that changes."""

import os
from typing import Any

from tradectl import __version__
from tradectl.daemon.handlers.risk import limit_rows
from tradectl.daemon.handlers.strategies import strategy_rows
from tradectl.daemon.service import Service
from tradectl.daemon.views import Views, equity_row
from tradectl.model.commands import (
    Alert,
    BalanceChanged,
    Entry,
    EquityMarked,
    ExecutionBooked,
    OrderChanged,
    PositionChanged,
    StateChanged,
    StrategyChanged,
)
from tradectl.model.instruments import InstrumentId
from tradectl.rpc import methods, params, rows
from tradectl.rpc.server import Peer


def handlers(s: Service) -> list[tuple[methods.Method[Any, Any], Any]]:
    """The methods of this file."""
    return [
        (methods.STATUS, lambda p, peer: _status(s)),
        (methods.EVENTS_SUBSCRIBE, lambda p, peer: _subscribe(s, p, peer)),
    ]


def _status(s: Service) -> methods.Status:
    v = s.views
    armed = True  # mode live does not start unarmed, and no other mode needs it
    return methods.Status(
        s.mode, s.profile, s.life, v.state, v.reason_rows(), s.started, s.now(), s.config.run, __version__, os.getpid(),
        methods.ExchangeStatus(s.site, s.uid, s.streams(), s.clock_offset), strategy_rows(s), _limits(s), _equity(s),
        s.journal(), s.children(), tuple(rows.AlertRow.of(a) for a in list(v.alerts)[-5:]), len(v.open_orders()),
        len(v.position_rows(books=False)), sum(s.engine.world.portfolio.state.trades.values()), armed,
    )  # fmt: skip


def _equity(s: Service) -> methods.EquityStatus | None:
    """What the account is worth now, and since the day began; ``None`` before the first comparison with the venue."""
    world = s.engine.world
    if not world.portfolio.state.baselined:
        return None
    value, guard = world.valuation.account(), s.engine.guards.state
    day = value.equity - guard.day_open if guard.day >= 0 else None
    return methods.EquityStatus(s.config.settle_coin, value.equity, value.cash, value.unrealised, day)


#: The limits ``status`` shows: those a person meets first.
_SHOWN = (
    "order_share", "position_share", "gross_share", "leverage", "day_loss_share", "drawdown_share", "open_orders",
    "orders_per_second",
)  # fmt: skip


def _limits(s: Service) -> tuple[rows.LimitRow, ...]:
    return tuple(row for row in limit_rows(s) if not row.scope and row.name in _SHOWN)


def _subscribe(s: Service, _: params.Nothing, peer: Peer) -> methods.Snapshot:
    s.feed.add(peer)
    v = s.views
    tickers = (v.ticker_row(i) for i in v.tickers)
    return methods.Snapshot(
        v.seq, v.at, s.mode, s.profile, s.config.run, v.state, v.reason_rows(),
        tuple(rows.OrderRow.of(o) for o in v.orders.values()),
        v.position_rows(books=False) + v.position_rows(books=True), v.balance_rows(), v.equity_rows(),
        strategy_rows(s), tuple(rows.AlertRow.of(a) for a in v.alerts), tuple(t for t in tickers if t is not None),
    )  # fmt: skip


def tickers_of(instruments: set[InstrumentId], s: Service) -> methods.Delta:
    """The tickers that changed lately, all at once: prices change faster than anybody looks."""
    found = (s.views.ticker_row(i) for i in sorted(instruments))
    return methods.Delta(seq=s.views.seq, at=s.views.at, tickers=tuple(t for t in found if t is not None))


def delta_of(entry: Entry, s: Service) -> methods.Delta | None:
    """What one entry changed, for subscribers; ``None`` when nothing they follow did."""
    found: dict[str, list[Any]] = {}
    state = None
    for command in entry.commands:
        name, row = _row(command, s.views)
        if name == "state":
            state = row
        elif name:
            found.setdefault(name, []).append(row)
    if any(isinstance(c, StrategyChanged) for c in entry.commands):
        found["strategies"] = list(strategy_rows(s))
    if "orders" in found or "positions" in found:
        found["balances"] = list(s.views.balance_rows())
    if not found and state is None:
        return None
    lists = {name: tuple(items) for name, items in found.items()}
    if state is not None:
        lists["reasons"] = s.views.reason_rows()
    return methods.Delta(seq=entry.seq, at=entry.event.received, state=state, **lists)


def _row(command: object, v: Views) -> tuple[str, Any]:
    if isinstance(command, OrderChanged):
        return "orders", rows.OrderRow.of(command)
    if isinstance(command, PositionChanged):
        return "positions", rows.PositionRow.of(command, v.mark(command.instrument))
    if isinstance(command, BalanceChanged):
        return "", None
    if isinstance(command, EquityMarked):
        return "equity", equity_row(command)
    if isinstance(command, ExecutionBooked):
        return "trades", rows.TradeRow.of(command)
    if isinstance(command, Alert):
        return "alerts", rows.AlertRow.of(command)
    if isinstance(command, StateChanged):
        return "state", command.state
    return "", None
