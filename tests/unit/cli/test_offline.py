"""Verbs that need no daemon: settings, own strategies, arming, and the control path of a sandbox."""

import io
import json
import sys
import threading
from collections.abc import Iterator
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from tradectl.cli import arming
from tradectl.settings.document import files


@pytest.fixture
def config(home: Path, tmp_path: Path) -> Path:
    """A directory of settings, found without being named."""
    directory = tmp_path / "config" / "tradectl"
    directory.mkdir(parents=True)
    for name, text in files().items():
        (directory / name).write_text(text)
    return directory


# --- config


def test_config_show_says_where_values_come_from(config: Path, run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRADECTL_RISK_ORDER_SHARE", "0.015")
    monkeypatch.setenv("BYBIT_API_KEY", "k3y")
    monkeypatch.setenv("BYBIT_API_SECRET", "s3cret")
    ran = run("config", "--json")
    data = json.loads(ran.out, parse_float=Decimal)
    share = data["settings"]["risk.order_share"]
    assert (share["value"], share["origin"]) == (Decimal("0.015"), "environment variable TRADECTL_RISK_ORDER_SHARE")
    assert data["settings"]["risk.gross_share"]["origin"] == str(config / "trading.toml")
    assert data["secrets"] == "set"
    assert "s3cret" not in ran.out + run("config", "show").out
    assert data["strategies"][0]["class"] == "ema_cross"


def test_config_show_one(config: Path, run: Any) -> None:
    assert "largest order" in run("config", "show", "risk.order_share").out
    assert run("config", "show", "risk.oder_share").code == 78
    assert len(run("config", "show", "risk").out.splitlines()) > 5


def test_config_set_and_what_overrides_it(config: Path, run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    ran = run("config", "set", "risk.order_share", "0.01")
    assert (ran.code, ran.out) == (0, f"risk.order_share = 0.01 in {config / 'trading.toml'}\n")
    assert "restart" in ran.err
    monkeypatch.setenv("TRADECTL_RISK_ORDER_SHARE", "0.02")
    assert "TRADECTL_RISK_ORDER_SHARE overrides it" in run("config", "set", "risk.order_share", "0.03").err


@pytest.mark.parametrize(("key", "value"), [("risk.order_share", "-1"), ("risk.nope", "1"), ("trading.mode", "lve")])
def test_config_set_refuses_and_changes_nothing(config: Path, run: Any, key: str, value: str) -> None:
    before = {path: path.read_text() for path in config.iterdir()}
    ran = run("config", "set", key, value)
    assert ran.code == 78
    assert key in ran.err
    assert {path: path.read_text() for path in config.iterdir()} == before


def test_config_check_and_path(config: Path, run: Any) -> None:
    assert "valid" in run("config", "check").out
    assert str(config / "api.toml") in run("config", "path").out
    (config / "api.toml").write_text("[api\n")
    for verb in ("check", "path", "show"):
        ran = run("config", verb)
        assert ran.code == 78
        assert f"{config / 'api.toml'}, line 1, column" in ran.err


def test_verbose_adds_the_rule(config: Path, run: Any) -> None:
    (config / "app.toml").write_text('[app]\nlog_level = "loud"\n')
    assert "INVALID_SETTING: must be one of" in run("config", "check", "--verbose").err
    assert "INVALID_SETTING" not in run("config", "check").err


# --- strategies


def test_new_strategy_is_valid_and_never_overwritten(config: Path, run: Any) -> None:
    ran = run("strategies", "new", "my_idea")
    file = config / "strategies" / "my_idea.py"
    assert (ran.code, ran.out) == (0, f"{file}\n")
    checked = json.loads(run("strategies", "check", "my_idea", "--json").out)["strategies"][0]
    assert (checked["class"], checked["parameters"][0]["name"]) == ("MyIdea", "category")
    assert run("strategies", "check", str(file)).code == 0
    file.write_text("mine")
    assert run("strategies", "new", "my_idea").code == 1
    assert file.read_text() == "mine"


@pytest.mark.parametrize(
    "text", ["def broken(:\n", "import nothing_like_this\n", "x = 1\n", "raise ValueError('no')\n"]
)
def test_broken_strategy_is_named(config: Path, run: Any, text: str) -> None:
    folder = config / "strategies"
    folder.mkdir()
    (folder / "bad.py").write_text(text)
    ran = run("strategies", "check", "bad")
    assert ran.code != 0
    assert "bad.py" in ran.err
    assert "Traceback" not in ran.err


def test_parameter_out_of_bounds_is_named(config: Path, run: Any) -> None:
    with (config / "trading.toml").open("a") as file:
        file.write('\n[[strategies]]\nname = "a"\nclass = "ema_cross"\nparams = { fast = 1 }\n')
    ran = run("strategies", "check")
    assert ran.code == 78
    assert "strategies.a.fast" in ran.err


# --- arm


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> None:
    told = {"account": "4711", "uid": "4711", "read_only": False, "permissions": ["Spot: SpotTrade"],
            "balances": [{"coin": "USDT", "total": "12.5"}]}  # fmt: skip
    monkeypatch.setattr(arming, "_account", lambda settings: dict(told))


def test_arming_shows_everything_and_wants_the_name(
    account: None, home: Path, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("4711\n"))
    ran = run("arm")
    assert (ran.code, ran.out) == (0, "live · default\narmed: profile default, account 4711\n")
    for part in ("Spot: SpotTrade", "12.5", "order_share", "0.02", "real money"):
        assert part in ran.err
    file = home / "armed.json"
    assert json.loads(file.read_text())["uid"] == "4711"
    assert file.stat().st_mode & 0o777 == 0o600
    assert run("arm").code == 0, "an armed profile is not asked again"
    assert run("disarm").out == "disarmed\n"
    assert not file.exists()


@pytest.mark.parametrize("typed", ["", "\n", "y\n", "4712\n"])
def test_arming_with_another_name_does_nothing(
    account: None, home: Path, run: Any, monkeypatch: pytest.MonkeyPatch, typed: str
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
    assert run("arm", "--yes").code == 1
    assert not (home / "armed.json").exists()


def test_arming_without_a_key_says_which(home: Path, run: Any) -> None:
    ran = run("arm")
    assert ran.code == 78
    assert "BYBIT_API_KEY" in ran.err


# --- sandbox


class ControlPath(BaseHTTPRequestHandler):
    """A sandbox's control path with canned answers."""

    asked: list[tuple[str, str, Any]] = []
    answers: dict[str, tuple[int, Any]] = {}

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.asked.append((self.command, self.path, json.loads(body) if body else None))
        status, answer = self.answers[self.path]
        data = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = _serve

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: pytest shows what matters."""


@pytest.fixture
def venue(home: Path) -> Iterator[type[ControlPath]]:
    account = {"uid": "900100", "key": "k", "open_orders": 2,
               "wallet": {"coin": [{"coin": "USDT", "walletBalance": "5"}]},
               "positions": [{"symbol": "BTCUSDT", "side": "Buy", "size": "0.1", "avgPrice": "50000"}]}  # fmt: skip
    ControlPath.asked = []
    ControlPath.answers = {
        "/sandbox/state": (200, {"instance": "i1", "speed": 60.0, "accounts": [account], "faults": {}}),
        "/sandbox/reset": (200, {"instance": "i2"}),
        "/sandbox/deposit": (200, {"uid": "900100", "wallet": {}}),
        "/sandbox/fault": (200, {"armed": [{"kind": "cut", "place": "trade"}], "fired": 0}),
    }
    server = HTTPServer(("127.0.0.1", 0), ControlPath)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    (home / "sandbox").mkdir(parents=True)
    endpoint = {"host": "127.0.0.1", "port": server.server_port}
    (home / "sandbox" / "endpoint.json").write_text(json.dumps(endpoint))
    yield ControlPath
    server.shutdown()
    server.server_close()


def test_sandbox_state(venue: Any, run: Any) -> None:
    out = run("sandbox", "state").out
    for part in ("instance i1", "speed 60", "account 900100", "2 open orders", "BTCUSDT"):
        assert part in out
    assert json.loads(run("sandbox", "state", "--json").out, parse_float=Decimal)["speed"] == 60


def test_sandbox_deposit(venue: Any, run: Any) -> None:
    assert run("sandbox", "deposit", "usdt=5000.5").code == 0
    assert venue.asked[-1] == ("POST", "/sandbox/deposit", {"coin": "USDT", "amount": "5000.5", "uid": ""})
    assert run("sandbox", "deposit", "USDT=-5").code == 0
    for bad in ("USDT=nan", "USDT=1e5", "USDT=0"):
        assert run("sandbox", "deposit", bad).code == 2
    assert len(venue.asked) == 2


def test_sandbox_fault(venue: Any, run: Any) -> None:
    ran = run("sandbox", "fault", "cut", "--place", "trade", "--after", "3", "--clear")
    assert "kind cut, place trade" in ran.out
    sent = venue.asked[-1][2]
    assert sent["clear"] is True
    assert (sent["fault"]["kind"], sent["fault"]["place"], sent["fault"]["after"]) == ("cut", "trade", 3)
    run("sandbox", "fault")
    assert venue.asked[-1][2] == {"fault": None, "clear": False}


def test_sandbox_reset_asks(venue: Any, run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    assert run("sandbox", "reset").code == 2
    assert venue.asked == []
    assert run("sandbox", "reset", "--yes").code == 0


def test_sandbox_refusal_is_told(venue: Any, run: Any) -> None:
    venue.answers["/sandbox/deposit"] = (400, {"error": "no account 5"})
    ran = run("sandbox", "deposit", "USDT=5", "--uid", "5")
    assert ran.code == 1
    assert "no account 5" in ran.err


def test_no_sandbox_is_69(home: Path, run: Any) -> None:
    ran = run("sandbox", "state")
    assert ran.code == 69
    assert "tradectl sandbox" in ran.err


def test_sandbox_run_options_are_the_sandboxs_own(home: Path, run: Any) -> None:
    assert "--ack-delay" in run("sandbox", "--help").out
    ran = run("sandbox", "--speed", "-1")
    assert ran.code in (2, 78)
    assert "--speed" in ran.err


# --- replay


@pytest.mark.parametrize("command", ["replay", "parity"])
def test_replay_and_parity_of_nothing(home: Path, run: Any, command: str) -> None:
    ran = run(command, "nosuch")
    assert ran.code == 1
    assert "nosuch" in ran.err
