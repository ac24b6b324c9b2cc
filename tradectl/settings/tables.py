"""Settings that are lists of tables: strategy instances, universes, limits of scopes, groups of symbols."""

from collections.abc import Callable
from typing import Any, get_type_hints

import msgspec

from tradectl.engine.config import ScopeLimits, StrategyConfig, UniverseConfig
from tradectl.engine.limit_rules import parse_scope
from tradectl.engine.risk_limits import SCOPES
from tradectl.model.errors import Problem
from tradectl.model.instruments import Category
from tradectl.settings.problems import broken, unknown
from tradectl.settings.values import coerce

_ONE = {"strategies": "strategy", "universes": "universe", "groups": "group"}
#: What a universe can be chosen from.
PRODUCTS = tuple(category.value for category in Category)


def _tables(origin: str, section: str, tables: Any) -> list[dict[str, Any]]:
    """The tables of ``[[section]]``, each with a name of its own. Raises ``Problem``."""
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise broken(origin, section, tables, f"must be tables: write [[{section}]]")
    names = [table.get("name") for table in tables]
    for index, name in enumerate(names):
        if name and name in names[:index]:
            raise broken(origin, f"{section}[{index}].name", name, f"is the name of an earlier {_ONE[section]}")
    return tables


def _taken(origin: str, where: str, table: dict[str, Any], kind: type) -> dict[str, Any]:
    """The fields of one table as ``kind`` declares them. Raises ``Problem``."""
    hints = get_type_hints(kind, include_extras=True)
    names = {name.rstrip("_"): name for name in hints}
    taken: dict[str, Any] = {}
    for word, value in table.items():
        key = f"{where}.{word}"
        if word not in names:
            raise unknown(origin, key, [f"{where}.{name}" for name in names])
        try:
            taken[names[word]] = coerce(value, hints[names[word]])
        except ValueError as error:
            raise broken(origin, key, value, str(error)) from None
    return taken


def _universes(origin: str, tables: Any) -> tuple[UniverseConfig, ...]:
    found = []
    for index, table in enumerate(_tables(origin, "universes", tables)):
        taken = _taken(origin, f"universes[{index}]", table, UniverseConfig)
        if not taken.get("name"):
            raise broken(origin, f"universes[{index}].name", "", "is missing: it names the universe")
        universe = UniverseConfig(**taken)
        if universe.category not in PRODUCTS:
            rule = f"must be one of {', '.join(PRODUCTS)}"
            raise broken(origin, f"universes[{index}].category", universe.category, rule)
        if 0 < universe.max_volatility < universe.min_volatility:
            rule = f"is below min_volatility = {universe.min_volatility}: nothing could be in it"
            raise broken(origin, f"universes[{index}].max_volatility", universe.max_volatility, rule)
        found.append(universe)
    return tuple(found)


def _strategies(origin: str, tables: Any) -> tuple[StrategyConfig, ...]:
    found = _tables(origin, "strategies", tables)
    return tuple(_strategy(origin, index, table) for index, table in enumerate(found))


def _strategy(origin: str, index: int, table: dict[str, Any]) -> StrategyConfig:
    taken = _taken(origin, f"strategies[{index}]", table, StrategyConfig)
    for word, rule in (("name", "names the instance"), ("class_", "says which class it is")):
        if not taken.get(word):
            raise broken(
                origin, f"strategies[{index}].{word.rstrip('_')}", taken.get(word, ""), f"is missing: it {rule}"
            )
    return StrategyConfig(**taken)


def _limits(origin: str, tables: Any) -> dict[str, ScopeLimits]:
    """``[[limits]]``: what a scope narrows."""
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise broken(origin, "limits", tables, "must be tables: write [[limits]]")
    found: dict[str, ScopeLimits] = {}
    for index, table in enumerate(tables):
        where, scope = f"limits[{index}]", table.get("scope")
        kind = _kind(origin, f"{where}.scope", scope)
        if scope in found:
            raise broken(origin, f"{where}.scope", scope, "has limits already: put them into one table")
        own = {name: value for name, value in table.items() if name != "scope"}
        for name in own:
            if name in ScopeLimits.__struct_fields__ and name not in SCOPES[kind]:
                raise broken(origin, f"{where}.{name}", own[name], f"is no limit of a {kind}")
        found[str(scope)] = ScopeLimits(**_taken(origin, where, own, ScopeLimits))
    return found


def _kind(origin: str, key: str, scope: Any) -> str:
    rule = "must be strategy:NAME, strategy:*, symbol:SYMBOL or group:NAME"
    try:
        kind = parse_scope(scope) if isinstance(scope, str) else ""
    except Problem:
        kind = ""
    if not kind:
        raise broken(origin, key, scope, rule)
    return kind


class _Group(msgspec.Struct):
    name: str
    symbols: tuple[str, ...] = ()


def _groups(origin: str, tables: Any) -> dict[str, tuple[str, ...]]:
    """``[[groups]]``: symbols that move together."""
    found: dict[str, tuple[str, ...]] = {}
    for index, table in enumerate(_tables(origin, "groups", tables)):
        taken = _taken(origin, f"groups[{index}]", table, _Group)
        for word in ("name", "symbols"):
            if not taken.get(word):
                raise broken(origin, f"groups[{index}].{word}", taken.get(word, ""), "is missing")
        found[taken["name"]] = taken["symbols"]
    return found


#: How the tables of each name are read; each raises ``Problem``.
TABLES: dict[str, Callable[[str, Any], Any]] = {
    "strategies": _strategies, "universes": _universes, "limits": _limits, "groups": _groups,
}  # fmt: skip
