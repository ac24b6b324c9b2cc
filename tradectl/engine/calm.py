"""Whether the guard's look at equity would change nothing: bounds drawn after a whole look, and floats held to them.

Most looks find what the last one found: no new peak, no limit reached. Floats say so where they are far enough from
every bound for their rounding not to matter; wherever they are not, the exact look decides. Nothing here is kept over a
restart, and a look too many never does harm.
"""

import math

from tradectl.engine.equity_lines import MARGIN, UNCLEAR, Corridor, EquityLines, Line, corridor_of
from tradectl.engine.portfolio_state import EXTERNAL
from tradectl.engine.world import World
from tradectl.model.instruments import InstrumentId

_DAY = 86_400 * 10**9


class Calm:
    """Bounds of the account and of each strategy, as of the last whole look."""

    def __init__(self, world: World) -> None:
        self._w = world
        self._draw = EquityLines(world)
        self._lines: list[Line] | None = None
        self._corridor: Corridor | None = None
        #: What was drawn holds until then: a new day has a new start.
        self.until = self._books = 0
        self._limits: tuple[object, object] = (None, None)

    def holds(self) -> bool:
        """Whether a look would find nothing new."""
        w, lines = self._w, self._lines
        if w.dirty_books or w.dirty_coins or lines is None or w.now >= self.until:
            return False
        if len(w.portfolio.state.books) != self._books:
            return False
        if self._limits[0] is not w.limits.account or self._limits[1] is not w.limits.scoped:
            return False
        if w.moved:
            return self._is_redrawn()
        if not self._draw.funding:
            corridor = self._corridor
            if corridor is not None and corridor.instrument is not None:
                mark = w.market.price(corridor.instrument)
                return corridor.low < mark < corridor.high or mark == corridor.drawn_at
            if not lines:
                return True
        return self._stay(lines)

    def marks(self, instrument: InstrumentId) -> tuple[float, float, float] | None:
        """Marks of the only instrument between which, or at the third of which, :meth:`holds` is sure to hold until
        :attr:`until`; ``None`` where it must be asked."""
        if not self.holds() or self._lines is None:
            return None
        corridor = self._corridor
        if corridor is None or (corridor.instrument is not None and corridor.instrument != instrument):
            return None
        if not self._draw.funding:
            return corridor.low, corridor.high, corridor.drawn_at
        low, high = self._cheap_between(self._lines[0])
        return max(corridor.low, low), min(corridor.high, high), math.nan

    def _is_redrawn(self) -> bool:
        """After something was booked: whether the lines drawn anew say, clear of rounding, that there is nothing new.
        Starts and peaks are those of the last whole look; without lines, or with a limit they do not show, the exact
        look draws them."""
        w = self._w
        if w.limits.account.day_realised_share or w.limits.scoped or w.state.reasons:
            return False
        corridor = self._draw.corridor()
        if corridor is None:
            return self._began_today() and self._are_lines_redrawn()
        if corridor is UNCLEAR:
            return False
        self._draw.funding, self._lines, self._corridor, w.moved = [], [], corridor, False
        return True

    def _are_lines_redrawn(self) -> bool:
        """The same where several instruments are held, or funding is limited."""
        lines, held = self._draw.drawn(flat=True), []
        if lines is None or (self._draw.funding and not self._is_cheap(lines[0])):
            return False
        for line in lines:
            if not line.low < line.equity < line.high:
                return False
            if line.sizes:
                held.append(line)
        self._lines, self._corridor, self._w.moved = held, corridor_of(held), False
        return True

    def _began_today(self) -> bool:
        """Whether the account and every strategy have a start to be measured from."""
        g, day = self._w.guard, self._w.now // _DAY
        for name in self._w.portfolio.state.books:
            own = g.strategies.get(name)
            if name != EXTERNAL and (own is None or own.day != day):
                return False
        return g.day == day

    def _stay(self, lines: list[Line]) -> bool:
        """Whether every line stays between its bounds."""
        price = self._w.market.price
        for line in lines:
            equity, same = line.base, True
            for instrument, size, drawn_at in line.sizes:
                mark = price(instrument)
                equity += size * mark
                same = same and mark == drawn_at
            if not (same or line.low < equity < line.high):
                return False
        return not self._draw.funding or (bool(lines) and self._is_cheap(lines[0]))

    def _is_cheap(self, line: Line) -> bool:
        """Whether no position's next funding comes near the part of equity, the account's ``line``, it may take."""
        market = self._w.market
        equity = line.base + sum(size * market.price(i) for i, size, _ in line.sizes)
        for instrument, size, share in self._draw.funding:
            cost = size * market.price(instrument) * market.tickers[instrument].funding_rate
            if cost * (1 + MARGIN) >= equity * share:
                return False
        return True

    def _cheap_between(self, line: Line) -> tuple[float, float]:
        """Marks of the only position strictly between which its next funding stays below its part of equity, clear of
        rounding: where ``worst * mark < most``."""
        ((instrument, size, share),) = self._draw.funding
        rate, large = self._w.market.tickers[instrument].funding_rate, abs(size)
        worst = size * (rate - share) + MARGIN * large * (abs(rate) + share)
        most = share * (line.base - MARGIN * abs(line.base))
        if not worst:
            return (-math.inf, math.inf) if most > 0 else (math.inf, -math.inf)
        return (-math.inf, most / worst) if worst > 0 else (most / worst, math.inf)

    def note(self) -> None:
        """A whole look is over: draw the bounds anew, or none where equity hangs on more than marks."""
        w = self._w
        w.moved = False
        self.until = (w.now // _DAY + 1) * _DAY
        self._limits = (w.limits.account, w.limits.scoped)
        self._books = len(w.portfolio.state.books)
        self._lines = self._draw.drawn()
        self._corridor = None if self._lines is None else corridor_of(self._lines)
