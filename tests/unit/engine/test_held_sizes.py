"""Funding goes to who held the position at its settlement, however late it is told and whatever happened since."""

from decimal import Decimal as D
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.engine.harness import BTC, INSTRUMENTS, ready
from tests.unit.engine.test_order_life import ack, fill, place
from tradectl.engine.held_sizes import KEEP, Change, HeldSizes
from tradectl.engine.portfolio_manager import EXTERNAL, PortfolioManager
from tradectl.model.commands import ExecutionBooked
from tradectl.model.events import Executed
from tradectl.model.money import ZERO
from tradectl.model.orders import Execution, Side

INFO = {i.id: i for i in INSTRUMENTS}[BTC]


def trade(number: int, side: Side, qty: D, ts: int) -> Execution:
    return Execution(f"e{number}", BTC, "o", "l", side, D(100), qty, qty * 100, ZERO, "USDT", False, ts)


def funding(qty: D, ts: int, side: Side = Side.BUY, fee: str = "1") -> Execution:
    return Execution(f"f{ts}", BTC, "o", "", side, D(100), qty, qty * 100, D(fee), "USDT", False, ts, "Funding")


def shared(portfolio: PortfolioManager, row: Execution) -> dict[str, D]:
    return {b.strategy: -b.realised for b in portfolio.funding(row, INFO)}


def test_after_the_position_closed_it_goes_to_who_held_it() -> None:
    portfolio = PortfolioManager()
    portfolio.trade(trade(1, Side.BUY, D(3), 10), INFO, "a")
    portfolio.trade(trade(2, Side.BUY, D(1), 20), INFO, "b")
    portfolio.trade(trade(3, Side.SELL, D(3), 40), INFO, "a")
    portfolio.trade(trade(4, Side.SELL, D(1), 41), INFO, "b")
    assert shared(portfolio, funding(D(4), 30)) == {"a": D("0.75"), "b": D("0.25")}
    assert portfolio.size("a", BTC) == portfolio.net_size(BTC) == 0


def test_a_trade_of_the_same_moment_came_before_or_after_as_the_size_says() -> None:
    for qty, expected in ((D(2), {"a": D(1)}), (D(6), {"a": D("0.33333333"), "b": D("0.66666667")})):
        portfolio = PortfolioManager()
        portfolio.trade(trade(1, Side.BUY, D(2), 10), INFO, "a")
        portfolio.trade(trade(2, Side.BUY, D(4), 30), INFO, "b")
        assert shared(portfolio, funding(qty, 30)) == expected


def test_what_nobody_ever_held_is_external() -> None:
    assert shared(PortfolioManager(), funding(D(1), 5)) == {EXTERNAL: D(1)}


def test_books_on_both_sides_pay_each_other() -> None:
    portfolio = PortfolioManager()
    portfolio.trade(trade(1, Side.BUY, D(3), 10), INFO, "a")
    portfolio.trade(trade(2, Side.SELL, D(1), 10), INFO, "b")
    assert shared(portfolio, funding(D(2), 30)) == {"a": D("1.5"), "b": D("-0.5")}


def test_an_adopted_position_brings_its_past_along() -> None:
    portfolio = PortfolioManager()
    portfolio.trade(trade(1, Side.BUY, D(1), 10), INFO, EXTERNAL)
    portfolio.adopt(BTC, "a")
    portfolio.trade(trade(2, Side.SELL, D(1), 40), INFO, "a")
    assert shared(portfolio, funding(D(1), 30)) == {"a": D(1)}


def test_in_hedge_mode_each_leg_pays_for_itself_and_the_size_beats_a_wrong_side() -> None:
    for side in Side:
        portfolio = PortfolioManager(hedge=True)
        portfolio.trade(trade(1, Side.BUY, D(3), 10), INFO, "a", 1)
        portfolio.trade(trade(2, Side.SELL, D(1), 10), INFO, "b", 2)
        assert shared(portfolio, funding(D(3), 30, side)) == {"a": D(1)}
        assert dict(portfolio.positions_of(BTC))[1].funding == D(1)


changes = st.lists(
    st.tuples(st.sampled_from("abc"), st.integers(-5, 5).filter(bool), st.integers(1, 50)), min_size=1, max_size=30
)


@given(changes, st.integers(1, 50), st.randoms(use_true_random=False))
@settings(max_examples=200, deadline=None)
def test_neither_the_order_of_arrival_nor_the_delay_matters(
    drawn: list[tuple[str, int, int]], ts: int, shuffle: Any
) -> None:
    wanted: dict[str, D] = {}
    for name, lots, at in drawn:
        if at <= ts:
            wanted[name] = wanted.get(name, ZERO) + lots
    wanted = {name: size for name, size in wanted.items() if size}
    shuffle.shuffle(drawn)
    held, now = HeldSizes(), dict.fromkeys("abc", ZERO)
    for name, lots, at in drawn:
        held.changed(BTC, Change(at, name, D(lots)))
        now[name] += lots
    total = abs(sum(wanted.values(), ZERO))
    if total:
        assert held.at(BTC, 0, now, ts, total) == wanted


def test_what_is_kept_is_bounded() -> None:
    held = HeldSizes()
    for n in range(10 * KEEP):
        held.changed(BTC, Change(n, "a", D(1)))
    assert len(held.changes[BTC]) <= KEEP
    assert held.at(BTC, 0, {"a": D(10 * KEEP)}, 10 * KEEP - 3, D(10 * KEEP - 2)) == {"a": D(10 * KEEP - 2)}


def test_the_engine_tells_it_under_the_strategys_name() -> None:
    bench = ready()
    link = place(bench, "1", None, Side.BUY)
    ack(bench, link)
    fill(bench, link, "1", "e1")
    at = bench.now
    bench.wait(10**9)
    link = place(bench, "1", None, Side.SELL)
    ack(bench, link)
    fill(bench, link, "1", "e2")
    bench.feed(Executed(bench.now, funding(D(1), at + 1)))
    told = bench.said(ExecutionBooked)[-1]
    assert (told.execution.type, told.strategy, told.realised) == ("Funding", "operator", D(-1))
