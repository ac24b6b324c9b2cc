"""The algorithms at work: who is told of what, when each acts, how it ends, and what is published of it.

An algorithm that ends stays at work until its last order is gone and every execution is here; then it is over, and
leaves nothing behind.
"""

from collections.abc import Callable

from tradectl.engine.execution_algorithms.algorithm import Algorithm
from tradectl.engine.execution_algorithms.audience import Audience
from tradectl.engine.execution_algorithms.children import FOUND, Children
from tradectl.engine.execution_algorithms.hand import DeskHand
from tradectl.engine.execution_algorithms.kinds import KINDS
from tradectl.engine.execution_algorithms.outcome import judge
from tradectl.engine.execution_algorithms.ownership import run_of, run_of_stray
from tradectl.engine.execution_algorithms.standing import StrategyVeto, standing
from tradectl.engine.execution_algorithms.state import AlgorithmState, Run, view
from tradectl.engine.order_desk import OrderDesk
from tradectl.engine.order_state import Order
from tradectl.engine.trading_state import STOPPING
from tradectl.engine.world import World
from tradectl.model.commands import AlgorithmChanged, AlgorithmStatus
from tradectl.model.events import BarsLoaded, TradePrinted
from tradectl.model.instruments import InstrumentId
from tradectl.model.market_data import MarketKey
from tradectl.model.money import plain
from tradectl.model.orders import Execution

ALGORITHM_TIMER = "algo:"
#: So many algorithms that are over are remembered, for late fills of theirs.
KEEP_ENDED = 100
#: One that waits for something that says nothing when it is over looks again after this long (nanoseconds).
_LOOK_AGAIN = 10**9


class AlgorithmDesk:
    """Runs every algorithm; :attr:`state` goes into the checkpoint. ``subscribe`` asks for a stream, ``veto`` says why
    a strategy's algorithms may not go on."""

    def __init__(
        self, world: World, desk: OrderDesk, subscribe: Callable[[MarketKey], None], veto: StrategyVeto
    ) -> None:
        self._w = world
        self._desk = desk
        self._veto = veto
        self._audience = Audience(subscribe)
        self._state = AlgorithmState()
        self._made: dict[int, Algorithm] = {}
        self._changed: dict[int, None] = {}
        self._acting = False
        world.on_order_change.append(self._order_changed)
        world.algorithms_of = self.of
        desk.taken_over = self.taken_over
        desk.minds_targets = lambda: bool(self._state.working)

    @property
    def state(self) -> AlgorithmState:
        return self._state

    @state.setter
    def state(self, state: AlgorithmState) -> None:
        self._state = state
        self._made = {i: KINDS[run.kind](run.parameters) for i, run in state.working.items()}
        self._index()

    def _index(self) -> None:
        self._audience.index(self._state.working, self._made)

    @property
    def working(self) -> dict[int, Run]:
        """Those at work, by id."""
        return self._state.working

    @property
    def is_busy(self) -> bool:
        """Whether :meth:`look` has anything to do."""
        return bool(self._state.working or self._changed)

    # --- from outside

    def begin(self, run: Run) -> None:
        """Put a new algorithm to work; its id is the next one."""
        self._state.next_id = run.id + 1
        self._state.working[run.id] = run
        self._made[run.id] = KINDS[run.kind](run.parameters)
        self._index()
        self._follow(run)
        self._act(run)

    def end(self, run: Run, reason: str) -> None:
        """Cancel an algorithm: its orders go, what they filled stays."""
        if run.ending is None:
            run.ending, run.why = AlgorithmStatus.CANCELLED, reason
        if self._acting:
            self._changed[run.id] = None  # an order of an algorithm halted its strategy: one after the other
        else:
            self._act(run)

    def end_all(self, reason: str) -> None:
        """Cancel every algorithm."""
        for run in list(self._state.working.values()):
            self.end(run, reason)

    def taken_over(self, reason: str, strategy: str, symbol: str, instrument: InstrumentId | None) -> None:
        """Somebody cancels every entry in scope, or sets a position itself: algorithms must not undo that. While the
        daemon stops they are left, and go on with the next start."""
        if not self._state.working or self._w.state.has(STOPPING):
            return
        for run in list(self._state.working.values()):
            here = symbol in ("", run.instrument.symbol) and instrument in (None, run.instrument)
            if here and strategy in ("", run.strategy):
                self.end(run, reason)

    def of(self, strategy: str) -> tuple[AlgorithmChanged, ...]:
        """A strategy's algorithms at work, oldest first."""
        return tuple(view(r, self._w.now) for r in self._state.working.values() if r.strategy == strategy)

    # --- what happens

    def started(self) -> None:
        """After a restart: streams again, and everything stated anew."""
        for run in list(self._state.working.values()):
            self._follow(run)
            run.published = None
            self._changed[run.id] = None

    def _follow(self, run: Run) -> None:
        self._audience.follow(run, self._made[run.id].follows_trades)

    def quote(self, instrument: InstrumentId) -> None:
        """The touch moved."""
        for id_ in tuple(self._audience.quotes.get(instrument, ())):
            self._act_on(id_)

    def trade(self, event: TradePrinted) -> None:
        """A public trade."""
        for id_ in tuple(self._audience.trades.get(event.instrument, ())):
            self._made[id_].on_trade(self._state.working[id_].memory, event)
            self._act_on(id_)

    def bars(self, event: BarsLoaded) -> None:
        """History that was asked for, perhaps by one of these."""
        for id_, run in list(self._state.working.items()):
            if run.instrument == event.instrument:
                self._made[id_].on_bars(run.memory, event)
                self._act_on(id_)

    def timer(self, name: str) -> None:
        """A timer of ``algo:ID:wake`` is due."""
        self._act_on(int(name.removeprefix(ALGORITHM_TIMER).partition(":")[0]))

    def _act_on(self, id_: int) -> None:
        run = self._state.working.get(id_)
        if run is not None:
            self._act(run)

    # --- orders

    def _order_changed(self, order: Order) -> None:
        run = run_of(self._state, order) if order.algorithm or self._state.working else None
        if run is None:
            return
        children = Children(self._w, run)
        if order.link_id not in run.children:
            children.adopt(order)
        judge(run, order, self._w, filled_more=children.count(order))
        self._changed[run.id] = None

    def stray(self, execution: Execution, strategy: str) -> None:
        """A fill of an order of ours whose record was lost: it counts where it may belong; nothing gets too large."""
        run = run_of_stray(self._state, execution, strategy)
        if run is not None:
            Children(self._w, run).stray(execution)
            self._changed[run.id] = None

    # --- acting

    def look(self) -> None:
        """Let those act whose orders or whose standing changed; costs nothing when there are none."""
        state = self._state
        if not state.working and not self._changed:
            return  # the usual case
        if self._w.state_dirty:
            self._changed.update(dict.fromkeys(state.working))
        for id_, run in state.working.items():
            if self._made[id_].two_sided and (run.strategy, run.instrument) in self._w.dirty_books:
                self._changed[id_] = None  # somebody else may have closed what it holds
        changed, self._changed = self._changed, {}
        waiting = dict.fromkeys(i for i, run in state.working.items() if run.waiting)
        for id_ in {**changed, **waiting}:
            if id_ in state.working:
                self._act(state.working[id_])
            elif id_ in state.ended:
                self._publish(state.ended[id_])

    def _act(self, run: Run) -> None:
        self._acting = True
        algorithm = self._made[run.id]
        hand = DeskHand(self._w, self._desk, run, algorithm.two_sided)
        self._go_on(run, algorithm, hand)
        if run.ending is not None:
            self._wind_up(run, hand)
        self._set_timer(run, hand)
        hand.children.prune()
        self._publish(run)
        self._acting = False

    def _go_on(self, run: Run, algorithm: Algorithm, hand: DeskHand) -> None:
        """Let it do what it may do now."""
        now = standing(self._w, run, algorithm.two_sided, self._veto)
        run.waiting = now.waits
        if now.ends and run.ending is None:
            run.ending, run.why = AlgorithmStatus.CANCELLED, now.ends
        if now.waits:
            hand.wake(self._w.now + _LOOK_AGAIN)
        elif run.ending is None:
            self._drop_found(hand)
            algorithm.act(hand)

    @staticmethod
    def _drop_found(hand: DeskHand) -> None:
        for order in hand.open():
            if hand.run.children[order.link_id].tag.startswith(FOUND):
                hand.cancel(order, "its record was lost")

    def _wind_up(self, run: Run, hand: DeskHand) -> None:
        """Cancel what is open; over once nothing is, and every execution is here."""
        assert run.ending is not None
        for order in hand.open():
            hand.cancel(order, run.why or "done")
        if hand.children.all_settled and not hand.open():
            run.status = run.ending
            self._close(run, hand)

    def _close(self, run: Run, hand: DeskHand) -> None:
        state = self._state
        if self._made[run.id].two_sided and hand.inventory >= hand.info.min_qty:
            run.why = f"{run.why}; {plain(hand.inventory)} stays in the book".removeprefix("; ")
        run.waiting = run.note = ""
        del state.working[run.id], self._made[run.id]
        state.ended[run.id] = run
        for old in list(state.ended)[:-KEEP_ENDED]:
            del state.ended[old]
        self._index()

    def _set_timer(self, run: Run, hand: DeskHand) -> None:
        name = f"{ALGORITHM_TIMER}{run.id}:wake"
        if run.status is AlgorithmStatus.WORKING and hand.wakes:
            self._w.set_timer(name, min(hand.wakes))
        else:
            self._w.cancel_timer(name)

    def _publish(self, run: Run) -> None:
        """State it when anything but the time changed."""
        said, last = view(run, 0), run.published
        if said == last:
            return
        run.published = said
        record = view(run, self._w.now)
        self._w.emit(record)
        self._w.deliver(run.strategy, "on_algorithm", record)
