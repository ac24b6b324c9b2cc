"""The integer grid of an instrument: prices in ticks and sizes in lots, so that matching compares whole numbers."""

from decimal import Decimal

from msgspec import Struct

from tradectl.model.instruments import Category, Instrument
from tradectl.model.money import ZERO, to_coin


class Grid(Struct, frozen=True):
    """Tick, lot and their product (the value of one lot at one tick); ``inverse`` for contracts in USD."""

    tick: Decimal
    lot: Decimal
    tick_lot: Decimal
    inverse: bool = False

    @classmethod
    def of(cls, instrument: Instrument) -> "Grid":
        tick, lot = instrument.tick_size, instrument.lot_size
        return cls(tick, lot, tick * lot, instrument.id.category is Category.INVERSE)

    def ticks(self, price: Decimal) -> int:
        """``price`` in ticks. Raises ``ValueError`` when it is no multiple of the tick."""
        whole = int(price / self.tick)
        if whole * self.tick != price:
            raise ValueError(f"price {price} is not a multiple of the tick {self.tick}")
        return whole

    def lots(self, qty: Decimal) -> int:
        """``qty`` in lots. Raises ``ValueError`` when it is no multiple of the lot."""
        whole = int(qty / self.lot)
        if whole * self.lot != qty:
            raise ValueError(f"size {qty} is not a multiple of the lot {self.lot}")
        return whole

    def whole_lots(self, qty: Decimal) -> int:
        """The whole lots in ``qty`` (>= 0): what can really be traded of it."""
        return int(qty / self.lot)

    def ticks_below(self, price: Decimal) -> int:
        """The highest tick not above ``price``."""
        count = price / self.tick
        whole = int(count)
        return whole if count >= ZERO or whole == count else whole - 1

    def ticks_above(self, price: Decimal) -> int:
        """The lowest tick not below ``price``."""
        count = price / self.tick
        whole = int(count)
        return whole if whole >= count else whole + 1

    def price(self, ticks: int) -> Decimal:
        return ticks * self.tick

    def qty(self, lots: int) -> Decimal:
        return lots * self.lot

    def value(self, ticks: int, lots: int) -> Decimal:
        """Value of ``lots`` at ``ticks``: exact in quote; of inverse contracts in the base coin, half-even to eight
        decimals, which is how the venue states it and therefore what is booked."""
        if self.inverse:
            return to_coin(self.qty(lots) / self.price(ticks))
        return (ticks * lots) * self.tick_lot

    def value_at(self, qty: Decimal, price: Decimal) -> Decimal:
        """As :meth:`value`, of any quantity (signed as ``qty``) at any price: a mark need not be on the tick."""
        return to_coin(qty / price) if self.inverse else qty * price

    def signed_value(self, qty: Decimal, value: Decimal) -> Decimal:
        """What holding signed ``qty`` is worth to its owner in the settle coin, ``value`` being its size.

        Who is long inverse contracts owes coins: its profit ``qty x (1/entry - 1/price)`` grows as their value in coins
        falls. So an inverse position counts as the opposite one of its value, and all books share one rule.
        """
        return value if (qty > ZERO) is not self.inverse else -value
