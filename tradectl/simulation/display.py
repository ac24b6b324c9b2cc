"""The book of an instrument for which only prices are known: its levels follow from price, spread and liquidity."""

from decimal import Decimal
from math import ceil, floor

from tradectl.model.instruments import Instrument
from tradectl.model.money import exact
from tradectl.model.orders import Side
from tradectl.simulation.models import Models

#: Size of a level without bound: more than any order may be, in lots.
BOUNDLESS = 1 << 60
#: Levels a tick apart when each holds a bounded size.
LEVELS = 20


class Display:
    """Where the market of one instrument stands. ``price`` is the last; ``volume`` what the bar in progress trades."""

    __slots__ = (
        "_digits",
        "_lot",
        "_models",
        "_tick",
        "ask",
        "bid",
        "instrument",
        "lots",
        "mark",
        "passive",
        "price",
        "volume",
    )

    def __init__(self, instrument: Instrument, models: Models) -> None:
        self.instrument = instrument
        self._models = models
        self._tick, self._lot = float(instrument.tick_size), instrument.lot_size
        self._digits = max(0, -int(instrument.tick_size.as_tuple().exponent))
        self.price = self.mark = 0.0  # a mark of 0.0: nobody states one, so it is the price
        self.volume = 0.0
        self.lots = self.passive = BOUNDLESS
        self.bid = self.ask = 0

    def trades(self, volume: float) -> None:
        """A new bar begins, which will trade ``volume``."""
        self.volume = volume
        touch = self._models.liquidity.touch(self.instrument, volume)
        passive = self._models.liquidity.passive(self.instrument, volume)
        self.lots = BOUNDLESS if touch is None else int(touch / self._lot)
        self.passive = (BOUNDLESS if passive is None else int(passive / self._lot)) if volume > 0 else 0

    def at(self, price: float, mark: float = 0.0) -> None:
        """The last price is ``price``: bid and ask in ticks around it."""
        self.price, self.mark = price, mark
        ticks = price / self._tick
        whole = round(ticks)
        half = self._models.spread.half(self.instrument, price)
        if abs(ticks - whole) < 1e-6 * max(1.0, abs(ticks) * 1e-6):
            self.bid, self.ask = whole - half, whole + half
        else:
            self.bid, self.ask = floor(ticks) - half, ceil(ticks) + half
        self.bid = max(self.bid, 1)

    def touch(self) -> tuple[float, float]:
        """Bid and ask; rounding to the tick's decimals makes them the floats their text would be."""
        return round(self.bid * self._tick, self._digits), round(self.ask * self._tick, self._digits)

    @property
    def on_tick(self) -> Decimal:
        """The last price, on the tick nearest to it."""
        price = exact(self.price)
        tick = self.instrument.tick_size
        return price if not price % tick else round(price / tick) * tick

    def sides(self, taker: Side | None = None, qty: Decimal = Decimal(0)) -> tuple[dict[int, int], dict[int, int]]:
        """Both sides by key in lots, as a taker of ``qty`` finds them: shifted against him by the slippage."""
        bid, ask = self.bid, self.ask
        if taker is not None:
            worse = self._models.slippage.worse(self.instrument, taker, qty, self.price, self.volume)
            if taker is Side.BUY:
                ask += worse
            else:
                bid = max(bid - worse, 1)
        if self.lots == BOUNDLESS:
            return {-bid: BOUNDLESS}, {ask: BOUNDLESS}
        if not self.lots:
            return {}, {}
        below = range(bid, max(bid - LEVELS, 0), -1)
        return {-key: self.lots for key in below}, dict.fromkeys(range(ask, ask + LEVELS), self.lots)
