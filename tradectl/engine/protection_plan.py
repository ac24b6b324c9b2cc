"""What protects a position: the stops a book is meant to have, remembered apart from the orders that carry them out."""

from decimal import Decimal

from msgspec import Struct, field

from tradectl.engine.legs import LONG, SHORT
from tradectl.engine.order_state import STOP_LOSS, TAKE_PROFIT
from tradectl.model.instruments import Instrument, InstrumentId
from tradectl.model.money import ZERO, ceil_to, floor_to
from tradectl.model.orders import Trigger, TriggerBy

LEGS = (STOP_LOSS, TAKE_PROFIT)
SECOND = 1_000_000_000
#: A trailing stop is moved at most this often (nanoseconds): each move is an amendment out of the venue's budget.
TRAIL_EVERY = SECOND


class LegWatch(Struct):
    """How one leg fares: ``full`` is the size last covered whole, ``due_since`` when the venue's own stop was first
    missed, ``asked_at`` when the venue was asked for it, ``retry_at`` and ``tries`` pace replacements."""

    full: Decimal | None = None
    alerted: bool = False
    due_since: int = 0
    asked_at: int = 0
    retry_at: int = 0
    tries: int = 0


class Plan(Struct):
    """The stops of one book, in hedge mode of one leg of it. ``sign`` is the position's side; ``qty`` limits them to a
    part of it.

    ``whole``: set for the position by its owner, so stops that came attached to entries follow it too.
    ``trailing`` is a distance in price (or per cent of the best price) behind ``best``, armed once ``activate`` was
    reached; it moves ``stop_loss``. ``bare`` is what the venue can hold no stop for, because other books hold against
    it: see :mod:`netted_stops`, which ``reached_at`` and ``retry_at`` pace.
    """

    sign: int
    stop_loss: Decimal | None = None
    take_profit: Decimal | None = None
    stop_by: TriggerBy = TriggerBy.LAST
    profit_by: TriggerBy = TriggerBy.LAST
    qty: Decimal | None = None
    whole: bool = False
    trailing: Decimal | None = None
    percent: bool = False
    activate: Decimal | None = None
    best: Decimal | None = None
    moved_at: int = 0
    bare: Decimal = ZERO
    reached_at: int = 0
    retry_at: int = 0
    legs: dict[str, LegWatch] = field(default_factory=lambda: {leg: LegWatch() for leg in LEGS})

    def level(self, leg: str) -> Decimal | None:
        """The trigger price of a leg, ``None`` when it is not wanted."""
        return self.stop_loss if leg == STOP_LOSS else self.take_profit

    def by(self, leg: str) -> TriggerBy:
        """Which price fires a leg."""
        return self.stop_by if leg == STOP_LOSS else self.profit_by

    def trigger(self, leg: str, level: Decimal) -> Trigger:
        """The trigger of a leg's order: a stop waits for a worse price, a take-profit for a better one."""
        return Trigger(level, (leg == TAKE_PROFIT) == (self.sign > 0), self.by(leg))

    @property
    def is_empty(self) -> bool:
        """Whether nothing is wanted any more."""
        return self.stop_loss is None and self.take_profit is None and self.trailing is None

    def follow(self, price: Decimal, now: int, info: Instrument) -> bool:
        """Take a price of the trailing trigger; whether the stop moved. It only ever moves with the position."""
        if self.trailing is None or not self._armed(price):
            return False
        if self.best is None or (price - self.best) * self.sign > 0:
            self.best = price
        peg = self._peg(self.best, info)
        better = self.stop_loss is None or (peg - self.stop_loss) * self.sign > 0
        if not better or peg <= 0 or (self.stop_loss is not None and now - self.moved_at < TRAIL_EVERY):
            return False
        self.stop_loss, self.moved_at = peg, now
        return True

    def _armed(self, price: Decimal) -> bool:
        if self.activate is not None and (price - self.activate) * self.sign >= 0:
            self.activate = None
        return self.activate is None

    def _peg(self, best: Decimal, info: Instrument) -> Decimal:
        assert self.trailing is not None
        away = best * self.trailing / 100 if self.percent else self.trailing
        rounded = floor_to if self.sign > 0 else ceil_to
        return rounded(best - self.sign * away, info.tick_size)


class ProtectionState(Struct):
    """Everything the protection desk remembers. ``held``: it could not act because the books were in doubt.

    ``plans`` are those of net positions and of long legs, ``shorts`` those of the short legs of hedge mode.
    """

    plans: dict[str, dict[InstrumentId, Plan]] = field(default_factory=dict)
    held: bool = False
    shorts: dict[str, dict[InstrumentId, Plan]] = field(default_factory=dict)

    def _of(self, idx: int) -> dict[str, dict[InstrumentId, Plan]]:
        return self.shorts if idx == SHORT else self.plans

    def plan(self, strategy: str, instrument: InstrumentId, idx: int = 0) -> Plan | None:
        """A book's plan for a position or, with its ``idx``, for a leg; if it has one."""
        return self._of(idx).get(strategy, {}).get(instrument)

    def set(self, strategy: str, instrument: InstrumentId, idx: int, plan: Plan) -> None:
        """Remember a plan."""
        self._of(idx).setdefault(strategy, {})[instrument] = plan

    def drop(self, strategy: str, instrument: InstrumentId, idx: int = 0) -> None:
        """Forget a plan."""
        plans = self._of(idx)
        own = plans.get(strategy)
        if own is not None:
            own.pop(instrument, None)
            if not own:
                del plans[strategy]

    def all(self) -> list[tuple[str, InstrumentId, Plan]]:
        """Every plan with its book."""
        both = (self.plans, self.shorts)
        return [(name, i, plan) for plans in both for name, own in plans.items() for i, plan in own.items()]

    def has(self, strategy: str, instrument: InstrumentId) -> bool:
        """Whether a book has a plan, on either side."""
        return any(self.plan(strategy, instrument, idx) is not None for idx in (LONG, SHORT))
