"""The sandbox as a process: what it prints and leaves behind, its TLS listener, its memory, its end."""

import http.client
import json
import os
import signal
import socket
import ssl
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ACCOUNT = "k1:hush-1:900100"


class Process:
    """``python -m tradectl.sandbox`` with a state directory; ``endpoint`` is there once it listens."""

    def __init__(self, state: Path, *options: str) -> None:
        self.state = state
        environ = os.environ | {"TRADECTL_SANDBOX_ACCOUNTS": ACCOUNT}
        command = [sys.executable, "-m", "tradectl.sandbox", "--port", "0", "--state", str(state), *options]
        self.child = subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.endpoint = self._wait()

    def _wait(self) -> dict[str, Any]:
        file = self.state / "endpoint.json"
        end = time.monotonic() + 30
        while time.monotonic() < end:
            if file.exists() and (found := json.loads(file.read_text()))["pid"] == self.child.pid:
                return found
            if self.child.poll() is not None:
                raise AssertionError(self.child.communicate())
            time.sleep(0.01)
        raise AssertionError("the sandbox does not listen")

    def get(self, path: str) -> dict[str, Any]:
        return self.request("GET", path)

    def request(self, method: str, path: str, body: str = "") -> dict[str, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.endpoint["port"], timeout=10)
        connection.request(method, path, body or None)
        found = json.loads(connection.getresponse().read())
        connection.close()
        return found

    def end(self, number: int = signal.SIGTERM) -> tuple[int, str, str]:
        self.child.send_signal(number)
        out, err = self.child.communicate(timeout=15)
        return self.child.returncode, out, err


@pytest.fixture
def start() -> Iterator[Callable[..., Process]]:
    started: list[Process] = []

    def begin(*arguments: Any) -> Process:
        started.append(Process(*arguments))
        return started[-1]

    yield begin
    for process in started:
        if process.child.poll() is None:
            process.child.kill()
            process.child.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_says_how_to_connect_and_ends_cleanly(start: Any, tmp_path: Path, number: int) -> None:
    process = start(tmp_path, "--seed", "3")
    assert set(process.endpoint) >= {"host", "port", "pid", "instance", "started"}
    state = process.get("/sandbox/state")
    assert (state["clock"], state["instance"]) == ("speed", process.endpoint["instance"])
    code, out, err = process.end(number)
    assert (code, err) == (0, "")
    assert f"http://127.0.0.1:{process.endpoint['port']}" in out
    assert f"ws://127.0.0.1:{process.endpoint['port']}/v5/private" in out
    assert "k1" in out
    assert "hush" not in out
    assert not (tmp_path / "endpoint.json").exists()


def test_a_killed_sandbox_continues(start: Any, tmp_path: Path) -> None:
    first = start(tmp_path, "--fund", "USDT=500")
    deposit = first.request("POST", "/sandbox/deposit", '{"coin": "USDT", "amount": "25"}')
    assert deposit["wallet"]["coin"][0]["walletBalance"] == "525"
    first.end(signal.SIGKILL)
    second = start(tmp_path, "--fund", "USDT=500")
    state = second.get("/sandbox/state")
    assert state["instance"] == first.endpoint["instance"]
    assert [coin["walletBalance"] for coin in state["accounts"][0]["wallet"]["coin"]] == ["525"]
    reset = second.request("POST", "/sandbox/reset", "{}")
    assert reset["instance"] != state["instance"]
    wallet = second.get("/sandbox/state")["accounts"][0]["wallet"]["coin"]
    assert [coin["walletBalance"] for coin in wallet] == ["500"]


def test_tls_under_a_private_ca(start: Any, tmp_path: Path) -> None:
    process = start(tmp_path, "--tls")
    context = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))
    assert stat.S_IMODE((tmp_path / "server.key").stat().st_mode) == 0o600
    for name in ("127.0.0.1", "api.sandbox.test"):
        raw = socket.create_connection(("127.0.0.1", process.endpoint["tls_port"]), timeout=10)
        with context.wrap_socket(raw, server_hostname=name) as secure:
            secure.sendall(b"GET /p.x/v5/market/time HTTP/1.1\r\nConnection: close\r\n\r\n")
            with secure.makefile("rb") as answer:
                assert b'"retCode":0' in answer.read()


def test_a_port_in_use_is_a_problem(start: Any, tmp_path: Path) -> None:
    process = start(tmp_path)
    port = str(process.endpoint["port"])
    command = [sys.executable, "-m", "tradectl.sandbox", "--port", port]
    second = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert second.returncode == 1
    assert f"cannot listen on 127.0.0.1:{port}" in second.stderr
    assert "Traceback" not in second.stderr


@pytest.mark.parametrize(("options", "word"), [
    (["--speed", "fast"], "--speed"), (["--data", "/nonexistent.csv"], "nonexistent.csv"),
    (["--symbols", "NOPEUSDT"], "NOPEUSDT"), (["--tls", "--tls-cert", "/nonexistent.pem"], "nonexistent.pem"),
])  # fmt: skip
def test_bad_options_are_one_line(tmp_path: Path, options: list[str], word: str) -> None:
    command = [sys.executable, "-m", "tradectl.sandbox", "--port", "0", "--state", str(tmp_path), *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode != 0
    assert word in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
