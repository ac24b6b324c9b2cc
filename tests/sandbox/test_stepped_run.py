"""The daemon over a candle file in lock-step: each candle once, the same money everywhere, the same orders twice.

The full-size bar (43,200 real candles, twice) is ``python -m tests.sandbox.stepped_run --twice``.
"""

import os
from pathlib import Path

import pytest

from tests.sandbox.stepped_run import MINUTE, START, first_bars, generated_candles, one_run

BARS = 1200
REAL = Path(os.environ.get("TRADECTL_TEST_DATA", "")) / "candles" / "bybit_linear_BTCUSDT_1m_2025-06.csv.gz"


def test_two_runs_over_generated_candles_agree_with_the_checker_and_with_each_other(tmp_path: Path) -> None:
    data = generated_candles(tmp_path / "candles.csv.gz", BARS)
    funding = tmp_path / "funding.csv"
    hours = [START + n * 8 * 60 * MINUTE for n in range(1, 4)]
    funding.write_text("timestamp,funding_rate\n" + "".join(f"{t},0.000{n}7\n" for n, t in enumerate(hours, 1)))
    figures = [one_run(tmp_path / f"run{seed}", data, funding, 120, seed) for seed in ("0", "4711")]
    assert figures[0]["executions"] > 50
    assert figures[0]["funding_rows"] > 0
    assert figures[0]["fingerprint"] == figures[1]["fingerprint"]


@pytest.mark.skipif(not REAL.is_file(), reason="TRADECTL_TEST_DATA names no folder with the real candles")
def test_a_run_over_real_candles_agrees_with_the_checker(tmp_path: Path) -> None:
    figures = one_run(tmp_path / "run", first_bars(REAL, tmp_path / "candles.csv.gz", BARS), None, 120)
    assert figures["executions"] > 50
