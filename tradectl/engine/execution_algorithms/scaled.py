"""Scaled orders: limit orders spread between two prices, equally large or growing towards one end."""

from decimal import Decimal

from tradectl.engine.execution_algorithms.algorithm import Algorithm, Hand, Request
from tradectl.engine.execution_algorithms.slicing import is_finished, shares
from tradectl.engine.parameters import param
from tradectl.model.instruments import Instrument
from tradectl.model.money import exact, plain
from tradectl.model.orders import Side


class Scaled(Algorithm):
    """``count`` orders from ``low`` to ``high``. ``shape`` flat: the same size each; up: growing with the price; down:
    shrinking with it."""

    kind = "scaled"

    low: float = param(0.0, low=0, help="the lowest price")
    high: float = param(0.0, low=0, help="the highest price")
    count: int = param(5, low=2, high=100, help="how many orders")
    shape: str = param("flat", choices=("flat", "up", "down"), help="how the sizes grow")
    post_only: bool = param(False, help="only ever as the maker")

    def check(self, request: Request) -> None:
        for name in ("low", "high"):
            if self.price(name, request.info) is None:
                raise self.refuse(name, "a price is greater than 0", f"set {name}=PRICE")
        if self.low >= self.high:
            raise self.refuse("low", f"not below high {self.high}", "swap them")
        prices = self.prices(request.info, request.side)
        if len(set(prices)) < self.count:
            raise self.refuse("count", "more orders than there are prices between low and high", "use fewer")
        for price, piece in zip(prices, self.sizes(request.info, request.qty), strict=True):
            self.check_piece("count", piece, request, price)

    def prices(self, info: Instrument, side: Side) -> list[Decimal]:
        """From low to high, on the tick."""
        low, high = exact(self.low), exact(self.high)
        steps = self.count - 1
        return [info.passive_price(low + (high - low) * n / steps, side is Side.BUY) for n in range(self.count)]

    def sizes(self, info: Instrument, qty: Decimal) -> list[Decimal]:
        """By price from low to high; together exactly ``qty``."""
        weights = {
            "flat": [Decimal(1)] * self.count,
            "up": [Decimal(n + 1) for n in range(self.count)],
            "down": [Decimal(self.count - n) for n in range(self.count)],
        }
        return shares(info, qty, weights[self.shape])

    def act(self, hand: Hand) -> None:
        if is_finished(hand):
            return
        placed = False
        sizes = self.sizes(hand.info, hand.run.qty)
        for number, (price, size) in enumerate(zip(self.prices(hand.info, hand.side), sizes, strict=True), 1):
            tag = f"level {number}"
            need = hand.info.floor_qty(size - hand.leg(tag).filled - hand.in_flight(hand.side, tag))
            if not hand.is_dust(need, price) and hand.can_place:
                tif = "PostOnly" if self.post_only else "GTC"
                placed |= hand.place(tag, need, price, tif=tif, text=f"{tag} of {self.count}")
        resting = hand.open()
        if not resting and not placed and hand.can_place:
            hand.done(f"{plain(hand.left)} left in pieces below the minimum of an order")
        elif resting:
            hand.say(f"{len(resting)} orders rest")
