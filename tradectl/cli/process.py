"""Starting the daemon as a process of its own, and waiting for what it says or for its end.

The daemon writes JSON lines to the descriptor named by ``--ready-fd``: any number of ``{"step": "..."}`` while it
starts, then once ``{"ok": true, "mode": ..., "pid": ..., ...}`` or ``{"ok": false, "exit": N, "message": ...,
"remedy": ..., "alive": ...}``; ``alive`` with exit code 12 means it stays up, halted.
"""

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any, NoReturn

from tradectl.paths import Paths

FAILED, TIMEOUT = 1, 75
MEANINGFUL = frozenset({2, 10, 11, 12, 69, 75, 77, 78})
LAST_LINES = 15
POLL = 0.02


class Launch:
    """What the daemon is started with."""

    __slots__ = ("config", "debug", "mode", "paths")

    def __init__(self, paths: Paths, config: str, mode: str, debug: bool) -> None:
        self.paths, self.config, self.mode, self.debug = paths, config, mode, debug

    def command(self, *more: str) -> list[str]:
        """The command line of ``tradectl.daemon``."""
        words = [sys.executable, "-P", "-m", "tradectl.daemon", "--state", self.paths.state]
        words += ["--profile", self.paths.profile]
        for option, value in (("--config", self.config), ("--mode", self.mode)):
            words += [option, os.path.abspath(value) if option == "--config" else value] if value else []
        return [*words, *(["--debug"] if self.debug else []), *more]

    @staticmethod
    def environment() -> dict[str, str]:
        """Ours, so that the same package is found: ``-P`` keeps modules of the current directory out."""
        home = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
        package = os.path.dirname(home)
        if os.path.basename(package) == "site-packages":
            return dict(os.environ)
        known = os.environ.get("PYTHONPATH", "")
        return {**os.environ, "PYTHONPATH": f"{package}{os.pathsep}{known}" if known else package}


class Ready:
    """How starting ended: ``facts`` is the daemon's own line, ``exit_code`` what ``start`` returns."""

    __slots__ = ("alive", "exit_code", "facts", "last_lines", "message", "ok", "remedy")

    def __init__(self, ok: bool, exit_code: int, message: str, facts: dict[str, Any] | None = None) -> None:
        self.ok, self.exit_code, self.message = ok, exit_code, message
        self.facts = facts or {}
        self.remedy = str(self.facts.get("remedy", ""))
        self.alive = ok or bool(self.facts.get("alive"))
        self.last_lines: list[str] = []


def become(launch: Launch) -> NoReturn:
    """Turn this process into the daemon."""
    sys.stdout.flush()
    sys.stderr.flush()
    os.execve(sys.executable, launch.command("--foreground"), launch.environment())


def spawn(launch: Launch, wait: float, say: Callable[[str], None]) -> Ready:
    """Start the daemon detached from this terminal and wait, at most ``wait`` seconds, until it says how it went."""
    paths = launch.paths
    for directory in (paths.state, paths.logs):
        os.makedirs(directory, mode=0o700, exist_ok=True)
    output = os.open(paths.output, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    before = os.fstat(output).st_size
    reader, writer = os.pipe()
    try:
        child = subprocess.Popen(
            launch.command("--ready-fd", str(writer)),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            pass_fds=(writer,),
            env=launch.environment(),
        )
    finally:
        os.close(writer)
        os.close(output)
    try:
        ready = _wait(reader, child, time.monotonic() + wait, say)
    finally:
        os.close(reader)
    if not ready.alive:
        ready.last_lines = _last_lines(paths.output, before)
    return ready


def _wait(reader: int, child: "subprocess.Popen[bytes]", deadline: float, say: Callable[[str], None]) -> Ready:
    buffer = b""
    while (left := deadline - time.monotonic()) > 0:
        if not select.select([reader], [], [], left)[0]:
            break
        chunk = os.read(reader, 65536)
        if not chunk:
            return _died(child, deadline)
        *lines, buffer = (buffer + chunk).split(b"\n")
        for line in lines:
            facts: dict[str, Any] = json.loads(line)
            if "ok" in facts:
                return _said(facts)
            if "step" in facts:
                say(f"  {facts['step']}")
    return Ready(False, TIMEOUT, f"the daemon (pid {child.pid}) is still starting; tradectl status shows how it goes")


def _said(facts: dict[str, Any]) -> Ready:
    message = str(facts.get("message", ""))
    if not facts["ok"]:
        return Ready(False, int(facts.get("exit", FAILED)), message or "the daemon did not start", facts)
    return Ready(True, 0, message, facts)


def _died(child: "subprocess.Popen[bytes]", deadline: float) -> Ready:
    try:
        code = child.wait(max(1.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        return Ready(False, FAILED, f"the daemon (pid {child.pid}) closed its status line and said nothing")
    how = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
    return Ready(False, code if code in MEANINGFUL else FAILED, f"the daemon {how} before it was up")


def _last_lines(path: str, start: int) -> list[str]:
    """The last lines written to ``path`` after ``start``."""
    with open(path, "rb") as file:
        file.seek(max(start, os.fstat(file.fileno()).st_size - 65536))
        return file.read().decode("utf-8", "replace").splitlines()[-LAST_LINES:]


def is_alive(pid: int) -> bool:
    """Whether the process runs; one that ended and was not waited for does not."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()[0] not in (b"Z", b"X")
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_for_end(pid: int, seconds: float) -> bool:
    """Wait until the process is gone; false when it is not after ``seconds``."""
    deadline = time.monotonic() + seconds
    while is_alive(pid):
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL)
    return True
