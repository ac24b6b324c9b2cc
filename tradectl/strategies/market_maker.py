"""Quotes both sides of the market and leans against what it has collected."""

from decimal import Decimal

from tradectl.engine.strategy import Strategy, param
from tradectl.model.commands import OrderChanged
from tradectl.model.events import QuoteChanged
from tradectl.model.orders import Side


class MarketMaker(Strategy):
    """One post-only order on each side, ``half_spread`` from a middle that is shifted against the inventory.

    With an inventory of ``most`` orders the side that would add to it is taken away and the middle is shifted by
    ``skew``. Orders follow the market by amendment once they are ``tolerance`` off. All distances in basis points.
    """

    symbol: str = param("BTCUSDT", help="what to quote")
    half_spread: float = param(10.0, low=0.1, high=500, help="distance of each order from the middle, in bp")
    skew: float = param(10.0, low=0, high=500, help="shift of the middle at full inventory, in bp")
    tolerance: float = param(2.0, low=0, high=100, help="how far an order may be off before it is moved, in bp")
    size: float = param(0.05, low=0.001, high=1, help="part of the capital in each order")
    most: int = param(5, low=1, high=100, help="inventory limit, in orders")

    def on_start(self) -> None:
        self.subscribe_quotes(self.symbol)
        self.lot = Decimal(0)

    def on_quote(self, quote: QuoteChanged) -> None:
        middle = (quote.bid + quote.ask) / 2
        if not self.lot:
            self.lot = self.instrument(self.symbol).floor_qty(
                self.capital * Decimal(repr(self.size)) / Decimal(repr(middle))
            )
        if not self.lot:
            return  # the account is not known yet, or too small for one order
        inventory = float(self.position(self.symbol) / self.lot)
        middle *= 1 - self.skew / 10_000 * max(min(inventory / self.most, 1.0), -1.0)
        resting = {order.side: order for order in self.orders}
        for side in (Side.BUY, Side.SELL):
            self._quote(side, middle, quote, inventory * side.sign > self.most - 1, resting.get(side))

    def _quote(self, side: Side, middle: float, quote: QuoteChanged, full: bool, resting: OrderChanged | None) -> None:
        """Place, move or take away one side; never at a price that would take from the book."""
        buy = side is Side.BUY
        price = middle * (1 - side.sign * self.half_spread / 10_000)
        price = min(price, quote.bid) if buy else max(price, quote.ask)
        exact = self.instrument(self.symbol).passive_price(Decimal(repr(price)), buy)
        if resting is None and not full:
            send = self.buy if buy else self.sell
            send(self.symbol, self.lot, exact, post_only=True, reason="quote")
        elif resting is not None and full:
            self.cancel(resting.link_id, reason="the inventory is full")
        elif resting is not None and resting.price is not None:
            off = abs(float(resting.price) / price - 1) * 10_000
            if off > self.tolerance:
                self.amend(resting.link_id, price=exact, reason=f"{off:.1f} bp off")
