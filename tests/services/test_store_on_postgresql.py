"""The store on PostgreSQL: exact amounts, the declared tables, and every execution once over outages and kills."""

import contextlib
import os
import subprocess
import sys
import time
import uuid
from decimal import Decimal

import psycopg
import pytest

from tradectl.journal import Header, JournalConfig, JournalWriter
from tradectl.model.commands import DecisionMade, Entry, EquityMarked, ExecutionBooked, OrderChanged
from tradectl.model.events import SCHEMA, TimerFired
from tradectl.model.instruments import Category, InstrumentId
from tradectl.model.orders import Execution, OrderStatus, OrderType, Side, TimeInForce
from tradectl.storage.batch import Batch
from tradectl.storage.config import StoreConfig
from tradectl.storage.database import open_database
from tradectl.storage.projection import Projection
from tradectl.storage.projector import Projector
from tradectl.storage.queries import HistoryFilter, Queries
from tradectl.storage.schema import check, current, migrate, newest

SERVER = os.environ.get("TEST_POSTGRES_URL", "postgresql://postgres@127.0.0.1:5432/postgres")
BTC = InstrumentId(Category.LINEAR, "BTCUSDT")
LONG = Decimal("123456789012345678901.000000000000000000012345678")
FAST = StoreConfig(batch_seconds=0.02, poll_seconds=0.005, retry_first=0.01, retry_most=0.05)


@pytest.fixture(scope="module")
def server():
    try:
        with psycopg.connect(SERVER, autocommit=True, connect_timeout=3) as connection:
            yield connection
    except psycopg.OperationalError as error:
        if os.environ.get("TRADECTL_REQUIRE_SERVICES") == "1":
            raise
        pytest.skip(f"no PostgreSQL at {SERVER.rpartition('@')[2]}: {error}")


@pytest.fixture
def url(server):
    """A database of the test's own."""
    name = f"tradectl_test_{uuid.uuid4().hex[:12]}"
    server.execute(f"CREATE DATABASE {name}")
    yield f"{SERVER.rpartition('/')[0]}/{name}"
    server.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def engine(url):
    found = open_database(url)
    migrate(found)
    yield found
    found.dispose()


def execution(seq, **changes):
    values = {
        "exec_id": f"e{seq:06}",
        "instrument": BTC,
        "order_id": f"o{seq}",
        "link_id": f"l{seq}",
        "side": Side.BUY,
        "price": Decimal("105000.10"),
        "qty": Decimal("0.010"),
        "value": Decimal("1050.001"),
        "fee": Decimal("-1E-18"),
        "fee_coin": "USDT",
        "is_maker": False,
        "ts": seq,
    }
    return ExecutionBooked(seq, Execution(**{**values, **changes}), "ema", 1, LONG, Decimal("0.010"))


def order(seq, **changes):
    values = {"at": seq, "link_id": f"l{seq}", "status": OrderStatus.NEW, "qty": LONG, "reason": ""}
    return OrderChanged(
        order_id=f"o{seq}",
        strategy="ema",
        decision=1,
        instrument=BTC,
        side=Side.BUY,
        type=OrderType.MARKET,
        time_in_force=TimeInForce.IOC,
        price=None,
        filled=Decimal(0),
        avg_price=None,
        reduce_only=False,
        created=seq,
        **{**values, **changes},
    )


def entry(seq, *commands):
    return Entry(SCHEMA, seq, TimerFired(seq, "timer", seq), commands)


def journal(state):
    config = JournalConfig(reserve_space=4096, orders_segment=50_000)
    return JournalWriter(state / "journal" / "run00001", Header(run="run00001", created=1), config)


def write(writer, number):
    for seq in range(writer.next_seq, writer.next_seq + number):
        writer.append(entry(seq, execution(seq), EquityMarked(seq, "", LONG, LONG, LONG)))


def commit(engine, *entries, after=0):
    batch = Batch("run1", after)
    for it in entries:
        batch.add(it)
    Projector(engine).commit(batch)


def until(condition, seconds=30.0):
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "the condition was not met in time"
        time.sleep(0.01)
    return found


def count(url, table="executions"):
    with contextlib.suppress(psycopg.Error), psycopg.connect(url) as connection:
        return connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
    return 0


def test_migrations_make_the_declared_tables(url):
    engine = open_database(url)
    assert migrate(engine) == ""
    assert current(engine) == newest()
    assert check(engine) == []
    with engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE executions ALTER COLUMN price TYPE DOUBLE PRECISION")
    assert len(check(engine)) == 1
    engine.dispose()


def test_records_come_back_to_the_last_digit(engine):
    decision = DecisionMade(1, 1, 2, "ema", BTC, "buy", None, LONG, None, 'it\'s 100 % \\ "so"', True, (), ("l1",), "")
    equity = EquityMarked(3, "", LONG, Decimal("1E+3"), Decimal("-0.00000001"))
    commit(engine, entry(1, execution(1), order(1), decision, equity))
    queries = Queries(engine)
    assert queries.trades(HistoryFilter()).rows[0].record == execution(1)
    assert queries.orders(HistoryFilter()).rows[0].record == order(1)
    assert queries.decisions(HistoryFilter()).rows[0].record == decision
    assert queries.equity(HistoryFilter()).rows[0].record == equity
    with engine.connect() as connection:
        total = connection.exec_driver_sql("SELECT sum(realised) + sum(fee) FROM executions").scalar_one()
    assert total == Decimal("123456789012345678900.999999999999999999012345678")


def test_rows_replace_and_repeat_as_they_should(engine):
    commit(engine, entry(1, order(1, at=5), execution(1)), entry(2, order(1, at=6, status=OrderStatus.FILLED)))
    commit(engine, entry(3, order(1, at=4), execution(1), execution(2)), after=2)
    queries = Queries(engine)
    assert queries.order("o1").record.status is OrderStatus.FILLED
    assert [row.record.execution.exec_id for row in queries.trades(HistoryFilter()).rows] == ["e000002", "e000001"]


def test_a_nul_in_a_venues_text_does_not_stop_the_projection(engine):
    commit(engine, entry(1, order(1, reason="no\0money \\u0000")))
    assert Queries(engine).order("l1").record.reason == "nomoney \\u0000"


def test_pages_continue_where_they_ended(engine):
    commit(engine, entry(1, *(execution(n, ts=n // 5) for n in range(40))))
    queries, cursor, found = Queries(engine), "", []
    while True:
        page = queries.trades(HistoryFilter(limit=7, cursor=cursor))
        found += [row.record.execution.exec_id for row in page.rows]
        cursor = page.next_cursor
        if not cursor:
            break
    assert found == sorted((f"e{n:06}" for n in range(40)), reverse=True)


def test_cut_connections_are_only_lag(tmp_path, engine, url, server):
    name = url.rpartition("/")[2]
    projection = Projection(tmp_path / "journal", engine, FAST)
    projection.start()
    writer = journal(tmp_path)
    for _ in range(8):
        write(writer, 100)
        server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))
    until(lambda: count(url) == 800)
    until(lambda: projection.progress().lag == 0)
    assert projection.progress().error == ""
    projection.stop()
    writer.close()
    assert count(url, "equity") == 800


def test_each_execution_exactly_once_over_kills(tmp_path, url):
    writer = journal(tmp_path)
    command = [sys.executable, "-m", "tradectl.storage", "--state", str(tmp_path)]
    environment = {**os.environ, "TRADECTL_STORE_DATABASE": url}
    for _ in range(3):
        with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as child:
            before = count(url)
            write(writer, 1500)
            until(_more_than(url, before))
            child.kill()
    writer.close()
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as child:
        until(lambda: count(url) == 4500)
        child.terminate()
        assert child.wait(30) == 0
    assert count(url, "equity") == 4500


def _more_than(url, before):
    return lambda: count(url) > before


def test_two_stores_on_one_database_do_not_mix(engine):
    commit(engine, entry(1, execution(1)))
    with pytest.raises(Exception, match="another store"):
        commit(engine, entry(1, execution(1)))


def test_a_password_is_not_shown(tmp_path):
    from tradectl.storage.database import without_password

    assert "secret" not in without_password("postgresql://me:secret@127.0.0.1/x")
