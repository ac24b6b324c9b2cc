"""One instrument's market as everybody may see it: last price, book, tape, candles."""

from collections import deque
from decimal import Decimal
from uuid import UUID

from msgspec import Struct

from tradectl.matching.bar_path import Print
from tradectl.model.instruments import Instrument
from tradectl.model.orders import Side
from tradectl.sandbox.market.bars import BarHistory
from tradectl.sandbox.market.forming import Forming
from tradectl.sandbox.market.liquidity import Levels, Liquidity
from tradectl.sandbox.market.mixing import mix, salt
from tradectl.sandbox.market.records import ONE, Bar, Kline, Tick
from tradectl.sandbox.market.turnover import worth_of

#: Prints kept for ``recent-trade``.
TAPE_LENGTH = 1000


class PublicPrint(Struct, frozen=True, gc=False):
    """A print on the public tape. ``direction`` is Bybit's tick direction; ``number`` counts per instrument."""

    at: int
    price: Decimal
    qty: Decimal
    side: Side
    direction: str
    number: int
    seq: int


class Quote(Struct, array_like=True):
    """What the displayed book follows from: the print it stands around and the number of the step."""

    price: Decimal
    side: Side
    number: int = 0


class InstrumentMarket:
    """The public state of one instrument. It changes by :meth:`take`, :meth:`close` and :meth:`requote` alone."""

    def __init__(self, instrument: Instrument, liquidity: Liquidity, history: BarHistory, price: Decimal) -> None:
        self.instrument = instrument
        self.history = history
        self.last = price
        self.side = Side.BUY
        self.ratio = ONE
        self.quote = Quote(price, Side.BUY)
        self.forming: Forming | None = None
        self.tape: deque[PublicPrint] = deque(maxlen=TAPE_LENGTH)
        self.printed = 0
        self._liquidity = liquidity
        self._direction = "ZeroPlusTick"
        self._salt = salt(instrument.id, "print")
        self._worth = worth_of(instrument.id)
        self._index_step = instrument.tick_size.scaleb(-1)
        self._book: tuple[int, int, tuple[Levels, Levels]] | None = None

    # --- changes --------------------------------------------------------------------------------------------------

    def take(self, tick: Tick, at: int, seq: int, bar_open: int) -> list[PublicPrint]:
        """Take in the prints of one moment; returns them as the public tape shows them."""
        if self.forming is None or self.forming.open_time != bar_open:
            self.forming = Forming(bar_open, self.last, self._worth)
        self.forming.add(tick.prints, tick.index_ratio)
        self.ratio = tick.index_ratio
        public = [self._public(one, at, seq) for one in tick.prints]
        self.tape.extend(public)
        return public

    def _public(self, one: Print, at: int, seq: int) -> PublicPrint:
        if one.price != self.last:
            self._direction = "PlusTick" if one.price > self.last else "MinusTick"
        elif not self._direction.startswith("Zero"):
            self._direction = f"Zero{self._direction}"
        self.last, self.side = one.price, one.side
        self.printed += 1
        return PublicPrint(at, one.price, one.qty, one.side, self._direction, self.printed, seq)

    def close(self, bar: Bar) -> None:
        """The candle in the making is final."""
        self.history.add(bar.kline)
        self.last = bar.kline.close
        self.forming = None

    def requote(self) -> None:
        """Let the displayed book follow the last print."""
        self.quote = Quote(self.last, self.side, self.quote.number + 1)

    def recall(self, prints: list[Print], at: int) -> None:
        """Put prints of the past on the tape of a market that has just been opened."""
        for one in prints:
            number = len(self.tape) - TAPE_LENGTH
            self.tape.append(PublicPrint(at, one.price, one.qty, one.side, self._direction, number, 0))

    # --- views ----------------------------------------------------------------------------------------------------

    @property
    def direction(self) -> str:
        return self._direction

    @property
    def index(self) -> Decimal:
        """The index price: the fair price without this instrument's basis."""
        return self.last if self.ratio == 1 else (self.last * self.ratio).quantize(self._index_step)

    @property
    def mark(self) -> Decimal:
        """The mark price: half way between the last print and the index."""
        return self.last if self.ratio == 1 else ((self.last + self.index) / 2).quantize(self._index_step)

    def book(self, depth: int) -> tuple[Levels, Levels]:
        """The displayed book, best first, at most ``depth`` levels a side; do not change the lists."""
        number = self.quote.number
        if self._book is None or self._book[0] != number or self._book[1] < depth:
            levels = self._liquidity.levels(self.quote.price, self.quote.side, number, depth)
            self._book = (number, depth, levels)
        made, levels = self._book[1:]
        return levels if made == depth else (levels[0][:depth], levels[1][:depth])

    def print_id(self, number: int) -> str:
        """The id of a print, like Bybit's a UUID."""
        high, low = mix(self._salt + 2 * number), mix(self._salt + 2 * number + 1)
        return str(UUID(int=high << 64 | low, version=5))

    def open_kline(self, bar_open: int) -> Kline:
        """The still-open candle that began at ``bar_open``; flat at the last price before its first print."""
        if self.forming is not None and self.forming.open_time == bar_open:
            return self.forming.kline()
        return Forming(bar_open, self.last, self._worth).kline()
