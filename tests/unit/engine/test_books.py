"""Books: money is conserved to the last digit, per strategy and net, whatever is traded (decisions 13, 16)."""

import random
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.unit.engine.harness import BTC, INSTRUMENTS, SPOT, instrument
from tests.unit.engine.venue import decimal, eight
from tradectl.engine.books import Book
from tradectl.engine.portfolio_manager import EXTERNAL, PortfolioManager
from tradectl.engine.recent_trades import KEEP, RecentTrades, Trade
from tradectl.engine.statements import disagreements
from tradectl.engine.targets import Targets
from tradectl.model.money import to_coin
from tradectl.model.orders import Execution, Side
from tradectl.model.positions import BalanceReport, LedgerRow, PositionReport

ZERO = Decimal(0)
amounts = st.integers(1, 5000).map(lambda n: Decimal(n).scaleb(-3))
prices = st.integers(1, 10**7).map(lambda n: Decimal(n).scaleb(-1))
one_trade = st.tuples(st.sampled_from([1, -1]), amounts, prices)
trades = st.lists(one_trade, max_size=40)


class Oracle:
    """A position in fractions, as decision 16 words it."""

    def __init__(self) -> None:
        self.size = self.cost = self.realised = Fraction(0)

    def trade(self, sign: int, qty: Decimal, price: Decimal) -> Fraction:
        q, p = Fraction(qty) * sign, Fraction(price)
        closed = min(abs(q), abs(self.size)) if q * self.size < 0 else Fraction(0)
        if not closed:
            pnl = Fraction(0)
        elif closed == abs(self.size):
            pnl = self.size * p - self.cost
        else:
            part = closed / abs(self.size)
            pnl = eight(self.size * part * p - self.cost * part)
        self.size, self.cost, self.realised = self.size + q, self.cost + q * p + pnl, self.realised + pnl
        return pnl


@given(trades, prices)
@settings(max_examples=300, deadline=None)
def test_a_book_equals_the_fractions_and_conserves_money(
    drawn: list[tuple[int, Decimal, Decimal]], mark: Decimal
) -> None:
    book, oracle = Book(), Oracle()
    value = Fraction(0)
    for sign, qty, price in drawn:
        realised = book.trade(sign, qty, price)
        assert Fraction(realised) == oracle.trade(sign, qty, price)
        value += sign * Fraction(qty) * Fraction(price)
        assert Fraction(book.cash_flow) == -value
        assert book.cash_flow + book.cost == book.realised
        assert bool(book.size) or book.cost == 0
    assert (Fraction(book.size), Fraction(book.cost)) == (oracle.size, oracle.cost)
    assert book.equity(mark) == book.realised + book.unrealised(mark)


@given(trades, st.randoms(use_true_random=False))
@settings(max_examples=150, deadline=None)
def test_with_stated_profits_the_order_of_arrival_does_not_matter(
    drawn: list[tuple[int, Decimal, Decimal]], shuffle: object
) -> None:
    oracle = Oracle()
    stated = [(s, q, p, decimal(oracle.trade(s, q, p))) for s, q, p in drawn]
    shuffle.shuffle(stated)  # type: ignore[attr-defined]
    book = Book()
    for sign, qty, price, pnl in stated:
        assert book.trade(sign, qty, price, pnl) == pnl
    assert (Fraction(book.size), Fraction(book.cost), Fraction(book.realised)) == (
        oracle.size, oracle.cost, oracle.realised,
    )  # fmt: skip


@given(st.lists(one_trade, max_size=2 * KEEP), st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_without_stated_profits_late_trades_are_booked_where_they_belong(
    drawn: list[tuple[int, Decimal, Decimal]], shuffle: object
) -> None:
    in_order = [Trade(ts, s, q, p, None) for ts, (s, q, p) in enumerate(drawn)]
    oracle = Oracle()
    for trade in in_order:
        oracle.trade(trade.sign, trade.qty, trade.price)
    arriving = sorted(in_order, key=lambda t: t.ts + shuffle.randrange(KEEP // 4))  # type: ignore[attr-defined]
    net = Book()
    recent = RecentTrades(Book())
    paid = sum((recent.book(trade, net) for trade in arriving), ZERO)
    assert (Fraction(net.size), Fraction(net.cost), Fraction(paid)) == (oracle.size, oracle.cost, oracle.realised)


@pytest.mark.parametrize("seed", range(6))
def test_the_anchor_is_the_book_before_the_trades_that_are_kept(seed: int) -> None:
    """In order the book was seen on the way, after a late trade it is computed anew: the same to the last digit."""
    draw, net, told = random.Random(seed), Book(), []
    recent = RecentTrades.since(net)
    for ts in range(4 * KEEP):
        late = draw.randrange(KEEP // 3) if draw.random() < seed / 200 else 0
        pnl = Decimal(draw.randrange(-9, 9)) / 100 if seed % 2 else None
        qty, price = Decimal(draw.randrange(1, 50)) / 10, Decimal(draw.randrange(900, 1100)) / 10
        trade = Trade(max(ts - late, 0), draw.choice((1, -1)), qty, price, pnl)
        told.append(trade)
        recent.book(trade, net)
        if ts % 16:
            continue
        slow = Book()
        for t in sorted(told, key=lambda t: t.ts)[: len(told) - len(recent.trades)]:
            slow.trade(t.sign, t.qty, t.price, t.pnl)
        assert str(recent.anchor) == str(slow)


def test_the_dust_of_a_rounding_venue_goes_when_flat() -> None:
    book = Book()
    book.trade(1, Decimal(3), Decimal(100), ZERO)
    book.trade(-1, Decimal(3), Decimal(101), Decimal("2.99999999"))
    assert (book.size, book.cost) == (ZERO, ZERO)


@given(trades, trades, prices)
@settings(max_examples=150, deadline=None)
def test_adopting_a_position_keeps_every_sum(
    ours: list[tuple[int, Decimal, Decimal]], found: list[tuple[int, Decimal, Decimal]], mark: Decimal
) -> None:
    portfolio = PortfolioManager()
    for name, drawn in (("one", ours), (EXTERNAL, found)):
        for sign, qty, price in drawn:
            portfolio.book(name, BTC).trade(sign, qty, price)
    before = [portfolio.book(n, BTC) for n in ("one", EXTERNAL)]
    sums = [sum(getattr(b, f) for b in before) for f in ("size", "cash_flow", "fees", "funding")]
    equity = sum(b.equity(mark) for b in before)
    portfolio.adopt(BTC, "one")
    book = portfolio.book("one", BTC)
    assert [book.size, book.cash_flow, book.fees, book.funding] == sums
    assert book.equity(mark) == equity
    assert book.cash_flow + book.cost == book.realised
    assert bool(book.size) or book.cost == 0
    assert portfolio.book(EXTERNAL, BTC) == Book()


def execution(number: int, side: Side, qty: Decimal, price: Decimal, fee: Decimal, coin: str, spot: bool) -> Execution:
    return Execution(
        f"e{number}", SPOT if spot else BTC, "o", "l", side, price, qty, qty * price, fee, coin, False, number
    )


flows = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", EXTERNAL]), st.sampled_from(list(Side)), amounts, prices, st.booleans(),
        st.integers(-20, 20),
    ),
    max_size=40,
)  # fmt: skip


@given(flows)
@settings(max_examples=150, deadline=None)
def test_books_of_strategies_sum_to_the_net_and_the_account(
    drawn: list[tuple[str, Side, Decimal, Decimal, bool, int]],
) -> None:
    portfolio = PortfolioManager()
    start = Decimal(1_000_000)
    portfolio.baseline((BalanceReport("USDT", start), BalanceReport("BTC", start)), (), (), ())
    infos = {i.id: i for i in INSTRUMENTS}
    net_oracle, spot_cash, fees, funding = Oracle(), ZERO, ZERO, ZERO
    coins = ZERO
    for number, (name, side, qty, price, spot, rate) in enumerate(drawn):
        if rate > 15:  # a funding payment instead
            paid = to_coin((portfolio.net_size(BTC) * Decimal(rate - 18) * price).scaleb(-5))
            row = replace(execution(number, side, qty, price, paid, "USDT", False), type="Funding")
            shares = portfolio.funding(row, infos[BTC])
            assert sum((s.realised for s in shares), ZERO) == -paid
            funding += paid
            continue
        in_base = spot and side is Side.BUY
        fee = qty.scaleb(-4) if in_base else (qty * price).scaleb(-4)
        row = execution(number, side, qty, price, fee, "BTC" if in_base else "USDT", spot)
        assert portfolio.remember(row)
        assert not portfolio.remember(row)
        portfolio.trade(row, infos[row.instrument], name)
        if spot:
            spot_cash -= side.sign * qty * price
            coins += side.sign * qty - (fee if in_base else ZERO)
        else:
            net_oracle.trade(side.sign, qty, price)
        fees += ZERO if in_base else fee
    cash = portfolio.state.cash
    assert Fraction(cash["USDT"]) == Fraction(start + spot_cash - fees - funding) + net_oracle.realised
    assert cash["BTC"] == start + coins
    for instrument_id in (BTC, SPOT):
        books = [b[instrument_id] for b in portfolio.state.books.values() if instrument_id in b]
        net = portfolio.net(instrument_id)
        for field in ("size", "cash_flow", "fees", "funding"):
            assert sum((getattr(b, field) for b in books), ZERO) == getattr(net, field)
        for book in books:
            assert book.cash_flow + book.cost == book.realised


def test_a_baseline_counts_the_account_once() -> None:
    portfolio = PortfolioManager()
    known = execution(1, Side.BUY, Decimal(1), Decimal(100), ZERO, "USDT", False)
    row = LedgerRow("l1", "TRANSFER_IN", "USDT", Decimal(5), 1)
    portfolio.baseline(
        (BalanceReport("USDT", Decimal(7)),), (PositionReport(BTC, Decimal(-2), Decimal(90)),), (known,), (row,)
    )
    assert not portfolio.remember(known)
    assert not portfolio.ledger(row)
    assert portfolio.state.cash == {"USDT": Decimal(7)}
    assert (portfolio.net(BTC).size, portfolio.net(BTC).cost) == (Decimal(-2), Decimal(-180))
    stated = (PositionReport(BTC, Decimal(-2)),)
    assert disagreements(portfolio, (BalanceReport("USDT", Decimal(7)),), stated, ZERO) == []
    assert len(disagreements(portfolio, (BalanceReport("USDT", Decimal(8)),), (), ZERO)) == 2
    assert len(disagreements(portfolio, (BalanceReport("USDT", Decimal(8)),), stated, Decimal(1))) == 0
    other = (*stated, PositionReport(INSTRUMENTS[1].id, Decimal(1)))
    assert "unknown to the books" in disagreements(portfolio, (), other, ZERO)[0]


def test_old_ids_are_forgotten_only_when_no_reading_reaches_them() -> None:
    portfolio, day = PortfolioManager(), 86_400 * 10**9
    for number, at in enumerate((0, day, 9 * day)):
        row = execution(number, Side.BUY, Decimal(1), Decimal(1), ZERO, "USDT", False)
        portfolio.remember(replace(row, ts=at))
    portfolio.forget_old()
    assert set(portfolio.state.executions) == {"e1", "e2"}


@given(st.integers(0, 100_000), st.integers(1, 5_000), st.sampled_from(["0.001", "0.1", "1", "0.5"]))
@settings(max_examples=300, deadline=None)
def test_a_cut_is_whole_equal_and_within_the_limit(lots: int, most_lots: int, lot: str) -> None:
    info = instrument(BTC, "0.1", lot)
    qty, most = lots * info.lot_size, most_lots * info.lot_size
    sizes = Targets._cut(info, qty, most)
    assert sum(sizes, ZERO) == qty
    assert len(sizes) == -(-lots // most_lots)
    assert all(ZERO < s <= most and s % info.lot_size == 0 for s in sizes)
    assert not sizes or max(sizes) - min(sizes) <= info.lot_size
