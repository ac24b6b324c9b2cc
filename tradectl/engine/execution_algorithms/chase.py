"""Chase: one post-only order at the touch that follows it, until it is filled or its time is over."""

from decimal import Decimal

from tradectl.engine.execution_algorithms.algorithm import Algorithm, Hand, Request
from tradectl.engine.execution_algorithms.slicing import is_finished, progress, take
from tradectl.engine.order_state import Order
from tradectl.engine.parameters import param
from tradectl.model.money import plain
from tradectl.model.orders import Side

_SECOND = 10**9


class Chase(Algorithm):
    """Rests at the best price of its own side and is amended when that moves by ``min_ticks``, at most ``per_second``
    times a second, never beyond ``limit``. After ``timeout_s`` it ends, or with ``cross`` takes what is left."""

    kind = "chase"
    follows_quotes = True

    limit: float = param(0.0, low=0, help="no worse than this price; 0: wherever the market goes")
    min_ticks: int = param(1, low=1, high=10_000, help="moves of the touch it does not follow below")
    per_second: float = param(2.0, low=0.01, high=10, help="re-pegs a second, at most")
    timeout_s: float = param(0.0, low=0, high=604_800, help="seconds after which it gives up; 0: never")
    cross: bool = param(False, help="after the timeout take what is left from the market")

    def check(self, request: Request) -> None:
        self.price("limit", request.info)
        if self.cross and not self.timeout_s:
            raise self.refuse("cross", "which needs timeout_s", "set timeout_s too")

    def act(self, hand: Hand) -> None:
        if is_finished(hand):
            return
        over = hand.run.started + int(self.timeout_s * _SECOND)
        if self.timeout_s and hand.now >= over:
            self._give_up(hand)
            return
        if self.timeout_s:
            hand.wake(over)
        price = self._peg(hand)
        resting = hand.open()
        if price is None:
            hand.say("waits for a price")
        elif not resting:
            if hand.place("peg", hand.room, price, tif="PostOnly", text=f"at {plain(price)}"):
                hand.memory.at = hand.now
                hand.say(f"rests at {plain(price)}")
        else:
            self._follow(hand, resting[0], price)

    def _peg(self, hand: Hand) -> Decimal | None:
        """Where it should rest: the best price of its own side, as far as the limit allows."""
        buy, limit = hand.side is Side.BUY, self.price("limit", hand.info)
        touch = hand.touch(buy, passive=True)
        if touch is None or limit is None:
            return touch
        return min(touch, limit) if buy else max(touch, limit)

    def _follow(self, hand: Hand, order: Order, price: Decimal) -> None:
        at = order.amending.price if order.amending is not None else order.price
        if at is None or abs(price - at) < self.min_ticks * hand.info.tick_size:
            return
        next_at = hand.memory.at + int(_SECOND / self.per_second)
        if hand.now < next_at:
            hand.wake(next_at)
        elif hand.amend(order, price, text=f"from {plain(at)} to {plain(price)}"):
            hand.memory.at = hand.now
            hand.memory.step += 1
            hand.say(f"moved to {plain(price)}")

    def _give_up(self, hand: Hand) -> None:
        resting = hand.open("peg")
        for order in resting:
            hand.cancel(order, "its time is over")
        if resting or hand.open():
            return
        if not self.cross:
            hand.done(f"its time is over, {progress(hand)}")
        elif not take(hand, "cross", hand.room, self.price("limit", hand.info), "its time is over"):
            hand.wake(hand.now + _SECOND)
