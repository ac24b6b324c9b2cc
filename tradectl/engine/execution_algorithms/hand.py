"""What one algorithm may ask for: orders through the desk like anybody's, with refusals waited out, never repeated."""

from decimal import Decimal

from tradectl.engine.execution_algorithms.children import Children
from tradectl.engine.execution_algorithms.state import Leg, Memory, Run
from tradectl.engine.execution_algorithms.trouble import note_refusal, shrunk
from tradectl.engine.order_desk import OrderDesk
from tradectl.engine.order_state import Order
from tradectl.engine.wish import Wish
from tradectl.engine.world import World
from tradectl.model.commands import AlgorithmStatus, DecisionMade, RequestBars
from tradectl.model.events import Action
from tradectl.model.instruments import Category
from tradectl.model.money import ZERO, exact
from tradectl.model.orders import OrderType, Protection, Side, TimeInForce


class DeskHand:
    """Acts for one run during one call of its algorithm."""

    def __init__(self, world: World, desk: OrderDesk, run: Run, two_sided: bool) -> None:
        self._w = world
        self._desk = desk
        self._two_sided = two_sided
        self.run = run
        self.info = world.instruments[run.instrument]
        self.children = Children(world, run)
        self.wakes: list[int] = []
        self.open, self.in_flight = self.children.open, self.children.in_flight

    # --- what it sees

    @property
    def now(self) -> int:
        return self._w.now

    @property
    def memory(self) -> Memory:
        return self.run.memory

    @property
    def side(self) -> Side:
        return self.run.side

    @property
    def room(self) -> Decimal:
        return max(self.left - self.in_flight(self.side), ZERO)

    @property
    def left(self) -> Decimal:
        return max(self.run.qty - (self.inventory if self._two_sided else self.run.filled), ZERO)

    @property
    def inventory(self) -> Decimal:
        legs = self.run.legs
        return self.run.inventory - sum((self.paid_in_kind(t) for t, g in legs.items() if g.side is self.side), ZERO)

    def paid_in_kind(self, tag: str) -> Decimal:
        leg = self.leg(tag)
        return leg.fees if self.info.is_spot and leg.side is Side.BUY else ZERO

    @property
    def collar(self) -> Decimal:
        return self._w.limits.account.collar_share

    @property
    def can_place(self) -> bool:
        if self.run.trouble.retry_at > self._w.now:
            self.wake(self.run.trouble.retry_at)
            return False
        return self.run.ending is None

    @property
    def held(self) -> Decimal:
        return max(self._w.portfolio.on_side(self.run.strategy, self.run.instrument, self.side.sign), ZERO)

    @property
    def is_exact(self) -> bool:
        orders = (self._w.orders.get(link) for link in self.run.children)
        return not any(o is not None and o.misses_executions for o in orders)

    def touch(self, buy: bool, passive: bool = False) -> Decimal | None:
        quote = self._w.market.quote(self.run.instrument)
        if quote is None:
            return None
        price = quote.ask if buy != passive else quote.bid
        return exact(price) if price > 0 else None

    def is_dust(self, qty: Decimal, price: Decimal | None = None, side: Side | None = None) -> bool:
        info, side = self.info, side or self.side
        if qty < info.min_qty:
            return True
        held = self._w.portfolio.on_side(self.run.strategy, self.run.instrument, -side.sign)
        if info.id.category is Category.INVERSE or (not info.is_spot and held >= qty):
            return False
        at = price or self.touch(side is Side.BUY)
        return at is not None and qty * at < info.min_notional

    def leg(self, tag: str) -> Leg:
        return self.run.legs.get(tag) or Leg(self.side)

    # --- what it asks for

    def place(
        self, tag: str, qty: Decimal, price: Decimal | None = None, *, side: Side | None = None, text: str = "",
        tif: str = "GTC", stop_loss: Decimal | None = None,
    ) -> bool:  # fmt: skip
        run, side = self.run, side or self.run.side
        size = self._sized(side, qty, price)
        if not self.can_place or self.is_dust(size, price, side):
            return False
        reason = f"{run.reason} ({run.kind} a{run.id}{', ' + text if text else ''})"
        made = self._desk.place(
            Wish(
                run.strategy, self.info, side, (size,), run.kind, reason,
                OrderType.MARKET if price is None else OrderType.LIMIT, price, TimeInForce(tif),
                protection=Protection(stop_loss=stop_loss) if stop_loss is not None else None, algorithm=run.id,
            )
        )  # fmt: skip
        if made.accepted:
            self.children.adopt(self._w.orders[made.orders[0]], tag)
        return self._heard(made, size)

    def _sized(self, side: Side, qty: Decimal, price: Decimal | None) -> Decimal:
        """Within what may be asked for on its own side, what is held on the other, what refusals left of it, and the
        venue's largest order."""
        most = self.info.max_market_qty if price is None else self.info.max_limit_qty
        room = self.room if side is self.run.side else max(self.inventory - self.in_flight(side), ZERO)
        return shrunk(self.run.trouble, self.info, min(qty, room, self.info.floor_qty(most)))

    def _heard(self, made: DecisionMade, size: Decimal | None = None) -> bool:
        if not made.accepted:
            check = made.checks[-1]
            note_refusal(self.run, self._w.now, check.reason, check.name, size)
            self.wake(self.run.trouble.retry_at)
        return made.accepted

    def amend(self, order: Order, price: Decimal, qty: Decimal | None = None, text: str = "") -> bool:
        busy = order.amending is not None or order.cancel_asked or self._w.queue.holds(order.link_id, Action.AMEND)
        if busy or not self.can_place:
            return False
        if order.rest_until > self._w.now:
            self.wake(order.rest_until)
            return False
        run = self.run
        made = self._desk.amend(order, qty, price, f"{run.reason} ({run.kind} a{run.id}, {text})", "")
        return self._heard(made)

    def cancel(self, order: Order, reason: str) -> None:
        if self._desk.cancel(order, f"{self.run.kind} a{self.run.id}: {reason}"):
            self.run.children[order.link_id].dropped = True

    def wake(self, at: int) -> None:
        self.wakes.append(max(at, self._w.now + 1))

    def ask_bars(self, interval: str, count: int) -> None:
        self._w.emit(RequestBars(self.run.instrument, interval, count))

    def done(self, reason: str = "") -> None:
        self._end(AlgorithmStatus.DONE, reason)

    def fail(self, reason: str) -> None:
        self._end(AlgorithmStatus.FAILED, reason)

    def _end(self, how: AlgorithmStatus, reason: str) -> None:
        if self.run.ending is None:
            self.run.ending, self.run.why = how, reason

    def say(self, note: str) -> None:
        self.run.note = note
