"""A venue for candles once more, the slow obvious way: one account, Fractions, lists that are searched from the start.

It knows linear perpetuals and spot in one-way mode. A market is a price; around it stands a book of so many levels a
tick apart. What rests trades when the price goes through it, at its own price, and together no more than a bar's share
at each stop on the way. Nothing here is from the package that is tested.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil, floor
from typing import Any

BUY, SELL = 1, -1
BOUND = Fraction(5, 100)
MAINTENANCE = Fraction(5, 1000)
PLENTY = Fraction(10**30)


class Refused(Exception):
    """The venue does not take it."""


def number(value: Any) -> Fraction:
    """The number a text or the shortest text of a float says."""
    return Fraction(str(value))


def round8(value: Fraction) -> Fraction:
    return Fraction(round(value * 10**8), 10**8)


@dataclass(frozen=True)
class Spec:
    symbol: str
    tick: Fraction
    lot: Fraction
    spot: bool = False

    @property
    def base(self) -> str:
        return self.symbol.removesuffix("USDT")


@dataclass(frozen=True)
class Costs:
    """``spread`` in ticks on each side; ``share`` of a bar's volume at each price, 0: no bound."""

    maker: Fraction
    taker: Fraction
    spread: int = 0
    slippage_bps: float = 0.0
    impact_bps: float = 0.0
    share: float = 0.0


@dataclass(eq=False)
class Order:
    link: int
    symbol: str
    side: int
    qty: Fraction
    price: Fraction | None  # None: at market
    tif: str = "GTC"
    reduce_only: bool = False
    trigger: tuple[Fraction, bool] | None = None
    tp: Fraction | None = None
    sl: Fraction | None = None
    kind: str = ""  # tp or sl: an exit the venue made
    parent: "Order | None" = None
    partner: "Order | None" = None  # ends with it, and the other way round
    twin: "Order | None" = None  # the other exit of the same fill, whatever became of them
    limit: Fraction = Fraction(0)  # what it may trade at, at worst
    filled: Fraction = Fraction(0)
    status: str = "New"
    clears: bool = False  # our own orders it meets are cancelled

    @property
    def leaves(self) -> Fraction:
        return self.qty - self.filled


@dataclass(eq=False)
class Market:
    spec: Spec
    price: float = 0.0
    volume: float = 0.0
    last: Fraction = Fraction(0)  # the price on the tick
    asks: dict[Fraction, Fraction] = field(default_factory=dict)  # what is left to take
    bids: dict[Fraction, Fraction] = field(default_factory=dict)
    size: Fraction = Fraction(0)
    cost: Fraction = Fraction(0)

    @property
    def mark(self) -> Fraction:
        """What a position is worth by: the price as the candles have it."""
        return number(self.price)


class Venue:
    """``say`` hears ("fill", order or None, details) and ("order", order)."""

    def __init__(self, specs: list[Spec], cash: Fraction, leverage: Fraction, costs: Costs) -> None:
        self.markets = {it.symbol: Market(it) for it in specs}
        self.cash: dict[str, Fraction] = {"USDT": cash}
        self.leverage, self.costs = leverage, costs
        self.resting: list[Order] = []
        self.waiting: list[Order] = []
        self.fills: list[dict[str, Any]] = []
        self.now = 0
        self.say: Callable[..., None] = lambda *what: None

    # --- the market moves

    def waypoints(self, symbol: str) -> list[Fraction]:
        """Where something could happen: at triggers, and one tick beyond what rests."""
        tick = self.markets[symbol].spec.tick
        points = [o.trigger[0] for o in self.waiting if o.symbol == symbol and o.trigger is not None]
        return points + [o.limit - o.side * tick for o in self.resting if o.symbol == symbol]

    def next_stop(self, symbol: str, target: float) -> float | None:
        """The nearest of them on the way from here to there, both left out."""
        here, there = number(self.markets[symbol].price), number(target)
        if there > here:
            ahead = [p for p in self.waypoints(symbol) if here < p < there]
            return float(min(ahead)) if ahead else None
        ahead = [p for p in self.waypoints(symbol) if there < p < here]
        return float(max(ahead)) if ahead else None

    def visit(self, symbol: str, price: float) -> None:
        """The price is here now: what it went through trades, what waited for it fires, what is lost is taken over."""
        market = self.markets[symbol]
        market.price = price
        market.last = self.on_tick(market)
        lots = self.share(market)
        for side in (BUY, SELL):
            while lots > 0:
                through = [o for o in self.resting if o.symbol == symbol and o.side == side]
                through = [o for o in through if (o.limit - market.last) * side > 0]
                if not through:
                    break
                best = max(through, key=lambda o: o.limit * side)  # of equal ones the first: the oldest
                part = min(lots, best.leaves)
                lots -= part
                self.fill_resting(best, part)
        self.show(market, 0, Fraction(0), both=True)
        due = [o for o in self.waiting if o.symbol == symbol and o.trigger is not None]
        due = [o for o in due if (market.last >= o.trigger[0] if o.trigger[1] else market.last <= o.trigger[0])]  # type: ignore[index]
        for order in due:
            if order in self.waiting:
                self.fire(order)
        self.liquidate()

    def share(self, market: Market) -> Fraction:
        if market.volume <= 0:
            return Fraction(0)
        return self.level(market) if self.costs.share else PLENTY

    def level(self, market: Market) -> Fraction:
        """What stands at each price."""
        if not self.costs.share:
            return PLENTY
        lot = market.spec.lot
        return floor(number(repr(market.volume * self.costs.share)) / lot) * lot

    def on_tick(self, market: Market) -> Fraction:
        tick = market.spec.tick
        return round(number(market.price) / tick) * tick

    def show(self, market: Market, side: int, qty: Fraction, both: bool = False) -> None:
        """A fresh book around the price, worse by the slippage for a taker of ``side`` (or for ``both``)."""
        tick, costs = market.spec.tick, self.costs
        exact = number(market.price) / tick
        bid, ask = max(floor(exact) - costs.spread, 1), ceil(exact) + costs.spread
        bps = costs.slippage_bps
        if costs.impact_bps and market.volume > 0:
            bps += costs.impact_bps * (float(qty) / market.volume) ** 0.5
        worse = round(market.price * bps / 10_000 / float(tick)) if bps else 0
        ask += worse if side == BUY or both else 0
        bid = max(bid - worse, 1) if side == SELL or both else bid
        size = self.level(market)
        if not costs.share:
            market.bids, market.asks = {bid * tick: size}, {ask * tick: size}
        elif not size:
            market.bids, market.asks = {}, {}
        else:
            market.bids = {key * tick: size for key in range(bid, max(bid - 20, 0), -1)}
            market.asks = {key * tick: size for key in range(ask, ask + 20)}

    def settle_funding(self, symbol: str, rate: Fraction) -> None:
        market = self.markets[symbol]
        if market.size:
            payment = round8(market.size * market.mark * rate)
            self.cash["USDT"] -= payment
            side = BUY if market.size > 0 else SELL
            self.note(symbol, side, market.mark, abs(market.size), payment, "USDT", False, "Funding", Fraction(0), None)
        self.liquidate()

    # --- requests

    def place(self, order: Order) -> None:
        market = self.markets[order.symbol]
        if order.trigger is not None:
            self.show(market, 0, Fraction(0))
            self.check_legs(order)
            at, rises = order.trigger
            if market.spec.spot:  # nobody says which way there: it is where the price has to go from here
                rises = at > market.last
                order.trigger = (at, rises)
            if (at <= market.last) if rises else (at >= market.last):
                raise Refused("trigger")
            order.status = "Untriggered"
            self.waiting.append(order)
            self.say("order", order)
            return
        self.show(market, order.side if order.price is None else 0, order.qty)
        self.check_legs(order)
        self.plan(order)
        self.match(order)

    def check_legs(self, order: Order) -> None:
        entry = order.price
        if entry is None:
            entry = self.markets[order.symbol].last if order.trigger is None else order.trigger[0]
        if order.tp is not None and (order.tp - entry) * order.side <= 0:
            raise Refused("take profit")
        if order.sl is not None and (order.sl - entry) * order.side >= 0:
            raise Refused("stop loss")

    def plan(self, order: Order) -> None:
        """Limit, quantity and funds of an order that is about to meet the market."""
        market = self.markets[order.symbol]
        order.limit = order.price if order.price is not None else self.bound(market, order.side)
        if order.reduce_only:
            if market.size * order.side >= 0:
                raise Refused("nothing to reduce")
            order.qty = min(order.qty, abs(market.size))
        else:
            self.check_funds(order)

    def bound(self, market: Market, side: int) -> Fraction:
        ticks = (market.last if market.spec.spot else market.mark) * (1 + side * BOUND) / market.spec.tick
        return (floor(ticks) if side == BUY else max(1, ceil(ticks))) * market.spec.tick

    def amend(self, order: Order, qty: Fraction | None, price: Fraction | None, trigger: Fraction | None) -> None:
        market = self.markets[order.symbol]
        self.show(market, 0, Fraction(0))
        if order in self.waiting:
            self.amend_waiting(order, qty, price, trigger)
            return
        if order not in self.resting:
            raise Refused("unknown")
        if qty in (None, order.qty) and price in (None, order.limit):
            raise Refused("nothing changes")
        new_qty, new_price = order.qty if qty is None else qty, order.limit if price is None else price
        self.check_amended_legs(order, new_price)
        if new_qty <= order.filled:
            raise Refused("filled already")
        if order.reduce_only:
            new_qty = order.filled + min(new_qty - order.filled, abs(market.size))
        place, old = self.resting.index(order), (order.qty, order.limit)
        self.resting.remove(order)
        order.qty, order.limit = new_qty, new_price
        try:
            if not order.reduce_only:
                self.check_funds(order)
        except Refused:
            order.qty, order.limit = old
            self.resting.insert(place, order)
            raise
        order.price = new_price
        if new_price == old[1] and new_qty <= old[0]:
            self.resting.insert(place, order)
            self.say("order", order)
        else:
            self.match(order)

    def check_amended_legs(self, order: Order, price: Fraction) -> None:
        """Attached stops that are not named are not looked at again."""

    def amend_waiting(
        self, order: Order, qty: Fraction | None, price: Fraction | None, trigger: Fraction | None
    ) -> None:
        market = self.markets[order.symbol]
        at, rises = order.trigger  # type: ignore[misc]
        if trigger is not None and ((trigger <= market.last) if rises else (trigger >= market.last)):
            raise Refused("trigger")
        new = (order.qty if qty is None else qty, order.price if price is None else price, trigger or at)
        if new == (order.qty, order.price, at):
            raise Refused("nothing changes")
        order.qty, order.price, order.trigger = new[0], new[1], (new[2], rises)
        partner = order.partner
        if partner is not None and partner in self.waiting:
            order.partner = partner.partner = None
        self.say("order", order)

    def cancel(self, order: Order) -> None:
        if order in self.waiting:
            self.waiting.remove(order)
            self.leave_partner(order)
            order.status = "Deactivated"
        elif order in self.resting:
            self.resting.remove(order)
            order.status = "Cancelled"
        else:
            raise Refused("unknown")
        self.say("order", order)

    def leave_partner(self, order: Order) -> None:
        if order.partner is not None and order.partner in self.waiting:
            order.partner.partner = None

    # --- matching

    def match(self, order: Order) -> None:
        if order.tif == "PostOnly" and self.counterpart(order) is not None:
            self.end(order)
            return
        if order.tif == "FOK" and self.reachable(order) < order.leaves:
            self.end(order)
            return
        market = self.markets[order.symbol]
        while order.leaves > 0:
            found = self.counterpart(order)
            if found is None:
                break
            price, maker = found
            if maker is not None and order.clears:
                self.cancel(maker)
                continue
            shown = market.asks if order.side == BUY else market.bids
            part = min(order.leaves, shown[price] if maker is None else maker.leaves)
            closed = self.book(order, price, part, False)
            if maker is None:
                shown[price] -= part
            else:
                self.fill_resting(maker, part)
            self.after(order, part, closed)
        if order.leaves == 0:
            order.status = "Filled"
        elif order.price is None or order.tif in ("IOC", "FOK"):
            self.end(order)
            return
        else:
            order.status = "PartiallyFilled" if order.filled else "New"
            self.resting.append(order)
            self.say("order", order)
            self.keep_reducing(order.symbol)
            return
        self.say("order", order)

    def end(self, order: Order) -> None:
        order.status = "Cancelled"
        self.say("order", order)

    def counterpart(self, order: Order) -> tuple[Fraction, Order | None] | None:
        """The best price it may trade at: our own orders there come before the market's."""
        market = self.markets[order.symbol]
        shown = market.asks if order.side == BUY else market.bids
        offers: list[tuple[Fraction, Order | None]] = [
            (o.limit, o) for o in self.resting if o.symbol == order.symbol and o.side == -order.side
        ]
        offers += [(price, None) for price, left in shown.items() if left > 0]
        offers = [(price, maker) for price, maker in offers if (order.limit - price) * order.side >= 0]
        return min(offers, key=lambda it: it[0] * order.side) if offers else None

    def reachable(self, order: Order) -> Fraction:
        market = self.markets[order.symbol]
        shown = market.asks if order.side == BUY else market.bids
        total = sum((left for price, left in shown.items() if (order.limit - price) * order.side >= 0), Fraction(0))
        own = [o for o in self.resting if o.symbol == order.symbol and o.side == -order.side and not order.clears]
        return total + sum((o.leaves for o in own if (order.limit - o.limit) * order.side >= 0), Fraction(0))

    def fill_resting(self, maker: Order, qty: Fraction) -> None:
        closed = self.book(maker, maker.limit, qty, True)
        maker.status = "PartiallyFilled"
        if maker.leaves == 0:
            maker.status = "Filled"
            self.resting.remove(maker)
        self.after(maker, qty, closed)
        self.say("order", maker)

    # --- triggers and exits

    def fire(self, order: Order) -> None:
        self.waiting.remove(order)
        if order.partner is not None and order.partner in self.resting:
            self.cancel(order.partner)
        order.status = "Triggered"
        self.say("triggered", order)
        try:
            self.plan(order)
        except Refused as refused:
            order.status = "Cancelled" if str(refused) == "nothing to reduce" else "Rejected"
            self.say("order", order)
            return
        order.status = "New"
        self.match(order)

    def after(self, order: Order, qty: Fraction, closed: Fraction) -> None:
        """What a fill changes beside money."""
        partner = order.partner
        if partner is not None and partner in self.waiting:
            if order.leaves == 0:
                self.drop(partner)
            else:
                partner.qty = order.leaves
                self.say("order", partner)
        if (order.tp is not None or order.sl is not None) and qty > closed:
            self.attach(order, qty - closed)
        self.keep_reducing(order.symbol)
        size = self.markets[order.symbol].size
        for exit in list(self.waiting):
            if exit.kind and exit.symbol == order.symbol and size * exit.side >= 0:
                self.drop(exit)

    def drop(self, order: Order) -> None:
        if order in self.waiting:
            self.cancel(order)

    def attach(self, order: Order, opened: Fraction) -> None:
        mine = [o for o in self.waiting if o.parent is order and (o.partner is None or o.partner in self.waiting)]
        for exit in mine:
            exit.qty += opened
            self.say("order", exit)
        if mine:
            return
        made = []
        for kind, at in (("tp", order.tp), ("sl", order.sl)):
            if at is not None:
                rises = (kind == "tp") == (order.side == BUY)
                exit = Order(-1, order.symbol, -order.side, opened, None, "IOC", True, (at, rises), kind=kind)
                exit.parent, exit.status = order, "Untriggered"
                made.append(exit)
        for exit in made:
            exit.partner = exit.twin = made[1 - made.index(exit)] if len(made) == 2 else None
            self.waiting.append(exit)
            self.say("order", exit)

    def keep_reducing(self, symbol: str) -> None:
        size = self.markets[symbol].size
        for order in list(self.resting):
            if order.symbol != symbol or not order.reduce_only:
                continue
            if size * order.side >= 0:
                self.cancel(order)
            elif order.leaves > abs(size):
                order.qty = order.filled + abs(size)
                self.say("order", order)

    # --- money

    def book(self, order: Order, price: Fraction, qty: Fraction, maker: bool, kind: str = "Trade") -> Fraction:
        market = self.markets[order.symbol]
        order.filled += qty
        rate, value = self.costs.maker if maker else self.costs.taker, price * qty
        profit = closed = Fraction(0)
        if market.spec.spot:
            base = market.spec.base
            self.cash[base] = self.cash.get(base, Fraction(0)) + order.side * qty
            self.cash["USDT"] -= order.side * value
            coin = base if order.side == BUY else "USDT"
            fee = round8((qty if order.side == BUY else value) * rate)
        else:
            coin, fee = "USDT", round8(value * rate)
            if market.size * order.side < 0:
                closed = min(qty, abs(market.size))
            profit = self.trade(market, order.side * qty, price)
            self.cash["USDT"] += profit
        self.cash[coin] -= fee
        self.note(order.symbol, order.side, price, qty, fee, coin, maker, kind, profit, order)
        return closed

    def note(
        self, symbol: str, side: int, price: Fraction, qty: Fraction, fee: Fraction, coin: str, maker: bool, kind: str,
        profit: Fraction, order: Order | None,
    ) -> None:  # fmt: skip
        row = {"ts": self.now, "symbol": symbol, "side": side, "price": price, "qty": qty, "fee": fee, "coin": coin,
               "maker": maker, "kind": kind, "profit": profit}  # fmt: skip
        self.fills.append(row)
        self.say("fill", order, row)

    @staticmethod
    def trade(market: Market, qty: Fraction, price: Fraction) -> Fraction:
        """Change a position; its profit is what the cost does not explain, rounded while something is left."""
        profit = Fraction(0)
        if market.size * qty < 0:
            closing = qty if abs(qty) <= abs(market.size) else -market.size
            share = market.cost * closing / market.size  # negative of the cost that goes
            profit = -closing * price + share
            if closing != -market.size:
                profit = round8(profit)
            market.cost += closing * price + profit
            market.size += closing
            qty -= closing
        market.size += qty
        market.cost += qty * price
        return profit

    def equity(self) -> Fraction:
        held = sum((m.size * m.mark - m.cost for m in self.markets.values()), Fraction(0))
        coins = [self.cash.get(m.spec.base, Fraction(0)) * m.mark for m in self.markets.values() if m.spec.spot]
        return self.cash["USDT"] + held + sum(coins, Fraction(0))

    def check_funds(self, order: Order) -> None:
        market = self.markets[order.symbol]
        if market.spec.spot:
            coin, need = ("USDT", order.leaves * order.limit) if order.side == BUY else (market.spec.base, order.leaves)
            if need > self.cash.get(coin, Fraction(0)) - self.locked(coin):
                raise Refused("balance")
            return
        price = order.limit
        if order.price is None:
            shown = [p for p, left in (market.asks if order.side == BUY else market.bids).items() if left > 0]
            best = (min(shown) if order.side == BUY else max(shown)) if shown else market.mark
            price = max(best, market.mark)
        before = self.order_margin(order.symbol, None, price)
        after = self.order_margin(order.symbol, order, price)
        if after > before and after - before > self.available():
            raise Refused("margin")

    def locked(self, coin: str) -> Fraction:
        total = Fraction(0)
        for order in self.resting:
            if coin == "USDT" and order.side == BUY:
                total += order.leaves * order.limit
            if coin == self.markets[order.symbol].spec.base and order.side == SELL:
                total += order.leaves
        return total

    def order_margin(self, symbol: str, more: Order | None, price: Fraction) -> Fraction:
        """Of the side that could add more: the average value of its orders times what exceeds the position."""
        size, worst = self.markets[symbol].size, Fraction(0)
        for side in (BUY, SELL):
            own = [o for o in self.resting if o.symbol == symbol and o.side == side and not o.reduce_only]
            pairs = [(o.leaves, o.leaves * o.limit) for o in own]
            if more is not None and more.side == side:
                pairs.append((more.leaves, more.leaves * price))
            total = sum((qty for qty, _ in pairs), Fraction(0))
            beyond = total - max(Fraction(0), -side * size)
            if beyond > 0:
                worst = max(worst, sum((value for _, value in pairs), Fraction(0)) / total * beyond)
        return round8(worst / self.leverage + worst * self.costs.taker * 2)

    def available(self) -> Fraction:
        used = Fraction(0)
        for market in self.markets.values():
            if not market.spec.spot:
                value = abs(market.size) * market.mark
                used += round8(value / self.leverage + value * self.costs.taker)
                used += self.order_margin(market.spec.symbol, None, Fraction(0))
        return self.equity() - used

    def liquidate(self) -> None:
        """When what must be kept for the positions is not there, all of them go at the price that leaves nothing."""
        held = [m for m in self.markets.values() if m.size and not m.spec.spot]
        needed = sum((round8(abs(m.size) * m.mark * (MAINTENANCE + self.costs.taker)) for m in held), Fraction(0))
        balance = self.equity()
        if not held or needed < balance:
            return
        for order in [*self.resting, *self.waiting]:
            if order in self.resting or order in self.waiting:
                self.cancel(order)
        total = sum((abs(m.size) * m.mark for m in held), Fraction(0))
        if not total:
            return
        for market, value in [(m, abs(m.size) * m.mark) for m in held]:
            self.take_over(market, balance * value / total)

    def take_over(self, market: Market, share: Fraction) -> None:
        tick, each, size = market.spec.tick, share / market.size, market.size
        if size > 0:
            price = max(1, ceil((market.mark - each) / (1 - self.costs.taker) / tick)) * tick
        else:
            price = max(1, floor((market.mark - each) / (1 + self.costs.taker) / tick)) * tick
        order = Order(-2, market.spec.symbol, SELL if size > 0 else BUY, abs(size), price)
        self.book(order, price, abs(size), False, "BustTrade")
