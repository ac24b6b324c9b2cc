"""Finds strategy classes: the built-in ones by name, a user's own in a folder; errors name file, line and rule."""

import hashlib
import importlib
import importlib.util
import inspect
import sys
import traceback
from pathlib import Path
from types import ModuleType

from tradectl.engine.config import StrategyConfig
from tradectl.engine.parameters import validated
from tradectl.engine.strategy import Strategy
from tradectl.model.errors import ErrorCode, Problem

BUILT_IN: dict[str, tuple[str, str]] = {
    "ema_cross": ("tradectl.strategies.ema_cross", "EmaCross"),
    "buy_and_hold": ("tradectl.strategies.buy_and_hold", "BuyAndHold"),
}


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
        where = f" in {folder}" if folder is not None else ""
        raise Problem(
            ErrorCode.UNKNOWN_STRATEGY,
            f"there is no strategy {name}{where}",
            field="strategies.class",
            reason="neither a built-in nor a file of the strategies folder",
            remedy=f"use one of {', '.join(BUILT_IN)}, or write {path or stem + '.py'}",
        )
    return load_file(path, wanted)


def load_file(path: Path, wanted: str = "") -> type[Strategy]:
    """The strategy class in a file; with several, ``wanted`` says which. Raises ``Problem``."""
    module = _import(path)
    found = {
        cls.__name__: cls
        for _, cls in inspect.getmembers(module, inspect.isclass)
        if issubclass(cls, Strategy) and cls.__module__ == module.__name__
    }
    if wanted in found:
        return _stamped(found[wanted])
    if not wanted and len(found) == 1:
        return _stamped(next(iter(found.values())))
    names = ", ".join(found) or "none"
    raise Problem(
        ErrorCode.INVALID_SETTING,
        f"{path} holds {names} as strategy classes" + (f", not {wanted}" if wanted else ""),
        field="strategies.class",
        reason="one class derived from Strategy is needed",
        remedy=f"name one as {path.stem}:CLASS" if len(found) > 1 else "derive a class from tradectl.engine.Strategy",
    )


def _import(path: Path) -> ModuleType:
    name = f"tradectl_user_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        raise _broken(path, error) from error
    return module


def _broken(path: Path, error: Exception) -> Problem:
    line = 0
    for frame in traceback.extract_tb(error.__traceback__):
        if frame.filename == str(path):
            line = frame.lineno or 0
    if isinstance(error, SyntaxError):
        line = error.lineno or 0
    return Problem(
        ErrorCode.INVALID_SETTING,
        f"{path}, line {line}: {type(error).__name__}: {error}",
        field="strategies.class",
        reason="the file cannot be imported",
        remedy="correct it; tradectl strategies check FILE tries it without trading",
    )


def _stamped(cls: type[Strategy]) -> type[Strategy]:
    """Note the source's hash on the class: a changed strategy starts from warm-up, never from an old checkpoint."""
    file = inspect.getsourcefile(cls)
    source = Path(file).read_bytes() if file else b""
    cls.source_hash = hashlib.sha256(source).hexdigest()[:16]
    return cls


def load_all(configs: tuple[StrategyConfig, ...], folder: Path | None) -> dict[str, type[Strategy]]:
    """Every class the configurations name, their parameters checked. Raises ``Problem``."""
    classes: dict[str, type[Strategy]] = {}
    for config in configs:
        cls = classes.get(config.class_) or load_class(config.class_, folder)
        validated(cls, {"category": config.category, **config.params}, config.name)
        classes[config.class_] = cls
    return classes


def fingerprint(classes: dict[str, type[Strategy]]) -> str:
    """One hash over all strategies' sources."""
    text = ";".join(f"{name}={cls.source_hash}" for name, cls in sorted(classes.items()))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
