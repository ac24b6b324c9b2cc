"""A backtest whose market moves by prints, quotes and books: every moment first at the venue, then for the strategies.

What is stated at a moment is in force before an order of that moment arrives; so nobody trades at what he hears, and
what others did in the same instant fills nobody who heard of it.
"""

from collections.abc import Callable, Iterator
from typing import Any

from msgspec.structs import replace

from tradectl.backtest.agenda import Due
from tradectl.backtest.feed import LOOK_EVERY
from tradectl.backtest.feed import Row as Candle
from tradectl.backtest.job import BacktestResult, Warned
from tradectl.backtest.runner import Backtest
from tradectl.backtest.slots import Slot
from tradectl.backtest.tick_feed import Row, TickFeed, Told
from tradectl.history.series import Kind, SeriesId
from tradectl.model.events import BarClosed, BookChanged, Event, QuoteChanged, TickerChanged, TradePrinted
from tradectl.model.instruments import InstrumentId
from tradectl.model.market_data import Bar, Ticker
from tradectl.simulation.streamed_venue import StreamedVenue

#: Bid, its size, ask, its size, as the strategies hear it.
Touch = tuple[float, float, float, float]


class TickBacktest(Backtest):
    """The candles strategies hear close at their own end; what fills orders is the streams."""

    venue: StreamedVenue

    def _make_venue(self) -> StreamedVenue:
        job = self.job
        self._touches: dict[InstrumentId, Touch] = {}
        self._prices: dict[InstrumentId, tuple[float, float]] = {}
        self._rates: dict[InstrumentId, float] = {}
        self._updates = 0
        self._depths = {it.instrument: int(it.interval) for it in self.p.streams if it.kind is Kind.BOOK}
        self._taken: dict[Row, Callable[[Slot, tuple[Any, ...], int], list[Event]]] = {
            Row.MARK: lambda slot, row, at: self.venue.marked(slot.instrument, at, *row),
            Row.TRADE: lambda slot, row, at: self.venue.printed(slot.instrument, at, *row),
            Row.QUOTE: lambda slot, row, at: self.venue.quote(slot.instrument, at, *row),
            Row.BOOK: lambda slot, row, at: self.venue.book(slot.instrument, at, *row),
        }
        venue = StreamedVenue(
            self.p.instruments, job.models, cash={job.settle_coin: job.cash}, seed=job.seed, leverage=job.leverage,
            hedge=job.position_mode == "hedge", now=job.since,
        )  # fmt: skip
        for display in venue.streams.values():
            display.awaits_quotes = job.data != "trades"
        return venue

    def _make_feed(self) -> TickFeed:
        job = self.job
        bars = [SeriesId(it, Kind.CANDLES, job.interval) for it in job.instruments]
        series = [*bars, *self.p.streams, *self.p.marks.values()]
        return TickFeed(self._history, self.p.instruments, series, job.since, job.until, self._step)

    def _moments(self, feed: Any) -> Iterator[int]:
        looked = 0
        for at, rows in feed.moments():
            if at > self.job.until:
                break  # a candle that was not over
            if not self.sample_at:
                self.begin(at, [])
                self.sample_at = at // self._step * self._step + self._step
            while at > self.sample_at:
                self.until(self.sample_at)
                self.sample(self.sample_at)
            self._moment(at, rows)
            looked += 1
            if looked == LOOK_EVERY:
                looked = 0
                yield at

    def _moment(self, at: int, rows: list[Told]) -> None:
        """Everything stated at ``at``: marks of candles that are over, funding, then the venue, then who hears of it,
        then orders that arrive."""
        if self.agenda.next < at:
            self.until(at - 1)
        self.now = at
        self.note_watches()
        self._said(self._taken_in(at, [it for it in rows if it[0] is Row.MARK]))
        if self.agenda.next <= at:
            self.until(at, Due.FUNDING)
        said = self._taken_in(at, [it for it in rows if it[0] not in (Row.MARK, Row.BAR)])
        said += self._liquidated(at, {place for _, place, _ in rows})
        self._said(said)
        for event in self._heard(at, rows):
            self._hear(event)
        bars = [(place, values) for row, place, values in rows if row is Row.BAR]
        if bars:
            self.done += len(bars)
            self._close(at, bars)
        if self.agenda.next <= at:
            self.until(at)

    def _taken_in(self, at: int, rows: list[Told]) -> list[Event]:
        return [event for row, place, it in rows for event in self._taken[row](self.slots[place], it, at)]

    def _liquidated(self, at: int, places: set[int]) -> list[Event]:
        """An exchange for which nothing waits learns of a price that may liquidate."""
        events: list[Event] = []
        for place in sorted(places):
            slot = self.slots[place]
            price = slot.display.mark or slot.display.price
            if slot.held and price and slot.leaves_bounds(price, price, self.share):
                events += self.venue.tell(slot.instrument, at)
                self._forget_bounds()
        return events

    # --- what the strategies hear

    def _heard(self, at: int, rows: list[Told]) -> Iterator[Event]:
        """Prints and books one by one; of prices and touch where they stand after all of the moment."""
        following = self.engine.host.following
        for row, place, values in rows:
            i = self.slots[place].instrument
            if row is Row.TRADE and following.of("trades", i):
                side, price, size = values
                yield TradePrinted(at, at, i, side, price, size, "")
            elif row is Row.BOOK and following.of("book", i):
                yield self._book(at, i, *values)
        for place in dict.fromkeys(place for row, place, _ in rows if row is not Row.BAR):
            yield from self._stand(at, self.slots[place].instrument)

    def _stand(self, at: int, i: InstrumentId) -> Iterator[Event]:
        display = self.venue.streams[i]
        if not display.price:
            return
        touch = display.touch_and_sizes()
        prices = display.price, display.mark or display.price
        if prices != self._prices.get(i):
            self._prices[i] = prices
            last, mark = prices
            ticker = Ticker(last, mark, mark, touch[0], touch[2], self._rates.get(i, 0.0))
            yield TickerChanged(at, at, i, ticker)
        if touch[0] and touch != self._touches.get(i):
            self._touches[i] = touch
            yield QuoteChanged(at, at, i, *touch)

    def _book(self, at: int, i: InstrumentId, start: bool, bids: dict[int, int], asks: dict[int, int]) -> BookChanged:
        it = self.venue.instruments[i]
        tick, lot = it.tick_size, it.lot_size
        levels = [
            tuple((float(abs(key) * tick), float(lots * lot)) for key, lots in sorted(side.items()))
            for side in (bids, asks)
        ]
        self._updates = 1 if start else self._updates + 1
        return BookChanged(at, at, i, self._depths[i], start, levels[0], levels[1], self._updates)

    def _close(self, end: int, rows: list[tuple[int, Candle]]) -> None:
        """The candles are final; where the touch stands the strategies know."""
        interval, heard = self.job.interval, end + self.latency.market(end)
        for place, row in rows:
            slot, bar = self.slots[place], Bar(*row)
            self._close_one(end, BarClosed(heard, end, slot.instrument, interval, bar))
            for longer in slot.longer:
                for made in longer.add(bar):
                    self._close_one(end, BarClosed(heard, end, slot.instrument, longer.interval, made))

    def _result(self, feed: Any, done: int, interrupted: bool, spent: tuple[float, float]) -> BacktestResult:
        made = super()._result(feed, done, interrupted, spent)
        off = [f"{count} of {i}" for i, count in zip(self.job.instruments, feed.off_tick, strict=True) if count]
        if not off:
            return made
        text = f"prices off the tick were put on it, against us: {', '.join(off)}; are the instrument's filters right?"
        return replace(made, warnings=(*made.warnings, Warned("off_tick", text)))

    def _fund(self, what: tuple[InstrumentId, Any], now: int) -> None:
        """A settlement, at the mark as it stood before anything of its moment."""
        instrument, rate = what
        self._rates[instrument] = float(rate)
        if self._slot_of[instrument].held:
            self._said(self.venue.settle(instrument, rate, now))
        self._prices.pop(instrument, None)  # so that the rate is heard
        for event in self._stand(now, instrument):
            self._hear(event)
