"""The book of an instrument for which only prices are known: its levels follow from price, spread and liquidity."""

from decimal import Decimal
from math import ceil, floor

from tradectl.model.instruments import Instrument
from tradectl.model.money import exact
from tradectl.model.orders import Side
from tradectl.simulation.models import FixedSlippage, FixedSpread, Models, VolumeShare

#: Size of a level without bound: more than any order may be, in lots.
BOUNDLESS = 1 << 60
#: Levels a tick apart when each holds a bounded size.
LEVELS = 20


class Display:
    """Where the market of one instrument stands. ``price`` is the last, ``mark`` 0.0 where nobody states one (then it
    is the price); ``volume`` is what the bar in progress trades. What follows from them is worked out when asked for.
    """

    __slots__ = (
        "_endless", "_half", "_lot", "_models", "_slips", "_tick", "_whole", "digits", "half", "instrument", "mark",
        "price", "volume",
    )  # fmt: skip

    def __init__(self, instrument: Instrument, models: Models) -> None:
        self.instrument = instrument
        self._models = models
        tick = instrument.tick_size
        self._tick, self._lot = float(tick), instrument.lot_size
        self.digits = max(0, -int(tick.as_tuple().exponent))
        spread, slippage, liquidity = models.spread, models.slippage, models.liquidity
        constant = isinstance(spread, FixedSpread) and not spread.bps
        #: What models that always say the same say: half the spread in ticks (-1: it varies), no slippage, any size.
        self._half = spread.half(instrument, 1.0) if constant else -1
        self._slips = not isinstance(slippage, FixedSlippage) or bool(slippage.bps or slippage.impact_bps)
        self._endless = isinstance(liquidity, VolumeShare) and not liquidity.share
        #: Where the spread never changes and the tick is a power of ten: half of it as a price; else -1.
        self.half = self._tick * self._half if constant and tick.as_tuple().digits == (1,) else -1.0
        self._whole = constant and self.half >= 0
        self.price = self.mark = self.volume = 0.0

    def touch(self) -> tuple[float, float]:
        """Bid and ask; rounding to the tick's decimals makes them the floats their text would be."""
        price, digits, half = self.price, self.digits, self.half
        if self._whole and price - half > self._tick / 2 and round(price, digits) == price:  # a bid is at least a tick
            return round(price - half, digits) if half else price, round(price + half, digits) if half else price
        bid, ask = self.ticks()
        return round(bid * self._tick, digits), round(ask * self._tick, digits)

    def ticks(self) -> tuple[int, int]:
        """Bid and ask in ticks: around the price, from the ticks on either side of it where it is between two."""
        ticks = self.price / self._tick
        whole = round(ticks)
        half = self._half if self._half >= 0 else self._models.spread.half(self.instrument, self.price)
        off, far = abs(ticks - whole), abs(ticks) * 1e-6
        if off < (1e-6 if far <= 1.0 else 1e-6 * far):
            return whole - half if whole > half else 1, whole + half
        return max(floor(ticks) - half, 1), ceil(ticks) + half

    @property
    def on_tick(self) -> Decimal:
        """The last price, on the tick nearest to it."""
        return self.last_and_mark()[0]

    def last_and_mark(self) -> tuple[Decimal, Decimal]:
        """The last price, on the tick nearest to it, and the mark, wherever it is."""
        price, tick = exact(self.price), self.instrument.tick_size
        last = price if not price % tick else round(price / tick) * tick
        return last, exact(self.mark) if self.mark else price

    @property
    def passive(self) -> int:
        """Lots that trade with resting orders at each price of the bar: none in one without volume."""
        if self.volume <= 0:
            return 0
        size = self._models.liquidity.passive(self.instrument, self.volume)
        return BOUNDLESS if size is None else int(size / self._lot)

    def taken(self) -> tuple[dict[int, int], dict[int, int]]:
        """Both sides as orders that fire find them, whichever side they take: shifted against them by the slippage."""
        if isinstance(self._models.slippage, FixedSlippage) and not self._models.slippage.bps:
            return self.sides()
        return self.sides(Side.SELL)[0], self.sides(Side.BUY)[1]

    def sides(self, taker: Side | None = None, qty: Decimal = Decimal(0)) -> tuple[dict[int, int], dict[int, int]]:
        """Both sides by key in lots, as a taker of ``qty`` finds them: shifted against him by the slippage."""
        bid, ask = self.ticks()
        if self._slips and taker is not None:
            worse = self._models.slippage.worse(self.instrument, taker, qty, self.price, self.volume)
            if taker is Side.BUY:
                ask += worse
            else:
                bid = max(bid - worse, 1)
        size = None if self._endless else self._models.liquidity.touch(self.instrument, self.volume)
        if size is None:
            return {-bid: BOUNDLESS}, {ask: BOUNDLESS}
        lots = int(size / self._lot)
        if not lots:
            return {}, {}
        below = range(bid, max(bid - LEVELS, 0), -1)
        return {-key: lots for key in below}, dict.fromkeys(range(ask, ask + LEVELS), lots)
