"""A simulated venue that the market data of a record moves: quotes, prints, tickers and candles in recorded order."""

from collections.abc import Iterable, Mapping
from decimal import Decimal

from tradectl.backtest.recorded import Market, Settlement
from tradectl.model.events import BarClosed, Event, QuoteChanged, TickerChanged, TradePrinted
from tradectl.model.instruments import Instrument, InstrumentId
from tradectl.model.market_data import INTERVALS, Ticker
from tradectl.model.money import exact
from tradectl.simulation.models import Models
from tradectl.simulation.path import corners
from tradectl.simulation.streamed_venue import StreamedVenue


class RecordedVenue:
    """``now`` is the venue's time: that of the newest market data. Everything returned is to be told to the engine."""

    def __init__(
        self, instruments: Iterable[Instrument], models: Models,
        settlements: Mapping[tuple[InstrumentId, int], Settlement], *, leverage: Decimal, hedge: bool, now: int,
    ) -> None:  # fmt: skip
        self.venue = StreamedVenue(instruments, models, cash={}, seed="parity", leverage=leverage, hedge=hedge, now=now)
        self._displays = self.venue.streams
        self.now = now
        self._models = models
        self._charged = settlements
        self._due = sorted((it for it in settlements.values()), key=lambda it: (it.ts, it.instrument))
        self._announced: dict[InstrumentId, Ticker] = {}
        self._tickers: dict[InstrumentId, Ticker] = {}
        self._printed: dict[InstrumentId, int] = {}
        self._walked: dict[InstrumentId, int] = {}

    def hear(self, moment: list[Market]) -> list[Event]:
        """Market data of one moment. Candles come first: what happened inside them happened before the rest."""
        events: list[Event] = []
        for event in sorted(moment, key=lambda it: not isinstance(it, BarClosed)):
            if event.instrument not in self._displays:
                continue
            self.now = max(self.now, event.ts)
            events += self._settle_due()
            events += self._heard(event)
        return events

    def _heard(self, event: Market) -> list[Event]:
        if isinstance(event, BarClosed):
            return self._bar(event)
        if isinstance(event, QuoteChanged):
            return self._quote(event)
        if isinstance(event, TradePrinted):
            return self._print(event)
        return self._ticker(event)

    # --- kinds of market data

    def _quote(self, event: QuoteChanged) -> list[Event]:
        it = self._displays[event.instrument].instrument
        tick, lot = it.tick_size, it.lot_size
        bid, ask = int(exact(event.bid) / tick), int(exact(event.ask) / tick)
        bid_lots, ask_lots = int(exact(event.bid_size) / lot), int(exact(event.ask_size) / lot)
        return self.venue.quote(it.id, self.now, bid, bid_lots, ask, ask_lots)

    def _print(self, event: TradePrinted) -> list[Event]:
        self._printed[event.instrument] = event.ts
        return self.venue.printed(event.instrument, self.now, event.side, event.price, event.size)

    def _ticker(self, event: TickerChanged) -> list[Event]:
        i, ticker = event.instrument, event.ticker
        events = self._announced_funding(event)
        self._tickers[i] = ticker
        self.venue.stand(i, ticker.last, ticker.mark)
        self._displays[i].has_tape = True
        if self.venue.is_watching(i) or self.venue.bounds(i) is not None:
            events += self.venue.tell(i, self.now)
        return events

    def _bar(self, event: BarClosed) -> list[Event]:
        """The way inside a candle, where nobody recorded prints and an order waits for it."""
        i, bar = event.instrument, event.bar
        end = bar.open_time + INTERVALS[event.interval]
        known = max(self._printed.get(i, 0), self._walked.get(i, 0))
        self._walked[i] = max(self._walked.get(i, 0), end)
        if known > bar.open_time or not self.venue.is_watching(i):
            self.venue.stand(i, bar.close, self._mark(i) or event.mark)
            return []
        display, events = self._displays[i], []
        display.inside = True
        display.volume = bar.volume
        for price in corners(self._models.path, bar.open, bar.high, bar.low, bar.close):
            events += self.venue.step(i, price, self.now)
        display.inside = False
        display.is_told = False
        display.mark = self._mark(i) or display.mark
        return events + self.venue.tell(i, self.now)

    def _mark(self, i: InstrumentId) -> float:
        ticker = self._tickers.get(i)
        return ticker.mark if ticker is not None else 0.0

    # --- funding

    def _settle_due(self) -> list[Event]:
        """Settlements the record tells of, at their own price."""
        events: list[Event] = []
        while self._due and self._due[0].ts <= self.now:
            it = self._due.pop(0)
            events += self._settle(it.instrument, it.rate, float(it.price), it.ts)
        return events

    def _announced_funding(self, event: TickerChanged) -> list[Event]:
        """A settlement at which the recorded account held nothing: the rate is what was announced last."""
        i, before = event.instrument, self._announced.get(event.instrument)
        self._announced[i] = event.ticker
        if before is None or not before.next_funding or before.next_funding == event.ticker.next_funding:
            return []
        if event.ts < before.next_funding or (i, before.next_funding) in self._charged or not before.funding_rate:
            return []
        return self._settle(i, exact(before.funding_rate), before.mark or before.last, before.next_funding)

    def _settle(self, i: InstrumentId, rate: Decimal, price: float, ts: int) -> list[Event]:
        if i not in self._displays or self._displays[i].instrument.is_spot:
            return []
        self.venue.stand(i, self._displays[i].price or price, price)
        events = self.venue.tell(i, self.now) + self.venue.settle(i, rate, ts)
        self.venue.stand(i, self._displays[i].price, self._mark(i))
        return events
