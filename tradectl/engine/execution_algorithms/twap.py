"""TWAP: equal slices at equal times, each at market or within a limit price."""

from decimal import Decimal

from tradectl.engine.execution_algorithms.algorithm import Algorithm, Hand, Request
from tradectl.engine.execution_algorithms.slicing import MINUTE, is_finished, progress, shares, take
from tradectl.engine.parameters import param
from tradectl.model.instruments import Instrument


class Twap(Algorithm):
    """Works a size off over time. A slice that was missed or filled in part is caught up by the next ones, each at most
    ``catch_up`` slices large; the last one completes. Past its time by more than a slice (and a minute) it ends."""

    kind = "twap"

    minutes: float = param(30.0, low=0.05, high=10_080, help="over how long")
    slices: int = param(10, low=1, high=1000, help="in how many orders")
    limit: float = param(0.0, low=0, help="no worse than this price; 0: at market")
    catch_up: float = param(2.0, low=1, high=100, help="the most of one order, in slices, when it lags behind")

    def check(self, request: Request) -> None:
        self.price("limit", request.info)
        self.check_piece("slices", request.info.floor_qty(request.qty / self.slices), request)

    def act(self, hand: Hand) -> None:
        if is_finished(hand) or hand.open():
            return
        due = self.due_slices(hand)
        if self._is_over(hand):
            return
        if due < self.slices:
            hand.wake(self.slice_at(hand, due))
        if due > hand.memory.step or due == self.slices:
            self._send(hand, due)

    # --- the schedule

    @property
    def _duration(self) -> int:
        return int(self.minutes * MINUTE)

    def slice_at(self, hand: Hand, number: int) -> int:
        """When slice ``number`` (from 0) is due."""
        return hand.run.started + self._duration * number // self.slices

    def due_slices(self, hand: Hand) -> int:
        """How many slices are due by now."""
        done = sum(1 for n in range(1, self.slices) if self.slice_at(hand, n) <= hand.now)
        return done + 1

    def target(self, hand: Hand, due: int) -> Decimal:
        """How much should be filled once ``due`` slices were."""
        return sum(self.pieces(hand)[:due], Decimal(0))

    def pieces(self, hand: Hand) -> list[Decimal]:
        """The size of each slice."""
        return shares(hand.info, hand.run.qty, [Decimal(1)] * self.slices)

    # --- one slice

    def _send(self, hand: Hand, due: int) -> None:
        qty = self.target(hand, due) - hand.run.filled
        last = due == self.slices
        if not last:
            qty = min(qty, self._most(hand.info, hand.run.qty))
        qty = min(hand.info.floor_qty(qty), hand.room)
        if hand.is_dust(qty):
            return
        if take(hand, "slice", qty, self.price("limit", hand.info), f"slice {due} of {self.slices}"):
            hand.memory.step = due
            hand.say(f"slice {due} of {self.slices}")
        elif last:
            hand.wake(hand.now + min(self._grace // 12, 5 * 10**9))

    def _most(self, info: Instrument, qty: Decimal) -> Decimal:
        return info.floor_qty(qty * Decimal(repr(self.catch_up)) / self.slices)

    # --- the end

    @property
    def _grace(self) -> int:
        return max(self._duration // self.slices, MINUTE)

    def _is_over(self, hand: Hand) -> bool:
        over = hand.run.started + self._duration + self._grace
        if hand.now <= over:
            hand.wake(over + 1)
            return False
        end = hand.done if self.limit else hand.fail
        end(f"its time is over, {progress(hand)}")
        return True
