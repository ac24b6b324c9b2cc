"""The limits in force: what the settings say, with a person's changes on top, narrowed by the scopes that apply."""

from collections.abc import Mapping
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Any

from msgspec import Struct, field
from msgspec.structs import asdict, replace

from tradectl.engine.limit_contradictions import contradictions
from tradectl.engine.limit_rules import NAMES, limit_text, parse_change
from tradectl.engine.risk_limits import ZERO_IS_OFF, RiskLimits, ScopeLimits
from tradectl.model.errors import ErrorCode, Problem

#: Limits of a single order, whatever it is added to: the tightest of all scopes that apply holds.
_SINGLE_BY_KIND: dict[str, tuple[str, ...]] = {
    "strategy": ("order_share", "order_value", "repeat_orders", "flood_per_minute"),
    "symbol": (
        "order_share", "order_value", "position_share", "position_value", "collar_share", "limit_band_share",
        "leverage", "funding_share",
    ),
    "group": ("order_share", "order_value", "position_share", "position_value"),
}  # fmt: skip
#: Of these more is stricter.
_MORE_IS_STRICTER = ("duplicate_ms", "liquidation_share", "cooldown_minutes")


class LimitState(Struct):
    """A person's changes since the settings were read: scope, name, value as text."""

    changes: dict[str, dict[str, str]] = field(default_factory=dict)


class GroupLimits(Struct, frozen=True):
    """A group of symbols that move together, and its limits."""

    name: str
    symbols: tuple[str, ...]
    limits: ScopeLimits


class InForce(Struct, frozen=True):
    """Limits for one strategy in one symbol. ``single`` is the account's, narrowed for an order of theirs."""

    account: RiskLimits
    single: RiskLimits
    strategy: ScopeLimits | None
    symbol: ScopeLimits | None
    groups: tuple[GroupLimits, ...]


class LimitBook:
    """Answers which limits hold for whom; a change is refused when it contradicts another limit."""

    def __init__(
        self, limits: RiskLimits, scoped: Mapping[str, ScopeLimits], groups: Mapping[str, tuple[str, ...]]
    ) -> None:
        self._configured = limits
        self._configured_scopes = dict(scoped)
        self._groups = dict(groups)
        self._state = LimitState()
        self._cache: dict[tuple[str, str], InForce] = {}
        self._leverages: dict[str, Decimal] = {}
        self.account = limits
        self.scoped = dict(scoped)

    @property
    def state(self) -> LimitState:
        """What a checkpoint keeps."""
        return self._state

    @state.setter
    def state(self, state: LimitState) -> None:
        self._state = state
        self._apply()

    def group_of(self, symbol: str) -> tuple[str, ...]:
        """The names of the groups a symbol belongs to."""
        return tuple(name for name, members in self._groups.items() if _among(symbol, members))

    def members(self, group: str) -> tuple[str, ...]:
        """The patterns of a group's symbols."""
        return self._groups.get(group, ())

    def of(self, strategy: str, symbol: str) -> InForce:
        """The limits for one strategy in one symbol."""
        key = (strategy, symbol)
        found = self._cache.get(key)
        if found is None:
            found = self._cache[key] = self._resolve(strategy, symbol)
        return found

    def leverage(self, symbol: str) -> Decimal:
        """The most leverage a symbol may be counted with: the account's, or less by its own limit."""
        found = self._leverages.get(symbol)
        if found is None:
            own = self.scoped.get(f"symbol:{symbol}")
            limit = self.account.leverage
            found = min(limit, own.leverage) if own is not None and own.leverage is not None else limit
            self._leverages[symbol] = found
        return found

    def strategy(self, name: str) -> ScopeLimits | None:
        """What narrows a strategy: limits of its own, else those of every strategy without."""
        return self.scoped.get(f"strategy:{name}", self.scoped.get("strategy:*"))

    def _resolve(self, strategy: str, symbol: str) -> InForce:
        of_strategy, of_symbol = self.strategy(strategy), self.scoped.get(f"symbol:{symbol}")
        groups = tuple(
            GroupLimits(name, self._groups[name], self.scoped[f"group:{name}"])
            for name in self.group_of(symbol)
            if f"group:{name}" in self.scoped
        )
        single = self.account
        for kind, own in (("strategy", of_strategy), ("symbol", of_symbol), *(("group", g.limits) for g in groups)):
            if own is not None:
                single = _narrowed(single, own, kind)
        return InForce(self.account, single, of_strategy, of_symbol, groups)

    def change(self, scope: str, changes: Mapping[str, str]) -> list[str]:
        """Set limits of a scope; returns the names of those that became wider.

        Raises :class:`Problem`, and changes nothing, for a bad name or value or a contradiction that was not there.
        """
        old = self.account if not scope else self.scoped.get(scope, ScopeLimits())
        values = {name: parse_change(name, text, scope) for name, text in changes.items()}
        before = contradictions(self.account, self.scoped, self._groups)
        account, scoped = _with(self.account, self.scoped, scope, values)
        for text in contradictions(account, scoped, self._groups):
            if text not in before:
                raise Problem(
                    ErrorCode.INVALID_SETTING, f"the limits would contradict each other: {text}", reason=text,
                    field=next(iter(changes), "limits"), remedy="set both in one step, or choose another value",
                )  # fmt: skip
        kept = self._state.changes.setdefault(scope, {})
        kept.update({name: limit_text(value) for name, value in values.items()})
        self._apply()
        return [name for name, value in values.items() if _is_wider(name, getattr(old, name), value)]

    def _apply(self) -> None:
        account, scoped = self._configured, dict(self._configured_scopes)
        for scope, changes in self._state.changes.items():
            values = {name: parse_change(name, text, scope) for name, text in changes.items()}
            account, scoped = _with(account, scoped, scope, values)
        self.account, self.scoped = account, scoped
        self._cache.clear()
        self._leverages.clear()

    def texts(self, scope: str = "") -> tuple[tuple[str, str], ...]:
        """The limits of a scope as they are in force, in order of their names' declaration."""
        own: Any = self.account if not scope else self.scoped.get(scope, ScopeLimits())
        given = asdict(own)
        return tuple((n, limit_text(given[n])) for n in NAMES if given.get(n) is not None)


def _among(symbol: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(symbol, pattern) for pattern in patterns)


def _with(
    account: RiskLimits, scoped: Mapping[str, ScopeLimits], scope: str, values: Mapping[str, Any]
) -> tuple[RiskLimits, dict[str, ScopeLimits]]:
    if not scope:
        return replace(account, **values), dict(scoped)
    return account, {**scoped, scope: replace(scoped.get(scope, ScopeLimits()), **values)}


def _narrowed(limits: RiskLimits, own: ScopeLimits, kind: str) -> RiskLimits:
    changed: dict[str, Any] = {}
    for name in (*_SINGLE_BY_KIND[kind], *_MORE_IS_STRICTER[:2]):
        value, mine = getattr(limits, name), getattr(own, name)
        if mine is not None and _is_wider(name, mine, value):
            changed[name] = mine
    if own.require_stop:
        changed["require_stop"] = True
    return replace(limits, **changed) if changed else limits


def _is_wider(name: str, old: Any, new: Any) -> bool:
    """Whether ``new`` allows more than ``old`` (``None``: nothing was said)."""
    if isinstance(new, bool):
        return new is False and bool(old)
    if isinstance(new, tuple):
        return bool(old is not None and new != old)
    if name in ZERO_IS_OFF and not new:
        return bool(old)
    if old is None or (name in ZERO_IS_OFF and not old):
        return False
    return bool(new < old) if name in _MORE_IS_STRICTER else bool(new > old)
