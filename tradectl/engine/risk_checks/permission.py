"""Whether one may trade at all: trading state, instrument, restricted symbols, universe; and what an entry needs."""

from fnmatch import fnmatchcase

from tradectl.engine.risk_checks.candidate import Candidate, RiskView, Verdict, failed
from tradectl.model.commands import Check, Level
from tradectl.model.instruments import InstrumentId

#: Verdicts that are nearly always the same.
_RUNNING = Check("trading_state", True, "RUNNING", "RUNNING")
_TRADING = Check("instrument_status", True, "Trading", "Trading")


class TradingStateCheck:
    """RUNNING lets everything pass, REDUCING what reduces, HALTED only what a person closes and stops that protect."""

    name = "trading_state"

    def __call__(self, c: Candidate, v: RiskView) -> Verdict:
        symbol = c.instrument.id.symbol
        level = v.level(c.strategy, symbol)
        if level is Level.RUNNING:
            return _RUNNING
        if c.reduces and (level is Level.REDUCING or c.person or c.protective):
            return Check(self.name, True, Level.RUNNING.value, level.value)
        texts = "; ".join(r.text for r in v.reasons(c.strategy, symbol)[:3])
        return failed(self.name, Level.RUNNING.value, level.value, f"trading is {level.value}: {texts}")


class InstrumentStatusCheck:
    """Only instruments the venue trades; one that is closing down may still be left."""

    name = "instrument_status"

    def __call__(self, c: Candidate, v: RiskView) -> Verdict:
        if c.instrument.status == "Trading":
            return _TRADING
        if c.reduces:
            return Check(self.name, True, "Trading", c.instrument.status)
        return failed(self.name, "Trading", c.instrument.status, f"{c.instrument.id} is not trading")


class ReduceOnlyCheck:
    """What is asked to be reduce-only must shrink the strategy's book and the net position."""

    name = "reduce_only"

    def __call__(self, c: Candidate, v: RiskView) -> Verdict | None:
        if not c.reduce_only:
            return None
        if c.reduces:
            return Check(self.name, True, "shrinks", "shrinks")
        rule = "a reduce-only order must shrink the strategy's position and the account's"
        return failed(self.name, "shrinks", "opens", rule)


class LateBarCheck:
    """A bar that closed while the daemon was down may close a position, never open one."""

    name = "late_bar"

    def __call__(self, c: Candidate, v: RiskView) -> Verdict | None:
        if not c.late:
            return None
        if c.reduces:
            return Check(self.name, True, "on time", "late")
        return failed(self.name, "on time", "late", "the bar closed while the daemon was away")


class RestrictedCheck:
    """Symbols a person allows, and none he denies; a position in one may be left."""

    name = "restricted_symbol"

    def __call__(self, c: Candidate, v: RiskView) -> Verdict | None:
        allow, deny = v.in_force.account.allow, v.in_force.account.deny
        if c.reduces or (not deny and allow == ("*",)):
            return None
        hit = _first(c.instrument.id, deny)
        if hit:
            return failed(self.name, f"deny {hit}", c.instrument.id, f"{c.instrument.id} is denied by {hit}")
        listed = ", ".join(allow) or "nothing"
        if _first(c.instrument.id, allow):
            return Check(self.name, True, f"allow {listed}", str(c.instrument.id))
        return failed(self.name, f"allow {listed}", c.instrument.id, f"{c.instrument.id} is not among {listed}")


def _first(instrument: InstrumentId, patterns: tuple[str, ...]) -> str:
    names = (instrument.symbol, str(instrument))
    return next((p for p in patterns if any(fnmatchcase(name, p) for name in names)), "")


class UniverseCheck:
    """A strategy bound to a universe enters its members alone."""

    name = "universe"

    def __call__(self, c: Candidate, v: RiskView) -> Verdict | None:
        if c.reduces or c.person:
            return None
        veto = v.veto()
        return failed(self.name, "a member", c.instrument.id, veto) if veto else None


class ProtectionCheck:
    """Where the limits want a stop, an entry brings its stop-loss along."""

    name = "protection"

    def __call__(self, c: Candidate, v: RiskView) -> Verdict | None:
        if c.reduces or not v.limits.require_stop:
            return None
        if c.protection is not None and c.protection.stop_loss is not None:
            return Check(self.name, True, "stop-loss", "stop-loss")
        rule = "an entry needs a stop-loss attached (require_stop); add stop_loss"
        return failed(self.name, "stop-loss", "none", rule)
