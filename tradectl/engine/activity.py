"""What was asked for lately: orders, amendments and repeated entries, counted in rolling windows of time."""

from bisect import bisect_right

from msgspec import Struct, field

from tradectl.model.instruments import InstrumentId
from tradectl.model.orders import Side

_SECOND = 10**9
MINUTE = 60 * _SECOND
#: The longest window a limit may look back (nanoseconds): ``repeat_seconds`` at its most.
_LONGEST = 3600 * _SECOND
_MANY = 64


class Window(Struct, array_like=True):
    """Moments (nanoseconds, never decreasing)."""

    times: list[int] = field(default_factory=list)

    def add(self, now: int, keep: int = MINUTE) -> None:
        """Note a moment; those older than ``keep`` leave now and then."""
        self.times.append(now)
        if len(self.times) >= _MANY and len(self.times) % _MANY == 0:
            del self.times[: bisect_right(self.times, now - keep)]

    def within(self, now: int, span: int) -> int:
        """How many in the last ``span`` nanoseconds; one exactly as old as that does not count."""
        return len(self.times) - bisect_right(self.times, now - span)


class Entries(Struct, array_like=True):
    """Entries in one direction: several orders of one decision (or algorithm) count once."""

    window: Window = field(default_factory=Window)
    last: int = 0


class StrategyActivity(Struct):
    """One strategy's."""

    orders: Window = field(default_factory=Window)
    amends: Window = field(default_factory=Window)
    asked: Window = field(default_factory=Window)
    entries: dict[InstrumentId, dict[str, Entries]] = field(default_factory=dict)


class Activity(Struct):
    """The account's and each strategy's."""

    orders: Window = field(default_factory=Window)
    amends: Window = field(default_factory=Window)
    strategies: dict[str, StrategyActivity] = field(default_factory=dict)

    def of(self, strategy: str) -> StrategyActivity:
        """One strategy's, made when it is new."""
        found = self.strategies.get(strategy)
        if found is None:
            found = self.strategies[strategy] = StrategyActivity()
        return found

    def ordered(self, strategy: str, now: int) -> None:
        """An order was accepted."""
        self.orders.add(now)
        self.of(strategy).orders.add(now)

    def amended(self, strategy: str, now: int) -> None:
        """An amendment was accepted."""
        self.amends.add(now)
        self.of(strategy).amends.add(now)

    def entered(self, strategy: str, instrument: InstrumentId, side: Side, key: int, now: int) -> None:
        """An entry was accepted; ``key`` is its decision or algorithm."""
        sides = self.of(strategy).entries.setdefault(instrument, {})
        entries = sides.setdefault(side.value, Entries())
        if entries.last != key:
            entries.last = key
            entries.window.add(now, _LONGEST)

    def entries(self, strategy: str, instrument: InstrumentId, side: Side, key: int, now: int, span: int) -> int:
        """Decisions that entered so within ``span``, other than ``key``."""
        own = self.strategies.get(strategy)
        entries = own.entries.get(instrument, {}).get(side.value) if own is not None else None
        if entries is None:
            return 0
        count = entries.window.within(now, span)
        return count - 1 if count and entries.last == key and key else count
