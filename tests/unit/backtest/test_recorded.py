"""A recorded run read back: facts, market data as history, and its form as a result."""

from decimal import Decimal

import pytest

from tests.unit.backtest.recorded_bench import entries, of_events, recorded
from tests.unit.engine.harness import BTC, MINUTE, T0, make_bar
from tradectl.backtest.recorded_history import history_of
from tradectl.backtest.recorded_result import result_of
from tradectl.history.series import Candles, Kind, Points, SeriesId, Touches
from tradectl.model.commands import EquityMarked, ExecutionBooked, OrderChanged
from tradectl.model.errors import Problem
from tradectl.model.events import BarClosed, BarsLoaded, Executed, QuoteChanged, TickerChanged
from tradectl.model.market_data import Ticker
from tradectl.model.orders import Execution, Side

D = Decimal


def _closed(number: int, price: float = 100.0) -> BarClosed:
    end = T0 + (number + 1) * MINUTE
    return BarClosed(end, end, BTC, "1m", make_bar(number, price))


def _loaded(*numbers: int) -> BarsLoaded:
    return BarsLoaded(T0 + (max(numbers) + 2) * MINUTE, BTC, "1m", tuple(make_bar(n, 7.0, late=True) for n in numbers))


def _funding(ts: int, rate: str) -> Executed:
    row = Execution("f", BTC, "", "", Side.BUY, D(100), D(1), D(100), D("0.01"), "USDT", False, ts, "Funding")
    return Executed(ts, Execution(*[getattr(row, name) for name in row.__struct_fields__[:15]], D(rate)))


def test_everything_the_engine_said_is_found_again() -> None:
    rows = entries(3)
    facts = recorded(rows).facts
    said = [command for entry in rows for command in entry.commands]
    assert facts.ledger.executions == [it for it in said if isinstance(it, ExecutionBooked)]
    assert set(facts.ledger.orders) == {it.link_id or it.order_id for it in said if isinstance(it, OrderChanged)}
    assert facts.entries == len(rows)
    assert facts.start is not None
    assert {it.coin: it.wallet for it in facts.start.balances}["USDT"] == D(100_000)
    assert [it for it in recorded(rows).said(EquityMarked) if not it.strategy] == facts.ledger.marks


def test_market_data_is_a_stream_in_the_order_it_was_heard() -> None:
    run = of_events(_closed(0), _closed(1), _loaded(3))
    assert [it.bar.open_time for it in run.market() if isinstance(it, BarClosed)] == [T0, T0 + MINUTE]


def test_a_candle_that_came_late_is_put_where_it_closed_and_warm_up_is_not() -> None:
    run = of_events(_loaded(0, 1), _closed(2), _closed(3), _loaded(3, 4, 5), _closed(6))
    missed = run.facts.missed
    assert [(it.bar.open_time - T0) // MINUTE for it in missed] == [4, 5]
    assert [it.received for it in missed] == [T0 + 5 * MINUTE, T0 + 6 * MINUTE]
    assert not any(it.bar.late for it in missed)


def test_history_holds_each_candle_once_in_order() -> None:
    history = history_of(of_events(_loaded(0, 1), _closed(2), _closed(3), _loaded(1, 2, 4), _closed(5)))
    (part,) = history.read(SeriesId(BTC, Kind.CANDLES, "1m"), 0, 1 << 62)
    assert isinstance(part, Candles)
    assert [(at - T0) // MINUTE for at in part.open_time.tolist()] == [0, 1, 2, 3, 4, 5]


def test_history_keeps_quotes_in_the_order_they_came_and_only_the_kinds_asked_for() -> None:
    quotes = [QuoteChanged(T0, T0, BTC, 99.0 + n, 1.0, 100.0 + n, 2.0) for n in range(3)]
    run = of_events(*quotes, _closed(0))
    (part,) = history_of(run).read(SeriesId(BTC, Kind.QUOTES), 0, 1 << 62)
    assert isinstance(part, Touches)
    assert part.bid.tolist() == [99.0, 100.0, 101.0]
    assert [it.kind for it in history_of(run, (Kind.CANDLES,)).series()] == [Kind.CANDLES]


def test_funding_is_what_was_charged_else_what_was_announced() -> None:
    first, second, third = (T0 + n * 480 * MINUTE for n in (1, 2, 3))

    def ticker(at: int, due: int, rate: float) -> TickerChanged:
        return TickerChanged(at, at, BTC, Ticker(100.0, 100.0, funding_rate=rate, next_funding=due))

    run = of_events(
        ticker(T0, first, 0.0001), _funding(first, "0.0003"), ticker(first, second, 0.0002), ticker(second, third, 0.0)
    )
    (part,) = history_of(run).read(SeriesId(BTC, Kind.FUNDING), 0, 1 << 62)
    assert isinstance(part, Points)
    assert part.ts.tolist() == [first, second]
    assert part.value.tolist() == [0.0003, 0.0002]


def test_pruned_market_data_is_refused_and_a_result_without_it_says_so() -> None:
    run = recorded(entries(3), first=20)
    with pytest.raises(Problem, match="complete only from entry 20"):
        history_of(run)
    assert [it.code for it in result_of(run).warnings] == ["pruned"]


def test_a_recorded_run_is_a_result_like_that_of_a_backtest() -> None:
    run = recorded(entries(3))
    result, ledger = result_of(run), run.facts.ledger
    assert [it.id for it in result.fills] == [it.execution.exec_id for it in ledger.executions]
    assert [it.equity for it in result.samples[: len(ledger.marks)]] == [it.equity for it in ledger.marks]
    assert result.samples[-1].at == run.facts.ended
    assert {it.name for it in result.job.strategies} == {"cross", "ladder", "hold"}
    assert result.metrics.profit.fees == sum((it.fee for it in result.fills), D(0))
    assert result.candles == 60
    assert max(it.exposure for it in result.samples) > 0
    assert result.extra == {"run": "0000000r", "mode": "sandbox", "flows": []}


def test_what_came_after_the_last_mark_of_equity_counts_as_the_next_mark_would_have_said() -> None:
    rows, compared = entries(3), 0
    marked = [i for i, row in enumerate(rows) if any(_is_account(it) for it in row.commands)]
    for place in marked[1:]:
        result = result_of(recorded(rows[:place]))
        (mark,) = (it for it in rows[place].commands if _is_account(it))
        assert isinstance(mark, EquityMarked)
        if len(result.samples) > sum(1 for it in marked if it < place):
            assert result.final_equity == mark.equity
            compared += 1
    assert compared > 3


def _is_account(command: object) -> bool:
    return isinstance(command, EquityMarked) and not command.strategy


def test_a_run_without_an_account_is_refused() -> None:
    with pytest.raises(Problem, match="never read its account"):
        result_of(of_events(_closed(0)))
