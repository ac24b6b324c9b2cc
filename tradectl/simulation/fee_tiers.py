"""Bybit's fee tiers by name, as far as its rates are known here for certain."""

from decimal import Decimal

from tradectl.matching.views import AccountFees
from tradectl.model.errors import ErrorCode, Problem
from tradectl.simulation.models import TierFees

#: Makers and takers of spot, of perpetuals and futures (bybit-v5 9, VIP 0). Higher tiers and regions differ and change:
#: those of an account are what the venue states for it (``account/fee-rate``).
TIERS = {"vip0": TierFees(AccountFees(Decimal("0.001"), Decimal("0.001"), Decimal("0.0002"), Decimal("0.00055")))}


def tier(name: str) -> TierFees:
    """The rates of a tier such as ``vip0``, however it is spelled. Raises ``Problem`` for one not known here."""
    found = TIERS.get(name.lower().replace(" ", "").replace("-", "").replace("_", ""))
    if found is None:
        raise Problem(
            ErrorCode.INVALID_REQUEST,
            f"the rates of the fee tier {name!r} are not known here",
            field="fees",
            reason=f"known for certain are those of {', '.join(TIERS)}; the others change and differ by region",
            remedy="Give your account's own rates as MAKER,TAKER, such as --fees 0.0002,0.00055",
        )
    return found
