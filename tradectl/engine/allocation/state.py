"""What the allocator remembers: part of the world and of the checkpoint."""

from decimal import Decimal

from msgspec import Struct, field

from tradectl.model.instruments import InstrumentId


class AllocationState(Struct):
    """Shares in force, the series they come from, and the last target weights that a new share resizes."""

    shares: dict[str, Decimal] = field(default_factory=dict)
    returns: dict[str, list[float]] = field(default_factory=dict)
    profit: dict[str, Decimal] = field(default_factory=dict)
    capital: dict[str, Decimal] = field(default_factory=dict)
    weights: dict[str, dict[InstrumentId, Decimal]] = field(default_factory=dict)
