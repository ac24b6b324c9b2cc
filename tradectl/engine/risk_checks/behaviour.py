"""How one trades: open orders, rates, the same thing again and again, twice, or against oneself."""

from msgspec import Struct

from tradectl.engine.order_state import Order
from tradectl.engine.risk_checks.candidate import Candidate, Passed, RiskView, Verdict, failed, passed
from tradectl.model.commands import Check
from tradectl.model.money import plain
from tradectl.model.orders import OrderType, Side

_SECOND = 10**9
_MINUTE = 60 * _SECOND


class OpenOrdersCheck:
    """Not more open orders than allowed: of the account, the symbol, the strategy."""

    name = "open_orders"

    def __call__(self, c: Candidate, v: RiskView) -> Verdict | None:
        if c.reduces:
            return None
        limits, symbol = v.in_force, c.instrument.id.symbol
        if limits.strategy is not None and limits.strategy.open_orders is not None:
            check = self._count(limits.strategy.open_orders, v.open_orders(c.strategy) + 1, " of ", c.strategy)
            if not check.ok:
                return check
        if limits.symbol is not None and limits.symbol.open_orders is not None:
            check = self._count(limits.symbol.open_orders, v.open_orders(symbol=symbol) + 1, " in ", symbol)
            if not check.ok:
                return check
        return self._count(limits.account.open_orders, v.open_orders() + 1)

    def _count(self, limit: int, count: int, where: str = "", whose: str = "") -> Verdict:
        if count <= limit:
            return passed(self.name, limit, count, "orders")
        return failed(self.name, f"{limit} orders", f"{count} orders", f"too many open orders{where}{whose}")


class OrderRateCheck:
    """Not more new orders per second and minute than allowed, of the account and of the strategy."""

    name = "order_rate"

    def __call__(self, c: Candidate, v: RiskView) -> Verdict | None:
        if c.reduces or c.amends:
            return None
        a, own, now, more = v.in_force.account, v.in_force.strategy, v.now, c.ahead + 1
        if own is not None and (own.orders_per_second is not None or own.orders_per_minute is not None):
            window = v.activity.of(c.strategy).orders
            counts = window.within(now, _SECOND) + more, window.within(now, _MINUTE) + more
            check = _rate(
                self.name, counts, own.orders_per_second or a.orders_per_second,
                own.orders_per_minute or a.orders_per_minute, f"orders of {c.strategy}",
            )  # fmt: skip
            if not check.ok:
                return check
        window = v.activity.orders
        counts = window.within(now, _SECOND) + more, window.within(now, _MINUTE) + more
        return _rate(self.name, counts, a.orders_per_second, a.orders_per_minute, "orders")


class AmendRateCheck:
    """Not more amendments per second and minute than allowed; those that only reduce are free."""

    name = "amend_rate"

    def __call__(self, c: Candidate, v: RiskView) -> Verdict | None:
        if c.reduces or not c.amends:
            return None
        a, own, now = v.in_force.account, v.in_force.strategy, v.now
        if own is not None and (own.amends_per_second is not None or own.amends_per_minute is not None):
            window = v.activity.of(c.strategy).amends
            counts = window.within(now, _SECOND) + 1, window.within(now, _MINUTE) + 1
            check = _rate(
                self.name, counts, own.amends_per_second or a.amends_per_second,
                own.amends_per_minute or a.amends_per_minute, f"amendments of {c.strategy}",
            )  # fmt: skip
            if not check.ok:
                return check
        window = v.activity.amends
        counts = window.within(now, _SECOND) + 1, window.within(now, _MINUTE) + 1
        return _rate(self.name, counts, a.amends_per_second, a.amends_per_minute, "amendments")


class Rates(Struct, frozen=True, gc=False):
    """How many in a second and in a minute."""

    second: int
    minute: int

    def __str__(self) -> str:
        return f"{self.second}/s, {self.minute}/min"


def _rate(name: str, counts: tuple[int, int], per_second: int, per_minute: int, what: str) -> Verdict:
    second, minute = counts
    if second <= per_second and minute <= per_minute:
        return passed(name, Rates(per_second, per_minute), Rates(second, minute))
    return failed(name, Rates(per_second, per_minute), Rates(second, minute), f"too many {what} in a short time")


class RepeatCheck:
    """One strategy entering one symbol in one direction again and again: a loop, not a plan.

    Several orders of one decision or one execution algorithm count once.
    """

    name = "repeated_execution"

    def __call__(self, c: Candidate, v: RiskView) -> Verdict | None:
        limit, span = v.limits.repeat_orders, v.limits.repeat_seconds
        if not limit or c.reduces or c.amends or c.person:
            return None
        i = c.instrument.id
        count = v.activity.entries(c.strategy, i, c.side, entry_key(c.algorithm, c.decision), v.now, span * _SECOND) + 1
        if count <= limit:
            return passed(self.name, limit, count, f"in {span} s")
        one, other = f"{limit} in {span} s", f"{count} in {span} s"
        rule = f"{c.strategy} would enter {i} ({c.side.value}) for the {count}th time in {span} s, {limit} are allowed"
        return failed(self.name, one, other, rule)


def entry_key(algorithm: int, decision: int) -> int:
    """What repeated entries are counted by: the algorithm (negative), else the decision."""
    return -algorithm if algorithm else decision


class Unrepeated(Passed, frozen=True, gc=False):
    """Nothing like it was found within the span: only the limit has a unit."""

    def told(self) -> Check:
        return Check(self.name, True, f"{self.limit} {self.unit}", str(self.value))


class DuplicateCheck:
    """The very same entry again within a moment is a mistake; an execution algorithm repeats itself by design."""

    name = "duplicate_intent"

    def __call__(self, c: Candidate, v: RiskView) -> Verdict | None:
        span = v.limits.duplicate_ms
        if not span or c.reduces or c.amends or c.algorithm:
            return None
        twin = next((o for o in v.recent(v.now - span * 1_000_000) if _same(o, c)), None)
        if twin is None:
            return Unrepeated(self.name, span, "none", "ms")
        ago = (v.now - twin.created) // 1_000_000
        rule = f"the same order was placed {ago} ms ago ({twin.link_id})"
        return failed(self.name, f"{span} ms", f"{ago} ms", rule)


def _same(order: Order, c: Candidate) -> bool:
    s = order.spec
    return (
        order.strategy == c.strategy
        and s.instrument == c.instrument.id
        and s.side is c.side
        and s.type is c.type
        and s.qty == c.qty
        and s.price == c.price
        and s.trigger == c.trigger
        and (order.decision != c.decision or not c.decision)
        and not 0 < c.since <= order.decision
    )


class SelfTradeCheck:
    """An entry that would meet an order of our own: it would pay fees to trade with ourselves.

    What reduces may leave nevertheless, and asks the venue to cancel the order it would meet (``CancelMaker``).
    """

    name = "self_trade"

    def __call__(self, c: Candidate, v: RiskView) -> Verdict | None:
        if c.reduces or not v.in_force.account.refuse_self_trade or c.trigger is not None:
            return None
        met = meets(c, v)
        if met is None:
            return None
        shown = plain(met.price) if met.price is not None else "market"
        rule = f"it would meet our own order {met.link_id} of {met.strategy} at {shown}; cancel that one first"
        return failed(self.name, "no order of ours", shown, rule)


def meets(c: Candidate, v: RiskView) -> Order | None:
    """An order of ours resting on the other side that this one would trade with."""
    buys, price = c.side is Side.BUY, c.price if c.type is OrderType.LIMIT else None
    for order in v.others(c.side.opposite):
        theirs = order.price
        if theirs is not None and (price is None or (theirs <= price if buys else theirs >= price)):
            return order
    return None


class QueueCheck:
    """There is room in the order queue: beyond it a strategy is told to wait."""

    name = "queue"

    def __call__(self, c: Candidate, v: RiskView) -> Verdict | None:
        if c.reduces or c.amends:
            return None
        room = v.queue_room() - c.ahead
        if room > 0:
            return passed(self.name, "room for 1", room, "orders")
        rule = f"too many orders of {c.strategy} wait for the venue's rate limit"
        return failed(self.name, "room for 1 orders", f"{room} orders", rule)
