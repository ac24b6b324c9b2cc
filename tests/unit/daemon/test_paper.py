"""The paper connector over a venue without a network: what is followed, what waits, what is told, what is on disk."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from tests.unit.engine.harness import BTC, ETH, FEES, INSTRUMENTS, T0
from tests.unit.simulation.paper_bench import HOUR, TERMS, D, book, cancel, fills, order, ticker, trade
from tradectl.daemon import paper
from tradectl.daemon.paper import PaperConnector
from tradectl.daemon.paper_file import PaperFile
from tradectl.daemon.paper_way import Way
from tradectl.exchange.memory import MemoryConnector
from tradectl.model.commands import LookUpOrder, Reconcile, RequestBars, RequestTickers, Subscribe, Unsubscribe
from tradectl.model.events import (
    AccountChecked,
    BookChanged,
    ConnectionChanged,
    DataDoubted,
    Event,
    InstrumentsLoaded,
    OrderAnswered,
    OrderLookedUp,
    OrderReported,
    QuoteChanged,
    Reconciled,
    TickerChanged,
    TradePrinted,
)
from tradectl.model.market_data import MarketKey
from tradectl.model.money import use_exact_context
from tradectl.simulation.config import PaperConfig
from tradectl.simulation.paper_venue import DEPTH

use_exact_context()
BOOK, TRADES, TICKER = MarketKey("book", BTC, str(DEPTH)), MarketKey("trades", BTC), MarketKey("ticker", BTC)
QUOTES = MarketKey("quotes", BTC)


class Public(MemoryConnector):
    """Says at its opening what can be traded, as the real one does."""

    async def open(self) -> None:
        await super().open()
        self.feed(InstrumentsLoaded(1, INSTRUMENTS, FEES))

    def book(self, instrument: Any) -> None:
        return None

    def bars(self, instrument: Any, interval: str) -> tuple[Any, ...]:
        return ()


class Bench:
    """A connector on a folder; ``told`` is what the engine hears."""

    def __init__(self, folder: Path, order_ms: float = 0.0, answer_ms: float = 0.0) -> None:
        self.told: list[Event] = []
        self.now = 0
        self.file = PaperFile(folder / "paper.account")
        self.connector = PaperConnector(
            PaperConfig(order_ms=order_ms, answer_ms=answer_ms), TERMS, self.file, self.told.append, self._stamp,
            self._public,
        )  # fmt: skip

    def _public(self, sink: Callable[[Event], None]) -> Public:
        self.public = Public(sink)
        return self.public

    def _stamp(self, ts: int) -> int:
        self.now += 1
        return self.now

    async def known(self) -> "Bench":
        """Opened, with the book of an instrument whose quotes the engine asked for."""
        await self.connector.open()
        self.connector.execute(Subscribe(QUOTES))
        self.market()
        return self

    def market(self, at: int = 0) -> None:
        self.public.feed(ticker(at, 100.0))
        self.public.feed(book(at, [(100.0, 2.0)], [(100.1, 3.0)]))

    async def settled(self) -> None:
        """Until nothing is under way."""
        await until(lambda: not self.connector.outstanding)

    def of(self, kind: type[Any]) -> list[Any]:
        return [it for it in self.told if isinstance(it, kind)]

    def subscribed(self) -> list[MarketKey]:
        """What the venue streams now."""
        keys: dict[MarketKey, None] = {}
        for command in self.public.commands:
            if isinstance(command, Subscribe):
                keys[command.key] = None
            elif isinstance(command, Unsubscribe):
                del keys[command.key]
        return list(keys)


async def until(condition: Callable[[], bool]) -> None:
    """Let the loop go on until it holds."""
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.001)


def run(body: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(body())


# --- opening


def test_it_opens_with_instruments_fees_of_its_own_an_account_and_both_private_streams(tmp_path: Path) -> None:
    async def body() -> None:
        bench = Bench(tmp_path)
        await bench.connector.open()
        kinds = [type(it) for it in bench.told]
        assert kinds == [InstrumentsLoaded, AccountChecked, ConnectionChanged, ConnectionChanged]
        assert {it.taker for it in bench.told[0].fees} == {D("0.00055"), D("0.001")}  # type: ignore[attr-defined]
        assert [it.stream for it in bench.of(ConnectionChanged)] == ["private", "trade"]
        name = bench.of(AccountChecked)[0].uid
        await bench.connector.close()
        again = Bench(tmp_path)
        await again.connector.open()
        assert again.of(AccountChecked)[0].uid == name
        await again.connector.close()

    run(body)


# --- orders and answers


def test_an_order_is_answered_filled_and_reported_in_this_order_never_from_within_the_command(tmp_path: Path) -> None:
    async def body() -> None:
        bench = await Bench(tmp_path).known()
        before = len(bench.told)
        bench.connector.execute_all((order("1"), cancel("x")))
        assert len(bench.told) == before
        assert bench.connector.outstanding == 2
        await bench.settled()
        new = bench.told[before:]
        assert [type(it).__name__ for it in new] == ["OrderAnswered", "Executed", "OrderReported", "OrderAnswered"]
        assert [it.received for it in new] == sorted({it.received for it in new}), "each is stamped as it is told"
        await bench.connector.close()

    run(body)


def test_orders_and_answers_are_under_way_as_long_as_the_settings_say(tmp_path: Path) -> None:
    async def body() -> None:
        bench = await Bench(tmp_path, order_ms=40, answer_ms=40).known()
        loop = asyncio.get_running_loop()
        began = loop.time()
        bench.connector.execute(order("1"))
        bench.public.feed(book(5, [(100.0, 2.0)], [(100.5, 3.0)]))
        await until(lambda: bool(bench.connector.venue.past.executions))
        assert loop.time() - began >= 0.04
        assert not bench.of(OrderAnswered)
        await bench.settled()
        assert loop.time() - began >= 0.08
        assert [str(it.price) for it in fills(bench.told)] == ["100.5"], "it trades with the book it meets"
        await bench.connector.close()

    run(body)


def test_a_fill_by_the_market_is_told_before_the_news_of_it(tmp_path: Path) -> None:
    async def body() -> None:
        bench = await Bench(tmp_path).known()
        bench.connector.execute(Subscribe(TRADES))
        bench.connector.execute(order("1", "100.0"))
        await bench.settled()
        bench.told.clear()
        bench.public.feed(trade(3, 99.9, 1.0))
        assert [type(it).__name__ for it in bench.told] == ["Executed", "OrderReported", "TradePrinted"]
        await bench.connector.close()

    run(body)


def test_the_truth_says_when_it_was_read_and_comes_after_what_happened_before(tmp_path: Path) -> None:
    async def body() -> None:
        bench = await Bench(tmp_path, answer_ms=5).known()
        bench.connector.execute_all((order("1"), LookUpOrder("a", BTC), Reconcile(0, "test")))
        await bench.settled()
        (truth,), (seen,) = bench.of(Reconciled), bench.of(OrderLookedUp)
        assert truth.executions == seen.executions
        assert truth.started < truth.received
        assert bench.told.index(truth) > bench.told.index(bench.of(OrderReported)[-1])
        await bench.connector.close()

    run(body)


def test_what_was_under_way_at_the_end_arrives_first(tmp_path: Path) -> None:
    async def body() -> None:
        bench = await Bench(tmp_path, order_ms=5_000, answer_ms=5_000).known()
        bench.connector.execute(order("1", "90"))
        await bench.connector.close()
        assert [it.code for it in bench.of(OrderAnswered)] == [0]
        assert bench.public.closed

    run(body)


# --- books that are not there


def test_an_order_for_an_instrument_nobody_followed_waits_for_its_book(tmp_path: Path) -> None:
    async def body() -> None:
        bench = Bench(tmp_path)
        await bench.connector.open()
        bench.connector.execute_all((order("1"), LookUpOrder("a", BTC)))
        for _ in range(5):
            await asyncio.sleep(0)
        assert set(bench.subscribed()) == {BOOK, TRADES, TICKER}
        assert not bench.of(OrderLookedUp), "a look-up does not overtake the order it asks about"
        bench.market()
        await bench.settled()
        assert len(fills(bench.told)) == 1
        assert bench.of(OrderLookedUp)[0].report is not None
        await bench.connector.close()

    run(body)


def test_a_book_that_never_comes_is_waited_for_once(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(paper, "BOOK_WAIT", 0.05)

    async def body() -> None:
        bench = Bench(tmp_path)
        await bench.connector.open()
        bench.public.feed(ticker(0, 100.0))
        bench.connector.execute(order("1"))
        await bench.settled()
        assert bench.of(OrderReported)[-1].report.status.is_final
        loop = asyncio.get_running_loop()
        began = loop.time()
        bench.connector.execute(order("1", link="b"))
        await bench.settled()
        assert loop.time() - began < 0.05
        await bench.connector.close()

    run(body)


def test_a_lost_stream_or_a_doubted_book_fills_nothing_until_it_is_back(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(paper, "BOOK_WAIT", 0.02)

    async def body() -> None:
        bench = await Bench(tmp_path).known()
        for loss in (ConnectionChanged(1, "public.linear", False, "cut"), DataDoubted(1, BTC, "book", False, "silent")):
            bench.public.feed(loss)
            assert bench.told[-1] == loss
            bench.connector.execute(order("1", link=loss.__class__.__name__))
            await bench.settled()
            assert not fills(bench.told)
            bench.market()
        bench.connector.execute(order("1"))
        await bench.settled()
        assert len(fills(bench.told)) == 1
        await bench.connector.close()

    run(body)


def test_a_spot_stream_that_is_lost_leaves_the_perpetual_alone(tmp_path: Path) -> None:
    async def body() -> None:
        bench = await Bench(tmp_path).known()
        bench.public.feed(ConnectionChanged(1, "public.spot", False, "cut"))
        assert bench.connector.venue.is_shown(BTC)
        await bench.connector.close()

    run(body)


def test_a_book_that_does_not_fit_its_instrument_is_doubted_once_and_trusted_again(tmp_path: Path) -> None:
    async def body() -> None:
        bench = await Bench(tmp_path).known()
        for _ in range(2):
            bench.public.feed(book(1, [(100.05, 1.0)], []))
        assert [it.ok for it in bench.of(DataDoubted)] == [False]
        assert "tick" in bench.of(DataDoubted)[0].reason
        bench.market(2)
        assert [it.ok for it in bench.of(DataDoubted)] == [False, True]
        await bench.connector.close()

    run(body)


# --- what is subscribed and what is passed on


def test_the_engine_hears_only_what_it_asked_for(tmp_path: Path) -> None:
    async def body() -> None:
        bench = await Bench(tmp_path).known()
        bench.public.feed(trade(1, 100.0, 0.1))
        quote = QuoteChanged(1, 1, BTC, 1.0, 1.0, 2.0, 2.0)
        bench.public.feed(quote)
        assert not [it for it in bench.told if isinstance(it, BookChanged | TradePrinted | TickerChanged)]
        assert bench.told[-1] == quote
        for key in (BOOK, TICKER, MarketKey("book", BTC, "200")):
            bench.connector.execute(Subscribe(key))
        wanted = [ticker(2, 101.0), book(2, [(100.0, 1.0)], [(100.1, 1.0)]), book(3, [], [], depth=200)]
        for event in (*wanted, trade(2, 100.0, 0.1)):
            bench.public.feed(event)
        assert bench.told[-3:] == wanted
        await bench.connector.close()

    run(body)


def test_who_asks_for_a_stream_we_follow_already_gets_its_snapshot(tmp_path: Path) -> None:
    async def body() -> None:
        bench = await Bench(tmp_path).known()
        bench.public.commands.clear()
        bench.connector.execute(Subscribe(BOOK))
        assert bench.public.commands == [Unsubscribe(BOOK), Subscribe(BOOK)]
        bench.connector.execute(Unsubscribe(BOOK))
        bench.connector.execute(Unsubscribe(QUOTES))
        assert bench.public.commands[2:] == [Unsubscribe(QUOTES)], "we go on following it"
        await bench.connector.close()

    run(body)


def test_what_was_asked_for_before_the_filters_were_known_is_followed_at_the_opening(tmp_path: Path) -> None:
    """A restored engine subscribes before the venue is open: a book that came then was kept by nobody."""

    async def body() -> None:
        bench = Bench(tmp_path)
        for key in (BOOK, QUOTES):
            bench.connector.execute(Subscribe(key))
        bench.market()
        assert not bench.connector.venue.is_shown(BTC)
        await bench.connector.open()
        assert bench.public.commands[-4:-1] == [Unsubscribe(BOOK), Subscribe(BOOK), Subscribe(TRADES)]
        await bench.connector.close()

    run(body)


def test_a_book_whose_tick_changed_is_asked_for_anew(tmp_path: Path) -> None:
    async def body() -> None:
        bench = await Bench(tmp_path).known()
        bench.public.commands.clear()
        finer = tuple(replace(it, tick_size=D("0.01")) if it.id == BTC else it for it in INSTRUMENTS)
        bench.public.feed(InstrumentsLoaded(9, finer, FEES))
        assert bench.public.commands == [Unsubscribe(BOOK), Subscribe(BOOK)]
        bench.public.feed(book(1, [(99.99, 1.0)], [(100.01, 1.0)]))
        assert not bench.of(DataDoubted)
        await bench.connector.close()

    run(body)


def test_only_some_books_are_followed_ahead(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(paper, "AHEAD", 1)

    async def body() -> None:
        bench = await Bench(tmp_path).known()
        bench.connector.execute(Subscribe(MarketKey("quotes", ETH)))
        assert not [key for key in bench.subscribed() if key.kind == "book" and key.instrument == ETH]
        await bench.connector.close()

    run(body)


def test_history_and_tickers_are_the_real_venues(tmp_path: Path) -> None:
    async def body() -> None:
        bench = await Bench(tmp_path).known()
        asked = [RequestBars(BTC, "1m", 5), RequestTickers("linear")]
        bench.connector.execute_all(asked)
        assert bench.public.commands[-2:] == asked
        assert bench.connector.outstanding == 0
        await bench.connector.close()

    run(body)


# --- the disk


def test_a_daemon_killed_before_it_heard_finds_everything_at_its_next_start(tmp_path: Path) -> None:
    """What ``kill -9`` leaves: the file as it is when the answer was not told yet."""

    async def body() -> None:
        bench = await Bench(tmp_path, answer_ms=60_000).known()
        bench.connector.execute_all((order("1"), order("1", "90", link="b")))
        await until(lambda: len(bench.connector.venue.truth(0).reports) == 2)
        assert not bench.of(OrderAnswered)
        left = bench.connector.venue.truth(0)
        again = Bench(tmp_path)  # the old one is not closed: nobody was left to do so
        await again.connector.open()
        again.connector.execute(Reconcile(0, "start"))
        await again.settled()
        (truth,) = again.of(Reconciled)
        assert replace(truth, received=0, started=0) == left
        assert [it.link_id for it in truth.executions] == ["a"]
        assert set(again.subscribed()) == {BOOK, TRADES, TICKER}, "what is held is followed at once"
        await again.connector.close()
        await bench.connector.close()

    run(body)


def test_what_cannot_be_written_is_not_told_until_it_is(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(paper, "TRY_AGAIN", 0.02)

    async def body() -> None:
        bench = await Bench(tmp_path).known()
        write, full = bench.file.write, True

        def refuse(*arguments: Any) -> None:
            if full:
                raise OSError(28, "No space left on device")
            write(*arguments)

        monkeypatch.setattr(bench.file, "write", refuse)
        bench.connector.execute_all((order("1"), Reconcile(0, "test")))
        await asyncio.sleep(0.05)
        assert not bench.of(OrderAnswered)
        assert not bench.of(Reconciled), "the truth would tell what is not on disk"
        full = False
        await until(lambda: bool(bench.of(Reconciled)))
        assert len(fills(bench.told)) == 1
        assert len(PaperFile(tmp_path / "paper.account").past.executions) == 1
        await bench.connector.close()

    run(body)


def test_queue_places_and_trailing_stops_are_kept_now_and_then(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(paper, "SAVE_EVERY", 1)

    async def body() -> None:
        bench = await Bench(tmp_path).known()
        bench.connector.execute(order("1", "100.0"))
        await bench.settled()
        bench.public.feed(trade(7, 100.0, 1.0))
        await until(lambda: (saved := PaperFile(tmp_path / "paper.account").saved) is not None and saved.now == T0 + 7)
        again = Bench(tmp_path)
        await again.known()
        assert len(fills(again.told)) == 0
        again.public.feed(trade(8, 100.0, 1.5))
        assert [str(it.qty) for it in fills(again.told)] == ["0.500"], "2.0 stood before it, of which 1.0 had traded"
        await again.connector.close()
        await bench.connector.close()

    run(body)


def test_funding_is_told_as_it_is_settled(tmp_path: Path) -> None:
    async def body() -> None:
        bench = await Bench(tmp_path).known()
        bench.public.feed(ticker(1, 100.0, 100.0, 0.001, HOUR))
        bench.connector.execute(order("1"))
        await bench.settled()
        bench.public.feed(ticker(HOUR, 100.0, 100.0, 0.001, 9 * HOUR))
        assert [it.type for it in fills(bench.told)] == ["Trade", "Funding"]
        await bench.connector.close()

    run(body)


# --- the way


def test_things_arrive_in_order_and_wait_for_the_first() -> None:
    async def body() -> None:
        came: list[int] = []
        open_gate: set[int] = set()
        way: Way[int] = Way(0.0, came.append, lambda it: it != 1 or it in open_gate)
        for number in range(4):
            way.send(number)
        await asyncio.sleep(0.01)
        assert came == [0]
        assert len(way) == 3
        way.look()
        await asyncio.sleep(0.01)
        assert came == [0]
        open_gate.add(1)
        way.look()
        await asyncio.sleep(0.01)
        assert came == [0, 1, 2, 3]
        way.send(1)
        open_gate.clear()
        way.finish()
        assert came[-1] == 1

    run(body)
