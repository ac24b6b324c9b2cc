"""Universes: their members now, and why every other symbol is out."""

from typing import Any

from tradectl.daemon.service import Service
from tradectl.model.errors import ErrorCode, Problem
from tradectl.rpc import methods, params
from tradectl.rpc.results import UniverseInfo


def handlers(s: Service) -> list[tuple[methods.Method[Any, Any], Any]]:
    """The methods of this file."""
    return [(methods.UNIVERSE_SHOW, lambda p, peer: _show(s, p))]


def _show(s: Service, p: params.UniverseName) -> methods.UniverseList:
    configs = [c for c in s.engine.world.config.universes if p.name in ("", c.name)]
    if p.name and not configs:
        known = ", ".join(c.name for c in s.engine.world.config.universes)
        raise Problem(
            ErrorCode.NOT_FOUND, f"no universe is named {p.name!r}", field="name", reason="unknown universe",
            remedy=f"one of: {known}" if known else "set [[universes]] in trading.toml and reload",
        )  # fmt: skip
    host = s.engine.host
    found = []
    for config in configs:
        state = host.universes.states[config.name]
        users = tuple(r.name for r in host.runners.values() if _uses(r, config.name))
        found.append(
            UniverseInfo(
                config.name, config.category, state.loaded or None, config.refresh_minutes, tuple(state.members),
                tuple(state.refused.items()), users,
            )
        )  # fmt: skip
    return methods.UniverseList(tuple(found), s.views.seq)


def _uses(runner: Any, name: str) -> bool:
    return name in runner.given or name in runner.universes_named(runner.params)
