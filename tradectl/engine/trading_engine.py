"""``apply(event) -> commands``: the order of things, nothing else. Synchronous, pure, one pump, not re-entrant."""

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any

from tradectl.engine.allocation.allocator import Allocator
from tradectl.engine.audience import EVERYBODY, Audience
from tradectl.engine.capture import capture, resume
from tradectl.engine.checkpoint import decode, encode
from tradectl.engine.config import EngineConfig
from tradectl.engine.dispatch import QUEUE_TIMER, Dispatch
from tradectl.engine.execution_algorithms.algorithm_desk import AlgorithmDesk
from tradectl.engine.execution_algorithms.requests import AlgorithmRequests
from tradectl.engine.express import Express
from tradectl.engine.fills import Fills
from tradectl.engine.guards import Guards
from tradectl.engine.intent_desk import IntentDesk
from tradectl.engine.known_orders import KnownOrders
from tradectl.engine.operator_desk import OperatorDesk
from tradectl.engine.order_answers import OrderAnswers
from tradectl.engine.order_desk import OrderDesk
from tradectl.engine.order_requests import OrderRequests
from tradectl.engine.order_state import Order
from tradectl.engine.position_stops import PositionStops
from tradectl.engine.protection import Protections
from tradectl.engine.publication import Publication
from tradectl.engine.quiet_bars import QuietBars
from tradectl.engine.reconciler import Reconciler
from tradectl.engine.risk_desk import RiskDesk
from tradectl.engine.risk_manager import RiskManager
from tradectl.engine.strategy import Strategy
from tradectl.engine.strategy_desk import StrategyDesk
from tradectl.engine.strategy_host import StrategyHost
from tradectl.engine.targets import Targets
from tradectl.engine.timers import Timers
from tradectl.engine.trading_state import AUTO, STOPPING
from tradectl.engine.venue_events import VenueEvents
from tradectl.engine.whole_fills import WholeFills
from tradectl.engine.world import World
from tradectl.model.commands import (
    Command,
    Level,
    SetTimer,
    StrategyStatus,
)
from tradectl.model.events import (
    AccountChecked,
    AdoptRequested,
    AlgorithmCancelRequested,
    AlgorithmRequested,
    AmendRequested,
    BalancesReported,
    BarClosed,
    BarsLoaded,
    BookChanged,
    CancelRequested,
    ClockChecked,
    CloseRequested,
    ConnectionChanged,
    DataDoubted,
    Event,
    Executed,
    HaltRequested,
    InstrumentsLoaded,
    JournalChecked,
    LimitsSet,
    OrderAnswered,
    OrderLookedUp,
    OrderReported,
    OrderRequested,
    ParametersSet,
    PositionsReported,
    PredictionMade,
    ProtectRequested,
    QuoteChanged,
    RateLimitReported,
    RebalanceRequested,
    Reconciled,
    ReconcileRequested,
    ResumeRequested,
    RiskResetRequested,
    Started,
    StopAnswered,
    StopRequested,
    StrategyEnded,
    StrategySwitched,
    TickerChanged,
    TickersLoaded,
    TimerFired,
    TradePrinted,
    WatchRequested,
)
from tradectl.model.instruments import InstrumentId

#: More callbacks of one strategy than this in one step is a loop between it and its own orders.
MAX_DELIVERIES = 2_000
_NEVER = 1 << 63


class TradingEngine:
    """The deterministic core. The whole world of the engine is events in, commands out."""

    def __init__(
        self, config: EngineConfig, classes: Mapping[str, type[Strategy]], audience: Audience = EVERYBODY
    ) -> None:
        self.world = w = World(config, audience)
        self.risk = RiskManager(w)
        self.dispatch = Dispatch(w, self.risk)
        self.desk = OrderDesk(w, self.risk, self.dispatch)
        express = Express(w, self.risk, self.dispatch)
        self.targets = Targets(w, self.desk, self.risk, express)
        self.known = KnownOrders(w)
        self.fills = Fills(w, self.known)
        self.answers = OrderAnswers(w, self.dispatch, self.known, self.fills)
        self.reconciler = Reconciler(w, self.answers, self.known, self.fills)
        self.protections = Protections(w, self.desk, self.reconciler.ask)
        self.fills.on_fill = self._filled
        self.guards = Guards(w)
        self.guards.latches.cancel_entries = self.desk.cancel_entries
        self.risk.flooded = self.guards.latches.flooded
        self.risk_desk = RiskDesk(w, self.guards.latches)
        self.allocator = Allocator(w, self._retarget)
        self.algorithms = AlgorithmDesk(w, self.desk, lambda key: self.host.subscribe(key), self._why_idle)
        self.fills.on_stray = self.algorithms.stray
        self.algorithm_requests = AlgorithmRequests(w, self.algorithms, self._why_idle)
        self.intents = IntentDesk(
            w, self.desk, self.targets, self.protections, self.allocator, self.algorithm_requests, express
        )
        self.host = StrategyHost(w, classes, self.intents.process, self.desk.cancel_entries)
        self.strategies = StrategyDesk(w, self.host, self.desk)
        self.stops = PositionStops(w, self.desk, self.dispatch)
        self.requests = OrderRequests(w, self.desk, self.host, self.protections, self.stops)
        self.operator = OperatorDesk(
            w, self.desk, self.targets, self.host, self.guards, self.reconciler, self.protections.adopted
        )
        self.publication = Publication(w, self.host)
        self.whole_fills = WholeFills(self)
        self.venue = VenueEvents(self)
        self.timers = Timers(self)
        self.quiet_bars = QuietBars(self)
        self._bars_closed = self.host.bars.closed
        self._handlers = self._table()
        #: The last moment of closed candles the guard looked at; where a timer wakes it, none is ever later.
        self.looked_at = _NEVER if config.guard_every_s else 0

    def forewarn(self, recorded: Iterable[Command]) -> None:
        """Before the replay of an event: what was decided then. A callback that was aborted is not run again."""
        self.host.callbacks.forewarn(recorded)

    # --- the pump

    @property
    def seq(self) -> int:
        """Sequence of the last event applied, counting from 1."""
        return self.world.seq

    def apply(self, event: Event) -> tuple[Command, ...]:
        """Take one event; returns what was decided, in order. Raises ``TypeError`` for an unknown event."""
        w = self.world
        handler = self._handlers.get(type(event))
        if handler is None:
            raise TypeError(f"{type(event).__name__} is no event of the engine")
        w.cause = w.seq = w.seq + 1
        if event.received > w.now:
            w.now = event.received
        w.event = event
        handler(event)
        return self.finished()

    def finished(self) -> tuple[Command, ...]:
        """The step is over: what follows from it, and all that was decided, in order."""
        w = self.world
        if w.out and w.audience.decisions:
            self.host.notes.complete(0)
        if w.dirty_orders or w.deliveries or w.dirty_books or w.dirty_coins or w.state_dirty or w.queue.waits:
            self._finish()
        if not w.out:
            return ()
        out = tuple(w.out)
        w.out.clear()
        return out

    def _finish(self) -> None:
        w = self.world
        counts: dict[str, int] = {}
        for strategy, instrument in w.dirty_books:
            if strategy:
                self.guards.latches.booked(strategy, instrument, w.portfolio.book(strategy, instrument))
        protected = self.protections.is_needed()
        if protected:
            self.protections.look_changed()
        if w.queue.waits:
            self.dispatch.release()  # before the first publication: what leaves at once is published as sent alone
        while True:
            if protected or self.protections.is_needed():
                self.protections.look_changed()
            if w.dirty_orders:
                self.publication.orders()
            if not w.deliveries:
                if w.unfinished:
                    self.targets.finish()
                if self.algorithms.is_busy:
                    self.algorithms.look()
                if w.queue.waits or QUEUE_TIMER in w.timers:
                    self.dispatch.release()
                if not w.dirty_orders and not w.deliveries:
                    break
                continue
            name, callback, record = w.deliveries.popleft()
            if name:
                counts[name] = counts.get(name, 0) + 1
                if counts[name] == MAX_DELIVERIES:
                    self.host.stop(name, f"more than {MAX_DELIVERIES} callbacks on one event: it answers itself")
                self.host.deliver(name, str(callback), record)
        if w.dirty_books or w.dirty_coins:
            w.moved = True
            self.publication.books()
        if w.state_dirty:
            w.moved = True
            w.flush_state()

    def _table(self) -> dict[type, Callable[[Any], None]]:
        return {
            BarClosed: self._bar,
            QuoteChanged: self._quote,
            TickerChanged: self._ticker,
            TradePrinted: self._print,
            BookChanged: lambda e: self.host.market("book", e.instrument, "on_book", e),
            BarsLoaded: self._bars_loaded,
            TickersLoaded: self.host.universes.loaded,
            PredictionMade: self.host.prediction,
            OrderAnswered: self.venue.answered,
            OrderReported: self.venue.reported,
            Executed: self.whole_fills.executed,
            OrderLookedUp: self.venue.looked_up,
            BalancesReported: self.venue.note_balances,
            PositionsReported: self.venue.note_positions,
            Reconciled: self.venue.reconciled,
            ConnectionChanged: self.venue.connection,
            DataDoubted: self._doubted,
            RateLimitReported: self.venue.allowance,
            InstrumentsLoaded: self.venue.instruments,
            AccountChecked: self.guards.account_checked,
            ClockChecked: self.guards.clock_checked,
            Started: self._started,
            StopRequested: self._stop,
            TimerFired: self.timers.fired,
            JournalChecked: self.guards.journal_checked,
            HaltRequested: self.operator.halt,
            ResumeRequested: self.operator.resume,
            LimitsSet: self.risk_desk.set_limits,
            RiskResetRequested: self.risk_desk.reset,
            OrderRequested: self.requests.order,
            AmendRequested: self.requests.amend,
            CancelRequested: self.requests.cancel,
            ProtectRequested: self.requests.protect,
            StopAnswered: self.stops.answered,
            AlgorithmRequested: self.algorithm_requests.start,
            AlgorithmCancelRequested: self.algorithm_requests.cancel,
            CloseRequested: self.operator.close,
            AdoptRequested: self.operator.adopt,
            StrategySwitched: self.operator.switch,
            ParametersSet: self.strategies.set_parameters,
            StrategyEnded: self.strategies.ended,
            ReconcileRequested: self.operator.reconcile,
            RebalanceRequested: self.allocator.requested,
            WatchRequested: lambda e: self.host.follow(e.instrument),
        }

    # --- market data

    def _bar(self, event: BarClosed) -> None:
        if event.bid > 0.0:  # it says where the market stands: a quote and a ticker, too
            self.world.market.on_bar(event)
            if self.protections.watched:
                self.protections.price_changed(event.instrument)
            if self.algorithms.working:
                self.algorithms.quote(event.instrument)
        if event.received > self.looked_at:
            self.looked_at = event.received
            self.timers.closed(event.received)
        self._bars_closed(event)

    def _quote(self, event: QuoteChanged) -> None:
        self.world.market.on_quote(event)
        self.host.market("quotes", event.instrument, "on_quote", event)
        if self.algorithms.state.working:
            self.algorithms.quote(event.instrument)

    def _print(self, event: TradePrinted) -> None:
        self.host.market("trades", event.instrument, "on_trade", event)
        if self.algorithms.state.working:
            self.algorithms.trade(event)

    def _bars_loaded(self, event: BarsLoaded) -> None:
        self.host.bars.loaded(event)
        self.algorithms.bars(event)

    def _why_idle(self, strategy: str) -> str:
        return self.host.why_idle(strategy)

    def _filled(self, order: Order) -> None:
        """What came attached to an entry is meant to protect from its first fill on."""
        self.protections.filled(order)
        self.stops.filled(order)

    def _ticker(self, event: TickerChanged) -> None:
        self.world.market.on_ticker(event)
        if self.protections.watched:
            self.protections.price_changed(event.instrument)

    def _doubted(self, event: DataDoubted) -> None:
        self.world.market.on_doubt(event)

    # --- the daemon

    def _started(self, event: Started) -> None:
        w = self.world
        w.order_seq = max(w.order_seq, event.next_order)
        w.relax(STOPPING)
        w.state.clear_all("stream:")
        w.market.doubts.clear()  # of streams that are gone: the new ones speak for themselves
        for stream in ("private", "trade"):
            w.restrict(f"stream:{stream}", Level.REDUCING, AUTO, f"the {stream} stream is not up yet")
        self.reconciler.doubt("not reconciled since the start")
        self.reconciler.asked, self.reconciler.overtaken = False, 0
        for name, at in list(w.timers.items()):
            w.emit(SetTimer(name, at))
        self.timers.audit_later()
        self.dispatch.distrust_queue()
        self.host.universes.started()
        if event.restored:
            self.host.resume_all()
            self.algorithms.started()
            self.publication.restate()

    def _stop(self, event: StopRequested) -> None:
        for runner in self.host.runners.values():
            if runner.started and runner.status.value in ("active", "warming"):
                self.host.deliver_stop(runner)
        if event.leave == "flatten":
            self.algorithms.end_all(f"stop by {event.who}")  # what is closed now must not be opened by the next start
        self.operator.stop(event)

    def _retarget(self, name: str, instrument: InstrumentId, weight: Decimal, reason: str) -> None:
        """Another share of capital: bring a position that follows a weight to its new size."""
        runner = self.host.runners[name]
        if runner.status is StrategyStatus.ACTIVE:
            self.targets.to_weight(name, runner.capital(), instrument, weight, reason, late=False)

    # --- checkpoint

    def checkpoint(self) -> bytes:
        """Everything needed to continue exactly here; call between two events.

        Raises ``Problem`` when a strategy holds what cannot be written down; the next guard tick stops such a one.
        """
        return encode(capture(self))

    def restore(self, data: bytes) -> None:
        """Become the engine that wrote ``data``. Raises ``ValueError`` when the bytes are none of this schema."""
        resume(self, decode(data))
