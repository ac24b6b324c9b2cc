"""Where a profit came from: price, slippage, fees and funding add up to it, book by book and over all of them."""

from decimal import Decimal as D

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.engine.harness import BTC, COIN, INSTRUMENTS, INVERSE, SPOT, ready
from tests.unit.engine.test_order_life import ack, fill, place
from tradectl.engine.portfolio_manager import PortfolioManager
from tradectl.model.commands import ExecutionBooked
from tradectl.model.instruments import InstrumentId
from tradectl.model.money import ZERO, to_coin
from tradectl.model.orders import Execution, Side
from tradectl.performance.fills import fill_of

INFOS = {i.id: i for i in (*INSTRUMENTS, INVERSE)}
prices = st.integers(1000, 10**6).map(lambda n: D(n).scaleb(-1))
steps = st.lists(
    st.tuples(
        st.sampled_from([BTC, SPOT, COIN]), st.sampled_from("abc"), st.sampled_from(list(Side)),
        st.integers(1, 900).map(D), prices, st.none() | prices, st.integers(0, 9),
    ),
    max_size=40,
)  # fmt: skip


def execution(number: int, i: InstrumentId, side: Side, qty: D, price: D, funding: bool = False) -> Execution:
    info = INFOS[i]
    value = to_coin(qty / price) if i == COIN else qty * price
    coin = info.settle_coin if not info.is_spot else "BTC" if side is Side.BUY else "USDT"
    fee = to_coin((qty if coin == "BTC" and info.is_spot else value) * D("0.001"))
    kind = "Funding" if funding else "Trade"
    return Execution(f"e{number}", i, "o", "l", side, price, qty, value, fee, coin, False, number * 10**6, kind)


@given(steps, prices, st.booleans())
@settings(max_examples=200, deadline=None)
def test_components_sum_to_the_profit(
    drawn: list[tuple[InstrumentId, str, Side, D, D, D | None, int]], mark: D, hedge: bool
) -> None:
    portfolio = PortfolioManager(hedge)
    for number, (i, name, side, qty, price, arrival, kind) in enumerate(drawn):
        funds = kind == 9 and i != SPOT
        row = execution(number, i, side, qty, price, funds)
        if funds:
            portfolio.funding(row, INFOS[i])
        else:
            portfolio.trade(row, INFOS[i], name, arrival=arrival)
    for i in INFOS:
        books = [b[i] for b in portfolio.state.books.values() if i in b]
        for book in books:
            parts = book.components(mark)
            assert parts.total == parts.price - parts.slippage - parts.fees - parts.funding == book.equity(mark)
            assert book.components(None).total == book.realised - book.fees - book.funding
        whole = portfolio.net(i).components(mark)
        for field in ("slippage", "fees", "funding"):
            assert sum((getattr(b.components(mark), field) for b in books), ZERO) == getattr(whole, field)
        if (
            i != COIN
        ):  # there each book's worth is rounded to eight decimals by itself, as the venue rounds a position's
            assert sum((b.components(mark).price for b in books), ZERO) == whole.price


def test_a_hand_computed_trade() -> None:
    portfolio = PortfolioManager()
    portfolio.trade(execution(1, BTC, Side.BUY, D(2), D(101)), INFOS[BTC], "a", arrival=D(100))
    portfolio.trade(execution(2, BTC, Side.SELL, D(2), D(109)), INFOS[BTC], "a", arrival=D(110))
    parts = portfolio.book("a", BTC).components(None)
    assert (parts.price, parts.slippage, parts.fees, parts.funding) == (D(20), D(4), D("0.42"), ZERO)
    assert parts.total == D("15.58")


def test_a_fee_taken_out_of_bought_coins_is_a_fee_and_no_loss_of_price() -> None:
    portfolio = PortfolioManager()
    portfolio.trade(execution(1, SPOT, Side.BUY, D(1), D(100)), INFOS[SPOT], "a", arrival=D(100))
    book = portfolio.book("a", SPOT)
    assert (book.size, book.cost, book.fees, book.realised) == (D("0.999"), D("99.9"), D("0.1"), ZERO)
    parts = book.components(D(100))
    assert (parts.price, parts.fees, parts.total) == (ZERO, D("0.1"), D("-0.1"))


def test_a_fee_in_a_third_coin_counts_at_its_price() -> None:
    portfolio = PortfolioManager()
    row = Execution("e", SPOT, "o", "l", Side.BUY, D(100), D(1), D(100), D("0.05"), "MNT", False, 1)
    portfolio.trade(row, INFOS[SPOT], "a", fee_price=D(2))
    assert portfolio.book("a", SPOT).fees == D("0.10")
    assert portfolio.state.cash == {"BTC": D(1), "USDT": D(-100), "MNT": D("-0.05")}


def test_the_engines_books_and_the_reports_of_performance_name_the_same_slippage() -> None:
    bench = ready()
    for number, side in enumerate((Side.BUY, Side.SELL)):
        link = place(bench, "1", None, side)
        ack(bench, link)
        bench.quote(BTC, 103)
        fill(bench, link, "1", f"e{number}")
    told = [fill_of(b, lambda coin, ts: None) for b in bench.said(ExecutionBooked)]
    book = bench.engine.world.portfolio.book("operator", BTC)
    assert book.slippage == sum((f.slippage for f in told), ZERO) != 0
    assert book.fees == sum((f.fee for f in told), ZERO)
    assert book.realised == sum((f.realised for f in told), ZERO)
