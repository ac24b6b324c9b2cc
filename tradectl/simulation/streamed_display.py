"""The book of an instrument as streams show it: the quoted touch with its size, and depth a tick behind it."""

from decimal import Decimal

from tradectl.model.instruments import Instrument
from tradectl.model.orders import Side
from tradectl.simulation.display import BOUNDLESS, LEVELS, Display
from tradectl.simulation.models import Models

SECOND = 10**9
#: Bid, its size, ask, its size: ticks and lots.
Touch = tuple[int, int, int, int]


class StreamedDisplay(Display):
    """A :class:`Display` that shows what was quoted; where nothing was, or ``inside`` a candle, bid and ask follow from
    the price.

    Of a touch nobody says what stands behind it: one tick away trades what the liquidity model says, by default any
    size. With ``has_book`` the exchange has the whole book, and this only its touch. ``volume`` is what the second in
    progress traded. ``has_tape``: prints state the price; without them it is the middle of the touch.
    ``awaits_quotes``: before the first one there is no market.
    """

    __slots__ = ("_digits", "_quote", "_second", "awaits_quotes", "has_book", "has_tape", "inside", "is_told")

    def __init__(self, instrument: Instrument, models: Models) -> None:
        super().__init__(instrument, models)
        self._quote: Touch | None = None
        self._second = 0
        self._digits = max(0, -int(instrument.tick_size.as_tuple().exponent)) + 1
        self.inside = self.has_book = self.has_tape = self.awaits_quotes = False
        self.is_told = True

    @property
    def is_quoted(self) -> bool:
        return (self._quote is not None or self.awaits_quotes) and not self.inside

    def quoted(self, bid: int, bid_lots: int, ask: int, ask_lots: int) -> None:
        """The touch in ticks and lots as the venue stated it; with an empty side, what was quoted before stands."""
        if bid < 1 or ask < bid:
            return
        self._quote = bid, bid_lots, ask, ask_lots
        self.is_told = False
        if not self.has_tape:
            self.price = round((bid + ask) / 2 * self._tick, self._digits)

    def printed(self, price: float, size: float, now: int) -> None:
        """A public trade."""
        second = now // SECOND
        self.volume = self.volume + size if second == self._second else size
        self._second, self.price, self.has_tape = second, price, True

    def ticks(self) -> tuple[int, int]:
        """Bid and ask in ticks: as quoted, wherever the last price is."""
        if self._quote is None or self.inside:
            return super().ticks()
        return self._quote[0], self._quote[2]

    def touch(self) -> tuple[float, float]:
        """Bid and ask as quoted; 0.0 before any price."""
        if self._quote is None or self.inside:
            return super().touch() if self.price and not self.is_quoted else (0.0, 0.0)
        tick = self.instrument.tick_size
        return float(self._quote[0] * tick), float(self._quote[2] * tick)

    def touch_and_sizes(self) -> tuple[float, float, float, float]:
        """Bid, its size, ask, its size; sizes 0.0 where nobody stated them."""
        bid, ask = self.touch()
        if self._quote is None or self.inside:
            return bid, 0.0, ask, 0.0
        return bid, float(self._quote[1] * self._lot), ask, float(self._quote[3] * self._lot)

    def sides(self, taker: Side | None = None, qty: Decimal = Decimal(0)) -> tuple[dict[int, int], dict[int, int]]:
        """Both sides by key in lots."""
        if self._quote is None or self.inside:
            return super().sides(taker, qty) if self.price and not self.is_quoted else ({}, {})
        bid, bid_lots, ask, ask_lots = self._quote
        size = self._models.liquidity.touch(self.instrument, self.volume)
        lots, levels = (BOUNDLESS, 1) if size is None else (int(size / self._lot), LEVELS)
        bids = dict.fromkeys(range(1 - bid, min(1 - bid + levels, 0)), lots) if lots else {}
        asks = dict.fromkeys(range(ask + 1, ask + 1 + levels), lots) if lots else {}
        return ({-bid: bid_lots} if bid_lots else {}) | bids, ({ask: ask_lots} if ask_lots else {}) | asks
