"""Protection: every book's stops as they are meant to be, held at the venue, watched, and replaced when missing.

Stops come attached to an entry (the venue makes them), or are conditional reduce-only orders of ours. A stop is gone
for good only when its owner gives it up or the position is flat; nothing else in the engine takes one away.

The exits of a leg never close more than its book has. When they would, first goes what is left of an entry that
another exit closed, then what the desk placed, then the oldest: an exit asked for later takes the room of an earlier
one. The two exits of an entry are a pair that the venue keeps in step by itself; once one was changed they are two
orders (bybit-v5 6.4), and it is the desk that ends the other, at once.

In hedge mode each leg is a position of its own: a book that holds both has a plan and stops for each, sized by that
leg, and what their sum is matters to neither.
"""

from collections.abc import Callable
from decimal import Decimal

from tradectl.engine.intents import ProtectIntent
from tradectl.engine.legs import LONG, SHORT, side_of
from tradectl.engine.netted_stops import NettedStops, bare
from tradectl.engine.order_desk import OrderDesk
from tradectl.engine.order_fields import refusal, trigger_reference
from tradectl.engine.order_state import STOP_LOSS, TAKE_PROFIT, Order
from tradectl.engine.portfolio_manager import EXTERNAL
from tradectl.engine.protection_fields import check_protect
from tradectl.engine.protection_legs import TIMER, Leg, leaves_by_itself, stops_of
from tradectl.engine.protection_plan import LEGS, Plan, ProtectionState
from tradectl.engine.world import World
from tradectl.model.commands import Check, DecisionMade
from tradectl.model.instruments import Instrument, InstrumentId
from tradectl.model.money import ZERO

__all__ = ["TIMER", "ProtectionState", "Protections"]
Book = tuple[str, InstrumentId]


class Protections:
    """Keeps plans and looks after them whenever an order or a book changed. ``ask`` reads the venue's truth."""

    def __init__(self, world: World, desk: OrderDesk, ask: Callable[[str], None]) -> None:
        self._w = world
        self._desk = desk
        self._ask = ask
        self._netted = NettedStops(world, desk)
        #: Instruments with trailing stops, or with books the venue cannot protect: their prices matter here.
        self.watched: dict[InstrumentId, None] = {}
        self._state = ProtectionState()

    @property
    def state(self) -> ProtectionState:
        return self._state

    @state.setter
    def state(self, state: ProtectionState) -> None:
        self._state = state
        self._index()

    def _index(self) -> None:
        """Note which instruments' prices matter."""
        self.watched = {i: None for _, i, plan in self._state.all() if plan.trailing is not None or plan.bare}

    # --- what is asked for

    def protect(self, strategy: str, intent: ProtectIntent, who: str = "") -> DecisionMade:
        """Set the stops of a strategy's position, or say why not."""
        w, instrument = self._w, intent.instrument
        info = w.instruments.get(instrument)
        if info is None:
            rule = f"{instrument} is not an instrument of this venue"
            check = Check("instrument", False, "", str(instrument), rule)
        else:
            check = self._both_open(strategy, intent) or check_protect(
                intent, info, self._meant(strategy, intent), w.market
            )
        made = self._desk.refuse(strategy, instrument, intent.action, intent.reason, check, who)
        if check.ok and info is not None:
            self._set(strategy, intent, info)
            self.look((strategy, instrument))
        return made

    def _sides(self, instrument: InstrumentId) -> tuple[int, ...]:
        """The signs of the legs that are looked after apart; 0 where there is one position."""
        return (1, -1) if self._w.portfolio.is_hedged(instrument) else (0,)

    def _size(self, strategy: str, instrument: InstrumentId, sign: int) -> Decimal:
        """The signed size of a book, or of its leg on the side of ``sign``."""
        if not sign:
            return self._w.portfolio.size(strategy, instrument)
        return sign * max(self._w.portfolio.on_side(strategy, instrument, sign), ZERO)

    def _meant(self, strategy: str, i: ProtectIntent) -> Decimal:
        """The signed size an intent is about: of the leg it names, else of what is held."""
        named = {LONG: 1, SHORT: -1}.get(i.position_idx)
        sides = self._sides(i.instrument)
        sizes = [self._size(strategy, i.instrument, sign) for sign in sides if named is None or sign in (0, named)]
        return next((size for size in sizes if size), ZERO)

    def _both_open(self, strategy: str, i: ProtectIntent) -> Check | None:
        sides = self._sides(i.instrument)
        if i.position_idx or not all(self._size(strategy, i.instrument, sign) for sign in sides) or len(sides) == 1:
            return None
        return refusal("leg", "none", "both legs of the position are open", "say which: leg long, or leg short")

    def _set(self, strategy: str, i: ProtectIntent, info: Instrument) -> None:
        sign = 1 if self._meant(strategy, i) > 0 else -1
        plan = self._plan(strategy, i.instrument, sign)
        plan.whole, plan.qty = True, i.qty
        if i.stop_loss is not None:
            plan.stop_loss, plan.stop_by, plan.trailing = i.stop_loss or None, i.trigger_by, None
        if i.take_profit is not None:
            plan.take_profit, plan.profit_by = i.take_profit or None, i.trigger_by
        if i.trailing is not None:
            plan.trailing, plan.percent, plan.activate = i.trailing or None, i.percent, i.activate
            plan.stop_by, plan.best, plan.moved_at = i.trigger_by, None, 0
        for watch in plan.legs.values():
            watch.retry_at = watch.tries = 0
        self._index()
        self._follow(plan, info)

    def _plan(self, strategy: str, instrument: InstrumentId, sign: int) -> Plan:
        """The plan of a position on this side; one of the other side is of the past."""
        idx = self._w.portfolio.index_of(instrument, sign)
        plan = self._state.plan(strategy, instrument, idx)
        if plan is None or plan.sign != sign:
            plan = Plan(sign)
            self._state.set(strategy, instrument, idx, plan)
        return plan

    def filled(self, order: Order) -> None:
        """An entry with attached stops filled: they are meant to protect the position from now on."""
        held = self._w.portfolio.on_side(order.strategy, order.instrument, order.sign)
        if order.protective or held <= 0 or (order.take_profit is None and order.stop_loss is None):
            return
        if order.spec.protection is not None and not order.spec.protection.partial:
            return  # the venue keeps those for the whole position: see position_stops
        plan = self._plan(order.strategy, order.instrument, order.sign)
        if not plan.whole:
            plan.stop_loss = order.stop_loss if order.stop_loss is not None else plan.stop_loss
            plan.take_profit = order.take_profit if order.take_profit is not None else plan.take_profit
            attached = order.spec.protection
            if attached is not None:
                plan.stop_by, plan.profit_by = attached.sl_by, attached.tp_by

    def adopted(self, strategy: str, instrument: InstrumentId) -> None:
        """A position changed its book: what stops it has now is looked at anew."""
        self.look((strategy, instrument))

    def wanted(
        self, strategy: str, instrument: InstrumentId, sign: int = 1
    ) -> tuple[Decimal | None, Decimal | None]:  # fmt: skip
        """Stop-loss and take-profit a book is meant to have, in hedge mode its leg on the side of ``sign``."""
        plan = self._state.plan(strategy, instrument, self._w.portfolio.index_of(instrument, sign))
        return (plan.level(STOP_LOSS), plan.level(TAKE_PROFIT)) if plan is not None else (None, None)

    # --- the market moves

    def price_changed(self, instrument: InstrumentId) -> None:
        """Move the trailing stops of an instrument, and close what only the engine can stop; else it costs nothing."""
        if instrument not in self.watched or self._w.unreconciled:
            return
        info = self._w.instruments[instrument]
        for name, i, plan in list(self._state.all()):
            if i == instrument and plan.bare:
                self._netted.look((name, i), info, plan)
        moved = [(name, i) for name, i, plan in self._state.all() if i == instrument and self._follow(plan, info)]
        for book in dict.fromkeys(moved):
            self.look(book)

    def _follow(self, plan: Plan, info: Instrument) -> bool:
        price = trigger_reference(self._w.market, info.id, plan.stop_by)
        return price is not None and plan.follow(price, self._w.now, info)

    # --- the watch

    def confirmed(self) -> None:
        """The venue's whole truth was merged: attached stops that it did not show are not there."""
        for name, instrument, plan in self._state.all():
            info = self._w.instruments.get(instrument)
            if info is not None:
                for leg in LEGS:
                    self._leg(name, info, plan, leg, ZERO).write_off()
        self.look_all()

    def look_all(self) -> None:
        """Look after every book that has, or had, stops."""
        if not (self.is_planned or self._w.open.stop_count):
            return
        for book in dict.fromkeys([*((n, i) for n, i, _ in self._state.all()), *self._with_stops()]):
            info = self._w.instruments.get(book[1])
            plan = self._state.plan(*book)
            if plan is not None and info is not None:
                self._follow(plan, info)
            self.look(book)

    def _with_stops(self) -> list[Book]:
        return [(o.strategy, o.instrument) for o in self._w.open_orders() if o.is_stop]

    @property
    def is_planned(self) -> bool:
        """Whether any position is meant to have stops."""
        state = self._state
        return bool(state.plans or state.shorts)

    def is_needed(self) -> bool:
        """Whether there is anything to look after at all."""
        state = self._state
        return bool(state.plans or state.shorts or state.held or self._w.open.stop_count)

    def look_changed(self) -> None:
        """Look after the books this step touched."""
        w = self._w
        if self._state.held and not w.unreconciled:
            self._state.held = False
            self.look_all()
            return
        planned = self._state.plans or self._state.shorts
        if not (w.dirty_books or w.dirty_orders) or not (planned or w.open.stop_count):
            return  # the usual case
        books = [(name, i) for name, i in w.dirty_books if name]
        # How much a stop can close depends on the net position, and so on every other book of the instrument.
        moved = dict.fromkeys(i for _, i in w.dirty_books)
        books += [(name, i) for name, i, _ in self._state.all() if i in moved]
        orders = (w.orders.get(link) for link in w.dirty_orders)
        books += [(o.strategy, o.instrument) for o in orders if o is not None]
        for book in dict.fromkeys(books):
            if self._state.has(*book) or stops_of(w, *book):
                self.look(book)

    def look(self, book: Book) -> None:
        """Bring one book's stops to what they are meant to be, as far as is certain now."""
        w, (strategy, instrument) = self._w, book
        info = w.instruments.get(instrument)
        if strategy == EXTERNAL or info is None:
            return
        if w.unreconciled or w.state.has("journal"):
            self._state.held = True  # nothing may leave, and what is known may be wrong
            return
        if any(o.misses_executions for o in w.open_orders(strategy, instrument)):
            return  # the book is behind its orders: the executions are on their way
        for sign in self._sides(instrument):
            self._look_at(book, info, sign)

    def _look_at(self, book: Book, info: Instrument, sign: int) -> None:
        """One position: the net one, or the leg on the side of ``sign``."""
        strategy, instrument = book
        size = self._size(strategy, instrument, sign)
        idx = side_of(sign) if sign else 0
        plan = self._state.plan(strategy, instrument, idx)
        if abs(size) < info.min_qty:
            size = ZERO
        if plan is not None and plan.sign * size <= 0:
            self._state.drop(strategy, instrument, idx)
            self._index()
            plan = None
        self._clear([o for o in stops_of(self._w, strategy, instrument) if o.sign != sign], size)
        if plan is not None:
            self._tend(book, info, plan, size)

    def _clear(self, stops: list[Order], size: Decimal) -> None:
        """Stops that have nothing left to close go; one whose entry's executions are on their way stays, and the end
        of one whose partner has fired is the venue's to tell."""
        for order in stops:
            over = order.sign * size >= 0 and order.is_dormant and not self._is_early(order)
            if over and not leaves_by_itself(self._w, order):
                self._desk.cancel(order, "the position is closed")

    def _is_early(self, order: Order) -> bool:
        """Whether the venue told of an attached stop before the fill it belongs to."""
        entry = self._w.orders.get(order.parent)
        return entry is not None and entry.booked < order.qty

    def _tend(self, book: Book, info: Instrument, plan: Plan, size: Decimal) -> None:
        w, (strategy, instrument) = self._w, book
        held = abs(size) if info.is_spot else min(abs(size), w.venue_size(instrument, plan.sign))
        self._note_bare(book, info, plan, size, held)
        needed = info.floor_qty(held if plan.qty is None else min(held, plan.qty))
        if needed < info.min_qty:
            for watch in plan.legs.values():
                watch.full = None
            return  # other books hold against it: the venue has nothing a stop could close
        asks = [self._leg(strategy, info, plan, leg, needed).tend(stops_of(w, strategy, instrument)) for leg in LEGS]
        if any(asks):
            self._ask("an attached stop is missing")
        if plan.is_empty:
            self._state.drop(strategy, instrument, w.portfolio.index_of(instrument, plan.sign))
            self._index()

    def _note_bare(self, book: Book, info: Instrument, plan: Plan, size: Decimal, held: Decimal) -> None:
        """What the venue can hold no stop for is watched here; legs of hedge mode do not net, so there is none."""
        nets = not self._w.portfolio.is_hedged(info.id)
        before, plan.bare = plan.bare, bare(info, plan, size, held) if nets else ZERO
        if bool(before) is not bool(plan.bare):
            self._index()
        if plan.bare:
            self._netted.look(book, info, plan)

    def _leg(self, strategy: str, info: Instrument, plan: Plan, name: str, needed: Decimal) -> Leg:
        return Leg(self._w, self._desk, strategy, info, plan, name, needed)
