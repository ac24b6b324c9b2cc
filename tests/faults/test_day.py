"""Reality beside its backtest: a stretch of trading with faults and kills is replayed to the byte and explained whole.

The full-size bar, 24 hours, is ``python -m tests.faults.day_run``, and the same with each ``--strategy``.
"""

from decimal import Decimal
from pathlib import Path

import pytest

from tests.faults.day_run import one_run
from tests.sandbox.stepped_run import MINUTE, START, generated_candles


@pytest.mark.parametrize(("kind", "bars", "settlements"), [("ema", 200, 0), ("stops", 90, 1)])
def test_a_hostile_stretch_is_replayed_and_explained_to_the_last_digit(
    tmp_path: Path, kind: str, bars: int, settlements: int
) -> None:
    data = generated_candles(tmp_path / "candles.csv.gz", bars, start=START + 420 * MINUTE)  # a settlement is in it
    figures = one_run(tmp_path, data, 2, 3, kind)
    assert len(figures["killed"]) == 2
    assert figures["funding_rows"] >= settlements
    assert {Decimal(it) for it in figures["unexplained"].values()} == {Decimal(0)}
