"""What loss limits are measured from, of the account and of each strategy; kept over restarts."""

from decimal import Decimal

from msgspec import Struct, field

from tradectl.model.instruments import InstrumentId
from tradectl.model.money import ZERO


class StrategyGuard(Struct):
    """One strategy's. ``traded`` is its realised result when it was last flat in an instrument, by ``category:symbol``;
    ``streak`` counts losing round trips in a row, ``until`` ends its pause (nanoseconds)."""

    day: int = -1
    day_open: Decimal = ZERO
    peak: Decimal = ZERO
    realised_open: Decimal = ZERO
    traded: dict[InstrumentId, Decimal] = field(default_factory=dict)
    streak: int = 0
    until: int = 0


class GuardState(Struct):
    """The account's equity when the UTC day began and at its highest; amounts in the settle coin.

    ``day`` is -1 before the first complete look. ``liquidation`` are prices as the venue last stated them.
    """

    day: int = -1
    day_open: Decimal = ZERO
    peak: Decimal = ZERO
    realised_open: Decimal = ZERO
    strategies: dict[str, StrategyGuard] = field(default_factory=dict)
    liquidation: dict[InstrumentId, Decimal] = field(default_factory=dict)

    def of(self, strategy: str) -> StrategyGuard:
        """One strategy's, made when it is new."""
        found = self.strategies.get(strategy)
        if found is None:
            found = self.strategies[strategy] = StrategyGuard()
        return found
