"""What each book held at a moment that is past: funding is told after its settlement, perhaps of a closed position.

The last changes of size are kept with the time of their executions, so that it does not matter when they became known.
"""

from decimal import Decimal

from msgspec import Struct, field

from tradectl.model.instruments import InstrumentId
from tradectl.model.money import ZERO

#: So many changes of an instrument are kept; funding is told within seconds of its settlement.
KEEP = 256


class Change(Struct, array_like=True, gc=False):
    """A book's size changed by ``qty`` (signed) at ``ts`` (nanoseconds), of a hedge leg with its ``idx``."""

    ts: int
    book: str
    qty: Decimal
    idx: int = 0


class HeldSizes(Struct):
    """The last changes by instrument, as they became known."""

    changes: dict[InstrumentId, list[Change]] = field(default_factory=dict)

    def changed(self, instrument: InstrumentId, change: Change) -> None:
        """Note a change; the older half goes when there are too many."""
        kept = self.changes.get(instrument)
        if kept is None:
            kept = self.changes[instrument] = []
        kept.append(change)
        if len(kept) > KEEP:
            del kept[: KEEP // 2]

    def renamed(self, instrument: InstrumentId, book: str, to: str) -> None:
        """A book was handed over, and its past with it."""
        for change in self.changes.get(instrument, ()):
            if change.book == book:
                change.book = to

    def at(
        self, instrument: InstrumentId, idx: int, now: dict[str, Decimal], ts: int, qty: Decimal
    ) -> dict[str, Decimal]:
        """Sizes by book at ``ts``, when the position was ``qty`` > 0 by the venue's word; ``now`` are today's.

        A trade of the same moment may have come before or after: what makes ``qty`` is right. When nothing does, the
        sizes after the trades of that moment are taken, and today's when those say that nobody held anything.
        """
        after, before = self._back(instrument, idx, now, ts), self._back(instrument, idx, now, ts - 1)
        fitting = [sizes for sizes in (after, before) if abs(sum(sizes.values(), ZERO)) == qty]
        usable = [sizes for sizes in (*fitting, after, now) if sum(sizes.values(), ZERO)]
        return {name: size for name, size in usable[0].items() if size} if usable else {}

    def _back(self, instrument: InstrumentId, idx: int, now: dict[str, Decimal], ts: int) -> dict[str, Decimal]:
        """Today's sizes less what came after ``ts``."""
        sizes = dict(now)
        for change in self.changes.get(instrument, ()):
            if change.ts > ts and change.idx == idx:
                sizes[change.book] = sizes.get(change.book, ZERO) - change.qty
        return sizes
