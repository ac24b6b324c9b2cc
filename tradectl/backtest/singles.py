"""The candles of a single instrument: those nothing waits for go to the engine and nowhere else."""

from collections.abc import Iterator
from math import inf
from typing import TYPE_CHECKING

from tradectl.backtest.closings import closings
from tradectl.backtest.feed import LOOK_EVERY, CandleFeed, Row
from tradectl.backtest.slots import Slot
from tradectl.engine.quiet_bars import Closing
from tradectl.history.series import Candles
from tradectl.model.market_data import Bar
from tradectl.simulation.models import FixedLatency

if TYPE_CHECKING:
    from tradectl.backtest.runner import Backtest


class Singles:
    """Plays the candles of a run in which each comes alone."""

    def __init__(self, backtest: "Backtest") -> None:
        self._b = backtest

    def are_possible(self) -> bool:
        """Whether each bar comes alone and is heard of at once."""
        b = self._b
        if b.marks is not None:
            return False
        return len(b.slots) == 1 and isinstance(b.latency, FixedLatency) and not b.latency.to_strategy

    def run(self, feed: CandleFeed) -> Iterator[int]:
        """Everything; now and then the open time it has come to."""
        b = self._b
        for part in feed.parts(0, LOOK_EVERY):
            if not b.sample_at:
                first = next(part.rows(0, 1).tuples())
                b.begin(first[0], [(0, first)])
            before = b.done
            self._stretch(part)
            b.done = before + len(part)
            yield int(part.open_time[-1])

    def _stretch(self, part: Candles) -> None:
        """Each candle in its turn, in the shortest way there is for it."""
        b, slot, before = self._b, self._b.slots[0], self._b.done
        key, follow = (slot.instrument, b.job.interval), b.engine.quiet_bars.follow
        told = closings(part, b.job.interval, b.p.length, slot.display)
        due, below, above = self._calm(slot)
        while True:
            outcome = follow(key, told, min(due, b.sample_at), below, above)
            if outcome.quiet is not None:
                self._rested(slot, outcome.quiet)
            closing, commands = outcome.closing, outcome.commands
            if closing is None:
                break
            number, end, low, high, _, _, event = closing
            if commands is None and (end >= due or low <= below or high >= above):
                b.done = before + number
                b.group(event.bar.open_time, [(0, _row(event.bar))])
                due, below, above = self._calm(slot)
                continue
            self._rested(slot, closing)
            if commands is None:
                commands = b.apply(event)
            if commands:
                b.now = end
                b.answer(commands)
                if b.agenda.next <= end:
                    b.until(end)
                due, below, above = self._calm(slot)
            if end >= b.sample_at:
                b.now, b.done = end, before + number
                b.sample(end)
        b.now = max(b.now, int(part.open_time[-1]) + b.p.length)

    def _rested(self, slot: Slot, closing: Closing) -> None:
        """A bar passed, and perhaps some before it: its close is where the market stands."""
        slot.display.price, slot.display.volume = closing[4], closing[5]
        self._b.venue.behind[slot.instrument] = None

    def _calm(self, slot: Slot) -> tuple[int, float, float]:
        """Until when, and between which prices, a bar changes nothing but what the engine knows."""
        b = self._b
        b.note_watches()
        if slot.longer or slot.is_watched():
            return 0, 0.0, 0.0
        below, above = slot.safe_between(b.share) if slot.held else (-inf, inf)
        return b.agenda.next, below, above


def _row(bar: Bar) -> Row:
    return bar.open_time, bar.open, bar.high, bar.low, bar.close, bar.volume, bar.turnover
