"""One virtual environment per peer, outside the tree; why there is none is kept beside it."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.peers.registry import Peer

Version = tuple[int, int]


def folder() -> Path:
    """Where the environments are: ``TRADECTL_PEERS``, or the user's cache folder."""
    given = os.environ.get("TRADECTL_PEERS")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(given) if given else cache / "tradectl" / "peers"


def python_of(peer: Peer) -> Path | None:
    """The interpreter a peer runs in; ``None`` when its environment has not been made."""
    if not peer.environment:
        return Path(sys.executable)
    found = folder() / peer.environment / "bin" / "python"
    return found if found.exists() and not _why(peer).exists() else None


def reason(peer: Peer) -> str:
    """Why a peer cannot run here."""
    return _why(peer).read_text().strip() if _why(peer).exists() else "not installed: run with --setup"


def _why(peer: Peer) -> Path:
    return folder() / f"{peer.environment}.why"


def interpreters() -> Iterator[tuple[Version, str]]:
    """Pythons at hand with their versions, ours first: on the path, and those pyenv keeps."""
    yield (sys.version_info[0], sys.version_info[1]), sys.executable
    for minor in range(11, 20):
        found = shutil.which(f"python3.{minor}")
        if found and subprocess.run([found, "-c", ""], capture_output=True).returncode == 0:
            yield (3, minor), found
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    for path in sorted(root.glob("versions/3.*/bin/python")):
        named = re.match(r"(\d+)\.(\d+)", path.parents[1].name)
        if named:
            yield (int(named[1]), int(named[2])), str(path)


def interpreter_for(peer: Peer) -> str | None:
    """Ours where it takes the peer, else the newest that does."""
    fitting = [(version, path) for version, path in interpreters() if peer.oldest <= version <= peer.newest]
    if not fitting or fitting[0][1] == sys.executable:
        return fitting[0][1] if fitting else None
    return max(fitting)[1]


def make(peer: Peer) -> str:
    """Make a peer's environment anew; returns why that is not possible, or nothing."""
    why, target = _why(peer), folder() / peer.environment
    why.parent.mkdir(parents=True, exist_ok=True)
    why.unlink(missing_ok=True)
    python = interpreter_for(peer)
    if python is None:
        why.write_text(f"needs Python {peer.oldest[0]}.{peer.oldest[1]} or newer, which is not at hand\n")
        return reason(peer)
    shutil.rmtree(target, ignore_errors=True)
    for command in (
        [python, "-m", "venv", str(target)],
        [str(target / "bin" / "python"), "-m", "pip", "install", "--quiet", *peer.needs],
    ):
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            said = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or ["nothing was said"]
            why.write_text(f"{Path(command[-1]).name} could not be installed: {said[-1]}\n")
            return reason(peer)
    return ""
