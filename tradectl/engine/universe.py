"""Universes: named lists of symbols, chosen from the venue's 24-hour tickers and refreshed on a timer."""

from collections.abc import Callable
from fnmatch import fnmatchcase

from msgspec import Struct, field

from tradectl.engine.config import UniverseConfig
from tradectl.engine.world import World
from tradectl.model.commands import AlertLevel, RequestTickers, UniverseChanged
from tradectl.model.events import TickersLoaded, UniverseRow
from tradectl.model.instruments import Category, InstrumentId

UNIVERSE_TIMER = "universe:"
_MINUTE = 60 * 10**9
_DAY = 86_400 * 10**9
Changed = Callable[[str, tuple[str, ...], tuple[str, ...]], None]


class UniverseState(Struct):
    """One universe written down; ``loaded`` is when its members were last chosen, 0 before the first answer."""

    members: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    loaded: int = 0
    asked: bool = False


class Universes:
    """All universes. ``changed`` is told name, added and removed symbols, after the members changed."""

    def __init__(self, world: World) -> None:
        self._w = world
        self._configs = {c.name: c for c in world.config.universes}
        self.states: dict[str, UniverseState] = {name: UniverseState() for name in self._configs}
        self.changed: Changed = lambda name, added, removed: None

    # --- what others ask

    def members(self, name: str) -> tuple[str, ...]:
        """The symbols of a universe, highest turnover first. Raises ``LookupError`` for an unknown name."""
        if name not in self.states:
            known = ", ".join(self.states) or "none is set"
            raise LookupError(f"there is no universe {name!r}; known: {known}")
        return tuple(self.states[name].members)

    def is_loaded(self, name: str) -> bool:
        """Whether the members are known; an unknown universe never is."""
        return name in self.states and self.states[name].loaded > 0

    def why_out(self, name: str, instrument: InstrumentId) -> str:
        """Why an instrument is no member, nothing when it is one (or of another category than the universe)."""
        config, state = self._configs.get(name), self.states.get(name)
        if config is None or state is None or config.category != instrument.category.value:
            return ""
        if instrument.symbol in state.members:
            return ""
        return state.refused.get(instrument.symbol, "the venue does not list it any more")

    # --- refreshing

    def started(self) -> None:
        """The daemon started: an answer that was on its way is lost."""
        for state in self.states.values():
            state.asked = False

    def ask_missing(self) -> None:
        """Ask for the members of those that have none yet."""
        for name, state in self.states.items():
            if not state.loaded and not state.asked:
                self.refresh(name)

    def refresh(self, name: str) -> None:
        """Ask for today's tickers; called when the timer of a universe is due."""
        if name not in self.states:
            return  # a universe of an earlier configuration
        config = self._configs[name]
        asked = any(s.asked and self._configs[n].category == config.category for n, s in self.states.items())
        self.states[name].asked = True
        self._w.set_timer(UNIVERSE_TIMER + name, self._w.now + config.refresh_minutes * _MINUTE)
        if not asked:
            self._w.emit(RequestTickers(config.category))

    def loaded(self, event: TickersLoaded) -> None:
        """The answer: each universe that waits for this category chooses its members anew."""
        for name, state in self.states.items():
            config = self._configs[name]
            if not state.asked or config.category != event.category:
                continue
            state.asked = False
            if event.error:
                self._failed(name, event.error)
                continue
            self._choose(name, config, state, event.rows)

    def _failed(self, name: str, error: str) -> None:
        text = f"universe {name} could not be refreshed: {error}"
        self._w.alert(AlertLevel.WARNING, "universe", text, "its members stay as they are; it is asked again")
        self._w.set_timer(UNIVERSE_TIMER + name, self._w.now + _MINUTE)

    def _choose(self, name: str, config: UniverseConfig, state: UniverseState, rows: tuple[UniverseRow, ...]) -> None:
        before = state.members
        state.members, state.refused = self._split(config, rows)
        state.loaded = max(self._w.now, 1)  # a stepped venue's clock stands at 0 until it says something
        added = tuple(s for s in state.members if s not in set(before))
        removed = tuple(s for s in before if s not in set(state.members))
        refused = tuple(state.refused.items())
        self._w.emit(UniverseChanged(self._w.now, name, tuple(state.members), added, removed, refused))
        self.changed(name, added, removed)

    def _split(self, config: UniverseConfig, rows: tuple[UniverseRow, ...]) -> tuple[list[str], dict[str, str]]:
        members: list[str] = []
        refused: dict[str, str] = {}
        for row in sorted(rows, key=lambda r: (-r.turnover, r.symbol)):
            why = self._refusal(config, row)
            if not why and len(members) >= config.max_members:
                why = f"{config.max_members} symbols have more turnover"
            if why:
                refused[row.symbol] = why
            else:
                members.append(row.symbol)
        return members, refused

    def _refusal(self, c: UniverseConfig, row: UniverseRow) -> str:
        info = self._w.instruments.get(InstrumentId(Category(c.category), row.symbol))
        quote = c.quote_coin or self._w.config.settle_coin
        if info is None or info.status != "Trading":
            return "not an instrument that trades" if info is None else f"its status is {info.status}"
        if info.quote_coin != quote:
            return f"quoted in {info.quote_coin}, not {quote}"
        denied = next((p for p in c.deny if fnmatchcase(row.symbol, p)), "")
        if denied:
            return f"denied by {denied}"
        if not any(fnmatchcase(row.symbol, p) for p in c.allow):
            return f"not allowed by {', '.join(c.allow) or 'an empty list'}"
        return self._too_young(c, info.launched) or _market_refusal(c, row)

    def _too_young(self, c: UniverseConfig, launched: int) -> str:
        if not c.min_age_days:
            return ""
        if not launched:
            return "its age is not known"
        days = (self._w.now - launched) // _DAY
        return f"{days} days old, below {c.min_age_days}" if days < c.min_age_days else ""


def _market_refusal(c: UniverseConfig, row: UniverseRow) -> str:
    if row.turnover < c.min_turnover:
        return f"turnover {row.turnover:.10g} below {c.min_turnover:.10g}"
    if c.max_spread:
        if not 0 < row.bid <= row.ask:
            return "no bid and ask to measure its spread"
        spread = (row.ask - row.bid) / ((row.ask + row.bid) / 2)
        if spread > c.max_spread:
            return f"spread {spread:.6f} above {c.max_spread:.6f}"
    if not c.min_volatility and not c.max_volatility:
        return ""
    if row.low <= 0:
        return "no high and low to measure its volatility"
    moved = row.high / row.low - 1
    if moved < c.min_volatility:
        return f"volatility {moved:.6f} below {c.min_volatility:.6f}"
    return (
        f"volatility {moved:.6f} above {c.max_volatility:.6f}" if c.max_volatility and moved > c.max_volatility else ""
    )
