"""History that also has the candles its trades make: of any interval, a day at a time.

Where nobody recorded trades, candles are made of the middles between bid and ask, and have no volume.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from tradectl.history.book_touches import touches_of
from tradectl.history.columns import joined
from tradectl.history.missing import on_grid
from tradectl.history.reading import History, Span, fingerprint
from tradectl.history.series import Candles, Columns, Kind, SeriesId, Tape, Touches
from tradectl.history.trade_bars import bars_of
from tradectl.model.instruments import Category, Instrument, InstrumentId
from tradectl.model.market_data import INTERVALS

DAY = INTERVALS["1d"]


class TradedCandles:
    """``inner``, and candles where it has none that reach from ``since`` to ``until`` as far as the trades do."""

    def __init__(self, inner: History, since: int, until: int) -> None:
        self._inner = inner
        self._since, self._until = since, until
        self._sources: dict[SeriesId, SeriesId | None] = {}

    @property
    def notes(self) -> Sequence[str]:
        """What the inner history says of itself."""
        return tuple(getattr(self._inner, "notes", ()))

    def series(self) -> Sequence[SeriesId]:
        """Every stored series; those that can be made are not among them."""
        return self._inner.series()

    def instruments(self, at: int) -> Mapping[InstrumentId, Instrument]:
        """Those of the inner history."""
        return self._inner.instruments(at)

    def fingerprint(self, series: Iterable[SeriesId], since: int, until: int) -> str:
        """A hash (hex) of exactly these rows, made ones as well."""
        return fingerprint(self, series, since, until)

    def span(self, series: SeriesId) -> Span | None:
        """What there is of ``series``, stored or to be made."""
        source = self.source(series)
        if source is None:
            return self._inner.span(series)
        span = self._inner.span(source)
        assert span is not None
        first, last = on_grid(span.first, series.interval), on_grid(span.last, series.interval)
        return Span(first, last, (last - first) // INTERVALS[series.interval] + 1)

    def read(self, series: SeriesId, since: int, until: int) -> Iterator[Columns]:
        """The rows with ``since <= time < until``, oldest first, in parts."""
        source = self.source(series)
        return self._inner.read(series, since, until) if source is None else self._made(series, source, since, until)

    def source(self, series: SeriesId) -> SeriesId | None:
        """What candles are made of; ``None``: they are stored, or there is nothing to make them of."""
        if series.kind is not Kind.CANDLES:
            return None
        if series not in self._sources:
            self._sources[series] = self._source(series)
        return self._sources[series]

    def _source(self, series: SeriesId) -> SeriesId | None:
        books = [it for it in self._inner.series() if it.instrument == series.instrument and it.kind is Kind.BOOK]
        kinds = [SeriesId(series.instrument, Kind.TRADES), SeriesId(series.instrument, Kind.QUOTES), *books[:1]]
        found = next(((it, span) for it in kinds if (span := self._inner.span(it)) is not None), None)
        stored = self._inner.span(series)
        if found is None:
            return None
        source, span = found
        first, last = max(self._since, span.first), min(self._until - 1, span.last)
        length = INTERVALS[series.interval]
        reaches = stored is not None and stored.first <= first + length and stored.last + 2 * length > last
        return None if reaches else source

    def _made(self, series: SeriesId, source: SeriesId, since: int, until: int) -> Iterator[Candles]:
        length, span = INTERVALS[series.interval], self.span(series)
        assert span is not None
        at = max(on_grid(since + length - 1, series.interval), span.first)
        end = min(on_grid(until + length - 1, series.interval), span.last + length)
        before, part = self._price_before(source, at), max(DAY, length)
        inverse = series.instrument.category is Category.INVERSE
        while at < end:
            stop = min(at + part, end)
            made = bars_of(self._tape(source, at, stop), at, stop, length, before, inverse=inverse)
            if len(made):
                before = float(made.close[-1])
                yield made
            at = stop

    def _price_before(self, source: SeriesId, at: int) -> float:
        """The last price of the day before ``at``; 0.0: none."""
        tape = self._tape(source, at - DAY, at)
        return float(tape.price[-1]) if len(tape) else 0.0

    def _tape(self, source: SeriesId, since: int, until: int) -> Tape:
        if source.kind is Kind.BOOK:
            parts: list[Columns] = [it.between(since, until) for it in self._touches(source, until)]
            found = joined(Kind.QUOTES, parts)
        else:
            found = joined(source.kind, list(self._inner.read(source, since, until)))
        if isinstance(found, Tape):
            return found
        assert isinstance(found, Touches)
        middle = np.round((found.bid + found.ask) / 2, 12)
        return Tape(found.ts, middle, np.zeros(len(middle)), np.ones(len(middle), np.int8))

    def _touches(self, book: SeriesId, until: int) -> Iterator[Touches]:
        """A book is known from its first snapshot on only."""
        span = self._inner.span(book)
        assert span is not None
        return touches_of(self._inner.read(book, span.first, until))
