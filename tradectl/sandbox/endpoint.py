"""Where a running sandbox listens, and of which code it is: the content of ``endpoint.json`` in its state directory."""

import hashlib
from pathlib import Path

from msgspec import Struct


class Endpoint(Struct, frozen=True):
    """Written once the sandbox listens, removed at a clean end. ``started`` is wall time in nanoseconds; ``code`` is
    empty in what the first release wrote."""

    host: str
    port: int
    pid: int
    instance: str
    started: int
    tls_port: int = 0
    code: str = ""


def code_of_sandbox() -> str:
    """A hash over the source a sandbox is made of: one that outlived its daemon may be of the release before."""
    package = Path(__file__).resolve().parent.parent
    digest = hashlib.sha256()
    for room in ("history", "matching", "model", "sandbox"):
        for path in sorted((package / room).rglob("*.py")):
            digest.update(path.relative_to(package).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
