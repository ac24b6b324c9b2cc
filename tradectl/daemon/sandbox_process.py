"""The sandbox of the default mode: a process of its own that keeps its account and outlives a killed daemon."""

import asyncio
import os
import signal
import sys
import time
from pathlib import Path

import msgspec
from loguru import logger

from tradectl.daemon.children import is_ours, scrubbed
from tradectl.exchange.bybit.config import Credentials
from tradectl.model.errors import ErrorCode, Problem
from tradectl.rpc.methods import ChildStatus
from tradectl.sandbox.config import SandboxAccount, SandboxConfig
from tradectl.sandbox.endpoint import Endpoint, code_of_sandbox

_MODULE = "tradectl.sandbox"


class SandboxProcess:
    """Finds a running sandbox in its state directory, or starts one; watches it and starts it again."""

    def __init__(self, directory: Path, config: SandboxConfig, log: Path) -> None:
        self._directory = directory
        self._config = config
        self._log = log
        self._task: asyncio.Task[None] | None = None
        self._stopping = False
        self._restarts = 0
        self._endpoint: Endpoint | None = None
        self._port = config.port

    @property
    def endpoint(self) -> Endpoint:
        """Where it listens, or last did. Call after :meth:`start`."""
        assert self._endpoint is not None
        return self._endpoint

    def credentials(self) -> Credentials:
        """The key of the account the sandbox drew and keeps. Call after :meth:`start`."""
        account = msgspec.json.decode((self._directory / "account.json").read_bytes(), type=SandboxAccount)
        return Credentials(account.key, account.secret)

    async def start(self) -> None:
        """Be there: the one that runs, or a new one. Raises ``Problem`` with the sandbox's own last words."""
        self._endpoint = self._running()
        if self._endpoint is not None and self._endpoint.code != code_of_sandbox():
            logger.info("sandbox {} is of another version and is started anew", self._endpoint.pid)
            await self._end(self._endpoint.pid)
            self._endpoint = None
        if self._endpoint is None:
            await self._spawn()
        self._port = self.endpoint.port
        self._task = asyncio.get_running_loop().create_task(self._watch())

    def _running(self) -> Endpoint | None:
        path = self._directory / "endpoint.json"
        try:
            found = msgspec.json.decode(path.read_bytes(), type=Endpoint)
        except (OSError, msgspec.DecodeError):
            return None
        return found if is_ours(found.pid, _MODULE) else None

    def _arguments(self) -> list[str]:
        c = self._config
        words = [_MODULE, "--state", str(self._directory), "--host", c.host, "--port", str(self._port)]
        words += ["--speed", "stepped" if c.stepped else f"{c.speed:g}", "--seed", str(c.seed)]
        words += ["--symbols", ",".join(c.symbols), "--ack-delay", f"{c.ack_delay_ms:g}"]
        for coin, amount in c.fund.items():
            words += ["--fund", f"{coin}={amount}"]
        words += ["--hedge"] if c.hedge else []
        if c.data:
            words += ["--data", c.data, "--category", c.category, "--symbol", c.symbol, "--interval", c.interval]
            words += ["--funding", c.funding] if c.funding else []
        if c.backfill is not None:
            words += ["--backfill", str(c.backfill)]
        return words

    async def _spawn(self) -> None:
        self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        (self._directory / "endpoint.json").unlink(missing_ok=True)
        with self._log.open("ab") as out:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", *self._arguments(), stdin=asyncio.subprocess.DEVNULL, stdout=out, stderr=out,
                env=scrubbed(), start_new_session=True,
            )  # fmt: skip
        deadline = time.monotonic() + 20.0
        while time.monotonic() < deadline and process.returncode is None:
            found = self._running()
            if found is not None:
                self._endpoint = found
                return
            await asyncio.sleep(0.01)
        raise Problem(
            ErrorCode.NOT_READY,
            "the sandbox did not start",
            field="sandbox",
            reason=last_words(self._log),
            remedy=f"see {self._log}",
        )

    async def _watch(self) -> None:
        while not self._stopping:
            await asyncio.sleep(0.25)
            if self._stopping or is_ours(self.endpoint.pid, _MODULE):
                continue
            self._restarts += 1
            try:
                await self._spawn()
            except (Problem, OSError) as problem:  # a full disk, say: try again for as long as the daemon is there
                logger.error("{}", problem)
                await asyncio.sleep(1.0)

    async def stop(self) -> None:
        """End it; its state stays for the next start."""
        self._stopping = True
        if self._task is not None:
            self._task.cancel()
        if self._endpoint is not None and is_ours(self._endpoint.pid, _MODULE):
            await self._end(self._endpoint.pid)

    async def _end(self, pid: int) -> None:
        os.kill(pid, signal.SIGTERM)
        for _ in range(500):
            if not is_ours(pid, _MODULE):
                return
            await asyncio.sleep(0.01)
        os.kill(pid, signal.SIGKILL)

    def status(self) -> ChildStatus:
        """For ``tradectl status``."""
        found = self._endpoint
        if found is None:
            return ChildStatus("sandbox", "down")
        state = "up" if is_ours(found.pid, _MODULE) else "down"
        return ChildStatus(
            "sandbox", state, found.pid, found.started, self._restarts, f"http://{found.host}:{found.port}"
        )


def last_words(log: Path, lines: int = 5) -> str:
    """The last lines of a log file."""
    try:
        return " | ".join(log.read_text(errors="replace").strip().splitlines()[-lines:])
    except OSError:
        return "no output"
