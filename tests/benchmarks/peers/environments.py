"""The peers' environments: made outside the tree, one for each peer, by the ordinary installer."""

import os
import subprocess
import sys
from pathlib import Path

#: What is installed for each peer.
PEERS: dict[str, tuple[str, ...]] = {"vectorbt": ("vectorbt",)}


def folder() -> Path:
    """Where the environments are: ``$TRADECTL_PEERS``, else in the user's cache folder."""
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(os.environ.get("TRADECTL_PEERS") or os.path.join(cache, "tradectl", "peers"))


def interpreter(peer: str) -> str:
    """A peer's interpreter. Raises ``SystemExit`` that says how to make its environment."""
    found = folder() / peer / "bin" / "python"
    if not found.exists():
        raise SystemExit(f"{peer} is not set up: python -m tests.benchmarks.peers --setup")
    return str(found)


def set_up(peer: str) -> str:
    """Make a peer's environment if it is not there; returns why that could not be done, or nothing."""
    home = folder() / peer
    if not (home / "bin" / "python").exists():
        subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
    done = subprocess.run(
        [str(home / "bin" / "python"), "-m", "pip", "install", "-q", *PEERS[peer]], capture_output=True, text=True
    )
    return "" if done.returncode == 0 else done.stderr.strip().splitlines()[-1]
