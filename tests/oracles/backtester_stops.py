"""What a strategy's desk does about the exits of its position, the slow obvious way.

An entry that fills with exits attached says at which prices the position is to be left. While the venue's exits are
larger than the position they are cut to it: first what is left of a pair whose other exit filled, then the oldest. None
is ever left without a position. What the venue ends by itself is left to it. Where exits are too small the real desk
replaces them in its own time: from there on (:meth:`Exits.lacks`) nothing is said.
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from tests.oracles.backtester_venue import Order

Requests = list[tuple[int, str, Any]]
CANCELS, PROTECTS = 0, 1


@dataclass(eq=False)
class Known:
    """An order as the strategy's side knows it."""

    order: Order
    qty: Fraction
    booked: Fraction = Fraction(0)
    status: str = "Sent"
    ending: bool = False
    asked: Fraction = Fraction(0)  # the quantity an amendment on its way asks for

    @property
    def is_open(self) -> bool:
        return self.status in ("Sent", "New", "PartiallyFilled", "Untriggered", "Triggered")

    @property
    def sleeps(self) -> bool:
        return self.order.trigger is not None and self.status in ("Sent", "Untriggered")

    @property
    def protects(self) -> bool:
        return self.order.reduce_only or bool(self.order.kind)

    @property
    def is_stop(self) -> bool:
        return self.protects and self.order.trigger is not None

    @property
    def under_way(self) -> Fraction:
        """What may still be booked of it; a stop that sleeps reserves nothing."""
        if not self.is_open or (self.sleeps and self.protects):
            return Fraction(0)
        return max(max(self.qty, self.asked) - self.booked, Fraction(0))

    @property
    def leg(self) -> str:
        """What it is for: a take-profit, or a stop-loss."""
        if self.order.kind or self.order.trigger is None:
            return self.order.kind
        return "sl" if self.order.trigger[1] == (self.order.side > 0) else "tp"


@dataclass
class Plan:
    """Where a position of this side is to be left; ``None``: nowhere."""

    side: int
    sl: Fraction | None = None
    tp: Fraction | None = None


class Exits:
    """The plans by symbol, and what is asked for to keep exits and position in step."""

    def __init__(self) -> None:
        self.plans: dict[str, Plan] = {}

    def filled(self, order: Order, held: Fraction) -> None:
        """An entry filled: what came with it is meant for the position from now on."""
        if order.reduce_only or order.kind or (order.tp is None and order.sl is None) or held * order.side <= 0:
            return
        plan = self.plans.get(order.symbol)
        if plan is None or plan.side != order.side:
            plan = self.plans[order.symbol] = Plan(order.side)
        plan.sl = order.sl if order.sl is not None else plan.sl
        plan.tp = order.tp if order.tp is not None else plan.tp

    def look(self, symbol: str, held: Fraction, orders: list[Known]) -> Requests:
        """What has to be sent for one position, as far as nothing is under way already."""
        plan = self.plans.get(symbol)
        if plan is not None and plan.side * held <= 0:
            plan = None
            del self.plans[symbol]
        stops = [k for k in orders if k.order.symbol == symbol and k.is_stop and k.is_open]
        out: Requests = []
        for known in stops:
            left = known.sleeps and known.order.side * held >= 0 and not known.ending
            if left and not self.is_behind(known, orders):
                known.ending = True
                out.append((CANCELS, "cancel", known.order))
        for leg in ("sl", "tp") if plan is not None else ():
            if getattr(plan, leg) is not None:
                mine = [k for k in stops if k.leg == leg and k.order.side * held < 0]
                if not any(self.is_behind(k, orders) for k in mine):
                    out += self.cut(sorted(mine, key=lambda k: not self.is_left(k, orders)), abs(held))
        return out

    def is_left(self, known: Known, orders: list[Known]) -> bool:
        """Whether the other exit of its pair filled what this one would still close."""
        twin = [k for k in orders if known.order.twin is not None and k.order is known.order.twin]
        return any(k.booked and known.qty > k.qty - k.booked for k in twin)

    def is_behind(self, known: Known, orders: list[Known]) -> bool:
        """Whether the venue cuts or ends it for what the other one filled, and has only not said so yet; of a pair that
        was changed it does neither."""
        return known.order.partner is not None and self.is_left(known, orders)

    def lacks(self, symbol: str, held: Fraction, orders: list[Known]) -> bool:
        """Whether exits are missing: what the desk puts in their place is not known here."""
        plan = self.plans.get(symbol)
        mine = [k for k in orders if k.order.symbol == symbol and k.is_stop and k.is_open and k.order.side * held < 0]
        for leg in ("sl", "tp") if plan is not None and plan.side * held > 0 else ():
            there = sum((k.qty - k.booked for k in mine if k.leg == leg), Fraction(0))
            if getattr(plan, leg) is not None and there < abs(held):
                return True
        return False

    def cut(self, mine: list[Known], held: Fraction) -> Requests:
        """Take away what would close more than there is."""
        out: Requests = []
        if any(k.ending or k.asked for k in mine):
            return out
        excess = sum((k.qty - k.booked for k in mine), Fraction(0)) - held
        for known in mine:
            take = min(known.qty - known.booked, excess)
            if take <= 0 or not known.sleeps:
                continue
            if take == known.qty - known.booked:
                known.ending = True
                out.append((CANCELS, "cancel", known.order))
            else:
                known.asked = known.qty - take
                out.append((PROTECTS, "amend", (known.order, known.asked, None, None)))
            excess -= take
        return out
