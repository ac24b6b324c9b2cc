"""What a reload takes in: changed code, changed, new and removed instances. All of it is valid, or nothing changes."""

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from tradectl.engine.config import EngineConfig, StrategyConfig
from tradectl.engine.parameters import validated
from tradectl.engine.runner import Runner
from tradectl.engine.strategy import Strategy
from tradectl.engine.trading_engine import TradingEngine
from tradectl.settings import Settings
from tradectl.strategies import loader as strategy_loader

Classes = dict[str, type[Strategy]]


class Reload(Struct, frozen=True):
    """The configuration and classes to go on with, and what is new about them: names of instances."""

    config: EngineConfig
    classes: Classes
    changed: tuple[str, ...]
    added: tuple[str, ...]
    removed: tuple[str, ...]
    gone: tuple[str, ...]

    @property
    def is_empty(self) -> bool:
        return not (self.changed or self.added or self.removed or self.gone)


def planned(engine: TradingEngine, settings: Settings, folder: Path | None, name: str = "") -> Reload:
    """What reloading would do now; ``name`` narrows it to one instance.

    An instance whose class is no longer there is stopped and keeps its position. Raises ``Problem`` for code that
    cannot be imported and for parameters that break a rule; then the old code keeps running.
    """
    old = {c.name: c for c in engine.world.config.strategies}
    new = _wanted(old, {c.name: c for c in settings.strategies}, name)
    runners = engine.host.runners
    classes: Classes = {c.class_: runners[c.name].cls for c in old.values() if c.name in new}
    fresh = _loaded(new, old, classes, folder, name)
    classes |= fresh
    universes = settings.universes if not name else engine.world.config.universes
    return Reload(
        config=replace(engine.world.config, strategies=tuple(new.values()), universes=universes),
        classes=classes,
        changed=tuple(n for n, c in new.items() if n in old and _differs(c, old[n], runners[n], fresh)),
        added=tuple(n for n in new if n not in old),
        removed=tuple(n for n in old if n not in new),
        gone=tuple(n for n, c in new.items() if n in old and c.class_ in fresh and fresh[c.class_].absent),
    )


def _wanted(
    old: Mapping[str, StrategyConfig], now: Mapping[str, StrategyConfig], name: str
) -> dict[str, StrategyConfig]:
    """The instances to go on with: as the settings have them, or with ``name`` all others as they were."""
    if not name:
        return dict(now)
    kept = {n: now.get(n) if n == name else c for n, c in old.items()}
    chosen = {n: c for n, c in kept.items() if c is not None}
    return chosen | {n: c for n, c in now.items() if n == name}


def _loaded(
    new: Mapping[str, StrategyConfig],
    old: Mapping[str, StrategyConfig],
    running: Classes,
    folder: Path | None,
    name: str,
) -> Classes:
    """The classes anew; one that is gone stands in for itself, unless an instance that is new names it."""
    fresh: Classes = {}
    for config in new.values():
        if name not in ("", config.name) and config.class_ in running:
            continue
        try:
            cls = fresh.get(config.class_) or strategy_loader.load_class(config.class_, folder)
        except strategy_loader.ClassGone as problem:
            if config.name not in old:
                raise
            cls = strategy_loader.absent(config.class_, problem.message)
        if not cls.absent:
            validated(cls, {"category": config.category, **config.params}, config.name)
        fresh[config.class_] = cls
    return fresh


def _differs(new: StrategyConfig, old: StrategyConfig, runner: Runner, fresh: Classes) -> bool:
    cls = fresh.get(new.class_)
    return new != old or (cls is not None and not cls.absent and cls.source_hash != runner.cls.source_hash)


def told(plan: Reload, held: Mapping[str, list[str]]) -> str:
    """What a reload did, in words; ``held`` are the positions of instances that are removed or gone."""
    parts = []
    if plan.changed:
        parts.append(
            f"{', '.join(plan.changed)} warming up on the new code or settings; positions stay with their stops"
        )
    if plan.added:
        parts.append(f"{', '.join(plan.added)} added")
    for names, what in ((plan.gone, "stopped, its class is gone"), (plan.removed, "removed")):
        for name in names:
            left = f"; keeps {', '.join(held[name])}" if held.get(name) else ""
            parts.append(f"{name} {what}{left}")
    return ". ".join(parts) or "nothing changed"
