"""Filters and pages against the obvious way: all rows in a list."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tradectl.model.errors import Problem
from tradectl.model.instruments import Category, InstrumentId
from tradectl.storage.batch import Batch
from tradectl.storage.projector import Projector
from tradectl.storage.queries import HistoryFilter, Queries

ETH = InstrumentId(Category.SPOT, "ETHUSDT")
BTC = InstrumentId(Category.LINEAR, "BTCUSDT")


def put(engine, *entries, run="run1"):
    batch = Batch(run, 0)
    for entry in entries:
        batch.add(entry)
    Projector(engine).commit(batch)


def pages(ask, **wanted):
    cursor, found = "", []
    while True:
        page = ask(HistoryFilter(cursor=cursor, **wanted))
        found += [row.record for row in page.rows]
        cursor = page.next_cursor
        if not cursor:
            return found
        assert len(page.rows) == wanted["limit"]


@pytest.fixture
def trades(engine, make):
    """Sixty executions, many at the same nanosecond."""
    made = [
        make.execution(f"e:{n:02}", ts=1 + n // 7, strategy=("ema", "grid")[n % 2], instrument=(BTC, ETH)[n % 3 == 0])
        for n in range(60)
    ]
    put(engine, make.entry(1, *made))
    return made


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    strategy=st.sampled_from(["", "ema", "grid", "none"]),
    symbol=st.sampled_from(["", "BTCUSDT", "ETHUSDT", "XRPUSDT"]),
    category=st.sampled_from(["", "spot", "linear"]),
    since=st.integers(0, 10),
    until=st.integers(0, 10),
    limit=st.integers(1, 70),
)
def test_trades_against_a_list(engine, trades, *, strategy, symbol, category, since, until, limit):
    wanted = {"strategy": strategy, "symbol": symbol, "category": category, "since": since, "until": until}
    expected = sorted(
        (
            trade
            for trade in trades
            if (not strategy or trade.strategy == strategy)
            and (not symbol or trade.execution.instrument.symbol == symbol)
            and (not category or trade.execution.instrument.category.value == category)
            and trade.execution.ts >= since
            and (not until or trade.execution.ts < until)
        ),
        key=lambda trade: (trade.execution.ts, trade.execution.exec_id),
        reverse=True,
    )
    found = pages(Queries(engine).trades, limit=limit, **wanted)
    assert [trade.execution.exec_id for trade in found] == [trade.execution.exec_id for trade in expected]
    assert found == expected


@pytest.mark.parametrize("limit", [1, 3, 7, 100])
def test_every_list_pages_completely(engine, make, limit):
    for run in ("run1", "run2"):
        put(
            engine,
            *(
                make.entry(n, make.order(n, link_id=f"{run}:{n}", at=5), make.decision(n), make.equity(n // 3))
                for n in range(1, 11)
            ),
            run=run,
        )
    queries = Queries(engine)
    assert len({order.link_id for order in pages(queries.orders, limit=limit)}) == 20
    assert len(pages(queries.orders, limit=limit)) == 20
    assert [decision.id for decision in pages(queries.decisions, limit=limit)] == [*range(10, 0, -1)] * 2
    assert len(pages(queries.equity, limit=limit)) == 20


def test_the_accounts_equity_is_not_mixed_with_the_strategies(engine, make):
    put(engine, make.entry(1, make.equity(1), make.equity(2, "ema"), make.equity(3, "grid")))
    queries = Queries(engine)
    assert [row.record.at for row in queries.equity(HistoryFilter()).rows] == [1]
    assert [row.record.at for row in queries.equity(HistoryFilter(strategy="grid")).rows] == [3]


@pytest.mark.parametrize("limit", [0, -1, 1001, 10**9])
def test_a_limit_out_of_range_is_refused(engine, limit):
    with pytest.raises(Problem, match="limit") as caught:
        Queries(engine).trades(HistoryFilter(limit=limit))
    assert caught.value.field == "limit"


@pytest.mark.parametrize(("field", "value"), [("since", -1), ("until", 2**63), ("since", 10**30), ("symbol", "B\0")])
def test_what_no_database_could_look_for_is_refused(engine, field, value):
    with pytest.raises(Problem) as caught:
        Queries(engine).trades(HistoryFilter(**{field: value}))
    assert caught.value.field == field


@pytest.mark.parametrize("cursor", ["9223372036854775808:x", "x", "1", "x:y", ":", "1.5:a"])
def test_a_foreign_cursor_is_refused(engine, cursor):
    with pytest.raises(Problem) as caught:
        Queries(engine).trades(HistoryFilter(cursor=cursor))
    assert caught.value.field == "cursor"


def test_a_trade_that_is_not_there(engine):
    with pytest.raises(Problem, match="no trade e9"):
        Queries(engine).trade("e9")
    assert Queries(engine).order("") is None
    assert Queries(engine).decision("run1", 4) is None
