"""Backtests over prints, quotes and books: by hand, against what must hold for any, and over real recordings."""

import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.unit.backtest.candles import BTC, ETH, MINUTE, START, instrument, of_closes
from tests.unit.backtest.ticks_made import (
    MS,
    InParts,
    history,
    job,
    quotes,
    random_book,
    random_stream,
    tape,
)
from tradectl.backtest.driving import chosen
from tradectl.backtest.honesty.lookahead import lookahead
from tradectl.backtest.honesty.other_future import OtherFuture
from tradectl.backtest.job import BacktestResult
from tradectl.backtest.request import Request, job_of
from tradectl.backtest.runner import run_backtest
from tradectl.backtest.ticks import TickBacktest
from tradectl.engine.strategy import Strategy, param
from tradectl.history.columns import joined
from tradectl.history.market_file import Hints
from tradectl.history.open_history import open_history
from tradectl.history.reading import History, MemoryHistory
from tradectl.history.series import Columns, Kind, Levels, Points, SeriesId, Tape, Touches
from tradectl.history.trade_bars import bars_of
from tradectl.history.traded_candles import TradedCandles
from tradectl.model.errors import Problem
from tradectl.model.events import BookChanged, QuoteChanged, TradePrinted
from tradectl.model.instruments import Category, InstrumentId
from tradectl.model.market_data import Bar
from tradectl.model.money import use_exact_context
from tradectl.model.orders import Side
from tradectl.simulation.models import FixedLatency, FixedSpread, Models
from tradectl.simulation.venue import UID
from tradectl.strategies.market_maker import MarketMaker

D = Decimal
TRADES, QUOTES = SeriesId(BTC, Kind.TRADES), SeriesId(BTC, Kind.QUOTES)
NOW: Models = Models()
LATE = Models(latency=FixedLatency(5 * MS, 20 * MS, 5 * MS))


class Hears(Strategy):
    """Buys once at the first quote whose ask is 100.1, and notes all it hears."""

    symbol: str = param("BTCUSDT")
    heard: list[Any] = []

    def on_start(self) -> None:
        self.subscribe_bars(self.symbol, "1m")
        self.subscribe_quotes(self.symbol)
        self.subscribe_trades(self.symbol)
        self.done = False

    def on_bar(self, bar: Bar) -> None:
        self.heard.append((self.now, bar))

    def on_trade(self, trade: TradePrinted) -> None:
        self.heard.append((self.now, trade.price, trade.size, trade.side))

    def on_quote(self, quote: QuoteChanged) -> None:
        self.heard.append((self.now, quote.bid, quote.bid_size, quote.ask, quote.ask_size))
        if quote.ask == 100.1 and not self.done:
            self.done = True
            self.buy(self.symbol, D(2), reason="plan")


class Restless(Strategy):
    """Does something at every third thing it hears, by a rule that only looks back."""

    symbol: str = param("BTCUSDT")

    def on_start(self) -> None:
        self.subscribe_bars(self.symbol, "1m")
        self.subscribe_quotes(self.symbol)
        self.subscribe_trades(self.symbol)
        self.count, self.last = 0, 0.0

    def on_trade(self, trade: TradePrinted) -> None:
        self.last = trade.price

    def on_bar(self, bar: Bar) -> None:
        if bar.close > bar.open:
            self.close(self.symbol, reason="up")

    def on_quote(self, quote: QuoteChanged) -> None:
        self.count += 1
        if self.count % 3 or not self.last:
            return
        turn = self.count // 3 % 5
        if turn == 0:
            self.buy(self.symbol, D("0.7"), reason="take")
        elif turn == 1:
            self.sell(self.symbol, D("1.1"), D(repr(quote.ask)), post_only=True, reason="rest")
        elif turn == 2:
            self.buy(self.symbol, D("0.9"), D(repr(quote.bid)), reason="rest")
        elif turn == 3:
            self.sell(self.symbol, D("0.5"), stop=D(repr(round(quote.bid - 0.4, 1))), reason="stop")
        else:
            for order in self.orders:
                self.cancel(order.link_id, reason="tidy")


def restless(data: str, work: History, **more: Any) -> BacktestResult:
    return run_backtest(job(data, "restless", **more), work, {"restless": Restless})


def hears(data: str, work: MemoryHistory, models: Models = NOW, minutes: int = 2) -> tuple[BacktestResult, list[Any]]:
    heard: list[Any] = []
    one = type("Hearing", (Hears,), {"heard": heard, "__doc__": "Notes."})
    return run_backtest(job(data, "hears", minutes, models), work, {"hears": one}), heard


PRINTS = tape((100, 100.0, 1.0, 1), (500, 100.2, 0.5, 1), (70_000, 100.1, 0.3, -1))
TOUCHES = quotes((50, 99.9, 1.0, 100.0, 1.0), (200, 100.0, 2.0, 100.1, 1.5), (215, 100.0, 2.0, 100.3, 9.0),
                 (300, 100.2, 1.0, 100.4, 1.0))  # fmt: skip
BOTH: dict[SeriesId, Columns] = {TRADES: PRINTS, QUOTES: TOUCHES}


def test_who_is_late_meets_another_market() -> None:
    at_once, _ = hears("quotes", history(BOTH))
    late, _ = hears("quotes", history(BOTH), LATE)
    assert [(it.execution.price, it.execution.qty, it.execution.ts) for it in at_once.executions] == [
        (D("100.1"), D("1.5"), START + 200 * MS), (D("100.2"), D("0.5"), START + 200 * MS)
    ]  # fmt: skip
    assert [(it.execution.price, it.execution.qty, it.execution.ts) for it in late.executions] == [
        (D("100.3"), D("2"), START + 225 * MS)
    ]


def test_everything_is_heard_in_its_order_and_bars_are_those_of_the_trades() -> None:
    _, heard = hears("quotes", history(BOTH))
    first = Bar(START, 100.0, 100.2, 100.0, 100.2, 1.5, 150.1)
    second = Bar(START + MINUTE, 100.2, 100.2, 100.1, 100.1, 0.3, 30.03)
    assert heard == [
        (START + 50 * MS, 99.9, 1.0, 100.0, 1.0),
        (START + 100 * MS, 100.0, 1.0, Side.BUY),
        (START + 200 * MS, 100.0, 2.0, 100.1, 1.5),
        (START + 215 * MS, 100.0, 2.0, 100.3, 9.0),
        (START + 300 * MS, 100.2, 1.0, 100.4, 1.0),
        (START + 500 * MS, 100.2, 0.5, Side.BUY),
        (START + MINUTE, first),
        (START + 70_000 * MS, 100.1, 0.3, Side.SELL),
        (START + 2 * MINUTE, second),
    ]
    _, late = hears("quotes", history(BOTH), LATE)
    assert late == [(at + 5 * MS, *rest) for at, *rest in heard]


def test_candles_that_are_stored_are_heard_as_they_are() -> None:
    stored = of_closes([50.0, 51.0])
    done, heard = hears("quotes", history({**BOTH, SeriesId(BTC, Kind.CANDLES, "1m"): stored}))
    assert [it[1].close for it in heard if isinstance(it[1], Bar)] == [50.0, 51.0]
    assert done.candles == 2
    assert done.executions[0].execution.price == D("100.1")


def test_prints_of_the_moment_of_a_decision_fill_nobody() -> None:
    class AtTouch(Hears):
        """Rests at the bid of the first quote."""

        def on_quote(self, quote: QuoteChanged) -> None:
            if not self.done:
                self.done = True
                self.buy(self.symbol, D(1), D(repr(quote.bid)), reason="plan")

    touches = quotes((50, 100.0, 0.001, 100.1, 1.0), (90, 99.8, 1.0, 100.1, 1.0))
    prints = tape((50, 99.9, 5.0, -1), (60, 99.9, 0.4, -1))
    done = run_backtest(job("quotes", "at", 1), history({TRADES: prints, QUOTES: touches}), {"at": AtTouch})
    assert [(it.execution.ts, it.execution.qty) for it in done.executions] == [(START + 60 * MS, D("0.4"))]


def test_prints_alone_move_bid_and_ask() -> None:
    prints = tape((100, 100.0, 1.0, 1), (200, 99.9, 1.0, -1), (300, 100.5, 1.0, 1))
    done, heard = hears("trades", history({TRADES: prints}), replace(NOW, spread=FixedSpread(1)), 1)
    assert heard[1][1:] == (99.9, 0.0, 100.1, 0.0)
    assert [(it.execution.price, it.execution.qty) for it in done.executions] == [(D("100.1"), D("2"))]


def test_funding_is_paid_at_the_mark_by_who_held_before_the_moment() -> None:
    minute = START + MINUTE
    funding = Points(np.array([minute]), np.array([0.001]))
    marks = of_closes([104.0, 110.0])
    touches = quotes((50, 99.9, 5.0, 100.1, 5.0), (60_000, 99.9, 5.0, 100.2, 5.0), (70_000, 99.9, 5.0, 100.2, 5.0))
    data = {QUOTES: touches, SeriesId(BTC, Kind.FUNDING): funding, SeriesId(BTC, Kind.MARK, "1m"): marks}
    done, _ = hears("quotes", history(data))
    bought, paid = (it.execution for it in done.executions)
    assert bought.ts == START + 50 * MS
    assert (paid.type, paid.ts) == ("Funding", minute)
    assert paid.fee == D("0.208")  # 2 x 104 x 0.001: where the mark was as the minute ended
    assert dict(done.models)["mark"] == "mark prices are those of the data"
    assert done.final_equity == D(10_000) - bought.fee - paid.fee + 2 * (D(110) - D("100.1"))


def test_several_instruments_are_played_in_one_order_of_time() -> None:
    first, second = random_stream(1), random_stream(2, instrument_=ETH)
    work = history({**first, **second})
    one = job("quotes", "restless", instruments=(BTC, ETH))
    both = replace(one, strategies=tuple(
        replace(one.strategies[0], name=it, params={"symbol": it}) for it in ("BTCUSDT", "ETHUSDT")
    ), cash=D(10**6))  # fmt: skip
    done = run_backtest(both, work, {"restless": Restless})
    assert not done.stopped
    for symbol, data in ((BTC, first), (ETH, second)):
        only = (replace(one.strategies[0], params={"symbol": symbol.symbol}),)
        alone = replace(one, instruments=(symbol,), strategies=only, cash=D(10**6))
        expected = run_backtest(alone, history(data), {"restless": Restless})
        assert _trades(done, symbol) == _trades(expected, symbol) != []
    times = [it.execution.ts for it in done.executions]
    assert times == sorted(times)


def _trades(done: BacktestResult, symbol: InstrumentId) -> list[tuple[int, Decimal, Decimal, Side]]:
    fills = (it.execution for it in done.executions if it.execution.instrument == symbol)
    return [(it.ts, it.price, it.qty, it.side) for it in fills]


@pytest.mark.parametrize("kind", ["quotes", "trades", "book"])
@pytest.mark.parametrize("seed", range(6))
def test_the_venue_and_the_books_agree_to_the_last_digit(kind: str, seed: int) -> None:
    use_exact_context()
    data = random_book(seed, 3) if kind == "book" else random_stream(seed)
    models = LATE if seed % 2 else NOW
    run = TickBacktest(
        job(kind, "restless", models=models), TradedCandles(history(data), START, START + 3 * MINUTE),
        {"restless": Restless},
    )  # fmt: skip
    done = run.run(None, None)
    assert not done.stopped
    assert len(done.executions) > 5
    held = sum((it.execution.qty * it.execution.side.sign for it in done.executions), D(0))
    assert held == sum((it.size for it in run.venue.exchange.positions(UID)), D(0))
    books = sum((it.size for _, _, it in run.engine.world.portfolio.positions()), D(0))
    assert held == books
    run.venue.tell(BTC, START + 3 * MINUTE)  # nothing waited there for the last prices
    exchange = run.venue.exchange
    worth = exchange.wallet(UID, "USDT").balance + sum(
        (exchange.unrealised(it) for it in exchange.positions(UID)), D(0)
    )
    assert done.final_equity == worth
    cash = exchange.market_cash()["USDT"] + exchange.fees_collected()["USDT"] + exchange.wallet(UID, "USDT").balance
    assert cash == D(10_000)


@pytest.mark.parametrize("kind", ["quotes", "trades", "book"])
def test_the_parts_it_comes_in_and_the_time_of_day_change_nothing(kind: str) -> None:
    data = random_book(3, 3) if kind == "book" else random_stream(3)
    whole, parts = restless(kind, history(data)), restless(kind, history(data, InParts))
    assert whole.executions == parts.executions
    assert whole.samples == parts.samples
    assert whole.data_fingerprint == parts.data_fingerprint
    assert whole.prices == parts.prices


def other_future(data: dict[SeriesId, Columns], moment: int) -> dict[SeriesId, Columns]:
    """The same rows up to ``moment``, others after it."""
    return {
        series: type(part)(*(
            np.where(part.times > moment, column * 2, column) if name in ("price", "bid", "ask") else column
            for name, column in zip(part.names, part.arrays(), strict=True)
        ))
        for series, part in data.items()
    }  # fmt: skip


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6), cut=st.integers(1_000, 170_000), kind=st.sampled_from(["quotes", "trades", "book"]))
def test_nothing_depends_on_what_comes_later(seed: int, cut: int, kind: str) -> None:
    data, moment = (random_book(seed, 3) if kind == "book" else random_stream(seed)), START + cut * MS
    known, other = restless(kind, history(data)), restless(kind, history(other_future(data, moment)))

    def until(it: BacktestResult) -> list[Any]:
        return [row.execution for row in it.executions if row.execution.ts <= moment]

    assert until(known) == until(other)


@pytest.mark.parametrize("kind", ["quotes", "trades", "book"])
def test_the_check_for_looking_ahead_gives_streams_another_future(kind: str) -> None:
    data = random_book(4, 3) if kind == "book" else random_stream(4)
    found = lookahead(job(kind, "restless"), history(data), {"restless": Restless})
    assert found.ok, found.findings
    assert found.decisions > 10
    assert not found.notes  # with another future it did something else
    moment = START + 90 * MS * 1000
    for series, part in data.items():
        other = joined(series.kind, list(OtherFuture(history(data, InParts), moment).read(series, 0, 2**62)))
        same = part.times <= moment
        for left, right in zip(part.arrays(), other.arrays(), strict=True):
            assert np.array_equal(left[same], right[same])
        if isinstance(other, Touches):
            assert bool((other.bid <= other.ask).all())


class Books(Strategy):
    """Keeps the book it hears of."""

    symbol: str = param("BTCUSDT")
    shown: dict[int, dict[float, float]] = {}
    touches: list[tuple[float, float]] = []

    def on_start(self) -> None:
        self.subscribe_book(self.symbol, 50)
        self.subscribe_quotes(self.symbol)

    def on_book(self, book: BookChanged) -> None:
        for side, levels in ((1, book.bids), (-1, book.asks)):
            if book.snapshot:
                self.shown[side] = {}
            for price, size in levels:
                self.shown[side][price] = size
                if not size:
                    del self.shown[side][price]
        self.touches.append((max(self.shown[1]), min(self.shown[-1])))

    def on_quote(self, quote: QuoteChanged) -> None:
        assert (quote.bid, quote.ask) == self.touches[-1]
        assert (quote.bid_size, quote.ask_size) == (self.shown[1][quote.bid], self.shown[-1][quote.ask])


def test_books_are_heard_whole_and_their_touch_as_quotes() -> None:
    data = random_book(1)
    one = type("Keeps", (Books,), {"shown": {}, "touches": [], "__doc__": "Keeps."})
    done = run_backtest(job("book", "books", 1), history(data), {"books": one})
    assert not done.stopped
    assert len(one.touches) == 40  # type: ignore[attr-defined]


# --- which series move a run


def test_auto_takes_the_finest_that_covers_the_span() -> None:
    minutes = SeriesId(BTC, Kind.CANDLES, "1m")
    candles = of_closes([100.0] * 60)
    late = quotes(*((n * 1000, 100.0, 1.0, 100.1, 1.0) for n in range(1_800, 3_600)))
    both = history({minutes: candles, QUOTES: late})
    assert chosen("auto", both, [BTC], 0, 0) == "candles"  # only half an hour was quoted
    assert chosen("auto", both, [BTC], START + 30 * MINUTE, 0) == "quotes"
    assert chosen("auto", history({minutes: candles}), [BTC], 0, 0) == "candles"
    assert chosen("auto", history({TRADES: PRINTS}), [BTC], 0, 0) == "trades"
    assert chosen("auto", history(random_book(1)), [BTC], 0, 0) == "book"
    assert chosen("candles", history(BOTH), [BTC], 0, 0) == "candles"
    with pytest.raises(Problem, match="is none of candles"):
        chosen("minutes", both, [BTC], 0, 0)


def test_a_request_by_quotes_spans_what_was_quoted() -> None:
    made = job_of(Request(strategy="mm", by="auto"), history(BOTH), MarketMaker)
    assert (made.data, made.since, made.until) == ("quotes", START + 50 * MS, START + 300 * MS + 1)


@pytest.mark.parametrize(("by", "told"), [("book", "is not recorded of linear:BTCUSDT, only quotes, trades")])
def test_what_was_not_recorded_is_said(by: str, told: str) -> None:
    with pytest.raises(Problem) as caught:
        restless(by, history(BOTH))
    assert told in caught.value.message
    with pytest.raises(Problem, match="linear:BTCUSDT is not in the data"):
        restless("quotes", MemoryHistory({}, [instrument()]))


def test_the_report_says_what_was_quoted_and_what_was_put_on_the_tick() -> None:
    off = quotes((50, 99.96, 1.0, 100.04, 1.0), (60, 99.9, 1.0, 100.1, 1.0))
    done, heard = hears("quotes", history({QUOTES: off}), minutes=1)
    assert heard[0][1:] == (99.9, 1.0, 100.1, 1.0)
    assert next(it.text for it in done.warnings if it.code == "off_tick").count("2 of linear:BTCUSDT") == 1
    words = dict(done.models)
    assert words["spread"] == "bid and ask as they were quoted"
    assert words["mark"].startswith("mark = last price")
    codes = {it.code for it in done.warnings}
    assert not codes & {"quotes", "no_spread", "no_slippage", "no_depth"}


# --- candles that trades make


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), interval=st.sampled_from(["1m", "3m", "5m"]))
def test_made_candles_are_those_of_the_whole_tape(seed: int, interval: str) -> None:
    data = random_stream(seed, 12)
    made = TradedCandles(history(data), START, START + 12 * MINUTE)
    series = SeriesId(BTC, Kind.CANDLES, interval)
    step = {"1m": 1, "3m": 3, "5m": 5}[interval] * MINUTE
    span = made.span(series)
    assert span is not None
    (part,) = made.read(series, 0, 2**62)
    prints = data[TRADES]
    assert isinstance(prints, Tape)
    whole = bars_of(prints, span.first, span.last + step, step)
    for left, right in zip(part.arrays(), whole.arrays(), strict=True):
        assert np.array_equal(left, right)
    assert span.rows == len(part)
    later = list(made.read(series, START + 6 * MINUTE, 2**62))
    assert np.array_equal(later[0].arrays()[1], part.between(START + 6 * MINUTE, 2**62).arrays()[1])


def test_without_trades_candles_are_of_the_middles_of_quotes_or_of_the_book() -> None:
    series = SeriesId(BTC, Kind.CANDLES, "1m")
    (of_quotes,) = TradedCandles(history({QUOTES: TOUCHES}), START, START + MINUTE).read(series, START, START + MINUTE)
    assert of_quotes.rows(0).arrays()[4].tolist() == [100.3]
    book = {it: part for it, part in random_book(5).items() if isinstance(part, Levels)}
    (of_book,) = TradedCandles(history(book), START, START + MINUTE).read(series, START, START + MINUTE)
    last = random_book(5)[TRADES].arrays()[1][-1]
    assert abs(float(of_book.arrays()[4][0]) - float(last)) < 0.11


# --- real recordings, and their twin


def maker(work: History, symbol: str, category: str, latency: int) -> BacktestResult:
    request = Request(
        strategy="maker", symbols=(symbol,), category=category, by="auto", params={"half_spread": 1, "tolerance": 1},
        models=Models(latency=FixedLatency(0, latency, 0)),
    )  # fmt: skip
    classes: dict[str, type[Strategy]] = {"maker": MarketMaker}
    return run_backtest(job_of(request, work, MarketMaker), work, classes)


def test_a_market_maker_over_a_made_book_is_the_same_twice() -> None:
    first, second = (maker(history(random_book(7, 3)), "BTCUSDT", "linear", 10 * MS) for _ in range(2))
    assert first.job.data == "book"
    assert first.executions == second.executions
    assert len(first.executions) > 2
    assert not first.stopped
    assert all(it.execution.is_maker for it in first.executions)


REAL = Path(os.environ.get("TRADECTL_TEST_DATA", ""))
real = pytest.mark.skipif(
    not (REAL / "book").is_dir(), reason="TRADECTL_TEST_DATA names no folder; the twin above runs"
)


@real
def test_a_market_maker_over_eight_real_books_is_the_same_twice() -> None:
    work = open_history(REAL / "book/bybit_2021-04-17_8sym_reencoded_v5.jsonl.gz")
    for symbol in ("LTCUSDT", "XTZUSDT"):
        first, second = (maker(work, symbol, "linear", 20 * MS) for _ in range(2))
        assert first.job.data == "book"
        assert first.executions == second.executions
        assert len(first.executions) > 2
        assert not first.stopped


@real
@pytest.mark.parametrize(
    ("file", "symbol", "category"),
    [("bybit_spot_1INCHUSDT_trades_2025-05-19", "1INCHUSDT", "spot"),
     ("binance_usdm_BTCUSDT_trades_2024-08-08", "BTCUSDT", "linear")],
)  # fmt: skip
def test_a_real_tape_moves_a_market(file: str, symbol: str, category: str) -> None:
    work = open_history(REAL / f"trades/{file}.csv.gz", Hints(category=Category(category)))
    first, second = (maker(work, symbol, category, 0) for _ in range(2))
    assert first.job.data == "trades"
    assert first.executions == second.executions
    assert len(first.executions) > 2
    assert not first.stopped
    assert first.candles > 3
