"""The matching rules once more, the slow obvious way: Fractions, lists and loops, no order that is not searched for.

Prices, sizes and money are plain ``Fraction``; a market is a dict of displayed levels ``price -> [size, used]`` per
side and one list of resting orders in time order. It refuses for missing funds and for reduce-only without a position;
it does not know price bands, size limits and liquidation, which have tests of their own.
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


@dataclass
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

    @property
    def leaves(self) -> Fraction:
        return self.qty - self.filled


@dataclass
class Market:
    spot: bool
    base: str
    quote: str
    tick: Fraction
    lot: Fraction
    mark: Fraction
    last: Fraction | None = None
    shown: dict[str, dict[Fraction, list[Fraction]]] = field(default_factory=lambda: {BUY: {}, SELL: {}})
    orders: list[Order] = field(default_factory=list)


@dataclass
class User:
    fees: dict[tuple[bool, bool], Fraction]  # (spot, maker) -> rate
    cash: dict[str, Fraction] = field(default_factory=dict)
    size: Fraction = Fraction(0)  # of the one linear market
    cost: Fraction = Fraction(0)
    leverage: Fraction = Fraction(10)


def other(side: str) -> str:
    return SELL if side == BUY else BUY


def sign(side: str) -> int:
    return 1 if side == BUY else -1


def worse(side: str, price: Fraction, limit: Fraction) -> bool:
    """Whether an order of ``side`` with ``limit`` must not trade at ``price``."""
    return price > limit if side == BUY else price < limit


class Oracle:
    def __init__(self, spot: Market, linear: Market, users: dict[str, User]) -> None:
        self.spot, self.linear, self.users = spot, linear, users
        self.trades: list[tuple[Any, ...]] = []
        self.turn = 0

    # --- requests

    def place(
        self, uid: str, market: Market, side: str, link: str, qty: Fraction, price: Fraction | None, tif: str,
        reduce_only: bool, amount: Fraction | None,
    ) -> Order:  # fmt: skip
        user = self.users[uid]
        limit = price if price is not None else self.bound(market, side)
        if reduce_only and not market.spot:
            if user.size * sign(side) >= 0:
                raise OracleRefused(110017)
            qty = min(qty, abs(user.size))
        order = Order(uid, link, market, side, limit, qty, tif, reduce_only and not market.spot)
        if amount is not None:
            if amount > self.free(uid, market.quote):
                raise OracleRefused(170131)
        else:
            value_price = price
            if value_price is None:
                known = [market.mark]
                best = [p for p, (s, u) in market.shown[other(side)].items() if s > u]
                if best:
                    known.append(min(best) if side == BUY else max(best))
                value_price = max(known)
            self.check_funds(order, limit if market.spot else value_price)
        self.match(order, amount)
        return order

    def amend(self, order: Order, qty: Fraction | None, price: Fraction | None) -> None:
        if qty in (None, order.qty) and price in (None, order.price):
            raise OracleRefused(10001)
        new_qty = order.qty if qty is None else qty
        new_price = order.price if price is None else price
        if new_qty <= order.filled:
            raise OracleRefused(170313 if order.market.spot else 110064)
        if order.reduce_only:
            new_qty = order.filled + min(new_qty - order.filled, abs(self.users[order.uid].size))
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

    # --- the market

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

    def fund(self, rate: Fraction) -> None:
        for uid, user in self.users.items():
            if user.size:
                payment = round8(user.size * self.linear.mark * rate)
                user.cash[self.linear.quote] -= payment
                self.trades.append(("Funding", uid, payment))

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
            self.book(order, price, qty, False)
            if maker is None:
                cell[1] += qty
            else:
                self.fill_maker(maker, qty)
            self.keep_reducing()
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
        shown = order.market.shown[other(order.side)]
        total = sum((s - u for p, (s, u) in shown.items() if not worse(order.side, p, order.price)), Fraction(0))
        for resting in order.market.orders:
            if resting.side != order.side and not worse(order.side, resting.price, order.price):
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
        self.book(maker, maker.price, qty, True)
        if maker.leaves == 0:
            maker.status = "Filled"
            maker.market.orders.remove(maker)
        else:
            maker.status = "PartiallyFilled"
        self.keep_reducing()

    def keep_reducing(self) -> None:
        for order in list(self.linear.orders):
            if not order.reduce_only:
                continue
            size = self.users[order.uid].size
            if size * sign(order.side) >= 0:
                self.cancel(order)
            elif order.leaves > abs(size):
                order.qty = order.filled + abs(size)

    def close(self, order: Order) -> None:
        spot = order.market.spot
        order.status = "PartiallyFilledCanceled" if spot and order.filled else "Cancelled"

    # --- money

    def book(self, order: Order, price: Fraction, qty: Fraction, maker: bool) -> None:
        user, market = self.users[order.uid], order.market
        order.filled += qty
        rate = user.fees[market.spot, maker]
        signed, value, profit = sign(order.side) * qty, qty * price, Fraction(0)
        if market.spot:
            coin = market.base if (order.side == BUY) == (rate >= 0) else market.quote
            fee = round8((qty if coin == market.base else value) * rate)
            user.cash[market.base] = user.cash.get(market.base, Fraction(0)) + signed
            user.cash[market.quote] = user.cash.get(market.quote, Fraction(0)) - sign(order.side) * value
        else:
            coin, fee = market.quote, round8(value * rate)
            profit = self.trade_position(user, signed, price)
            user.cash[coin] += profit
        user.cash[coin] -= fee
        self.trades.append((order.uid, order.link, order.side, price, qty, maker, coin, fee, profit))

    def trade_position(self, user: User, qty: Fraction, price: Fraction) -> Fraction:
        profit = Fraction(0)
        if user.size * qty < 0:
            closing = max(qty, -user.size) if qty < 0 else min(qty, -user.size)
            profit = -closing * price + user.cost * closing / user.size
            if closing != -user.size:
                profit = round8(profit)
            user.cost += closing * price + profit
            user.size += closing
            qty -= closing
        user.size += qty
        user.cost += qty * price
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
        return self.users[uid].cash.get(coin, Fraction(0)) - locked

    def check_funds(self, order: Order, price: Fraction) -> None:
        if order.reduce_only:
            return
        if order.market.spot:
            coin, need = (
                (self.spot.quote, order.leaves * price) if order.side == BUY else (self.spot.base, order.leaves)
            )
            if need > self.free(order.uid, coin):
                raise OracleRefused(170131)
            return
        before = self.order_margin(order.uid)
        after = self.order_margin(order.uid, order.side, order.leaves, price)
        if after > before and after - before > self.available(order.uid):
            raise OracleRefused(110007)

    def order_margin(
        self, uid: str, side: str = BUY, qty: Fraction = Fraction(0), price: Fraction = Fraction(0)
    ) -> Fraction:
        """Of the worse side: the average price of its orders times what they exceed the position by."""
        user, worst = self.users[uid], Fraction(0)
        for this in (BUY, SELL):
            orders = [
                (o.leaves, o.price) for o in self.linear.orders if o.uid == uid and o.side == this and not o.reduce_only
            ]
            if this == side:
                orders.append((qty, price))
            total = sum((leaves for leaves, _ in orders), Fraction(0))
            exceeding = total - max(Fraction(0), -sign(this) * user.size)
            if exceeding > 0:
                average = sum(leaves * at for leaves, at in orders) / total
                worst = max(worst, average * exceeding)
        return round8(worst / user.leverage + worst * user.fees[False, False] * 2)

    def equity(self, uid: str) -> Fraction:
        user = self.users[uid]
        base = user.cash.get(self.spot.base, Fraction(0)) * self.spot.mark
        return user.cash[self.linear.quote] + base + user.size * self.linear.mark - user.cost

    def available(self, uid: str) -> Fraction:
        user = self.users[uid]
        value = abs(user.size) * self.linear.mark
        used = round8(value / user.leverage + value * user.fees[False, False])
        return self.equity(uid) - used - self.order_margin(uid)
