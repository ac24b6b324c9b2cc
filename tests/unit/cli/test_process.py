"""``start``, ``stop``, ``restart`` with a stand-in for the daemon's process, and the command line as a process."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tradectl.cli import process
from tradectl.paths import Paths

ROOT = Path(__file__).parents[3]

#: A daemon as ``start`` sees one; what it says and does comes from a file beside its state.
STAND_IN = """
import argparse, json, os, pathlib, sys, time
parser = argparse.ArgumentParser()
for option in ("--state", "--profile", "--config", "--mode"):
    parser.add_argument(option, default="")
parser.add_argument("--ready-fd", type=int, default=-1)
parser.add_argument("--debug", action="store_true")
parser.add_argument("--foreground", action="store_true")
args = parser.parse_args()
state = pathlib.Path(args.state)
plan = json.loads((state / "plan.json").read_text())
(state / "arguments.json").write_text(json.dumps({**vars(args), "pid": os.getpid(), "sid": os.getsid(0)}))
print(plan.get("prints", ""), flush=True)
for line in plan["says"]:
    os.write(args.ready_fd, json.dumps(line).encode() + b"\\n")
if plan.get("lives"):
    os.close(args.ready_fd)
    time.sleep(30)
sys.exit(plan.get("exit", 0))
"""


@pytest.fixture
def plan(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Let ``start`` run the stand-in, and end what it left running."""
    stand_in = tmp_path / "stand_in.py"
    stand_in.write_text(textwrap.dedent(STAND_IN))
    real = process.Launch.command

    def command(self: process.Launch, *more: str) -> list[str]:
        words = real(self, *more)
        assert words[1:4] == ["-P", "-m", "tradectl.daemon"]
        return [words[0], str(stand_in), *words[4:]]

    monkeypatch.setattr(process.Launch, "command", command)
    home.mkdir(parents=True, exist_ok=True)

    def write(**content: Any) -> None:
        (home / "plan.json").write_text(json.dumps(content))

    yield write
    told = home / "arguments.json"
    if told.exists():
        pid = json.loads(told.read_text())["pid"]
        if process.is_alive(pid):
            os.kill(pid, signal.SIGKILL)


def test_start_returns_when_it_trades_and_leaves_it_running(plan: Any, run: Any, home: Path) -> None:
    plan(says=[{"step": "opening the venue"}, {"ok": True, "exit": 0, "mode": "demo", "pid": 77}], lives=True)
    ran = run("start", "--mode", "demo", "--debug", "--config", "some/where")
    told = json.loads((home / "arguments.json").read_text())
    assert (ran.code, ran.out) == (0, "")
    assert "opening the venue" in ran.err
    assert "RUNNING demo · default, pid 77" in ran.err
    assert (told["state"], told["profile"], told["mode"], told["debug"]) == (str(home), "default", "demo", True)
    assert told["config"] == os.path.abspath("some/where")
    assert told["sid"] == told["pid"], "it must not end with this terminal"
    assert process.is_alive(told["pid"])


def test_start_says_why_not_with_the_last_lines(plan: Any, run: Any) -> None:
    plan(says=[{"ok": False, "exit": 78, "message": "bad setting", "remedy": "Fix it."}], prints="a trace", exit=78)
    ran = run("start")
    assert ran.code == 78
    assert "error: bad setting\n  Fix it." in ran.err
    assert "a trace" in ran.err


def test_lines_of_an_earlier_start_are_not_shown(plan: Any, run: Any, home: Path) -> None:
    plan(says=[{"ok": False, "exit": 1, "message": "no"}], prints="new line", exit=1)
    (home / "logs").mkdir()
    (home / "logs" / "daemon.out").write_text("old line\n")
    ran = run("start")
    assert "old line" not in ran.err
    assert "new line" in ran.err


def test_halted_start_is_12_and_the_daemon_stays(plan: Any, run: Any, home: Path) -> None:
    plan(says=[{"ok": False, "exit": 12, "message": "up, but HALTED", "alive": True}], lives=True)
    assert run("start").code == 12
    assert process.is_alive(json.loads((home / "arguments.json").read_text())["pid"])


@pytest.mark.parametrize(("code", "expected"), [(78, 78), (77, 77), (3, 1), (0, 1)])
def test_daemon_that_dies_silently(plan: Any, run: Any, code: int, expected: int) -> None:
    plan(says=[], prints="Traceback: boom", exit=code)
    ran = run("start")
    assert ran.code == expected
    assert f"ended with exit code {code}" in ran.err
    assert "boom" in ran.err


def test_start_that_takes_too_long_is_75(plan: Any, run: Any, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan(says=[{"step": "slowly"}], lives=True)
    monkeypatch.setattr(process, "_died", lambda child, deadline: pytest.fail("it lives"))
    stand_in = (home.parent / "stand_in.py").read_text().replace("os.close(args.ready_fd)\n", "pass\n")
    (home.parent / "stand_in.py").write_text(stand_in)
    ran = run("start", "--wait", "1")
    assert ran.code == 75
    assert "still starting" in ran.err


def test_json_of_start(plan: Any, run: Any) -> None:
    plan(says=[{"ok": True, "exit": 0, "mode": "sandbox", "pid": 5}], lives=True)
    assert json.loads(run("start", "--json").out) == {"ok": True, "exit": 0, "mode": "sandbox", "pid": 5}


def test_second_daemon_is_refused(fake: Any, run: Any) -> None:
    ran = run("start")
    assert ran.code == 1
    assert "already runs" in ran.err


def test_paper_starts_as_any_other_mode(plan: Any, run: Any) -> None:
    plan(says=[{"ok": True, "exit": 0, "mode": "paper", "pid": 5}], lives=True)
    ran = run("start", "--mode", "paper")
    assert ran.code == 0
    assert "RUNNING paper" in ran.err


# --- stop


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    started = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(30)"])
    yield started
    started.kill()
    started.wait()


def _stopping(fake: Any, child: "subprocess.Popen[bytes]") -> None:
    import msgspec

    fake.answers["status"] = msgspec.structs.replace(fake.answers["status"], pid=child.pid)
    left = fake.answers["stop"]

    def stop() -> Any:
        child.kill()
        return left

    fake.answers["stop"] = stop


@pytest.mark.parametrize(
    ("words", "leave"), [((), "entries"), (("--keep",), "all"), (("--flatten", "--yes"), "flatten")]
)
def test_stop_waits_for_the_end_and_prints_what_it_left(
    fake: Any, run: Any, child: Any, words: tuple[str, ...], leave: str
) -> None:
    _stopping(fake, child)
    ran = run("stop", *words)
    assert (ran.code, ran.err) == (0, "")
    assert fake.calls[-1][1]["leave"] == leave
    assert "positions left at the exchange" in ran.out
    assert not process.is_alive(child.pid)


def test_stop_that_takes_too_long_is_75(fake: Any, run: Any, child: Any) -> None:
    import msgspec

    fake.answers["status"] = msgspec.structs.replace(fake.answers["status"], pid=child.pid)
    ran = run("stop", "--wait", "1")
    assert ran.code == 75
    assert str(child.pid) in ran.err


def test_stop_without_a_daemon_is_69(home: Path, run: Any) -> None:
    assert run("stop").code == 69


def test_restart_stops_and_starts_in_the_same_mode(fake: Any, plan: Any, run: Any, child: Any, home: Path) -> None:
    _stopping(fake, child)
    plan(says=[{"ok": True, "exit": 0, "mode": "sandbox", "pid": 5}], lives=True)
    stopped = fake.answers["stop"]

    def stop() -> Any:
        os.rename(fake.paths.daemon_socket, f"{fake.paths.daemon_socket}.gone")
        return stopped()

    fake.answers["stop"] = stop
    ran = run("restart")
    assert ran.code == 0
    assert json.loads((home / "arguments.json").read_text())["mode"] == "sandbox"


# --- the command line as a process


def _process(home: Path, *words: str, code: str = "") -> "subprocess.CompletedProcess[str]":
    env = {**os.environ, "PYTHONPATH": str(ROOT), "TRADECTL_STATE": str(home)}
    command = [sys.executable, "-c", code, *words] if code else [sys.executable, "-m", "tradectl", *words]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=30)


IMPORTED = """
import sys
from tradectl.__main__ import main
code = main()
print(" ".join(sorted(sys.modules)), file=sys.stderr)
sys.exit(code)
"""
HEAVY = {"typer", "rich", "click", "msgspec", "asyncio", "decimal", "typing", "socket", "pathlib", "inspect"}


@pytest.mark.parametrize(
    "line", ["status", "status --json", "orders", "positions", "portfolio", "trades", "order list"]
)
def test_quick_verbs_import_neither_typer_nor_rich_nor_anything_heavy(fake: Any, home: Path, line: str) -> None:
    ran = _process(home, *line.split(), code=IMPORTED)
    assert ran.returncode == 0
    assert set(ran.stderr.split()) & HEAVY == set()
    assert "tradectl.cli.quick" in ran.stderr.split()


def test_help_imports_no_command(home: Path) -> None:
    ran = _process(home, "--help", code=IMPORTED)
    modules = set(ran.stderr.split())
    assert "typer" in modules
    assert {"tradectl.cli.orders", "tradectl.cli.daemon", "rich", "pydantic"} & modules == set()


def test_python_m_runs_it(fake: Any, home: Path) -> None:
    ran = _process(home, "orders", "--json")
    assert ran.returncode == 0
    assert json.loads(ran.stdout)["orders"][0]["qty"] == 0.1


def test_reader_that_has_seen_enough(fake: Any, home: Path) -> None:
    env = {**os.environ, "PYTHONPATH": str(ROOT), "TRADECTL_STATE": str(home)}
    line = f"{sys.executable} -m tradectl instruments --json | head -1"
    ran = subprocess.run(["bash", "-c", line], env=env, capture_output=True, text=True, timeout=30)
    assert ran.stdout == "{\n"
    assert "Traceback" not in ran.stderr


def test_ctrl_c_is_130(fake: Any, home: Path) -> None:
    env = {**os.environ, "PYTHONPATH": str(ROOT), "TRADECTL_STATE": str(home)}
    command = [sys.executable, "-m", "tradectl", "status", "--watch"]
    watching = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 20
    while not any(name == "status" for name, _ in fake.calls):
        assert time.monotonic() < deadline, "it never asked"
        time.sleep(0.01)
    watching.send_signal(signal.SIGINT)
    _, err = watching.communicate(timeout=20)
    assert watching.returncode == 130
    assert b"Traceback" not in err


# --- logs


def _log(home: Path, *lines: str) -> Path:
    path = Path(Paths(str(home)).app_log)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def test_logs_are_readable_and_json_is_as_written(home: Path, run: Any) -> None:
    record = '{"at":"2026-01-01T00:00:00","level":"warning","message":"odd","where":"x:1"}'
    _log(home, "first", record, "last")
    assert run("logs", "-n", "2").out.splitlines() == ["2026-01-01T00:00:00 WARNING  odd  where=x:1", "last"]
    assert run("logs", "-n", "2", "--json").out.splitlines() == [record, "last"]


def test_no_log_says_so(home: Path, run: Any) -> None:
    assert run("logs").code == 1


def test_logs_follow_through_a_rotation(home: Path) -> None:
    path = _log(home, "one")
    env = {**os.environ, "PYTHONPATH": str(ROOT), "TRADECTL_STATE": str(home)}
    command = [sys.executable, "-m", "tradectl", "logs", "-f"]
    tail = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True)
    assert tail.stdout is not None
    bound = threading.Timer(20, tail.kill)  # a line that never comes ends the wait with an empty one
    bound.start()
    try:
        assert tail.stdout.readline() == "one\n"
        with path.open("a") as file:
            file.write("two\nthr")
        assert tail.stdout.readline() == "two\n"
        with path.open("a") as file:
            file.write("ee\n")
        assert tail.stdout.readline() == "three\n"
        path.rename(f"{path}.1")
        path.write_text("four\n")
        assert tail.stdout.readline() == "four\n"
    finally:
        bound.cancel()
        tail.kill()
        tail.communicate()
