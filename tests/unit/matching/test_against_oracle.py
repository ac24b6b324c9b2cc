"""Random flows through the exchange and through the slow oracle: the same trades, orders, money and positions."""

from fractions import Fraction
from random import Random
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.oracles import ledger_checker as checker
from tests.oracles.matching_oracle import Market, Oracle, OracleRefused, Order, User
from tests.unit.matching.support import BUY, SELL, D, assert_conserved, fills, wire_row
from tradectl.matching.exchange import Exchange
from tradectl.matching.records import Fill, Happening, NewOrder, Refused
from tradectl.matching.views import AccountFees
from tradectl.model.instruments import Category, Instrument, InstrumentId
from tradectl.model.money import use_exact_context
from tradectl.model.orders import OrderType, Side, TimeInForce

SPOT_ID, LINEAR_ID = InstrumentId(Category.SPOT, "ABC"), InstrumentId(Category.LINEAR, "ABC")
TICK, LOT = D("0.5"), D("0.01")
USERS = ("ann", "bob", "cyd")
FEES = {
    "ann": AccountFees(D("0.001"), D("0.00123"), D("0.000213"), D("0.0005573")),
    "bob": AccountFees(D("-0.0001"), D("0.001"), D("-0.000071"), D("0.00055")),
    "cyd": AccountFees(),
}
COINS = {
    ("spot", "ABC"): {"base": "ABC", "quote": "USDT", "settle": ""},
    ("linear", "ABC"): {"base": "ABC", "quote": "USDT", "settle": "USDT"},
}

sides = st.sampled_from([BUY, SELL])
ids = st.sampled_from([SPOT_ID, LINEAR_ID, LINEAR_ID])
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
    st.tuples(st.just("fund"), st.integers(-90, 90)),
    st.tuples(st.just("restore")),
)


def instrument(key: InstrumentId) -> Instrument:
    return Instrument(
        key, "ABC", "USDT", "USDT" if key is LINEAR_ID else "", TICK, LOT, LOT, D(1000), D(1000), D(0),
        max_leverage=D(50),
    )  # fmt: skip


class Both:
    """Drives exchange and oracle with the same requests and compares after each."""

    def __init__(self) -> None:
        self.exchange = Exchange([instrument(SPOT_ID), instrument(LINEAR_ID)], seed="oracle")
        market = {"base": "ABC", "quote": "USDT", "tick": Fraction(TICK), "lot": Fraction(LOT), "mark": Fraction(500)}
        self.markets = {SPOT_ID: Market(spot=True, **market), LINEAR_ID: Market(spot=False, **market)}
        rates = {uid: {(True, True): f.spot_maker, (True, False): f.spot_taker, (False, True): f.linear_maker,
                       (False, False): f.linear_taker} for uid, f in FEES.items()}  # fmt: skip
        self.oracle = Oracle(
            self.markets[SPOT_ID], self.markets[LINEAR_ID],
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
        for key in self.markets:
            self.exchange.set_mark(key, D(500), D(500), 0)

    def run(self, operation: tuple[Any, ...]) -> None:
        self.now += 1_000_000
        getattr(self, "do_" + operation[0])(*operation[1:])
        self.compare()

    def do_limit(
        self, uid: str, key: InstrumentId, side: Side, ticks: int, lots: int, tif: TimeInForce, reduce: bool
    ) -> None:
        price, qty = ticks * TICK, lots * LOT
        self.place(uid, NewOrder(key, side, OrderType.LIMIT, qty, price, tif, reduce, link_id=f"o{self.now}"))

    def do_market(self, uid: str, key: InstrumentId, side: Side, lots: int, reduce: bool) -> None:
        self.place(uid, NewOrder(key, side, OrderType.MARKET, lots * LOT, reduce_only=reduce, link_id=f"o{self.now}"))

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
        try:
            order = self.oracle.place(
                uid, self.markets[request.instrument], request.side.value, request.link_id,
                Fraction(0) if request.quote_qty else Fraction(request.qty),
                None if request.price is None else Fraction(request.price), force.value, request.reduce_only,
                Fraction(request.qty) if request.quote_qty else None,
            )  # fmt: skip
        except OracleRefused as refused:
            return refused.code
        self.known.append((order, request.instrument))
        return order.status

    def do_amend(self, index: int, lots: int | None, ticks: int | None) -> None:
        if not self.known:
            return
        order, key = self.known[index % len(self.known)]
        qty, price = None if lots is None else lots * LOT, None if ticks is None else ticks * TICK
        code = None
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
        else:
            assert code == (170213 if order.market.spot else 110001)

    def do_cancel_all(self, uid: str, key: InstrumentId | None) -> None:
        cancelled, happenings = self.exchange.cancel_all(uid, key, self.now)
        self.note(happenings)
        gone = [
            order for market_key, market in self.markets.items() for order in list(market.orders)
            if order.uid == uid and key in (None, market_key)
        ]  # fmt: skip
        for order in gone:
            self.oracle.cancel(order)
        assert {order.link_id for order in cancelled} == {order.link for order in gone}

    def do_book(self, key: InstrumentId, mid: int, bids: Any, asks: Any) -> None:
        down = {(mid - step) * TICK: lots * LOT for step, lots in bids}
        up = {(mid + step) * TICK: lots * LOT for step, lots in asks}
        self.note(self.exchange.set_book(key, down.items(), up.items(), self.now))
        self.oracle.set_book(self.markets[key], *({Fraction(p): Fraction(s) for p, s in x.items()} for x in (down, up)))

    def do_update(self, key: InstrumentId, side: Side, ticks: int, lots: int) -> None:
        price, other = Fraction(ticks * TICK), self.markets[key].shown[side.opposite.value]
        if any(side.sign * (price - level) >= 0 for level in other):
            return  # a market's own book never crosses
        level = [(ticks * TICK, lots * LOT)]
        happenings = self.exchange.update_levels(
            key, level if side is BUY else [], level if side is SELL else [], self.now
        )
        self.note(happenings)
        self.oracle.update(self.markets[key], side.value, price, Fraction(lots * LOT))

    def do_print(self, key: InstrumentId, side: Side, ticks: int, lots: int) -> None:
        self.note(self.exchange.print_trade(key, side, ticks * TICK, lots * LOT, self.now))
        self.oracle.print_trade(self.markets[key], side.value, Fraction(ticks * TICK), Fraction(lots * LOT))

    def do_fund(self, rate: int) -> None:
        self.note(self.exchange.settle_funding(LINEAR_ID, rate * D("0.0000137"), self.now))
        self.oracle.fund(Fraction(rate * D("0.0000137")))

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
        user, position = self.oracle.users[uid], self.exchange.position(uid, LINEAR_ID)
        assert (Fraction(position.size), Fraction(position.cost)) == (user.size, user.cost)
        for coin in ("USDT", "ABC"):
            wallet = self.exchange.wallet(uid, coin)
            assert Fraction(wallet.balance) == user.cash[coin]
            assert Fraction(wallet.balance - wallet.locked) == self.oracle.free(uid, coin)
        view = self.exchange.account(uid)
        assert (Fraction(view.equity), Fraction(view.available)) == (
            self.oracle.equity(uid),
            self.oracle.available(uid),
        )
        resting = [order for market in self.markets.values() for order in market.orders if order.uid == uid]
        ours = {
            order.link_id: (order.status.value, Fraction(order.leaves), Fraction(order.qty), Fraction(order.price or 0))
            for order in self.exchange.open_orders(uid)
        }
        assert ours == {order.link: (order.status, order.leaves, order.qty, order.price) for order in resting}


def seen(fill: Fill) -> tuple[Any, ...]:
    """A fill as the oracle writes one down."""
    if fill.type == "Funding":
        return ("Funding", fill.uid, Fraction(fill.fee))
    amounts = (Fraction(fill.fee), Fraction(fill.pnl))
    trade = (fill.uid, fill.link_id, fill.side.value, Fraction(fill.price), Fraction(fill.qty))
    return (*trade, fill.is_maker, fill.fee_coin, *amounts)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.lists(operations, min_size=15, max_size=60))
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
    marks, prices = {("linear", "ABC"): "500", ("spot", "ABC"): "500"}, {"USDT": "1", "ABC": "500"}
    accounts = {}
    for uid in USERS:
        books = accounts[uid] = checker.recompute([row for row in rows if row["uid"] == uid], deposits, COINS)
        for coin, amount in books.cash.items():
            assert amount == Fraction(both.exchange.wallet(uid, coin).balance)
        position, checked = both.exchange.position(uid, LINEAR_ID), books.positions.get(("linear", "ABC"))
        assert Fraction(position.size) == (checked.size if checked else 0)
        assert Fraction(position.cost) == (checked.cost if checked else 0)
        equity = checker.equity(books, marks, prices)
        assert equity == Fraction(both.exchange.account(uid).equity)
        assert equity == checker.equity_by_cash_flow(books, marks, prices, COINS)
    market = checker.market_books(accounts.values())
    assert {coin: amount for coin, amount in market.cash.items() if amount} == {
        coin: Fraction(amount) for coin, amount in both.exchange.market_cash().items() if amount
    }


def random_operation(random: Random) -> tuple[Any, ...]:
    """As ``operations``, with shares that keep long flows trading."""
    key, side = random.choice([SPOT_ID, LINEAR_ID, LINEAR_ID]), random.choice([BUY, SELL])
    uid, ticks, lots = random.choice(USERS), random.randint(985, 1015), random.randint(1, 200)
    kind = random.choices(
        ["limit", "market", "spend", "amend", "cancel", "cancel_all", "book", "update", "print", "fund", "restore"],
        [35, 15, 5, 10, 5, 1, 14, 5, 7, 2, 1],
    )[0]

    def levels() -> list[tuple[int, int]]:
        return list({random.randint(1, 8): random.randint(1, 150) for _ in range(random.randint(0, 5))}.items())

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
        "fund": (random.randint(-90, 90),),
        "restore": (),
    }
    return (kind, *arguments[kind])


def test_long_flows_agree_and_reach_every_kind_of_trade() -> None:
    """Ten seeded flows of 250 requests: deeper books and positions than short generated ones."""
    trades: list[Fill] = []
    for seed in range(10):
        random, both = Random(seed), Both()
        for _ in range(250):
            both.run(random_operation(random))
        check_ledger(both)
        trades += both.fills
    assert sum(fill.is_maker for fill in trades) > 200
    assert sum(0 < fill.closed_qty < fill.qty for fill in trades) > 20, "through zero"
    assert sum(fill.pnl.as_tuple().exponent == -8 for fill in trades) > 100, "rounded partial closes"
    assert {fill.type for fill in trades} == {"Trade", "Funding"}
