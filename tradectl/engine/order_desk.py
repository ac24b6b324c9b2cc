"""The order desk: turns what is wished into orders that risk accepted; :mod:`dispatch` sends them."""

from decimal import Decimal

from msgspec import Struct
from msgspec.structs import replace

from tradectl.engine.dispatch import Dispatch
from tradectl.engine.order_state import Order
from tradectl.engine.risk_checks import Candidate
from tradectl.engine.risk_manager import RiskManager
from tradectl.engine.world import World
from tradectl.model.commands import Check, DecisionMade
from tradectl.model.events import Action
from tradectl.model.instruments import Instrument, InstrumentId
from tradectl.model.money import ZERO, plain
from tradectl.model.orders import OrderSpec, OrderStatus, OrderType, Side, TimeInForce


class Wish(Struct, frozen=True):
    """One decision's worth of orders: the same but for their sizes. Amounts in base units."""

    strategy: str
    instrument: Instrument
    side: Side
    sizes: tuple[Decimal, ...]
    action: str
    reason: str
    type: OrderType = OrderType.MARKET
    price: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    reduce_only: bool = False
    late: bool = False
    who: str = ""


class OrderDesk:
    """Accepts wishes whole or not at all, and changes or ends their orders."""

    def __init__(self, world: World, risk: RiskManager, dispatch: Dispatch) -> None:
        self._w = world
        self._risk = risk
        self._dispatch = dispatch

    def place(self, wish: Wish) -> DecisionMade:
        """Check every order of a wish, each with the ones before it in flight; one refusal refuses all."""
        w = self._w
        first_seq = w.order_seq
        w.decision_seq += 1
        decision = w.decision_seq
        made: list[Order] = []
        kinds: list[bool] = []
        checks: tuple[Check, ...] = ()
        for size in wish.sizes:
            candidate = self.candidate(wish, size)
            checks = self._risk.check(candidate)
            if not checks[-1].ok:
                self._undo(made, first_seq)
                return self._decide(wish, decision, False, checks, ())
            made.append(self._make(wish, candidate, size, decision))
            kinds.append(candidate.reduces)
        for order, reduces in zip(made, kinds, strict=True):
            self._dispatch.create(order, reduces)
        return self._decide(wish, decision, True, checks, tuple(o.link_id for o in made))

    def candidate(self, wish: Wish, size: Decimal) -> Candidate:
        """One order of a wish as the checks see it."""
        i = wish.instrument
        protected = not i.is_spot and (wish.reduce_only or wish.type is OrderType.MARKET)
        reduces = self._risk.reduces(wish.strategy, i.id, wish.side, size, protected=protected)
        return Candidate(
            wish.strategy, i, wish.side, wish.type, size, wish.price, reduces, wish.late, bool(wish.who),
            wish.reduce_only,
        )  # fmt: skip

    def _make(self, wish: Wish, c: Candidate, size: Decimal, decision: int) -> Order:
        w = self._w
        tif = TimeInForce.IOC if wish.type is OrderType.MARKET else wish.time_in_force
        reduce_only = c.reduces and not wish.instrument.is_spot and (wish.reduce_only or wish.type is OrderType.MARKET)
        spec = OrderSpec(
            w.next_link(wish.strategy), wish.instrument.id, wish.side, wish.type, size, wish.price, tif, reduce_only
        )
        order = Order(
            spec, wish.strategy, decision, w.cause, w.now, OrderStatus.QUEUED, size, wish.price, person=bool(wish.who)
        )
        w.add_order(order)
        return order

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
        )  # fmt: skip
        self._w.emit(made)
        return made

    def refuse(self, strategy: str, instrument: InstrumentId, action: str, reason: str, check: Check) -> DecisionMade:
        """Record an intent that did not get as far as an order."""
        self._w.decision_seq += 1
        made = DecisionMade(
            self._w.decision_seq, self._w.cause, self._w.now, strategy, instrument, action, None, ZERO, None, reason,
            check.ok, (check,),
        )  # fmt: skip
        self._w.emit(made)
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
        """Cancel what can add risk (or everything of ours), within a strategy or symbol; returns the link ids."""
        done = []
        for order in self._w.open_orders():
            wanted = not order.foreign and strategy in ("", order.strategy) and symbol in ("", order.instrument.symbol)
            if wanted and (everything or not order.spec.reduce_only) and self.cancel(order, reason):
                done.append(order.link_id)
        return done

    def amend(self, order: Order, qty: Decimal | None, price: Decimal | None, reason: str, who: str) -> DecisionMade:
        """Check and queue an amendment."""
        w = self._w
        checks = self._risk.check_amend(order, qty, price)
        if checks[-1].ok:
            checks += (_can_be_amended(order, qty, price),)
        ok = checks[-1].ok
        if ok:
            self._amend(order, qty, price)
        w.decision_seq += 1
        made = DecisionMade(
            w.decision_seq, w.cause, w.now, order.strategy, order.instrument, "amend", order.spec.side,
            qty if qty is not None else order.qty, price if price is not None else order.price, reason, ok, checks,
            (order.link_id,), who,
        )  # fmt: skip
        w.emit(made)
        return made

    def _amend(self, order: Order, qty: Decimal | None, price: Decimal | None) -> None:
        """Queue the amendment; an order that still waits itself is changed where it stands."""
        w = self._w
        if order.status is OrderStatus.QUEUED:
            order.qty, order.price = qty or order.qty, price or order.price
            order.spec = replace(order.spec, qty=order.qty, price=order.price)
            self._dispatch.create(order)
            w.touch(order)
            return
        order.worst_qty = max(order.worst_qty, qty or ZERO)
        w.recount(order)
        self._dispatch.amend(order, qty, price)


def _can_be_amended(order: Order, qty: Decimal | None, price: Decimal | None) -> Check:
    if not order.is_open or order.cancel_asked:
        state = "being cancelled" if order.is_open else order.status.value
        return Check("amend", False, "open", state, f"order {order.link_id} is {state}")
    if qty is None and price is None:
        return Check("amend", False, "a change", "none", "neither quantity nor price is to change")
    if price is not None and order.spec.type is OrderType.MARKET:
        return Check("amend", False, "no price", plain(price), "a market order has no price to change")
    ok = qty is None or qty > order.filled
    done = plain(order.filled)
    return Check("amend", ok, f"> {done}", plain(qty or order.qty), "" if ok else f"{done} is filled already")
