"""``apply(event) -> commands``: the order of things, nothing else. Synchronous, pure, one pump, not re-entrant."""

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any

from tradectl.engine.allocation.allocator import ALLOCATION_TIMER, Allocator
from tradectl.engine.books import Book
from tradectl.engine.checkpoint import EngineState, decode, encode
from tradectl.engine.config import EngineConfig
from tradectl.engine.dispatch import QUEUE_TIMER, Dispatch
from tradectl.engine.execution_algorithms.algorithm_desk import ALGORITHM_TIMER, AlgorithmDesk
from tradectl.engine.execution_algorithms.requests import AlgorithmRequests
from tradectl.engine.fills import Fills
from tradectl.engine.guards import EQUITY_TIMER, GUARD_TIMER, Guards
from tradectl.engine.intent_desk import STRATEGY_TIMER, IntentDesk
from tradectl.engine.known_orders import KnownOrders
from tradectl.engine.operator_desk import OperatorDesk
from tradectl.engine.order_answers import LOOK_AGAIN, WALL, OrderAnswers
from tradectl.engine.order_desk import OrderDesk
from tradectl.engine.order_requests import OrderRequests
from tradectl.engine.order_state import Order, view
from tradectl.engine.position_stops import PositionStops
from tradectl.engine.protection import TIMER as PROTECTION_TIMER
from tradectl.engine.protection import Protections
from tradectl.engine.rate_windows import group_named
from tradectl.engine.reconciler import TIMER as RECONCILE_TIMER
from tradectl.engine.reconciler import Reconciler
from tradectl.engine.risk_desk import RiskDesk
from tradectl.engine.risk_manager import RiskManager
from tradectl.engine.runner_state import state_of
from tradectl.engine.strategy import Strategy
from tradectl.engine.strategy_desk import StrategyDesk
from tradectl.engine.strategy_host import StrategyHost
from tradectl.engine.targets import Targets
from tradectl.engine.trading_state import AUTO, STOPPING
from tradectl.engine.universe import UNIVERSE_TIMER
from tradectl.engine.world import World
from tradectl.model.commands import (
    BalanceChanged,
    Command,
    Level,
    PositionChanged,
    SetTimer,
    StrategyStatus,
)
from tradectl.model.events import (
    SCHEMA,
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
from tradectl.model.market_data import MarketKey
from tradectl.model.money import ZERO

_SECOND = 10**9
#: Orders and executions this quiet (nanoseconds) are asked after.
QUIET = 10 * _SECOND
AUDIT_TIMER = "audit"
#: More callbacks of one strategy than this in one step is a loop between it and its own orders.
MAX_DELIVERIES = 2_000


class TradingEngine:
    """The deterministic core. The whole world of the engine is events in, commands out."""

    def __init__(self, config: EngineConfig, classes: Mapping[str, type[Strategy]]) -> None:
        self.world = w = World(config)
        self.risk = RiskManager(w)
        self.dispatch = Dispatch(w, self.risk)
        self.desk = OrderDesk(w, self.risk, self.dispatch)
        self.targets = Targets(w, self.desk, self.risk)
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
        self.intents = IntentDesk(w, self.desk, self.targets, self.protections, self.allocator, self.algorithm_requests)
        self.host = StrategyHost(w, classes, self.intents.process, self.desk.cancel_entries)
        self.strategies = StrategyDesk(w, self.host, self.desk)
        self.stops = PositionStops(w, self.desk, self.dispatch)
        self.requests = OrderRequests(w, self.desk, self.host, self.protections, self.stops)
        self.operator = OperatorDesk(
            w, self.desk, self.targets, self.host, self.guards, self.reconciler, self.protections.adopted
        )
        self._balances: BalancesReported | None = None
        self._positions: PositionsReported | None = None
        self._handlers = self._table()

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
        w.seq += 1
        w.cause = w.seq
        if event.received > w.now:
            w.now = event.received
        w.event = event
        handler(event)
        if w.out:
            self.host.notes.complete(0)
        waiting = w.queue.state.lanes.counts
        if w.deliveries or w.dirty_orders or w.dirty_books or w.dirty_coins or w.state_dirty or waiting:
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
        self.protections.look_changed()
        if w.queue:
            self.dispatch.release()  # before the first publication: what leaves at once is published as sent alone
        while True:
            self.protections.look_changed()
            self._publish_orders()
            if not w.deliveries:
                self.algorithms.look()
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
        self._publish_books()
        w.flush_state()

    def _publish_orders(self) -> None:
        w = self.world
        while w.dirty_orders:
            link = next(iter(w.dirty_orders))
            del w.dirty_orders[link]
            order = w.orders.get(link)
            if order is not None:
                record = view(order, w.now)
                w.emit(record)
                w.deliveries.append((order.strategy, "on_order", record))
                for listen in w.on_order_change:
                    listen(order)

    def _publish_books(self) -> None:
        w = self.world
        for strategy, instrument in w.dirty_books:
            own = w.portfolio.book(strategy, instrument) if strategy else None
            for idx, book in w.portfolio.positions_of(instrument) if own is None else ((0, own),):
                self._publish_book(strategy, instrument, idx, book)
        for coin in w.dirty_coins:
            pair = w.valuation.pair_of(coin) if coin != w.config.settle_coin else None
            if pair is not None and w.portfolio.state.cash.get(coin):
                self.host.subscribe(MarketKey("ticker", pair))
            w.emit(BalanceChanged(w.now, coin, w.portfolio.state.cash.get(coin, ZERO)))
        w.dirty_books.clear()
        w.dirty_coins.clear()

    def _publish_book(self, strategy: str, instrument: InstrumentId, idx: int, book: Book) -> None:
        w = self.world
        if idx and book == Book():
            return  # a leg on which nothing ever happened
        if book.size:
            self.host.follow(instrument)
        ticker = w.market.tickers.get(instrument)
        mark = (ticker.mark or ticker.last) if ticker is not None else 0.0
        w.emit(
            PositionChanged(
                w.now, strategy, instrument, book.size, book.cost, book.realised, book.fees, book.funding, mark, idx
            )
        )

    def _table(self) -> dict[type, Callable[[Any], None]]:
        return {
            BarClosed: self.host.bars.closed,
            QuoteChanged: self._quote,
            TickerChanged: self._ticker,
            TradePrinted: self._print,
            BookChanged: lambda e: self.host.market("book", e.instrument, "on_book", e),
            BarsLoaded: self._bars_loaded,
            TickersLoaded: self.host.universes.loaded,
            PredictionMade: self.host.prediction,
            OrderAnswered: self._answered,
            OrderReported: self._reported,
            Executed: lambda e: self.fills.executed(e.execution),
            OrderLookedUp: self._looked_up,
            BalancesReported: self._note_balances,
            PositionsReported: self._note_positions,
            Reconciled: self._reconciled,
            ConnectionChanged: self._connection,
            DataDoubted: self._doubted,
            RateLimitReported: self._allowance,
            InstrumentsLoaded: self._instruments,
            AccountChecked: self.guards.account_checked,
            ClockChecked: self.guards.clock_checked,
            Started: self._started,
            StopRequested: self._stop,
            TimerFired: self._timer,
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
        if self.protections.trailed:
            self.protections.price_changed(event.instrument)

    def _doubted(self, event: DataDoubted) -> None:
        self.world.market.on_doubt(event)

    # --- answers of the venue

    def _answered(self, event: OrderAnswered) -> None:
        self.answers.answered(event)
        self._hold_for_unknown()

    def _hold_for_unknown(self) -> None:
        """An order without an answer holds everything until it was looked up: two doubts must not meet."""
        if self.world.open.unknown_count:
            self.reconciler.doubt("an order has no answer and is being looked up")

    def _reported(self, event: OrderReported) -> None:
        self.answers.reported(event.report)
        if self.world.unreconciled:
            self.reconciler.settle()

    def _looked_up(self, event: OrderLookedUp) -> None:
        self.answers.looked_up(event)
        self.reconciler.settle()

    def _reconciled(self, event: Reconciled) -> None:
        first = not self.world.portfolio.state.baselined
        if not event.error:
            self.guards.latches.positions(event.positions, complete=True)
        self.reconciler.reconciled(event)
        if first and self.world.portfolio.state.baselined:
            self.guards.start()
            self.allocator.start()
        elif not event.error:
            self.guards.mark()
            self.protections.confirmed()
            self.stops.compare(event)

    def _note_balances(self, event: BalancesReported) -> None:
        self._balances = event

    def _note_positions(self, event: PositionsReported) -> None:
        self._positions = event
        self.guards.latches.positions(event.positions)

    def _connection(self, event: ConnectionChanged) -> None:
        self.reconciler.connection(event)
        if event.stream.startswith("public") and event.up:
            self.host.bars.catch_up()

    def _allowance(self, event: RateLimitReported) -> None:
        if event.limit > 0:
            self.world.queue.allow(group_named(event.group), event.limit)

    def _instruments(self, event: InstrumentsLoaded) -> None:
        for instrument in event.instruments:
            self.world.instruments[instrument.id] = instrument
        for fee in event.fees:
            self.world.fees[fee.instrument] = fee
        self.host.start_all()

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
        w.set_timer(AUDIT_TIMER, w.now + w.config.audit_every_s * _SECOND)
        self.dispatch.distrust_queue()
        self.host.universes.started()
        if event.restored:
            self.host.resume_all()
            self.algorithms.started()
            self._restate()

    def _restate(self) -> None:
        """State again all that is so: whoever follows the stream from here begins with the whole picture."""
        w = self.world
        for order in w.open_orders():
            w.emit(view(order, w.now))
        books = [(name, i) for name, own in w.portfolio.state.books.items() for i in own]
        w.dirty_books.update(dict.fromkeys([*books, *(("", i) for i in w.portfolio.state.nets)]))
        w.dirty_coins.update(dict.fromkeys(w.portfolio.state.cash))
        w.state_dirty = True
        self.host.publish_all()

    def _stop(self, event: StopRequested) -> None:
        for runner in self.host.runners.values():
            if runner.started and runner.status.value in ("active", "warming"):
                self.host.deliver_stop(runner)
        if event.leave == "flatten":
            self.algorithms.end_all(f"stop by {event.who}")  # what is closed now must not be opened by the next start
        self.operator.stop(event)

    def _timer(self, event: TimerFired) -> None:
        w = self.world
        if w.timers.get(event.timer) != event.due:
            return  # moved or cancelled meanwhile
        del w.timers[event.timer]
        name = event.timer
        if name == QUEUE_TIMER:
            self.dispatch.release()
        elif name == GUARD_TIMER:
            self._guard()
        elif name == EQUITY_TIMER:
            self.guards.mark()
            w.portfolio.forget_old()
        elif name == AUDIT_TIMER:
            self.reconciler.audit(self._balances, self._positions)
            w.set_timer(AUDIT_TIMER, w.now + w.config.audit_every_s * _SECOND)
        elif name == PROTECTION_TIMER:
            self.protections.look_all()
        elif name == RECONCILE_TIMER:
            self.reconciler.ask("again")
        elif name.startswith(f"{WALL}look:"):
            self._look_again(name.removeprefix(f"{WALL}look:"))
        elif name.startswith(ALGORITHM_TIMER):
            self.algorithms.timer(name)
        elif name.startswith(UNIVERSE_TIMER):
            self.host.universes.refresh(name.removeprefix(UNIVERSE_TIMER))
        elif name.startswith(ALLOCATION_TIMER):
            self.allocator.timer(name)
        elif name.startswith(STRATEGY_TIMER):
            strategy, _, timer = name.removeprefix(STRATEGY_TIMER).partition(":")
            self.host.deliver(strategy, "on_timer", timer)

    def _retarget(self, name: str, instrument: InstrumentId, weight: Decimal, reason: str) -> None:
        """Another share of capital: bring a position that follows a weight to its new size."""
        runner = self.host.runners[name]
        if runner.status is StrategyStatus.ACTIVE:
            self.targets.to_weight(name, runner.capital(), instrument, weight, reason, late=False)

    def _guard(self) -> None:
        self.guards.watch()
        self.host.check_states()
        self.protections.look_all()
        self.stops.look()
        if not self.world.unreconciled and self.answers.chase(self.world.now - QUIET):
            self.reconciler.ask("executions are missing")
        self._hold_for_unknown()

    def _look_again(self, link_id: str) -> None:
        order = self.world.orders.get(link_id)
        if order is not None and order.is_open:
            self.answers.look_up(order)
        self.fills.ask(link_id, LOOK_AGAIN)

    # --- checkpoint

    def checkpoint(self) -> bytes:
        """Everything needed to continue exactly here; call between two events.

        Raises ``Problem`` when a strategy holds what cannot be written down; the next guard tick stops such a one.
        """
        w = self.world
        return encode(
            EngineState(
                SCHEMA, w.now, w.seq, w.order_seq, w.decision_seq, list(w.instruments.values()), list(w.fees.values()),
                w.market, w.portfolio.state, list(w.orders.values()), list(w.open.orders), w.queue.state, w.state,
                w.timers, w.numbers, w.unreconciled, self.guards.state, self.reconciler.attempts,
                self.reconciler.asked, self.reconciler.asked_at, self.reconciler.overtaken, self.reconciler.sent_before,
                {name: state_of(r) for name, r in self.host.runners.items()}, list(self.host.following.subscribed),
                self._balances, self._positions, w.orphans, w.limits.state, w.activity,
                universes=self.host.universes.states, decisions=self.host.notes.state,
                protection=self.protections.state, held=w.held, position_stops=self.stops.state,
                allocation=w.allocation, algorithms=self.algorithms.state,
            )
        )  # fmt: skip

    def restore(self, data: bytes) -> None:
        """Become the engine that wrote ``data``. Raises ``ValueError`` when the bytes are none of this schema."""
        s, w = decode(data), self.world
        w.now, w.seq, w.order_seq, w.decision_seq = s.now, s.seq, s.order_seq, s.decision_seq
        w.instruments.update((i.id, i) for i in s.instruments)
        w.fees.update((f.instrument, f) for f in s.fees)
        for name in ("quotes", "tickers", "heard", "doubts"):
            getattr(w.market, name).update(getattr(s.market, name))
        w.portfolio.state, w.state = s.portfolio, s.state
        w.queue.restore(s.queue)
        w.orders.update((o.link_id, o) for o in s.orders)
        w.open.restore(w.orders[link] for link in s.open_links)
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
        self.reconciler.attempts, self.reconciler.asked = s.reconcile_attempts, s.reconcile_asked
        self.reconciler.asked_at, self.reconciler.overtaken = s.reconcile_asked_at, s.reconcile_overtaken
        self.reconciler.sent_before = s.sent_before
        self._balances, self._positions = s.balances, s.positions
        self.host.universes.states.update((n, u) for n, u in s.universes.items() if n in self.host.universes.states)
        self.host.notes.state = s.decisions
        self.protections.state = s.protection
        w.held.update(s.held)
        self.stops.state = s.position_stops
        self.algorithms.state = s.algorithms
        self.host.restore(s.runners, s.subscribed)
        w.out.clear()
