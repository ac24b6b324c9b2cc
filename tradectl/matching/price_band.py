"""How far from the reference price an order may go: the limit price band and the bound of market orders.

Formulas of bybit-v5 5.1, with X and Y the instrument's ratios. The premium is the mean distance of the middle of the
book from mark (linear, 30 s) or index (spot, 2 min), sampled at most once a second.
"""

from decimal import Decimal

from tradectl.matching.book import SECOND, Book
from tradectl.model.money import ZERO
from tradectl.model.orders import Side

LINEAR_WINDOW = 30 * SECOND
SPOT_WINDOW = 120 * SECOND
#: Protection of market orders around mark or last; Bybit sets it per symbol and does not publish it.
MARKET_BOUND = Decimal("0.05")
BUY = Side.BUY
HIGHEST, LOWEST = 1 + MARKET_BOUND, 1 - MARKET_BOUND


def premium_window(book: Book) -> int:
    return SPOT_WINDOW if book.is_spot else LINEAR_WINDOW


def band_reference(book: Book) -> Decimal | None:
    """The price the band is around, and never on the wrong side of."""
    if book.is_spot:
        return book.index if book.index is not None else book.last
    return book.reference()


def price_band(book: Book) -> tuple[Decimal, Decimal] | None:
    """Highest buy and lowest sell price on the tick; ``None`` without ratios or without a reference price."""
    instrument = book.instrument
    x, y = instrument.price_limit_x, instrument.price_limit_y
    reference = band_reference(book)
    if x is None or y is None or reference is None:
        return None
    premium = sum((sample for _, sample in book.premiums), ZERO) / max(1, len(book.premiums))
    if book.is_spot:
        top = min(max(reference, reference * (1 + x) + premium), reference * (1 + y))
        bottom = max(min(reference, reference * (1 - x) + premium), reference * (1 - y))
    else:
        index = book.index if book.index is not None else reference
        top = min(reference * (1 + y), max(index, reference * (1 + x) + max(ZERO, premium)))
        bottom = max(reference * (1 - y), min(index, reference * (1 - x) + min(ZERO, premium)))
    grid = book.grid
    return grid.price(grid.ticks_below(top)), grid.price(grid.ticks_above(bottom))


def market_bound(book: Book, side: Side) -> int | None:
    """The worst price in ticks a market order may trade at; ``None`` while the market has no price at all."""
    reference = book.last if book.is_spot else book.mark
    if reference is None:
        reference = book.reference() or book.best_price(side.opposite)
    if reference is None:
        return None
    if side is BUY:
        return book.grid.ticks_below(reference * HIGHEST)
    return max(1, book.grid.ticks_above(reference * LOWEST))
