"""Taking a Unix socket's address: a private directory, a path that fits, and nobody else listening."""

import contextlib
import os
import socket
import stat
from pathlib import Path

from tradectl.model.errors import ErrorCode, Problem

#: ``sun_path`` is 108 bytes on Linux, the closing NUL included.
MAX_PATH = 107


def check_length(path: Path, setting: str) -> None:
    """Raises ``Problem(INVALID_SETTING)`` naming the path and ``setting`` when no socket can have this path."""
    length = len(os.fsencode(path))
    if length > MAX_PATH:
        raise Problem(
            ErrorCode.INVALID_SETTING,
            f"the socket path {path} is {length} bytes long, {MAX_PATH} is the most a Unix socket can have",
            field=setting,
            reason=f"longer than {MAX_PATH} bytes",
            remedy=f"Set {setting} to a shorter directory.",
        )


def _private_directory(directory: Path) -> None:
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = directory.stat()
    if found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) & 0o077:
        raise Problem(
            ErrorCode.FORBIDDEN,
            f"{directory} is open to other users (mode {stat.S_IMODE(found.st_mode):04o}, owner {found.st_uid})",
            field="directory",
            reason="a control socket needs a directory of mode 0700 that belongs to its user",
            remedy=f"Run: chmod 700 {directory}",
        )


def is_listening(path: Path) -> bool:
    """Whether a process accepts connections at ``path``; false for a missing or stale socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(os.fspath(path))
        except (ConnectionRefusedError, FileNotFoundError):
            return False
        except (BlockingIOError, TimeoutError):  # its backlog is full: somebody is there
            return True
        return True


def _remove_stale(path: Path) -> None:
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise Problem(
            ErrorCode.CONFLICT,
            f"{path} exists and is not a socket",
            field="socket",
            reason="the path is taken by something else",
            remedy=f"Move {path} away.",
        )
    if is_listening(path):
        raise Problem(
            ErrorCode.CONFLICT,
            f"another process already listens on {path}",
            field="socket",
            reason="the socket is in use",
            remedy="Stop it first (tradectl stop), or choose another --profile.",
        )
    path.unlink(missing_ok=True)


def listen(path: Path, setting: str) -> socket.socket:
    """A listening socket of mode 0600 at ``path``, its directory made with mode 0700.

    A socket file nobody listens on is replaced. Raises ``Problem``: path too long (``setting`` is what to change),
    directory open to others, path in use.
    """
    check_length(path, setting)
    _private_directory(path.parent)
    _remove_stale(path)
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        server.bind(os.fspath(path))  # the 0700 directory covers the moment before chmod
        path.chmod(0o600)
        server.listen(128)
        server.setblocking(False)
    except BaseException:
        server.close()
        raise
    return server


def release(path: Path, inode: int) -> None:
    """Remove the socket file if it is still the one with ``inode``: a successor may have taken the path."""
    with contextlib.suppress(FileNotFoundError):
        if path.lstat().st_ino == inode:
            path.unlink()
