"""The margin of accounts as sums that are kept: a fill or a price costs the work of one leg, however many are held.

Exact, because sums of exact amounts are: taking a leg's old part out and putting its new part in leaves what adding up
all legs anew gives (:func:`tradectl.matching.margin.plain_margin`, with which the tests compare).
"""

from decimal import Decimal

from msgspec import Struct

from tradectl.matching.accounts import Leg
from tradectl.model.money import ZERO

#: Maintenance margin of the lowest risk tier (bybit-v5 4.9); the exchange has this one tier.
MAINTENANCE_RATE = Decimal("0.005")
#: More than two roundings of one leg's maintenance margin can differ.
ROUNDING = Decimal("0.00000001")


class LegNeed(Struct, frozen=True, gc=False):
    """What one leg adds, in its settle coin; ``size`` is unsigned."""

    coin: str
    size: Decimal
    unrealised: Decimal
    initial: Decimal
    maintenance: Decimal


class CoinSums(Struct, gc=False):
    """What the legs of one settle coin add up to, in that coin."""

    unrealised: Decimal = ZERO
    initial: Decimal = ZERO
    maintenance: Decimal = ZERO


class AccountSums:
    """The parts by leg, their sums by coin, and the number of legs that hold a position.

    ``slack`` is a lower bound, in USD, of what lies between the account and its liquidation: what a full look found,
    less the most that every price since can have taken. At 0 or below nothing is known. ``rate`` bounds the loss of
    slack by a loss of value: the value, its maintenance margin and the fee in that.
    """

    __slots__ = ("coins", "held", "legs", "rate", "slack")

    def __init__(self, taker: Decimal) -> None:
        self.legs: dict[Leg, LegNeed] = {}
        self.coins: dict[str, CoinSums] = {}
        self.held = 0
        self.slack = ZERO
        self.rate = 1 + MAINTENANCE_RATE + abs(taker)

    def put(self, leg: Leg, new: LegNeed) -> None:
        """Count the leg as it is now."""
        sums = self.coins.get(new.coin)
        if sums is None:
            sums = self.coins[new.coin] = CoinSums()
        old = self.legs.get(leg)
        self.legs[leg] = new
        if old is None:
            sums.unrealised += new.unrealised
            sums.initial += new.initial
            sums.maintenance += new.maintenance
            self.held += bool(new.size)
            return
        sums.unrealised += new.unrealised - old.unrealised
        sums.initial += new.initial - old.initial
        sums.maintenance += new.maintenance - old.maintenance
        self.held += bool(new.size) - bool(old.size)

    def lose(self, leg: Leg, move: Decimal) -> None:
        """Take from the slack the most that a price that moved by ``move`` can have cost."""
        need = self.legs.get(leg)
        self.slack = ZERO if need is None else self.slack - need.size * move * self.rate
