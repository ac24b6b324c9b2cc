"""``backtest --by`` and ``--fees``: what moves the market, and what it costs, by their words."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.history.made import HEADER, row, write
from tests.unit.history.test_stream_file import book, trade


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    """A book that steps up and down around 100 every half second of a minute, with prints that reach through it."""
    lines = [book(0, "snapshot", [("100.0", "20"), ("99.9", "3")], [("100.2", "10"), ("100.3", "20")], 1)]
    for n in range(1, 120):
        up = ("100.1", "20") if n % 2 else ("100.1", "0")
        lines.append(book(500 * n, "delta", [up], [], n + 1))
        lines.append(trade(500 * n + 100, *(("Buy", "100.2") if n % 2 else ("Sell", "99.9")), "8"))
    return write(tmp_path / "capture.jsonl.gz", *lines)


def test_auto_takes_the_book_that_was_recorded(home: Path, run: Any, capture: Path) -> None:
    common = ("backtest", "market_maker", "--symbol", "BTCUSDT", "--data", str(capture), "--no-keep", "--json")
    ran = run(*common, "--param", "half_spread=5")
    assert ran.code == 0, ran.err
    told = json.loads(ran.out)
    assert told["models"]["spread"] == "bid and ask as they were quoted"
    assert told["models"]["mark"] == "mark = last price: the data has no mark prices"
    by_prints = json.loads(run(*common, "--by", "trades").out)
    assert by_prints["models"]["path"] == "prints in the order they were recorded"
    refused = run(*common, "--by", "quotes")
    assert refused.code == 2
    assert "by quotes is not recorded of linear:BTCUSDT, only book, trades" in refused.err


def test_a_fee_tier_that_is_not_known_is_refused_by_name(home: Path, run: Any, tmp_path: Path) -> None:
    data = write(tmp_path / "bybit_linear_BTCUSDT_1m.csv", HEADER, *(row(n) for n in range(60)))
    common = ("backtest", "buy_and_hold", "--symbol", "BTCUSDT", "--data", str(data), "--no-keep", "--json")
    known = run(*common, "--fees", "vip0")
    assert json.loads(known.out)["models"]["fees"].startswith("fees VIP 0: linear 2/5.5")
    assert json.loads(run(*common).out)["models"]["fees"] == json.loads(known.out)["models"]["fees"]
    given = json.loads(run(*common, "--fees", "0,0.001").out)["models"]["fees"]
    assert given.startswith("fees as given: linear 0/10")
    for wrong, word in (("vip7", "not known here"), ("0.001", "MAKER,TAKER")):
        refused = run(*common, "--fees", wrong)
        assert refused.code == 2
        assert word in refused.err
