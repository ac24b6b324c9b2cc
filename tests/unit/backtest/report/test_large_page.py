"""The page over 22 months of hourly candles of two symbols: real ones where they are, generated ones elsewhere."""

import gzip
import os
import random
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.unit.backtest.made_result import Market
from tests.unit.backtest.report.test_page import data_of, read
from tradectl import backtest
from tradectl.backtest.report.html import page
from tradectl.strategies.ema_cross import EmaCross

HOURS = 16_000
REAL = ("bybit_linear_BTCUSDT_1h_to_2025-09.csv.gz", "bybit_linear_ETHUSDT_1h_to_2025-09.csv.gz")


def generated(folder: Path) -> Sequence[Path]:
    """The twins of the real files."""
    paths = []
    for number, name in enumerate(REAL):
        lines = ["timestamp,open,high,low,close,volume"]
        for bar in Market(random.Random(number), 30_000.0 / (1 + 14 * number), HOURS).bars:
            low, high = min(bar.low, bar.open, bar.close), max(bar.high, bar.open, bar.close)
            lines.append(f"{bar.at // 10**6},{bar.open},{high},{low},{bar.close},10")
        paths.append(folder / name)
        paths[-1].write_bytes(gzip.compress("\n".join(lines).encode()))
    return paths


@pytest.mark.parametrize("source", ["generated", "real"])
def test_two_years_of_hours_on_two_symbols_render_quickly_and_small(source: str, tmp_path: Path) -> None:
    folder = os.environ.get("TRADECTL_TEST_DATA", "")
    real = [Path(folder) / "candles" / name for name in REAL] if folder and source == "real" else []
    symbols = ["BTCUSDT", "ETHUSDT"]
    run = backtest(EmaCross, real or generated(tmp_path), symbol=symbols, interval="1h", fast=24, slow=96)
    assert run.result.candles > 31_000
    began = time.process_time()
    text = page(run.result)
    assert time.process_time() - began < 3.0
    assert len(text.encode()) < 3_000_000
    read(text)
    data = data_of(text)
    assert len(data["trades"]["rows"]) == run.metrics["value"][run.metrics["name"].index("trades.trades")] > 50
    assert {"equity", "drawdown", "exposure", "price-0", "price-1"} == set(data["charts"])
