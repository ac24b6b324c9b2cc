"""One instrument of a run: where its price stands, whether somebody waits inside its bars, its longer candles."""

from tradectl.backtest.longer_bars import LongerBars
from tradectl.engine.following import Following
from tradectl.model.instruments import InstrumentId
from tradectl.simulation.venue import SimulatedVenue


class Slot:
    """``bounds`` are prices between which nothing is liquidated, found when they are first needed; ``held`` says
    whether there is a position at all."""

    __slots__ = ("_behind", "_venue", "bounds", "display", "followed", "held", "instrument", "longer")

    def __init__(self, instrument: InstrumentId, venue: SimulatedVenue) -> None:
        self.instrument = instrument
        self.display = venue.displays[instrument]
        self.longer: list[LongerBars] = []
        self.held = False
        self.followed = False
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
        display.price, display.volume = close, volume
        self._behind[self.instrument] = None

    def is_watched(self) -> bool:
        """Whether the way of the price inside a bar can change anything, liquidation apart."""
        return self.followed or self._venue.is_watching(self.instrument)

    def leaves_bounds(self, low: float, high: float, share: float) -> bool:
        """Whether a bar reaches where something could be liquidated; see :meth:`safe_between`."""
        below, above = self.safe_between(share)
        return not below < low <= high < above

    def safe_between(self, share: float) -> tuple[float, float]:
        """Prices strictly between which nothing is liquidated; each position may use ``share`` of what is left, so
        that it holds however the others move within theirs."""
        if self.bounds is None:
            found, here = self._venue.bounds(self.instrument), self.display.price
            if found is None:
                self.bounds = (0.0, float("inf"))
            else:
                below, above = here - float(found[0]), float(found[1]) - here
                self.bounds = (here - below * share, here + above * share)
        return self.bounds
