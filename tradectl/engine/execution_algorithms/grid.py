"""Grid: resting orders between two prices; what one level fills, the next level gives back, again and again."""

from decimal import Decimal

from tradectl.engine.execution_algorithms.algorithm import Algorithm, Hand, Request
from tradectl.engine.execution_algorithms.inventory import close_all, has_lost_it, net
from tradectl.engine.parameters import param
from tradectl.model.instruments import Instrument
from tradectl.model.money import ZERO, exact, plain
from tradectl.model.orders import Side


class Grid(Algorithm):
    """``levels`` prices from ``low`` to ``high`` with an equal share of the size between each two. Side buy: a slot
    buys at its lower price while the market is above it, and sells what it bought at its upper one; side sell the
    other way round. ``stop`` goes to the venue with every entry. At ``take_profit`` it closes all and ends."""

    kind = "grid"
    follows_quotes = True
    two_sided = True

    low: float = param(0.0, low=0, help="the lowest price")
    high: float = param(0.0, low=0, help="the highest price")
    levels: int = param(10, low=2, high=100, help="how many prices, both ends included")
    spacing: str = param("arithmetic", choices=("arithmetic", "geometric"), help="equal steps in price or in per cent")
    stop: float = param(0.0, low=0, help="stop-loss of every entry; 0: none")
    take_profit: float = param(0.0, low=0, help="the market here closes all and ends the grid; 0: never")

    def check(self, request: Request) -> None:
        for name in ("low", "high"):
            if self.price(name, request.info) is None:
                raise self.refuse(name, "a price is greater than 0", f"set {name}=PRICE")
        if self.low >= self.high:
            raise self.refuse("low", f"not below high {self.high}", "swap them")
        prices = self.prices(request.info)
        if len(set(prices)) < self.levels:
            raise self.refuse("levels", "more levels than there are prices between low and high", "use fewer")
        self._check_bounds(request)
        self.check_piece("levels", self.quota(request.info, request.qty), request, prices[0])

    def _check_bounds(self, request: Request) -> None:
        buys = request.side is Side.BUY
        for name, below in (("stop", buys), ("take_profit", not buys)):
            bound = self.price(name, request.info)
            if bound is not None and (bound >= exact(self.low) if below else bound <= exact(self.high)):
                raise self.refuse(name, f"not {'below low' if below else 'above high'} for a grid that "
                                  f"{'buys' if buys else 'sells'} first", "move it outside the grid")  # fmt: skip

    # --- the slots

    def prices(self, info: Instrument) -> list[Decimal]:
        """From low to high, on the tick."""
        low, high, steps = exact(self.low), exact(self.high), self.levels - 1
        if self.spacing == "geometric":
            inner = [low * (high / low) ** (Decimal(n) / steps) for n in range(1, steps)]
        else:
            inner = [low + (high - low) * n / steps for n in range(1, steps)]
        return [low, *(info.passive_price(p, buy=True) for p in inner), high]

    def quota(self, info: Instrument, qty: Decimal) -> Decimal:
        """The size of each slot."""
        return info.floor_qty(qty / (self.levels - 1))

    def act(self, hand: Hand) -> None:
        if hand.memory.phase == "closing" or self._is_reached(hand):
            hand.memory.phase = "closing"
            close_all(hand, "take-profit reached")
            return
        if has_lost_it(hand):
            return
        prices, quota = self.prices(hand.info), self.quota(hand.info, hand.run.qty)
        for slot in range(self.levels - 1):
            self._tend(hand, slot, prices[slot], prices[slot + 1], quota)
        rounds = sum(leg.filled for tag, leg in hand.run.legs.items() if tag.startswith("out")) / quota
        hand.say(f"{len(hand.open())} orders rest, holds {plain(hand.inventory)}, {float(rounds):.1f} rounds")

    def _is_reached(self, hand: Hand) -> bool:
        bound, buys = self.price("take_profit", hand.info), hand.side is Side.BUY
        touch = hand.touch(not buys)
        return bound is not None and touch is not None and (touch >= bound if buys else touch <= bound)

    def _tend(self, hand: Hand, slot: int, lower: Decimal, upper: Decimal, quota: Decimal) -> None:
        """Of a slot one order stands: what enters, or what gives back."""
        enter, leave, buys = f"in {slot}", f"out {slot}", hand.side is Side.BUY
        if hand.open(enter) or hand.open(leave) or not hand.can_place or not hand.is_exact:
            return
        held = net(hand, enter) - hand.leg(leave).booked
        out = hand.info.floor_qty(max(held, ZERO))
        target = upper if buys else lower
        if not hand.is_dust(out, target, hand.side.opposite):
            hand.place(leave, out, target, side=hand.side.opposite, text=f"slot {slot + 1} back")
            return
        price, touch = (lower if buys else upper), hand.touch(buys)
        if touch is not None and (price < touch if buys else price > touch):
            hand.place(
                enter, quota - max(held, ZERO), price, text=f"slot {slot + 1}", stop_loss=self.price("stop", hand.info)
            )
