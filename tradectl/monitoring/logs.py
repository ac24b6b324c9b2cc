"""Logs: human on a terminal, JSON lines in files; secrets never reach either."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from loguru import logger

if TYPE_CHECKING:
    from loguru import Message, Record

_HUMAN = "{time:HH:mm:ss.SSS} <level>{level: <8}</level> {message}"
_ENCODE = msgspec.json.Encoder().encode
_MEGABYTES = 20


class JsonLines:
    """A loguru sink that appends one JSON object per record; the file is rotated by size."""

    def __init__(self, path: Path, keep: int = 5, limit: int = _MEGABYTES * 1024 * 1024) -> None:
        self._path = path
        self._keep = keep
        self._limit = limit
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._file = path.open("ab")

    def __call__(self, message: "Message") -> None:
        r = message.record
        line: dict[str, object] = {
            "at": r["time"].isoformat(),
            "level": r["level"].name.lower(),
            "message": r["message"],
            "where": f"{r['name']}:{r['line']}",
        }
        if r["exception"] is not None:
            line["exception"] = repr(r["exception"].value)
        line.update(r["extra"])
        self._file.write(
            _ENCODE({k: v if isinstance(v, str | int | float | bool) else str(v) for k, v in line.items()})
        )
        self._file.write(b"\n")
        self._file.flush()
        if self._file.tell() > self._limit:
            self._rotate()

    def _rotate(self) -> None:
        self._file.close()
        for number in range(self._keep - 1, 0, -1):
            older = self._path.with_suffix(f".log.{number}")
            if older.exists():
                older.replace(self._path.with_suffix(f".log.{number + 1}"))
        self._path.replace(self._path.with_suffix(".log.1"))
        self._file = self._path.open("ab")


def set_up(directory: Path, level: str, secrets: tuple[str, ...], terminal: bool) -> None:
    """Send records to ``app.log`` and ``error.log`` in ``directory``, and to stderr when ``terminal``.

    Every text of ``secrets`` is replaced wherever it would appear.
    """
    hidden = tuple(s for s in secrets if len(s) >= 4)

    def redact(record: "Record") -> None:
        for secret in hidden:
            if secret in record["message"]:
                record["message"] = record["message"].replace(secret, "***")

    logger.remove()
    logger.configure(patcher=redact)
    name = level.upper()
    if terminal:
        logger.add(sys.stderr, level=name, format=_HUMAN, backtrace=False, diagnose=False)
    logger.add(JsonLines(directory / "app.log"), level=name, format="{message}", backtrace=False, diagnose=False)
    logger.add(JsonLines(directory / "error.log"), level="ERROR", format="{message}", backtrace=False, diagnose=False)
