"""The allocator: samples what each strategy earns, computes shares on schedule, and keeps what is inside the band."""

import math
from collections.abc import Callable, Mapping
from decimal import Decimal

from tradectl.engine.allocation.equal import equal
from tradectl.engine.allocation.inverse_volatility import inverse_volatility
from tradectl.engine.allocation.kelly import kelly
from tradectl.engine.allocation.policy import AllocationConfig, Policy, Sampled, cut
from tradectl.engine.allocation.risk_parity import risk_parity
from tradectl.engine.allocation.state import AllocationState
from tradectl.engine.allocation.volatility_target import volatility_target
from tradectl.engine.world import World
from tradectl.model.commands import AllocationChanged, RequestAnswered
from tradectl.model.events import RebalanceRequested
from tradectl.model.instruments import InstrumentId
from tradectl.model.money import ZERO, plain

#: Every timer of the allocator begins so.
ALLOCATION_TIMER = "allocation:"
SAMPLE_TIMER, REBALANCE_TIMER = f"{ALLOCATION_TIMER}sample", f"{ALLOCATION_TIMER}rebalance"
_HOUR = 3600 * 10**9
_YEAR_HOURS = 365 * 24
#: A difference smaller than this part of equity is left alone whatever the band says.
_LEAST = Decimal("0.005")
POLICIES: Mapping[str, Policy] = {
    "equal": equal,
    "inverse_volatility": inverse_volatility,
    "volatility_target": volatility_target,
    "risk_parity": risk_parity,
    "kelly": kelly,
}


#: Brings a strategy's position to a weight of its capital again.
Retarget = Callable[[str, InstrumentId, Decimal, str], None]


class Allocator:
    """Who may use how much of equity."""

    def __init__(self, world: World, retarget: Retarget) -> None:
        self._w = world
        self._config: AllocationConfig = world.config.allocation
        self._retarget = retarget
        self._fixed = {s.name: s.capital for s in world.config.strategies}

    @property
    def state(self) -> AllocationState:
        """Part of the checkpoint."""
        return self._w.allocation

    def share(self, name: str) -> Decimal:
        """The part of equity a strategy may use."""
        return self.state.shares.get(name, self._fixed.get(name, ZERO))

    def start(self) -> None:
        """Begin to sample, once the books stand; the first shares are the configured ones."""
        if not self.state.shares:
            self._publish("from the settings")
        if self._config.policy != "fixed":
            self._sample()
            self._w.set_timer(SAMPLE_TIMER, self._w.now + self._config.sample_hours * _HOUR)
            self._w.set_timer(REBALANCE_TIMER, self._w.now + self._config.rebalance_hours * _HOUR)

    def note_target(self, name: str, instrument: InstrumentId, weight: Decimal) -> None:
        """Remember what a strategy wants, so that another share resizes it."""
        own = self.state.weights.setdefault(name, {})
        if weight:
            own[instrument] = weight
        else:
            own.pop(instrument, None)

    def declare(self, shares: Mapping[str, Decimal], reason: str) -> str:
        """Shares made by the user's own code (policy ``user``); returns what became of them."""
        if self._config.policy != "user":
            return "the policy is not user: set allocation.policy to let a strategy share out capital"
        wanted = {name: self._bounded(share) for name, share in shares.items() if name in self._fixed}
        return self._apply({**{n: self.share(n) for n in self._fixed}, **wanted}, reason, forced=True)

    # --- timers

    def timer(self, name: str) -> None:
        """A timer of the allocator is due."""
        if name == SAMPLE_TIMER:
            self._sample()
            self._w.set_timer(SAMPLE_TIMER, self._w.now + self._config.sample_hours * _HOUR)
        else:
            self._apply(self._wanted(), f"{self._config.policy}, on schedule", forced=False)
            self._w.set_timer(REBALANCE_TIMER, self._w.now + self._config.rebalance_hours * _HOUR)

    def requested(self, event: RebalanceRequested) -> None:
        """A person wants the shares computed now, whatever the bands say."""
        text = self._apply(self._wanted(), f"{self._config.policy}, asked by {event.who}", forced=True)
        self._w.emit(RequestAnswered(True, text))

    def _sample(self) -> None:
        equity = self._w.valuation.account().equity
        for name in self._fixed:
            profit, capital = self._w.valuation.strategy(name).equity, self.state.capital.get(name, ZERO)
            if capital > 0:
                series = self.state.returns.setdefault(name, [])
                series.append(float((profit - self.state.profit.get(name, ZERO)) / capital))
                del series[: -self._config.window]
            self.state.profit[name], self.state.capital[name] = profit, equity * self.share(name)

    # --- shares

    def _wanted(self) -> dict[str, Decimal]:
        if self._config.policy == "fixed":
            return dict(self._fixed)
        if self._config.policy == "user":
            declared = {n: self._bounded(s) for n, s in self._config.shares.items() if n in self._fixed}
            return {**self._fixed, **declared}
        total = self._config.total or sum(self._fixed.values(), ZERO)
        every = {n: self.state.returns.get(n, []) for n in self._fixed}
        known = {n: series for n, series in every.items() if self._enough(series)}
        new = {n: share for n, share in self._fixed.items() if n not in known}
        left = max(total - sum(new.values(), ZERO), ZERO)
        return {**new, **(self._computed(known, left) if known else {})}

    def _enough(self, series: list[float]) -> bool:
        """Whether a series says something; equal weight asks nothing of it."""
        return self._config.policy == "equal" or len(series) >= self._config.min_samples

    def _computed(self, known: Mapping[str, list[float]], left: Decimal) -> dict[str, Decimal]:
        length = min(len(series) for series in known.values())
        returns = {name: series[-length:] if length else [] for name, series in known.items()}
        sampled = Sampled(returns, float(left), _YEAR_HOURS / self._config.sample_hours, self._config)
        weights = POLICIES[self._config.policy](sampled)
        return {name: self._bounded(cut(w)) if math.isfinite(w) else ZERO for name, w in weights.items()}

    def _bounded(self, share: Decimal) -> Decimal:
        return min(max(share, ZERO), self._config.max_share)

    def _apply(self, wanted: dict[str, Decimal], reason: str, forced: bool) -> str:
        changed = [name for name, share in wanted.items() if share != self.share(name)]
        if not changed or not (forced or any(self._left_band(name, wanted[name]) for name in changed)):
            return "every share is inside its band" if changed else "nothing to change"
        self.state.shares.update(wanted)
        self._publish(reason)
        for name in changed:
            for instrument, weight in list(self.state.weights.get(name, {}).items()):
                if self._w.portfolio.is_open(instrument, name):
                    self._retarget(name, instrument, weight, f"rebalance: {reason}")
        return ", ".join(f"{name} {plain(wanted[name] * 100)} %" for name in sorted(changed))

    def _left_band(self, name: str, wanted: Decimal) -> bool:
        now = self.share(name)
        off = abs(wanted - now)
        return off >= _LEAST and (not now or off / now > Decimal(repr(self._config.band)))

    def _publish(self, reason: str) -> None:
        shares = tuple((name, self.share(name)) for name in self._fixed)
        if shares:
            self._w.emit(AllocationChanged(self._w.now, self._config.policy, shares, reason))
