"""Fee tiers: those known for certain, by any spelling; all others are asked for in numbers."""

import pytest

from tradectl.matching.views import AccountFees
from tradectl.model.errors import Problem
from tradectl.simulation.fee_tiers import TIERS, tier
from tradectl.simulation.models import TierFees


@pytest.mark.parametrize("name", ["vip0", "VIP 0", "Vip-0", "vip_0"])
def test_a_tier_is_known_by_its_name_however_it_is_spelled(name: str) -> None:
    assert tier(name) == TierFees() == TIERS["vip0"]
    assert tier(name).fees() == AccountFees()


@pytest.mark.parametrize("name", ["vip3", "pro1", "supreme", "best"])
def test_rates_that_are_not_known_are_not_made_up(name: str) -> None:
    with pytest.raises(Problem) as caught:
        tier(name)
    assert name in caught.value.message
    assert "--fees" in caught.value.remedy
