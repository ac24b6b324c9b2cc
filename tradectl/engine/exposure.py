"""What positions and orders in flight are worth at their worst, in the settle coin: the figures exposure limits bound.

Of an instrument with a position and orders on both sides the worst is the larger of: all buys fill, all sells fill.
Linear and spot count size times price; coins sold on spot were ours and are no exposure. An inverse contract is one
unit of quote coin; a bought option counts its price, a sold one what lies under it.
"""

from collections.abc import Iterable
from decimal import Decimal

from tradectl.engine.world import World
from tradectl.model.instruments import Category, Instrument, InstrumentId
from tradectl.model.money import ZERO, exact

#: What cannot be priced is more than any limit: doubt restricts trading.
UNKNOWN = Decimal("Infinity")
_ONE = Decimal(1)


class Exposure:
    """The world's exposure at one moment; ``without`` leaves one order's own reservation out."""

    def __init__(self, world: World, without: str = "") -> None:
        self._w = world
        self._without = without
        self._marks: dict[InstrumentId, Decimal | None] = {}
        self._rates: dict[str, Decimal | None] = {world.config.settle_coin: _ONE}

    # --- prices

    def mark(self, instrument: InstrumentId) -> Decimal | None:
        """The mark price, for spot the last one."""
        if instrument not in self._marks:
            self._marks[instrument] = self._w.market.mark(instrument)
        return self._marks[instrument]

    def rate(self, coin: str) -> Decimal | None:
        """What a coin is worth in the settle coin; ``None`` when that is not known."""
        if coin not in self._rates:
            self._rates[coin] = self._w.valuation.coin_price(coin)
        return self._rates[coin]

    def value(self, info: Instrument, size: Decimal, price: Decimal) -> Decimal:
        """What ``size`` of an instrument counts at ``price``, never negative."""
        category, rate = info.id.category, self.rate(info.quote_coin)
        if size < 0 and category is Category.SPOT:
            return ZERO
        if rate is None:
            return UNKNOWN if size else ZERO
        if category is Category.INVERSE:
            return abs(size) * rate
        if category is Category.OPTION and size < 0:
            price = max(price, self._underlying(info.id))
        value = abs(size) * price
        return value if rate is _ONE else value * rate

    def _underlying(self, instrument: InstrumentId) -> Decimal:
        ticker = self._w.market.ticker(instrument)
        return exact(ticker.index) if ticker is not None and ticker.index > 0 else UNKNOWN

    # --- sizes

    def worst(self, instrument: InstrumentId, sign: int, strategy: str = "") -> Decimal:
        """The signed size when everything in flight on one side has filled: of one book, or of the account.

        In hedge mode it is that of the leg on this side: what closes the other leg never opens this one.
        """
        w = self._w
        idx = w.portfolio.index_of(instrument, sign)
        flight = sign * w.in_flight(instrument, sign, strategy, self._without, idx=idx)
        if idx:
            held = w.portfolio.on_side(strategy, instrument, sign) if strategy else w.venue_size(instrument, sign)
            return sign * held + flight
        if strategy:
            return w.portfolio.size(strategy, instrument) + flight
        return w.portfolio.net_size(instrument) + flight

    def one(self, instrument: InstrumentId, strategy: str = "", price: Decimal | None = None) -> Decimal:
        """What one instrument counts at its worst, at ``price`` (its mark, else a stand-in)."""
        info = self._w.instruments.get(instrument)
        up, down = self.worst(instrument, 1, strategy), self.worst(instrument, -1, strategy)
        if not up and not down:
            return ZERO
        at = price if price is not None else self.mark(instrument)
        if at is None:
            at = self._stand_in(instrument)
        if info is None or not at.is_finite():
            return UNKNOWN
        one, other = self.value(info, up, at), self.value(info, down, at)
        both = self._w.portfolio.is_hedged(instrument) and up > 0 > down
        return one + other if both else max(one, other)

    def _stand_in(self, instrument: InstrumentId) -> Decimal:
        """A price for what has no mark: that of its entry or of its dearest order."""
        book = self._w.portfolio.state.nets.get(instrument)
        prices = [o.price for o in self._w.open_orders(instrument=instrument) if o.price is not None]
        if book is not None and book.size:
            prices.append(abs(book.cost / book.size))
        return max(prices, default=UNKNOWN)

    # --- sums

    def touched(self, strategy: str = "") -> Iterable[InstrumentId]:
        """Instruments with a position or an open order, each once."""
        w = self._w
        if strategy:
            ordered = (o.instrument for o in w.open_orders(strategy))
            return dict.fromkeys([*w.portfolio.state.books.get(strategy, {}), *ordered])
        return dict.fromkeys([*w.portfolio.state.nets, *w.open.by_instrument])

    def net(self, sign: int, instruments: Iterable[InstrumentId], strategy: str = "") -> Decimal:
        """Longs less shorts times ``sign``, with everything in flight on that side filled."""
        total = ZERO
        for instrument in instruments:
            size = self.worst(instrument, sign, strategy)
            info, at = self._w.instruments.get(instrument), self.mark(instrument)
            if not size:
                continue
            if info is None or at is None:
                return UNKNOWN
            value = self.value(info, size, at)
            if not value.is_finite():
                return UNKNOWN
            total += value if size * sign > 0 else -value
        return total
