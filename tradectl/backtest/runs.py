"""Kept runs: every backtest, optimisation and walk-forward in a directory of its own, with an id.

``run.json`` says what it was and its figures, ``result.json.gz`` holds the whole result. A run is written beside and
renamed into place, so that there is all of it or nothing.
"""

import gzip
import os
import secrets
import shutil
import time
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from tradectl.backtest.job import BacktestResult
from tradectl.backtest.report.document import Document, decode, encode, from_document, to_document
from tradectl.backtest.report.figures import summary
from tradectl.journal.files import sync_directory
from tradectl.model.errors import ErrorCode, Problem
from tradectl.model.ids import to_base32

ABOUT, RESULT = "run.json", "result.json.gz"
_DRAFT = ".new-"


class Run(Struct, frozen=True, kw_only=True):
    """What the list shows. ``made`` in nanoseconds UTC; ``summary`` as ``report.figures.summary`` makes it, or the own
    document of another kind; ``files`` are names of what else was kept."""

    id: str
    kind: str
    made: int
    seconds: float
    code: str
    summary: Document
    files: tuple[str, ...] = ()

    @property
    def strategies(self) -> tuple[str, ...]:
        """Names and classes of the strategies in it."""
        rows = self.summary.get("strategies", [])
        return tuple(dict.fromkeys(name for row in rows for name in (row["name"], row["class"])))


class Damaged(Struct, frozen=True):
    """A directory that holds no readable run, and why."""

    id: str
    why: str


class Catalogue:
    """The runs of one folder."""

    def __init__(self, folder: str | Path) -> None:
        self._folder = Path(folder)

    def add(
        self, result: BacktestResult, kind: str = "backtest", made: int = 0, files: Mapping[str, bytes] | None = None
    ) -> str:
        """Keep a result; returns its id. Raises ``Problem`` when it cannot be written."""
        packed = gzip.compress(encode(to_document(result)), 5, mtime=0)
        return self.add_document(
            kind, summary(result), made=made, seconds=result.wall_seconds, code=result.code,
            files={**(files or {}), RESULT: packed},
        )  # fmt: skip

    def add_document(
        self, kind: str, about: Document, *, made: int = 0, seconds: float = 0.0, code: str = "",
        files: Mapping[str, bytes] | None = None,
    ) -> str:  # fmt: skip
        """Keep another kind of run: ``about`` is its summary, ``files`` whatever belongs to it."""
        made = made or time.time_ns()
        kept = dict(files or {})
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            while True:
                id = _new_id(made)
                run = Run(id=id, kind=kind, made=made, seconds=seconds, code=code, summary=about, files=tuple(kept))
                if self._put(id, {**kept, ABOUT: encode(_plain(run))}):
                    return id
        except OSError as error:
            raise Problem(
                ErrorCode.INTERNAL, f"the run cannot be kept in {self._folder}: {error.strerror}", field="state",
                remedy="make room or correct the folder's permissions, or use --no-keep",
            ) from None  # fmt: skip

    def _put(self, id: str, files: Mapping[str, bytes]) -> bool:
        """Write everything beside and rename it into place; ``False`` when the id is taken."""
        draft = self._folder / (_DRAFT + id)
        draft.mkdir(mode=0o700)
        try:
            for name, data in files.items():
                _write(draft / name, data)
            sync_directory(draft)
            if (self._folder / id).exists():
                return False
            draft.rename(self._folder / id)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        sync_directory(self._folder)
        return True

    def all(self) -> tuple[list[Run], list[Damaged]]:
        """Every run, newest first, and the directories that cannot be read."""
        runs: list[Run] = []
        damaged: list[Damaged] = []
        for path in sorted(self._folder.iterdir(), reverse=True) if self._folder.is_dir() else []:
            if not path.is_dir() or path.name.startswith(_DRAFT):
                continue
            try:
                runs.append(self.run(path.name))
            except Problem as problem:
                damaged.append(Damaged(path.name, problem.message))
        return runs, damaged

    def run(self, id: str) -> Run:
        """One run. Raises ``Problem`` when there is none or it is damaged."""
        try:
            raw = decode((self._at(id) / ABOUT).read_bytes())
            seconds = float(raw.pop("seconds"))
            return Run(**{**raw, "files": tuple(raw["files"])}, seconds=seconds)
        except (OSError, EOFError, KeyError, TypeError, ValueError, AttributeError) as error:
            raise _damaged(id, f"{ABOUT}: {_reason(error)}") from None
        except Problem as problem:
            raise problem if problem.code is ErrorCode.NOT_FOUND else _damaged(id, problem.message) from None

    def result(self, id: str) -> BacktestResult:
        """The whole result of a run. Raises ``Problem`` when there is none or it is damaged."""
        return from_document(decode(self.file(id, RESULT, unpack=True)))

    def file(self, id: str, name: str, unpack: bool = False) -> bytes:
        """A file that was kept with a run. Raises ``Problem``."""
        run = self.run(id)
        if name not in run.files:
            raise Problem(
                ErrorCode.NOT_FOUND, f"run {id} ({run.kind}) has no {name}", field="id",
                remedy=f"it has {', '.join(run.files) or 'its summary alone'}: runs show {id}",
            )  # fmt: skip
        try:
            data = (self._at(id) / name).read_bytes()
            return gzip.decompress(data) if unpack else data
        except (OSError, EOFError, zlib.error) as error:
            raise _damaged(id, f"{name}: {_reason(error)}") from None

    def remove(self, id: str) -> None:
        """Forget a run, damaged or not. Raises ``Problem`` when there is none."""
        path = self._at(id)
        gone = path.with_name(f"{_DRAFT}{path.name}-{secrets.token_hex(4)}")
        path.rename(gone)
        shutil.rmtree(gone)

    def find(self, text: str) -> str:
        """The id that is or begins with ``text``, ``latest`` the newest. Raises ``Problem`` when not exactly one is."""
        names = sorted(it.name for it in self._folder.iterdir() if self._is_run(it)) if self._folder.is_dir() else []
        if text == "latest":
            if names:
                return names[-1]
            remedy = "tradectl backtest keeps one; recorded runs go by their id: runs list shows them"
            raise Problem(ErrorCode.NOT_FOUND, "no run has been kept yet", field="id", remedy=remedy)
        found = [text] if text in names else [name for name in names if text and name.startswith(text)]
        if len(found) == 1:
            return found[0]
        what = f"{len(found)} runs begin with {text!r}" if found else f"there is no run {text!r}"
        raise Problem(ErrorCode.NOT_FOUND, what, field="id", remedy="runs list shows the ids")

    @staticmethod
    def _is_run(path: Path) -> bool:
        return path.is_dir() and not path.name.startswith(_DRAFT)

    def _at(self, id: str) -> Path:
        path = self._folder / id
        if not id or id != os.path.basename(id) or id.startswith(".") or not path.is_dir():
            raise Problem(ErrorCode.NOT_FOUND, f"there is no run {id!r}", field="id", remedy="runs list shows the ids")
        return path


def _new_id(made: int) -> str:
    """``20261122-191503-7k2``: sorts by time, the tail tells runs of one second apart."""
    moment = time.strftime("%Y%m%d-%H%M%S", time.gmtime(made // 10**9))
    return f"{moment}-{to_base32(secrets.randbits(15), 3)}"


def _plain(run: Run) -> dict[str, Any]:
    return msgspec.structs.asdict(run)


def _write(path: Path, data: bytes) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(fd, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _reason(error: Exception) -> str:
    return error.strerror or repr(error) if isinstance(error, OSError) else repr(error)


def _damaged(id: str, why: str) -> Problem:
    return Problem(ErrorCode.INTERNAL, f"run {id} is damaged: {why}", field="id", remedy=f"runs remove {id} forgets it")
