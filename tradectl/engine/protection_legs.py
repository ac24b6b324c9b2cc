"""One leg of a position's protection: how much of it stands at the venue, and the least that makes it right.

An order is replaced only after its end is certain, so a leg is never doubled, and it is taken away only where others
cover the position, so it is never missing through us.
"""

from decimal import Decimal

from tradectl.engine.fills import WALL
from tradectl.engine.order_desk import OrderDesk, Wish
from tradectl.engine.order_fields import trigger_reference
from tradectl.engine.order_state import Order, leg_of
from tradectl.engine.protection_plan import SECOND, LegWatch, Plan
from tradectl.engine.world import World
from tradectl.model.commands import AlertLevel
from tradectl.model.events import Action
from tradectl.model.instruments import Instrument, InstrumentId
from tradectl.model.money import ZERO, plain
from tradectl.model.orders import OrderStatus, OrderType, Side

#: The venue's own stops may be told of this much later than the fill they protect (nanoseconds).
GRACE = 2 * SECOND
#: A reconciliation that was asked for a missing stop is asked for again after this long (nanoseconds).
ASK_AGAIN = 30 * SECOND
#: The longest pause between two attempts to place a stop (seconds).
MAX_PAUSE_S = 60
#: How the venue says that a stop had nothing left to close (bybit-v5 5.12).
CLEARED = ("CancelByTpSlTsClear", "CancelByReduceOnly")
TIMER = "protection"
#: Looks at exits whose partner has filled, by wall time: the venue may be standing.
EXITS_TIMER = f"{WALL}exits"
ACTION = "protect"


class Leg:
    """One leg of one book for the length of one look."""

    def __init__(
        self, world: World, desk: OrderDesk, strategy: str, info: Instrument, plan: Plan, name: str, needed: Decimal
    ) -> None:
        self._w = world
        self._desk = desk
        self._strategy = strategy
        self._info = info
        self._plan = plan
        self._name = name
        self._needed = needed
        self._watch: LegWatch = plan.legs[name]

    def tend(self, stops: list[Order]) -> bool:
        """Make the leg right, one step at a time; returns whether the venue should be asked for what it owes."""
        mine = [o for o in stops if leg_of(o) == self._name and o.sign == -self._plan.sign]
        level = self._plan.level(self._name)
        if level is None:
            self._give_up(mine)
            return False
        if any(self._is_unsettled(o) for o in mine):
            return False
        lack = self._needed - sum((o.leaves for o in mine), ZERO)
        if lack > 0:
            return self._grow(mine, lack, level)
        self._watch.due_since = self._watch.asked_at = 0
        if all(o.status is OrderStatus.UNTRIGGERED for o in mine):
            self._watch.full, self._watch.alerted, self._watch.tries = self._needed, False, 0
        if lack < 0 and not any(leaves_by_itself(self._w, o) for o in mine):
            self._shrink(mine, -lack)
        self._reprice(mine, level)
        return False

    def _is_unsettled(self, order: Order) -> bool:
        """Whether something is under way with it that has to end first."""
        if order.cancel_asked or order.status is OrderStatus.UNKNOWN or order.amending is not None:
            return True
        return self._w.queue.holds(order.link_id, Action.AMEND)

    def _give_up(self, mine: list[Order]) -> None:
        """The owner no longer wants the leg: what the desk or the venue made for it goes."""
        for order in mine:
            if order.leg or (order.parent and self._plan.whole):
                self._desk.cancel(order, "no longer wanted")

    # --- too little

    def _grow(self, mine: list[Order], lack: Decimal, level: Decimal) -> bool:
        w, watch = self._w, self._watch
        owed = self._owed()
        if owed > 0 and lack <= owed:
            watch.due_since = watch.due_since or w.now
            self._wake(watch.due_since + GRACE + 1)
            asked = watch.asked_at and w.now - watch.asked_at < ASK_AGAIN
            ask = w.now - watch.due_since > GRACE and not asked
            if ask:
                watch.asked_at = w.now
            return ask
        self._tell(lack)
        own = next((o for o in mine if self._can_change(o) and o.leg), None)
        if own is not None and own.qty + lack <= self._info.max_market_qty:
            self._amend(own, own.qty + lack, level)
        elif w.now >= watch.retry_at:
            self._place(min(lack, self._info.floor_qty(self._info.max_market_qty)), level)
        else:
            self._wake(watch.retry_at)
        return False

    def _wake(self, at: int) -> None:
        wake(self._w, at)

    def _owed(self) -> Decimal:
        """What the venue has still to show of the stops that went out attached to entries."""
        return self._w.attached.owed(self._strategy, self._info.id, self._plan.sign, self._name)

    def write_off(self) -> None:
        """The venue was asked and has no more attached stops than it showed: they are replaced by ours."""
        if not self._watch.asked_at:
            return
        self._watch.asked_at = self._watch.due_since = 0
        attached = self._w.attached
        for entry in attached.entries(self._strategy, self._info.id):
            entry.unattached = max(entry.booked - attached.shown(entry, self._name), entry.unattached)
            attached.recount(entry)

    def _tell(self, lack: Decimal) -> None:
        """One alert for a stop that stood and is gone, or that the venue does not take."""
        watch = self._watch
        lost = watch.full is not None and self._needed >= watch.full > self._needed - lack
        if watch.alerted or not (lost or watch.tries) or (not watch.tries and self._was_cleared()):
            return
        watch.alerted = True
        text = f"{self._name} of {plain(lack)} {self._info.id} of {self._strategy} is missing; it is placed anew"
        self._w.alert(AlertLevel.CRITICAL, "stop_missing", text, "watch the position until the stop is back")

    def _was_cleared(self) -> bool:
        """Whether the venue took it away because the position was flat for a moment: books that net do that."""
        ended = (o for o in self._w.orders.values() if o.is_stop and not o.is_open and o.reason in CLEARED)
        mine = (o for o in ended if leg_of(o) == self._name and o.strategy == self._strategy)
        return any(o.instrument == self._info.id and self._w.now - o.touched < ASK_AGAIN for o in mine)

    def _place(self, qty: Decimal, level: Decimal) -> None:
        watch = self._watch
        watch.retry_at = self._w.now + min(1 << watch.tries, MAX_PAUSE_S) * SECOND
        watch.tries = min(watch.tries + 1, 6)
        if qty < self._info.min_qty:
            return
        trigger = self._plan.trigger(self._name, level)
        now = trigger_reference(self._w.market, self._info.id, trigger.by)
        passed = now is not None and (now >= level if trigger.rises else now <= level)
        wish = Wish(
            self._strategy, self._info, Side.SELL if self._plan.sign > 0 else Side.BUY, (qty,), ACTION,
            f"{self._name} at {plain(level)}" + (" was passed without it" if passed else ""), OrderType.MARKET,
            reduce_only=not self._info.is_spot, trigger=None if passed else trigger,
            close_on_trigger=not passed and not self._info.is_spot, leg=self._name,
        )  # fmt: skip
        made = self._desk.place(wish)
        if not made.accepted:
            self._wake(watch.retry_at)

    # --- too much, or in the wrong place

    def _shrink(self, mine: list[Order], excess: Decimal) -> None:
        """Take away what would close more than there is: first what another exit of its entry has closed already, then
        ours before the venue's, then the oldest."""
        ahead = self._w.attached.ahead
        for order in sorted(mine, key=lambda o: (not ahead(o), not o.leg)):
            take = min(order.leaves, excess)
            if take <= 0 or not self._can_change(order):
                continue
            if take == order.leaves:
                self._desk.cancel(order, "other stops cover the position")
            elif order.leaves - take >= self._info.min_qty:
                self._amend(order, order.qty - take, None)
            else:
                continue
            excess -= take

    def _reprice(self, mine: list[Order], level: Decimal) -> None:
        for order in mine:
            follows = bool(order.leg) or (bool(order.parent) and self._plan.whole)
            if follows and order.trigger_price != level and self._can_change(order) and not self._is_unsettled(order):
                self._amend(order, None, level)

    def _can_change(self, order: Order) -> bool:
        return order.is_dormant and self._w.now >= order.rest_until

    def _amend(self, order: Order, qty: Decimal | None, level: Decimal | None) -> None:
        moved = None if level is None or order.trigger_price == level else level
        made = self._desk.amend(order, qty, None, f"{self._name} follows the position", "", moved)
        if not made.accepted:
            order.rest_until = self._w.now + SECOND


def stops_of(world: World, strategy: str, instrument: InstrumentId) -> list[Order]:
    """Every open stop of a book, the venue's own among them."""
    return [o for o in world.open_orders(strategy, instrument) if o.is_stop and o.is_open]


def leaves_by_itself(world: World, order: Order) -> bool:
    """Whether its partner, the other exit of the same entry, has just filled: the venue ends or cuts this one in the
    same moment and says so next. After ``GRACE`` it is looked at again, of wall time where the venue's clock stands.
    Exits that were changed have no partner any more: the venue leaves them alone."""
    partners = world.attached.ahead(order)
    until = max((o.touched for o in partners), default=-GRACE) + GRACE
    if world.impatient or world.now > until or order.parted or any(o.parted for o in partners):
        return False
    if world.timers.get(EXITS_TIMER, 0) <= world.now:
        world.set_timer(EXITS_TIMER, until + 1)
    return True


def wake(world: World, at: int) -> None:
    """Look again then, or sooner when that is due anyway; what is in the past waits for the guard's tick."""
    due = world.timers.get(TIMER, 0)
    if at > world.now and not world.now < due <= at:
        world.set_timer(TIMER, at)
