"""``backtest --engine``: which of the two ran is said wherever a run is shown, and nothing else differs."""

import json
import math
import random
from pathlib import Path
from typing import Any

import pytest

from tradectl.backtest.arrays import ready

HOUR_MS, START_MS = 3_600_000, 1_700_006_400_000
#: What two runs of one job may differ in.
APART = ("id", "engine", "cpu_seconds", "wall_seconds")


@pytest.fixture
def words(home: Path, tmp_path: Path) -> tuple[str, ...]:
    """The command line of a cross of averages over twenty days of hours."""
    rng, lines, price = random.Random(6), ["open_time,open,high,low,close,volume"], 30_000.0
    for hour in range(20 * 24):
        close = round(price * math.exp(rng.gauss(0, 0.004)), 1)
        high, low = max(price, close) + 15, min(price, close) - 15
        lines.append(f"{START_MS + hour * HOUR_MS},{price:.1f},{high:.1f},{low:.1f},{close:.1f},800.125")
        price = close
    path = tmp_path / "bybit_linear_BTCUSDT_1h.csv"
    path.write_text("\n".join(lines) + "\n")
    chosen = ("--symbol", "BTCUSDT", "--interval", "1h", "--param", "fast=4", "--param", "slow=9")
    return "backtest", "ema_cross", *chosen, "--data", str(path)


def test_the_figures_are_the_same_and_the_engine_is_named(
    words: tuple[str, ...], run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ready, "in_memory", lambda: True)
    page = tmp_path / "page.html"
    told = {}
    for engine in ("auto", "events", "arrays"):
        ran = run(*words, "--engine", engine, "--report", str(page), "--json")
        assert ran.code == 0, ran.err
        told[engine] = json.loads(ran.out)
        name = "events" if engine == "events" else "arrays"
        assert told[engine]["engine"] == name
        assert f"<td>Engine</td><td><code>{name}</code></td>" in page.read_text().replace("<th>", "<td>")
        assert f"engine {name}" in run("runs", "show", told[engine]["id"]).out
    plain = [{key: it[key] for key in it if key not in APART} for it in told.values()]
    assert plain[0] == plain[1] == plain[2]
    assert int(plain[0]["trades"]["trades"]) > 10


def test_a_kept_run_over_arrays_holds_every_record_of_the_other(
    words: tuple[str, ...], run: Any, tmp_path: Path
) -> None:
    kept = {}
    for engine in ("events", "arrays"):
        name = json.loads(run(*words, "--engine", engine, "--json").out)["id"]
        assert run("runs", "export", name, str(tmp_path / "run.json")).code == 0
        whole = json.loads((tmp_path / "run.json").read_text())
        kept[engine] = {key: whole[key] for key in whole if key not in ("extra", "cpu_seconds", "wall_seconds")}
    assert kept["events"] == kept["arrays"]
    assert len(kept["arrays"]["executions"]) == len(kept["arrays"]["orders"]) > 20


def test_a_short_run_is_by_events_and_says_why(
    words: tuple[str, ...], run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ready, "in_memory", lambda: False)
    told = json.loads(run(*words, "--no-keep", "--json").out)
    assert told["engine"] == "events"
    assert "candles are played before kernels are at hand" in told["not_over_arrays"]


def test_what_arrays_cannot_promise_is_refused_with_the_reason(words: tuple[str, ...], run: Any) -> None:
    for more, reason in (
        (("--hedge",), "the account is in hedge mode"),
        (("--volume-share", "0.1"), "the size at each price is bounded"),
        (("--check-lookahead",), "checks of honesty are of events"),
    ):
        refused = run(*words, *more, "--engine", "arrays", "--no-keep")
        assert refused.code != 0
        assert reason in refused.err
    refused = run(*words, "--sweep", "fast=3:4", "--engine", "events")
    assert refused.code == 2
    assert "--sweep is over arrays" in refused.err
