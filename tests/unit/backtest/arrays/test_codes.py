"""Which runs are worth exact arithmetic."""

import pytest

from tradectl.backtest.arrays.codes import BROKE, DOUBTFUL, ENDLESS, LIMITED, OFF_TICK, SLICED, is_undecided


@pytest.mark.parametrize("flags", [DOUBTFUL, ENDLESS, DOUBTFUL | LIMITED, ENDLESS | OFF_TICK | BROKE])
def test_what_float64_cannot_decide_is(flags: int) -> None:
    assert is_undecided(flags)


@pytest.mark.parametrize("flags", [0, LIMITED, SLICED, DOUBTFUL | SLICED, ENDLESS | SLICED])
def test_what_is_sure_or_has_orders_without_end_is_not(flags: int) -> None:
    assert not is_undecided(flags)
