"""How many candles the indicators are tried on."""

import os

import pytest

from tests.unit.engine.candles import MONTH


@pytest.fixture
def bar_count() -> int:
    """Two days, or the whole month with ``TRADECTL_TEST_MONTH=1``."""
    return MONTH if os.environ.get("TRADECTL_TEST_MONTH") == "1" else 2_880
