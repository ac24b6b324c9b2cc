"""What can be traded: the identity of an instrument and the venue's filters on its prices and sizes."""

from decimal import Decimal
from enum import Enum

from msgspec import Struct

from tradectl.model.money import ZERO, ceil_to, floor_to


class Category(str, Enum):
    """Bybit's product families; the same symbol text may exist in several."""

    SPOT = "spot"
    LINEAR = "linear"
    INVERSE = "inverse"
    OPTION = "option"


class InstrumentId(Struct, frozen=True, array_like=True, cache_hash=True, order=True, gc=False):
    """``(category, symbol)``: ``BTCUSDT`` is both a spot pair and a linear perpetual."""

    category: Category
    symbol: str

    def __str__(self) -> str:
        return f"{self.category.value}:{self.symbol}"


class Instrument(Struct, frozen=True, array_like=True, gc=False):
    """An instrument and its filters (bybit-v5 4.3). Amounts are exact; absent limits are ``None``.

    ``min_notional`` and ``max_*`` are in quote and base units. ``funding_interval`` is in minutes, 0 for spot.
    ``price_limit_x`` and ``price_limit_y`` are the ratios of the limit price band (bybit-v5 5.1).
    """

    id: InstrumentId
    base_coin: str
    quote_coin: str
    settle_coin: str
    tick_size: Decimal
    lot_size: Decimal
    min_qty: Decimal
    max_limit_qty: Decimal
    max_market_qty: Decimal
    min_notional: Decimal
    min_price: Decimal = ZERO
    max_price: Decimal | None = None
    max_leverage: Decimal = Decimal(1)
    funding_interval: int = 0
    price_limit_x: Decimal | None = None
    price_limit_y: Decimal | None = None
    status: str = "Trading"
    quote_precision: Decimal = Decimal("0.00000001")
    launched: int = 0  # when trading in it began, nanoseconds; 0 when the venue does not say

    @property
    def is_spot(self) -> bool:
        return self.id.category is Category.SPOT

    def floor_qty(self, qty: Decimal) -> Decimal:
        """``qty`` rounded down to the lot: an order never grows by rounding."""
        return floor_to(qty, self.lot_size)

    def passive_price(self, price: Decimal, buy: bool) -> Decimal:
        """``price`` on the tick, rounded away from the market: a buy down, a sell up."""
        return floor_to(price, self.tick_size) if buy else ceil_to(price, self.tick_size)


class FeeRate(Struct, frozen=True, array_like=True, gc=False):
    """The account's fee rates on one instrument, as fractions of the traded value."""

    instrument: InstrumentId
    maker: Decimal
    taker: Decimal
