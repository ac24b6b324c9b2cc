"""Stops of books that hold against each other: flat at the venue, so the venue can hold no stop for either of them.

While the net position leaves a part of a book without anything a reduce-only order could close, the engine watches the
price itself and closes that part at market when its level is reached. The order is no reduction at the venue: what it
lays bare there is the other book's position, which gets its own stop in the same step.
"""

from decimal import Decimal

from tradectl.engine.order_desk import OrderDesk, Wish
from tradectl.engine.order_fields import trigger_reference
from tradectl.engine.order_state import leg_of
from tradectl.engine.protection_plan import LEGS, SECOND, Plan
from tradectl.engine.world import World
from tradectl.model.instruments import Instrument, InstrumentId
from tradectl.model.money import ZERO, plain
from tradectl.model.orders import OrderType, Side

ACTION = "protect"
#: After a refusal it is tried again this much later (nanoseconds).
PAUSE = 5 * SECOND
#: A stop the venue still has fires at the same price; what became of it is waited for this long (nanoseconds).
GRACE = 2 * SECOND
Book = tuple[str, InstrumentId]


class NettedStops:
    """Closes what the venue cannot protect when it is time. What it remembers stands in the plans."""

    def __init__(self, world: World, desk: OrderDesk) -> None:
        self._w = world
        self._desk = desk

    def look(self, book: Book, info: Instrument, plan: Plan) -> None:
        """Close what is bare when one of the plan's levels is reached."""
        w, (strategy, instrument) = self._w, book
        reached = _reached(w, instrument, plan) if plan.bare else None
        if reached is None:
            plan.reached_at = 0
            return
        leg, level = reached
        plan.reached_at = plan.reached_at or w.now
        if w.now < plan.retry_at or self._waits_for_the_venue(book, leg, plan.reached_at):
            return
        side = Side.SELL if plan.sign > 0 else Side.BUY
        left = info.floor_qty(plan.bare - w.in_flight(instrument, side.sign, strategy))
        if left < info.min_qty:
            return
        wish = Wish(
            strategy, info, side, (min(left, info.floor_qty(info.max_market_qty)),), ACTION,
            f"{leg} at {plain(level)} was reached; other books hold against it, so the venue held no stop",
            OrderType.MARKET,
        )  # fmt: skip
        if not self._desk.place(wish).accepted:
            plan.retry_at = w.now + PAUSE

    def _waits_for_the_venue(self, book: Book, leg: str, since: int) -> bool:
        """Whether a stop of this leg still stands at the venue, whose end will tell how much is left to close."""
        stands = any(o.is_stop and o.is_open and leg_of(o) == leg for o in self._w.open_orders(*book))
        return stands and self._w.now - since < GRACE


def bare(info: Instrument, plan: Plan, size: Decimal, covered: Decimal) -> Decimal:
    """The part of a position the plan means to protect and the venue cannot, on the lot; 0 when too small to trade."""
    meant = abs(size) if plan.qty is None else min(abs(size), plan.qty)
    left = info.floor_qty(max(meant - covered, ZERO))
    return left if left >= info.min_qty else ZERO


def _reached(w: World, instrument: InstrumentId, plan: Plan) -> tuple[str, Decimal] | None:
    for leg in LEGS:
        level = plan.level(leg)
        if level is None:
            continue
        trigger = plan.trigger(leg, level)
        now = trigger_reference(w.market, instrument, trigger.by)
        if now is not None and (now >= level if trigger.rises else now <= level):
            return leg, level
    return None
