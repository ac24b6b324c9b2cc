"""``data download`` and ``data record`` before anything is asked of a venue."""

import sys
from pathlib import Path

import pytest

from tradectl.__main__ import main


@pytest.mark.parametrize("verb", ["download", "record"])
def test_without_pyarrow_it_says_what_to_install(
    verb: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    words = ["data", verb, "--symbol", "BTCUSDT", "--data", str(tmp_path), "--url", "http://127.0.0.1:9"]
    assert main(words) == 1
    assert "pip install 'tradectl[research]'" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["download", "--symbol", "BTCUSDT", "--kind", "quotes"], "data record gathers them"),
        (["download", "--symbol", "BTCUSDT", "--kind", "funding", "--source", "archive"], "hold trades, not funding"),
        (["download", "--symbol", "BTCUSDT", "--interval", "1w", "--source", "archive"], "1w do not fit"),
        (["download", "--symbol", "BTCUSDT", "--category", "spot", "--kind", "mark"], "spot has no mark"),
        (["download", "--symbol", "BTCUSDT", "--url", "example"], "--url example is no address"),
    ],
)
def test_what_cannot_be_had_is_refused_with_the_reason(
    words: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    given = words if "--url" in words else [*words, "--url", "http://127.0.0.1:9"]
    assert main(["data", *given, "--data", str(tmp_path)]) == 2
    shown = capsys.readouterr()
    assert message in shown.err
    assert shown.out == ""
