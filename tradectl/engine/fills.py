"""What was executed, booked once and under the right book.

A fill of an attached stop carries no id of ours: until the stop's report names its entry it is held, and the venue is
asked for it. Fills nobody of ours asked for (liquidation, a stop of the whole position) belong to the books that hold
the side they close, all others to the book ``external`` (decision 13).
"""

from collections.abc import Callable
from decimal import Decimal

from tradectl.engine.known_orders import KnownOrders
from tradectl.engine.order_state import NO_STOP, Held, Order, add_execution
from tradectl.engine.portfolio_manager import EXTERNAL
from tradectl.engine.portfolio_state import Booked
from tradectl.engine.shared_fills import shares
from tradectl.engine.trading_state import PERSON
from tradectl.engine.world import World
from tradectl.model.commands import AlertLevel, ExecutionBooked, Level, LookUpOrder
from tradectl.model.money import ZERO
from tradectl.model.orders import Execution

#: Timers with this prefix run on wall time even when the venue's clock is stepped: they wait for the transport.
WALL = "wall:"
#: An attached stop's report may come this much later than its fill before it is asked for (nanoseconds).
PATIENCE = 200_000_000
#: It is asked for so often before the fill is booked without it.
MAX_ASKS = 5
#: Who makes orders that close a position without anybody's word (bybit-v5 5.12).
_FORCED = ("CreateByLiq", "CreateByTakeOver", "CreateByAdl", "CreateBySettle", "CreateByAdminClosing")
_FORCED_TYPES = frozenset({"BustTrade", "AdlTrade", "SessionSettlePnL", "Settle", "Delivery"})


class Fills:
    """Books executions. ``on_fill`` hears of every order of ours that filled, ``on_stray`` of fills of ours (and of the
    strategy) whose order is not known."""

    def __init__(self, world: World, known: KnownOrders) -> None:
        self._w = world
        self._known = known
        self.on_fill: Callable[[Order], None] = lambda order: None
        self.on_stray: Callable[[Execution, str], None] = lambda execution, strategy: None

    def executed(self, execution: Execution) -> None:
        """Book a fill or funding payment, once."""
        w = self._w
        if not w.portfolio.state.baselined:
            return  # the first reconciliation begins the books, and reads this one again if it is not in them
        info = w.instruments.get(execution.instrument)
        if info is None:
            text = f"execution {execution.exec_id} is on {execution.instrument}, which is not known"
            w.restrict("unknown_instrument", Level.REDUCING, PERSON, text)
            return
        if self._is_held(execution) or not w.portfolio.remember(execution):
            return
        if execution.type == "Funding":
            self._publish_funding(execution, w.portfolio.funding(execution, info))
        else:
            self._trade(execution)
        w.dirty_coins[info.settle_coin] = None
        if execution.fee_coin:
            w.dirty_coins[execution.fee_coin] = None
        if info.is_spot:
            w.dirty_coins.update(dict.fromkeys((info.base_coin, info.quote_coin)))

    def _trade(self, execution: Execution) -> None:
        w = self._w
        order = self._known.find(execution.link_id, execution.order_id)
        owner = order.strategy if order is not None else self._known.owner(execution.link_id)
        spot = w.instruments[execution.instrument].is_spot
        if owner in (None, EXTERNAL) and is_unasked(execution) and not spot:
            self._share(execution)
        else:
            self._book(execution, order, owner or EXTERNAL)
        if order is None:
            self._note_orphan(execution)
            if owner is not None:
                self.on_stray(execution, owner)

    def _book(self, execution: Execution, order: Order | None, strategy: str) -> None:
        w = self._w
        info, idx = w.instruments[execution.instrument], order.spec.position_idx if order is not None else 0
        arrival = order.arrival if order is not None else None
        booked = w.portfolio.trade(execution, info, strategy, idx, arrival, self._fee_price(execution))
        if strategy == EXTERNAL and (order is None or order.foreign):
            text = f"{execution.side.value} {execution.qty} {execution.instrument} was not ours ({execution.type})"
            w.alert(AlertLevel.WARNING, "external_trade", text, "it is kept in the book external; see positions adopt")
        self._finish(execution, (booked,), order)

    def _share(self, execution: Execution) -> None:
        """A fill that closes what several books hold: each gives by its size."""
        w = self._w
        info = w.instruments[execution.instrument]
        held = w.portfolio.sizes(info.id, w.portfolio.leg(execution))
        parts = shares(held, execution.side.sign, execution.qty, info.lot_size) or {EXTERNAL: execution.qty}
        order = self._known.find(execution.link_id, execution.order_id)
        arrival = order.arrival if order is not None else None
        booked = w.portfolio.trade_shared(execution, info, parts, 0, arrival, self._fee_price(execution))
        names = ", ".join(f"{name} {qty}" for name, qty in parts.items())
        what = execution.create_type or execution.stop_order_type or execution.type
        text = f"{what}: {execution.side.value} {execution.qty} {execution.instrument} at {execution.price} ({names})"
        w.alert(AlertLevel.CRITICAL, "forced_trade", text, "look at the account: positions list, orders list")
        self._finish(execution, tuple(booked), order)

    def _fee_price(self, execution: Execution) -> Decimal | None:
        """What the coin of the fee is worth in the money of the books, for fees in a third coin."""
        coin = execution.fee_coin
        info = self._w.instruments[execution.instrument]
        known = coin in ("", info.settle_coin, info.base_coin, info.quote_coin)
        return None if known else self._w.valuation.cross(coin, execution.instrument)

    def _finish(self, execution: Execution, booked: tuple[Booked, ...], order: Order | None) -> None:
        w = self._w
        if order is not None:
            add_execution(order, execution)
            w.touch(order)
            self.on_fill(order)
        first = booked[0] if len(booked) == 1 else _together(booked, w.portfolio.net_size(execution.instrument))
        self._publish(execution, first, order)
        for each in booked:
            w.dirty_books[(each.strategy, execution.instrument)] = None
        w.dirty_books[("", execution.instrument)] = None

    def _note_orphan(self, execution: Execution) -> None:
        orphan = self._known.orphan(execution.order_id)
        orphan.qty += execution.qty
        orphan.value += execution.value
        orphan.fees += execution.fee

    def _publish_funding(self, execution: Execution, booked: list[Booked]) -> None:
        w = self._w
        name = booked[0].strategy if len(booked) == 1 else ""
        self._publish(execution, Booked(name, -execution.fee, w.portfolio.net_size(execution.instrument)), None)
        for share in booked:
            w.dirty_books[(share.strategy, execution.instrument)] = None
        w.dirty_books[("", execution.instrument)] = None

    def _publish(self, execution: Execution, booked: Booked, order: Order | None) -> None:
        w = self._w
        record = ExecutionBooked(
            w.now, execution, booked.strategy, order.decision if order is not None else 0, booked.realised, booked.size,
            order.arrival if order is not None else None,
        )  # fmt: skip
        w.emit(record)
        w.deliver(booked.strategy, "on_funding" if execution.type == "Funding" else "on_execution", record)

    # --- fills that came before the order they belong to

    def _is_held(self, execution: Execution) -> bool:
        """Whether the fill waits for its order's report; the first one that waits asks for it after a moment."""
        w = self._w
        if execution.link_id:
            return False
        if self._known.find("", execution.order_id) is not None or execution.stop_order_type in NO_STOP:
            return False
        if execution.exec_id in w.portfolio.state.executions:
            return False
        if execution.order_id in w.orphans or is_forced(execution):
            return False
        held = w.held.setdefault(execution.order_id, Held(execution.instrument))
        if all(e.exec_id != execution.exec_id for e in held.executions):
            held.executions.append(execution)
            if len(held.executions) == 1:
                w.set_timer(f"{WALL}look:{execution.order_id}", w.now + PATIENCE)
        return True

    def ask(self, order_id: str, again_after: int) -> None:
        """Ask the venue for the order of held fills; after too many asks they are booked without it."""
        w = self._w
        held = w.held.get(order_id)
        if held is None:
            return
        if held.asks >= MAX_ASKS:
            self.settle(order_id)
            return
        held.asks += 1
        w.emit(LookUpOrder("", held.instrument, order_id))
        w.set_timer(f"{WALL}look:{order_id}", w.now + again_after)

    def settle(self, order_id: str) -> None:
        """Book what was held: under its order when that is known by now, else as nobody's."""
        w = self._w
        held = w.held.pop(order_id, None)
        if held is None:
            return
        w.cancel_timer(f"{WALL}look:{order_id}")
        if self._known.find("", order_id) is None:
            self._known.orphan(order_id)  # asked for in vain: not to be held again
        for execution in sorted(held.executions, key=lambda e: (e.ts, e.exec_id)):
            self.executed(execution)

    def settle_all(self) -> None:
        """The venue's whole truth was read: what it did not name has no owner of ours."""
        for order_id in list(self._w.held):
            self.settle(order_id)


def _together(booked: tuple[Booked, ...], net: Decimal) -> Booked:
    """Several books' parts of one fill, as one record without a name."""
    return Booked("", sum((b.realised for b in booked), ZERO), net)


def is_forced(execution: Execution) -> bool:
    """Whether the venue closed a position by itself: liquidation, deleveraging, settlement."""
    return execution.type in _FORCED_TYPES or execution.create_type.startswith(_FORCED)


def is_unasked(execution: Execution) -> bool:
    """Whether a fill without an owner closes the position rather than being somebody's trade: see decision 13."""
    return is_forced(execution) or execution.stop_order_type not in NO_STOP
