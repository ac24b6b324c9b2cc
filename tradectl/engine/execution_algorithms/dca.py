"""DCA: a base order with a ladder of safety orders and one exit above their average, or plain periodic orders."""

from decimal import Decimal

from tradectl.engine.execution_algorithms.algorithm import Algorithm, Hand, Request
from tradectl.engine.execution_algorithms.inventory import has_lost_it
from tradectl.engine.execution_algorithms.slicing import MINUTE, progress, shares, take
from tradectl.engine.order_state import Order
from tradectl.engine.parameters import param
from tradectl.model.instruments import Instrument
from tradectl.model.money import ZERO, exact, plain
from tradectl.model.orders import Side

BASE, EXIT, PERIOD = "base", "exit", "period"


class Dca(Algorithm):
    """The size is the whole ladder. Safety order ``n`` lies the sum of the first ``n`` steps away from the base fill;
    the steps grow by ``step_scale``, the sizes by ``volume_scale``. The exit for all that is held lies ``take_profit``
    per cent beyond the average entry and moves with it; once it filled, the ladder is over.

    With ``every_minutes`` it enters ``orders`` equal parts at that interval instead; what is missed is not made up.
    """

    kind = "dca"
    two_sided = True

    orders: int = param(5, low=1, high=100, help="safety orders, or periodic orders")
    step: float = param(1.0, low=0.01, high=50, help="per cent from the base to the first safety order")
    step_scale: float = param(1.0, low=0.1, high=10, help="each further step is so many times the last")
    volume_scale: float = param(1.0, low=0.1, high=10, help="each safety order is so many times the one before")
    take_profit: float = param(1.0, low=0, high=1000, help="per cent from the average entry to the exit; 0: no exit")
    stop: float = param(0.0, low=0, help="stop-loss of every entry; 0: none")
    limit: float = param(0.0, low=0, help="price of the base order; 0: at market")
    every_minutes: float = param(0.0, low=0, high=525_600, help="periodic orders at this interval instead of a ladder")

    def check(self, request: Request) -> None:
        self.price("limit", request.info)
        self.price("stop", request.info)
        if self.every_minutes:
            self.check_piece("orders", request.info.floor_qty(request.qty / self.orders), request)
            return
        if self.deviation(self.orders) >= 100 and request.side is Side.BUY:
            raise self.refuse("orders", f"whose last step is {self.deviation(self.orders):.1f} % away", "use fewer")
        for piece in self.sizes(request.info, request.qty):
            self.check_piece("orders", piece, request)

    def sizes(self, info: Instrument, qty: Decimal) -> list[Decimal]:
        """Of the base order and of each safety order; together exactly ``qty``."""
        scale = exact(self.volume_scale)
        return shares(info, qty, [scale**n for n in range(self.orders + 1)])

    def deviation(self, number: int) -> Decimal:
        """How far safety order ``number`` (from 1) lies from the base fill, in per cent."""
        return sum((exact(self.step) * exact(self.step_scale) ** n for n in range(number)), ZERO)

    def act(self, hand: Hand) -> None:
        if self.every_minutes:
            self._enter_periodically(hand)
        elif self._has_left(hand):
            hand.done(f"took its profit: {plain(hand.leg(EXIT).filled)} given back")
        elif not has_lost_it(hand):
            self._ladder(hand)

    # --- the ladder

    def _has_left(self, hand: Hand) -> bool:
        """Whether the exit gave back all that was held."""
        if not hand.leg(EXIT).filled or hand.open(EXIT) or not hand.is_exact:
            return False
        return hand.is_dust(hand.info.floor_qty(max(self._held(hand), ZERO)), side=hand.side.opposite)

    def _ladder(self, hand: Hand) -> None:
        sizes = self.sizes(hand.info, hand.run.qty)
        limit = self.price("limit", hand.info)
        self._stand(hand, BASE, sizes[0], limit)
        base = hand.leg(BASE)
        if not base.booked or not hand.is_exact or hand.open(BASE):
            hand.say("waits for the base order")
            return
        for number in range(1, self.orders + 1):
            price = self._away(hand, base.value / base.booked, -self.deviation(number), hand.side is Side.BUY)
            self._stand(hand, f"safety {number}", sizes[number], price)
        if self.take_profit:
            self._tend_exit(hand)
        hand.say(f"holds {plain(hand.inventory)} at {self._average(hand):.8g}")
        if not self.take_profit and hand.is_dust(hand.run.qty - hand.run.filled):
            hand.done("the whole ladder filled")

    def _stand(self, hand: Hand, tag: str, size: Decimal, price: Decimal | None) -> None:
        """Have an entry stand for what of its size is neither filled nor in flight."""
        need = hand.info.floor_qty(size - hand.leg(tag).filled - hand.in_flight(hand.side, tag))
        if not hand.is_dust(need, price) and hand.can_place:
            hand.place(tag, need, price, text=tag, stop_loss=self.price("stop", hand.info))

    def _away(self, hand: Hand, price: Decimal, percent: Decimal, buy: bool) -> Decimal:
        """A price so many per cent better for what is held (worse when negative), on the tick."""
        return hand.info.passive_price(price * (1 + hand.side.sign * percent / 100), buy)

    def _entries(self, hand: Hand) -> list[str]:
        return [tag for tag, leg in hand.run.legs.items() if leg.side is hand.side]

    def _average(self, hand: Hand) -> Decimal:
        legs = [hand.leg(tag) for tag in self._entries(hand)]
        booked = sum((leg.booked for leg in legs), ZERO)
        return sum((leg.value for leg in legs), ZERO) / booked if booked else ZERO

    @staticmethod
    def _held(hand: Hand) -> Decimal:
        """What the exit may give back; an exit whose record was lost may do so too, until it is cancelled."""
        back = hand.side.opposite
        return hand.inventory - hand.in_flight(back) + hand.in_flight(back, EXIT)

    # --- the exit

    def _tend_exit(self, hand: Hand) -> None:
        """One exit for all that is held, at the price the average entry asks for."""
        qty = hand.info.floor_qty(max(self._held(hand), ZERO))
        price = self._away(hand, self._average(hand), exact(self.take_profit), hand.side is Side.SELL)
        standing = hand.open(EXIT)
        if standing:
            self._move_exit(hand, standing[0], qty, price)
        elif not hand.is_dust(qty, price, hand.side.opposite) and hand.can_place:
            hand.place(EXIT, qty, price, side=hand.side.opposite, text=f"exit of {plain(qty)}")

    def _move_exit(self, hand: Hand, order: Order, qty: Decimal, price: Decimal) -> None:
        whole = order.filled + qty
        if (order.qty, order.price) != (whole, price):
            hand.amend(order, price, whole, text=f"exit of {plain(qty)} at {plain(price)}")

    # --- periodic orders

    def _enter_periodically(self, hand: Hand) -> None:
        every = int(self.every_minutes * MINUTE)
        due = min((hand.now - hand.run.started) // every + 1, self.orders)
        if due < self.orders:
            hand.wake(hand.run.started + every * due)
        if due > hand.memory.step and not hand.open():
            piece = shares(hand.info, hand.run.qty, [Decimal(1)] * self.orders)[due - 1]
            if take(hand, PERIOD, piece, self.price("limit", hand.info), f"order {due} of {self.orders}"):
                hand.memory.step = due
                hand.say(f"order {due} of {self.orders}")
        elif due == self.orders == hand.memory.step and not hand.open():
            hand.done(progress(hand))
        if due == self.orders > hand.memory.step:
            self._last_try(hand, every)

    def _last_try(self, hand: Hand, every: int) -> None:
        """The last order waits one interval at most."""
        over = hand.run.started + every * self.orders
        if hand.now >= over:
            hand.done(f"the last order could not be placed, {progress(hand)}")
        else:
            hand.wake(min(over, hand.now + MINUTE))
