"""One instrument of a run: where its price stands, whether somebody waits inside its bars, its longer candles."""

from math import inf

from tradectl.backtest.longer_bars import LongerBars
from tradectl.backtest.marks import MarkBar
from tradectl.engine.following import Following
from tradectl.matching.safe_marks import HIGHEST
from tradectl.model.instruments import InstrumentId
from tradectl.simulation.venue import SimulatedVenue


class Slot:
    """``bounds`` are prices between which nothing is liquidated, found when they are first needed; ``held`` says
    whether there is a position at all. ``mark_bar`` is the mark's candle of the bar in progress, where the data has
    it; its extremes come in the order of the price's own, ``low_first`` or not."""

    __slots__ = (
        "_behind", "_venue", "bounds", "display", "followed", "held", "instrument", "longer", "low_first", "mark_bar",
    )  # fmt: skip

    def __init__(self, instrument: InstrumentId, venue: SimulatedVenue) -> None:
        self.instrument = instrument
        self.display = venue.displays[instrument]
        self.longer: list[LongerBars] = []
        self.held = False
        self.followed = False
        self.mark_bar: MarkBar | None = None
        self.low_first = True
        self.bounds: tuple[float, float] | None = None
        self._venue = venue
        self._behind = venue.behind

    def follow(self, following: Following) -> None:
        """Note whether a strategy follows what happens inside the bars."""
        self.followed = bool(following.of("quotes", self.instrument) or following.of("trades", self.instrument))

    def look(self) -> None:
        """After a fill: is anything held?"""
        self.held = self._venue.holds(self.instrument)

    def rest(self, close: float, volume: float) -> None:
        """A whole bar passed unwatched and traded ``volume``."""
        display = self.display
        display.price, display.volume, display.mark = close, volume, self.mark_at(3)
        self._behind[self.instrument] = None

    def mark_at(self, corner: int) -> float:
        """The mark at a corner of the bar in progress; 0.0: it is the price."""
        if self.mark_bar is None:
            return 0.0
        return self.mark_bar[corner] if corner in (0, 3) else self.mark_bar[2 if (corner == 1) is self.low_first else 1]

    def is_watched(self) -> bool:
        """Whether the way of the price inside a bar can change anything, liquidation apart."""
        return self.followed or self._venue.is_watching(self.instrument)

    def leaves_bounds(self, low: float, high: float, share: float) -> bool:
        """Whether a bar reaches where something could be liquidated; see :meth:`safe_between`."""
        below, above = self.safe_between(share)
        return not below < low <= high < above

    def safe_between(self, share: float) -> tuple[float, float]:
        """Marks strictly between which nothing is liquidated; each position may use ``share`` of what is left, so
        that it holds however the others move within theirs."""
        if self.bounds is None:
            found, here = self._venue.bounds(self.instrument), self.display.mark or self.display.price
            if found is None:
                self.bounds = (0.0, inf)
            else:
                low, high = found
                below, above = here - float(low) if low else here, float(high) - here if high < HIGHEST else inf
                self.bounds = (here - below * share, here + above * share)
        return self.bounds
