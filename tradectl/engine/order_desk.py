"""The order desk: turns what is wished into orders that risk accepted; :mod:`dispatch` sends them."""

from collections.abc import Callable
from decimal import Decimal

from msgspec.structs import replace

from tradectl.engine.amend_fields import Change, check_change, is_unsent
from tradectl.engine.dispatch import Dispatch
from tradectl.engine.order_fields import check_fields
from tradectl.engine.order_making import OrderMaking
from tradectl.engine.order_state import Order, protection_of, trigger_of
from tradectl.engine.risk_checks import Candidate
from tradectl.engine.risk_manager import RiskManager
from tradectl.engine.wish import Wish
from tradectl.engine.world import World
from tradectl.model.commands import Check, DecisionMade
from tradectl.model.events import Action
from tradectl.model.instruments import InstrumentId
from tradectl.model.money import ZERO
from tradectl.model.orders import OrderStatus

__all__ = ["Change", "OrderDesk", "Wish"]


class OrderDesk:
    """Accepts wishes whole or not at all, and changes or ends their orders."""

    def __init__(self, world: World, risk: RiskManager, dispatch: Dispatch) -> None:
        self._w = world
        self._risk = risk
        self._dispatch = dispatch
        self._making = OrderMaking(world, risk)
        #: Told when every entry in scope is cancelled, or a position is set: reason, strategy, symbol, instrument.
        self.taken_over: Callable[[str, str, str, InstrumentId | None], None] = lambda why, strategy, symbol, at: None
        #: Whether :attr:`taken_over` means anything to anybody now.
        self.minds_targets: Callable[[], bool] = lambda: False

    def place(self, wish: Wish) -> DecisionMade:
        """Check every order of a wish, each with the ones before it in flight; one refusal refuses all."""
        w = self._w
        first_seq = w.order_seq
        w.decision_seq += 1
        decision = w.decision_seq
        if not wish.leg:
            self._risk.asked(wish.strategy, len(wish.sizes), bool(wish.who))
        made: list[Order] = []
        judged: list[Candidate] = []
        checks: tuple[Check, ...] = ()
        for size in wish.sizes:
            candidate, checks = self.judge(wish, size, decision, len(made))
            if not checks[-1].ok:
                self._undo(made, first_seq)
                return self._decide(wish, decision, False, checks, ())
            made.append(self._making.order(wish, candidate, size, decision))
            judged.append(candidate)
        for order, candidate in zip(made, judged, strict=True):
            self._dispatch.create(order, candidate.reduces)
            self._risk.accepted(candidate)
            if w.unfinished and not candidate.reduces:
                w.unfinished.pop((wish.strategy, wish.instrument.id), None)  # a new mind: nothing older is gone for
        return self._decide(wish, decision, True, checks, tuple(o.link_id for o in made))

    def judge(
        self, wish: Wish, size: Decimal, decision: int = 0, ahead: int = 0
    ) -> tuple[Candidate, tuple[Check, ...]]:
        """One order of a wish as the checks see it, and what they say; nothing changes."""
        candidate = self.candidate(wish, size, decision, ahead)
        fields = check_fields(wish, self._w.market)
        if not fields.ok:
            return candidate, (fields,)
        leg = self._making.check_leg(wish, candidate, size)
        if not leg.ok:
            return candidate, (leg,)
        return candidate, self._risk.check(candidate)

    def what_if(self, wish: Wish, size: Decimal) -> tuple[Check, ...]:
        """Everything that would be said of one order of a wish now; nothing changes."""
        candidate = self.candidate(wish, size)
        for verdict in (check_fields(wish, self._w.market), self._making.check_leg(wish, candidate, size)):
            if not verdict.ok:
                return (verdict,)
        return self._risk.what_if(candidate)

    def candidate(self, wish: Wish, size: Decimal, decision: int = 0, ahead: int = 0) -> Candidate:
        """One order of a wish as the checks see it, with so many of the same decision accepted before it."""
        return self._making.candidate(wish, size, decision, ahead)

    def _undo(self, made: list[Order], first_seq: int) -> None:
        for order in made:
            self._w.forget(order.link_id)
        self._w.order_seq = first_seq

    def _decide(
        self, wish: Wish, decision: int, ok: bool, checks: tuple[Check, ...], links: tuple[str, ...]
    ) -> DecisionMade:
        made = DecisionMade(
            decision, self._w.cause, self._w.now, wish.strategy, wish.instrument.id, wish.action, wish.side,
            sum(wish.sizes[1:], wish.sizes[0]), wish.price, wish.reason, ok, checks, links, wish.who,
            event=described(self._w), algorithm=wish.algorithm,
        )  # fmt: skip
        self._w.decided(made)
        return made

    def refuse(
        self, strategy: str, instrument: InstrumentId, action: str, reason: str, check: Check, who: str = ""
    ) -> DecisionMade:
        """Record an intent that did not get as far as an order."""
        self._w.decision_seq += 1
        made = DecisionMade(
            self._w.decision_seq, self._w.cause, self._w.now, strategy, instrument, action, None, ZERO, None, reason,
            check.ok, (check,), (), who, described(self._w),
        )  # fmt: skip
        self._w.decided(made)
        return made

    # --- cancels and amendments

    def cancel(self, order: Order, reason: str) -> bool:
        """Ask for an order's end; one still in the queue ends here. Returns whether anything was done."""
        if not order.is_open or order.cancel_asked:
            return False
        if order.status is OrderStatus.QUEUED:
            self._w.queue.drop(order.link_id, Action.CREATE)
            order.status, order.reason = OrderStatus.CANCELLED, f"{reason} (before it was sent)"
        else:
            order.cancel_asked = True
            self._dispatch.cancel(order)
        self._w.touch(order)
        return True

    def cancel_entries(self, reason: str, strategy: str = "", symbol: str = "", everything: bool = False) -> list[str]:
        """Cancel what can add risk, within a strategy or symbol; returns the link ids. ``everything`` takes resting
        reduce-only orders too; what waits to stop a position out is left in any case."""
        done = []
        for order in self._w.open_orders():
            wanted = not order.foreign and strategy in ("", order.strategy) and symbol in ("", order.instrument.symbol)
            stays = order.is_stop if everything else order.protective
            if wanted and not stays and self.cancel(order, reason):
                done.append(order.link_id)
        self.taken_over(reason, strategy, symbol, None)
        return done

    def amend(
        self, order: Order, qty: Decimal | None, price: Decimal | None, reason: str, who: str,
        trigger_price: Decimal | None = None, take_profit: Decimal | None = None, stop_loss: Decimal | None = None,
    ) -> DecisionMade:  # fmt: skip
        """Check and queue an amendment; ``None`` leaves a field as it is, 0 removes an attached stop."""
        w = self._w
        change = Change(qty, price, trigger_price, take_profit, stop_loss)
        checks = self._risk.check_amend(order, qty, price)
        if checks[-1].ok:
            checks += (check_change(order, change, w.instruments[order.instrument], w.market),)
        ok = checks[-1].ok
        if ok:
            self._risk.amended(order)
            self._amend(order, change)
        w.decision_seq += 1
        made = DecisionMade(
            w.decision_seq, w.cause, w.now, order.strategy, order.instrument, "amend", order.spec.side,
            qty if qty is not None else order.qty, price if price is not None else order.price, reason, ok, checks,
            (order.link_id,), who, described(w), algorithm=order.algorithm,
        )  # fmt: skip
        w.decided(made)
        return made

    def _amend(self, order: Order, change: Change) -> None:
        """Queue the amendment; an order that still waits itself is changed where it stands, and the stops of a spot
        entry are kept by the protection desk alone."""
        w = self._w
        if is_unsent(order):
            _apply(order, change)
            self._dispatch.create(order)
            w.touch(order)
            return
        if w.instruments[order.instrument].is_spot:
            _attach(order, change)
            change = Change(change.qty, change.price, change.trigger_price)
            w.touch(order)
        if not change.is_empty:
            order.worst_qty = max(order.worst_qty, change.qty or ZERO)
            w.recount(order)
            self._dispatch.amend(
                order, change.qty, change.price, change.trigger_price, change.take_profit, change.stop_loss
            )


def _attach(order: Order, change: Change) -> None:
    if change.take_profit is not None:
        order.take_profit = change.take_profit or None
    if change.stop_loss is not None:
        order.stop_loss = change.stop_loss or None


def _apply(order: Order, change: Change) -> None:
    order.qty, order.price = change.qty or order.qty, change.price or order.price
    order.trigger_price = change.trigger_price or order.trigger_price
    _attach(order, change)
    attached = None if order.instrument.category.value == "spot" else protection_of(order)
    order.spec = replace(order.spec, qty=order.qty, price=order.price, trigger=trigger_of(order), protection=attached)


def described(world: World) -> str:
    """What the engine was told in this step, in words, where the world can say."""
    describe = getattr(world, "describe", None)
    return str(describe()) if describe is not None else ""
