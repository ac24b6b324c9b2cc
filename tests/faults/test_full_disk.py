"""A full disk: halted at once, nothing that adds risk leaves, and a person lets it go on when there is space again."""

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 24 MiB of its own."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(disk)], capture_output=True)
    if mounted.returncode:
        pytest.skip("mounting a small file system needs root")
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


def fill_up(path: Path) -> None:
    """Write until the disk takes no more."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT)
    with contextlib.suppress(OSError):
        while os.write(descriptor, bytes(65536)):
            continue
    os.close(descriptor)
    assert os.statvfs(path.parent).f_bfree == 0


def test_a_full_disk_halts_and_a_person_resumes(small_disk: Path, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.mkdir()
    (config / "api.toml").write_text("[api]\nport = 0\n")
    env = {**os.environ, "TRADECTL_STATE": str(small_disk / "s"), "TRADECTL_CONFIG": str(config)}

    def cli(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "tradectl", *words]
        return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=120)

    def write_something() -> None:
        """A decision more in the journal: small records may fit into what is left of a page for long."""
        cli("orders", "place", "buy", "BTCUSDT", "0.001")

    def until(
        what: str, condition: Callable[[str, set[str]], bool], between: Callable[[], None] = lambda: time.sleep(0.2)
    ) -> None:
        deadline = time.monotonic() + 60
        while True:
            shown = json.loads(cli("status", "--json").stdout)
            codes = {reason["code"] for reason in shown["reasons"]}
            if condition(shown["state"], codes):
                return
            assert time.monotonic() < deadline, f"never {what}: {shown['state']} {codes}"
            between()

    try:
        assert cli("start").returncode == 0
        fill_up(small_disk / "fill")
        until("halted by the journal", lambda state, codes: state == "HALTED" and "journal" in codes, write_something)
        refused = cli("orders", "place", "buy", "BTCUSDT", "0.001")
        assert refused.returncode == 12, refused.stderr
        (small_disk / "fill").unlink()
        until("waiting for a person alone", lambda state, codes: codes == {"journal_failed"})
        assert cli("resume").returncode == 0
        until("trading again", lambda state, codes: state == "RUNNING")
        placed = cli("orders", "place", "buy", "BTCUSDT", "0.001")
        assert placed.returncode == 0, placed.stderr
    finally:
        cli("stop")
    replayed = cli("replay")
    assert replayed.returncode == 0, replayed.stdout
