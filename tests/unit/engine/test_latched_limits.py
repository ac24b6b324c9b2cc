"""Latched limits: each is reached at its boundary, cancels entries and no stop, survives a restart, and is lifted by a
person alone; only the pause after a losing streak ends by itself."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.engine.harness import BTC, ETH, MINUTE, SECOND, Bench, config, ready
from tests.unit.engine.risk_bench import BUY, PLAIN, SELL, D, failed, fill, limits, place
from tradectl.engine.config import ScopeLimits, StrategyConfig
from tradectl.engine.strategy import Strategy
from tradectl.engine.trading_engine import TradingEngine
from tradectl.engine.wish import Wish
from tradectl.model.commands import Alert, AlertLevel, Level, RequestAnswered
from tradectl.model.events import (
    PositionsReported,
    Reconciled,
    ResumeRequested,
    RiskResetRequested,
    TickerChanged,
)
from tradectl.model.market_data import Ticker
from tradectl.model.positions import BalanceReport, PositionReport

ONE, TWO = StrategyConfig(name="one", class_="idle"), StrategyConfig(name="two", class_="idle")


class Idle(Strategy):
    """Does nothing: its book is moved by hand."""


CLASSES = {"idle": Idle}


def bench_of(scoped: dict[str, ScopeLimits] | None = None, **changed: Any) -> Bench:
    cfg = config(ONE, TWO, risk=limits(**changed), scoped=scoped or {})
    bench = ready(cfg, CLASSES, money=PLAIN)
    bench.wait(5 * SECOND)
    return bench


def own_book(bench: Bench, strategy: str, sign: int, qty: str, price: str) -> None:
    """A fill of a strategy, straight into the books."""
    world = bench.engine.world
    for book in (world.portfolio.book(strategy, BTC), world.portfolio.net(BTC)):
        book.trade(sign, D(qty), D(price))
    world.dirty_books[(strategy, BTC)] = None


def day_loss(bench: Bench) -> None:
    fill(bench, BUY, "100")
    bench.quote(BTC, 90.0)


def realised(bench: Bench) -> None:
    fill(bench, BUY, "100")
    fill(bench, SELL, "100", "90")


def strategy_loss(bench: Bench) -> None:
    own_book(bench, "one", 1, "10", "100")
    bench.quote(BTC, 90.0)


def strategy_realised(bench: Bench) -> None:
    own_book(bench, "one", 1, "10", "100")
    own_book(bench, "one", -1, "10", "90")


def near_liquidation(bench: Bench) -> None:
    fill(bench, BUY, "10")
    report = PositionReport(BTC, D(10), D(100), liq_price=D("95.1"))
    bench.feed(PositionsReported(bench.now, bench.now, (report,)))


def dear_funding(bench: Bench) -> None:
    fill(bench, BUY, "101")
    bench.feed(TickerChanged(bench.now, bench.now, BTC, Ticker(100.0, 100.0, funding_rate=0.01)))


def flood(bench: Bench) -> None:
    info = bench.engine.world.instruments[ETH]
    for _ in range(4):
        bench.engine.desk.place(Wish("one", info, BUY, (D(1),), "order", ""))


#: Code, scope, limits, how it is reached, level.
CASES: list[tuple[str, str, dict[str, Any], dict[str, ScopeLimits], Callable[[Bench], None], Level]] = [
    ("day_loss", "", {"day_loss_share": D("0.01")}, {}, day_loss, Level.REDUCING),
    ("drawdown", "", {"drawdown_share": D("0.01")}, {}, day_loss, Level.REDUCING),
    ("day_realised", "", {"day_realised_share": D("0.01")}, {}, realised, Level.REDUCING),
    ("strategy_day_loss", "strategy:one", {}, {"strategy:one": ScopeLimits(day_loss_share=D("0.001"))}, strategy_loss,
     Level.REDUCING),
    ("strategy_drawdown", "strategy:one", {}, {"strategy:*": ScopeLimits(drawdown_share=D("0.001"))}, strategy_loss,
     Level.REDUCING),
    ("strategy_day_realised", "strategy:one", {}, {"strategy:one": ScopeLimits(day_realised_share=D("0.001"))},
     strategy_realised, Level.REDUCING),
    ("liquidation_distance", "symbol:BTCUSDT", {"liquidation_share": D("0.05")}, {}, near_liquidation, Level.REDUCING),
    ("funding_cost", "symbol:BTCUSDT", {"funding_share": D("0.001")}, {}, dear_funding, Level.REDUCING),
    ("order_flood", "strategy:one", {"flood_per_minute": 3}, {}, flood, Level.HALTED),
]  # fmt: skip


def reached(case: int) -> Bench:
    """A bench on which the limit was just reached, with entries and a reduce-only order resting before."""
    _, _, changed, scoped, reach, _ = CASES[case]
    bench = bench_of(scoped, **changed)
    bench.engine.world.portfolio.book("one", BTC)
    bench.wait(5 * SECOND)
    for name in ("", "one"):
        assert failed(place(bench, "1", "50", strategy=name)) == ""
        assert failed(place(bench, "1", "50", strategy=name, instrument=ETH)) == ""
    reach(bench)
    bench.wait(5 * SECOND)
    return bench


def state(bench: Bench) -> dict[tuple[str, str], Level]:
    return {(r.code, r.scope): r.level for r in bench.engine.world.state.all()}


def answer(out: tuple[Any, ...]) -> RequestAnswered:
    return next(c for c in out if isinstance(c, RequestAnswered))


ALL = pytest.mark.parametrize("case", range(len(CASES)), ids=[c[0] for c in CASES])


@ALL
def test_it_is_reached_once_and_a_person_is_told_what_to_do(case: int) -> None:
    bench = reached(case)
    code, scope, *_, level = CASES[case]
    assert state(bench) == {(code, scope): level}
    bench.wait(60 * SECOND)
    alerts = [a for a in bench.said(Alert) if a.code == code]
    assert len(alerts) == 1
    assert alerts[0].level is AlertLevel.CRITICAL
    kind, _, name = scope.partition(":")
    assert alerts[0].remedy.endswith(f"tradectl risk reset {code}" + (f" --{kind} {name}" if kind else ""))


@ALL
def test_entries_within_its_scope_are_cancelled_and_no_others(case: int) -> None:
    bench = reached(case)
    kind, _, name = CASES[case][1].partition(":")
    for order in bench.engine.world.open_orders():
        within = not kind or (kind == "strategy" and order.strategy == name) or order.instrument.symbol == name
        assert order.cancel_asked == within, order


@ALL
def test_it_survives_a_restart(case: int) -> None:
    bench = reached(case)
    before = state(bench)
    engine = TradingEngine(bench.config, CLASSES)
    engine.restore(bench.engine.checkpoint())
    bench.engine = engine
    bench.start(restored=True)
    balances = tuple(BalanceReport(c, a) for c, a in engine.world.portfolio.state.cash.items())
    held = tuple(
        PositionReport(i, b.size, D(100), liq_price=D("95.1"))
        for i, b in engine.world.portfolio.state.nets.items()
        if b.size
    )
    bench.wait(MINUTE)
    for _ in range(6):
        bench.wait(20 * SECOND)
        bench.feed(Reconciled(bench.now, bench.now, positions=held, balances=balances))
    left = {key: level for key, level in state(bench).items() if key[0] not in ("unreconciled",)}
    assert before.items() <= left.items()


@ALL
def test_time_does_not_lift_it_and_a_person_does(case: int) -> None:
    bench = reached(case)
    code, scope, *_ = CASES[case]
    bench.now += 25 * 3600 * SECOND
    bench.wait(10 * SECOND)
    assert (code, scope) in state(bench)
    if code in ("liquidation_distance", "funding_cost"):
        _make_harmless(bench)
    out = answer(bench.feed(RiskResetRequested(bench.now, "me", code)))
    assert out.ok
    assert code in out.text
    assert (code, scope) not in state(bench)
    bench.wait(10 * SECOND)
    assert (code, scope) not in state(bench), "it is measured from the reset on"


@ALL
def test_resume_lifts_it_too(case: int) -> None:
    bench = reached(case)
    code, scope, *_ = CASES[case]
    _make_harmless(bench)
    bench.feed(ResumeRequested(bench.now, "me"))
    bench.wait(10 * SECOND)
    assert (code, scope) not in state(bench)


def _make_harmless(bench: Bench) -> None:
    bench.feed(TickerChanged(bench.now, bench.now, BTC, Ticker(90.0, 90.0)))
    bench.feed(PositionsReported(bench.now, bench.now, (PositionReport(BTC, D(10), D(100), liq_price=D(10)),)))


@pytest.mark.parametrize(
    ("case", "code"), [(6, "liquidation_distance"), (7, "funding_cost")], ids=["liquidation", "funding"]
)
def test_what_still_holds_is_reached_again(case: int, code: str) -> None:
    bench = reached(case)
    assert answer(bench.feed(RiskResetRequested(bench.now, "me"))).ok
    bench.wait(10 * SECOND)
    assert (code, "symbol:BTCUSDT") in state(bench)


def test_one_under_the_limit_is_not_reached() -> None:
    shares = {"day_loss_share": D("0.01"), "drawdown_share": D("0.01"), "liquidation_share": D("0.05")}
    bench = bench_of(flood_per_minute=4, funding_share=D("0.00102"), **shares)
    fill(bench, BUY, "100")
    bench.quote(BTC, 90.01)
    bench.feed(TickerChanged(bench.now, bench.now, BTC, Ticker(90.01, 90.01, funding_rate=0.01)))
    report = PositionReport(BTC, D(100), D(100), liq_price=D("85"))
    bench.feed(PositionsReported(bench.now, bench.now, (report,)))
    flood(bench)
    bench.wait(5 * SECOND)
    assert state(bench) == {}


def test_a_reset_is_narrow_and_says_when_there_is_nothing() -> None:
    bench = reached(3)
    for event in (
        RiskResetRequested(bench.now, "me", "drawdown"), RiskResetRequested(bench.now, "me", "", "two"),
        RiskResetRequested(bench.now, "me", "", "", "ETHUSDT"),
    ):  # fmt: skip
        out = answer(bench.feed(event))
        assert (out.ok, out.code) == (False, "NOT_FOUND")
    assert answer(bench.feed(RiskResetRequested(bench.now, "me", "", "one"))).ok
    assert state(bench) == {}


def test_a_reset_does_not_lift_an_operators_halt() -> None:
    bench = reached(0)
    bench.engine.world.restrict("operator_halt", Level.HALTED, "person", "halted by me")
    out = answer(bench.feed(RiskResetRequested(bench.now, "me")))
    assert "halted by me" in out.text
    assert list(state(bench)) == [("operator_halt", "")]


def test_a_strategys_limit_leaves_the_others_alone() -> None:
    bench = reached(3)
    assert failed(place(bench, "1", "50", strategy="one")) == "trading_state"
    assert failed(place(bench, "1", "50", strategy="two")) == ""


def test_a_person_is_no_flood() -> None:
    bench = bench_of(flood_per_minute=3)
    assert [failed(place(bench, "1", "50", instrument=ETH)) for _ in range(5)] == [""] * 5
    assert state(bench) == {}


def test_a_flood_is_counted_within_a_minute() -> None:
    bench = bench_of(flood_per_minute=3)
    for _ in range(12):
        bench.engine.risk.asked("one", 1, person=False)
        bench.wait(20 * SECOND)
    assert state(bench) == {}


def losing_trades(bench: Bench, count: int, price: str = "99") -> None:
    for _ in range(count):
        own_book(bench, "one", 1, "1", "100")
        bench.quote(BTC, 100)
        own_book(bench, "one", -1, "1", price)
        bench.quote(BTC, 100)


def test_a_losing_streak_pauses_a_strategy_for_a_while() -> None:
    bench = bench_of(losing_streak=3, cooldown_minutes=30)
    losing_trades(bench, 2)
    losing_trades(bench, 1, "101")  # a win between
    losing_trades(bench, 2)
    assert state(bench) == {}
    losing_trades(bench, 1)
    assert state(bench) == {("losing_streak", "strategy:one"): Level.REDUCING}
    assert failed(place(bench, "1", "50", strategy="one")) == "trading_state"
    bench.wait(30 * MINUTE - 5 * SECOND)
    assert ("losing_streak", "strategy:one") in state(bench)
    bench.wait(5 * SECOND)
    assert state(bench) == {}
    losing_trades(bench, 2)
    assert state(bench) == {}


def test_a_pause_survives_a_restart_and_a_person_may_end_it() -> None:
    bench = bench_of({"strategy:one": ScopeLimits(losing_streak=1)})
    losing_trades(bench, 1)
    engine = TradingEngine(bench.config, CLASSES)
    engine.restore(bench.engine.checkpoint())
    assert engine.world.guard.strategies["one"].until > bench.now
    assert engine.world.state.has("losing_streak", "strategy:one")
    assert answer(bench.feed(RiskResetRequested(bench.now, "me", "losing_streak"))).ok
    assert state(bench) == {}
