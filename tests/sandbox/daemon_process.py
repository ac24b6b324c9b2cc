"""A real daemon process on a real sandbox, for tests: settings, start, end, and what both say afterwards."""

import json
import os
import select
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tests.sandbox.venue_client import VenueClient
from tradectl.paths import Paths

ROOT = Path(__file__).resolve().parents[2]


class DaemonProcess:
    """``python -m tradectl.daemon`` (or a test's own composition root) over a state directory."""

    def __init__(self, directory: Path, settings: str, module: str = "tradectl.daemon") -> None:
        self.directory = directory
        self.paths = Paths(str(directory / "state"))
        self.config = directory / "config"
        self.config.mkdir(parents=True, exist_ok=True)
        (self.config / "trading.toml").write_text(settings)
        self.module = module
        self.process: subprocess.Popen[bytes] | None = None
        self.ready: dict[str, Any] = {}

    def start(
        self, *more: str, wait: float = 60.0, module: str = "", env: dict[str, str] | None = None
    ) -> dict[str, Any]:
        """Start and wait for the line that says how it went; an early death is reported as such."""
        reader, writer = os.pipe()
        (self.directory / "out.log").touch()
        with (self.directory / "out.log").open("ab") as out:
            self.process = subprocess.Popen(
                [
                    sys.executable, "-m", module or self.module, *more, "--state", self.paths.state, "--config",
                    str(self.config), "--ready-fd", str(writer),
                ],
                cwd=ROOT, stdout=out, stderr=out, pass_fds=(writer,),
                env={k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"} | (env or {}),
            )  # fmt: skip
        os.close(writer)
        self.ready = self._read_ready(reader, time.monotonic() + wait)
        os.close(reader)
        return self.ready

    def _read_ready(self, reader: int, deadline: float) -> dict[str, Any]:
        data = b""
        while time.monotonic() < deadline:
            if not select.select([reader], [], [], 0.2)[0]:
                continue
            chunk = os.read(reader, 65536)
            if not chunk:
                return {"ok": False, "died": self.wait(10), "message": self.output()[-2000:]}
            data += chunk
            for line in data.splitlines():
                if line.endswith(b"}") and "ok" in json.loads(line):
                    found: dict[str, Any] = json.loads(line)
                    return found
        return {"ok": False, "message": f"no word within the time: {self.output()[-2000:]}"}

    def output(self) -> str:
        """What it printed and logged."""
        texts = [(self.directory / "out.log").read_text(errors="replace")]
        texts += [p.read_text(errors="replace") for p in sorted(Path(self.paths.logs).glob("*.log"))]
        return "\n".join(texts)

    def wait(self, seconds: float) -> int | None:
        """Its exit code, or ``None`` when it still runs after ``seconds``."""
        assert self.process is not None
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def stop(self, seconds: float = 30.0) -> int | None:
        """End it politely; returns the exit code."""
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.wait(seconds)

    def kill(self) -> None:
        """End it as a power cut of the process would."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(10)

    def end_everything(self) -> None:
        """After a test: no process of it may live on."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)
        for name in ("store", "api"):
            self._kill_pid(Path(self.paths.run) / f"{name}.pid")
        endpoint = Path(self.paths.sandbox) / "endpoint.json"
        if endpoint.exists():
            self._kill(json.loads(endpoint.read_text())["pid"])

    def _kill_pid(self, path: Path) -> None:
        if path.exists():
            self._kill(int(path.read_text()))

    @staticmethod
    def _kill(pid: int) -> None:
        try:
            if b"tradectl" in Path(f"/proc/{pid}/cmdline").read_bytes():
                os.kill(pid, signal.SIGKILL)
        except OSError:
            return

    # --- what the venue says

    def venue(self) -> VenueClient:
        """A client of the daemon's own sandbox and account."""
        directory = Path(self.paths.sandbox)
        endpoint = json.loads((directory / "endpoint.json").read_text())
        account = json.loads((directory / "account.json").read_text())
        return VenueClient(f"http://{endpoint['host']}:{endpoint['port']}", account["key"], account["secret"])

    def wait_for(self, condition: Any, seconds: float, what: str) -> None:
        """Wait until ``condition()`` holds while the daemon lives."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if condition():
                return
            assert self.process is not None
            assert self.process.poll() is None, f"the daemon died: {self.output()[-3000:]}"
            time.sleep(0.05)
        raise AssertionError(f"not within {seconds} s: {what}; {self.output()[-3000:]}")

    # --- what the database says

    def database(self, query: str) -> list[sqlite3.Row]:
        """Rows of the store's SQLite file, read only."""
        with sqlite3.connect(f"file:{self.paths.database}?mode=ro", uri=True) as connection:
            connection.row_factory = sqlite3.Row
            return connection.execute(query).fetchall()
