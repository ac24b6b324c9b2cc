"""The risk manager: nothing reaches the venue as a create or amend without the ``RiskApproved`` made here alone."""

from collections.abc import Callable
from decimal import Decimal

from tradectl.engine.activity import MINUTE
from tradectl.engine.legs import side_of
from tradectl.engine.limit_book import InForce
from tradectl.engine.order_state import Order, protection_of, trigger_of
from tradectl.engine.plain_orders import PlainOrders
from tradectl.engine.risk_checks import ALL_CHECKS, FORM_CHECKS, RELEASE_CHECKS, Candidate, RiskCheck, Verdict, told
from tradectl.engine.risk_checks.applicable import applicable
from tradectl.engine.risk_checks.behaviour import entry_key, meets
from tradectl.engine.risk_view import View
from tradectl.engine.world import World
from tradectl.model.commands import Amendment, Check, RiskApproved
from tradectl.model.instruments import Category, InstrumentId
from tradectl.model.money import ZERO
from tradectl.model.orders import SelfMatch, Side, TradingStop

#: All that is said of an order that passed when nobody wants to hear more.
_PASSED = (Check("risk", True),)


class RiskManager:
    """Runs the checks and makes the approvals."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.plain = PlainOrders(world)
        self._applicable: dict[tuple[str, str, bool], tuple[InForce, tuple[RiskCheck, ...]]] = {}
        #: Told of a strategy that asks for more orders than it may, and of the limit; it halts the strategy.
        self.flooded: Callable[[str, int], None] = lambda strategy, limit: None

    def reducible(
        self, strategy: str, instrument: InstrumentId, side: Side, without: str = "", protected: bool = False,
        dormant: bool = False,
    ) -> Decimal:  # fmt: skip
        """The most an order may have that only shrinks the book *and* the net position (decision 13), counting what is
        in flight. ``protected`` orders carry the venue's reduce-only flag, which keeps them from ever opening: for
        them, what is being cancelled already does not count. A ``dormant`` one waits for a trigger beside what else
        closes the position: nothing in flight counts. In hedge mode the opposite leg of the book counts and the
        orders of its own that close it; what others send cannot make any of them open: all carry the flag."""
        w, sign = self._world, side.sign
        book = w.portfolio.on_side(strategy, instrument, -sign)
        if dormant:
            held = max(book, ZERO)
            spot = instrument.category is Category.SPOT
            return held if spot else min(held, w.venue_size(instrument, -sign))
        if instrument not in w.open.by_instrument and not w.portfolio.is_hedged(instrument):
            return self._held(book, instrument, side)  # nothing in flight
        idx = w.portfolio.index_of(instrument, -sign)
        room = book - w.in_flight(instrument, sign, strategy, without, not protected, idx)
        if instrument.category is Category.SPOT:
            return max(room, ZERO) if side is Side.SELL else ZERO
        there = w.venue_size(instrument, -sign)
        if not idx:
            there -= w.in_flight(instrument, sign, "", without, not protected)
        return max(min(room, there), ZERO)

    def _held(self, book: Decimal, instrument: InstrumentId, side: Side) -> Decimal:
        """Of what the book and the position hold against ``side``, the smaller."""
        if book <= 0:
            return ZERO
        if instrument.category is Category.SPOT:
            return book if side is Side.SELL else ZERO
        return min(book, self._world.venue_size(instrument, -side.sign))

    def reduces(
        self, strategy: str, instrument: InstrumentId, side: Side, qty: Decimal, without: str = "",
        protected: bool = False, dormant: bool = False,
    ) -> bool:  # fmt: skip
        """Whether an order only shrinks: see :meth:`reducible`."""
        return qty.is_finite() and ZERO < qty <= self.reducible(strategy, instrument, side, without, protected, dormant)

    def still_reduces(self, order: Order, qty: Decimal, dormant: bool = False) -> bool:
        """Whether an order that was made only shrinks, now and with ``qty``; one that opens a hedge leg never does."""
        spec = order.spec
        if spec.position_idx and spec.position_idx == side_of(order.sign):
            return False
        return self.reduces(
            order.strategy, order.instrument, spec.side, qty, order.link_id, spec.reduce_only, dormant
        )  # fmt: skip

    def check(self, candidate: Candidate) -> tuple[Check, ...]:
        """Every check that applies, up to the first that fails."""
        if self.is_plain(candidate):
            return _PASSED
        view = self._view(candidate)
        return self._told(_run(self._on(candidate, view.in_force), candidate, view))

    def is_plain(self, candidate: Candidate) -> bool:
        """Whether it certainly passes, and nobody wants to read why."""
        return not self._world.audience.decisions and self.plain.passes(candidate)

    def what_if(self, candidate: Candidate) -> tuple[Check, ...]:
        """Every check that applies, past the ones that fail; but an order without a sensible quantity or price has
        nothing more to be judged by. Nothing changes."""
        form = _run(FORM_CHECKS, candidate, self._view(candidate))
        if not form[-1].ok:
            return tuple(map(told, form))
        view = self._view(candidate)
        return tuple(told(verdict) for check in ALL_CHECKS if (verdict := check(candidate, view)) is not None)

    def check_release(self, order: Order, qty: Decimal | None = None, price: Decimal | None = None) -> Check | None:
        """The check that stops a queued order (or its amendment to ``qty`` and ``price``) now, if one does."""
        candidate = self._candidate_of(order, qty, price)
        checks = _run(RELEASE_CHECKS, candidate, self._view(candidate, order.link_id))
        return told(checks[-1]) if checks and not checks[-1].ok else None

    def check_amend(self, order: Order, qty: Decimal | None, price: Decimal | None) -> tuple[Check, ...]:
        """The checks for an order as it would be after the amendment."""
        changed = self._candidate_of(order, qty, price)
        view = self._view(changed, order.link_id)
        return self._told(_run(self._on(changed, view.in_force), changed, view))

    def _told(self, verdicts: list[Verdict]) -> tuple[Check, ...]:
        """In words as far as somebody listens: of what passed nobody may, of what failed somebody always does."""
        if self._world.audience.decisions:
            return tuple(map(told, verdicts))
        return _PASSED if verdicts[-1].ok else (told(verdicts[-1]),)

    def self_match(self, candidate: Candidate) -> SelfMatch:
        """What the venue is to do should the order meet one of our own: an entry in the way of what reduces gives way,
        a protective order never does."""
        c = candidate
        if not c.reduces or not self._world.open.of_side(c.instrument.id, -c.side.sign):
            return SelfMatch.NONE
        met = meets(c, self._view(c))
        return SelfMatch.NONE if met is None or met.protective else SelfMatch.CANCEL_MAKER

    # --- what was done lately

    def asked(self, strategy: str, orders: int, person: bool) -> None:
        """A strategy wants so many orders, whatever becomes of them; too many in a minute halt it."""
        limit = self._world.limits.of(strategy, "").single.flood_per_minute
        if person or not limit:
            return
        window = self._world.activity.of(strategy).asked
        for _ in range(orders):
            window.add(self._world.now)
        if window.within(self._world.now, MINUTE) > limit:
            self.flooded(strategy, limit)

    def accepted(self, candidate: Candidate) -> None:
        """An order of a decision was accepted."""
        c, w = candidate, self._world
        w.activity.ordered(c.strategy, w.now)
        if not c.reduces:
            w.activity.entered(c.strategy, c.instrument.id, c.side, entry_key(c.algorithm, c.decision), w.now)

    def amended(self, order: Order) -> None:
        """An amendment was accepted."""
        self._world.activity.amended(order.strategy, self._world.now)

    def _on(self, c: Candidate, limits: InForce) -> tuple[RiskCheck, ...]:
        """The checks that are on for a strategy in a symbol; looked up anew when limits changed."""
        key = (c.strategy, c.instrument.id.symbol, c.reduces)
        found = self._applicable.get(key)
        if found is None or found[0] is not limits:
            found = self._applicable[key] = (limits, applicable(ALL_CHECKS, limits, c.reduces))
        return found[1]

    def _view(self, candidate: Candidate, without: str = "") -> View:
        return View(self._world, candidate, self._world.guard, without)

    def _candidate_of(self, order: Order, qty: Decimal | None, price: Decimal | None) -> Candidate:
        """The order as the checks see it, changed to ``qty`` and ``price`` where given."""
        size = qty if qty is not None else order.expected_qty if order.spec.quote_qty else order.qty
        spec, info = order.spec, self._world.instruments[order.instrument]
        still = self.still_reduces(order, size, order.is_dormant and order.protective)
        limit = price if price is not None else order.price
        return Candidate(
            order.strategy, info, spec.side, spec.type, size, limit, still, person=order.person,
            reduce_only=spec.reduce_only, trigger=trigger_of(order), protection=protection_of(order),
            protective=order.protective, quote_amount=order.qty if spec.quote_qty else None, algorithm=order.algorithm,
            decision=order.decision, amends=True, booked=order.booked,
        )  # fmt: skip

    def approve(self, order: Order, batch: int = 0) -> RiskApproved:
        """The approval of an order that passed; its create may now be sent."""
        return RiskApproved(order.cause, order.decision, order=order.spec, batch=batch)

    def approve_amendment(self, order: Order, cause: int, amendment: Amendment, batch: int = 0) -> RiskApproved:
        """The approval of an amendment that passed."""
        return RiskApproved(cause, order.decision, amendment=amendment, batch=batch)

    def approve_stop(self, cause: int, decision: int, stop: TradingStop) -> RiskApproved:
        """The approval of a change of a whole position's stops: it can only shrink the position."""
        return RiskApproved(cause, decision, stop=stop)


def _run(checks: tuple[RiskCheck, ...], candidate: Candidate, view: View) -> list[Verdict]:
    """What applies, up to the first that fails."""
    done: list[Verdict] = []
    for check in checks:
        verdict = check(candidate, view)
        if verdict is not None:
            done.append(verdict)
            if not verdict.ok:
                break
    return done
