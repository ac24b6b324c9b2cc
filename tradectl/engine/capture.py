"""From a running engine to its state written down, and back."""

from typing import TYPE_CHECKING

from tradectl.engine.checkpoint import EngineState
from tradectl.engine.runner_state import state_of
from tradectl.model.events import SCHEMA

if TYPE_CHECKING:
    from tradectl.engine.trading_engine import TradingEngine


def capture(e: "TradingEngine") -> EngineState:
    """Everything needed to continue exactly here. Raises ``Problem`` when a strategy holds what cannot be written."""
    w = e.world
    w.market.settle()
    return EngineState(
        SCHEMA, w.now, w.seq, w.order_seq, w.decision_seq, list(w.instruments.values()), list(w.fees.values()),
        w.market, w.portfolio.state, list(w.orders.values()), list(w.open), w.queue.state, w.state,
        w.timers, w.numbers, w.unreconciled, e.guards.state, e.reconciler.attempts,
        e.reconciler.asked, e.reconciler.asked_at, e.reconciler.overtaken, e.reconciler.sent_before,
        {name: state_of(r) for name, r in e.host.runners.items()}, list(e.host.following.subscribed),
        e.venue.balances, e.venue.positions, w.orphans, w.limits.state, w.activity,
        universes=e.host.universes.states, decisions=e.host.notes.state,
        protection=e.protections.state, held=w.held, position_stops=e.stops.state,
        allocation=w.allocation, algorithms=e.algorithms.state, unfinished=list(w.unfinished.values()),
    )  # fmt: skip


def resume(e: "TradingEngine", s: EngineState) -> None:
    """Become the engine that was captured."""
    w = e.world
    w.now, w.seq, w.order_seq, w.decision_seq = s.now, s.seq, s.order_seq, s.decision_seq
    w.instruments.update((i.id, i) for i in s.instruments)
    w.fees.update((f.instrument, f) for f in s.fees)
    for name in ("quotes", "tickers", "heard", "doubts"):
        getattr(w.market, name).update(getattr(s.market, name))
    w.portfolio.state, w.state = s.portfolio, s.state
    w.queue.restore(s.queue)
    w.orders.update((o.link_id, o) for o in s.orders)
    w.open.restore(w.orders[link] for link in s.open_links)
    w.attached.restore(w.orders.values())
    w.link_of.update((o.order_id, o.link_id) for o in s.orders if o.order_id)
    w.orphans.update(s.orphans)
    w.limits.state, w.activity = s.limits, s.activity
    w.timers.update(s.timers)
    w.numbers.clear()  # numbers given once stay; instances that are new since then come after them
    w.numbers.update(s.numbers)
    for config in w.config.strategies:
        w.number(config.name)
    w.unreconciled = s.unreconciled
    w.guard, w.allocation = s.guard, s.allocation
    e.reconciler.attempts, e.reconciler.asked = s.reconcile_attempts, s.reconcile_asked
    e.reconciler.asked_at, e.reconciler.overtaken = s.reconcile_asked_at, s.reconcile_overtaken
    e.reconciler.sent_before = s.sent_before
    e.venue.balances, e.venue.positions = s.balances, s.positions
    e.host.universes.states.update((n, u) for n, u in s.universes.items() if n in e.host.universes.states)
    e.host.notes.state = s.decisions
    e.protections.state = s.protection
    w.held.update(s.held)
    w.unfinished.update((it.book, it) for it in s.unfinished)
    e.stops.state = s.position_stops
    e.algorithms.state = s.algorithms
    e.host.restore(s.runners, s.subscribed)
    w.out.clear()
