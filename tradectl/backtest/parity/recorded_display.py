"""The book of an instrument as the record shows it: the quoted touch with its size, and depth a tick behind it."""

from decimal import Decimal

from tradectl.model.instruments import Instrument
from tradectl.model.money import exact
from tradectl.model.orders import Side
from tradectl.simulation.display import BOUNDLESS, Display
from tradectl.simulation.models import Models

#: Bid, its size, ask, its size: ticks and lots.
Touch = tuple[int, int, int, int]


class RecordedDisplay(Display):
    """A :class:`Display` that shows what was quoted; where nothing was, or inside a candle, bid and ask follow from
    the price. Nobody recorded what stood behind the touch: there, one tick away, any size trades."""

    __slots__ = ("_quote", "inside")

    def __init__(self, instrument: Instrument, models: Models) -> None:
        super().__init__(instrument, models)
        self._quote: Touch | None = None
        self.inside = False

    @property
    def is_quoted(self) -> bool:
        return self._quote is not None and not self.inside

    def quoted(self, bid: float, bid_size: float, ask: float, ask_size: float) -> None:
        """The touch as the venue stated it."""
        tick = self.instrument.tick_size
        low, high = int(exact(bid) / tick), int(exact(ask) / tick)
        if low < 1 or high < low:
            return  # one side is empty: what was quoted before stands
        self._quote = low, self._lots(bid_size), high, self._lots(ask_size)

    def _lots(self, size: float) -> int:
        return int(exact(size) / self.instrument.lot_size)

    def ticks(self) -> tuple[int, int]:
        """Bid and ask in ticks: as quoted, wherever the last price is."""
        if self._quote is None or self.inside:
            return super().ticks()
        return self._quote[0], self._quote[2]

    def touch(self) -> tuple[float, float]:
        """Bid and ask as quoted."""
        if self._quote is None or self.inside:
            return super().touch()
        tick = self.instrument.tick_size
        return float(self._quote[0] * tick), float(self._quote[2] * tick)

    def sides(self, taker: Side | None = None, qty: Decimal = Decimal(0)) -> tuple[dict[int, int], dict[int, int]]:
        """Both sides by key in lots."""
        if self._quote is None or self.inside:
            return super().sides(taker, qty)
        bid, bid_lots, ask, ask_lots = self._quote
        bids = {-bid: bid_lots} if bid_lots else {}
        if bid > 1:
            bids[1 - bid] = BOUNDLESS
        asks = {ask: ask_lots} if ask_lots else {}
        return bids, asks | {ask + 1: BOUNDLESS}
