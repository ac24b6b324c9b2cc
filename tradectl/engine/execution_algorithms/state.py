"""A running algorithm written down: what it was asked for, what its orders did, and what it must remember."""

from decimal import Decimal

from msgspec import Struct, field

from tradectl.model.commands import AlgorithmChanged, AlgorithmStatus
from tradectl.model.instruments import InstrumentId
from tradectl.model.money import ZERO
from tradectl.model.orders import Side

Value = bool | int | float | str


class Child(Struct):
    """One order of an algorithm as far as it was counted. ``tag`` says what it is for; amounts in base units, ``value``
    in quote coin. ``settled``: it is over and its executions are all here; ``dropped``: the algorithm itself cancelled
    it; ``judged``: how it ended was taken note of."""

    tag: str
    side: Side
    decision: int = 0
    filled: Decimal = ZERO
    booked: Decimal = ZERO
    value: Decimal = ZERO
    fees: Decimal = ZERO
    settled: bool = False
    dropped: bool = False
    judged: bool = False


class Leg(Struct):
    """The sum of all orders with one tag, finished ones included. ``filled`` is the most that is known, ``booked`` what
    the executions add up to, ``value`` their value and ``fees`` what was paid for them."""

    side: Side
    filled: Decimal = ZERO
    booked: Decimal = ZERO
    value: Decimal = ZERO
    fees: Decimal = ZERO


class Memory(Struct):
    """What an algorithm remembers beyond its orders.

    ``step`` counts what it did (slices, re-pegs), ``at`` is when it last did (nanoseconds), ``phase`` names where it
    is, ``volume`` is what the market traded meanwhile (base units), ``profile`` the volumes of a past day.
    """

    step: int = 0
    at: int = 0
    phase: str = ""
    volume: Decimal = ZERO
    profile: list[float] = field(default_factory=list)


class Trouble(Struct):
    """Orders that were refused or ended unasked, in a row: how many, the last reason, when to try again (nanoseconds),
    and the most to ask for at once since a refusal said it was too much (base units)."""

    count: int = 0
    reason: str = ""
    retry_at: int = 0
    most: Decimal | None = None


class Run(Struct):
    """One algorithm at work. ``qty`` is its whole size in base units. ``ending`` is how it will end once its last order
    is gone; ``waiting`` why it may not act now; ``note`` what it does, in words."""

    id: int
    kind: str
    strategy: str
    instrument: InstrumentId
    side: Side
    qty: Decimal
    parameters: dict[str, Value]
    reason: str
    started: int
    who: str = ""
    status: AlgorithmStatus = AlgorithmStatus.WORKING
    ending: AlgorithmStatus | None = None
    why: str = ""
    waiting: str = ""
    note: str = ""
    children: dict[str, Child] = field(default_factory=dict)
    legs: dict[str, Leg] = field(default_factory=dict)
    memory: Memory = field(default_factory=Memory)
    trouble: Trouble = field(default_factory=Trouble)
    published: AlgorithmChanged | None = None

    @property
    def filled(self) -> Decimal:
        """What its orders on its own side filled; of a grid, which sells and buys again, in all rounds together."""
        return sum((leg.filled for leg in self.legs.values() if leg.side is self.side), ZERO)

    @property
    def inventory(self) -> Decimal:
        """What was filled on its side and not given back on the other: never more than ``qty``."""
        return sum((leg.filled if leg.side is self.side else -leg.filled for leg in self.legs.values()), ZERO)


class AlgorithmState(Struct):
    """All algorithms: those at work, and the last that ended, whose late fills still count."""

    next_id: int = 1
    working: dict[int, Run] = field(default_factory=dict)
    ended: dict[int, Run] = field(default_factory=dict)


def view(run: Run, now: int) -> AlgorithmChanged:
    """The algorithm as everybody outside the engine sees it."""
    note = run.waiting or run.note
    return AlgorithmChanged(
        now, run.id, run.kind, run.strategy, run.instrument, run.side, run.qty, run.filled, run.status,
        run.why or run.reason, note, tuple((name, str(value)) for name, value in run.parameters.items()),
    )  # fmt: skip
