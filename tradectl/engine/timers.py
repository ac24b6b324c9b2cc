"""Timers that come back: whose each is, by its name, and the regular tick of the watch."""

from typing import TYPE_CHECKING

from tradectl.engine.allocation.allocator import ALLOCATION_TIMER
from tradectl.engine.dispatch import QUEUE_TIMER
from tradectl.engine.execution_algorithms.algorithm_desk import ALGORITHM_TIMER
from tradectl.engine.guards import EQUITY_TIMER, GUARD_TIMER
from tradectl.engine.intent_desk import STRATEGY_TIMER
from tradectl.engine.order_answers import LOOK_AGAIN, WALL
from tradectl.engine.protection import TIMER as PROTECTION_TIMER
from tradectl.engine.protection_legs import EXITS_TIMER
from tradectl.engine.reconciler import TIMER as RECONCILE_TIMER
from tradectl.engine.universe import UNIVERSE_TIMER
from tradectl.model.events import TimerFired

if TYPE_CHECKING:
    from tradectl.engine.trading_engine import TradingEngine

_SECOND = 10**9
_DAY = 86_400 * _SECOND
#: Orders and executions this quiet (nanoseconds) are asked after.
QUIET = 10 * _SECOND
AUDIT_TIMER = "audit"


class Timers:
    """Hands each timer to the part that set it."""

    def __init__(self, engine: "TradingEngine") -> None:
        self._e = engine
        #: What strategies keep is looked at again with the first candle from here on.
        self.states_at = 0

    def audit_later(self) -> None:
        """The next comparison of the streams' statements with the books."""
        w = self._e.world
        w.set_timer(AUDIT_TIMER, w.now + w.config.audit_every_s * _SECOND)

    def fired(self, event: TimerFired) -> None:
        """A timer is due; one that was moved or cancelled meanwhile is not."""
        e, w = self._e, self._e.world
        if w.timers.get(event.timer) != event.due:
            return
        del w.timers[event.timer]
        name = event.timer
        if name == QUEUE_TIMER:
            e.dispatch.release()
        elif name == GUARD_TIMER:
            e.guards.watch()
            e.host.check_states()
            self._look_after()
        elif name == EQUITY_TIMER:
            e.guards.mark()
            w.portfolio.forget_old()
        elif name == AUDIT_TIMER:
            e.reconciler.audit(e.venue.balances, e.venue.positions)
            self.audit_later()
        elif name == PROTECTION_TIMER:
            e.protections.look_all()
        elif name == EXITS_TIMER:
            w.impatient = w.now < event.due  # the venue's clock stood still meanwhile
            e.protections.look_all()
            w.impatient = False
        elif name == RECONCILE_TIMER:
            e.reconciler.ask("again")
        elif name.startswith(f"{WALL}look:"):
            self._look_again(name.removeprefix(f"{WALL}look:"))
        elif name.startswith(ALGORITHM_TIMER):
            e.algorithms.timer(name)
        elif name.startswith(UNIVERSE_TIMER):
            e.host.universes.refresh(name.removeprefix(UNIVERSE_TIMER))
        elif name.startswith(ALLOCATION_TIMER):
            e.allocator.timer(name)
        elif name.startswith(STRATEGY_TIMER):
            strategy, _, timer = name.removeprefix(STRATEGY_TIMER).partition(":")
            e.host.deliver(strategy, "on_timer", timer)

    def closed(self, now: int) -> None:
        """The guard's tick where none is set: candles closed. What a strategy keeps is looked at once a day, for every
        candle would be too often where it is much."""
        e = self._e
        e.guards.closed()
        if now >= self.states_at:
            self.states_at = (now // _DAY + 1) * _DAY
            e.host.check_states()
        if e.world.open.any or e.protections.is_planned or e.stops.state.wanted:
            self._look_after()

    def _look_after(self) -> None:
        """What should be under way, and is perhaps not."""
        e, w = self._e, self._e.world
        e.protections.look_all()
        if e.stops.state.wanted:
            e.stops.look()
        if w.open.any:
            if not w.unreconciled and e.answers.chase(w.now - QUIET):
                e.reconciler.ask("executions are missing")
            e.venue.hold_for_unknown()

    def _look_again(self, link_id: str) -> None:
        order = self._e.world.orders.get(link_id)
        if order is not None and order.is_open:
            self._e.answers.look_up(order)
        self._e.fills.ask(link_id, LOOK_AGAIN)
