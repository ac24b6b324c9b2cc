"""The processes the daemon supervises when it was started by hand: sandbox, store and api."""

import asyncio
import contextlib
import os
import shutil
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from loguru import logger

from tradectl.daemon.options import Options
from tradectl.paths import Paths
from tradectl.rpc.methods import ChildStatus

#: Environment names that never reach a child that does not need them (decision 23).
SECRET_NAMES = frozenset({"BYBIT_API_KEY", "BYBIT_API_SECRET", "TRADECTL_SANDBOX_ACCOUNTS"})
_LONGEST_PAUSE = 30.0
#: Store and api stand back when an order needs the processor.
_STAND_BACK = ("nice", "-n", "10") if shutil.which("nice") else ()


def scrubbed(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process's environment without secrets."""
    return {k: v for k, v in os.environ.items() if k not in SECRET_NAMES} | dict(extra or {})


class Child:
    """One supervised process: started, started again when it ends, stopped with the daemon.

    Its pid file lets the next daemon end one that outlived a killed daemon.
    """

    def __init__(
        self, name: str, arguments: list[str], run: Path, log: Path, env: Mapping[str, str] | None = None
    ) -> None:
        self.name = name
        self._arguments = arguments
        self._pid_file = run / f"{name}.pid"
        self._log = log
        self._env = scrubbed(env)
        self._process: asyncio.subprocess.Process | None = None
        self._task: asyncio.Task[None] | None = None
        self._stopping = False
        self.restarts = 0
        self.since = 0

    def start(self) -> None:
        """Start and keep it running."""
        self._end_leftover()
        self._task = asyncio.get_running_loop().create_task(self._supervise())

    def _end_leftover(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            pid = int(self._pid_file.read_text())
            if is_ours(pid, self._arguments[0]):
                os.kill(pid, signal.SIGTERM)
                logger.info("{} {} outlived the last daemon and was ended", self.name, pid)

    async def _supervise(self) -> None:
        pause = 0.2
        while not self._stopping:
            began = time.monotonic()
            await self._run_once()
            if self._stopping:
                return
            self.restarts += 1
            pause = 0.2 if time.monotonic() - began > 60 else min(pause * 2, _LONGEST_PAUSE)
            code = self._process.returncode if self._process is not None else None
            logger.warning("{} ended with {}; starting it again in {:.1f} s", self.name, code, pause)
            await asyncio.sleep(pause)

    async def _run_once(self) -> None:
        with self._log.open("ab") as out:
            command = (*_STAND_BACK, sys.executable, "-m", *self._arguments)
            self._process = await asyncio.create_subprocess_exec(
                *command, stdin=asyncio.subprocess.DEVNULL, stdout=out, stderr=out, env=self._env,
                start_new_session=True,
            )  # fmt: skip
        self.since = time.time_ns()
        self._pid_file.write_text(f"{self._process.pid}\n")
        await self._process.wait()

    async def stop(self, timeout: float = 10.0) -> None:
        """End it: politely, then not."""
        self._stopping = True
        process = self._process
        if process is not None and process.returncode is None:
            process.terminate()
            try:
                async with asyncio.timeout(timeout):
                    await process.wait()
            except TimeoutError:
                logger.warning("{} did not end in {:.0f} s and was killed", self.name, timeout)
                process.kill()
                await process.wait()
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        self._pid_file.unlink(missing_ok=True)

    def status(self) -> ChildStatus:
        """For ``tradectl status``."""
        up = self._process is not None and self._process.returncode is None
        pid = self._process.pid if up and self._process is not None else None
        return ChildStatus(self.name, "up" if up else "down", pid, self.since, self.restarts)


def is_ours(pid: int, module: str) -> bool:
    """Whether a process with this id runs our module."""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return b"-m" in command and module.encode() in command


def child_commands(paths: Paths, options: Options) -> dict[str, list[str]]:
    """How store and api are started: module and arguments by name."""
    store = ["tradectl.storage", "--state", paths.state, "--socket", paths.store_socket]
    api = ["tradectl.api", "--state", paths.state, "--socket", paths.daemon_socket]
    if options.config:
        api += ["--config", options.config]
    return {"store": store, "api": api}
