"""Whether the guard's look at equity would change nothing: bounds drawn after a whole look, and floats held to them.

Most looks find what the last one found: no new peak, no limit reached. Floats say so where they are far enough from
every bound for their rounding not to matter; wherever they are not, the exact look decides. Nothing here is kept over a
restart, and a look too many never does harm.
"""

import math
from decimal import Decimal

from msgspec import Struct

from tradectl.engine.books import Book
from tradectl.engine.portfolio_manager import EXTERNAL
from tradectl.engine.world import World
from tradectl.model.instruments import Category, InstrumentId

_DAY = 86_400 * 10**9
#: How far from a bound a float must be, as a share of all that was added up: a million times its rounding.
_MARGIN = 1e-9
#: Instrument, size held, and the mark when the bounds were drawn.
Sizes = tuple[tuple[InstrumentId, float, float], ...]


class _Line(Struct, frozen=True):
    """``base`` + sizes at mark is the equity that must stay between the bounds."""

    base: float
    sizes: Sizes
    low: float
    high: float


class _Corridor(Struct, frozen=True):
    """All lines in one, where a single instrument is held: between these marks, or where it was, every line holds."""

    instrument: InstrumentId
    low: float
    high: float
    drawn_at: float


class _Start(Struct, frozen=True):
    """From where the account is measured, its limits, and both as floats: the lowest equity allowed, and the peak."""

    day_open: Decimal
    peak: Decimal
    limits: object
    low: float
    top: float


class Calm:
    """Bounds of the account and of each strategy, as of the last whole look."""

    def __init__(self, world: World) -> None:
        self._w = world
        self._lines: list[_Line] | None = None
        self._corridor: _Corridor | None = None
        self._funding: tuple[tuple[InstrumentId, float, float], ...] = ()
        self._until = self._books = 0
        self._start: _Start | None = None
        self._limits: tuple[object, object] = (None, None)

    def holds(self) -> bool:
        """Whether a look would find nothing new."""
        w, lines = self._w, self._lines
        if w.dirty_books or w.dirty_coins or lines is None or w.now >= self._until:
            return False
        if len(w.portfolio.state.books) != self._books:
            return False
        if self._limits[0] is not w.limits.account or self._limits[1] is not w.limits.scoped:
            return False
        if w.moved:
            return self._is_redrawn()
        if not self._funding:
            corridor = self._corridor
            if corridor is not None:
                mark = w.market.price(corridor.instrument)
                if corridor.low < mark < corridor.high or mark == corridor.drawn_at:
                    return True
            elif not lines:
                return True
        return self._stay(lines)

    def _is_redrawn(self) -> bool:
        """After something was booked: whether the lines drawn anew say, clear of rounding, that there is nothing new.
        Starts and peaks are those of the last whole look; without lines, or with a limit they do not show, the exact
        look draws them."""
        w = self._w
        if w.limits.account.day_realised_share or w.limits.scoped or w.state.reasons or not self._began_today():
            return False
        lines = self._drawn(flat=True)
        if lines is None or self._funding or not self._between(lines):
            return False
        self._lines = lines = [line for line in lines if line.sizes]
        w.moved, self._corridor = False, _corridor(lines) if lines else None
        return True

    def _began_today(self) -> bool:
        """Whether the account and every strategy have a start to be measured from."""
        g, day = self._w.guard, self._w.now // _DAY
        for name in self._w.portfolio.state.books:
            own = g.strategies.get(name)
            if name != EXTERNAL and (own is None or own.day != day):
                return False
        return g.day == day

    def _between(self, lines: list[_Line]) -> bool:
        """Whether every line lies between its bounds where the prices are now."""
        for line in lines:
            if not line.low < line.base + sum([size * mark for _, size, mark in line.sizes]) < line.high:
                return False
        return True

    def _stay(self, lines: list[_Line]) -> bool:
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
        return not self._funding or self._is_cheap()

    def _is_cheap(self) -> bool:
        """Whether no position's next funding comes near the part of equity it may take; the account's line is first."""
        market, line = self._w.market, self._lines[0] if self._lines else None
        if line is None:
            return False
        equity = line.base + sum(size * market.price(i) for i, size, _ in line.sizes)
        for instrument, size, share in self._funding:
            cost = size * market.price(instrument) * market.tickers[instrument].funding_rate
            if cost * (1 + _MARGIN) >= equity * share:
                return False
        return True

    def note(self) -> None:
        """A whole look is over: draw the bounds anew, or none where equity hangs on more than marks."""
        w = self._w
        w.moved = False
        self._until = (w.now // _DAY + 1) * _DAY
        self._limits = (w.limits.account, w.limits.scoped)
        self._books = len(w.portfolio.state.books)
        self._lines = self._drawn()
        self._corridor = _corridor(self._lines) if self._lines else None

    def _drawn(self, flat: bool = False) -> list[_Line] | None:
        """Lines of what moves with prices, with ``flat`` of what holds nothing, too."""
        w, state = self._w, self._w.portfolio.state
        cash = self._cash()
        if cash is None or state.legs or not all(map(self._is_simple, state.nets)):
            return None
        lines: list[_Line] = []
        sizes = self._sizes(state.nets)
        shares = [(i, size, w.limits.of("", i.symbol).single.funding_share) for i, size, _ in sizes]
        self._funding = tuple([(i, size, float(share)) for i, size, share in shares if share])
        if sizes or flat:
            base = float(cash - sum([b.cost for b in state.nets.values()]))
            start = self._measured_from()
            lines.append(_line(base, sizes, start.top, start.low))
        for name, books in state.books.items():
            own_sizes = self._sizes(books)
            if (own_sizes or flat) and name != EXTERNAL:
                lines.append(self._strategy(name, books, own_sizes))
        return lines

    def _cash(self) -> Decimal | None:
        """Cash in the settle coin, ``None`` when there are other coins."""
        settle, total = self._w.config.settle_coin, Decimal(0)
        for coin, amount in self._w.portfolio.state.cash.items():
            if coin == settle:
                total = amount
            elif amount:
                return None
        return total

    def _strategy(self, name: str, books: dict[InstrumentId, Book], sizes: Sizes) -> _Line:
        g, limits = self._w.guard, self._w.limits.strategy(name)
        own, falls = g.of(name), []
        if limits is not None and limits.day_loss_share is not None:
            falls.append((own.day_open, g.day_open * limits.day_loss_share))
        if limits is not None and limits.drawdown_share is not None:
            falls.append((own.peak, g.peak * limits.drawdown_share))
        base = float(sum([b.cash_flow - b.fees - b.funding for b in books.values()], Decimal(0)))
        return _line(base, sizes, float(own.peak), _lowest(falls) if falls else -math.inf)

    def _measured_from(self) -> _Start:
        """The account's start and limits in floats, found anew when one of them changed."""
        g, limits, found = self._w.guard, self._w.limits.account, self._start
        if found is None or not (found.day_open is g.day_open and found.peak is g.peak and found.limits is limits):
            falls = [(g.day_open, g.day_open * limits.day_loss_share), (g.peak, g.peak * limits.drawdown_share)]
            low = _lowest([fall for fall in falls if fall[0] > 0])
            found = self._start = _Start(g.day_open, g.peak, limits, low, float(g.peak))
        return found

    def _is_simple(self, instrument: InstrumentId) -> bool:
        """Settled in the settle coin, worth its size at mark, and no liquidation price to watch."""
        w = self._w
        info = w.instruments.get(instrument)
        if info is None or instrument.category is not Category.LINEAR or instrument in w.guard.liquidation:
            return False
        settle = w.config.settle_coin
        return info.settle_coin == settle and info.quote_coin == settle and w.market.price(instrument) > 0

    def _sizes(self, books: dict[InstrumentId, Book]) -> Sizes:
        return tuple([(i, float(b.size), self._w.market.price(i)) for i, b in books.items() if b.size])


def _lowest(falls: list[tuple[Decimal, Decimal]]) -> float:
    """The highest of what equity must not fall to: ``falls`` are starts and by how much it may fall from there."""
    return max([float(start - fall) for start, fall in falls], default=-math.inf)


def _line(base: float, sizes: Sizes, top: float, low: float) -> _Line:
    """Between ``low`` and the peak, each clear of rounding."""
    worth = sum([abs(size) * mark for _, size, mark in sizes])
    margin = _MARGIN * (abs(base) + worth + abs(top))
    return _Line(base, sizes, low + margin, top - margin)


def _corridor(lines: list[_Line]) -> _Corridor | None:
    """What all lines allow a mark, ``None`` where more than one instrument is held."""
    instruments = {instrument for line in lines for instrument, _, _ in line.sizes}
    if len(instruments) != 1 or any(len(line.sizes) != 1 for line in lines):
        return None
    low, high = -math.inf, math.inf
    for line in lines:
        size = line.sizes[0][1]
        ends = (line.low - line.base) / size, (line.high - line.base) / size
        low, high = max(low, min(ends)), min(high, max(ends))
    return _Corridor(instruments.pop(), low, high, lines[0].sizes[0][2])
