"""Equity as floats, drawn as lines: what the account and each strategy are worth at any mark, and how far that may go.

They are drawn after every fill of a strategy that trades often: what does not change in between is found once.
"""

import math
from collections.abc import Sequence
from decimal import Decimal

from msgspec import Struct

from tradectl.engine.portfolio_state import EXTERNAL
from tradectl.engine.world import World
from tradectl.model.instruments import Category, Instrument, InstrumentId
from tradectl.model.money import ZERO

_DAY = 86_400 * 10**9
_EVERYWHERE = -math.inf, math.inf
#: How far from a bound a float must be, as a share of all that was added up: a million times its rounding.
MARGIN = 1e-9
#: Instrument, size held, and the mark when the line was drawn.
Size = tuple[InstrumentId, float, float]


class Line(Struct, frozen=True):
    """``base`` + sizes at mark is the equity that must stay between the bounds; ``equity`` is it where it was drawn."""

    base: float
    sizes: Sequence[Size]
    low: float
    high: float
    equity: float


class Corridor(Struct, frozen=True):
    """All lines in one, where a single instrument is held: between these marks, or where it was, every line holds."""

    instrument: InstrumentId | None
    low: float
    high: float
    drawn_at: float


#: Where nothing is held, no mark matters; and where a line is not clear of its bounds, none is good enough.
FLAT = Corridor(None, -math.inf, math.inf, math.nan)
UNCLEAR = Corridor(None, math.inf, -math.inf, math.nan)


class _Start(Struct, frozen=True):
    """From where the account is measured, its limits, and both as floats: the lowest equity allowed, and the peak."""

    day_open: Decimal
    peak: Decimal
    limits: object
    low: float
    top: float


class EquityLines:
    """Draws the lines of the account and of each strategy, the account's first."""

    def __init__(self, world: World) -> None:
        self._w = world
        #: Of the last drawing: instrument, size and the part of equity its next funding may take, if that is limited.
        self.funding: list[Size] = []
        self._start: _Start | None = None
        self._peaks: dict[str, tuple[Decimal, float]] = {}
        self._simple: dict[InstrumentId, Instrument] = {}

    def drawn(self, flat: bool = False) -> list[Line] | None:
        """Lines of what moves with prices, with ``flat`` of what holds nothing, too. ``None`` where equity hangs on
        more than marks."""
        w, state, limits = self._w, self._w.portfolio.state, self._w.limits
        cash = self._cash()
        if cash is None or state.legs:
            return None
        nets, held, funding = state.nets, {}, []
        for instrument, net in nets.items():
            mark = self._mark(instrument)
            if not mark > 0:
                return None
            cash -= net.cost
            if net.size:
                held[instrument] = size = (instrument, float(net.size), mark)
                share = limits.of("", instrument.symbol).single.funding_share
                if share:
                    funding.append((instrument, size[1], float(share)))
        self.funding, lines = funding, []
        if held or flat:
            start = self._measured_from()
            lines.append(_line(float(cash), list(held.values()), start.top, start.low))
        for name, books in state.books.items():
            if name == EXTERNAL:
                continue
            profit, sizes = ZERO, []
            for instrument, book in books.items():
                profit += book.cash_flow - book.fees - book.funding
                if book.size:
                    whole = held.get(instrument)
                    if whole is None or nets[instrument].size != book.size:
                        whole = (instrument, float(book.size), w.market.price(instrument))
                    sizes.append(whole)
            if sizes or flat:
                low = self._low(name) if limits.scoped else -math.inf
                lines.append(_line(float(profit), sizes, self._peak(name, w.guard.of(name).peak), low))
        return lines

    def corridor(self) -> Corridor | None:
        """What :meth:`drawn` and :func:`corridor_of` say where one instrument is held, or none, and no limit is scoped:
        :data:`FLAT` for none, :data:`UNCLEAR` unless every line lies between its bounds. ``None`` where they must be
        asked: equity hangs on more than that, or a start is not of today."""
        # Asked after each fill of a strategy that trades often: written out, for a call takes as long as what it does.
        w, state, g = self._w, self._w.portfolio.state, self._w.guard
        cash, day, limits = self._cash(), w.now // _DAY, w.limits
        if cash is None or state.legs or g.day != day:
            return None
        instrument, size, mark = None, 0.0, 0.0
        for other, net in state.nets.items():
            price = self._mark(other)
            if not price > 0:
                return None
            if net.size:
                if instrument is not None or limits.of("", other.symbol).single.funding_share:
                    return None
                instrument, size, mark = other, float(net.size), price
            cash -= net.cost
        start = self._measured_from()
        ends = _within(float(cash), size, mark, start.top, start.low)
        if ends is None:
            return UNCLEAR
        lowest, highest = ends
        for name, books in state.books.items():
            if name == EXTERNAL:
                continue
            guard, profit, size = g.strategies.get(name), ZERO, 0.0
            if guard is None or guard.day != day:
                return None
            for other, book in books.items():
                profit += book.cash_flow - book.fees - book.funding
                if book.size:
                    if other != instrument:
                        return None
                    size = float(book.size)
            ends = _within(float(profit), size, mark, self._peak(name, guard.peak), -math.inf)
            if ends is None:
                return UNCLEAR
            lowest, highest = max(lowest, ends[0]), min(highest, ends[1])
        return Corridor(instrument, lowest, highest, mark) if instrument is not None else FLAT

    def _cash(self) -> Decimal | None:
        """Cash in the settle coin, ``None`` when there are other coins."""
        settle, total = self._w.config.settle_coin, ZERO
        for coin, amount in self._w.portfolio.state.cash.items():
            if coin == settle:
                total = amount
            elif amount:
                return None
        return total

    def _mark(self, instrument: InstrumentId) -> float:
        """The mark of what is settled in the settle coin, worth its size at mark, and has no liquidation price to
        watch; 0.0 of everything else."""
        w = self._w
        info = w.instruments.get(instrument)
        if info is None or instrument in w.guard.liquidation:
            return 0.0
        if self._simple.get(instrument) is not info:
            settle = w.config.settle_coin
            if instrument.category is not Category.LINEAR or info.settle_coin != settle or info.quote_coin != settle:
                return 0.0
            self._simple[instrument] = info
        return w.market.price(instrument)

    # --- the bounds

    def _measured_from(self) -> _Start:
        """The account's start and limits in floats, found anew when one of them changed."""
        g, limits, found = self._w.guard, self._w.limits.account, self._start
        if found is None or not (found.day_open is g.day_open and found.peak is g.peak and found.limits is limits):
            falls = [(g.day_open, g.day_open * limits.day_loss_share), (g.peak, g.peak * limits.drawdown_share)]
            low = _lowest([fall for fall in falls if fall[0] > 0])
            found = self._start = _Start(g.day_open, g.peak, limits, low, float(g.peak))
        return found

    def _peak(self, name: str, peak: Decimal) -> float:
        """A strategy's highest equity, found anew when it changed."""
        found = self._peaks.get(name)
        if found is None or found[0] is not peak:
            found = self._peaks[name] = peak, float(peak)
        return found[1]

    def _low(self, name: str) -> float:
        """The equity a strategy must not fall to, by limits of its own."""
        g, limits, falls = self._w.guard, self._w.limits.strategy(name), []
        own = g.of(name)
        if limits is not None and limits.day_loss_share is not None:
            falls.append((own.day_open, g.day_open * limits.day_loss_share))
        if limits is not None and limits.drawdown_share is not None:
            falls.append((own.peak, g.peak * limits.drawdown_share))
        return _lowest(falls)


def _lowest(falls: list[tuple[Decimal, Decimal]]) -> float:
    """The highest of what equity must not fall to: ``falls`` are starts and by how much it may fall from there."""
    return max([float(start - fall) for start, fall in falls], default=-math.inf)


def _line(base: float, sizes: list[Size], top: float, low: float) -> Line:
    """Between ``low`` and the peak, each clear of rounding."""
    change = worth = 0.0
    for _, size, mark in sizes:
        value = size * mark
        change += value
        worth += value if value > 0.0 else -value
    margin = MARGIN * (abs(base) + worth + abs(top))
    return Line(base, sizes, low + margin, top - margin, base + change)


def _within(base: float, size: float, mark: float, top: float, low: float) -> tuple[float, float] | None:
    """Between which marks a line that holds ``size`` of one instrument lies between its bounds; ``None`` if it does not
    at ``mark``."""
    value = size * mark
    margin = MARGIN * (abs(base) + abs(value) + abs(top))
    low, high = low + margin, top - margin
    if not low < base + value < high:
        return None
    if not size:
        return _EVERYWHERE
    low, high = (low - base) / size, (high - base) / size
    return (low, high) if size > 0.0 else (high, low)


def corridor_of(lines: list[Line]) -> Corridor | None:
    """What all lines allow a mark, ``None`` where more than one instrument is held."""
    low, high, found = -math.inf, math.inf, None
    for line in lines:
        if len(line.sizes) != 1:
            return None
        instrument, size, mark = line.sizes[0]
        if found is None:
            found, drawn_at = instrument, mark
        elif instrument is not found and instrument != found:
            return None
        one, other = (line.low - line.base) / size, (line.high - line.base) / size
        if size < 0.0:
            one, other = other, one
        low, high = one if one > low else low, other if other < high else high
    return Corridor(found, low, high, drawn_at) if found is not None else FLAT
