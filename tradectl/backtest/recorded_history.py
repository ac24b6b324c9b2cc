"""The market data of a recorded run as history: candles, quotes, prints and funding for a backtest over the same."""

from array import array
from collections.abc import Callable, Collection, Iterable
from typing import Any

import numpy as np

from tradectl.backtest.recorded import Facts, Recorded
from tradectl.history.reading import MemoryHistory
from tradectl.history.series import Candles, Columns, Kind, Points, SeriesId, Tape, Touches
from tradectl.model.events import BarClosed, BarsLoaded, Event, QuoteChanged, TickerChanged, TradePrinted
from tradectl.model.instruments import InstrumentId
from tradectl.model.market_data import Bar


def history_of(recorded: Recorded, kinds: Collection[Kind] = tuple(Kind), complete: bool = True) -> MemoryHistory:
    """Everything of these kinds the run heard, by series and in order of time; what came twice counts once.

    Candles include those loaded for warm-up and after interruptions. Funding rates are those that were charged; where
    no position was held, what the ticker announced. Raises ``Problem`` when market data was pruned, unless it need not
    be ``complete``.
    """
    if complete:
        recorded.refuse_pruned()
    gathered = _Gathered(kinds)
    for entry in recorded.entries():
        gathered.take(entry.event)
    return MemoryHistory(gathered.columns(recorded.facts), recorded.facts.instruments.values())


class _Rows:
    """Columns that grow: eight bytes a value."""

    def __init__(self, width: int) -> None:
        self.times = array("q")
        self.values = [array("d") for _ in range(width)]

    def add(self, at: int, *values: float) -> None:
        self.times.append(at)
        for column, value in zip(self.values, values, strict=True):
            column.append(value)

    def ordered(self, unique: bool) -> list[Any]:
        """By time, stable; of rows with one time the last when they are ``unique``."""
        times = np.frombuffer(self.times, np.int64) if self.times else np.empty(0, np.int64)
        order = np.argsort(times, kind="stable")
        if unique and len(order):
            order = order[np.append(np.diff(times[order]) > 0, True)]
        columns = [np.frombuffer(column, np.float64)[order] for column in self.values] if len(order) else []
        return [times[order], *(columns or [np.empty(0) for _ in self.values])]


class _Gathered:
    """Rows by series."""

    def __init__(self, kinds: Collection[Kind]) -> None:
        self._rows: dict[SeriesId, _Rows] = {}
        self._announced: dict[InstrumentId, tuple[int, float]] = {}
        self._funding: dict[tuple[InstrumentId, int], float] = {}
        candles = self._candles
        table: dict[type, tuple[Kind, Callable[[Any], None]]] = {
            BarClosed: (Kind.CANDLES, lambda e: candles(e.instrument, e.interval, (e.bar,))),
            BarsLoaded: (Kind.CANDLES, lambda e: candles(e.instrument, e.interval, e.bars)),
            QuoteChanged: (Kind.QUOTES, self._quote),
            TradePrinted: (Kind.TRADES, self._print),
            TickerChanged: (Kind.FUNDING, self._ticker),
        }
        self._kinds = kinds
        self._table = {of: handler for of, (kind, handler) in table.items() if kind in kinds}

    def take(self, event: Event) -> None:
        handler = self._table.get(type(event))
        if handler is not None:
            handler(event)

    def _of(self, series: SeriesId, width: int) -> _Rows:
        rows = self._rows.get(series)
        if rows is None:
            rows = self._rows[series] = _Rows(width)
        return rows

    def _quote(self, e: QuoteChanged) -> None:
        self._of(SeriesId(e.instrument, Kind.QUOTES), 4).add(e.ts, e.bid, e.bid_size, e.ask, e.ask_size)

    def _print(self, e: TradePrinted) -> None:
        self._of(SeriesId(e.instrument, Kind.TRADES), 3).add(e.ts, e.price, e.size, float(e.side.sign))

    def _candles(self, instrument: InstrumentId, interval: str, bars: Iterable[Bar]) -> None:
        rows = self._of(SeriesId(instrument, Kind.CANDLES, interval), 6)
        for bar in bars:
            rows.add(bar.open_time, bar.open, bar.high, bar.low, bar.close, bar.volume, bar.turnover)

    def _ticker(self, event: TickerChanged) -> None:
        """What was announced last for a settlement is what it cost."""
        before = self._announced.get(event.instrument)
        now = (event.ticker.next_funding, event.ticker.funding_rate)
        if before is not None and before[0] and before[0] != now[0] and event.ts >= before[0]:
            self._funding[event.instrument, before[0]] = before[1]
        self._announced[event.instrument] = now

    def columns(self, facts: Facts) -> dict[SeriesId, Columns]:
        """The arrays."""
        found: dict[SeriesId, Columns] = {}
        for series, rows in self._rows.items():
            if series.kind is Kind.CANDLES:
                found[series] = Candles(*rows.ordered(unique=True))
            elif series.kind is Kind.QUOTES:
                found[series] = Touches(*rows.ordered(unique=False))
            else:
                at, price, size, side = rows.ordered(unique=False)
                found[series] = Tape(at, price, size, side.astype(np.int8))
        return found | (self._funding_points(facts) if Kind.FUNDING in self._kinds else {})

    def _funding_points(self, facts: Facts) -> dict[SeriesId, Columns]:
        rates = dict(self._funding)
        rates.update((key, float(it.rate)) for key, it in facts.settlements.items())
        found: dict[SeriesId, Columns] = {}
        for instrument in sorted({it for it, _ in rates}):
            rows = sorted((at, rate) for (it, at), rate in rates.items() if it == instrument)
            times, values = zip(*rows, strict=True)
            found[SeriesId(instrument, Kind.FUNDING)] = Points(
                np.array(times, dtype=np.int64), np.array(values, dtype=np.float64)
            )
        return found
