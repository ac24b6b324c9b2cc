"""The state directory: one daemon at a time, bound to (mode, account, sandbox instance), and the runs in it."""

import fcntl
import hashlib
import os
import secrets
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Struct

from tradectl.backtest.code_version import hash_of_rooms
from tradectl.engine.config import EngineConfig
from tradectl.model.errors import ErrorCode, Problem
from tradectl.model.ids import run_id


class Binding(Struct, frozen=True):
    """What the state was made for; another mode, account or sandbox is refused."""

    mode: str
    run: str
    uid: str = ""
    instance: str = ""


class RunConfig(Struct, frozen=True):
    """From entry ``after`` + 1 on, a run was led by this configuration and code."""

    after: int
    config: EngineConfig
    code: str
    strategies: str


class StateDirectory:
    """The files of one profile that are not the journal's."""

    def __init__(self, path: str) -> None:
        self.path = Path(path)
        self._lock = -1

    def lock(self) -> None:
        """Take the directory for this process. Raises ``Problem`` when another daemon has it."""
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = os.open(self.path / "daemon.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            pid = os.read(self._lock, 32).decode().strip() or "unknown"
            os.close(self._lock)
            self._lock = -1
            raise Problem(
                ErrorCode.CONFLICT,
                f"a daemon (pid {pid}) already runs on {self.path}",
                field="state",
                reason="one daemon per state directory",
                remedy="tradectl status shows it; use --profile NAME for a second one",
            ) from None
        os.ftruncate(self._lock, 0)
        os.pwrite(self._lock, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Let the next daemon have it."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    # --- binding

    def binding(self) -> Binding | None:
        """What the directory is bound to, ``None`` when it is new. Raises ``Problem`` when the file is damaged."""
        path = self.path / "binding.json"
        if not path.exists():
            return None
        try:
            return msgspec.json.decode(path.read_bytes(), type=Binding)
        except msgspec.DecodeError as error:
            raise Problem(
                ErrorCode.INTERNAL, f"{path} is damaged: {error}", field=str(path),
                remedy="restore it from a backup, or move the state directory away and start anew",
            ) from None  # fmt: skip

    def bind(self, mode: str) -> Binding:
        """The binding for ``mode``, made now if the directory is new. Raises ``Problem`` when it is of another mode."""
        found = self.binding()
        if found is None:
            found = self._new_run(Binding(mode, ""))
        if found.mode != mode:
            raise Problem(
                ErrorCode.INVALID_SETTING,
                f"the state in {self.path} was made in mode {found.mode}, not {mode}",
                field="mode",
                reason="state made in one mode is refused in another",
                remedy=f"start with --mode {found.mode}, or use --profile NAME for {mode}",
            )
        # a journal that was moved away took the sequence of its order ids with it: its run id is never used again
        return found if self.journal(found.run).is_dir() else self._new_run(found)

    def _new_run(self, binding: Binding) -> Binding:
        fresh = Binding(binding.mode, run_id(secrets.randbits(40)), binding.uid, binding.instance)
        self._write("binding.json", fresh)
        self.journal(fresh.run).mkdir(parents=True, mode=0o700)
        return fresh

    def bind_account(self, binding: Binding, uid: str, instance: str) -> Binding:
        """Bind to the account and sandbox instance at first sight. Raises ``Problem`` when they are others later."""
        for name, old, new in (("account", binding.uid, uid), ("sandbox", binding.instance, instance)):
            if old and new and old != new:
                raise Problem(
                    ErrorCode.INVALID_SETTING,
                    f"the state in {self.path} belongs to {name} {old}, this is {new}",
                    field=name,
                    reason=f"state of one {name} is refused at another",
                    remedy="use the right key, or --profile NAME for the other one; after `sandbox reset` move the "
                    "state directory away",
                )
        bound = Binding(binding.mode, binding.run, uid or binding.uid, instance or binding.instance)
        if bound != binding:
            self._write("binding.json", bound)
        return bound

    def _write(self, name: str, value: Struct | list[RunConfig]) -> None:
        path = self.path / name
        draft = path.with_name(path.name + ".new")
        draft.parent.mkdir(parents=True, exist_ok=True)
        fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(fd, "wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)

    # --- runs

    def journal(self, run: str) -> Path:
        """The journal directory of a run."""
        return self.path / "journal" / run

    def note_config(self, run: str, now: RunConfig) -> None:
        """Remember under which configuration the run goes on, when it differs from the last."""
        known = read_configs(self.journal(run))
        last = known[-1] if known else None
        if last is None or (last.config, last.code, last.strategies) != (now.config, now.code, now.strategies):
            kept = [c for c in known if c.after < now.after]
            self._write(f"journal/{run}/configs.json", [*kept, now])


def read_configs(directory: Path) -> list[RunConfig]:
    """The configurations of a run, in order. Raises ``Problem`` when the file is damaged."""
    path = directory / "configs.json"
    if not path.exists():
        return []
    try:
        return [_rebuilt(RunConfig, raw) for raw in msgspec.json.decode(path.read_bytes())]
    except (msgspec.DecodeError, KeyError, TypeError, AttributeError) as error:
        raise Problem(ErrorCode.INTERNAL, f"{path} is damaged: {error}", field=str(path)) from None


def _rebuilt(kind: Any, raw: Any) -> Any:
    """``raw`` as ``kind``: like msgspec, which refuses to decode a Decimal that carries bounds for the settings."""
    if isinstance(kind, type) and issubclass(kind, Struct):
        hints = get_type_hints(kind)
        return kind(**{name: _rebuilt(hints[name], value) for name, value in raw.items()})
    if get_origin(kind) is tuple:
        return tuple(_rebuilt(get_args(kind)[0], value) for value in raw)
    if get_origin(kind) is dict:
        return {name: _rebuilt(get_args(kind)[1], value) for name, value in raw.items()}
    return msgspec.convert(raw, kind, strict=False)


def code_fingerprint() -> str:
    """A hash over the source of everything a replay depends on: ``model`` and ``engine``."""
    return hash_of_rooms(("model", "engine"))


def settings_fingerprint(config: EngineConfig) -> str:
    """A hash over everything the engine was told once."""
    return hashlib.sha256(msgspec.json.encode(config)).hexdigest()[:16]
