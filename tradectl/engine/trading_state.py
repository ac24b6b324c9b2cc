"""RUNNING, REDUCING or HALTED: the worst of a set of reasons, each with who may lift it (decision 10)."""

from msgspec import Struct, field

from tradectl.model.commands import Level, Reason

_RANK = {Level.RUNNING: 0, Level.REDUCING: 1, Level.HALTED: 2}
AUTO, PERSON = "auto", "person"
#: The reason that holds entries from a stop request to the next start.
STOPPING = "stopping"


class TradingState(Struct):
    """The active reasons by ``(code, scope)``. A reason added twice keeps its first time."""

    reasons: dict[str, Reason] = field(default_factory=dict)

    @staticmethod
    def _key(code: str, scope: str) -> str:
        return f"{code}|{scope}"

    def add(self, code: str, level: Level, clears: str, text: str, now: int, scope: str = "") -> bool:
        """Add a reason; returns whether anything changed."""
        key = self._key(code, scope)
        old = self.reasons.get(key)
        if old is not None and old.level is level and old.text == text:
            return False
        self.reasons[key] = Reason(code, level, clears, text, old.since if old else now, scope)
        return True

    def has(self, code: str, scope: str = "") -> bool:
        """Whether a reason is active."""
        return self._key(code, scope) in self.reasons

    def clear_all(self, prefix: str) -> bool:
        """Remove every reason whose code begins so; returns whether there was one."""
        keys = [key for key in self.reasons if key.startswith(prefix)]
        for key in keys:
            del self.reasons[key]
        return bool(keys)

    def clear(self, code: str, scope: str = "") -> bool:
        """Remove a reason that lifted itself; returns whether it was there."""
        return self.reasons.pop(self._key(code, scope), None) is not None

    def lift(self, scope: str | None = None) -> list[Reason]:
        """Remove what a person may lift (``scope`` ``None``: every scope); returns what was removed."""
        lifted = [r for r in self.reasons.values() if r.clears == PERSON and scope in (None, r.scope)]
        for reason in lifted:
            self.clear(reason.code, reason.scope)
        return lifted

    def level(self, strategy: str = "", symbol: str = "") -> Level:
        """The worst level that applies: account-wide reasons, and those of the strategy and symbol given."""
        worst = Level.RUNNING
        if not self.reasons:
            return worst
        scopes = ("", f"strategy:{strategy}", f"symbol:{symbol}")
        for reason in self.reasons.values():
            if reason.scope in scopes and _RANK[reason.level] > _RANK[worst]:
                worst = reason.level
        return worst

    def active(self, strategy: str = "", symbol: str = "") -> tuple[Reason, ...]:
        """The reasons that apply, worst first."""
        scopes = ("", f"strategy:{strategy}", f"symbol:{symbol}")
        hits = [r for r in self.reasons.values() if r.scope in scopes]
        return tuple(sorted(hits, key=lambda r: (-_RANK[r.level], r.since, r.code)))

    def all(self) -> tuple[Reason, ...]:
        """Every reason, worst first."""
        return tuple(sorted(self.reasons.values(), key=lambda r: (-_RANK[r.level], r.since, r.code, r.scope)))
