"""The risk manager: nothing reaches the venue as a create or amend without the ``RiskApproved`` made here alone."""

from bisect import bisect_right
from decimal import Decimal
from operator import attrgetter

from tradectl.engine.order_state import Order, protection_of, trigger_of
from tradectl.engine.risk_checks import ALL_CHECKS, RELEASE_CHECKS, Candidate, RiskCheck
from tradectl.engine.world import World
from tradectl.model.commands import Amendment, Check, Level, Reason, RiskApproved
from tradectl.model.instruments import Category, InstrumentId
from tradectl.model.money import ZERO
from tradectl.model.orders import Side, TradingStop

_CREATED = attrgetter("created")
#: Past so many recent orders a search is cheaper than counting them.
_FEW = 32


class _View:
    """The world as the checks see it; ``without`` leaves one order's own reservation out.

    Made anew for each run of the checks: nothing changes meanwhile, so prices are converted once.
    """

    def __init__(self, world: World, without: str = "") -> None:
        self._world = world
        self._without = without
        self._equity: Decimal | None = None
        self._marks: dict[InstrumentId, Decimal | None] = {}
        self._touches: dict[tuple[InstrumentId, bool], Decimal | None] = {}
        self._worst: dict[tuple[InstrumentId, int], Decimal] = {}
        self.limits = world.config.risk

    def level(self, strategy: str, symbol: str) -> Level:
        return self._world.state.level(strategy, symbol)

    def reasons(self, strategy: str, symbol: str) -> tuple[Reason, ...]:
        return self._world.state.active(strategy, symbol)

    def equity(self) -> Decimal:
        if self._equity is None:
            self._equity = self._world.valuation.account().equity
        return self._equity

    def mark(self, instrument: InstrumentId) -> Decimal | None:
        if instrument not in self._marks:
            self._marks[instrument] = self._world.market.mark(instrument)
        return self._marks[instrument]

    def touch(self, instrument: InstrumentId, buy: bool) -> Decimal | None:
        key = (instrument, buy)
        if key not in self._touches:
            self._touches[key] = self._world.market.touch(instrument, buy)
        return self._touches[key]

    def doubt(self, instrument: InstrumentId) -> str:
        return self._world.market.doubt(instrument)

    def age_s(self, instrument: InstrumentId) -> float | None:
        age = self._world.market.age(instrument, self._world.now)
        return None if age is None else age / 1e9

    def worst_position(self, instrument: InstrumentId, sign: int) -> Decimal:
        key = (instrument, sign)
        if key not in self._worst:
            net = self._world.portfolio.net_size(instrument)
            self._worst[key] = net + sign * self._world.in_flight(instrument, sign, without=self._without)
        return self._worst[key]

    def gross_without(self, instrument: InstrumentId) -> Decimal:
        total = ZERO
        touched = self._world.portfolio.state.nets.keys() | self._world.open.by_instrument.keys()
        for other in touched:
            mark = self._world.market.mark(other)
            if other != instrument and mark is not None:
                total += max(abs(self.worst_position(other, 1)), abs(self.worst_position(other, -1))) * mark
        return total

    def free(self, coin: str) -> Decimal:
        held = ZERO
        for order in self._world.open_orders():
            info = self._world.instruments.get(order.instrument)
            if info is None or not info.is_spot or order.link_id == self._without:
                continue
            if order.spec.side is Side.SELL and info.base_coin == coin:
                held += order.in_flight
            elif order.spec.side is Side.BUY and info.quote_coin == coin:
                price = order.price or self.touch(order.instrument, True) or ZERO
                held += order.in_flight * price
        return self._world.portfolio.state.cash.get(coin, ZERO) - held

    def open_orders(self) -> int:
        return self._world.open.open_without(self._without)

    def orders_within(self, seconds: int) -> int:
        since = self._world.now - seconds * 10**9
        count = 0
        # The engine's time never decreases, so the orders stand in the order of their making.
        for order in reversed(self._world.orders.values()):
            if order.created <= since:
                return count
            count += 1
            if count == _FEW:
                every = list(self._world.orders.values())
                return len(every) - bisect_right(every, since, key=_CREATED)
        return count


class RiskManager:
    """Runs the checks and makes the approvals."""

    def __init__(self, world: World) -> None:
        self._world = world

    def reducible(
        self, strategy: str, instrument: InstrumentId, side: Side, without: str = "", protected: bool = False,
        dormant: bool = False,
    ) -> Decimal:  # fmt: skip
        """The most an order may have that only shrinks the book *and* the net position (decision 13), counting what is
        in flight. ``protected`` orders carry the venue's reduce-only flag, which keeps them from ever opening: for
        them, what is being cancelled already does not count. A ``dormant`` one waits for a trigger beside what else
        closes the position: nothing in flight counts."""
        w, sign = self._world, side.sign
        book = w.portfolio.size(strategy, instrument)
        if dormant:
            held = max(-sign * book, ZERO)
            spot = instrument.category is Category.SPOT
            return held if spot else min(held, w.venue_size(instrument, -sign))
        room = -sign * book - w.in_flight(instrument, sign, strategy, without, not protected)
        if instrument.category is Category.SPOT:
            return max(room, ZERO) if side is Side.SELL else ZERO
        return max(min(room, w.venue_size(instrument, -sign) - w.in_flight(instrument, sign, "", without, not protected)), ZERO)

    def reduces(
        self, strategy: str, instrument: InstrumentId, side: Side, qty: Decimal, without: str = "",
        protected: bool = False, dormant: bool = False,
    ) -> bool:  # fmt: skip
        """Whether an order only shrinks: see :meth:`reducible`."""
        return qty.is_finite() and ZERO < qty <= self.reducible(strategy, instrument, side, without, protected, dormant)

    def check(self, candidate: Candidate) -> tuple[Check, ...]:
        """Every check that applies, up to the first that fails."""
        return self._run(ALL_CHECKS, candidate, _View(self._world))

    def check_release(self, order: Order, qty: Decimal | None = None, price: Decimal | None = None) -> Check | None:
        """The check that stops a queued order (or its amendment to ``qty`` and ``price``) now, if one does."""
        candidate = self._candidate_of(order, qty, price)
        checks = self._run(RELEASE_CHECKS, candidate, _View(self._world, without=order.link_id))
        return checks[-1] if checks and not checks[-1].ok else None

    def check_amend(self, order: Order, qty: Decimal | None, price: Decimal | None) -> tuple[Check, ...]:
        """The checks for an order as it would be after the amendment."""
        changed = self._candidate_of(order, qty, price)
        return self._run(ALL_CHECKS, changed, _View(self._world, without=order.link_id))

    def _candidate_of(self, order: Order, qty: Decimal | None, price: Decimal | None) -> Candidate:
        """The order as the checks see it, changed to ``qty`` and ``price`` where given."""
        size = qty if qty is not None else order.expected_qty if order.spec.quote_qty else order.qty
        spec, info = order.spec, self._world.instruments[order.instrument]
        still = self.reduces(
            order.strategy, order.instrument, spec.side, size, order.link_id, protected=spec.reduce_only,
            dormant=order.is_dormant and order.protective,
        )  # fmt: skip
        limit = price if price is not None else order.price
        return Candidate(
            order.strategy, info, spec.side, spec.type, size, limit, still, person=order.person,
            reduce_only=spec.reduce_only, trigger=trigger_of(order), protection=protection_of(order),
            protective=order.protective, quote_amount=order.qty if spec.quote_qty else None, algorithm=order.algorithm,
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

    @staticmethod
    def _run(checks: tuple[RiskCheck, ...], candidate: Candidate, view: _View) -> tuple[Check, ...]:
        done: list[Check] = []
        for check in checks:
            verdict = check(candidate, view)
            if verdict is not None:
                done.append(verdict)
                if not verdict.ok:
                    break
        return tuple(done)
