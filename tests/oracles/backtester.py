"""A backtester once more, the slow obvious way: a scripted strategy, its desk, candles and a calendar of what is due.

A case is plain data (:class:`Case`); the outcome is every fill and what is left. Each bar's price goes open, low, high,
close when it rose (or stood), else open, high, low, close, a millisecond inside the bar; from one bar's close to the
next one's open there is no way. On its way it stops wherever something could happen, and what follows is heard there.
The strategy hears a bar at its end, after funding of that moment. Nothing here is from the package that is tested.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from math import floor
from typing import Any

from tests.oracles.backtester_stops import Exits, Known
from tests.oracles.backtester_venue import BUY, SELL, Costs, Order, Refused, Spec, Venue, number

MILLISECOND = 1_000_000
#: Verb, symbol, details.
Action = tuple[str, str, dict[str, Any]]
#: What comes first of what is due at one moment.
FUNDING, ARRIVAL, HEARING = range(3)
#: What leaves first of what a strategy asks for at one moment.
CANCELS, PROTECTS, REDUCES, AMENDS, ENTERS = range(5)


@dataclass(frozen=True)
class Bar:
    at: int
    open: float
    high: float
    low: float
    close: float
    volume: float


@dataclass(frozen=True)
class Latency:
    data: int = 0
    orders: int = 0
    answers: int = 0


@dataclass
class Case:
    """``script`` is what to do by symbol and open time of the bar; ``reactions`` what to do at the n-th fill.

    A fill is counted by symbol, from 1. An action is (verb, symbol, details): order, close, target, cancel, cancel_all,
    amend.
    """

    specs: list[Spec]
    bars: dict[str, list[Bar]]
    script: dict[tuple[str, int], list[Action]]
    costs: Costs
    length: int
    cash: Fraction
    leverage: Fraction = Fraction(1)
    latency: Latency = Latency()
    funding: dict[str, list[tuple[int, float]]] = field(default_factory=dict)
    reactions: dict[tuple[str, int], list[Action]] = field(default_factory=dict)
    collar: Fraction = Fraction(5, 1000)


@dataclass
class Outcome:
    fills: list[dict[str, Any]]
    cash: dict[str, Fraction]
    sizes: dict[str, Fraction]
    equity: Fraction
    refused: int
    until: int = 0  # what the oracle has no word on begins here; 0: nowhere


class Desk:
    """The strategy's side: what it believes, and from what it wants to what is sent."""

    def __init__(self, case: Case, send: Callable[[str, Any], None]) -> None:
        self.case, self.send = case, send
        self.specs = {it.symbol: it for it in case.specs}
        self.held: dict[str, Fraction] = {it.symbol: Fraction(0) for it in case.specs}
        self.costs: dict[str, Fraction] = dict(self.held)
        self.cash = case.cash
        self.coins: dict[str, Fraction] = {}
        self.marks: dict[str, float] = {}
        self.orders: list[Known] = []
        self.count = self.refused = 0
        self.executions = dict.fromkeys(self.held, 0)
        self.exits, self.touched = Exits(), False
        self.unfinished: dict[str, tuple[Fraction, list[Known]]] = {}

    # --- what it hears

    def hear_bar(self, symbol: str, bar: Bar) -> None:
        self.marks[symbol] = bar.close
        self.step(symbol, self.case.script.get((symbol, bar.at), []))

    def hear_fill(self, order: Order | None, row: dict[str, Any]) -> None:
        symbol, spec = row["symbol"], self.specs[row["symbol"]]
        if row["kind"] == "Funding":
            self.cash -= row["fee"]
            return
        signed = row["side"] * row["qty"]
        if spec.spot:
            self.held[symbol] += signed - (row["fee"] if row["coin"] == spec.base else 0)
            self.cash -= row["side"] * row["qty"] * row["price"] + (row["fee"] if row["coin"] == "USDT" else 0)
        else:
            self.costs[symbol] += signed * row["price"] + row["profit"]
            self.held[symbol] += signed
            self.cash += row["profit"] - row["fee"]
        if order is not None:
            self.exits.filled(order, self.held[symbol])
        for known in self.orders:
            if known.order is order:
                known.booked += row["qty"]
                known.status = "Filled" if known.booked >= known.qty else "PartiallyFilled"
        self.executions[symbol] += 1
        self.touched = True
        self.step(symbol, self.case.reactions.get((symbol, self.executions[symbol]), []))

    def hear_order(self, order: Order, status: str, qty: Fraction) -> None:
        known = next((it for it in self.orders if it.order is order), None)
        if known is None:
            known = Known(order, qty)
            self.orders.append(known)
        known.status, known.qty = status, qty
        if known.asked == qty:
            known.asked = Fraction(0)
        self.touched = True
        self.step(order.symbol, [])

    def hear_refusal(self, order: Order) -> None:
        self.refused += 1
        for known in self.orders:
            if known.order is order:
                known.asked = Fraction(0)
                known.status = "Rejected" if known.status == "Sent" else known.status
        self.touched = True
        self.step(order.symbol, [])

    # --- what it wants

    def step(self, symbol: str, actions: list[Action]) -> None:
        """What a callback asks for and what follows from what was heard, sent in order of urgency."""
        out: list[tuple[int, str, Any]] = []
        self.act(actions, out)
        self.finish(out)
        if self.touched or out:
            out += self.exits.look(symbol, self.held[symbol], self.orders)
        self.touched = False
        for _, what, content in sorted(out, key=lambda it: it[0]):
            self.send(what, content)

    def act(self, actions: list[Action], out: list[tuple[int, str, Any]]) -> None:
        """All that one callback asks for, judged one by one."""
        before = [k for k in self.orders if k.is_open and k.order.link > 0]  # what a callback sees does not change
        before = [k for k in before if k.order.price is not None or k.order.trigger is not None]
        for verb, symbol, details in actions:
            if verb == "order":
                self.want(symbol, details, out)
            elif verb in ("close", "target"):
                self.bring(symbol, Fraction(0) if verb == "close" else number(details["weight"]), out)
            elif verb == "cancel_all":
                for known in self.orders:
                    if known.order.symbol == symbol and not known.is_stop:
                        self.want_cancel(known, out)
            elif verb in ("cancel", "amend"):
                mine = [k for k in before if k.order.symbol == symbol]
                if mine:
                    known = mine[details["which"] % len(mine)]
                    if verb == "cancel":
                        self.want_cancel(known, out)
                    else:
                        self.want_amend(known, details, out)

    def want_cancel(self, known: Known, out: list[tuple[int, str, Any]]) -> None:
        if known.is_open and not known.ending:
            known.ending = True
            out[:] = [it for it in out if not (it[1] == "amend" and it[2][0] is known.order)]
            if any(it[1] == "place" and it[2] is known.order for it in out):  # it never leaves
                out[:] = [it for it in out if it[2] is not known.order]
                known.status = "Cancelled"
                return
            out.append((CANCELS, "cancel", known.order))

    def want_amend(self, known: Known, details: dict[str, Any], out: list[tuple[int, str, Any]]) -> None:
        qty, price = details.get("qty"), details.get("price")
        if not known.is_open or known.ending or (qty is not None and number(qty) <= known.booked):
            self.refused += 1
            return
        if price is not None and known.order.trigger is not None and known.order.price is None:
            self.refused += 1
            return
        if price is not None and known.order.price is None:
            self.refused += 1
            return
        reduces = self.may_reduce(known, known.qty if qty is None else number(qty))
        if not reduces and (known.order.reduce_only or self.equity() <= 0):
            self.refused += 1
            return
        left = (known.qty if qty is None else number(qty)) - known.booked
        at = known.order.price if price is None else number(price)
        if not self.affords(known.order.symbol, known.order.side, left, at, known.order.trigger, known):
            self.refused += 1
            return
        change: tuple[Fraction | None, ...]
        change = (None if qty is None else number(qty), None if price is None else number(price), None)
        for older in [it for it in out if it[1] == "amend" and it[2][0] is known.order]:
            out.remove(older)  # one request says it all
            change = tuple(new if new is not None else old for new, old in zip(change, older[2][1:], strict=True))
        known.asked = max(known.asked, change[0] or Fraction(0))
        rank = PROTECTS if known.is_stop else AMENDS
        out.append((rank, "amend", (known.order, *change)))

    def may_reduce(self, known: Known, qty: Fraction) -> bool:
        order = known.order
        room = max(-order.side * self.held[order.symbol], Fraction(0))
        if not known.sleeps:
            room -= self.under_way(order.symbol, order.side, False) - (0 if known.ending else known.under_way)
        return 0 < qty <= room

    def under_way(self, symbol: str, side: int, ending: bool) -> Fraction:
        mine = [k for k in self.orders if k.order.symbol == symbol and k.order.side == side]
        return sum((k.under_way for k in mine if ending or not k.ending), Fraction(0))

    def reducible(self, symbol: str, side: int, flagged: bool) -> Fraction:
        """The most an order may have that only shrinks what is held, counting what is under way."""
        room = max(-side * self.held[symbol], Fraction(0))
        return max(room - self.under_way(symbol, side, not flagged), Fraction(0))

    def begun(self, symbol: str, side: int) -> list[Known]:
        """Orders that opened at market a part of what is held, and of which more may come, or nothing."""
        mine = [k for k in self.orders if k.order.symbol == symbol and k.order.side == side and k.booked]
        at_market = [k for k in mine if k.order.price is None and not k.sleeps and not k.order.reduce_only]
        return [k for k in at_market if k.under_way]

    def touch(self, symbol: str, side: int) -> Fraction:
        """The best price of the other side as it was when the last bar closed."""
        tick, exact = self.specs[symbol].tick, number(self.marks[symbol]) / self.specs[symbol].tick
        spread = self.case.costs.spread
        if side == BUY:
            return (-floor(-exact) + spread) * tick
        return max(floor(exact) - spread, 1) * tick

    def want(self, symbol: str, d: dict[str, Any], out: list[tuple[int, str, Any]]) -> None:
        spec, side, qty = self.specs[symbol], d["side"], number(d["qty"])
        price = None if d.get("price") is None else number(d["price"])
        trigger = None if d.get("trigger") is None else (number(d["trigger"]), bool(d["rises"]))
        legs = [None if d.get(leg) is None else number(d[leg]) for leg in ("tp", "sl")]
        asked = bool(d.get("reduce_only"))
        flagged = (asked or price is None) and not spec.spot
        if trigger is not None and flagged:
            most = max(-side * self.held[symbol], Fraction(0))
        else:
            most = self.reducible(symbol, side, flagged)
        reduces = 0 < qty <= most
        far = price is None and trigger is None and not reduces and self.is_far(symbol, side)
        far = far or not self.affords(symbol, side, qty, price, trigger)
        lost = not reduces and self.equity() <= 0  # whoever has nothing left enters nothing
        if far or lost or not self.allows(symbol, side, price, trigger, legs) or (asked and not reduces):
            self.refused += 1
            return
        if not reduces:
            self.unfinished.pop(symbol, None)
        closes = reduces and flagged
        tp, sl = (None, None) if closes or spec.spot else legs
        self.count += 1
        order = Order(self.count, symbol, side, qty, price, d.get("tif", "GTC"), closes, trigger, tp, sl)
        order.clears = reduces and self.meets(symbol, side, price)
        self.orders.append(Known(order, qty))
        rank = PROTECTS if closes and trigger is not None else REDUCES if reduces else ENTERS
        out.append((rank, "place", order))

    def is_far(self, symbol: str, side: int) -> bool:
        """Whether the market is further from the mark than the collar around what enters allows."""
        mark = number(self.marks[symbol])
        return abs(self.touch(symbol, side) - mark) / mark > self.case.collar

    def meets(self, symbol: str, side: int, price: Fraction | None) -> bool:
        """Whether what reduces would trade with an entry of ours, which then gives way."""
        for known in self.orders:
            theirs = known.order.price
            there = known.order.symbol == symbol and known.order.side == -side and known.is_open
            if theirs is None or not there or known.ending or known.sleeps:
                continue
            if price is None or (price - theirs) * side >= 0:
                return not known.protects
        return False

    def affords(
        self, symbol: str, side: int, qty: Fraction, price: Any, trigger: Any, without: Known | None = None
    ) -> bool:
        """Whether the coins of a spot order are there, at the worst price the collar allows."""
        spec = self.specs[symbol]
        if not spec.spot:
            return True
        mine = [k for k in self.orders if k is not without and k.order.side == side]
        if side == SELL:
            return qty <= self.held[symbol] - sum((k.under_way for k in mine if k.order.symbol == symbol), Fraction(0))
        base = trigger[0] if trigger is not None else self.touch(symbol, BUY)
        worst = price if price is not None else base * (1 + self.case.collar)
        locked = sum((k.under_way * (k.order.price or self.touch(k.order.symbol, BUY)) for k in mine), Fraction(0))
        return qty * worst <= self.cash - locked

    def allows(self, symbol: str, side: int, price: Any, trigger: Any, legs: list[Fraction | None]) -> bool:
        """Whether prices are where they belong, as far as the strategy's side knows the market."""
        now = number(self.marks[symbol])
        if trigger is not None and ((trigger[0] <= now) if trigger[1] else (trigger[0] >= now)):
            return False
        entry = price if price is not None else trigger[0] if trigger is not None else self.touch(symbol, side)
        tp, sl = legs
        if tp is not None and (tp - entry) * side <= 0:
            return False
        return sl is None or (sl - entry) * side < 0

    def equity(self) -> Fraction:
        held = [self.held[s] * number(self.marks[s]) - self.costs[s] for s in self.held if self.held[s]]
        return self.cash + sum(held, Fraction(0))

    def bring(self, symbol: str, weight: Fraction, out: list[tuple[int, str, Any]]) -> None:
        """To a share of the equity."""
        spec, wanted = self.specs[symbol], Fraction(0)
        if weight:
            side = BUY if weight > 0 else SELL
            worst = self.touch(symbol, side) * (1 + self.case.collar if side == BUY else 1)
            wanted = side * floor(abs(weight) * self.equity() / worst / spec.lot) * spec.lot
        self.bring_to(symbol, wanted, out)

    def bring_to(self, symbol: str, wanted: Fraction, out: list[tuple[int, str, Any]]) -> None:
        """To a size: what rests is cancelled, what closes goes first, then what opens; what is only half heard of is
        closed when all of it was."""
        spec = self.specs[symbol]
        self.unfinished.pop(symbol, None)
        for known in self.orders:
            rests = known.order.symbol == symbol and (known.order.price is not None or known.sleeps)
            if rests and not known.is_stop:
                self.want_cancel(known, out)
        side, closing, opening = self.missing(symbol, wanted)
        safe = floor(min(closing, self.reducible(symbol, side, not spec.spot)) / spec.lot) * spec.lot
        rest = closing - safe
        if -side * self.held[symbol] > 0 and self.begun(symbol, -side):
            same = [k for k in self.orders if k.order.symbol == symbol and k.order.side == side]
            leaving = sum((k.under_way for k in same if k.order.price is None and not k.sleeps), Fraction(0))
            rest = max(min(rest, floor((-side * self.held[symbol] - leaving - safe) / spec.lot) * spec.lot), 0)
        for qty, closes in ((safe, True), (rest, False), (opening, False)):
            barred = not closes and (self.equity() <= 0 or self.is_far(symbol, side))
            if qty > 0 and not barred and self.affords(symbol, side, qty, None, None):
                self.count += 1
                order = Order(self.count, symbol, side, qty, None, "IOC", closes and not spec.spot)
                order.clears = closes and self.meets(symbol, side, None)
                self.orders.append(Known(order, qty))
                out.append((REDUCES if closes else ENTERS, "place", order))
        side, closing, _ = self.missing(symbol, wanted)
        if closing and self.begun(symbol, -side):
            self.unfinished[symbol] = wanted, self.begun(symbol, -side)

    def missing(self, symbol: str, wanted: Fraction) -> tuple[int, Fraction, Fraction]:
        """The side to trade on, what closes and what opens, with what is under way at market taken as done."""
        lot = self.specs[symbol].lot
        mine = [k for k in self.orders if k.order.symbol == symbol and k.order.price is None and not k.sleeps]
        held = self.held[symbol] + sum((k.order.side * k.under_way for k in mine), Fraction(0))
        change = wanted - held
        closing = min(abs(change), abs(held)) if held * change < 0 else Fraction(0)
        opening = floor((abs(change) - closing) / lot) * lot
        return BUY if change > 0 else SELL, floor(closing / lot) * lot, opening

    def finish(self, out: list[tuple[int, str, Any]]) -> None:
        """What waited for orders that are over now."""
        for symbol, (wanted, waits) in list(self.unfinished.items()):
            if not any(k.under_way for k in waits):
                del self.unfinished[symbol]
                if any(self.missing(symbol, wanted)[1:]):
                    self.bring_to(symbol, wanted, out)


class Backtester:
    """One case from its first bar to its last."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.venue = Venue(case.specs, case.cash, case.leverage, case.costs)
        self.desk = Desk(case, self.send)
        self.now = 0
        self.due: list[tuple[int, int, int, Callable[[], None]]] = []
        self.entries = 0
        self.inbox: deque[Callable[[], None]] = deque()
        self.said: list[Callable[[], None]] = []
        self.changed: dict[Order, None] = {}
        self.until_when = 0
        self.venue.say = self.hear

    def later(self, at: int, rank: int, what: Callable[[], None]) -> None:
        self.entries += 1
        self.due.append((at, rank, self.entries, what))

    def until(self, at: int, last: int = HEARING) -> None:
        """What is due up to a moment; at the moment itself nothing that comes later than ``last``."""
        while True:
            ready = [it for it in self.due if (it[0], it[1]) <= (at, last)]
            if not ready:
                break
            first = min(ready, key=lambda it: it[:3])
            self.due.remove(first)
            self.now = self.venue.now = max(self.now, first[0])
            first[3]()
            self.pump()
        self.now = self.venue.now = max(self.now, at)

    # --- between desk and venue

    def send(self, what: str, content: Any) -> None:
        """A request arrives after its latency; without one at once."""
        if self.case.latency.orders:
            self.later(self.now + self.case.latency.orders, ARRIVAL, lambda: self.arrive(what, content))
        else:
            self.arrive(what, content)

    def arrive(self, what: str, content: Any) -> None:
        order = content[0] if what == "amend" else content
        try:
            if what == "place":
                self.venue.place(order)
            elif what == "cancel":
                self.venue.cancel(order)
            else:
                self.venue.amend(*content)
            self.publish()
        except Refused:
            self.tell(lambda: self.desk.hear_refusal(order), self.case.latency.answers)

    def hear(self, what: str, order: Order, row: dict[str, Any] | None = None) -> None:
        """What one action of the venue causes: fills and triggers as they come, each order once, as it ends, after
        them."""
        if row is not None:
            self.said.append(lambda: self.desk.hear_fill(order, row))
        elif what == "triggered":
            self.said.append(lambda: self.desk.hear_order(order, "Triggered", order.qty))
        else:
            self.changed[order] = None

    def publish(self) -> None:
        """The action is over."""
        said, changed, self.said, self.changed = self.said, list(self.changed), [], {}
        for what in said:
            self.tell(what, self.case.latency.answers)
        for order in changed:
            state = order, order.status, order.qty
            self.tell(lambda it=state: self.desk.hear_order(*it), self.case.latency.answers)  # type: ignore[misc]

    def tell(self, what: Callable[[], None], delay: int) -> None:
        """The desk hears one thing after the other: what comes while it is busy waits."""
        if delay:
            self.later(self.now + delay, HEARING, lambda: self.tell(what, 0))
            return
        self.inbox.append(what)

    def pump(self) -> None:
        self.publish()
        while self.inbox:
            self.inbox.popleft()()
        desk = self.desk
        if not self.until_when and any(desk.exits.lacks(it, desk.held[it], desk.orders) for it in desk.held):
            self.until_when = self.now

    # --- the bars

    def run(self) -> Outcome:
        case = self.case
        times = sorted({bar.at for bars in case.bars.values() for bar in bars})
        for symbol, rates in case.funding.items():
            for ts, rate in rates:
                if times[0] < ts <= times[-1] + case.length:
                    self.later(ts, FUNDING, lambda s=symbol, r=rate: self.fund(s, r))  # type: ignore[misc]
        self.now = self.venue.now = times[0]
        for at in times:
            self.play(at, [(it.symbol, bar) for it in case.specs for bar in case.bars[it.symbol] if bar.at == at])
        sizes = {symbol: market.size for symbol, market in self.venue.markets.items()}
        cash, equity = {coin: amount for coin, amount in self.venue.cash.items() if amount}, self.venue.equity()
        return Outcome(self.venue.fills, cash, sizes, equity, self.desk.refused, self.until_when)

    def fund(self, symbol: str, rate: float) -> None:
        self.venue.settle_funding(symbol, number(rate))
        self.pump()
        self.desk.marks[symbol] = self.venue.markets[symbol].price

    def play(self, at: int, bars: list[tuple[str, Bar]]) -> None:
        self.until(at)
        for symbol, bar in bars:
            self.venue.markets[symbol].volume = bar.volume
        inside = self.case.length - 2 * MILLISECOND
        for corner in range(4):
            self.until(at + MILLISECOND + corner * inside // 3)
            for symbol, bar in bars:
                self.move(symbol, way(bar)[corner], jump=corner == 0)
        end = at + self.case.length
        self.until(end)
        for symbol, bar in bars:
            delay = self.case.latency.data
            if delay:
                self.later(end + delay, HEARING, lambda s=symbol, b=bar: self.desk.hear_bar(s, b))  # type: ignore[misc]
            else:
                self.desk.hear_bar(symbol, bar)
                self.pump()

    def move(self, symbol: str, price: float, jump: bool) -> None:
        if not self.venue.markets[symbol].price:
            jump = True
        while not jump:
            stop = self.venue.next_stop(symbol, price)
            if stop is None:
                break
            self.venue.visit(symbol, stop)
            self.pump()
        self.venue.visit(symbol, price)
        self.pump()


def way(bar: Bar) -> tuple[float, float, float, float]:
    if bar.close >= bar.open:
        return bar.open, bar.low, bar.high, bar.close
    return bar.open, bar.high, bar.low, bar.close


def run(case: Case) -> Outcome:
    """Play a case."""
    return Backtester(case).run()
