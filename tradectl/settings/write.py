"""Changing one setting in its file: checked first, written beside and renamed, comments and order kept."""

import os
import tempfile
from pathlib import Path
from typing import Any

from tradectl.model.errors import ErrorCode, Problem
from tradectl.settings import load_file
from tradectl.settings.problems import broken, unknown
from tradectl.settings.sections import BY_NAME, SETTINGS
from tradectl.settings.values import as_toml, coerce


def parse(key: str, text: str) -> Any:
    """``text`` as the setting ``key`` wants it. Raises ``Problem`` for an unknown key or a broken rule."""
    if key not in SETTINGS:
        raise unknown("config set", key, SETTINGS)
    try:
        return coerce(text, SETTINGS[key].hint, text=True)
    except ValueError as error:
        raise broken("config set", key, text, str(error)) from None


def file_of(directory: Path, key: str) -> Path:
    """The TOML file the setting stands in."""
    return directory / f"{BY_NAME[SETTINGS[key].section].file}.toml"


def write_setting(directory: Path, key: str, text: str) -> Path:
    """Set ``key`` in its file and return the file. Raises ``Problem`` and changes nothing when the value, the file as
    it is, or the file as it would be is not valid."""
    value = parse(key, text)
    path = file_of(directory, key)
    old = path.read_text(encoding="utf-8") if path.exists() else ""
    new = with_setting(old, key, as_toml(value))
    try:
        directory.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=directory, prefix=f".{path.name}.", suffix=".toml")
        draft = Path(name)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(new)
                file.flush()
                os.fsync(file.fileno())
            if old:
                load_file(path)
            load_file(draft)
            draft.chmod(path.stat().st_mode & 0o777 if old else 0o644)
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        raise Problem(
            ErrorCode.FORBIDDEN,
            f"{path} cannot be written: {error.strerror}",
            field=key,
            reason="no permission",
            remedy="Choose another directory with --config, or change its owner.",
        ) from None
    return path


def with_setting(text: str, key: str, value: str) -> str:
    """The TOML ``text`` with ``key`` set to the TOML ``value``: in place where it stands, else in its section."""
    section, _, name = key.partition(".")
    lines = text.splitlines()
    start = next((n for n, line in enumerate(lines) if line.strip().partition("#")[0].strip() == f"[{section}]"), None)
    if start is None:
        return "\n".join([*lines, *([""] if lines else []), f"[{section}]", f"{name} = {value}"]) + "\n"
    end = next((n for n in range(start + 1, len(lines)) if lines[n].lstrip().startswith("[")), len(lines))
    for number in range(start + 1, end):
        if lines[number].partition("=")[0].strip() == name and not lines[number].lstrip().startswith("#"):
            stop = _end_of_value(lines, number, end)
            return "\n".join([*lines[:number], f"{name} = {value}", *lines[stop:]]) + "\n"
    while end > start + 1 and not lines[end - 1].strip():
        end -= 1
    return "\n".join([*lines[:end], f"{name} = {value}", *lines[end:]]) + "\n"


def _end_of_value(lines: list[str], first: int, end: int) -> int:
    """The line after a value that may span several (a list over lines)."""
    depth = 0
    for number in range(first, end):
        code = lines[number].partition("#")[0]
        depth += code.count("[") + code.count("{") - code.count("]") - code.count("}")
        if depth <= 0:
            return number + 1
    return end
