"""The gateway as a process: its token, its listener, its death and its return."""

import json
import os
import select
import signal
import ssl
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme

from tradectl.api.config import ApiConfig, check_listener
from tradectl.api.token import load_or_create, matches
from tradectl.model.errors import ErrorCode, Problem

ROOT = Path(__file__).resolve().parents[3]
Start = Callable[..., tuple["subprocess.Popen[str]", str]]


def read_line(process: "subprocess.Popen[str]", seconds: float = 20) -> str:
    assert process.stdout is not None
    ready, _, _ = select.select([process.stdout], [], [], seconds)
    assert ready, "the gateway said nothing in time"
    return process.stdout.readline()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts gateways; answers the process and its URL."""
    started: list[subprocess.Popen[str]] = []

    def run(*options: str, port: int = 0) -> tuple["subprocess.Popen[str]", str]:
        command = [sys.executable, "-m", "tradectl.api", "--socket", str(tmp_path / "run" / "daemon.sock")]
        process = subprocess.Popen(
            [*command, "--state", str(tmp_path), "--port", str(port), *options],
            cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        started.append(process)
        line = read_line(process)
        assert line.startswith("tradectl api: http"), (line, process.communicate())
        return process, line.split()[2]

    yield run
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=10)


@pytest.fixture(autouse=True)
def no_settings_of_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("TRADECTL_CONFIG", "")
    for name in [name for name in os.environ if name.startswith("TRADECTL_API_")]:
        monkeypatch.delenv(name)


def settings_file(directory: Path, **api: str | int) -> tuple[str, str]:
    """The options that name a settings directory with this section [api]."""
    lines = ["[api]", *(f"{name} = {json.dumps(value)}" for name, value in api.items())]
    (directory / "api.toml").write_text("\n".join(lines) + "\n")
    return "--config", str(directory)


def refused(*options: str, state: Path) -> tuple[int, str]:
    """Start a gateway that must not start: its exit code and message."""
    done = subprocess.run(
        [sys.executable, "-m", "tradectl.api", "--socket", str(state / "d.sock"), "--state", str(state), *options],
        cwd=ROOT, capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    return done.returncode, done.stderr


def test_first_start_makes_the_token_and_prints_its_path_alone(start: Start, tmp_path: Path) -> None:
    process, url = start()
    token_file = tmp_path / "api.token"
    token = token_file.read_text().strip()
    assert stat.S_IMODE(token_file.stat().st_mode) == 0o600
    assert len(token) == 43
    assert httpx.get(f"{url}/api/health").json() == {"status": "unavailable"}
    assert httpx.get(f"{url}/api/portfolio").status_code == 401
    answer = httpx.get(f"{url}/api/portfolio", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 503
    assert "server" not in answer.headers
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=10)
    assert process.returncode == 0
    assert token not in out + err


async def test_killed_and_started_again_on_the_same_port(start: Start, tmp_path: Path, rig: Any) -> None:
    def status(url: str) -> int:
        headers = {"Authorization": f"Bearer {(tmp_path / 'api.token').read_text().strip()}"}
        return httpx.get(f"{url}/api/portfolio", headers=headers).status_code

    async def connected(url: str) -> None:
        await rig.wait(lambda _: rig.daemon.feed.subscribers == 2)
        end = time.monotonic() + 10
        while (found := status(url)) != 200:
            assert time.monotonic() < end, found

    process, url = start()
    await connected(url)
    process.kill()
    process.wait(timeout=10)
    await rig.wait(lambda _: rig.daemon.feed.subscribers == 1)
    rig.daemon.publish()  # the daemon goes on, and so do its other clients
    await rig.wait(lambda got: got.headers.get("x-as-of-seq") == "42", "/api/portfolio")
    _, again = start(port=int(url.rpartition(":")[2]))
    assert again == url
    await connected(url)


def test_a_port_in_use_is_named(start: Start, tmp_path: Path) -> None:
    _, url = start()
    code, message = refused("--port", url.rpartition(":")[2], state=tmp_path)
    assert code == 1
    assert "cannot listen" in message
    assert "api.port" in message


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org"])
def test_an_open_address_without_tls_is_refused(host: str) -> None:
    with pytest.raises(Problem) as caught:
        check_listener(ApiConfig(host=host))
    assert (caught.value.code, caught.value.field) == (ErrorCode.INVALID_SETTING, "api.host")
    check_listener(ApiConfig(host=host, tls_cert="c.pem", tls_key="k.pem"))


def test_the_process_refuses_an_open_address_and_half_a_pair(tmp_path: Path) -> None:
    code, message = refused("--host", "0.0.0.0", state=tmp_path)
    assert code == 78
    assert "127.0.0.1" in message
    code, message = refused(*settings_file(tmp_path, tls_cert="c.pem"), state=tmp_path)
    assert code == 78
    assert "tls_key" in message
    code, message = refused(*settings_file(tmp_path, tls_cert="/no/c.pem", tls_key="/no/k.pem"), state=tmp_path)
    assert code == 78
    assert "/no/c.pem" in message
    code, message = refused(*settings_file(tmp_path, prt=1), state=tmp_path)
    assert code == 78
    assert "prt" in message


def test_it_serves_tls(start: Start, tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    authority.issue_cert("localhost", "127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "s.pem"))
    pem = str(tmp_path / "s.pem")
    _, url = start(*settings_file(tmp_path, tls_cert=pem, tls_key=pem))
    assert url.startswith("https://")
    context = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))
    assert httpx.get(f"{url}/api/health", verify=context).status_code == 503


def test_the_token_is_drawn_once(tmp_path: Path) -> None:
    path = tmp_path / "state" / "api.token"
    first = load_or_create(path)
    assert load_or_create(path) == first
    assert load_or_create(tmp_path / "other.token") != first
    assert matches(first.encode(), first.encode())
    assert not matches(first.encode(), first.encode()[:-1])
    assert os.listdir(path.parent) == ["api.token"]


@pytest.mark.parametrize("content", ["", "short", "ü" * 43, "x" * 42])
def test_a_damaged_token_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "api.token"
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(Problem) as caught:
        load_or_create(path)
    assert caught.value.code is ErrorCode.INVALID_SETTING


def test_a_token_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "api.token"
    load_or_create(path)
    path.chmod(0o640)
    with pytest.raises(Problem, match="chmod 600"):
        load_or_create(path)
