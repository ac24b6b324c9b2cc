"""Every setting once: typed, documented, with its default. Read by daemon, watchdog, api and cli alone.

The parts are the rooms' own config structs, so that each room is handed exactly its part. Sources, the later wins:
defaults, ``{app,api,trading,ai}.toml``, their ``.env`` twins, the environment, the command line.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from tradectl.api.config import ApiConfig, check_listener
from tradectl.engine.config import (
    AllocationConfig,
    QueueLimits,
    RiskLimits,
    ScopeLimits,
    StrategyConfig,
    UniverseConfig,
)
from tradectl.engine.limit_contradictions import require_consistent
from tradectl.exchange.bybit.config import BybitConfig
from tradectl.journal.config import JournalConfig
from tradectl.sandbox.config import SandboxConfig
from tradectl.settings import load
from tradectl.settings.sections import SECTIONS, SETTINGS, AppSettings, Setting, TradingSettings
from tradectl.simulation.config import PaperConfig
from tradectl.storage.config import StoreConfig

__all__ = ["SETTINGS", "AppSettings", "Secrets", "Setting", "Settings", "TradingSettings", "load_settings"]

#: What the sandbox mode trades when no strategy is set: a newcomer sees trades within a minute, and no money is at
#: stake. Every other mode trades only what was asked for.
SANDBOX_STRATEGIES: tuple[StrategyConfig, ...] = (StrategyConfig(name="ema_cross", class_="ema_cross"),)


class Secrets(Struct, frozen=True):
    """The exchange key; empty when none was given. Never shown."""

    api_key: str = ""
    api_secret: str = ""

    def __repr__(self) -> str:
        return "Secrets(***)"

    __str__ = __repr__


class Settings(Struct, frozen=True, kw_only=True):
    """All settings, checked. ``origins`` says where a value that is not the default came from."""

    app: AppSettings = AppSettings()
    journal: JournalConfig = JournalConfig()
    store: StoreConfig = StoreConfig()
    api: ApiConfig = ApiConfig()
    trading: TradingSettings = TradingSettings()
    exchange: BybitConfig = BybitConfig()
    risk: RiskLimits = RiskLimits()
    queue: QueueLimits = QueueLimits()
    allocation: AllocationConfig = AllocationConfig()
    sandbox: SandboxConfig = SandboxConfig()
    paper: PaperConfig = PaperConfig()
    strategies: tuple[StrategyConfig, ...] = ()
    universes: tuple[UniverseConfig, ...] = ()
    limits: dict[str, ScopeLimits] = {}
    groups: dict[str, tuple[str, ...]] = {}
    secrets: Secrets = Secrets()
    origins: dict[str, str] = {}
    directory: str = ""
    files: tuple[str, ...] = ()

    def value(self, key: str) -> Any:
        """The value of a setting by its key, as ``risk.order_share``. Raises ``KeyError``."""
        found: Any = self
        for name in SETTINGS[key].key.split("."):
            found = getattr(found, name)
        return found


def _build(given: load.Given, directory: Path | None, files: list[Path]) -> Settings:
    parts: dict[str, Any] = {}
    for section in SECTIONS:
        own = {k.partition(".")[2]: v for k, v in given.values.items() if k.startswith(f"{section.name}.")}
        parts[section.name] = _replaced(section.default, own)
    strategies = given.strategies
    if strategies is None:
        strategies = SANDBOX_STRATEGIES if parts["trading"].mode == "sandbox" else ()
    check_listener(parts["api"])
    require_consistent(parts["risk"], given.limits, given.groups)
    if parts["app"].environment == "production":
        load.check_secret_files(given)
    return Settings(
        **parts,
        strategies=strategies,
        universes=given.universes,
        limits=given.limits,
        groups=given.groups,
        secrets=Secrets(given.secrets.get("BYBIT_API_KEY", ""), given.secrets.get("BYBIT_API_SECRET", "")),
        origins=given.origins,
        directory=str(directory or ""),
        files=tuple(str(path) for path in files),
    )


def _replaced(default: Struct, values: dict[str, Any]) -> Struct:
    """``default`` with ``values``; a dotted name reaches into a nested struct."""
    flat = {name: value for name, value in values.items() if "." not in name}
    for name in {name.partition(".")[0] for name in values if "." in name}:
        inner = {k.partition(".")[2]: v for k, v in values.items() if k.startswith(f"{name}.")}
        flat[name] = _replaced(getattr(default, name), inner)
    return msgspec.structs.replace(default, **flat)


def load_settings(
    config: str = "", env: Mapping[str, str] = os.environ, overrides: Mapping[str, Any] | None = None
) -> Settings:
    """Read and check everything.

    ``config`` is the directory of ``--config``; ``overrides`` maps keys to values of the command line. Raises
    ``Problem(INVALID_SETTING)`` naming the file (line and column for syntax), key, value and rule.
    """
    given = load.Given()
    directory = load.directory_of(config, env)
    files = load.read_directory(directory, given) if directory else []
    load.read_environment(env, given)
    for key, value in (overrides or {}).items():
        given.set(key, value, "the command line")
    return _build(given, directory, files)


def load_file(path: Path) -> Settings:
    """The settings of one file alone: ``.toml``, ``.env`` or ``.env.example``."""
    given = load.Given()
    (load.read_toml if path.suffix == ".toml" else load.read_env_file)(path, given)
    return _build(given, path.parent, [path])
