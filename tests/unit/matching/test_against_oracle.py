"""Random flows through the exchange and through the slow oracle: the same trades, orders, money and positions."""

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from random import Random
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.oracles import ledger_checker as checker
from tests.oracles.matching_oracle import Market, Oracle, OracleRefused, Order, User
from tests.unit.matching.support import BUY, SELL, D, assert_conserved, fills, wire_row
from tradectl.matching.exchange import Exchange
from tradectl.matching.records import Fill, Happening, NewOrder, Refused, StopChange
from tradectl.matching.views import AccountFees
from tradectl.model.instruments import Category, Instrument, InstrumentId
from tradectl.model.money import use_exact_context
from tradectl.model.orders import (
    OrderType,
    Protection,
    SelfMatch,
    Side,
    TimeInForce,
    TradingStop,
    Trigger,
    TriggerBy,
)

SPOT_ID, LINEAR_ID = InstrumentId(Category.SPOT, "ABC"), InstrumentId(Category.LINEAR, "ABC")
INVERSE_ID = InstrumentId(Category.INVERSE, "ABC")
DERIVATIVES = (LINEAR_ID, INVERSE_ID)
TICK, LOT = D("0.5"), {SPOT_ID: D("0.01"), LINEAR_ID: D("0.01"), INVERSE_ID: D(5)}
USERS = ("ann", "bob", "cyd")
FEES = {
    "ann": AccountFees(D("0.001"), D("0.00123"), D("0.000213"), D("0.0005573")),
    "bob": AccountFees(D("-0.0001"), D("0.001"), D("-0.000071"), D("0.00055")),
    "cyd": AccountFees(),
}
COINS = {
    ("spot", "ABC"): {"base": "ABC", "quote": "USDT", "settle": ""},
    ("linear", "ABC"): {"base": "ABC", "quote": "USDT", "settle": "USDT"},
    ("inverse", "ABC"): {"base": "ABC", "quote": "USD", "settle": "ABC"},
}

sides = st.sampled_from([BUY, SELL])
ids = st.sampled_from([SPOT_ID, LINEAR_ID, LINEAR_ID, INVERSE_ID])
derivatives = st.sampled_from(DERIVATIVES)
users = st.sampled_from(USERS)
ticks = st.integers(975, 1025)
lots = st.integers(1, 400)
depth = st.lists(st.tuples(st.integers(1, 12), st.integers(0, 300)), max_size=5, unique_by=lambda level: level[0])
operations = st.one_of(
    st.tuples(
        st.just("limit"),
        users,
        ids,
        sides,
        ticks,
        lots,
        st.sampled_from([*TimeInForce, TimeInForce.GTC]),
        st.booleans(),
    ),
    st.tuples(st.just("limit"), users, ids, sides, ticks, lots, st.just(TimeInForce.GTC), st.just(False)),
    st.tuples(st.just("market"), users, ids, sides, lots, st.booleans()),
    st.tuples(st.just("spend"), users, st.integers(1, 40_000)),
    st.tuples(st.just("amend"), st.integers(0, 30), st.none() | lots, st.none() | ticks),
    st.tuples(st.just("cancel"), st.integers(0, 30)),
    st.tuples(st.just("cancel_all"), users, st.none() | ids),
    st.tuples(st.just("book"), ids, ticks, depth, depth),
    st.tuples(st.just("book"), ids, ticks, depth, depth),
    st.tuples(st.just("update"), ids, sides, ticks, st.integers(0, 300)),
    st.tuples(st.just("print"), ids, sides, ticks, lots),
    st.tuples(st.just("fund"), derivatives, st.integers(-90, 90)),
    st.tuples(st.just("restore")),
)
offsets = st.integers(1, 20)
bys = st.sampled_from([*TriggerBy, TriggerBy.LAST])
stop_operations = st.one_of(
    st.tuples(
        st.just("stop"), users, ids, sides, ticks, lots, st.none() | ticks, bys,
        st.sampled_from(["", "", "reduce", "close"]),
    ),
    st.tuples(
        st.just("bracket"), users, ids, sides, st.none() | ticks, lots, st.none() | offsets, st.none() | offsets,
        st.sampled_from(["full", "partial", "limits"]), bys,
    ),
    st.tuples(
        st.just("protect"), users, derivatives, st.none() | st.integers(-20, 20), st.none() | st.integers(-20, 20), bys,
        st.none() | st.integers(0, 12), st.none() | offsets,
    ),
    st.tuples(st.just("add"), users, derivatives, lots, offsets, offsets, bys),
    st.tuples(st.just("move"), users, ids, st.integers(0, 30), st.none() | lots, st.none() | ticks),
    st.tuples(st.just("drop"), users, ids, st.integers(0, 30)),
    st.tuples(st.just("hedge"), users, st.booleans()),
    st.tuples(st.just("last"), ids, ticks),
    st.tuples(st.just("last"), ids, ticks),
    st.tuples(st.just("mark"), derivatives, ticks, ticks),
)  # fmt: skip


def instrument(key: InstrumentId) -> Instrument:
    return Instrument(
        key, "ABC", COINS[key.category.value, "ABC"]["quote"], COINS[key.category.value, "ABC"]["settle"], TICK,
        LOT[key], LOT[key], D(100_000), D(100_000), D(0), max_leverage=D(50),
        funding_interval=0 if key is SPOT_ID else 480,
    )  # fmt: skip


class Both:
    """Drives exchange and oracle with the same requests and compares after each."""

    def __init__(self) -> None:
        self.exchange = Exchange([instrument(key) for key in LOT], seed="oracle")
        self.markets = {
            key: Market(
                key is SPOT_ID, "ABC", "USDT", Fraction(TICK), Fraction(LOT[key]), Fraction(500), key is INVERSE_ID,
                index=Fraction(500),
            )
            for key in LOT
        }  # fmt: skip
        rates = {uid: {(True, True): f.spot_maker, (True, False): f.spot_taker, (False, True): f.linear_maker,
                       (False, False): f.linear_taker} for uid, f in FEES.items()}  # fmt: skip
        self.oracle = Oracle(
            self.markets[SPOT_ID], self.markets[LINEAR_ID], self.markets[INVERSE_ID],
            {uid: User({key: Fraction(rate) for key, rate in rates[uid].items()}) for uid in USERS},
        )  # fmt: skip
        self.fills: list[Fill] = []
        self.compared = 0
        self.known: list[tuple[Order, InstrumentId]] = []
        self.now = 0
        for uid in USERS:
            self.exchange.open_account(uid, FEES[uid], 0)
            for coin, amount in (("USDT", D(1000)), ("ABC", D(2))):
                self.exchange.deposit(uid, coin, amount, 0)
                self.oracle.users[uid].cash[coin] = Fraction(amount)
        for market_key in self.markets:
            self.exchange.set_mark(market_key, D(500), D(500), 0)

    def run(self, operation: tuple[Any, ...]) -> None:
        self.now += 1_000_000
        getattr(self, "do_" + operation[0])(*operation[1:])
        self.compare()

    def do_limit(
        self, uid: str, key: InstrumentId, side: Side, ticks: int, lots: int, tif: TimeInForce, reduce: bool
    ) -> None:
        price, qty = ticks * TICK, lots * LOT[key]
        meets = list(SelfMatch)[(ticks + lots) % 4] if lots % 3 == 0 else SelfMatch.NONE
        self.place(
            uid,
            NewOrder(
                key, side, OrderType.LIMIT, qty, price, tif, reduce, link_id=f"o{self.now}", self_match=meets,
                position_idx=self.idx(uid, key, lots),
            ),
        )  # fmt: skip

    def do_market(self, uid: str, key: InstrumentId, side: Side, lots: int, reduce: bool) -> None:
        self.place(
            uid,
            NewOrder(
                key, side, OrderType.MARKET, lots * LOT[key], reduce_only=reduce, link_id=f"o{self.now}",
                position_idx=self.idx(uid, key, lots),
            ),
        )  # fmt: skip

    def idx(self, uid: str, key: InstrumentId, pick: int) -> int:
        return 1 + pick % 2 if key is LINEAR_ID and self.oracle.users[uid].hedged else 0

    def do_spend(self, uid: str, cents: int) -> None:
        amount = cents * D("0.01")
        self.place(uid, NewOrder(SPOT_ID, BUY, OrderType.MARKET, amount, quote_qty=True, link_id=f"o{self.now}"))

    def place(self, uid: str, request: NewOrder) -> None:
        ours: str | int
        try:
            order, happenings = self.exchange.place(uid, request, self.now)
            self.note(happenings)
            ours = order.status.value
        except Refused as refused:
            ours = refused.code
        assert ours == self.place_at_oracle(uid, request), request

    def place_at_oracle(self, uid: str, request: NewOrder) -> str | int:
        """The status the oracle's order ends in, or the code of its refusal."""
        force = TimeInForce.IOC if request.type is OrderType.MARKET else request.time_in_force
        trigger = request.trigger
        order = Order(
            uid, request.link_id, self.markets[request.instrument], request.side.value, Fraction(0),
            Fraction(0) if request.quote_qty else Fraction(request.qty), force.value, request.reduce_only,
            idx=request.position_idx, smp=request.self_match.value, legs=legs_of(request.protection),
            close=request.close_on_trigger, holds=request.order_filter == "tpslOrder",
            trigger=None if trigger is None else (Fraction(trigger.price), trigger.rises, trigger.by.value),
        )  # fmt: skip
        try:
            self.oracle.place(order, fraction(request.price), Fraction(request.qty) if request.quote_qty else None)
        except OracleRefused as refused:
            return refused.code
        self.known.append((order, request.instrument))
        return order.status

    def do_amend(self, index: int, lots: int | None, ticks: int | None) -> None:
        if not self.known:
            return
        order, key = self.known[index % len(self.known)]
        qty, price = None if lots is None else lots * LOT[key], None if ticks is None else ticks * TICK
        code = None
        if order in order.market.waiting:
            return
        try:
            self.note(self.exchange.amend(order.uid, key, "", order.link, qty, price, self.now)[1])
        except Refused as refused:
            code = refused.code
        assert code == self.amend_at_oracle(
            order, None if qty is None else Fraction(qty), None if price is None else Fraction(price)
        )

    def amend_at_oracle(self, order: Order, qty: Fraction | None, price: Fraction | None) -> int | None:
        if order not in order.market.orders:
            return 170213 if order.market.spot else 110001
        try:
            self.oracle.amend(order, qty, price)
        except OracleRefused as refused:
            return refused.code
        return None

    def do_cancel(self, index: int) -> None:
        if not self.known:
            return
        order, key = self.known[index % len(self.known)]
        code = None
        try:
            self.note(self.exchange.cancel(order.uid, key, "", order.link, self.now)[1])
        except Refused as refused:
            code = refused.code
        if order in order.market.orders:
            assert code is None
            self.oracle.cancel(order)
        elif order in order.market.waiting:
            assert code is None
            self.oracle.drop(order)
        else:
            assert code == (170213 if order.market.spot else 110001)

    def do_cancel_all(self, uid: str, key: InstrumentId | None) -> None:
        cancelled, happenings = self.exchange.cancel_all(uid, key, self.now)
        self.note(happenings)
        gone = []
        for market_key, market in self.markets.items():
            if key in (None, market_key):
                gone += [order for order in market.orders if order.uid == uid]
                gone += [order for order in market.waiting if order.uid == uid and not market.spot]
        for order in gone:
            (self.oracle.cancel if order in order.market.orders else self.oracle.drop)(order)
        assert sorted(order.link_id for order in cancelled) == sorted(order.link for order in gone)

    # --- conditional orders, exits and modes

    def do_stop(
        self, uid: str, key: InstrumentId, side: Side, at: int, lots: int, ticks: int | None, by: TriggerBy, ends: str
    ) -> None:
        trigger = Trigger(at * TICK, at >= 1000, by)
        kind = OrderType.MARKET if ticks is None else OrderType.LIMIT
        price = None if ticks is None else ticks * TICK
        waiting = [order for order in self.markets[key].waiting if order.uid == uid]
        if len(waiting) >= 10:
            return  # the caps have tests of their own
        self.place(
            uid,
            NewOrder(
                key, side, kind, lots * LOT[key], price, reduce_only=ends == "reduce", link_id=f"o{self.now}",
                trigger=trigger, close_on_trigger=ends == "close", position_idx=self.idx(uid, key, lots),
                order_filter=["Order", "tpslOrder", "StopOrder"][1 + lots % 2 if key is SPOT_ID else 0],
            ),
        )  # fmt: skip

    def do_bracket(
        self, uid: str, key: InstrumentId, side: Side, ticks: int | None, lots: int, tp: int | None, sl: int | None,
        mode: str, by: TriggerBy,
    ) -> None:  # fmt: skip
        if (tp is None and sl is None) or sum(order.uid == uid for order in self.markets[key].waiting) >= 18:
            return
        entry = ticks or 1000
        legs = self.legs(side, entry, tp, sl, by, mode)
        kind = OrderType.MARKET if ticks is None else OrderType.LIMIT
        self.place(
            uid,
            NewOrder(
                key, side, kind, lots * LOT[key], None if ticks is None else ticks * TICK, link_id=f"o{self.now}",
                protection=legs, position_idx=self.idx(uid, key, lots),
            ),
        )  # fmt: skip

    def legs(self, side: Side, entry: int, tp: int | None, sl: int | None, by: TriggerBy, mode: str) -> Protection:
        up = None if tp is None else (entry + side.sign * tp) * TICK
        down = None if sl is None else (entry - side.sign * sl) * TICK
        limits = mode == "limits"
        return Protection(up, down, by, TriggerBy.LAST, up if limits else None, None, mode != "full")

    def do_protect(
        self, uid: str, key: InstrumentId, tp: int | None, sl: int | None, by: TriggerBy, trail: int | None,
        active: int | None,
    ) -> None:  # fmt: skip
        idx, market = self.idx(uid, key, self.now // 1_000_000), self.markets[key]
        last = 1000 if market.last is None else int(market.last / Fraction(TICK))
        way = 1 if self.oracle.users[uid].position(market, idx).size > 0 else -1

        def price(offset: int | None, sign: int) -> Decimal | None:
            return None if offset is None else D(0) if offset == 0 else (last + sign * way * offset) * TICK

        wanted = TradingStop(
            key, idx, price(tp, 1), price(sl, -1), None if trail is None else trail * TICK,
            None if trail is None else price(active, 1), by, by,
        )  # fmt: skip
        self.both(
            lambda: self.note(self.exchange.set_trading_stop(uid, wanted, self.now)),
            lambda: self.oracle.trading_stop(
                uid, market, idx, fraction(wanted.take_profit), fraction(wanted.stop_loss), by.value,
                fraction(wanted.trailing), fraction(wanted.active_price),
            ),
        )  # fmt: skip

    def do_add(self, uid: str, key: InstrumentId, lots: int, tp: int, sl: int, by: TriggerBy) -> None:
        idx, market = self.idx(uid, key, lots), self.markets[key]
        size = self.oracle.users[uid].position(market, idx).size
        qty = min(lots * LOT[key], abs(D(size.numerator) / size.denominator))
        if qty == 0 or sum(order.uid == uid for order in market.waiting) >= 18:
            return
        side = BUY if size > 0 else SELL
        prices = [price for price in (market.price_by(by.value), market.last, market.mark) if price is not None]
        high, low = int(max(prices) / Fraction(TICK)), int(min(prices) / Fraction(TICK))
        up, down = (high + tp, low - sl) if side is BUY else (low - tp, high + sl)
        legs = Protection(up * TICK, down * TICK, by, TriggerBy.LAST)
        self.note(self.exchange.add_partial_stops(uid, key, idx, legs, qty, self.now))
        wanted = legs_of(legs)
        assert wanted is not None
        self.oracle.add_pair(uid, market, side.opposite.value, idx, Fraction(qty), wanted, None)

    def waiting(self, uid: str, key: InstrumentId, index: int) -> tuple[str, Order] | None:
        """The same waiting order on both sides."""
        theirs = [order for order in self.markets[key].waiting if order.uid == uid]
        ours = [order for order in self.exchange.open_orders(uid, key) if order.status.value == "Untriggered"]
        assert len(ours) == len(theirs)
        return (ours[index % len(ours)].order_id, theirs[index % len(ours)]) if ours else None

    def do_move(self, uid: str, key: InstrumentId, index: int, lots: int | None, ticks: int | None) -> None:
        found = self.waiting(uid, key, index)
        if found is None:
            return
        qty, price = None if lots is None else lots * LOT[key], None if ticks is None else ticks * TICK
        change = StopChange(trigger_price=price)
        self.both(
            lambda: self.note(self.exchange.amend(uid, key, found[0], "", qty, None, self.now, change)[1]),
            lambda: self.oracle.amend_waiting(found[1], fraction(qty), fraction(price)),
        )

    def do_drop(self, uid: str, key: InstrumentId, index: int) -> None:
        found = self.waiting(uid, key, index)
        if found is not None:
            self.note(self.exchange.cancel(uid, key, found[0], "", self.now)[1])
            self.oracle.drop(found[1])

    def do_hedge(self, uid: str, hedge: bool) -> None:
        user, market = self.oracle.users[uid], self.markets[LINEAR_ID]
        in_use = any(user.position(market, idx).size for idx in (0, 1, 2))
        ordered = any(order.uid == uid for order in market.orders + market.waiting)

        def switch() -> None:
            if user.hedged == hedge or in_use or ordered:
                raise OracleRefused(110025 if user.hedged == hedge else 110024 if in_use else 110028)
            user.hedged = hedge

        self.both(lambda: self.note(self.exchange.switch_mode(uid, LINEAR_ID, hedge, self.now)), switch)

    def do_last(self, key: InstrumentId, ticks: int) -> None:
        self.note(self.exchange.set_last(key, ticks * TICK, self.now))
        self.oracle.set_last(self.markets[key], Fraction(ticks * TICK))

    def do_mark(self, key: InstrumentId, mark: int, index: int) -> None:
        market = self.markets[key]
        before, market.mark = market.mark, Fraction(mark * TICK)
        if not self.is_safe():
            market.mark = before
            return
        self.note(self.exchange.set_mark(key, mark * TICK, index * TICK, self.now))
        self.oracle.set_mark(market, market.mark, Fraction(index * TICK))

    def is_safe(self) -> bool:
        """Nobody is near liquidation, which the oracle does not know."""
        for uid in USERS:
            held = sum(
                self.oracle.held_value(uid, market, idx) * self.oracle.dollars(market.settle)
                for market in (self.markets[LINEAR_ID], self.markets[INVERSE_ID])
                for idx in (0, 1, 2)
            )
            if held and self.oracle.equity(uid) < held * Fraction(2, 100):
                return False
        return True

    def both(self, ours: Callable[[], None], theirs: Callable[[], None]) -> None:
        """The same request to both: they do it, or refuse with the same code."""
        codes = []
        for call in (ours, theirs):
            try:
                call()
                codes.append(0)
            except (Refused, OracleRefused) as refused:
                codes.append(refused.code)
        assert codes[0] == codes[1]

    def do_book(self, key: InstrumentId, mid: int, bids: Any, asks: Any) -> None:
        down = {(mid - step) * TICK: lots * LOT[key] for step, lots in bids}
        up = {(mid + step) * TICK: lots * LOT[key] for step, lots in asks}
        self.note(self.exchange.set_book(key, down.items(), up.items(), self.now))
        self.oracle.set_book(self.markets[key], *({Fraction(p): Fraction(s) for p, s in x.items()} for x in (down, up)))

    def do_update(self, key: InstrumentId, side: Side, ticks: int, lots: int) -> None:
        price, other = Fraction(ticks * TICK), self.markets[key].shown[side.opposite.value]
        if any(side.sign * (price - level) >= 0 for level in other):
            return  # a market's own book never crosses
        level = [(ticks * TICK, lots * LOT[key])]
        happenings = self.exchange.update_levels(
            key, level if side is BUY else [], level if side is SELL else [], self.now
        )
        self.note(happenings)
        self.oracle.update(self.markets[key], side.value, price, Fraction(lots * LOT[key]))

    def do_print(self, key: InstrumentId, side: Side, ticks: int, lots: int) -> None:
        self.note(self.exchange.print_trade(key, side, ticks * TICK, lots * LOT[key], self.now))
        self.oracle.print_trade(self.markets[key], side.value, Fraction(ticks * TICK), Fraction(lots * LOT[key]))

    def do_fund(self, key: InstrumentId, rate: int) -> None:
        if self.is_safe():
            self.note(self.exchange.settle_funding(key, rate * D("0.0000137"), self.now))
            self.oracle.fund(self.markets[key], Fraction(rate * D("0.0000137")))

    def do_restore(self) -> None:
        data = self.exchange.save()
        self.exchange = Exchange.restore(data)
        assert self.exchange.save() == data

    def note(self, happenings: list[Happening]) -> None:
        self.fills += fills(happenings)

    def compare(self) -> None:
        new = self.fills[self.compared :]
        self.compared = len(self.fills)
        assert [seen(fill) for fill in new] == self.oracle.trades
        self.oracle.trades.clear()
        for uid in USERS:
            self.compare_account(uid)
        deposited = {"USDT": D(3000), "ABC": D(6)}
        assert_conserved(self.exchange, USERS, deposited)

    def compare_account(self, uid: str) -> None:
        user = self.oracle.users[uid]
        for key in DERIVATIVES:
            for idx in (0, 1, 2):
                position, expected = self.exchange.position(uid, key, idx), user.position(self.markets[key], idx)
                assert (Fraction(position.size), Fraction(position.cost)) == (expected.size, expected.cost)
        for coin in ("USDT", "ABC"):
            wallet = self.exchange.wallet(uid, coin)
            assert Fraction(wallet.balance) == user.cash[coin]
            assert Fraction(wallet.balance - wallet.locked) == self.oracle.free(uid, coin)
        view = self.exchange.account(uid)
        assert (Fraction(view.equity), Fraction(view.available)) == (
            self.oracle.equity(uid),
            self.oracle.available(uid),
        )
        ours = [
            (
                order.link_id, order.parent_link, order.stop_order_type, order.position_idx, order.side.value,
                order.status.value, Fraction(order.leaves), Fraction(order.qty), Fraction(order.price or 0),
                None if order.trigger is None else Fraction(order.trigger.price),
            )
            for order in self.exchange.open_orders(uid)
        ]  # fmt: skip
        theirs = [
            (
                order.link, order.parent.link if order.parent else "", order.kind, order.idx, order.side, order.status,
                order.leaves, order.qty, order.price, order.trigger[0] if order.trigger else None,
            )
            for market in self.markets.values()
            for order in market.orders + market.waiting
            if order.uid == uid
        ]  # fmt: skip
        assert sorted(ours, key=str) == sorted(theirs, key=str)


def fraction(value: Decimal | None) -> Fraction | None:
    return None if value is None else Fraction(value)


def legs_of(protection: Protection | None) -> dict[str, Any] | None:
    """A protection as the oracle writes one down."""
    if protection is None:
        return None
    return {
        "tp": fraction(protection.take_profit), "sl": fraction(protection.stop_loss),
        "tp_limit": fraction(protection.tp_limit), "sl_limit": fraction(protection.sl_limit),
        "tp_by": protection.tp_by.value, "sl_by": protection.sl_by.value, "partial": protection.partial,
    }  # fmt: skip


def seen(fill: Fill) -> tuple[Any, ...]:
    """A fill as the oracle writes one down."""
    if fill.type == "Funding":
        return ("Funding", fill.uid, fill.position_idx, Fraction(fill.fee))
    amounts = (Fraction(fill.fee), Fraction(fill.pnl))
    order = (fill.uid, fill.link_id, fill.stop_order_type, fill.position_idx, fill.side.value)
    return (*order, Fraction(fill.price), Fraction(fill.qty), fill.is_maker, fill.fee_coin, *amounts)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.lists(st.one_of(operations, stop_operations), min_size=15, max_size=60))
def test_exchange_agrees_with_the_oracle_and_the_ledger_checker(flow: list[tuple[Any, ...]]) -> None:
    use_exact_context()
    both = Both()
    for operation in flow:
        both.run(operation)
    check_ledger(both)


def check_ledger(both: Both) -> None:
    """The end of a flow, recomputed from its executions alone."""
    rows = [{**wire_row(fill), "uid": fill.uid} for fill in both.fills]
    assert checker.problems(rows) == []
    deposits = [{"coin": "USDT", "amount": "1000"}, {"coin": "ABC", "amount": "2"}]
    marks = {(key.category.value, "ABC"): str(both.exchange.prices(key).mark) for key in LOT}
    prices = {"USDT": "1", "ABC": "500"}
    accounts = {}
    for uid in USERS:
        books = accounts[uid] = checker.recompute([row for row in rows if row["uid"] == uid], deposits, COINS)
        for coin, amount in books.cash.items():
            assert amount == Fraction(both.exchange.wallet(uid, coin).balance)
        for key in DERIVATIVES:
            for idx in (0, 1, 2):
                position = both.exchange.position(uid, key, idx)
                name = (key.category.value, "ABC", str(idx)) if idx else (key.category.value, "ABC")
                checked = books.positions.get(name, checker.CheckedPosition())
                assert (Fraction(position.size), Fraction(position.cost)) == (checked.size, checked.cost)
        equity = checker.equity(books, marks, prices)
        assert equity == Fraction(both.exchange.account(uid).equity)
        assert equity == checker.equity_by_cash_flow(books, marks, prices, COINS)
    market = checker.market_books(accounts.values())
    assert {coin: amount for coin, amount in market.cash.items() if amount} == {
        coin: Fraction(amount) for coin, amount in both.exchange.market_cash().items() if amount
    }


def random_operation(random: Random) -> tuple[Any, ...]:
    """As ``operations``, with shares that keep long flows trading."""
    key, side = random.choice([SPOT_ID, LINEAR_ID, LINEAR_ID, INVERSE_ID]), random.choice([BUY, SELL])
    uid, ticks, lots = random.choice(USERS), random.randint(985, 1015), random.randint(1, 200)
    kind = random.choices(
        ["limit", "market", "spend", "amend", "cancel", "cancel_all", "book", "update", "print", "fund", "restore",
         "stop", "bracket", "protect", "add", "move", "drop", "hedge", "last", "mark"],
        [35, 15, 5, 10, 5, 1, 14, 5, 7, 2, 1, 14, 16, 10, 4, 4, 2, 2, 16, 4],
    )[0]  # fmt: skip

    def levels() -> list[tuple[int, int]]:
        return list({random.randint(1, 8): random.randint(1, 150) for _ in range(random.randint(0, 5))}.items())

    def some(value: int) -> int | None:
        return value if random.random() < 0.6 else None

    ends = random.choice(["", "reduce", "close"])
    contract, by = random.choice(DERIVATIVES), random.choice([*TriggerBy, TriggerBy.LAST])
    force = random.choice([*TimeInForce, *[TimeInForce.GTC] * 6])
    arguments: dict[str, tuple[Any, ...]] = {
        "limit": (uid, key, side, ticks, lots, force, random.random() < 0.3),
        "market": (uid, key, side, lots, random.random() < 0.4),
        "spend": (uid, random.randint(1, 40_000)),
        "amend": (random.randint(0, 999), random.choice([None, lots]), random.choice([None, ticks])),
        "cancel": (random.randint(0, 999),),
        "cancel_all": (uid, random.choice([None, key])),
        "book": (key, ticks, levels(), levels()),
        "update": (key, side, ticks, lots // 2),
        "print": (key, side, ticks, lots),
        "fund": (contract, random.randint(-90, 90)),
        "stop": (
            uid,
            key,
            side,
            ticks,
            lots,
            some(random.randint(985, 1015)),
            by,
            ends,
        ),
        "bracket": (
            uid,
            key,
            side,
            some(ticks),
            lots,
            some(random.randint(1, 15)),
            some(random.randint(1, 15)),
            random.choice(["full", "partial", "limits"]),
            by,
        ),
        "protect": (
            uid,
            contract,
            some(random.randint(-2, 12)),
            some(random.randint(-2, 12)),
            by,
            some(random.randint(0, 9)),
            some(random.randint(1, 9)),
        ),
        "add": (uid, contract, lots, random.randint(1, 12), random.randint(1, 12), by),
        "move": (uid, key, random.randint(0, 99), some(lots), some(ticks)),
        "drop": (uid, key, random.randint(0, 99)),
        "hedge": (uid, random.random() < 0.5),
        "last": (key, ticks),
        "mark": (contract, ticks, random.randint(985, 1015)),
        "restore": (),
    }
    return (kind, *arguments[kind])


def test_long_flows_agree_and_reach_every_kind_of_trade() -> None:
    """Ten seeded flows of 250 requests: deeper books and positions than short generated ones."""
    trades: list[Fill] = []
    for seed in range(10):
        random, both = Random(seed), Both()
        both.run(("hedge", "ann", seed % 2 == 0))
        for _ in range(250):
            both.run(random_operation(random))
        check_ledger(both)
        trades += both.fills
    assert sum(fill.is_maker for fill in trades) > 200
    assert sum(0 < fill.closed_qty < fill.qty for fill in trades) > 20, "through zero"
    assert sum(fill.pnl.as_tuple().exponent == -8 for fill in trades) > 100, "rounded partial closes"
    assert {fill.type for fill in trades} == {"Trade", "Funding"}
    assert {fill.position_idx for fill in trades} == {0, 1, 2}
    kinds = {"Stop", "tpslOrder", "OcoOrder", "TakeProfit", "StopLoss", "TrailingStop"}
    assert kinds <= {fill.stop_order_type for fill in trades}
    assert {"PartialTakeProfit", "PartialStopLoss"} <= {fill.stop_order_type for fill in trades}
