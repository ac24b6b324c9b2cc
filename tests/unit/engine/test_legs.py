"""Hedge mode: two legs apart and exact, and the books they are made of."""

from decimal import Decimal as D
from fractions import Fraction
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.engine.flow import Idle
from tests.unit.engine.harness import BTC, COIN, INSTRUMENTS, SECOND, SPOT, T0, config, ready
from tests.unit.engine.test_books import Oracle
from tests.unit.engine.test_order_life import ack, fill, of, place
from tradectl.engine.config import StrategyConfig
from tradectl.engine.legs import LONG, SHORT, can_hedge, leg_of
from tradectl.engine.portfolio_manager import EXTERNAL, PortfolioManager
from tradectl.engine.statements import disagreements, is_off
from tradectl.engine.trading_engine import TradingEngine
from tradectl.model.commands import ExecutionBooked, PositionChanged, Reconcile, RequestAnswered
from tradectl.model.events import AdoptRequested, Executed, PositionsReported
from tradectl.model.instruments import Category, InstrumentId
from tradectl.model.orders import Execution, Side
from tradectl.model.positions import PositionReport

ZERO = D(0)
INFO = {i.id: i for i in INSTRUMENTS}[BTC]


def execution(number: int, side: Side, qty: D, price: D = D(100), closes: bool = False, **more: Any) -> Execution:
    return Execution(
        f"e{number}", BTC, "o", "", side, price, qty, qty * price, (qty * price).scaleb(-4), "USDT", False, number,
        closed_qty=qty if closes else ZERO, **more,
    )  # fmt: skip


def hedged() -> PortfolioManager:
    return PortfolioManager(hedge=True)


def trade(portfolio: PortfolioManager, number: int, name: str, leg: int, qty: str, closes: bool = False) -> None:
    side = Side.BUY if (leg == LONG) is not closes else Side.SELL
    portfolio.trade(execution(number, side, D(qty), closes=closes), INFO, name)


moves = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", EXTERNAL]), st.sampled_from([LONG, SHORT]), st.booleans(),
        st.integers(1, 5000).map(lambda n: D(n).scaleb(-3)), st.integers(1, 10**6).map(lambda n: D(n).scaleb(-1)),
        st.booleans(),
    ),
    max_size=40,
)  # fmt: skip


@given(moves)
@settings(max_examples=150, deadline=None)
def test_legs_are_exact_and_books_add_up_to_them(drawn: list[tuple[str, int, bool, D, D, bool]]) -> None:
    portfolio, oracles, cash = hedged(), {LONG: Oracle(), SHORT: Oracle()}, ZERO
    for number, (name, leg, closes, size, price, named) in enumerate(drawn):
        held = abs(portfolio.sizes(BTC, leg).get(name, ZERO))
        qty = min(size, held) if closes else size
        if not qty:
            continue
        side = Side.BUY if (leg == LONG) is not closes else Side.SELL
        row = execution(number, side, qty, price, closes)
        booked = portfolio.trade(row, INFO, name, leg if named else 0)
        cash -= row.fee
        oracles[leg].trade(side.sign, qty, price)
        assert booked.size == portfolio.size(name, BTC)
    legs = dict(portfolio.positions_of(BTC))
    for leg, oracle in oracles.items():
        assert tuple(map(Fraction, (legs[leg].size, legs[leg].cost, legs[leg].realised))) == (
            oracle.size,
            oracle.cost,
            oracle.realised,
        )
        assert sum(portfolio.sizes(BTC, leg).values(), ZERO) == legs[leg].size
        assert all(size * (1 if leg == LONG else -1) >= 0 for size in portfolio.sizes(BTC, leg).values())
    assert portfolio.net_size(BTC) == legs[LONG].size + legs[SHORT].size
    paid = Fraction(cash) + oracles[LONG].realised + oracles[SHORT].realised
    assert Fraction(portfolio.state.cash.get("USDT", ZERO)) == paid
    for name in ("size", "cash_flow", "fees", "funding"):
        books = [b[BTC] for b in portfolio.state.books.values()]
        assert sum((getattr(b, name) for b in books), ZERO) == getattr(portfolio.net(BTC), name)


def test_a_position_that_is_flat_in_sum_still_has_its_profit() -> None:
    portfolio = hedged()
    trade(portfolio, 1, "a", LONG, "1")
    portfolio.trade(execution(2, Side.SELL, D(1), D(90)), INFO, "b")
    assert portfolio.net_size(BTC) == 0
    assert portfolio.net(BTC).unrealised(D(95)) == D(-5) + D(-5)
    assert portfolio.is_open(BTC)


def test_the_leg_of_a_fill_without_an_order_is_what_it_opened_or_closed() -> None:
    cases = {(Side.BUY, False): LONG, (Side.SELL, False): SHORT, (Side.SELL, True): LONG, (Side.BUY, True): SHORT}
    assert {key: leg_of(execution(1, key[0], D(1), closes=key[1])) for key in cases} == cases


def test_only_usdt_perpetuals_hold_two_legs() -> None:
    dated = InstrumentId(Category.LINEAR, "BTCUSDT-26JUN26")
    known = {BTC: True, SPOT: False, COIN: False, dated: False, InstrumentId(Category.LINEAR, "BTCPERP"): False}
    assert {i: can_hedge(i) for i in known} == known
    assert not PortfolioManager().is_hedged(BTC)


def test_legs_are_compared_one_by_one_and_named() -> None:
    portfolio = hedged()
    trade(portfolio, 1, "a", LONG, "2")
    trade(portfolio, 2, "b", SHORT, "1")
    right = (PositionReport(BTC, D(2), D(100), LONG), PositionReport(BTC, D(-1), D(100), SHORT))
    assert disagreements(portfolio, (), right, ZERO) == []
    assert not is_off(portfolio, (), right, ZERO)
    both_off = (PositionReport(BTC, D(3), D(100), LONG), PositionReport(BTC, D(-2), D(100), SHORT))
    assert disagreements(portfolio, (), both_off, ZERO) == [
        "linear:BTCUSDT long is 3 at the venue, 2 in the books",
        "linear:BTCUSDT short is -2 at the venue, -1 in the books",
    ]  # fmt: skip
    assert is_off(portfolio, (), both_off[:1], ZERO)
    one_way = (PositionReport(BTC, D(1), D(100), 0),)
    assert "linear:BTCUSDT is 1 at the venue, unknown to the books" in disagreements(portfolio, (), one_way, ZERO)


def test_a_one_way_engine_notices_an_account_in_hedge_mode() -> None:
    portfolio = PortfolioManager()
    said = (PositionReport(BTC, D(2), D(100), LONG), PositionReport(BTC, D(-2), D(100), SHORT))
    portfolio.baseline((), said, (), ())
    assert len(disagreements(portfolio, (), said, ZERO)) == 2


def test_both_legs_of_a_foreign_position_are_found_and_adopted() -> None:
    portfolio = hedged()
    said = (PositionReport(BTC, D(2), D(100), LONG), PositionReport(BTC, D(-2), D(110), SHORT))
    portfolio.baseline((), said, (), ())
    assert portfolio.size(EXTERNAL, BTC) == 0
    assert portfolio.is_open(BTC, EXTERNAL)
    portfolio.adopt(BTC, "a")
    assert not portfolio.is_open(BTC, EXTERNAL)
    assert (portfolio.sizes(BTC, LONG)["a"], portfolio.sizes(BTC, SHORT)["a"]) == (D(2), D(-2))
    assert portfolio.book("a", BTC).unrealised(D(105)) == 20
    assert disagreements(portfolio, (), said, ZERO) == []


def test_the_engine_states_each_leg_and_the_book_as_a_whole() -> None:
    bench = ready(config(position_mode="hedge"))
    for side, exec_id in ((Side.BUY, "e1"), (Side.SELL, "e2")):
        link = place(bench, "1", None, side)
        ack(bench, link)
        fill(bench, link, "1", exec_id)
        if exec_id == "e1":
            told = [(p.strategy, p.position_idx, p.size) for p in bench.said(PositionChanged)]
            assert sorted(told) == [("", 1, D(1)), ("operator", 0, D(1))]
    assert bench.engine.world.venue_size(BTC, 1) == 0


def test_a_strangers_trade_in_hedge_mode_is_external_on_its_own_leg() -> None:
    bench = ready(config(position_mode="hedge"))
    link = place(bench, "1", None, Side.BUY)
    ack(bench, link)
    fill(bench, link, "1", "e1")
    bench.feed(Executed(bench.now, execution(T0 + 1, Side.SELL, D(1), create_type="CreateByUser")))
    world = bench.engine.world
    assert world.portfolio.net_size(BTC) == 0
    assert (world.venue_size(BTC, 1), world.venue_size(BTC, -1)) == (D(1), D(1))
    assert world.portfolio.sizes(BTC, SHORT) == {"operator": 0, EXTERNAL: -1}
    engine = TradingEngine(bench.config, bench.classes)
    engine.restore(bench.engine.checkpoint())
    assert engine.checkpoint() == bench.engine.checkpoint()
    assert engine.world.venue_size(BTC, -1) == 1


def test_a_liquidated_leg_is_shared_by_who_holds_it_and_nobody_else() -> None:
    bench = ready(config(position_mode="hedge"))
    portfolio = bench.engine.world.portfolio
    for number, (name, leg, qty) in enumerate((("a", LONG, "2"), ("b", LONG, "1"), ("c", SHORT, "5"))):
        trade(portfolio, number, name, leg, qty)
    row = execution(9, Side.SELL, D("1.5"), closes=True, create_type="CreateByAdl_PassThrough", type="AdlTrade")
    bench.feed(Executed(bench.now, row))
    assert portfolio.sizes(BTC, LONG) == {"a": 1, "b": D("0.5"), "c": 0}
    assert portfolio.sizes(BTC, SHORT)["c"] == -5
    assert bench.said(ExecutionBooked)[-1].strategy == ""


def test_a_streams_word_on_one_leg_starts_a_reconciliation() -> None:
    bench = ready(config(position_mode="hedge"))
    link = place(bench, "1", None, Side.BUY)
    ack(bench, link)
    fill(bench, link, "1", "e1")
    before = len(bench.said(Reconcile))
    bench.wait(2 * SECOND)
    right = (PositionReport(BTC, D(1), D(100), LONG), PositionReport(BTC, ZERO, None, SHORT))
    bench.feed(PositionsReported(bench.now, bench.now, right))
    bench.wait(70 * SECOND)
    assert len(bench.said(Reconcile)) == before
    bench.feed(PositionsReported(bench.now, bench.now, (PositionReport(BTC, D(-1), D(100), SHORT),)))
    bench.wait(70 * SECOND)
    assert len(bench.said(Reconcile)) == before + 1


def test_adopting_both_legs_by_request() -> None:
    alpha = StrategyConfig(name="alpha", class_="idle")
    bench = ready(config(alpha, position_mode="hedge"), {"idle": Idle})
    portfolio = bench.engine.world.portfolio
    trade(portfolio, 1, EXTERNAL, LONG, "1")
    trade(portfolio, 2, EXTERNAL, SHORT, "1")
    answer = of([*bench.feed(AdoptRequested(bench.now, "me", BTC, "alpha"))], RequestAnswered)[0]
    assert answer.ok
    assert portfolio.is_open(BTC, "alpha")
    answer = of([*bench.feed(AdoptRequested(bench.now, "me", BTC, "alpha"))], RequestAnswered)[0]
    assert answer.text == "there is no foreign position in linear:BTCUSDT"
