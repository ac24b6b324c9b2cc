"""``backtest --sweep``: every combination is shown, kept and told; what cannot be swept is refused with the remedy."""

import json
import math
import random
from pathlib import Path
from typing import Any

import pytest

HOUR_MS = 3_600_000
START_MS = 1_700_006_400_000  # 2023-11-15 00:00 UTC


@pytest.fixture
def candles(home: Path, tmp_path: Path) -> str:
    """Sixty days of hours with a slow wave."""
    rng, lines, price = random.Random(5), ["open_time,open,high,low,close,volume"], 30_000.0
    for hour in range(60 * 24):
        close = round(price * math.exp(rng.gauss(0, 0.004) + 0.003 * math.sin(hour / 40)), 1)
        high, low = max(price, close) + 15, min(price, close) - 15
        lines.append(f"{START_MS + hour * HOUR_MS},{price:.1f},{high:.1f},{low:.1f},{close:.1f},800.125")
        price = close
    path = tmp_path / "bybit_linear_BTCUSDT_1h.csv"
    path.write_text("\n".join(lines) + "\n")
    return str(path)


def words(candles: str, *more: str, strategy: str = "ma_cross") -> list[str]:
    return ["backtest", strategy, "--symbol", "BTCUSDT", "--interval", "1h", "--data", candles, *more]


def test_every_combination_has_a_row_and_the_best_is_an_ordinary_backtest(candles: str, run: Any) -> None:
    ran = run(*words(candles, "--sweep", "fast=3:9:2,slow=10:40:10,kind=sma,ema", "--where", "fast < slow", "--json"))
    assert ran.code == 0, ran.err
    data = json.loads(ran.out)
    assert len(data["rows"]) == data["tried"] == 4 * 4 * 2
    assert [(it["fast"], it["slow"], it["kind"]) for it in data["rows"]][:3] == [
        (3, 10, "sma"), (3, 10, "ema"), (3, 20, "sma"),
    ]  # fmt: skip
    sharpes = [float(data["rows"][it]["sharpe"]) for it in data["ranked"]]
    assert sharpes == sorted(sharpes, reverse=True)
    best = data["rows"][data["ranked"][0]]
    params = [word for name in ("fast", "slow", "kind") for word in ("--param", f"{name}={best[name]}")]
    alone = json.loads(run(*words(candles, *params, "--no-keep", "--json")).out)
    for name in ("sharpe", "total_return", "max_drawdown"):
        assert float(alone["returns"][name]) == pytest.approx(float(best[name]), rel=1e-9), name
    assert int(alone["trades"]["trades"]) == int(best["trades"]) > 5
    kept = json.loads(run("runs", "list", "--json").out)["runs"]
    assert [(it["id"], it["kind"]) for it in kept] == [(data["id"], "sweep")]


def test_the_table_shows_the_best_and_how_far_to_believe_it(candles: str, run: Any, tmp_path: Path) -> None:
    page = tmp_path / "sweep.html"
    ran = run(*words(candles, "--sweep", "fast=3:9", "--sweep", "slow=10:50:5", "--sort", "total_return", "--no-keep",
                     "--report", str(page)))  # fmt: skip
    assert ran.code == 0, ran.err
    for told in ("63 of 63 combinations of fast, slow over 1440 candles", "THE BEST BY TOTAL_RETURN",
                 "deflated Sharpe ratio"):  # fmt: skip
        assert told in ran.out
    assert len(ran.out.partition("THE BEST BY")[2].partition("\n\n")[0].splitlines()) == 2 + 20
    text = page.read_text()
    assert "Stability map" in text
    assert "How the parameters were found" in text


def test_combinations_that_cannot_go_together_are_told_and_not_ranked(candles: str, run: Any) -> None:
    ran = run(*words(candles, "--sweep", "fast=5:25:10,slow=10:30:10", "--no-keep", "--json"))
    data = json.loads(ran.out)
    refused = {i for i, it in enumerate(data["rows"]) if it["fast"] >= it["slow"]}
    assert refused
    assert not refused & set(data["ranked"])
    assert all("must be below" in data["rows"][i]["note"] for i in refused)
    assert data["tried"] == 9 - len(refused)


@pytest.mark.parametrize(
    ("strategy", "more", "said"),
    [
        ("buy_and_hold", ("--sweep", "symbol=BTCUSDT,ETHUSDT"), "does not declare its signals"),
        ("ma_cross", ("--sweep", "fast=3:9", "--hedge"), "optimize --sampler grid"),
        ("ma_cross", ("--sweep", "fsat=3:9"), "did you mean fast?"),
        ("ma_cross", ("--sweep", "3:9"), "NAME=RANGE"),
        ("ma_cross", ("--sweep", "fast=3"), "has no range"),
        ("ma_cross", ("--sweep", "fast=3:9", "--param", "fast=4"), "choose one"),
        ("ma_cross", ("--where", "fast < slow"), "--sweep"),
        ("ma_cross", ("--sweep", "fast=3:9", "--check-lookahead"), "for one run"),
        ("ma_cross", ("--sweep", "fast=60:90,slow=3:20", "--where", "fast < slow"), "no combination"),
    ],
)
def test_what_cannot_be_swept_is_said(candles: str, run: Any, strategy: str, more: tuple[str, ...], said: str) -> None:
    ran = run(*words(candles, *more, strategy=strategy))
    assert ran.code in (1, 2)
    assert said in ran.err
