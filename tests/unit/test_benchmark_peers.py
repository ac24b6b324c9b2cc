"""The comparison with other backtesters: what it calls the same, how it explains the rest, and our own two speeds."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.benchmarks.peers import __main__ as peers
from tests.benchmarks.peers import environments, sweeps
from tests.benchmarks.peers.alone.handover import MINUTE, Rules, averages, pairs, seeded
from tests.benchmarks.peers.compare import Trade, Trades, differences, read
from tests.benchmarks.peers.market import made_up, of_file, store
from tests.benchmarks.peers.registry import COIN, PEERS, SHARE, Peer
from tests.benchmarks.peers.runs import Runner

OWN = [it.name for it in PEERS if not it.environment]


def trade_at(candles: object, place: int, price: float | None = None, qty: float = 1.0, side: int = 1) -> Trades:
    times, closes = candles.time, candles.close  # type: ignore[attr-defined]
    return {(int(times[place]) + MINUTE, side): Trade(float(closes[place]) if price is None else price, qty)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return store(made_up(3000), tmp_path_factory.mktemp("candles"))


def test_both_speeds_trade_like_the_bare_loop(capsys: pytest.CaptureFixture[str]) -> None:
    assert peers.main([*OWN, "--candles", "3000", "--repeat", "1", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [it["name"] for it in told["peers"]] == OWN
    assert {it["size"] for it in told["peers"]} == {COIN, SHARE}
    for it in told["peers"]:
        assert it["differences"] == []
        assert it["notes"] == []
        assert it["fills"] > 50
        assert it["candles_per_cpu_s"] > 0
    assert len({round(it["equity"], 6) for it in told["peers"] if it["size"] == SHARE}) == 1


def test_the_tables_name_who_is_absent_and_every_bar_that_was_measured(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TRADECTL_PEERS", str(tmp_path))
    (tmp_path / "nautilus.why").write_text("needs Python 3.12 or newer, which is not at hand\n")
    chosen = ["bare loop", "tradectl events", "NautilusTrader 2", "backtesting.py"]
    assert peers.main([*chosen, "--candles", "500", "--repeat", "1"]) == 0
    text = capsys.readouterr().out
    assert "NautilusTrader 2: needs Python 3.12 or newer, which is not at hand" in text
    assert "backtesting.py: not installed: run with --setup" in text
    assert "tradectl events: peak MB" in text
    with pytest.raises(SystemExit, match="nobody: no such peer"):
        peers.main(["nobody"])


def test_a_sweep_gives_the_returns_of_the_bare_kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRADECTL_PEERS", str(tmp_path / "none"))
    given = peers._parser().parse_args(["--sweep", "--pairs", "12", "--sweep-candles", "2000", "--repeat", "1"])
    told = sweeps.run(Runner(tmp_path), given, tmp_path, lambda text: None)
    assert set(told["who"]) == {sweeps.OURS, sweeps.KERNEL}
    assert told["who"][sweeps.OURS]["returns_off"] == 0
    assert [it["goal"] for it in sweeps.verdicts(told)] == ["≥ 0.7x"]
    assert "same" in sweeps.table(told)


def test_a_script_that_fails_says_why(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"backtesting_py.py failed: .*No module named 'backtesting'"):
        Runner(tmp_path).once("backtesting_py.py", Path(sys.executable), folder, ())


def test_differences_are_told_in_words(folder: Path) -> None:
    candles = read(folder)
    assert differences(trade_at(candles, 50), trade_at(candles, 50), candles) == []
    last = trade_at(candles, 2999)
    assert differences(last, {}, candles) == ["1 missing: at the end of the last candle"]
    assert differences({}, trade_at(candles, 50), candles) == ["1 more: UNEXPLAINED"]
    assert differences(trade_at(candles, 50), trade_at(candles, 50, qty=2.0), candles) == ["1 of another size"]
    off = trade_at(candles, 50, price=float(candles.close[50]) + 0.1)
    assert differences(trade_at(candles, 50), off, candles) == ["1 at another price: UNEXPLAINED"]
    between = {(int(candles.time[50]) + 1, 1): Trade(1.0, 1.0)}
    assert differences({}, between, candles) == ["1 more: at no candle's end"]


def test_a_thin_candle_explains_a_tick_and_no_more(folder: Path) -> None:
    candles = read(folder)
    candles.volume = candles.volume * 0
    close = float(candles.close[50])
    a_tick = differences(trade_at(candles, 50), trade_at(candles, 50, price=close + 0.1), candles)
    assert a_tick == ["1 at most a tick off: larger than a quarter of the candle's volume"]
    two = differences(trade_at(candles, 50), trade_at(candles, 50, price=close + 0.2), candles)
    assert two == ["1 at another price: UNEXPLAINED"]


def test_the_open_of_the_next_candle_is_an_explanation(folder: Path) -> None:
    candles = read(folder)
    candles.open = candles.open + 7.3
    found = trade_at(candles, 50, price=float(candles.open[51]))
    assert differences(trade_at(candles, 50), found, candles) == ["1 at the open of the next candle"]


def test_averages_that_are_level_explain_a_crossing(tmp_path: Path) -> None:
    columns = made_up(500)
    columns["close"] = np.full(500, 60_000.0)
    candles = read(store(columns, tmp_path))
    assert differences(trade_at(candles, 100), {}, candles) == ["1 missing: the averages are equal but for rounding"]


def test_seeded_closes_make_a_plain_average_begin_as_ours() -> None:
    close = made_up(200)["close"]
    step, value, plain = averages(30), 0.0, seeded(close, 30)
    for place, price in enumerate(plain.tolist()):
        value = price if not place else value + 2 / 31 * (price - value)
        ours = step(float(close[place]))
        if place >= 29:
            assert ours == pytest.approx(value, rel=1e-14)


@pytest.mark.parametrize("count", [1, 12, 80, 1000])
def test_pairs_are_as_many_as_asked_for_and_fit_the_strategy(count: int) -> None:
    chosen = pairs(count)
    assert len(set(chosen)) == count
    assert all(2 <= fast <= 50 and 5 <= slow <= 200 and fast < slow for fast, slow in chosen)


def test_made_up_candles_are_candles_on_the_tick() -> None:
    made = made_up(2000)
    for name in ("open", "high", "low", "close"):
        assert np.allclose(made[name] * 10, np.round(made[name] * 10), atol=1e-6)
    assert (made["high"] >= np.maximum(made["open"], made["close"])).all()
    assert (made["low"] <= np.minimum(made["open"], made["close"])).all()
    assert (np.diff(made["time"]) == MINUTE).all()
    assert (made["volume"] / 4 > Rules.SIZE).all()


def test_candles_of_a_file_are_taken_as_they_are(tmp_path: Path) -> None:
    lines = [
        "timestamp,open,high,low,close,volume",
        "1735689600000,1.0,2.0,0.5,1.5,7",
        "1735689660000,1.5,2.5,1.0,2.0,8",
    ]
    path = tmp_path / "bybit_linear_BTCUSDT_1m.csv"
    path.write_text("\n".join(lines) + "\n")
    found = of_file(path)
    assert found["time"].tolist() == [1_735_689_600_000_000_000, 1_735_689_660_000_000_000]
    assert found["close"].tolist() == [1.5, 2.0]


def test_a_peer_that_no_python_takes_is_named_with_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRADECTL_PEERS", str(tmp_path))
    monkeypatch.setattr(environments, "interpreters", lambda: iter([((3, 11), sys.executable)]))
    future = Peer("later", COIN, "none.py", needs=("later",), oldest=(3, 98), environment="later")
    assert environments.make(future) == "needs Python 3.98 or newer, which is not at hand"
    assert environments.python_of(future) is None
    assert environments.reason(future) == "needs Python 3.98 or newer, which is not at hand"


def test_ours_comes_first_and_otherwise_the_newest_python(monkeypatch: pytest.MonkeyPatch) -> None:
    at_hand = [((3, 11), sys.executable), ((3, 12), "twelve"), ((3, 13), "thirteen")]
    monkeypatch.setattr(environments, "interpreters", lambda: iter(at_hand))
    assert environments.interpreter_for(Peer("a", COIN, "a.py")) == sys.executable
    assert environments.interpreter_for(Peer("b", COIN, "b.py", oldest=(3, 12))) == "thirteen"
    assert environments.interpreter_for(Peer("c", COIN, "c.py", oldest=(3, 12), newest=(3, 12))) == "twelve"
