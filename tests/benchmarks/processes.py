"""Child processes for the benchmarks: started from this tree, told apart by their role, ended whatever happens."""

import os
import select
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60.0


def environment(**more: str) -> dict[str, str]:
    """Ours, with this tree's package, with byte code written, and without this machine's own tradectl settings."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("TRADECTL_", "BYBIT_")) and name not in ("PYTHONDONTWRITEBYTECODE", "ENVIRONMENT")
    }
    return {**kept, "PYTHONPATH": str(ROOT), **more}


class Helper:
    """A process of this package that talks in lines: ``ask`` writes one and reads the answer."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process
        self._heard = b""

    @property
    def pid(self) -> int:
        return self._process.pid

    def say(self, line: str) -> None:
        """Write one line."""
        assert self._process.stdin is not None
        self._process.stdin.write(line.encode() + b"\n")
        self._process.stdin.flush()

    def hear(self, patience: float = PATIENCE) -> str:
        """Read one line. Raises ``RuntimeError`` when the process ended instead, or says nothing for too long."""
        assert self._process.stdout is not None
        fd = self._process.stdout.fileno()
        while (end := self._heard.find(b"\n")) < 0:
            if not select.select([fd], [], [], patience)[0]:
                raise RuntimeError(f"{self._process.args!r} said nothing for {patience:g} s")
            chunk = os.read(fd, 1 << 16)
            if not chunk:
                raise RuntimeError(f"{self._process.args!r} ended with {self._process.wait(PATIENCE)}")
            self._heard += chunk
        line, self._heard = self._heard[:end], self._heard[end + 1 :]
        return line.decode()

    def ask(self, line: str, patience: float = PATIENCE) -> str:
        """Say and hear, for at most ``patience`` seconds."""
        self.say(line)
        return self.hear(patience)


@contextmanager
def helper(*words: str, options: tuple[str, ...] = ()) -> Iterator[Helper]:
    """``python OPTIONS WORDS``, ended when the block is left."""
    process = subprocess.Popen(
        [sys.executable, *options, *words], cwd=ROOT, env=environment(), stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, bufsize=0,
    )  # fmt: skip
    try:
        yield Helper(process)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        try:
            process.wait(10.0)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10.0)
        assert process.stdout is not None
        process.stdout.close()


@contextmanager
def module(name: str, *words: str) -> Iterator[Helper]:
    """``python -m tests.benchmarks.NAME``; its first line says that it is ready."""
    with helper("-m", f"tests.benchmarks.{name}", *words) as started:
        started.hear()
        yield started
