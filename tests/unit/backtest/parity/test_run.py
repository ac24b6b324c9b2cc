"""Parity of whole runs of the engine: over the record's own market data, explained to the last digit."""

from decimal import Decimal
from fractions import Fraction

import pytest
from msgspec.structs import replace

from tests.unit.backtest.recorded_bench import entries, of_events, recorded
from tests.unit.engine.harness import BTC, INSTRUMENTS, MINUTE, T0
from tradectl.backtest.parity.again import Again, again
from tradectl.backtest.parity.opening import take_over
from tradectl.backtest.parity.recorded_venue import RecordedVenue
from tradectl.backtest.parity.run import parity_of
from tradectl.backtest.parity.touches import Touches
from tradectl.backtest.recorded import Recorded, Settlement
from tradectl.backtest.replay import Chapter
from tradectl.cli.parity import as_data, draw
from tradectl.cli.screen import Screen, json_text
from tradectl.cli.words import Globals
from tradectl.model.commands import Entry, RiskApproved
from tradectl.model.errors import Problem
from tradectl.model.events import (
    SCHEMA,
    BarClosed,
    BarsLoaded,
    Event,
    Executed,
    QuoteChanged,
    Started,
    StopRequested,
    TickerChanged,
    TradePrinted,
)
from tradectl.model.market_data import Bar, Ticker
from tradectl.model.money import use_exact_context
from tradectl.model.orders import OrderSpec, OrderType, Side, Trigger
from tradectl.model.positions import BalanceReport, PositionReport
from tradectl.simulation.models import Models
from tradectl.simulation.venue import UID

D = Decimal
use_exact_context()


@pytest.mark.parametrize("seed", range(4))
def test_a_run_at_a_venue_with_habits_of_its_own_is_explained(seed: int) -> None:
    run = recorded(entries(seed))
    done = parity_of(run)
    assert done.report.explained
    (profit,) = done.report.profits
    booked = Fraction(0)
    mark = Fraction(str(run.facts.marks[BTC]))
    for it in run.facts.ledger.executions:
        row = it.execution
        sign = 0 if row.type == "Funding" else row.side.sign
        booked += sign * (Fraction(row.qty) * mark - Fraction(row.value)) - Fraction(row.fee)
    assert Fraction(profit.recorded) == booked
    assert sum(Fraction(row.amount) for row in done.report.rows) == booked - Fraction(profit.backtest)
    assert done.report.counts.matched > 20
    assert not done.stopped


def test_the_same_record_gives_the_same_backtest() -> None:
    first, second = (again(recorded(entries(2)))[0] for _ in range(2))
    assert first.executions == second.executions
    assert first.orders == second.orders


def test_a_venue_whose_clock_is_another_one_changes_nothing_in_what_is_decided() -> None:
    day = 86_400 * 10**9

    def ahead(entry: Entry) -> Entry:
        """As heard of a venue whose clock, and candles with it, is a day ahead of ours."""
        event = entry.event
        if isinstance(event, BarClosed):
            bar = replace(event.bar, open_time=event.bar.open_time + day)
            return replace(entry, event=replace(event, ts=event.ts + day, bar=bar))
        if isinstance(event, QuoteChanged | TickerChanged | TradePrinted):
            return replace(entry, event=replace(event, ts=event.ts + day))
        if isinstance(event, BarsLoaded):
            bars = tuple(replace(it, open_time=it.open_time + day) for it in event.bars)
            return replace(entry, event=replace(event, bars=bars))
        if isinstance(event, Executed):
            return replace(entry, event=replace(event, execution=replace(event.execution, ts=event.execution.ts + day)))
        return entry

    plain, other = (again(recorded(rows))[0] for rows in (entries(2), tuple(map(ahead, entries(2)))))
    decided = [(it.at, it.strategy, it.side, it.qty, it.accepted) for it in plain.decisions.values()]
    assert [(it.at, it.strategy, it.side, it.qty, it.accepted) for it in other.decisions.values()] == decided
    assert [it.execution.price for it in other.executions] == [it.execution.price for it in plain.executions]
    assert len(plain.executions) > 5


def test_a_candle_that_came_late_is_heard_where_it_closed() -> None:
    rows = entries(2)
    closed = [e for e in rows if isinstance(e.event, BarClosed)]
    lost = closed[20]
    assert isinstance(lost.event, BarClosed)
    loaded = BarsLoaded(rows[-1].event.received, BTC, "1m", (replace(lost.event.bar, late=True),))
    kept = [e for e in rows if e is not lost] + [Entry(SCHEMA, rows[-1].seq + 1, loaded)]
    heard = [e for _, e in Again(recorded(kept)).heard() if isinstance(e, BarClosed)]
    assert [it.bar for it in heard] == [it.event.bar for it in closed if isinstance(it.event, BarClosed)]


def test_a_candle_that_came_late_never_takes_our_clock_beyond_what_followed() -> None:
    """A sandbox's clock may run 300 times as fast as ours: a candle's end is then far ahead of when we heard of it."""
    bars = [Bar(T0 + n * MINUTE, 100.0, 101.0, 99.0, 100.0, 5.0) for n in range(4)]
    live = [BarClosed(T0 + n, bars[n].open_time + MINUTE, BTC, "1m", bars[n]) for n in (0, 3)]
    loaded = BarsLoaded(T0 + 2, BTC, "1m", (bars[1], bars[2]))
    heard = [e for _, e in Again(of_events(live[0], loaded, live[1])).heard() if isinstance(e, BarClosed)]
    assert [it.bar for it in heard] == bars
    assert [it.received - T0 for it in heard] == [0, 3, 3, 3]


def test_a_reload_in_the_middle_takes_over_the_state() -> None:
    whole = recorded(entries(2))
    (chapter,) = whole.chapters
    middle = Chapter(len(entries(2)) // 2, chapter.config, chapter.classes)
    parts = Recorded(whole.run, whole.mode, whole.entries, (chapter, middle))
    assert again(parts)[0].executions == again(whole)[0].executions


def test_only_the_last_stop_is_heard_and_no_restart() -> None:
    rows = list(entries(2))
    at, seq = rows[-1].event.received, rows[-1].seq
    more = [StopRequested(at, "me"), Started(at, "0000000r", True), StopRequested(at, "me", "all")]
    rows += [Entry(SCHEMA, seq + n, event) for n, event in enumerate(more, 1)]
    run = Again(recorded(rows))
    told: list[Event] = []
    apply = run.engine.apply
    run.engine.apply = lambda event: (told.append(event), apply(event))[1]  # type: ignore[method-assign,func-returns-value]
    run.run()
    assert [it.leave for it in told if isinstance(it, StopRequested)] == ["all"]
    assert [it.restored for it in told if isinstance(it, Started)] == [False]


def test_the_comparison_is_drawn_and_every_amount_is_a_number_in_json() -> None:
    data = as_data(parity_of(recorded(entries(2))))
    text = draw(Screen(Globals()), data, 3)
    assert "100 %" in text
    assert "the largest 3:" in text
    assert '"unexplained": 0' in json_text(data)


def test_pruned_or_empty_runs_are_refused() -> None:
    with pytest.raises(Problem, match="complete only from entry 9"):
        parity_of(recorded(entries(2), first=9))
    with pytest.raises(Problem, match="no market data"):
        parity_of(of_events())


# --- the venue the record moves


def _venue(*settlements: Settlement) -> RecordedVenue:
    found = {(it.instrument, it.ts): it for it in settlements}
    venue = RecordedVenue(INSTRUMENTS, Models(), found, leverage=D(10), hedge=False, now=T0)
    take_over(venue.venue.exchange, UID, (BalanceReport("USDT", D(10_000)),), (), T0)
    venue.hear([QuoteChanged(T0, T0, BTC, 100.0, 0.5, 100.1, 0.5), _ticker(0, 100.0)])
    return venue


def _ticker(at: int, last: float, mark: float = 0.0) -> TickerChanged:
    return TickerChanged(T0 + at, T0 + at, BTC, Ticker(last, mark or last))


def _place(venue: RecordedVenue, qty: str, price: str = "", trigger: str = "", side: Side = Side.BUY) -> list[Event]:
    fires = Trigger(D(trigger), False) if trigger else None
    kind = OrderType.LIMIT if price else OrderType.MARKET
    spec = OrderSpec("t0000000r-001-0000000001", BTC, side, kind, D(qty), D(price) if price else None, trigger=fires)
    return venue.venue.carry_out(RiskApproved(1, 1, spec), venue.now)


def _fills(events: list[Event]) -> list[tuple[Decimal, Decimal]]:
    return [(it.execution.price, it.execution.qty) for it in events if isinstance(it, Executed)]


def test_a_taker_takes_the_quoted_size_and_the_rest_a_tick_behind() -> None:
    assert _fills(_place(_venue(), "0.7")) == [(D("100.1"), D("0.5")), (D("100.2"), D("0.2"))]


def test_a_resting_order_fills_when_a_quote_crosses_it() -> None:
    venue = _venue()
    assert _fills(_place(venue, "0.2", "99.5")) == []
    assert _fills(venue.hear([QuoteChanged(T0 + 1, T0 + 1, BTC, 99.4, 1.0, 99.5, 1.0)])) == [(D("99.5"), D("0.2"))]


def test_a_resting_order_fills_when_a_print_goes_through_it() -> None:
    venue = _venue()
    _place(venue, "0.2", "99.5")
    prints = [TradePrinted(T0 + n, T0 + n, BTC, Side.SELL, p, 1.0, "") for n, p in ((1, 99.6), (2, 99.4))]
    assert _fills(venue.hear(prints[:1])) == []
    assert _fills(venue.hear(prints[1:])) == [(D("99.5"), D("0.2"))]


def test_where_only_candles_were_recorded_their_way_fills_and_triggers() -> None:
    def candle() -> BarClosed:
        end = T0 + MINUTE
        return BarClosed(end, end, BTC, "1m", Bar(T0, 100.0, 101.0, 98.0, 100.5, 5.0))

    resting = _venue()
    _place(resting, "0.2", "99.0")
    assert _fills(resting.hear([candle()])) == [(D("99.0"), D("0.2"))]
    stopped = _venue()
    _place(stopped, "0.2", trigger="99.0", side=Side.SELL)
    ((price, qty),) = _fills(stopped.hear([candle()]))
    assert (price <= D("99.0"), qty) == (True, D("0.2"))


def test_a_candle_is_not_walked_again_where_prints_were_recorded() -> None:
    venue, end = _venue(), T0 + MINUTE
    _place(venue, "0.2", "99.0")
    venue.hear([TradePrinted(T0 + 5, T0 + 5, BTC, Side.SELL, 99.9, 1.0, "")])
    assert _fills(venue.hear([BarClosed(end, end, BTC, "1m", Bar(T0, 100.0, 101.0, 98.0, 100.5, 5.0))])) == []


def test_funding_is_charged_as_recorded_at_its_own_price() -> None:
    due = T0 + 5 * MINUTE
    venue = _venue(Settlement(BTC, due, D("0.0003"), D(110)))
    _place(venue, "0.5")
    (paid,) = [it.execution for it in venue.hear([_ticker(6 * MINUTE, 105.0)]) if isinstance(it, Executed)]
    assert (paid.type, paid.fee, paid.ts) == ("Funding", D("0.5") * 110 * D("0.0003"), due)


def test_an_announced_rate_is_charged_where_the_record_paid_nothing() -> None:
    venue, due = _venue(), T0 + 5 * MINUTE
    _place(venue, "0.5")
    first = TickerChanged(T0, T0, BTC, Ticker(100.0, 100.0, funding_rate=0.001, next_funding=due))
    later = TickerChanged(due, due, BTC, Ticker(104.0, 104.0, funding_rate=0.002, next_funding=due + MINUTE))
    venue.hear([first])
    (paid,) = [it.execution for it in venue.hear([later]) if isinstance(it, Executed)]
    assert (paid.fee, paid.ts) == (D("0.5") * 100 * D("0.001"), due)


def test_the_account_begins_as_the_record_found_it() -> None:
    venue = RecordedVenue(INSTRUMENTS, Models(), {}, leverage=D(10), hedge=False, now=T0)
    held = (PositionReport(BTC, D("-700"), D("100.5")),)
    take_over(venue.venue.exchange, UID, (BalanceReport("USDT", D("123456.78")), BalanceReport("BTC", D(2))), held, T0)
    assert venue.venue.exchange.wallet(UID, "USDT").balance == D("123456.78")
    assert venue.venue.exchange.wallet(UID, "BTC").balance == D(2)
    (position,) = venue.venue.exchange.positions(UID)
    assert (position.size, position.cost / position.size) == (D("-700"), D("100.5"))


# --- where the market stood


def test_touches_are_the_last_quote_at_or_before_a_moment() -> None:
    quotes = [QuoteChanged(at, at, BTC, 100.0 + at, 1.0, 101.0 + at, 1.0) for at in (10, 20, 20, 30)]
    heard = [TickerChanged(5, 5, BTC, Ticker(50.0)), *quotes, TickerChanged(40, 40, BTC, Ticker(1.0))]
    found = Touches(heard, {BTC: [1, 7, 10, 15, 20, 29, 99]})
    asks = [found.touch(BTC, 1, at) for at in (1, 7, 10, 15, 20, 29, 99)]
    assert asks == [None, D("50.0"), D("111.0"), D("111.0"), D("121.0"), D("121.0"), D("131.0")]
    assert found.touch(BTC, -1, 15) == D("110.0")
    assert found.touch(BTC, 1, 16) is None
