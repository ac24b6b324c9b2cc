"""The whole market: it plays its tape moment by moment against the matching engine and keeps what can be seen."""

from collections.abc import Iterable

import msgspec
from msgspec import Struct

from tradectl.matching.exchange import Exchange
from tradectl.matching.records import Happening
from tradectl.model.instruments import InstrumentId
from tradectl.sandbox.market.funding_rates import FundingRates, next_settlement
from tradectl.sandbox.market.instrument_market import InstrumentMarket, PublicPrint, Quote
from tradectl.sandbox.market.liquidity import MATCHED_DEPTH
from tradectl.sandbox.market.records import Bar, Moment
from tradectl.sandbox.market.tape import Tape


class Played(Struct, frozen=True):
    """What one moment did. ``quoted`` names the instruments whose displayed book was set anew."""

    at: int
    happenings: list[Happening]
    prints: list[tuple[InstrumentMarket, list[PublicPrint]]]
    closes: tuple[Bar, ...]
    quoted: list[InstrumentMarket]


class _Place(Struct, array_like=True):
    """Where the market stands, so that another process continues at exactly this moment."""

    now: int
    seq: int
    settlement: int
    tape: bytes
    instruments: list[tuple[Quote, int]]  # displayed quote, prints so far


class Market:
    """All instruments, one tape and the funding schedule; ``interval`` is the length of the tape's candles.

    ``eager``: books follow every moment. Else (stepped) they follow when a candle closes, or when something happened
    to an account, because nobody acts on a book in between.
    """

    def __init__(
        self, markets: Iterable[InstrumentMarket], tape: Tape, funding: FundingRates, interval: int, *, eager: bool
    ) -> None:
        self.instruments: dict[InstrumentId, InstrumentMarket] = {m.instrument.id: m for m in markets}
        self.funding = funding
        self.interval = interval
        self.seq = 0
        self._tape = tape
        self._eager = eager
        due = tape.due()
        self.now = (due - due % interval) if due is not None else 0
        self._settlement = next_settlement(self.now)

    def due(self) -> int | None:
        """Venue time of the next moment, ``None`` when the data has ended."""
        return self._tape.due()

    def show(self, exchange: Exchange) -> list[Happening]:
        """Give the matching engine the prices and books as they are displayed now."""
        happenings: list[Happening] = []
        for market in self.instruments.values():
            happenings += exchange.set_last(market.instrument.id, market.last, self.now)
            happenings += exchange.set_mark(market.instrument.id, market.mark, market.index, self.now)
            happenings += self._set_book(exchange, market)
        return happenings

    def play(self, exchange: Exchange, at: int) -> Played:
        """Take the next moment of the tape; ``at`` is when (its due time, or later if requests came in between)."""
        moment = self._tape.take()
        happenings = self._settle(exchange, moment.at)
        self.now = at
        self.seq += 1
        prints = []
        touched = []
        for tick in moment.ticks:
            market = self.instruments[tick.instrument]
            touched.append(market)
            if tick.prints:
                prints.append((market, market.take(tick, at, self.seq, self._bar_open(moment.at))))
                for one in tick.prints:
                    happenings += exchange.print_trade(tick.instrument, one.side, one.price, one.qty, at)
                happenings += exchange.set_mark(tick.instrument, market.mark, market.index, at)
        for bar in moment.closes:
            self.instruments[bar.instrument].close(bar)
        quoted = self._quoted(touched, bool(moment.closes), bool(happenings))
        for market in quoted:
            market.requote()
            happenings += self._set_book(exchange, market)
        return Played(at, happenings, prints, moment.closes, quoted)

    def _quoted(self, touched: list[InstrumentMarket], closing: bool, happened: bool) -> list[InstrumentMarket]:
        if self._eager:
            return touched
        return list(self.instruments.values()) if closing or happened else []

    def _set_book(self, exchange: Exchange, market: InstrumentMarket) -> list[Happening]:
        bids, asks = market.book(MATCHED_DEPTH)
        return exchange.set_book(market.instrument.id, bids, asks, self.now)

    def _settle(self, exchange: Exchange, until: int) -> list[Happening]:
        """Exchange the funding of every settlement up to ``until``: only what was held at that instant pays."""
        happenings: list[Happening] = []
        while self._settlement <= until:
            for market in self.instruments.values():
                if market.instrument.funding_interval:
                    rate = self.funding.rate(market.instrument.id, self._settlement)
                    happenings += exchange.settle_funding(market.instrument.id, rate, self._settlement)
            self._settlement = next_settlement(self._settlement)
        return happenings

    def _bar_open(self, at: int) -> int:
        return at - at % self.interval

    # --- saved places -----------------------------------------------------------------------------------------------

    def save(self) -> bytes:
        """The place after the last moment played."""
        return msgspec.msgpack.encode(
            _Place(
                self.now,
                self.seq,
                self._settlement,
                self._tape.save(),
                [(market.quote, market.printed) for market in self.instruments.values()],
            )
        )

    def resume(self, place: bytes) -> None:
        """Go to a saved place. The histories must hold the closed candles already."""
        saved = msgspec.msgpack.decode(place, type=_Place)
        self.now, self.seq, self._settlement = saved.now, saved.seq, saved.settlement
        played = self._tape.resume(saved.tape)
        for market, (quote, printed) in zip(self.instruments.values(), saved.instruments, strict=True):
            market.quote = quote
            market.printed = printed - sum(
                len(tick.prints)
                for moment in played
                for tick in moment.ticks
                if tick.instrument == market.instrument.id
            )
        for moment in played:
            self._replay(moment)

    def _replay(self, moment: Moment) -> None:
        """A moment since the last close that was played before: see its prints again, without the engine."""
        for tick in moment.ticks:
            if tick.prints:
                self.instruments[tick.instrument].take(tick, moment.at, self.seq, self._bar_open(moment.at))
