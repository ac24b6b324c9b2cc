"""Finds strategy classes: the built-in ones by name, a user's own in a folder; errors name file, line and rule."""

import hashlib
import importlib
import inspect
import linecache
import sys
import traceback
from pathlib import Path
from types import ModuleType

from tradectl.engine.config import StrategyConfig
from tradectl.engine.parameters import validated
from tradectl.engine.strategy import Strategy
from tradectl.model.errors import ErrorCode, Problem

#: Where other packages offer strategies of theirs: the entry point's name is the class a configuration names.
ENTRY_POINTS = "tradectl.strategies"
BUILT_IN: dict[str, tuple[str, str]] = {
    "ema_cross": ("tradectl.strategies.ema_cross", "EmaCross"),
    "buy_and_hold": ("tradectl.strategies.buy_and_hold", "BuyAndHold"),
    "ma_cross": ("tradectl.strategies.ma_cross", "MaCross"),
    "donchian_breakout": ("tradectl.strategies.donchian_breakout", "DonchianBreakout"),
    "rsi_reversion": ("tradectl.strategies.rsi_reversion", "RsiReversion"),
    "squeeze": ("tradectl.strategies.squeeze", "Squeeze"),
    "momentum_rotation": ("tradectl.strategies.momentum_rotation", "MomentumRotation"),
    "pairs": ("tradectl.strategies.pairs", "Pairs"),
    "grid": ("tradectl.strategies.grid", "Grid"),
    "dca": ("tradectl.strategies.dca", "Dca"),
    "market_maker": ("tradectl.strategies.market_maker", "MarketMaker"),
    "funding_carry": ("tradectl.strategies.funding_carry", "FundingCarry"),
    "ai_trader": ("tradectl.strategies.ai_trader", "AiTrader"),
}


class ClassGone(Problem):
    """There is no such class (any more), as opposed to one that is broken."""


def load_class(name: str, folder: Path | None) -> type[Strategy]:
    """The class a configuration names: a built-in, ``module`` or ``module:Class`` of the user's folder.

    Raises ``Problem`` (UNKNOWN_STRATEGY or INVALID_SETTING) naming what was looked for and where.
    """
    if name in BUILT_IN:
        module, cls = BUILT_IN[name]
        return _stamped(getattr(importlib.import_module(module), cls))
    stem, _, wanted = name.partition(":")
    path = folder / f"{stem}.py" if folder is not None else None
    if path is None or not path.is_file():
        installed = _entry_point(name)
        if installed is not None:
            return installed
        where = f" in {folder}" if folder is not None else ""
        raise ClassGone(
            ErrorCode.UNKNOWN_STRATEGY,
            f"there is no strategy {name}{where}",
            field="strategies.class",
            reason="neither a built-in, nor a file of the strategies folder, nor an installed entry point",
            remedy=f"use one of {', '.join(BUILT_IN)}, or write {path or stem + '.py'}",
        )
    return load_file(path, wanted)


def _entry_point(name: str) -> type[Strategy] | None:
    """A class another package offers under ``tradectl.strategies``. Raises ``Problem`` when it is no strategy."""
    from importlib.metadata import entry_points  # slow to import, and seldom needed

    for point in entry_points(group=ENTRY_POINTS, name=name):
        try:
            cls = point.load()
        except (Exception, SystemExit) as error:
            raise _broken(Path(point.value), error) from error
        if isinstance(cls, type) and issubclass(cls, Strategy):
            return _stamped(cls)
        raise Problem(
            ErrorCode.INVALID_SETTING, f"entry point {name} ({point.value}) is no class derived from Strategy",
            field="strategies.class", remedy="correct the package that offers it",
        )  # fmt: skip
    return None


def load_file(path: Path, wanted: str = "") -> type[Strategy]:
    """The strategy class in a file; with several, ``wanted`` says which. Raises ``Problem``."""
    module, digest = _import(path)
    found = {
        cls.__name__: cls
        for _, cls in inspect.getmembers(module, inspect.isclass)
        if issubclass(cls, Strategy) and cls.__module__ == module.__name__
    }
    if wanted in found or (not wanted and len(found) == 1):
        cls = found[wanted] if wanted else next(iter(found.values()))
        cls.source_hash = digest
        return cls
    names = ", ".join(found) or "none"
    raise ClassGone(
        ErrorCode.INVALID_SETTING,
        f"{path} holds {names} as strategy classes" + (f", not {wanted}" if wanted else ""),
        field="strategies.class",
        reason="one class derived from Strategy is needed",
        remedy=f"name one as {path.stem}:CLASS" if len(found) > 1 else "derive a class from tradectl.engine.Strategy",
    )


def _import(path: Path) -> tuple[ModuleType, str]:
    """The file as a module, and its source's hash.

    Compiled from the very bytes that are hashed: the import system's cache takes a file changed within the second for
    the old one.
    """
    name = f"tradectl_user_{path.stem}"
    before, module = sys.modules.get(name), ModuleType(name)
    module.__file__ = str(path)
    sys.modules[name] = module
    try:
        source = path.read_bytes()
        exec(compile(source, str(path), "exec"), module.__dict__)
    except (Exception, SystemExit) as error:
        sys.modules.pop(name)
        if before is not None:
            sys.modules[name] = before
        raise _broken(path, error) from error
    linecache.checkcache(str(path))
    return module, _digest(source)


def _broken(path: Path, error: BaseException) -> Problem:
    line = 0
    for frame in traceback.extract_tb(error.__traceback__):
        if frame.filename == str(path):
            line = frame.lineno or 0
    if isinstance(error, SyntaxError):
        line = error.lineno or 0
    return Problem(
        ErrorCode.INVALID_SETTING,
        f"{path}, line {line}: {type(error).__name__}: {error.msg if isinstance(error, SyntaxError) else error}",
        field="strategies.class",
        reason="the file cannot be imported",
        remedy="correct it; tradectl strategies check FILE tries it without trading",
    )


def _stamped(cls: type[Strategy]) -> type[Strategy]:
    """Note the source's hash on the class: a changed strategy starts from warm-up, never from an old checkpoint."""
    file = inspect.getsourcefile(cls)
    cls.source_hash = _digest(Path(file).read_bytes() if file else b"")
    return cls


def _digest(source: bytes) -> str:
    return hashlib.sha256(source).hexdigest()[:16]


def load_all(configs: tuple[StrategyConfig, ...], folder: Path | None) -> dict[str, type[Strategy]]:
    """Every class the configurations name, their parameters checked. Raises ``Problem``."""
    classes: dict[str, type[Strategy]] = {}
    for config in configs:
        cls = classes.get(config.class_) or load_class(config.class_, folder)
        validated(cls, {"category": config.category, **config.params}, config.name)
        classes[config.class_] = cls
    return classes


def load_known(configs: tuple[StrategyConfig, ...], folder: Path | None) -> dict[str, type[Strategy]]:
    """Every class the configurations name; what cannot be loaded is an :func:`absent` one that says why."""
    classes: dict[str, type[Strategy]] = {}
    for config in configs:
        try:
            classes |= load_all((config,), folder)
        except Problem as problem:
            classes[config.class_] = absent(config.class_, problem.message)
    return classes


def absent(name: str, why: str) -> type[Strategy]:
    """A stand-in for a class that is gone: its instances are stopped from the first moment, with the reason."""

    def on_start(self: Strategy) -> None:
        raise LookupError(why)

    return type("Absent", (Strategy,), {"on_start": on_start, "absent": why, "source_hash": f"absent:{name}"})


def fingerprint(classes: dict[str, type[Strategy]]) -> str:
    """One hash over all strategies' sources."""
    text = ";".join(f"{name}={cls.source_hash}" for name, cls in sorted(classes.items()))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
