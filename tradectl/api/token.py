"""The bearer token: drawn once at first start, kept in a file only its owner can read."""

import contextlib
import hmac
import os
import secrets
import stat
from pathlib import Path

from tradectl.model.errors import ErrorCode, Problem

TOKEN_BYTES = 32
#: ``secrets.token_urlsafe`` writes 32 bytes as 43 characters; a file with fewer is not ours.
MIN_LENGTH = 43


def load_or_create(path: Path) -> str:
    """The token in ``path``, drawn and written (mode 0600) when there is none.

    Raises ``Problem``: FORBIDDEN when others may read the file, INVALID_SETTING when it holds no token.
    """
    if not path.exists():
        _create(path)
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        raise Problem(
            ErrorCode.FORBIDDEN,
            f"{path} can be read by other users (mode {mode:04o})",
            field="api.token",
            reason="must be mode 0600",
            remedy=f"Delete {path} so that a new token is drawn, or run: chmod 600 {path}",
        )
    token = path.read_text(encoding="ascii", errors="replace").strip()
    if len(token) < MIN_LENGTH or not token.isascii() or not token.isprintable():
        raise Problem(
            ErrorCode.INVALID_SETTING,
            f"{path} holds no token of at least {MIN_LENGTH} characters",
            field="api.token",
            reason="damaged or shortened",
            remedy=f"Delete {path}; the next start draws a new token.",
        )
    return token


def matches(token: bytes, given: bytes) -> bool:
    """Whether ``given`` is the token, in time that does not depend on where they differ."""
    return hmac.compare_digest(token, given)


def _create(path: Path) -> None:
    """Write a new token beside ``path`` and link it there: a crash leaves no half token, a race keeps the first."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(descriptor, f"{secrets.token_urlsafe(TOKEN_BYTES)}\n".encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    with contextlib.suppress(FileExistsError):  # another process was first: its token is the one
        os.link(draft, path)
    draft.unlink()
