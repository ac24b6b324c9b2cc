"""What a policy knows and answers: return series by strategy in, shares of equity out."""

from collections.abc import Mapping, Sequence
from decimal import ROUND_FLOOR, Decimal
from typing import Annotated, Literal, Protocol

from msgspec import Meta, Struct

from tradectl.engine.risk_limits import Share
from tradectl.model.money import ZERO

PolicyName = Literal["fixed", "equal", "inverse_volatility", "volatility_target", "risk_parity", "kelly", "user"]
#: Shares are cut to this step, downwards: their sum never exceeds the total by rounding.
SHARE_STEP = Decimal("0.0001")


class AllocationConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Shares of equity by strategy instance.

    ``fixed`` takes each instance's own ``capital``; the others share out ``total`` (of equity, 0 for the sum of all
    ``capital``). ``target_volatility`` is a yearly fraction of equity; ``kelly_fraction`` the part of full Kelly. No
    instance gets more than ``max_share``. Returns are sampled every ``sample_hours`` and the last ``window`` count;
    before ``min_samples`` an instance keeps its ``capital``. Shares are computed every ``rebalance_hours`` and change
    only when one differs from what it should be by more than ``band`` (relative) and 0.5 % of equity.
    """

    policy: PolicyName = "fixed"
    total: Share = ZERO
    max_share: Share = Decimal(1)
    target_volatility: Annotated[float, Meta(gt=0, le=10)] = 0.20
    kelly_fraction: Annotated[float, Meta(gt=0, le=1)] = 0.25
    sample_hours: Annotated[int, Meta(ge=1, le=168)] = 24
    window: Annotated[int, Meta(ge=5, le=1000)] = 60
    min_samples: Annotated[int, Meta(ge=5, le=1000)] = 20
    rebalance_hours: Annotated[int, Meta(ge=1, le=8760)] = 24
    band: Annotated[float, Meta(ge=0, le=10)] = 0.20
    shares: dict[str, Share] = {}


class Sampled(Struct, frozen=True):
    """What a policy is told: returns per sample on each strategy's own capital, oldest first, of equal length; the
    total to share out; samples in a year."""

    returns: Mapping[str, Sequence[float]]
    total: float
    per_year: float
    config: AllocationConfig


class Policy(Protocol):
    """Weights by strategy name, each >= 0; the allocator cuts them to ``max_share`` and ``total``."""

    def __call__(self, s: Sampled) -> dict[str, float]: ...


def cut(weight: float) -> Decimal:
    """A weight as a share, rounded down."""
    return (Decimal(repr(max(weight, 0.0))) / SHARE_STEP).to_integral_value(ROUND_FLOOR) * SHARE_STEP
