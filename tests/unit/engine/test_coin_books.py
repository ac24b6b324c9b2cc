"""Inverse contracts: profit, fees and funding in coins, as the independent checker has them, shared without a rest."""

from decimal import Decimal as D
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.oracles import ledger_checker as checker
from tests.unit.engine.harness import COIN, INVERSE
from tradectl.engine.books import Book, new_book
from tradectl.engine.portfolio_manager import EXTERNAL, PortfolioManager
from tradectl.model.money import ZERO, to_coin
from tradectl.model.orders import Execution, Side
from tradectl.model.positions import BalanceReport, PositionReport

NAMES = {("inverse", "BTCUSD"): {"base": "BTC", "quote": "USD", "settle": "BTC"}}
contracts = st.integers(1, 5000).map(D)
prices = st.integers(10_000, 10**7).map(lambda n: D(n).scaleb(-1))
trades = st.lists(st.tuples(st.sampled_from(list(Side)), contracts, prices, st.sampled_from("abc")), max_size=40)


def execution(number: int, side: Side, qty: D, price: D, pnl: D | None = None) -> Execution:
    value = to_coin(qty / price)
    fee = to_coin(value * D("0.00055"))
    return Execution(
        f"e{number}", COIN, "o", "l", side, price, qty, value, fee, "BTC", False, number * 10**6, pnl=pnl
    )  # fmt: skip


def row(e: Execution, number: int) -> dict[str, object]:
    return {
        "execId": e.exec_id, "category": "inverse", "symbol": "BTCUSD", "side": e.side.value, "execQty": str(e.qty),
        "execPrice": str(e.price), "execValue": str(e.value), "execFee": str(e.fee), "feeCurrency": "BTC",
        "execType": e.type, "execTime": str(e.ts), "seq": number,
    }  # fmt: skip


@given(trades, prices, st.booleans())
@settings(max_examples=200, deadline=None)
def test_positions_cash_and_equity_are_the_checkers(drawn: list[tuple[Side, D, D, str]], mark: D, stated: bool) -> None:
    portfolio = PortfolioManager()
    portfolio.baseline((BalanceReport("BTC", D(10)),), (), (), ())
    plain = [execution(n, side, qty, price) for n, (side, qty, price, _) in enumerate(drawn)]
    rows = [row(e, n) for n, e in enumerate(plain)]
    profits = checker.realised_of(rows)
    for (side, qty, price, name), number in zip(drawn, range(len(drawn)), strict=True):
        profit = profits[f"e{number}"]
        pnl = D(profit.numerator) / D(profit.denominator) if stated else None
        portfolio.trade(execution(number, side, qty, price, pnl), INVERSE, name)
    checked = checker.recompute(rows, [{"coin": "BTC", "amount": "10"}], NAMES)
    assert Fraction(portfolio.state.cash["BTC"]) == checked.cash["BTC"]
    assert checker.problems(rows) == []
    if drawn:
        net, theirs = portfolio.net(COIN), checked.positions["inverse", "BTCUSD"]
        assert tuple(map(Fraction, (net.size, net.cost, net.realised))) == (theirs.size, theirs.cost, theirs.realised)
        assert net.fees == checked.fees["BTC"]
        worth = Fraction(portfolio.state.cash["BTC"] + net.unrealised(mark)) * Fraction(mark)
        assert worth == checker.equity(checked, {("inverse", "BTCUSD"): str(mark)}, {"BTC": str(mark)})
        books = [b[COIN] for b in portfolio.state.books.values()]
        for field in ("size", "cash_flow", "fees"):
            assert sum((getattr(b, field) for b in books), ZERO) == getattr(net, field)
        assert all(book.cash_flow + book.cost == book.realised for book in (*books, net))
        assert all(book.size or not book.cost for book in books)


def test_a_hand_computed_round_trip() -> None:
    book = new_book(COIN)
    book.trade(1, D(1000), D(50_000))
    assert (book.size, book.cost) == (D(1000), D("-0.02"))
    assert book.unrealised(D(55_000)) == D("0.02") - D("0.01818182")
    assert book.trade(-1, D(400), D(55_000)) == D("0.00072727")  # 400/50000 - round(400/55000)
    assert book.trade(-1, D(600), D(40_000)) == D("-0.003")
    assert (book.size, book.cost, book.realised) == (ZERO, ZERO, D("-0.00227273"))


def test_a_short_earns_coins_when_the_price_falls() -> None:
    book = new_book(COIN)
    book.trade(-1, D(1000), D(50_000))
    assert book.unrealised(D(40_000)) == D("0.005")


@given(
    st.dictionaries(st.sampled_from("abcde"), contracts, min_size=2, max_size=5), prices, prices, st.integers(1, 100)
)
@settings(max_examples=100, deadline=None)
def test_what_the_venue_closes_for_several_is_shared_without_a_rest(
    held: dict[str, D], entry: D, exit_: D, percent: int
) -> None:
    portfolio = PortfolioManager()
    for number, (name, qty) in enumerate(held.items()):
        portfolio.trade(execution(number, Side.BUY, qty, entry), INVERSE, name)
    parts = {name: max(qty * percent // 100, D(1)) for name, qty in held.items()}
    whole = execution(99, Side.SELL, sum(parts.values(), ZERO), exit_)
    booked = portfolio.trade_shared(whole, INVERSE, parts)
    assert {b.strategy: b.size for b in booked} == {name: held[name] - parts[name] for name in held}
    net, books = portfolio.net(COIN), [b[COIN] for b in portfolio.state.books.values()]
    for field in ("size", "cash_flow", "fees"):
        assert sum((getattr(b, field) for b in books), ZERO) == getattr(net, field)
    assert all(book.cash_flow + book.cost == book.realised for book in (*books, net))


def test_a_foreign_position_is_found_at_its_worth_in_coins() -> None:
    portfolio = PortfolioManager()
    portfolio.baseline((BalanceReport("BTC", D(1)),), (PositionReport(COIN, D(-500), D(50_000)),), (), ())
    assert portfolio.book(EXTERNAL, COIN).cost == D("0.01")
    assert portfolio.net(COIN).unrealised(D(40_000)) == D("0.0025")
    portfolio.adopt(COIN, "a")
    assert portfolio.book("a", COIN).unrealised(D(40_000)) == D("0.0025")
    assert portfolio.book(EXTERNAL, COIN) == Book(inverse=True)


def test_funding_is_paid_in_coins() -> None:
    portfolio = PortfolioManager()
    portfolio.trade(execution(1, Side.BUY, D(300), D(50_000)), INVERSE, "a")
    portfolio.trade(execution(2, Side.BUY, D(700), D(50_000)), INVERSE, "b")
    before = portfolio.state.cash["BTC"]
    paid = Execution(
        "f", COIN, "o", "", Side.BUY, D(50_000), D(1000), D("0.02"), D("0.00000201"), "BTC", False, 10**9, "Funding"
    )
    shares = portfolio.funding(paid, INVERSE)
    assert {s.strategy: s.realised for s in shares} == {"a": D("-0.00000060"), "b": D("-0.00000141")}
    assert portfolio.state.cash["BTC"] == before - D("0.00000201")
    assert portfolio.net(COIN).funding == D("0.00000201")
