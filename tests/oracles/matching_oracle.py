"""The matching rules once more, the slow obvious way: Fractions, lists and loops, no order that is not searched for.

Prices, sizes and money are plain ``Fraction``; a market is a dict of displayed levels ``price -> [size, used]`` per
side, one list of resting orders and one of waiting (conditional) orders, both in time order. It refuses for missing
funds, for reduce-only without a position and for triggers and exits on the wrong side; it does not know price bands,
size limits, order caps and liquidation, which have tests of their own.
"""

from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil, floor
from typing import Any

BUY, SELL = "Buy", "Sell"
BOUND = Fraction(5, 100)
MM_RATE = Fraction(5, 1000)


class OracleRefused(Exception):
    def __init__(self, code: int) -> None:
        super().__init__(str(code))
        self.code = code


def round8(value: Fraction) -> Fraction:
    return Fraction(round(value * 10**8), 10**8)


@dataclass(eq=False)
class Order:
    uid: str
    link: str
    market: "Market"
    side: str
    price: Fraction
    qty: Fraction
    tif: str
    reduce_only: bool
    turn: int = 0
    ahead: Fraction | None = None
    filled: Fraction = Fraction(0)
    status: str = "New"
    idx: int = 0
    smp: str = "None"
    legs: dict[str, Any] | None = None  # tp, sl, tp_limit, sl_limit (prices or None), tp_by, sl_by, partial
    trigger: tuple[Fraction, bool, str] | None = None  # price, rises, by
    market_order: bool = False
    close: bool = False
    holds: bool = False  # a spot order that holds its coins while it waits
    kind: str = ""
    parent: "Order | None" = None
    partner: "Order | None" = None
    attached: Fraction = Fraction(0)
    base_fee: Fraction = Fraction(0)
    trailing: Fraction | None = None
    active: Fraction | None = None
    best: Fraction | None = None

    @property
    def leaves(self) -> Fraction:
        return self.qty - self.filled


@dataclass(eq=False)
class Market:
    spot: bool
    base: str
    quote: str
    tick: Fraction
    lot: Fraction
    mark: Fraction
    inverse: bool = False
    last: Fraction | None = None
    index: Fraction | None = None
    shown: dict[str, dict[Fraction, list[Fraction]]] = field(default_factory=lambda: {BUY: {}, SELL: {}})
    orders: list[Order] = field(default_factory=list)
    waiting: list[Order] = field(default_factory=list)

    @property
    def settle(self) -> str:
        return self.base if self.inverse else self.quote

    def value(self, qty: Fraction, price: Fraction) -> Fraction:
        """What ``qty`` is worth at ``price``, as the venue states it."""
        return round8(qty / price) if self.inverse else qty * price

    def price_by(self, by: str) -> Fraction | None:
        return {"LastPrice": self.last, "MarkPrice": self.mark, "IndexPrice": self.index}[by]


@dataclass
class Position:
    """``cost`` in the settle coin: paid for a linear position; what an inverse one owes, negative for a long."""

    size: Fraction = Fraction(0)
    cost: Fraction = Fraction(0)


@dataclass
class User:
    fees: dict[tuple[bool, bool], Fraction]  # (spot, maker) -> rate
    cash: dict[str, Fraction] = field(default_factory=dict)
    leverage: Fraction = Fraction(10)
    hedged: bool = False  # in the linear market
    positions: dict[tuple[bool, int], Position] = field(default_factory=dict)  # by (inverse, idx)

    def position(self, market: "Market", idx: int) -> Position:
        return self.positions.setdefault((market.inverse, idx), Position())


def other(side: str) -> str:
    return SELL if side == BUY else BUY


def sign(side: str) -> int:
    return 1 if side == BUY else -1


def worse(side: str, price: Fraction, limit: Fraction) -> bool:
    """Whether an order of ``side`` with ``limit`` must not trade at ``price``."""
    return price > limit if side == BUY else price < limit


class Oracle:
    def __init__(self, spot: Market, linear: Market, inverse: Market, users: dict[str, User]) -> None:
        self.spot, self.linear, self.inverse, self.users = spot, linear, inverse, users
        self.trades: list[tuple[Any, ...]] = []
        self.turn = 0

    # --- requests

    def place(self, order: Order, price: Fraction | None, amount: Fraction | None) -> None:
        """``order`` is as asked for, without its price; ``price`` None is a market order."""
        market, user = order.market, self.users[order.uid]
        order.market_order = price is None
        if (order.idx, order.side) in ((1, SELL), (2, BUY)):
            order.reduce_only = True
        if order.legs is not None:
            self.check_legs(order, price)
        if order.trigger is not None:
            self.let_wait(order, price)
            return
        order.price = price if price is not None else self.bound(market, order.side)
        if order.reduce_only and not market.spot:
            size = user.position(market, order.idx).size
            if size * sign(order.side) >= 0:
                raise OracleRefused(110017)
            order.qty = min(order.qty, abs(size))
        order.reduce_only = order.reduce_only and not market.spot
        if amount is not None:
            if amount > self.free(order.uid, market.quote):
                raise OracleRefused(170131)
        else:
            self.check_funds(order, order.price if market.spot else self.likely_price(order))
        self.match(order, amount)

    def likely_price(self, order: Order) -> Fraction:
        """A limit order's own price; else the dearer of mark and the best price of the other side."""
        if not order.market_order:
            return order.price
        best = self.best_level(order.market, other(order.side))
        known = [order.market.mark] + ([] if best is None else [best])
        return min(known) if order.market.inverse else max(known)

    def amend(self, order: Order, qty: Fraction | None, price: Fraction | None) -> None:
        if qty in (None, order.qty) and price in (None, order.price):
            raise OracleRefused(10001)
        new_qty = order.qty if qty is None else qty
        new_price = order.price if price is None else price
        if new_qty <= order.filled:
            raise OracleRefused(170313 if order.market.spot else 110064)
        if order.reduce_only:
            new_qty = order.filled + min(
                new_qty - order.filled, abs(self.users[order.uid].position(order.market, order.idx).size)
            )
        place = order.market.orders.index(order)
        order.market.orders.remove(order)
        old_qty, old_price = order.qty, order.price
        order.qty, order.price = new_qty, new_price
        try:
            self.check_funds(order, new_price)
        except OracleRefused:
            order.qty, order.price = old_qty, old_price
            order.market.orders.insert(place, order)
            raise
        if new_price == old_price and new_qty <= old_qty:
            order.market.orders.insert(place, order)
        else:
            self.match(order, None)

    def cancel(self, order: Order) -> None:
        order.market.orders.remove(order)
        self.close(order)

    # --- orders that wait

    def let_wait(self, order: Order, price: Fraction | None) -> None:
        assert order.trigger is not None
        at, rises, by = order.trigger
        if order.market.spot:
            if order.market.last is None or order.market.last == at:
                raise OracleRefused(10001)
            order.trigger = (at, at > order.market.last, "LastPrice")
        else:
            self.check_side(order.market, at, rises, by)
        order.price = Fraction(0) if price is None else price
        order.kind = "tpslOrder" if order.holds else "Stop"
        order.reduce_only = order.reduce_only and not order.market.spot
        if order.holds:
            coin, need = self.holding(order)
            if need > self.free(order.uid, coin):
                raise OracleRefused(170131)
        order.status = "Untriggered"
        order.market.waiting.append(order)

    def check_side(self, market: Market, at: Fraction, rises: bool, by: str) -> None:
        now = market.price_by(by)
        if now is not None and rises and at <= now:
            raise OracleRefused(110092)
        if now is not None and not rises and at >= now:
            raise OracleRefused(110093)

    def check_legs(self, order: Order, price: Fraction | None) -> None:
        assert order.legs is not None
        market = order.market
        if order.reduce_only or order.close or (market.spot and (price is None or order.side == SELL)):
            raise OracleRefused(10001)
        entry = price
        if entry is None:
            entry = market.mark if market.last is None else market.last
            entry = entry if order.trigger is None else order.trigger[0]
        for leg, direction in (("tp", 1), ("sl", -1)):
            if order.legs[leg] is not None and (order.legs[leg] - entry) * direction * sign(order.side) <= 0:
                raise OracleRefused(10001)

    def holding(self, order: Order) -> tuple[str, Fraction]:
        """The coin a waiting spot order pays with and how much of it."""
        if order.side == SELL:
            return order.market.base, order.qty
        assert order.trigger is not None
        return order.market.quote, order.qty * (order.price or order.trigger[0])

    def amend_waiting(self, order: Order, qty: Fraction | None, trigger: Fraction | None) -> None:
        if trigger is not None:
            if order.trigger is None or order.trailing is not None:
                raise OracleRefused(10001)
            _, rises, by = order.trigger
            if order.market.spot:
                if trigger == order.market.last:
                    raise OracleRefused(10001)
                rises = trigger > (order.market.last or 0)
            else:
                self.check_side(order.market, trigger, rises, by)
        if qty is not None and order.kind in ("TakeProfit", "StopLoss", "TrailingStop"):
            raise OracleRefused(10001)
        before = (order.qty, order.trigger)
        order.qty = order.qty if qty is None else qty
        if trigger is not None:
            order.trigger = (trigger, rises, by)
        if (order.qty, order.trigger) == before:
            raise OracleRefused(10001)
        partner = order.partner if order.partner in order.market.waiting else None
        if order.market.spot and partner is not None:
            partner.qty = order.qty
        if order.market.spot and self.free(order.uid, self.holding(order)[0]) < 0:
            order.qty, order.trigger = before
            if partner is not None:
                partner.qty = order.qty
            raise OracleRefused(170131)
        if partner is not None and not order.market.spot:
            order.partner = partner.partner = None

    def drop(self, order: Order) -> None:
        """End an order that waits."""
        order.market.waiting.remove(order)
        order.status = "Deactivated"
        if order.partner is not None and order.partner in order.market.waiting:
            order.partner.partner = None

    def fire(self, market: Market, by: str) -> None:
        """All that is due fires, oldest first, unless something before it ended it."""
        now = market.price_by(by)
        if now is None:
            return
        if by == "LastPrice":
            for order in market.waiting:
                self.trail(order, now)
        due = []
        for order in market.waiting:
            if order.trigger is not None and order.trigger[2] == by:
                at, rises, _ = order.trigger
                if (rises and now >= at) or (not rises and now <= at):
                    due.append(order)
        for order in due:
            if order in market.waiting:
                market.waiting.remove(order)
                self.trigger(order)

    def trail(self, order: Order, last: Fraction) -> None:
        if order.trailing is None:
            return
        up = order.side == SELL  # it protects a long
        if order.best is None and order.active is not None and (last < order.active if up else last > order.active):
            return
        if order.best is None or (last > order.best if up else last < order.best):
            order.best = last
            order.trigger = (last - order.trailing if up else last + order.trailing, not up, "LastPrice")

    def trigger(self, order: Order) -> None:
        market = order.market
        if order.partner is not None and order.partner in market.orders:
            self.cancel(order.partner)
        elif order.partner is not None and order.partner in market.waiting and market.spot:
            self.drop(order.partner)
        if order.market_order:
            order.price = self.bound(market, order.side)
        if (order.reduce_only or order.close) and not market.spot:
            order.reduce_only = True
            size = self.users[order.uid].position(market, order.idx).size
            if size * sign(order.side) >= 0:
                self.close(order)
                return
            order.qty = min(order.qty, abs(size))
        try:
            self.check_funds(order, order.price if market.spot else self.likely_price(order))
        except OracleRefused:
            order.status = "Rejected"
            return
        self.match(order, None)

    # --- exits

    def settle(self, order: Order, qty: Fraction, closed: Fraction) -> None:
        """After a fill of ``qty``, of which ``closed`` reduced the position."""
        if order.partner is not None and order.partner in order.market.waiting:
            if order.leaves == 0:
                self.drop(order.partner)
            else:
                order.partner.qty = order.leaves
        if order.legs is not None:
            self.attach(order, qty - closed)
        self.keep_reducing()
        self.follow()

    def attach(self, order: Order, opened: Fraction) -> None:
        market, legs = order.market, order.legs
        assert legs is not None
        if market.spot:
            opened = floor((order.filled - order.base_fee) / market.lot) * market.lot - order.attached
        if opened <= 0:
            return
        if legs["partial"] or market.spot:
            mine = [
                o for o in market.waiting
                if o.parent is order and "Partial" in o.kind + "Partial" * market.spot
                and (o.partner is None or o.partner in market.waiting)
            ]  # fmt: skip
            for exit in mine:
                exit.qty += opened
            if not mine:
                self.add_pair(order.uid, market, other(order.side), order.idx, opened, legs, order)
        elif not order.attached or abs(self.users[order.uid].position(market, order.idx).size) == opened:
            for kind, leg in (("TakeProfit", "tp"), ("StopLoss", "sl")):
                if legs[leg] is not None:
                    older = self.full_exit(order.uid, market, order.idx, kind)
                    if older is not None:
                        self.drop(older)
                    self.add_full(order.uid, market, other(order.side), order.idx, kind, (legs[leg], legs[leg + "_by"]))
                    market.waiting[-1].parent = order
        order.attached += opened

    def new_exit(self, uid: str, market: Market, side: str, idx: int, kind: str) -> Order:
        return Order(
            uid, "", market, side, Fraction(0), Fraction(0), "IOC", not market.spot, idx=idx, kind=kind,
            market_order=True, close=not market.spot, status="Untriggered",
        )  # fmt: skip

    def add_full(
        self, uid: str, market: Market, side: str, idx: int, kind: str, trigger: tuple[Fraction, str] | None
    ) -> Order:
        exit = self.new_exit(uid, market, side, idx, kind)
        exit.qty = abs(self.users[uid].position(market, idx).size)
        if trigger is not None:
            exit.trigger = (trigger[0], (side == SELL) == (kind == "TakeProfit"), trigger[1])
        market.waiting.append(exit)
        return exit

    def full_exit(self, uid: str, market: Market, idx: int, kind: str) -> Order | None:
        found = [o for o in market.waiting if (o.uid, o.idx, o.kind) == (uid, idx, kind)]
        return found[0] if found else None

    def add_pair(
        self, uid: str, market: Market, side: str, idx: int, qty: Fraction, legs: dict[str, Any], parent: Order | None
    ) -> None:
        made = []
        for kind, leg in (("PartialTakeProfit", "tp"), ("PartialStopLoss", "sl")):
            if legs[leg] is None:
                continue
            exit = self.new_exit(uid, market, side, idx, kind)
            exit.qty, exit.parent = qty, parent
            by = "LastPrice" if market.spot else legs[leg + "_by"]
            exit.trigger = (legs[leg], (side == SELL) == (leg == "tp"), by)
            if legs[leg + "_limit"] is not None:
                exit.market_order, exit.tif, exit.price = False, "GTC", legs[leg + "_limit"]
            made.append(exit)
        for exit in made:
            exit.partner = made[1 - made.index(exit)] if len(made) == 2 else None
            if market.spot:
                exit.kind, exit.holds = "OcoOrder" if len(made) == 2 else "tpslOrder", True
            market.waiting.append(exit)

    def follow(self) -> None:
        """Exits end with their position; those of the whole position have its size."""
        for market in (self.linear, self.inverse):
            for order in list(market.waiting):
                if order.kind in ("", "Stop"):
                    continue
                size = self.users[order.uid].position(market, order.idx).size
                if order in market.waiting and size * sign(order.side) >= 0:
                    self.drop(order)
                elif "Partial" not in order.kind:
                    order.qty = abs(size)

    def trading_stop(
        self, uid: str, market: Market, idx: int, tp: Fraction | None, sl: Fraction | None, by: str,
        trailing: Fraction | None, active: Fraction | None,
    ) -> None:  # fmt: skip
        size = self.users[uid].position(market, idx).size
        if size == 0:
            raise OracleRefused(10001)
        direction = 1 if size > 0 else -1
        now = market.price_by(by)
        now = market.mark if now is None else now
        for price, way in ((tp, direction), (sl, -direction)):
            if price and (price - now) * way <= 0:
                raise OracleRefused(10001)
        side = SELL if size > 0 else BUY
        wanted: list[tuple[str, Fraction | None]] = [("TakeProfit", tp), ("StopLoss", sl)]
        changes = []
        for kind, price in wanted:
            current = self.full_exit(uid, market, idx, kind)
            if price is None or (price == 0 and current is None):
                continue
            trigger = (price, (side == SELL) == (kind == "TakeProfit"), by)
            if current is None or current.trigger != trigger:
                changes.append((kind, price, current))
        trail = self.full_exit(uid, market, idx, "TrailingStop")
        new_trail = trailing is not None and not (trailing == 0 and trail is None)
        if trailing:
            if market.last is None:
                raise OracleRefused(110118)
            if trailing >= market.last or (active and (active - market.last) * direction <= 0):
                raise OracleRefused(10001)
            if active is None and trail is not None and trail.best is None:
                active = trail.active
            if trail is not None and (trail.trailing, trail.active) == (trailing, active):
                new_trail = False
        if not changes and not new_trail:
            raise OracleRefused(34040)
        for kind, price, current in changes:
            if price == 0:
                assert current is not None
                self.drop(current)
            elif current is None:
                self.add_full(uid, market, side, idx, kind, (price, by))
            else:
                current.trigger = (price, (side == SELL) == (kind == "TakeProfit"), by)
        if new_trail and trailing == 0:
            assert trail is not None
            self.drop(trail)
        elif new_trail:
            assert market.last is not None
            trail = trail or self.add_full(uid, market, side, idx, "TrailingStop", None)
            trail.trailing, trail.active, trail.best, trail.trigger = trailing, active, None, None
            self.trail(trail, market.last)

    # --- the market

    def set_last(self, market: Market, price: Fraction) -> None:
        market.last = price
        self.fire(market, "LastPrice")

    def set_mark(self, market: Market, mark: Fraction, index: Fraction) -> None:
        market.mark, market.index = mark, index
        self.fire(market, "MarkPrice")
        self.fire(market, "IndexPrice")

    def set_book(self, market: Market, bids: dict[Fraction, Fraction], asks: dict[Fraction, Fraction]) -> None:
        for side, levels in ((BUY, bids), (SELL, asks)):
            old = market.shown[side]
            market.shown[side] = {
                p: [s, old[p][1] if p in old and old[p][0] == s else Fraction(0)] for p, s in levels.items() if s
            }
        self.book_moved(market)

    def update(self, market: Market, side: str, price: Fraction, size: Fraction) -> None:
        market.shown[side].pop(price, None)
        if size:
            market.shown[side][price] = [size, Fraction(0)]
        self.book_moved(market)

    def book_moved(self, market: Market) -> None:
        for order in market.orders:
            shown = self.shown_at(market, order.side, order.price)
            if shown is not None:
                order.ahead = shown if order.ahead is None else min(order.ahead, shown)
        for side in (BUY, SELL):
            while True:
                maker = self.first_resting(market, side)
                level = self.best_level(market, other(side))
                if maker is None or level is None or worse(side, level, maker.price):
                    break
                cell = market.shown[other(side)][level]
                qty = min(maker.leaves, cell[0] - cell[1])
                cell[1] += qty
                self.fill_maker(maker, qty)

    def print_trade(self, market: Market, side: str, price: Fraction, qty: Fraction) -> None:
        market.last = price
        for resting in (BUY, SELL):
            while qty > 0:
                maker = self.first_resting(market, resting)
                if maker is None or sign(resting) * (maker.price - price) <= 0:
                    break
                part = min(qty, maker.leaves)
                qty -= part
                self.fill_maker(maker, part)
        passed = Fraction(0)
        queue = [o for o in market.orders if o.side == other(side) and o.price == price]
        for order in queue:
            if order not in market.orders:
                continue
            if order.ahead is None:
                break
            wait = min(max(order.ahead - passed, Fraction(0)), qty)
            passed += wait
            qty -= wait
            part = min(qty, order.leaves)
            qty -= part
            if part > 0:
                self.fill_maker(order, part)
            if qty == 0:
                break
        for order in queue:
            if order.ahead is not None:
                order.ahead = max(Fraction(0), order.ahead - passed)
        self.fire(market, "LastPrice")

    def fund(self, market: Market, rate: Fraction) -> None:
        for uid, user in self.users.items():
            for idx in (0, 1, 2):
                size = user.position(market, idx).size
                if size:
                    payment = round8(market.value(size, market.mark) * rate)
                    user.cash[market.settle] -= payment
                    self.trades.append(("Funding", uid, idx, payment))

    # --- matching

    def match(self, order: Order, amount: Fraction | None) -> None:
        market = order.market
        if order.tif == "PostOnly" and self.counterpart(order) is not None:
            return self.close(order)
        if order.tif == "FOK" and self.reachable(order) < order.leaves:
            return self.close(order)
        while amount is not None or order.leaves > 0:
            found = self.counterpart(order)
            if found is None:
                break
            price, maker = found
            if maker is not None and order.smp != "None" and maker.uid == order.uid:
                if order.smp != "CancelTaker":
                    self.cancel(maker)
                if order.smp != "CancelMaker":
                    return self.close(order)
                continue
            if maker is None:
                cell = market.shown[other(order.side)][price]
                qty = cell[0] - cell[1]
            else:
                qty = maker.leaves
            if amount is None:
                qty = min(qty, order.leaves)
            else:
                qty = min(qty, floor(amount / price / market.lot) * market.lot)
                if qty == 0:
                    order.status = "Filled" if order.filled else "Cancelled"
                    return None
                amount -= qty * price
            closed = self.book(order, price, qty, False)
            if maker is None:
                cell[1] += qty
            else:
                self.fill_maker(maker, qty)
            self.settle(order, qty, closed)
        if amount is not None:
            order.status = "Filled" if amount == 0 else "PartiallyFilledCanceled" if order.filled else "Cancelled"
        elif order.leaves == 0:
            order.status = "Filled"
        elif order.tif in ("IOC", "FOK"):
            self.close(order)
        else:
            self.turn += 1
            order.turn = self.turn
            order.ahead = self.shown_at(market, order.side, order.price)
            order.status = "PartiallyFilled" if order.filled else "New"
            market.orders.append(order)
            self.keep_reducing()
        return None

    def counterpart(self, order: Order) -> tuple[Fraction, Order | None] | None:
        """The best price the order may trade at: at one price users first, by time, then the displayed size."""
        level = self.best_level(order.market, other(order.side))
        maker = self.first_resting(order.market, other(order.side))
        if maker is not None and (level is None or not worse(order.side, maker.price, level)):
            return None if worse(order.side, maker.price, order.price) else (maker.price, maker)
        if level is None or worse(order.side, level, order.price):
            return None
        return level, None

    def reachable(self, order: Order) -> Fraction:
        if order.smp in ("CancelTaker", "CancelBoth"):
            own = [o for o in order.market.orders if o.uid == order.uid and o.side != order.side]
            own = [o for o in own if not worse(order.side, o.price, order.price)]
            if own:
                return self.reachable_before(order, min(own, key=lambda o: sign(order.side) * o.price))
        shown = order.market.shown[other(order.side)]
        total = sum((s - u for p, (s, u) in shown.items() if not worse(order.side, p, order.price)), Fraction(0))
        for resting in order.market.orders:
            if order.smp != "None" and resting.uid == order.uid:
                continue
            if resting.side != order.side and not worse(order.side, resting.price, order.price):
                total += resting.leaves
        return total

    def reachable_before(self, order: Order, first: Order) -> Fraction:
        """What trades before a resting order: better prices, and at its price the users who came earlier."""
        shown = order.market.shown[first.side]
        total = sum((s - u for p, (s, u) in shown.items() if worse(order.side, first.price, p)), Fraction(0))
        earlier = True
        for resting in order.market.orders:
            earlier = earlier and resting is not first
            if resting.side == first.side and (
                worse(order.side, first.price, resting.price) or (resting.price == first.price and earlier)
            ):
                total += resting.leaves
        return total

    def best_level(self, market: Market, side: str) -> Fraction | None:
        prices = [p for p, (size, used) in market.shown[side].items() if size > used]
        if not prices:
            return None
        return max(prices) if side == BUY else min(prices)

    def first_resting(self, market: Market, side: str) -> Order | None:
        best = None
        for order in market.orders:  # in time order, so only a strictly better price replaces
            if order.side == side and (best is None or sign(side) * (order.price - best.price) > 0):
                best = order
        return best

    def shown_at(self, market: Market, side: str, price: Fraction) -> Fraction | None:
        """Displayed size before a newcomer at ``price``: None beyond the displayed levels."""
        shown = market.shown[side]
        if price in shown:
            return shown[price][0] - shown[price][1]
        if any(sign(side) * (price - p) > 0 for p in shown):
            return Fraction(0)
        return None

    def fill_maker(self, maker: Order, qty: Fraction) -> None:
        closed = self.book(maker, maker.price, qty, True)
        if maker.leaves == 0:
            maker.status = "Filled"
            maker.market.orders.remove(maker)
        else:
            maker.status = "PartiallyFilled"
        self.settle(maker, qty, closed)

    def keep_reducing(self) -> None:
        for order in [*self.linear.orders, *self.inverse.orders]:
            if not order.reduce_only:
                continue
            size = self.users[order.uid].position(order.market, order.idx).size
            if size * sign(order.side) >= 0:
                self.cancel(order)
            elif order.leaves > abs(size):
                order.qty = order.filled + abs(size)

    def close(self, order: Order) -> None:
        spot = order.market.spot
        order.status = "PartiallyFilledCanceled" if spot and order.filled else "Cancelled"

    # --- money

    def book(self, order: Order, price: Fraction, qty: Fraction, maker: bool) -> Fraction:
        """Book one side of a trade; how much of it reduced a position."""
        user, market = self.users[order.uid], order.market
        order.filled += qty
        rate = user.fees[market.spot, maker]
        signed, value, profit, closed = sign(order.side) * qty, market.value(qty, price), Fraction(0), Fraction(0)
        if market.spot:
            coin = market.base if (order.side == BUY) == (rate >= 0) else market.quote
            fee = round8((qty if coin == market.base else value) * rate)
            user.cash[market.base] = user.cash.get(market.base, Fraction(0)) + signed
            user.cash[market.quote] = user.cash.get(market.quote, Fraction(0)) - sign(order.side) * value
            order.base_fee += fee if coin == market.base else 0
        else:
            coin, fee = market.settle, round8(value * rate)
            position = user.position(market, order.idx)
            closed = min(qty, abs(position.size)) if position.size * signed < 0 else Fraction(0)
            profit = self.trade_position(market, position, signed, price)
            user.cash[coin] += profit
        user.cash[coin] -= fee
        self.trades.append(
            (order.uid, order.link, order.kind, order.idx, order.side, price, qty, maker, coin, fee, profit)
        )
        return closed

    def trade_position(self, market: Market, position: Position, qty: Fraction, price: Fraction) -> Fraction:
        """A linear position gains what its cost does not explain, an inverse one what it does."""
        turn = -1 if market.inverse else 1
        worth = turn * (1 if qty > 0 else -1) * market.value(abs(qty), price)
        profit = Fraction(0)
        if position.size * qty < 0:
            closing = max(qty, -position.size) if qty < 0 else min(qty, -position.size)
            part = turn * (1 if qty > 0 else -1) * market.value(abs(closing), price)
            profit = -part + position.cost * closing / position.size
            if closing != -position.size:
                profit = round8(profit)
            position.cost += part + profit
            position.size += closing
            qty -= closing
            worth -= part
        position.size += qty
        position.cost += worth
        return profit

    def bound(self, market: Market, side: str) -> Fraction:
        reference = market.last if market.spot and market.last is not None else market.mark
        ticks = reference * (1 + sign(side) * BOUND) / market.tick
        return (floor(ticks) if side == BUY else ceil(ticks)) * market.tick

    def free(self, uid: str, coin: str) -> Fraction:
        locked = Fraction(0)
        for order in self.spot.orders:
            if order.uid == uid and order.side == BUY and coin == self.spot.quote:
                locked += order.leaves * order.price
            if order.uid == uid and order.side == SELL and coin == self.spot.base:
                locked += order.leaves
        for order in self.spot.waiting:
            shared = order.partner in self.spot.waiting and (
                self.spot.waiting.index(order.partner) < self.spot.waiting.index(order)  # type: ignore[arg-type]
            )
            if order.uid == uid and order.holds and not shared and self.holding(order)[0] == coin:
                locked += self.holding(order)[1]
        return self.users[uid].cash.get(coin, Fraction(0)) - locked

    def check_funds(self, order: Order, price: Fraction) -> None:
        if order.reduce_only:
            return
        market = order.market
        if market.spot:
            coin, need = (market.quote, order.leaves * price) if order.side == BUY else (market.base, order.leaves)
            if need > self.free(order.uid, coin):
                raise OracleRefused(170131)
            return
        before = self.order_margin(order.uid, market, order.idx)
        after = self.order_margin(order.uid, market, order.idx, order, price)
        if after > before and (after - before) * self.dollars(market.settle) > self.available(order.uid):
            raise OracleRefused(110007)

    def dollars(self, coin: str) -> Fraction:
        if coin == self.spot.quote:
            return Fraction(1)
        return self.spot.mark if self.spot.index is None else self.spot.index

    def order_margin(
        self, uid: str, market: Market, idx: int, more: Order | None = None, price: Fraction = Fraction(0)
    ) -> Fraction:
        """Of the worse side: the average value of its orders times what they exceed the position by."""
        user, worst = self.users[uid], Fraction(0)
        for this in (BUY, SELL):
            orders = [
                (o.leaves, market.value(o.leaves, o.price))
                for o in market.orders
                if (o.uid, o.side, o.idx) == (uid, this, idx) and not o.reduce_only
            ]
            if more is not None and more.side == this:
                orders.append((more.leaves, market.value(more.leaves, price)))
            total = sum((leaves for leaves, _ in orders), Fraction(0))
            exceeding = total - max(Fraction(0), -sign(this) * user.position(market, idx).size)
            if exceeding > 0:
                worst = max(worst, sum(value for _, value in orders) / total * exceeding)
        return round8(worst / user.leverage + worst * user.fees[False, False] * 2)

    def held_value(self, uid: str, market: Market, idx: int) -> Fraction:
        return market.value(abs(self.users[uid].position(market, idx).size), market.mark)

    def equity(self, uid: str) -> Fraction:
        user = self.users[uid]
        total = sum((amount * self.dollars(coin) for coin, amount in user.cash.items()), Fraction(0))
        for market in (self.linear, self.inverse):
            for idx in (0, 1, 2):
                position = user.position(market, idx)
                side = 1 if position.size > 0 else -1
                worth = side * (-1 if market.inverse else 1) * self.held_value(uid, market, idx)
                total += (worth - position.cost) * self.dollars(market.settle)
        return total

    def available(self, uid: str) -> Fraction:
        user, used = self.users[uid], Fraction(0)
        for market in (self.linear, self.inverse):
            for idx in (0, 1, 2):
                value = self.held_value(uid, market, idx)
                need = round8(value / user.leverage + value * user.fees[False, False])
                need += self.order_margin(uid, market, idx)
                used += need * self.dollars(market.settle)
        return self.equity(uid) - used
