"""What a person asks of the risk manager: other limits, and the end of a latched one. Each ends with an answer."""

from tradectl.engine.latches import LATCHED, STREAK, Latches
from tradectl.engine.world import World
from tradectl.model.commands import AlertLevel, LimitsChanged, Reason, RequestAnswered
from tradectl.model.errors import ErrorCode, Problem
from tradectl.model.events import LimitsSet, RiskResetRequested


class RiskDesk:
    """Handles :class:`LimitsSet` and :class:`RiskResetRequested`."""

    def __init__(self, world: World, latches: Latches) -> None:
        self._w = world
        self._latches = latches

    def set_limits(self, e: LimitsSet) -> None:
        """Change limits from here on; what is wrong with a change is said and nothing changes."""
        w = self._w
        if not e.changes:
            self._refuse("no limit was named; tradectl risk limits lists them")
            return
        try:
            wider = w.limits.change(e.scope, e.changes)
        except Problem as problem:
            self._refuse(str(problem))
            return
        where = f" of {e.scope}" if e.scope else ""
        shown = ", ".join(f"{name} = {dict(w.limits.texts(e.scope))[name]}" for name in e.changes)
        w.emit(LimitsChanged(w.now, e.who, e.scope, w.limits.texts(e.scope), e.reason))
        if wider:
            text = f"{e.who} raised {', '.join(wider)}{where}" + (f": {e.reason}" if e.reason else "")
            w.alert(AlertLevel.WARNING, "limits_raised", text, "tradectl risk limits shows what is in force")
        w.emit(RequestAnswered(True, f"limits{where} set: {shown}"))

    def reset(self, e: RiskResetRequested) -> None:
        """Lift latched limits and measure anew from here; a limit that is still exceeded is reached again."""
        found = [r for r in self._w.state.all() if _latched(r) and _asked_for(r, e)]
        if not found:
            what = f"no latched limit {e.code}".rstrip() if e.code else "no latched limit"
            self._w.emit(RequestAnswered(False, f"there is {what} to lift", ErrorCode.NOT_FOUND.value))
            return
        for reason in found:
            self._w.relax(reason.code, reason.scope)
        self._latches.lifted(found)
        left = "; ".join(r.text for r in self._w.state.all())
        names = ", ".join(r.code + (f" ({r.scope})" if r.scope else "") for r in found)
        text = f"lifted {names}" + (f"; still active: {left}" if left else "")
        self._w.emit(RequestAnswered(True, text))

    def _refuse(self, text: str) -> None:
        self._w.emit(RequestAnswered(False, text, ErrorCode.INVALID_SETTING.value))


def _latched(reason: Reason) -> bool:
    return reason.code in LATCHED or reason.code == STREAK


def _asked_for(reason: Reason, e: RiskResetRequested) -> bool:
    if e.code and reason.code != e.code:
        return False
    scopes = [f"strategy:{e.strategy}"] * bool(e.strategy) + [f"symbol:{e.symbol}"] * bool(e.symbol)
    return not scopes or reason.scope in scopes
