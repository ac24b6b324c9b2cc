"""Every built-in strategy at once, reduced: nobody stops, the money agrees everywhere, the replay is the same.

The full form (a month of recorded candles) is ``python -m tests.sandbox.all_strategies``.
"""

import os
from pathlib import Path

import pytest

from tests.sandbox.all_strategies import one_run
from tests.sandbox.whole_market import generated_market, real_market

REAL = Path(os.environ.get("TRADECTL_TEST_DATA", ""))
#: These need more time, or a market of their own kind, for a trade.
RARE = {"reversion", "squeeze"}


def test_all_strategies_over_a_generated_market(tmp_path: Path) -> None:
    figures = one_run(tmp_path / "run", generated_market(tmp_path / "market", 700), 240)
    idle = {name for name in figures["names"] if not figures["trades"].get(name)}
    assert idle <= RARE, figures["trades"]
    assert figures["executions"] > 250


@pytest.mark.skipif(
    not (REAL / "candles" / "bybit_linear_DOGEUSDT_1m_2025-06.csv.gz").is_file(),
    reason="TRADECTL_TEST_DATA names no folder with the real candles",
)
def test_all_strategies_over_the_beginning_of_the_recorded_month(tmp_path: Path) -> None:
    figures = one_run(tmp_path / "run", real_market(tmp_path / "market", REAL, 350), 240)
    assert figures["executions"] > 100
