"""Signals as arrays: what a strategy says about all bars at once, in the words it uses live.

A strategy that can be judged bar by bar without looking at fills declares ``signals(bars, p)``: ``bars`` has the
indicators of a bar series under the same names, ``p`` the parameters as attributes. The arrays must say what
``on_bar`` would have said; a test of each strategy holds that they do. Only what is declared here can be run compiled.
"""

from enum import Enum
from typing import Any, Protocol

from msgspec import Struct


class Marks(Protocol):
    """One truth value for each bar."""

    def __and__(self, other: "Marks") -> "Marks": ...
    def __or__(self, other: "Marks") -> "Marks": ...
    def __invert__(self) -> "Marks": ...


class ArrayLine(Protocol):
    """A line's value at each bar, NaN until there is one; it compares and reckons bar by bar."""

    @property
    def previous(self) -> "ArrayLine":
        """The values one bar before."""

    def crossed_above(self, other: "ArrayLine | float") -> Marks: ...
    def crossed_below(self, other: "ArrayLine | float") -> Marks: ...
    def __lt__(self, other: "ArrayLine | float") -> Marks: ...
    def __le__(self, other: "ArrayLine | float") -> Marks: ...
    def __gt__(self, other: "ArrayLine | float") -> Marks: ...
    def __ge__(self, other: "ArrayLine | float") -> Marks: ...
    def __add__(self, other: "ArrayLine | float") -> "ArrayLine": ...
    def __sub__(self, other: "ArrayLine | float") -> "ArrayLine": ...
    def __mul__(self, other: "ArrayLine | float") -> "ArrayLine": ...
    def __rmul__(self, other: float) -> "ArrayLine": ...


class Channel(Protocol):
    """A channel's two lines."""

    upper: ArrayLine
    lower: ArrayLine


class ArrayBars(Protocol):
    """All bars of one series; an indicator is worked out once, whoever asks for it again."""

    close: ArrayLine
    high: ArrayLine
    low: ArrayLine

    def average(self, kind: str, period: int) -> ArrayLine:
        """``sma``, ``ema``, ``wma``, ``rma``, ``vwma``, ``dema``, ``tema`` or ``hma`` of the close."""

    def ema(self, period: int) -> ArrayLine: ...
    def sma(self, period: int) -> ArrayLine: ...
    def rsi(self, period: int) -> ArrayLine: ...
    def atr(self, period: int) -> ArrayLine: ...
    def donchian(self, period: int) -> Channel: ...


class Entry(str, Enum):
    """When an entry acts: ``ALWAYS`` (it sets the target again even while held), ``SWITCH`` (unless that side is held
    already), ``FLAT`` (only without a position)."""

    ALWAYS = "always"
    SWITCH = "switch"
    FLAT = "flat"


class Signals(Struct, frozen=True):
    """Where to go long, to leave a long, to go short, to leave a short; a leave comes before an entry of the same bar.

    With ``Entry.ALWAYS`` and ``SWITCH`` an entry comes first, and a leave closes whatever is held. ``long_stop`` and
    ``short_stop`` are the prices of the stops entries bring along, NaN for "then do not enter"; a close beyond the stop
    leaves too. After ``patience`` bars in a position it is left (0: never). ``weight`` is of the capital.
    """

    long: Marks
    leave_long: Marks | None = None
    short: Marks | None = None
    leave_short: Marks | None = None
    entry: Entry = Entry.ALWAYS
    long_stop: ArrayLine | None = None
    short_stop: ArrayLine | None = None
    patience: int = 0
    weight: float = 1.0


class Declares(Protocol):
    """A strategy class that has signals as arrays. Raises ``ValueError`` for parameters that cannot go together."""

    @staticmethod
    def signals(bars: ArrayBars, p: Any) -> Signals: ...
