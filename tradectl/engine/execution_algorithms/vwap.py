"""VWAP: slices as large as the market trades: along a past day's volumes, or as a share of what is printed."""

from decimal import Decimal

from tradectl.engine.execution_algorithms.algorithm import Algorithm, Hand, Request
from tradectl.engine.execution_algorithms.slicing import MINUTE, is_finished, progress, take
from tradectl.engine.execution_algorithms.state import Memory
from tradectl.engine.parameters import param
from tradectl.model.events import BarsLoaded, TradePrinted
from tradectl.model.money import exact

#: The past day in bars of five minutes.
INTERVAL, BAR, BARS = "5m", 5 * MINUTE, 288
_DAY = BARS * BAR
#: It goes on evenly when the history does not come for so long (nanoseconds).
PATIENCE = 10 * 10**9


class Vwap(Algorithm):
    """With ``participation`` it keeps to that share of all volume printed since the start; at the deadline it completes
    (``complete``) or ends. Without, it follows the volumes of the same hours of the past day, in ``slices``; when there
    is no history, evenly."""

    kind = "vwap"

    minutes: float = param(60.0, low=0.05, high=10_080, help="over how long, at most")
    slices: int = param(12, low=1, high=1000, help="in how many orders, without participation")
    participation: float = param(0.0, low=0, high=0.5, help="share of the printed volume; 0: a past day's volumes")
    limit: float = param(0.0, low=0, help="no worse than this price; 0: at market")
    pause_s: float = param(5.0, low=0.5, high=3600, help="seconds between orders, with participation")
    complete: bool = param(True, help="trade what is left at the deadline")

    @property
    def follows_trades(self) -> bool:
        return self.participation > 0

    def check(self, request: Request) -> None:
        self.price("limit", request.info)
        if not self.participation:
            self.check_piece("slices", request.info.floor_qty(request.qty / self.slices), request)

    def on_trade(self, memory: Memory, trade: TradePrinted) -> None:
        memory.volume += exact(trade.size)

    def on_bars(self, memory: Memory, event: BarsLoaded) -> None:
        """The volume of each five minutes of the day, by time of day; zeros where nothing is known."""
        if event.interval == INTERVAL and memory.phase == "asked":
            memory.profile = profile_of(event)
            memory.phase = "profile"

    def act(self, hand: Hand) -> None:
        if is_finished(hand) or hand.open():
            return
        if self.participation:
            self._participate(hand)
        elif self._knows_day(hand):
            self._slice(hand)

    def _knows_day(self, hand: Hand) -> bool:
        """Whether the past day's volumes are there, or were waited for long enough."""
        memory = hand.memory
        if not memory.phase:
            memory.phase, memory.at = "asked", hand.now
            hand.ask_bars(INTERVAL, BARS)
            hand.say("asks for the volumes of the past day")
        if memory.phase == "asked" and hand.now < memory.at + PATIENCE:
            hand.wake(memory.at + PATIENCE)
            return False
        return True

    # --- a share of what is printed

    def _participate(self, hand: Hand) -> None:
        deadline = hand.run.started + self._duration
        if hand.now >= deadline:
            self._complete(hand, deadline)
            return
        hand.wake(deadline)
        qty = exact(self.participation) * hand.memory.volume - hand.run.filled
        qty = min(hand.info.floor_qty(qty), hand.room)
        next_at = hand.memory.at + int(self.pause_s * 10**9)
        if hand.is_dust(qty):
            return
        if hand.now < next_at:
            hand.wake(next_at)
        elif take(hand, "slice", qty, self.price("limit", hand.info), f"{self.participation:.0%} of the volume"):
            hand.memory.at = hand.now
            hand.say(f"takes part with {self.participation:.1%}")

    # --- a past day's volumes

    def _slice(self, hand: Hand) -> None:
        due = sum(1 for n in range(1, self.slices) if self._at(hand, n) <= hand.now) + 1
        if due < self.slices:
            hand.wake(self._at(hand, due))
        elif hand.now >= self._at(hand, due - 1):
            self._complete(hand, hand.run.started + self._duration)
            return
        if due > hand.memory.step:
            qty = min(hand.info.floor_qty(self.target(hand, due) - hand.run.filled), hand.room)
            if not hand.is_dust(qty):
                self._take_slice(hand, qty, due)

    def _take_slice(self, hand: Hand, qty: Decimal, due: int) -> None:
        if take(hand, "slice", qty, self.price("limit", hand.info), f"slice {due} of {self.slices}"):
            hand.memory.step = due
            hand.say(f"slice {due} of {self.slices}")

    @property
    def _duration(self) -> int:
        return int(self.minutes * MINUTE)

    def _at(self, hand: Hand, number: int) -> int:
        return hand.run.started + self._duration * number // self.slices

    def target(self, hand: Hand, due: int) -> Decimal:
        """How much should be filled once ``due`` slices were: the share of the volume of their time."""
        start, profile = hand.run.started, hand.memory.profile
        whole = volume_between(profile, start, start + self._duration)
        if due >= self.slices or whole <= 0:
            return hand.run.qty * due / self.slices
        return hand.run.qty * exact(volume_between(profile, start, self._at(hand, due)) / whole)

    # --- the end

    def _complete(self, hand: Hand, deadline: int) -> None:
        """The last slice, or what is left when the time is over."""
        grace = max(self._duration // self.slices, MINUTE)
        if not self.complete and hand.now >= deadline:
            hand.done(f"its time is over, {progress(hand)}")
        elif hand.now > deadline + grace:
            (hand.done if self.limit else hand.fail)(f"its time is over, {progress(hand)}")
        else:
            hand.wake(deadline + grace + 1)
            if not take(hand, "slice", hand.room, self.price("limit", hand.info), "the rest"):
                hand.wake(hand.now + 5 * 10**9)


def profile_of(event: BarsLoaded) -> list[float]:
    """Volume by time of day of the last day of bars; empty when there is none."""
    if event.error or not event.bars:
        return []
    profile = [0.0] * BARS
    for bar in event.bars[-BARS:]:
        profile[bar.open_time % _DAY // BAR] += bar.volume
    return profile


def volume_between(profile: list[float], begin: int, end: int) -> float:
    """The volume a day like the profile trades between two moments (nanoseconds)."""
    if not profile:
        return 0.0
    total, at = sum(profile) * ((end - begin) // _DAY), begin + (end - begin) // _DAY * _DAY
    while at < end:
        upto = min(at - at % BAR + BAR, end)
        total += profile[at % _DAY // BAR] * (upto - at) / BAR
        at = upto
    return total
