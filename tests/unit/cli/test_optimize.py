"""``optimize`` from the command line: a study over a file of candles, as tables, as JSON, kept, resumed, refused."""

import json
import math
import random
from pathlib import Path
from typing import Any

import pytest

HOUR_MS = 3_600_000
START_MS = 1_700_006_400_000  # 2023-11-15 00:00 UTC


@pytest.fixture
def candles(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Forty days of hours with a slow wave: trend following has something to find."""
    monkeypatch.delenv("TRADECTL_STORAGE", raising=False)
    rng, lines, price = random.Random(4), ["open_time,open,high,low,close,volume"], 30_000.0
    for hour in range(40 * 24):
        close = round(price * math.exp(rng.gauss(0, 0.004) + 0.003 * math.sin(hour / 40)), 2)
        high, low = max(price, close) + 15, min(price, close) - 15
        lines.append(f"{START_MS + hour * HOUR_MS},{price:.2f},{high:.2f},{low:.2f},{close:.2f},800.125")
        price = close
    path = tmp_path / "bybit_linear_BTCUSDT_1h.csv"
    path.write_text("\n".join(lines) + "\n")
    return str(path)


def words(candles: str, *more: str) -> list[str]:
    return ["optimize", "ema_cross", "--symbol", "BTCUSDT", "--interval", "1h", "--data", candles,
            "--param", "fast=3:12", "--param", "slow=15:60:5", *more]  # fmt: skip


def test_a_search_shows_the_best_and_how_far_to_believe_it(candles: str, run: Any, tmp_path: Path) -> None:
    page = tmp_path / "best.html"
    ran = run(*words(candles, "--trials", "12", "--where", "fast < slow", "--walk-forward", "rolling", "--train", "16d",
                     "--test", "8d", "--monte-carlo", "200", "--paths", "2", "--report", str(page)))  # fmt: skip
    assert ran.code == 0, ran.err
    for told in ("12 of 12 trials complete", "deflated Sharpe ratio", "probability of overfitting", "IMPORTANCE",
                 "NEIGHBOURHOOD", "WALK-FORWARD (rolling)", "MONTE CARLO", "SHARPE AFTER",
                 "runs: 12 over arrays"):  # fmt: skip
        assert told in ran.out
    text = page.read_text()
    for told in ("How the parameters were found", "Stability map", "Walk-forward", "Monte Carlo"):
        assert told in text


def test_json_holds_everything_and_runs_keep_it(candles: str, run: Any) -> None:
    ran = run(*words(candles, "--trials", "12", "--monte-carlo", "100", "--json"))
    assert ran.code == 0, ran.err
    data = json.loads(ran.out)
    assert data["complete"] == data["asked"] == 12
    assert data["best"]["params"].keys() >= {"fast", "slow"}
    assert 0 <= data["deflated"]["probability"] <= 1
    assert [it["method"] for it in data["monte_carlo"]] == ["trades", "days"]
    assert data["about"]["objective"] == "sharpe"
    kept = json.loads(run("runs", "list", "--json").out)["runs"]
    assert [(it["id"], it["kind"]) for it in kept] == [(data["id"], "optimize")]


def test_a_named_study_goes_on_and_a_changed_one_is_refused(candles: str, run: Any, home: Path) -> None:
    more = ("--study", "mine", "--no-keep", "--json", "--sampler", "random", "--engine", "events")
    first = json.loads(run(*words(candles, "--trials", "4", *more)).out)
    second = json.loads(run(*words(candles, "--trials", "7", "--workers", "2", *more)).out)
    assert second["trials"][:4] == first["trials"]
    assert second["complete"] == 7
    refused = run(*words(candles, "--trials", "7", *more, "--cash", "5000"))
    assert refused.code == 1
    assert "cash: 10000 USDT there, 5000 USDT here" in refused.err
    helped = run(*words(candles, "--worker", *more))
    assert json.loads(helped.out)["complete"] == 7


def test_a_grid_holds_a_parameter_and_takes_the_users_objective(candles: str, run: Any, tmp_path: Path) -> None:
    folder = tmp_path / "config" / "tradectl" / "strategies"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "mine.py").write_text(
        "def calm(result):\n    return float(result.final_equity) - 5 * len(result.fills)\n"
    )
    ran = run(
        *words(candles)[:8], "--param", "fast=5", "--param", "slow=20,30,40", "--sampler", "grid",
        "--objective", "mine:calm", "--no-keep", "--json",
    )  # fmt: skip
    assert ran.code == 0, ran.err
    data = json.loads(ran.out)
    assert data["engines"] == {"events: a function of yours judges results, and may look at orders and decisions": 3}
    assert data["differs"] == []
    assert [it["params"] for it in data["trials"]] == [{"fast": 5, "slow": slow} for slow in (20, 30, 40)]
    assert data["goals"] == [{"name": "calm", "high": True}]


@pytest.mark.parametrize(
    ("more", "code", "said"),
    [
        (("--param", "fsat=2:9"), 2, "did you mean fast?"),
        (("--objective", "sharp"), 2, "did you mean sharpe?"),
        (("--where", "fast < slwo"), 2, "slow"),
        (("--constraint", "tardes > 3"), 2, "trades"),
        (("--worker",), 2, "--study"),
        (("--walk-forward", "rolling", "--train", "soon"), 2, "--train"),
        (("--walk-forward", "rolling", "--train", "400d", "--trials", "1"), 2, "needs 430 days"),
        (("--trials", "0"), 2, "trials"),
        (("--study", "s", "--storage", "postgresql://me:hunter2@127.0.0.1/x"), 2, "$TRADECTL_STORAGE"),
        (("--study", "s", "--storage", "postgresql://me@127.0.0.1:1/x"), 1, "cannot be used"),
        (("--engine", "arrays", "--hedge"), 1, "the account is in hedge mode"),
        (("--pruner", "median", "--objective", "sharpe,max_drawdown"), 2, "one goal"),
    ],
)
def test_what_cannot_be_done_is_said_with_the_remedy(
    candles: str, run: Any, more: tuple[str, ...], code: int, said: str
) -> None:
    ran = run(*words(candles, *more))
    assert ran.code == code
    assert said in ran.err


def test_constraints_nothing_keeps_end_with_1_and_say_so(candles: str, run: Any) -> None:
    ran = run(*words(candles, "--trials", "3", "--constraint", "trades > 9999"))
    assert ran.code == 1
    assert "no trial gave the objective a value and kept the constraints" in ran.out


def test_limits_of_the_settings_are_those_the_trials_run_under(candles: str, run: Any) -> None:
    more = ("--trials", "3", "--sampler", "random", "--no-keep", "--json")
    wide, bound = (json.loads(run(*words(candles, *more, "--limits", it)).out) for it in ("wide", "profile"))
    assert wide["about"]["limits"] == "wide"
    assert "position_share" in bound["about"]["limits"]
    assert [it["params"] for it in wide["trials"]] == [it["params"] for it in bound["trials"]]
    assert all(abs(float(a["measures"]["total_return"])) > abs(float(b["measures"]["total_return"]))
               for a, b in zip(wide["trials"], bound["trials"], strict=True))  # fmt: skip


def test_a_winner_that_comes_out_otherwise_is_an_error(candles: str, run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from tradectl.backtest.optimise import whole

    monkeypatch.setattr(whole, "differences", lambda trial, again: ("sharpe was 1.0, is 2.0",))
    ran = run(*words(candles, "--trials", "2", "--no-keep"))
    assert ran.code == 1
    assert "sharpe was 1.0, is 2.0" in ran.err
