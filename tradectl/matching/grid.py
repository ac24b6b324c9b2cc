"""The integer grid of an instrument: prices in ticks and sizes in lots, so that matching compares whole numbers."""

from decimal import Decimal

from msgspec import Struct

from tradectl.model.instruments import Instrument
from tradectl.model.money import floor_to


class Grid(Struct, frozen=True):
    """Tick, lot and their product (the value of one lot at one tick)."""

    tick: Decimal
    lot: Decimal
    tick_lot: Decimal

    @classmethod
    def of(cls, instrument: Instrument) -> "Grid":
        return cls(instrument.tick_size, instrument.lot_size, instrument.tick_size * instrument.lot_size)

    def ticks(self, price: Decimal) -> int:
        """``price`` in ticks. Raises ``ValueError`` when it is no multiple of the tick."""
        count = price / self.tick
        whole = int(count)
        if whole != count:
            raise ValueError(f"price {price} is not a multiple of the tick {self.tick}")
        return whole

    def lots(self, qty: Decimal) -> int:
        """``qty`` in lots. Raises ``ValueError`` when it is no multiple of the lot."""
        count = qty / self.lot
        whole = int(count)
        if whole != count:
            raise ValueError(f"size {qty} is not a multiple of the lot {self.lot}")
        return whole

    def whole_lots(self, qty: Decimal) -> int:
        """The whole lots in ``qty`` (>= 0): what can really be traded of it."""
        return int(qty / self.lot)

    def ticks_below(self, price: Decimal) -> int:
        """The highest tick not above ``price``."""
        return self.ticks(floor_to(price, self.tick))

    def ticks_above(self, price: Decimal) -> int:
        """The lowest tick not below ``price``."""
        return -self.ticks(floor_to(-price, self.tick))

    def price(self, ticks: int) -> Decimal:
        return ticks * self.tick

    def qty(self, lots: int) -> Decimal:
        return lots * self.lot

    def value(self, ticks: int, lots: int) -> Decimal:
        """Exact quote value of ``lots`` at ``ticks``."""
        return (ticks * lots) * self.tick_lot
