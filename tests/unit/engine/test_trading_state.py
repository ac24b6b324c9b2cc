"""RUNNING, REDUCING, HALTED: who may set and lift what, and what a halt does to orders (decision 10)."""

from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from tests.unit.engine.harness import BTC, ETH, SECOND, WIDE, Bench, config, encoded, ready
from tests.unit.engine.live import Live
from tradectl.engine.config import EngineConfig, StrategyConfig
from tradectl.engine.strategy import Strategy
from tradectl.engine.trading_engine import TradingEngine
from tradectl.model.commands import (
    Alert,
    CancelOrder,
    DecisionMade,
    Level,
    RequestAnswered,
    RiskApproved,
    StateChanged,
    Subscribe,
)
from tradectl.model.events import (
    AccountChecked,
    Action,
    AdoptRequested,
    CancelRequested,
    ClockChecked,
    CloseRequested,
    ConnectionChanged,
    HaltRequested,
    JournalChecked,
    OrderAnswered,
    OrderRequested,
    Reaction,
    Reconciled,
    ResumeRequested,
    Started,
    StopRequested,
    TickerChanged,
)
from tradectl.model.market_data import MarketKey, Ticker
from tradectl.model.orders import OrderType, Side
from tradectl.model.positions import BalanceReport, LedgerRow, PositionReport

D = Decimal
HELD = StrategyConfig(name="one", class_="idle")
OTHER = StrategyConfig(name="two", class_="idle")


class Idle(Strategy):
    """Does nothing: its book is moved by hand."""


def live(**changed: Any) -> Live:
    cfg: EngineConfig = config(HELD, OTHER, risk=replace(WIDE, **changed))
    return Live(cfg, {"idle": Idle})


def order(bench: Bench, side: Side, qty: str, price: str | None = None, strategy: str = "") -> OrderRequested:
    kind = OrderType.MARKET if price is None else OrderType.LIMIT
    return OrderRequested(bench.now, "me", BTC, side, kind, D(qty), D(price) if price else None, strategy=strategy)


def level(bench: Bench, strategy: str = "", symbol: str = "") -> Level:
    return bench.engine.world.state.level(strategy, symbol)


def codes(bench: Bench) -> set[str]:
    return {r.code for r in bench.engine.world.state.all()}


def answer(out: tuple[Any, ...]) -> RequestAnswered:
    return next(c for c in out if isinstance(c, RequestAnswered))


def test_a_start_trades_only_after_streams_and_reconciliation() -> None:
    bench = Bench()
    bench.start()
    assert level(bench) is Level.HALTED
    bench.quote(BTC, 100)
    assert codes(bench) == {"unreconciled"}
    bench.feed(Reconciled(bench.now, bench.now, error="the venue is away"))
    assert level(bench) is Level.HALTED
    assert "the venue is away" in bench.said(StateChanged)[-1].reasons[0].text
    bench.feed(Reconciled(bench.now, bench.now, balances=(BalanceReport("USDT", D(1000)),)))
    assert level(bench) is Level.HALTED  # it was asked again meanwhile
    bench.wait(2 * SECOND)
    bench.feed(Reconciled(bench.now, bench.now, balances=(BalanceReport("USDT", D(1000)),)))
    assert level(bench) is Level.RUNNING


def test_unreconciled_holds_creates_and_lets_cancels_go() -> None:
    bench = ready()
    bench.feed(order(bench, Side.BUY, "1", "90"))
    link = bench.creates()[0].link_id
    bench.feed(OrderAnswered(bench.now, link, Action.CREATE, 0, "", Reaction.OK, "v1"))
    bench.feed(ConnectionChanged(bench.now, "private", False, "cut"))
    assert level(bench) is Level.HALTED
    out = bench.feed(CancelRequested(bench.now, "me", link))
    assert [c.link_id for c in out if isinstance(c, CancelOrder)] == [link]
    out = bench.feed(order(bench, Side.BUY, "1", "90"))
    assert not next(c for c in out if isinstance(c, DecisionMade)).accepted


def test_an_answer_to_an_overtaken_question_settles_nothing() -> None:
    bench = ready()
    for _ in range(2):
        bench.now += SECOND
        bench.feed(ConnectionChanged(bench.now, "trade", False, "cut"))
        asked = bench.now
        bench.feed(ConnectionChanged(bench.now, "trade", True))
    balances = (BalanceReport("USDT", D(100_000)), BalanceReport("BTC", D(1)))
    bench.feed(Reconciled(bench.now, asked - SECOND, balances=balances))
    assert level(bench) is Level.HALTED
    bench.feed(Reconciled(bench.now, asked, balances=balances))
    assert level(bench) is Level.RUNNING


def test_a_halt_cancels_entries_and_leaves_protection() -> None:
    flow = live()
    flow.feed(order(flow.bench, Side.BUY, "2"))
    flow.feed(order(flow.bench, Side.BUY, "1", "90"))
    protection = OrderRequested(flow.bench.now, "me", BTC, Side.SELL, OrderType.LIMIT, D(1), D(120), reduce_only=True)
    flow.feed(protection)
    flow.feed(HaltRequested(flow.bench.now, "me", reason="a test"))
    assert level(flow.bench) is Level.HALTED
    assert [o.price for o in flow.venue.open_orders()] == [D(120)]
    alert = flow.bench.said(Alert)[-1]
    assert "a test" in alert.text
    assert "resume" in alert.remedy


def test_a_halt_survives_checkpoint_and_restart() -> None:
    bench = ready()
    bench.feed(HaltRequested(bench.now, "me", reason="a test"))
    engine = TradingEngine(bench.config, {})
    engine.restore(bench.engine.checkpoint())
    bench.engine = engine
    bench.start(restored=True)
    bench.feed(
        Reconciled(bench.now, bench.now, balances=(BalanceReport("USDT", D(100_000)), BalanceReport("BTC", D(1))))
    )
    assert codes(bench) == {"operator_halt"}
    assert level(bench) is Level.HALTED
    bench.feed(ResumeRequested(bench.now, "me"))
    assert level(bench) is Level.RUNNING


def test_scopes_narrow_a_halt_and_its_end() -> None:
    flow = live()
    bench = flow.bench
    flow.feed(HaltRequested(bench.now, "me", strategy="one"))
    flow.feed(HaltRequested(bench.now, "me", reduce=True, symbol="ETHUSDT"))
    assert (level(bench), level(bench, "one"), level(bench, "two")) == (Level.RUNNING, Level.HALTED, Level.RUNNING)
    assert level(bench, "two", "ETHUSDT") is Level.REDUCING
    out = bench.feed(order(bench, Side.BUY, "1", strategy="one"))
    assert not next(c for c in out if isinstance(c, DecisionMade)).accepted
    out = bench.feed(order(bench, Side.BUY, "1", strategy="two"))
    assert next(c for c in out if isinstance(c, DecisionMade)).accepted
    flow.feed(ResumeRequested(bench.now, "me", strategy="one"))
    assert level(bench, "one", "ETHUSDT") is Level.REDUCING
    flow.feed(ResumeRequested(bench.now, "me"))
    assert level(bench, "one", "ETHUSDT") is Level.RUNNING


def test_resume_does_not_lift_what_clears_by_itself() -> None:
    bench = ready()
    bench.feed(ClockChecked(bench.now, 3 * SECOND, False))
    bench.feed(AccountChecked(bench.now, "uid", ("leverage is 5, not 1",)))
    bench.feed(AccountChecked(bench.now, "uid", ("leverage is 5, not 1",)))
    assert [a.code for a in bench.said(Alert)] == ["account"]  # once, not at every check
    out = bench.feed(ResumeRequested(bench.now, "me"))
    assert codes(bench) == {"clock", "account"}
    assert "leverage is 5" in answer(out).text
    bench.feed(ClockChecked(bench.now, 0, True))
    bench.feed(AccountChecked(bench.now, "uid"))
    assert level(bench) is Level.RUNNING


def test_a_journal_that_fails_halts_until_it_is_well_and_a_person_says_so() -> None:
    bench = ready()
    bench.feed(order(bench, Side.BUY, "1", "90"))
    bench.feed(JournalChecked(bench.now, False, "disk full"))
    bench.feed(JournalChecked(bench.now, False, "disk full"))
    assert [a.code for a in bench.said(Alert)] == ["journal"]
    out = bench.feed(order(bench, Side.BUY, "1", "90"))
    assert not any(isinstance(c, RiskApproved) for c in out)
    out = bench.feed(CancelRequested(bench.now, "me", bench.creates()[0].link_id))
    assert any(isinstance(c, CancelOrder) for c in out)
    bench.feed(ResumeRequested(bench.now, "me"))
    assert level(bench) is Level.HALTED  # it is still full
    bench.feed(JournalChecked(bench.now, False, "disk full"))
    bench.feed(JournalChecked(bench.now, True))
    bench.feed(JournalChecked(bench.now, False, "disk full again"))
    bench.feed(JournalChecked(bench.now, True))
    assert level(bench) is Level.HALTED  # the halt stays a person's to lift
    bench.feed(ResumeRequested(bench.now, "me"))
    assert level(bench) is Level.RUNNING


def test_a_person_closes_in_a_halt_and_hears_when_it_was_refused() -> None:
    flow = live()
    flow.feed(order(flow.bench, Side.BUY, "2"))
    flow.feed(HaltRequested(flow.bench.now, "me"))
    flow.feed(CloseRequested(flow.bench.now, "me", BTC))
    assert flow.bench.engine.world.portfolio.net_size(BTC) == 0
    assert flow.bench.creates()[-1].reduce_only
    out = flow.bench.feed(CloseRequested(flow.bench.now, "me", BTC))
    assert answer(out).code == "NOT_FOUND"


def test_a_close_passes_a_resting_take_profit() -> None:
    """The resting sell is being cancelled; the close is reduce-only, so that both together cannot open a short."""
    flow = live()
    flow.feed(order(flow.bench, Side.BUY, "2"))
    flow.feed(order(flow.bench, Side.SELL, "2", "120"))
    flow.feed(HaltRequested(flow.bench.now, "me", strategy="two"))
    flow.bench.engine.world.state.add("test", Level.REDUCING, "person", "a test", flow.bench.now)
    flow.feed(CloseRequested(flow.bench.now, "me", BTC))
    assert flow.bench.engine.world.portfolio.net_size(BTC) == 0
    assert not flow.venue.open_orders()


def test_flatten_closes_the_account_when_books_oppose_each_other() -> None:
    flow = live(order_share=D("0.02"))
    flow.feed(order(flow.bench, Side.BUY, "19", strategy="one"))
    flow.feed(order(flow.bench, Side.BUY, "19", strategy="one"))
    flow.feed(order(flow.bench, Side.SELL, "15", strategy="two"))
    portfolio = flow.bench.engine.world.portfolio
    assert (portfolio.size("one", BTC), portfolio.size("two", BTC), portfolio.net_size(BTC)) == (D(38), D(-15), D(23))
    flow.feed(HaltRequested(flow.bench.now, "me", flatten=True))
    assert portfolio.net_size(BTC) == 0
    assert flow.venue.sizes[BTC] == 0
    assert all(s.reduce_only for s in flow.bench.creates()[3:])


def test_closing_one_of_two_opposed_books_is_an_order_like_any_other() -> None:
    flow = live(order_share=D("0.02"))
    flow.feed(order(flow.bench, Side.BUY, "19", strategy="one"))
    flow.feed(order(flow.bench, Side.BUY, "19", strategy="one"))
    flow.feed(order(flow.bench, Side.SELL, "15", strategy="two"))
    flow.feed(CloseRequested(flow.bench.now, "me", BTC, "one"))
    made = flow.bench.creates()[3:]
    assert sum(s.qty for s in made) == D(38)
    assert [s.reduce_only for s in made] == [True] + [False] * (len(made) - 1)
    assert all(s.qty * D(100) <= D(2_000) for s in made[1:])
    assert flow.bench.engine.world.portfolio.size("one", BTC) == 0
    assert flow.bench.engine.world.portfolio.net_size(BTC) == D(-15)


def test_day_loss_latches_once_and_a_person_lifts_it() -> None:
    flow = live(day_loss_share=D("0.03"), drawdown_share=D(1))
    bench = flow.bench
    flow.wait(6 * SECOND)  # the coins have a price by now: the day is measured from here
    flow.feed(order(bench, Side.BUY, "500"))
    bench.feed(TickerChanged(bench.now, bench.now, BTC, Ticker(95, 95)))
    flow.wait(6 * SECOND)
    assert codes(bench) == set()
    for mark in (93.9, 93.5, 93.0, 99.0):
        bench.feed(TickerChanged(bench.now, bench.now, BTC, Ticker(mark, mark)))
        flow.wait(6 * SECOND)
    assert codes(bench) == {"day_loss"}
    assert [a.code for a in bench.said(Alert)] == ["day_loss"]  # not at every look
    assert level(bench) is Level.REDUCING
    flow.feed(ResumeRequested(bench.now, "me"))
    flow.wait(20 * SECOND)
    assert level(bench) is Level.RUNNING  # measured from here
    bench.feed(TickerChanged(bench.now, bench.now, BTC, Ticker(92.0, 92.0)))
    flow.wait(6 * SECOND)
    assert codes(bench) == {"day_loss"}


def test_drawdown_is_measured_from_the_peak_over_days() -> None:
    flow = live(day_loss_share=D(1), drawdown_share=D("0.05"))
    bench = flow.bench
    flow.feed(order(bench, Side.BUY, "500"))
    for mark in (110.0, 108.0, 104.0):
        bench.feed(TickerChanged(bench.now, bench.now, BTC, Ticker(mark, mark)))
        flow.wait(6 * SECOND)
    assert codes(bench) == set()
    bench.now += 86_400 * SECOND
    bench.feed(TickerChanged(bench.now, bench.now, BTC, Ticker(99.0, 99.0)))
    flow.wait(6 * SECOND)
    assert "drawdown" in codes(bench)


def test_stale_prices_hold_one_symbol_and_say_so_once() -> None:
    flow = live(stale_quote_seconds=10)
    bench = flow.bench
    bench.quote(ETH, 100)
    before = len(bench.said(StateChanged))
    for _ in range(5):
        flow.wait(6 * SECOND)
        bench.quote(ETH, 100)
    assert level(bench, symbol="BTCUSDT") is Level.REDUCING
    assert level(bench, symbol="ETHUSDT") is Level.RUNNING
    assert level(bench) is Level.RUNNING
    assert len(bench.said(StateChanged)) - before <= 3
    bench.quote(BTC, 100)
    flow.wait(6 * SECOND)
    assert not [r for r in bench.engine.world.state.all() if r.scope == "symbol:BTCUSDT" and "linear" in r.code]


def test_stop_cancels_entries_and_holds_new_ones_until_the_next_start() -> None:
    flow = live()
    bench = flow.bench
    flow.feed(order(bench, Side.BUY, "2"))
    flow.feed(order(bench, Side.BUY, "1", "90"))
    flow.feed(StopRequested(bench.now, "me"))
    assert not flow.venue.open_orders()
    assert "2 linear:BTCUSDT" in bench.said(RequestAnswered)[-1].text
    out = bench.feed(order(bench, Side.BUY, "1"))
    assert not next(c for c in out if isinstance(c, DecisionMade)).accepted
    bench.feed(Started(bench.now, bench.config.run, True, 1))
    assert "stopping" not in codes(bench)


def test_stop_flatten_leaves_nothing() -> None:
    flow = live()
    flow.feed(order(flow.bench, Side.BUY, "2"))
    flow.feed(order(flow.bench, Side.BUY, "2", strategy="one"))
    flow.feed(StopRequested(flow.bench.now, "me", "flatten"))
    assert flow.venue.sizes[BTC] == 0


def test_a_lasting_mismatch_reduces_and_needs_a_person() -> None:
    bench = ready()
    bench.feed(ConnectionChanged(bench.now, "private", False, "cut"))
    bench.feed(ConnectionChanged(bench.now, "private", True))
    wrong = (BalanceReport("USDT", D(99_999)), BalanceReport("BTC", D(1)))
    for _ in range(4):
        assert level(bench) is Level.HALTED
        bench.feed(Reconciled(bench.now, bench.now, balances=wrong))
        bench.wait(SECOND)
    assert codes(bench) == {"mismatch"}
    assert level(bench) is Level.REDUCING
    assert "99999" in bench.said(Alert)[-1].text
    assert bench.engine.world.portfolio.state.cash["USDT"] == D(100_000)  # never overwritten
    bench.feed(ResumeRequested(bench.now, "me"))
    assert level(bench) is Level.RUNNING


def test_transfers_are_no_mismatch() -> None:
    bench = ready()
    bench.feed(ConnectionChanged(bench.now, "private", False, "cut"))
    bench.feed(ConnectionChanged(bench.now, "private", True))
    row = LedgerRow("l1", "TRANSFER_IN", "USDT", D(5), bench.now)
    stated = (BalanceReport("USDT", D(100_005)), BalanceReport("BTC", D(1)))
    bench.feed(Reconciled(bench.now, bench.now, balances=stated, ledger=(row,)))
    assert level(bench) is Level.RUNNING
    bench.feed(Reconciled(bench.now, bench.now, balances=stated, ledger=(row,)))
    assert bench.engine.world.portfolio.state.cash["USDT"] == D(100_005)


def test_a_position_found_at_the_start_is_external_and_can_be_adopted() -> None:
    bench = Bench(config(HELD), {"idle": Idle})
    bench.start()
    bench.quote(BTC, 100)
    found = (PositionReport(BTC, D(3), D(90)),)
    bench.feed(Reconciled(bench.now, bench.now, positions=found, balances=(BalanceReport("USDT", D(1000)),)))
    assert level(bench) is Level.RUNNING
    portfolio = bench.engine.world.portfolio
    assert portfolio.size("external", BTC) == D(3)
    assert answer(bench.feed(CloseRequested(bench.now, "me", BTC))).code == "NOT_FOUND"  # not ours unless named
    assert answer(bench.feed(AdoptRequested(bench.now, "me", BTC, "nobody"))).code == "UNKNOWN_STRATEGY"
    assert answer(bench.feed(AdoptRequested(bench.now, "me", ETH, "one"))).code == "NOT_FOUND"
    assert answer(bench.feed(AdoptRequested(bench.now, "me", BTC, "one"))).ok
    assert (portfolio.size("external", BTC), portfolio.size("one", BTC)) == (D(0), D(3))
    assert portfolio.book("one", BTC).cost == D(270)


def test_requests_about_unknown_or_finished_orders_are_answered() -> None:
    bench = ready()
    assert answer(bench.feed(CancelRequested(bench.now, "me", "nope"))).code == "UNKNOWN_ORDER"
    bench.feed(order(bench, Side.BUY, "1", "90"))
    link = bench.creates()[0].link_id
    bench.feed(OrderAnswered(bench.now, link, Action.CREATE, 110007, "no balance", Reaction.FIX))
    assert answer(bench.feed(CancelRequested(bench.now, "me", link))).code == "CONFLICT"
    assert "110007 no balance" in bench.engine.world.orders[link].reason


def test_the_same_events_give_the_same_bytes() -> None:
    one, two = ready(), ready()
    assert [encoded(a) for a in one.answers] == [encoded(a) for a in two.answers]


def test_coins_are_followed_where_a_pair_prices_them_and_never_switch_the_limits_off() -> None:
    bench = ready(config(risk=replace(WIDE, day_loss_share=D("0.03"))), money={"USDT": D(100_000), "XYZ": D(7)})
    bench.wait(6 * SECOND)
    assert bench.engine.guards.state.day_open == D(100_000)
    with_coin = ready(money={"USDT": D(100_000), "ETH": D(7)})
    keys = {c.key for c in with_coin.said(Subscribe)}
    assert MarketKey("ticker", ETH) in keys
    assert MarketKey("ticker", BTC) not in keys
