"""Reading settings: TOML files, their ``.env`` twins, then the environment; each overrides the one before.

Nothing is half done: the result is complete and checked, or a ``Problem(INVALID_SETTING)`` names file, place, value
and rule.
"""

import difflib
import os
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import tomli

from tradectl.engine.config import ScopeLimits, StrategyConfig, UniverseConfig
from tradectl.model.errors import ErrorCode, Problem
from tradectl.paths import config_directories
from tradectl.settings.problems import broken, unknown
from tradectl.settings.sections import BY_NAME, FILES, SETTINGS, Setting
from tradectl.settings.tables import TABLES
from tradectl.settings.values import coerce, describe

#: Variables with names of their own.
PLAIN_VARIABLES = {"ENVIRONMENT": "app.environment", "LOG_LEVEL": "app.log_level"}
SECRETS = ("BYBIT_API_KEY", "BYBIT_API_SECRET")
#: Names with our prefix that are no settings.
RESERVED = frozenset(
    {"TRADECTL_STATE", "TRADECTL_PROFILE", "TRADECTL_CONFIG", "TRADECTL_DATA", "TRADECTL_TEST_DATA",
     "TRADECTL_REQUIRE_SERVICES", "TRADECTL_SANDBOX_ACCOUNTS", "TRADECTL_SOCKET"}
)  # fmt: skip
VARIABLES: dict[str, str] = {setting.variable: key for key, setting in SETTINGS.items()} | PLAIN_VARIABLES


class Given(msgspec.Struct):
    """What the sources say so far: values by key, where each came from, strategies and secrets."""

    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    strategies: tuple[StrategyConfig, ...] | None = None
    universes: tuple[UniverseConfig, ...] = ()
    limits: dict[str, ScopeLimits] = {}
    groups: dict[str, tuple[str, ...]] = {}
    secrets: dict[str, str] = {}
    secret_files: list[Path] = []

    def set(self, key: str, value: Any, origin: str, text: bool = False) -> None:
        """Check and take one value. Raises ``Problem``."""
        try:
            self.values[key] = coerce(value, SETTINGS[key].hint, text)
        except ValueError as error:
            raise broken(origin, key, value, str(error)) from None
        self.origins[key] = origin


# --- TOML


def read_toml(path: Path, given: Given) -> None:
    """Take every setting of a TOML file. Raises ``Problem``: file, line and column for broken syntax, file and key
    for anything else."""
    try:
        with path.open("rb") as file:
            document = tomli.loads(file.read().decode("utf-8"), parse_float=Decimal)
    except tomli.TOMLDecodeError as error:
        raise _syntax(path, error) from None
    except UnicodeDecodeError as error:
        raise broken(str(path), f"byte {error.start}", "?", "is not UTF-8 text") from None
    except OSError as error:
        raise Problem(
            ErrorCode.INVALID_SETTING, f"{path} cannot be read: {error.strerror}", field=str(path), remedy="Check it."
        ) from None
    for name, content in document.items():
        if name in TABLES:
            setattr(given, name, TABLES[name](str(path), content))
        elif name not in BY_NAME:
            raise unknown(str(path), name, [*BY_NAME, *TABLES])
        elif not isinstance(content, dict):
            raise broken(str(path), name, content, f"must be a section: write [{name}]")
        else:
            _take_table(str(path), name, content, given)


def _syntax(path: Path, error: tomli.TOMLDecodeError) -> Problem:
    return Problem(
        ErrorCode.INVALID_SETTING,
        f"{path}, line {error.lineno}, column {error.colno}: {error.msg}",
        field=f"{path}:{error.lineno}:{error.colno}",
        reason=error.msg,
        remedy="Correct the TOML syntax there.",
    )


def _take_table(origin: str, prefix: str, table: dict[str, Any], given: Given) -> None:
    for name, value in table.items():
        key = f"{prefix}.{name}"
        if key in SETTINGS:
            given.set(key, value, origin)
        elif isinstance(value, dict) and any(known.startswith(f"{key}.") for known in SETTINGS):
            _take_table(origin, key, value, given)
        else:
            raise unknown(origin, key, SETTINGS)


# --- environment and .env


def read_env_file(path: Path, given: Given) -> None:
    """Take a ``.env`` file: ``NAME=value`` lines, ``#`` comments, an optional ``export`` and quotes; the prefix
    ``TRADECTL_`` may be left out. Raises ``Problem`` with file and line."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise Problem(
            ErrorCode.INVALID_SETTING, f"{path} cannot be read: {error}", field=str(path), remedy="Check it."
        ) from None
    for number, line in enumerate(lines, 1):
        text = line.strip().removeprefix("export ").strip()
        if not text or text.startswith("#"):
            continue
        name, equals, value = text.partition("=")
        name, value = name.strip(), value.strip()
        origin = f"{path}, line {number}"
        if not equals or not name.isidentifier():
            raise broken(origin, name, text, "is not of the form NAME=value")
        if len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'":
            value = value[1:-1]
        if not _take_variable(name, value, origin, given):
            raise unknown(origin, name, [*VARIABLES, *SECRETS])
        if name in SECRETS and path not in given.secret_files:
            given.secret_files.append(path)


def check_secret_files(given: Given) -> None:
    """Raises ``Problem(FORBIDDEN)`` for a file with secrets that others may read; called in production."""
    for path in given.secret_files:
        mode = path.stat().st_mode & 0o777
        if mode & 0o077:
            raise Problem(
                ErrorCode.FORBIDDEN,
                f"{path} holds the exchange key and can be read by other users (mode {mode:04o})",
                field=str(path),
                reason="must be mode 0600 in production",
                remedy=f"Run: chmod 600 {path}",
            )


def _take_variable(name: str, value: str, origin: str, given: Given) -> bool:
    if name in SECRETS:
        given.secrets[name] = value
        return True
    key = VARIABLES.get(name) or VARIABLES.get(f"TRADECTL_{name}")
    if key is None:
        return False
    given.set(key, value, origin, text=True)
    return True


def read_environment(env: Mapping[str, str], given: Given) -> None:
    """Take our variables. A name with our prefix that nearly is a setting is refused; a foreign one is left alone."""
    for name, value in env.items():
        ours = name.startswith("TRADECTL_") or name in PLAIN_VARIABLES or name in SECRETS
        if not ours or name in RESERVED or _take_variable(name, value, f"environment variable {name}", given):
            continue
        if name.split("_")[1].lower() in BY_NAME or difflib.get_close_matches(name, VARIABLES, 1, 0.85):
            raise unknown(f"environment variable {name}", name, VARIABLES)


# --- all of it


def directory_of(config: str, env: Mapping[str, str]) -> Path | None:
    """The directory settings come from, ``None`` when there is none. Raises ``Problem`` when the one asked for is
    missing."""
    candidates = config_directories(config, dict(env))
    for candidate in candidates:
        if os.path.isdir(candidate):
            return Path(candidate)
    if config or env.get("TRADECTL_CONFIG"):
        raise Problem(
            ErrorCode.INVALID_SETTING,
            f"there is no directory {candidates[0]}",
            field="--config",
            reason="the settings directory is missing",
            remedy="Name a directory that holds app.toml, api.toml, trading.toml or ai.toml.",
        )
    return None


def read_directory(directory: Path, given: Given) -> list[Path]:
    """Take the four files and their ``.env`` twins; returns those that were there."""
    read: list[Path] = []
    for name in FILES:
        for path, reader in ((directory / f"{name}.toml", read_toml), (directory / f"{name}.env", read_env_file)):
            if path.exists():
                reader(path, given)
                read.append(path)
    return read


def rule_of(setting: Setting) -> str:
    """The rule of a setting in words, with its unit."""
    return describe(setting.hint) + (f" ({setting.unit})" if setting.unit else "")
