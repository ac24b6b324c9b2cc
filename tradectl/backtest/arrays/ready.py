"""Whether kernels are at hand: loading them costs about a second, compiling them many. Asks without the compiler."""

import contextlib
import os
import re
import shutil
import sys
import time
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

#: Where compiled kernels are kept; the compiler reads the variable when it is imported.
FOLDER = "NUMBA_CACHE_DIR"
#: Constants that are compiled into kernels, and how these are compiled.
_SHARED = ("codes.py", "compiled.py")
#: Kernels of other sources are kept this long after they were last used (seconds): another version may be installed
#: beside this one.
KEPT = 30 * 86_400
_NAME = re.compile(r"[0-9a-f]{12}")


def folder() -> Path:
    """Where compiled kernels are kept: apart for each state of their sources. The compiler looks at the one file a
    kernel is in, but parts of others are compiled into it."""
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(os.environ.get(FOLDER) or os.path.join(cache, "tradectl", "compiled", _state()))


def _state() -> str:
    total = sha256()
    for it in sorted(Path(__file__).parent.glob("*.py")):
        source = it.read_bytes()
        if it.name in _SHARED or b"\n@kernel" in source or b"\n@part" in source:
            total.update(source)
    return total.hexdigest()[:12]


def use(at: float | None = None) -> Path:
    """The :func:`folder`, noted as used ``at`` (seconds since 1970, now); removes those of sources nobody has used for
    long. One the user names is left alone."""
    own, now = folder(), time.time() if at is None else at
    if not _NAME.fullmatch(own.name) or own.parts[-3:-1] != ("tradectl", "compiled"):
        return own
    with contextlib.suppress(OSError):  # read only, or somebody else tidies up, too
        own.mkdir(parents=True, exist_ok=True)
        os.utime(own, (now, now))
        for other in own.parent.iterdir():
            if _NAME.fullmatch(other.name) and other != own and other.stat().st_mtime < now - KEPT:
                shutil.rmtree(other, ignore_errors=True)
    return own


def can_compile() -> bool:
    """Whether the compiler is installed."""
    return find_spec("numba") is not None


def in_memory() -> bool:
    """Whether this process ran kernels before."""
    module = sys.modules.get("tradectl.backtest.arrays.simulate")
    return module is not None and bool(module.simulate.signatures)


def on_disk() -> bool:
    """Whether an earlier process compiled the kernel that runs a strategy, as it is now."""
    written = Path(__file__).with_name("simulate.py").stat().st_mtime
    return any(it.stat().st_mtime >= written for it in folder().glob("*/simulate.simulate-*.nbi"))
