"""Seeded flows of calls for exchanges that are compared with each other: everything users and the market can do,
with marks that move far enough to liquidate."""

from decimal import Decimal
from random import Random
from typing import Any

from tests.unit.matching.support import BUY, INVERSE, LINEAR, SELL, SPOT, D, instruments
from tradectl.matching.exchange import Exchange
from tradectl.matching.records import Happening, NewOrder, Refused, StopChange, VenueOrder
from tradectl.matching.views import AccountFees
from tradectl.matching.walk import Step
from tradectl.model.instruments import Instrument, InstrumentId
from tradectl.model.orders import OrderType, Protection, SelfMatch, TimeInForce, TradingStop, Trigger, TriggerBy

USERS = ("ann", "bob")
IDS = (LINEAR, LINEAR, SPOT, INVERSE)
DERIVATIVES = (LINEAR, INVERSE)
FEES = AccountFees(D("-0.0001"), D("0.00123"), D("0.000213"), D("0.0005573"))

#: A method of the exchange and what it is called with.
Call = tuple[str, tuple[Any, ...]]


def opened(markets: list[Instrument] | None = None, **options: Any) -> Exchange:
    """Two funded accounts and no price at all."""
    venue = Exchange(markets or instruments(), seed="flows", **options)
    for uid, fees in zip(USERS, (FEES, AccountFees()), strict=True):
        venue.open_account(uid, fees, 0)
        venue.deposit(uid, "USDT", D(3000), 0)
        venue.deposit(uid, "BTC", D("0.05"), 0)
    return venue


def said(venue: Exchange, call: Call) -> tuple[Any, list[Happening]]:
    """The answer to a call (an order, several, or the code of the refusal) and what happened."""
    name, arguments = call
    if name == "walk":  # keeps the sides it is given
        key, step, now = arguments
        arguments = key, Step(step.price, step.lots, dict(step.bids), dict(step.asks), step.mark), now
    try:
        result = getattr(venue, name)(*arguments)
    except Refused as refused:
        return refused.code, []
    return result if isinstance(result, tuple) else (None, result)


class Flow:
    """Draws the next call; ``venue`` is only looked at, so that calls can name orders and positions it has."""

    def __init__(self, seed: int, marks: bool = True) -> None:
        self.random = Random(seed)
        self.now = 0
        self.price = 50_000
        self.marks = marks

    def next(self, venue: Exchange) -> Call:
        """One more call, a second after the one before."""
        self.now += 1_000_000_000
        kinds = {
            "limit": 20, "market": 20, "stop": 5, "bracket": 6, "amend": 5, "cancel": 5, "cancel_all": 1, "book": 14,
            "update": 4, "print": 12, "last": 6, "mark": 14 * self.marks, "fund": 2, "protect": 5, "add": 2,
            "leverage": 2, "deposit": 2, "hedge": 1, "far": 3, "walk": 8 * self.marks,
        }  # fmt: skip
        kind = self.random.choices(list(kinds), list(kinds.values()))[0]
        call: Call = getattr(self, "_" + kind)(venue)
        return call

    # --- what is drawn

    def _ticks(self, key: InstrumentId, spread: int = 60) -> Decimal:
        return D(self.price + self.random.randint(-spread, spread)) + (0 if key is INVERSE else D("0.1"))

    def _qty(self, key: InstrumentId) -> Decimal:
        unit, most = {SPOT: ("0.001", 60), INVERSE: ("1", 9000)}.get(key, ("0.001", 400))
        return self.random.randint(1, most) * D(unit)

    def _user(self) -> str:
        return self.random.choice(USERS)

    def _idx(self, venue: Exchange, uid: str, key: InstrumentId) -> int:
        return self.random.choice((1, 2)) if venue.is_hedged(uid, key) else 0

    def _order(self, venue: Exchange, kind: OrderType, **more: Any) -> Call:
        uid, key, side = self._user(), self.random.choice(IDS), self.random.choice((BUY, SELL))
        price = self._ticks(key) if kind is OrderType.LIMIT else None
        force = self.random.choice([*TimeInForce, *[TimeInForce.GTC] * 8])
        made = NewOrder(
            key, side, kind, self._qty(key), price, force, self.random.random() < 0.2, link_id=f"f{self.now}",
            position_idx=self._idx(venue, uid, key), self_match=self.random.choice([*SelfMatch, *[SelfMatch.NONE] * 5]),
            **more,
        )  # fmt: skip
        return "place", (uid, made, self.now)

    def _limit(self, venue: Exchange) -> Call:
        return self._order(venue, OrderType.LIMIT)

    def _market(self, venue: Exchange) -> Call:
        return self._order(venue, OrderType.MARKET)

    def _stop(self, venue: Exchange) -> Call:
        at = self.random.choice((-1, 1)) * self.random.randint(1, 80)
        trigger = Trigger(D(self.price + at), at > 0, self.random.choice([*TriggerBy]))
        more = {"order_filter": self.random.choice(("Order", "tpslOrder", "StopOrder")), "trigger": trigger}
        return self._order(venue, self.random.choice(list(OrderType)), **more)

    def _bracket(self, venue: Exchange) -> Call:
        up, down = D(self.price + self.random.randint(5, 200)), D(self.price - self.random.randint(5, 200))
        name, (uid, made, now) = self._order(venue, self.random.choice(list(OrderType)))
        up, down = (up, down) if made.side is BUY else (down, up)
        legs = Protection(up, down, partial=self.random.random() < 0.6)
        order = NewOrder(
            made.instrument, made.side, made.type, made.qty, made.price, link_id=made.link_id, protection=legs,
            position_idx=made.position_idx,
        )  # fmt: skip
        return name, (uid, order, now)

    def _open(self, venue: Exchange) -> tuple[str, VenueOrder | None]:
        uid = self._user()
        orders = venue.open_orders(uid)
        return uid, self.random.choice(orders) if orders else None

    def _amend(self, venue: Exchange) -> Call:
        uid, order = self._open(venue)
        if order is None:
            return self._limit(venue)
        key = order.instrument
        qty, price = self.random.choice((None, self._qty(key))), self.random.choice((None, self._ticks(key)))
        change = StopChange(trigger_price=self.random.choice((None, self._ticks(key))))
        return "amend", (uid, key, order.order_id, "", qty, price, self.now, change)

    def _cancel(self, venue: Exchange) -> Call:
        uid, order = self._open(venue)
        return "cancel", (uid, order.instrument if order else LINEAR, order.order_id if order else "x", "", self.now)

    def _cancel_all(self, venue: Exchange) -> Call:
        return "cancel_all", (self._user(), self.random.choice((None, *IDS)), self.now)

    def _book(self, venue: Exchange) -> Call:
        key, mid = self.random.choice(IDS), self._ticks(self.random.choice(IDS))
        mid = D(int(mid))

        def side(sign: int) -> list[tuple[Decimal, Decimal]]:
            steps = sorted(self.random.sample(range(1, 20), self.random.randint(0, 3)))
            return [(mid + sign * step, self._qty(key) * 3) for step in steps]

        return "set_book", (key, side(-1), side(1), self.now)

    def _update(self, venue: Exchange) -> Call:
        key = self.random.choice(IDS)
        level = [(D(self.price - self.random.randint(1, 60)), self.random.choice((D(0), self._qty(key))))]
        return "update_levels", (key, level, [], self.now)

    def _print(self, venue: Exchange) -> Call:
        key, side = self.random.choice(IDS), self.random.choice((BUY, SELL))
        return "print_trade", (key, side, self._ticks(key), self._qty(key), self.now)

    def _last(self, venue: Exchange) -> Call:
        key = self.random.choice(IDS)
        return "set_last", (key, self._ticks(key), self.now)

    def _mark(self, venue: Exchange) -> Call:
        self.price = max(1000, self.price + self.random.randint(-150, 150))
        mark = self.price + self.random.randint(-9, 9) * D("0.013")
        return "set_mark", (self.random.choice(IDS), mark, mark + self.random.randint(-3, 3), self.now)

    def _far(self, venue: Exchange) -> Call:
        """A move that liquidates who is exposed."""
        self.price = self.random.randint(38_000, 64_000)
        return self._mark(venue) if self.marks else self._last(venue)

    def _walk(self, venue: Exchange) -> Call:
        """A step of a price's way, as candle backtests take it."""
        key = self.random.choice(IDS)
        price = self._ticks(key, 120)
        tick, lot = venue.instruments[key].tick_size, venue.instruments[key].lot_size
        ticks, lots = int(price / tick), int(self._qty(key) / lot)
        mark = self.random.choice((None, D(self.price)))
        step = Step(price, self.random.choice((0, lots)), {1 - ticks: lots}, {ticks + 1: lots}, mark)
        return "walk", (key, step, self.now)

    def _fund(self, venue: Exchange) -> Call:
        return "settle_funding", (
            self.random.choice(DERIVATIVES),
            self.random.randint(-90, 90) * D("0.00001"),
            self.now,
        )

    def _protect(self, venue: Exchange) -> Call:
        uid, key = self._user(), self.random.choice(DERIVATIVES)
        legs = [self.random.choice((None, D(0), self._ticks(key, 300))) for _ in range(2)]
        trail = self.random.choice((None, None, D(0), D(self.random.randint(5, 90))))
        wanted = TradingStop(key, self._idx(venue, uid, key), legs[0], legs[1], trail)
        return "set_trading_stop", (uid, wanted, self.now)

    def _add(self, venue: Exchange) -> Call:
        uid, key = self._user(), self.random.choice(DERIVATIVES)
        idx = self._idx(venue, uid, key)
        size = venue.position(uid, key, idx).size
        legs = Protection(D(self.price + (90 if size > 0 else -90)), D(self.price - (90 if size > 0 else -90)))
        return "add_partial_stops", (uid, key, idx, legs, abs(size) or self._qty(key), self.now)

    def _leverage(self, venue: Exchange) -> Call:
        return "set_leverage", (self._user(), self.random.choice(DERIVATIVES), D(self.random.randint(1, 100)), self.now)

    def _deposit(self, venue: Exchange) -> Call:
        coin = self.random.choice(("USDT", "BTC"))
        amount = self.random.randint(-1500, 1200) * (D(1) if coin == "USDT" else D("0.00001"))
        return "deposit", (self._user(), coin, amount, self.now)

    def _hedge(self, venue: Exchange) -> Call:
        uid = self._user()
        return "switch_mode", (uid, LINEAR, not venue.is_hedged(uid, LINEAR), self.now)
