"""Funding: when it settles and at which rate (bybit-v5 9)."""

from bisect import bisect_right
from decimal import Decimal
from pathlib import Path
from typing import Protocol

from tradectl.history.funding import read_funding
from tradectl.model.instruments import InstrumentId
from tradectl.model.money import ZERO
from tradectl.sandbox.market.mixing import mix, salt

#: Settlements are at 00, 08 and 16 UTC.
PERIOD = 8 * 3_600_000_000_000
#: How far back a generated market knows its rates.
GENERATED_PAST = 200 * PERIOD
CAP = Decimal("0.005")


def next_settlement(after: int) -> int:
    """The first settlement later than ``after``."""
    return after - after % PERIOD + PERIOD


class FundingRates(Protocol):
    """The rates of a market's perpetuals."""

    @property
    def first(self) -> int:
        """The earliest settlement whose rate is known."""

    def rate(self, instrument: InstrumentId, settlement: int) -> Decimal:
        """The rate charged at a settlement, as a fraction of the position's value."""


class NoFunding:
    """A replay without a file of rates: every settlement charges zero."""

    def __init__(self, start: int) -> None:
        self.first = next_settlement(start - 1)

    def rate(self, instrument: InstrumentId, settlement: int) -> Decimal:
        return ZERO


class FileFunding:
    """Rates from a file, ``shift`` nanoseconds later than they were. A settlement takes the row of its own period
    (0 where the file has none), because shifted times need not fall on the grid."""

    def __init__(self, path: Path, shift: int) -> None:
        self._shift = shift
        rows = list(read_funding(path))
        self._times = [row.ts for row in rows]
        self._rates = [row.rate for row in rows]
        self.first = next_settlement(rows[0].ts + shift - 1)

    def rate(self, instrument: InstrumentId, settlement: int) -> Decimal:
        original = settlement - self._shift
        index = bisect_right(self._times, original) - 1
        if index < 0 or self._times[index] <= original - PERIOD:
            return ZERO
        return self._rates[index]


class GeneratedFunding:
    """Rates around Bybit's base of 0.01 %, each a function of seed, instrument and time."""

    def __init__(self, seed: int, start: int) -> None:
        self._seed = seed
        self.first = next_settlement(start - GENERATED_PAST)

    def rate(self, instrument: InstrumentId, settlement: int) -> Decimal:
        noise = mix(salt(self._seed, instrument, "funding") + settlement) % 40_001 - 20_000
        return Decimal(10_000 + noise).scaleb(-8)
