"""What the engine knows, in one place: state and the list of what was decided in this step. No behaviour of its own."""

from collections import deque
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from tradectl.engine.activity import Activity
from tradectl.engine.allocation.state import AllocationState
from tradectl.engine.attached_stops import AttachedStops
from tradectl.engine.audience import EVERYBODY, Audience
from tradectl.engine.config import EngineConfig
from tradectl.engine.guard_state import GuardState
from tradectl.engine.legs import LONG, SHORT
from tradectl.engine.limit_book import LimitBook
from tradectl.engine.market_state import MarketState
from tradectl.engine.open_orders import OpenOrders
from tradectl.engine.order_queue import OrderQueue
from tradectl.engine.order_state import Held, Order, Orphan
from tradectl.engine.portfolio_manager import PortfolioManager
from tradectl.engine.trading_state import TradingState
from tradectl.engine.unfinished import Unfinished
from tradectl.engine.valuation import Valuation
from tradectl.model.commands import (
    Alert,
    AlertLevel,
    AlgorithmChanged,
    CancelTimer,
    Command,
    DecisionMade,
    SetTimer,
    StateChanged,
)
from tradectl.model.events import Event
from tradectl.model.ids import SEQ_CHARS, link_prefix, to_base32
from tradectl.model.instruments import Category, FeeRate, Instrument, InstrumentId
from tradectl.model.money import ZERO

#: The book and instance name of orders placed by a person.
OPERATOR = "operator"
#: Finished orders kept in memory for late and repeated messages.
KEEP_FINISHED = 1000
#: What the demo environment takes in batches (bybit-v5 1).
_DEMO_BATCHES = (Category.LINEAR, Category.OPTION)


class World:
    """The engine's whole state but for the strategies; what is decided goes to :attr:`out`."""

    def __init__(self, config: EngineConfig, audience: Audience = EVERYBODY) -> None:
        self.config = config
        self.audience = audience
        self.now = 0
        self.seq = 0
        self.cause = 0
        self.order_seq = 1
        self.decision_seq = 0
        self.instruments: dict[InstrumentId, Instrument] = {}
        self.fees: dict[InstrumentId, FeeRate] = {}
        self.market = MarketState()
        self.portfolio = PortfolioManager(config.position_mode == "hedge")
        self.valuation = Valuation(self.portfolio, self.market, self.instruments, config.settle_coin)
        self.orders: dict[str, Order] = {}
        self.link_of: dict[str, str] = {}
        self.open = OpenOrders()
        self.attached = AttachedStops()
        self.orphans: dict[str, Orphan] = {}
        self.held: dict[str, Held] = {}
        #: By book; a new target or entry of the book takes its place.
        self.unfinished: dict[tuple[str, InstrumentId], Unfinished] = {}
        self.queue = OrderQueue(config.queue, _DEMO_BATCHES if config.mode == "demo" else tuple(Category))
        self.state = TradingState()
        self.limits = LimitBook(config.risk, config.scoped, config.groups)
        self.activity = Activity()
        self.guard = GuardState()
        self.allocation = AllocationState()
        self.timers: dict[str, int] = {}
        self.numbers: dict[str, int] = {OPERATOR: 0}
        self.out: list[Command] = []
        self.deliveries: deque[tuple[str, Callable[[Any], None] | str, Any]] = deque()
        self.dirty_orders: dict[str, None] = {}
        self.dirty_books: dict[tuple[str, InstrumentId], None] = {}
        self.dirty_coins: dict[str, None] = {}
        self.state_dirty = False
        #: Books, cash or the trading state changed since somebody looked at equity as a whole.
        self.moved = True
        #: The venue's truth has not been merged since the last doubt: nothing but cancels may leave.
        self.unreconciled = True
        #: Who else hears of every change of an order, in this order, after it was published.
        self.on_order_change: list[Callable[[Order], None]] = []
        #: The venue has had its time, by the wall's clock, to end what it ends by itself.
        self.impatient = False
        #: The event that is being applied.
        self.event: Event | None = None
        #: Why an instance may not enter an instrument ("" when it may): the universe's word, asked by the risk checks.
        self.entry_veto: Callable[[str, InstrumentId], str] = lambda strategy, instrument: ""
        #: Whether an instance does anything in a callback: the strategy host's word.
        self.hears: Callable[[str, str], bool] = lambda name, callback: False
        #: An instance's execution algorithms at work: the algorithm desk's word.
        self.algorithms_of: Callable[[str], tuple[AlgorithmChanged, ...]] = lambda strategy: ()

    def emit(self, command: Command) -> None:
        """Decide something; it is carried out after this step."""
        self.out.append(command)

    def deliver(self, name: str, callback: str, record: Any) -> None:
        """Tell an instance, if it does anything with it."""
        if self.hears(name, callback):
            self.deliveries.append((name, callback, record))

    def decided(self, made: DecisionMade) -> None:
        """State a decision; one that was accepted only where somebody follows them."""
        if self.audience.decisions or not made.accepted:
            self.out.append(made)

    def alert(self, level: AlertLevel, code: str, text: str, remedy: str = "") -> None:
        """Tell a person."""
        self.emit(Alert(self.now, level, code, text, remedy))

    def set_timer(self, name: str, at: int) -> None:
        """Ask to be woken; moving a timer to where it is costs nothing."""
        if self.timers.get(name) != at:
            self.timers[name] = at
            self.emit(SetTimer(name, at))

    def cancel_timer(self, name: str) -> None:
        """Forget a timer, if it is set."""
        if self.timers.pop(name, None) is not None:
            self.emit(CancelTimer(name))

    def restrict(self, code: str, level: Any, clears: str, text: str, scope: str = "") -> bool:
        """Add a reason to the trading state; returns whether it changed anything."""
        changed = self.state.add(code, level, clears, text, self.now, scope)
        self.state_dirty |= changed
        return changed

    def relax(self, code: str, scope: str = "") -> bool:
        """Remove a reason that lifted itself."""
        changed = self.state.clear(code, scope)
        self.state_dirty |= changed
        return changed

    def flush_state(self) -> None:
        """Publish the trading state when it changed in this step."""
        if self.state_dirty:
            self.state_dirty = False
            self.emit(StateChanged(self.now, self.state.level(), self.state.all()))

    def next_link(self, strategy: str) -> str:
        """A fresh ``orderLinkId`` for an order of ``strategy``."""
        link = link_prefix(self.config.run, self.number(strategy)) + to_base32(self.order_seq, SEQ_CHARS)
        self.order_seq += 1
        return link

    def number(self, strategy: str) -> int:
        """The instance number in link ids: given once per name and run."""
        return self.numbers.setdefault(strategy, len(self.numbers))

    def strategy_of_number(self, number: int) -> str | None:
        """The name behind an instance number."""
        return next((name for name, n in self.numbers.items() if n == number), None)

    def add_order(self, order: Order) -> None:
        """Register an order; the oldest finished ones leave memory."""
        link = order.spec.link_id
        self.orders[link] = order
        self.recount(order)
        self.dirty_orders[link] = None
        if len(self.orders) > KEEP_FINISHED + len(self.open):
            self._forget_one()

    def forget(self, link_id: str) -> None:
        """Remove an order that was never more than a thought."""
        order = self.orders.pop(link_id, None)
        self.open.drop(link_id)
        if order is not None:
            self.attached.drop(order)
        self.dirty_orders.pop(link_id, None)

    def _forget_one(self) -> None:
        for link in self.orders:
            if link not in self.open:
                order = self.orders.pop(link)
                self.link_of.pop(order.order_id, None)
                self.attached.drop(order)
                return

    def touch(self, order: Order) -> None:
        """Note that an order changed: it is published once at the end of the step."""
        order.touched = self.now
        self.dirty_orders[order.link_id] = None
        if order.order_id:
            self.link_of[order.order_id] = order.link_id
        self.recount(order)

    def venue_size(self, instrument: InstrumentId, sign: int) -> Decimal:
        """How much of the venue's position on the side of ``sign`` a closing order can meet, >= 0: of the net position,
        in hedge mode of the long or short leg."""
        if self.portfolio.is_hedged(instrument):
            return abs(self.portfolio.leg_size(instrument, LONG if sign > 0 else SHORT))
        net = self.portfolio.state.nets.get(instrument)
        if net is None:
            return ZERO
        size = net.size if sign > 0 else -net.size
        return size if size > ZERO else ZERO

    def recount(self, order: Order) -> None:
        """Note that what is in flight of an order changed, when it is asked about before it is touched."""
        self.open.recount(order)
        self.attached.recount(order)

    def open_orders(self, strategy: str = "", instrument: InstrumentId | None = None) -> list[Order]:
        """Orders that may still fill or whose executions are not all here, of a strategy, an instrument, or both."""
        return self.open.of(strategy, instrument)

    def in_flight(
        self, instrument: InstrumentId, sign: int, strategy: str = "", without: str = "", ending: bool = True,
        idx: int = 0,
    ) -> Decimal:  # fmt: skip
        """Quantity of open orders on one side that may still be booked, of one strategy or all; ``ending`` counts
        those that are being cancelled, too; ``idx`` only those of one hedge leg."""
        return self.open.in_flight(instrument, sign, strategy, without, ending, idx)
