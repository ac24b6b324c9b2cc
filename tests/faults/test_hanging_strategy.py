"""A real daemon with a strategy that hangs, in Python and in C: it alone ends, the others trade on, replays agree."""

from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.daemon_process import DaemonProcess
from tests.sandbox.stepped_run import quiet_api
from tradectl.daemon.replaying import replay_run
from tradectl.model.money import use_exact_context
from tradectl.rpc.client import RpcError, call

FILE = '''
import itertools
import os

from tradectl.engine.strategy import Strategy, param


class Hang(Strategy):
    """Rests an entry far below the market, then hangs on its third bar."""

    symbol: str = param("BTCUSDT")
    how: str = param("python", choices=("python", "swallow", "c", "never"))

    def on_start(self):
        self.subscribe_bars(self.symbol, "1m")
        self.seen = 0

    def on_bar(self, bar):
        self.seen += 1
        if self.seen == 1:
            self.buy(self.symbol, "0.01", round(bar.close * 0.97, 0), reason="far below")
        if self.seen < 3 or self.how == "never":
            return
        self.buy(self.symbol, "0.01", reason="never to be seen")
        if self.how == "c":
            sum(itertools.count())
        while True:
            try:
                while True:
                    self.seen += 1
            except BaseException:
                if self.how != "swallow":
                    raise
                return


class Calm(Hang):
    """Trades on each bar."""

    def on_bar(self, bar):
        self.seen += 1
        if self.position(self.symbol):
            self.close(self.symbol, reason="out")
        else:
            self.buy(self.symbol, "0.02", reason="in")


class Nosy(Strategy):
    """Looks for secrets."""

    def on_start(self):
        found = sorted(n for n, v in os.environ.items() if "s3cr3t" in v)
        raise RuntimeError(f"found {found}")
'''
SETTINGS = """
[trading]
mode = "sandbox"
strategy_callback_ms = 250
strategy_deadline_s = 3
[risk]
day_loss_share = 10
drawdown_share = 10
[[strategies]]
name = "bad"
class = "mine:Hang"
params = { how = "HOW" }
[[strategies]]
name = "good"
class = "mine:Calm"
params = { symbol = "ETHUSDT" }
[[strategies]]
name = "nosy"
class = "mine:Nosy"
"""


def daemon_of(directory: Path, how: str) -> DaemonProcess:
    quiet_api(directory)
    daemon = DaemonProcess(directory, SETTINGS.replace("HOW", how))
    folder = daemon.config / "strategies"
    folder.mkdir()
    (folder / "mine.py").write_text(FILE)
    return daemon


def strategies(daemon: DaemonProcess) -> dict[str, Any]:
    found = call(daemon.paths.daemon_socket, "strategies.list")["strategies"]
    return {row["name"]: row for row in found}


def orders(daemon: DaemonProcess, strategy: str) -> list[Any]:
    found: list[Any] = call(daemon.paths.daemon_socket, "orders.list")["orders"]
    return [row for row in found if row["strategy"] == strategy]


def assert_the_other_trades_on(daemon: DaemonProcess) -> None:
    before = strategies(daemon)["good"]["trades"]
    daemon.wait_for(lambda: strategies(daemon)["good"]["trades"] > before + 1, 40, "the other strategy trades")
    assert strategies(daemon)["good"]["status"] == "active"
    assert call(daemon.paths.daemon_socket, "status")["state"] == "RUNNING"


def assert_it_replays(daemon: DaemonProcess) -> None:
    use_exact_context()
    folder = daemon.config / "strategies"
    report = replay_run(daemon.paths.state, "", folder).report
    assert report.identical, report.differences


@pytest.mark.parametrize("how", ["python", "swallow"])
def test_a_loop_in_python_is_aborted_and_the_others_trade_on(tmp_path: Path, how: str) -> None:
    daemon = daemon_of(tmp_path, how)
    try:
        assert daemon.start(env={"BYBIT_API_KEY": "s3cr3t", "MY_PASSWORD": "s3cr3t", "OTHER_TOKEN": "s3cr3t"})["ok"]
        assert strategies(daemon)["nosy"]["reason"].startswith("on_start: RuntimeError: found [] (line ")
        daemon.wait_for(lambda: strategies(daemon)["bad"]["status"] == "stopped", 40, "it is stopped")
        assert strategies(daemon)["bad"]["reason"] == "on_bar: it took more than 250 ms and was aborted"
        daemon.wait_for(lambda: orders(daemon, "bad") == [], 20, "its entry is cancelled")
        assert strategies(daemon)["bad"]["trades"] == 0, "what the aborted callback asked for was carried out"
        assert_the_other_trades_on(daemon)
        _mend(daemon)
        assert daemon.stop() == 0, daemon.output()[-2000:]
        assert daemon.start()["ok"]
        assert strategies(daemon)["bad"]["parameters"]["how"] == "never", "what was set outlives a restart"
        assert daemon.stop() == 0, daemon.output()[-2000:]
        assert_it_replays(daemon)
    finally:
        daemon.end_everything()


def _mend(daemon: DaemonProcess) -> None:
    """A person corrects the parameter: it begins anew, and is active again."""
    with pytest.raises(RpcError, match=r"strategies\.bad\.how is 'sometimes', not one of python, swallow, c, never"):
        call(daemon.paths.daemon_socket, "strategies.set", {"name": "bad", "parameters": {"how": "sometimes"}})
    done = call(daemon.paths.daemon_socket, "strategies.set", {"name": "bad", "parameters": {"how": "never"}})
    assert "with its new parameters" in done["text"]
    daemon.wait_for(lambda: strategies(daemon)["bad"]["status"] == "active", 20, "it trades again")


def test_a_loop_in_c_ends_the_process_and_the_next_one_goes_on_without_it(tmp_path: Path) -> None:
    daemon = daemon_of(tmp_path, "c")
    try:
        assert daemon.start()["ok"]
        assert daemon.wait(90) not in (None, 0), "it ends by itself"
        restarted = daemon.start()
        assert restarted["ok"], restarted
        bad = strategies(daemon)["bad"]
        assert bad["status"] == "stopped"
        assert bad["reason"].startswith(
            "it held the process for 3 s and the daemon ended itself, in on_bar (mine.py, line"
        )
        daemon.wait_for(lambda: orders(daemon, "bad") == [], 30, "its entry is cancelled")
        assert_the_other_trades_on(daemon)
        daemon.kill()  # killed from outside: nobody's fault
        assert daemon.start()["ok"]
        assert strategies(daemon)["good"]["status"] in ("active", "warming")
        assert strategies(daemon)["bad"]["reason"].startswith("it held the process")
        assert daemon.stop() == 0, daemon.output()[-2000:]
        assert_it_replays(daemon)
    finally:
        daemon.end_everything()
