"""The store as a process: it catches up, answers, is killed and comes back, and outlives its database."""

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from decimal import Decimal

import pytest

from tradectl.rpc.client import RpcClient, RpcError
from tradectl.storage.config import StoreConfig
from tradectl.storage.database import open_database
from tradectl.storage.projection import Projection
from tradectl.storage.queries import HistoryFilter, Queries

FAST = StoreConfig(batch_seconds=0.02, poll_seconds=0.005, retry_first=0.01, retry_most=0.05)


def until(condition, seconds=20.0):
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "the condition was not met in time"
        time.sleep(0.01)
    return found


@contextmanager
def projecting(state, engine, config=FAST):
    projection = Projection(state / "journal", engine, config)
    projection.start()
    try:
        yield projection
    finally:
        projection.stop()


@contextmanager
def store(state, *arguments):
    """The process, once it answers."""
    command = [sys.executable, "-m", "tradectl.storage", "--state", str(state), *arguments]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as child:
        try:
            yield child
        finally:
            if child.poll() is None:
                child.kill()


def ask(state, method, **params):
    try:
        with RpcClient(str(state / "run" / "store.sock")) as client:
            return client.call(method, params)
    except RpcError:
        return None


def executions(make, first, last):
    return [make.entry(seq, make.execution(f"e{seq:05}", ts=seq), make.order(seq)) for seq in range(first, last + 1)]


@pytest.fixture
def state(tmp_path):
    """A short path of its own: a socket's path has at most 107 bytes."""
    return tmp_path


def test_the_process_projects_and_answers(state, make):
    with store(state) as child:
        until(lambda: ask(state, "store.status"))
        journal = make.journal(state)
        for entry in executions(make, 1, 5):
            journal.append(entry)
        journal.append(make.entry(6, make.decision(3), make.equity(6)))
        journal.append(make.entry(7))
        answer = until(lambda: (found := ask(state, "trades.list")) and found["trades"] and found)
        assert [trade["id"] for trade in answer["trades"]] == ["e00005", "e00004", "e00003", "e00002", "e00001"]
        assert answer["trades"][0]["realised"] == "123456789012345678901.000000000000000000012345678"
        assert answer["as_of_seq"] == 6
        assert len(ask(state, "orders.history", limit=2)["orders"]) == 2
        assert ask(state, "decisions.list")["decisions"][0]["checks"][1]["reason"] == "too far from the market"
        assert ask(state, "equity.list")["equity"][0]["cash"] == "9999.5"
        detail = ask(state, "trades.show", id="e00002")
        assert (detail["order"], detail["decision"]["id"]) == (None, 3)
        status = ask(state, "store.status")
        assert (status["run"], status["seq"], status["lag"], status["error"]) == ("run00001", 6, 0, "")
        assert status["rows"]["executions"] == 5
        child.send_signal(signal.SIGTERM)
        assert child.wait(20) == 0
        assert not (state / "run" / "store.sock").exists()
        journal.close()


def test_each_execution_exactly_once_over_kills(state, make):
    journal = make.journal(state)
    engine = open_database(f"sqlite:///{state / 'store.db'}")
    seq = 0
    for _ in range(4):
        with store(state) as child:
            goal = seq + 600
            while seq < goal:
                seq += 1
                journal.append(make.entry(seq, make.execution(f"e{seq:05}", ts=seq), make.equity(seq)))
                journal.append(make.entry(seq := seq + 1))
            until(_more_than(engine, _count(engine, "executions")))
            child.kill()
    journal.close()
    with store(state):
        until(lambda: _count(engine, "executions") == seq // 2)
    assert _count(engine, "equity") == seq // 2
    with engine.connect() as connection:
        found = connection.exec_driver_sql("SELECT exec_id, seq FROM executions ORDER BY seq").all()
    assert found == [(f"e{n:05}", n) for n in range(1, seq, 2)]


def _more_than(engine, before):
    return lambda: _count(engine, "executions") > before


def _count(engine, table):
    from sqlalchemy.exc import OperationalError

    try:
        with engine.connect() as connection:
            return connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one()
    except OperationalError:
        return 0


def test_an_outage_of_the_database_is_only_lag(state, engine, make, count):
    journal = make.journal(state)
    for entry in executions(make, 1, 10):
        journal.append(entry)
    with projecting(state, engine) as projection:
        until(lambda: count("executions") == 10)
        with engine.connect() as blocker:
            blocker.exec_driver_sql("ALTER TABLE executions RENAME TO away")
            blocker.commit()
        for entry in executions(make, 11, 30):
            journal.append(entry)
        until(lambda: "executions" in projection.progress().error)
        assert projection.progress().lag in (0, 20)
        assert count("away") == 10
        with engine.connect() as blocker:
            blocker.exec_driver_sql("ALTER TABLE away RENAME TO executions")
            blocker.commit()
        until(lambda: count("executions") == 30)
        until(lambda: not projection.progress().error)
        assert projection.progress().lag == 0
    journal.close()


def test_runs_are_projected_in_the_order_they_were_begun(state, engine, make):
    for run, created in (("zzzz0001", 1), ("aaaa0002", 2)):
        journal = make.journal(state, run, created)
        journal.append(make.entry(1, make.position("ema", str(created), at=created)))
        journal.close()
    with projecting(state, engine) as projection:
        until(lambda: projection.as_of == 1 and projection.newest == "aaaa0002")
    assert [row.record.size for row in Queries(engine).positions()] == [Decimal(2)]


def test_a_corrupt_run_is_reported_and_does_not_stop_the_others(state, engine, make, count):
    for run, created in (("bad00001", 2), ("good0002", 1)):
        journal = make.journal(state, run, created)
        for seq in range(1, 20):
            journal.append(make.entry(seq, make.execution(f"{run}-{seq}")))
        journal.close()
    path = next((state / "journal" / "bad00001").glob("orders-*"))
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with projecting(state, engine) as projection:
        until(lambda: count("executions") >= 19)
        assert "corrupt" in until(lambda: projection.progress().error)


def test_a_database_ahead_of_the_journal_is_reported(state, engine, make):
    journal = make.journal(state)
    journal.append(make.entry(1, make.equity(1)))
    journal.close()
    with engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO projection VALUES ('run00001', 50)")
    with projecting(state, engine) as projection:
        assert "ends at 1" in until(lambda: projection.progress().error)


def test_what_was_taken_in_is_committed_at_the_end(state, engine, make, count):
    journal = make.journal(state)
    with projecting(state, engine, StoreConfig(batch_seconds=600.0, poll_seconds=0.005)) as projection:
        for entry in executions(make, 1, 3):
            journal.append(entry)
        until(lambda: projection._runs and projection._runs["run00001"].seq == 3)
        assert count("executions") == 0
    assert count("executions") == 3
    journal.close()


def test_what_was_written_since_the_last_look_is_in_the_database_at_the_end(state, engine, make, count):
    journal = make.journal(state)
    with projecting(state, engine, StoreConfig(batch_rows=4, batch_seconds=600.0, poll_seconds=600.0)) as projection:
        until(lambda: projection._runs and projection._runs["run00001"].caught_up)  # it looks again in ten minutes
        for entry in executions(make, 1, 10):
            journal.append(entry)
    assert count("executions") == 10
    journal.close()


def test_a_second_store_on_the_same_socket_is_refused(state):
    with store(state):
        until(lambda: ask(state, "store.status"))
        with store(state) as second:
            _, text = second.communicate(timeout=30)
            assert second.returncode not in (0, None)
            assert b"store.sock" in text


def test_a_database_that_cannot_be_opened_is_lag_and_an_error(state, make):
    (state / "gone").mkdir()
    with store(state, "--database", f"sqlite:///{state}/none/store.db"):
        status = until(lambda: (found := ask(state, "store.status")) and found["error"] and found)
        assert "unable to open" in status["error"]
        with pytest.raises(RpcError) as caught, RpcClient(str(state / "run" / "store.sock")) as client:
            client.call("trades.list", {})
        assert caught.value.code == "NOT_READY"
        (state / "none").mkdir()
        journal = make.journal(state)
        journal.append(make.entry(1, make.execution("e1")))
        journal.close()
        assert until(lambda: (found := ask(state, "trades.list")) and found["trades"])


def test_an_unknown_database_ends_with_78(state):
    with store(state, "--database", "mysql://host/x") as child:
        _, text = child.communicate(timeout=30)
    assert child.returncode == 78
    assert b"mysql is no database" in text


def test_the_database_is_private(state, make):
    with store(state):
        until(lambda: ask(state, "store.status"))
        until(lambda: os.path.exists(state / "store.db"))
        assert (state / "store.db").stat().st_mode & 0o077 == 0


def test_reading_goes_on_while_rows_are_written(state, engine, make):
    journal = make.journal(state)
    with projecting(state, engine):
        queries, seen = Queries(engine), 0
        for seq in range(1, 400):
            journal.append(make.entry(seq, make.execution(f"e{seq:05}", ts=seq)))
            if seq % 20 == 0:
                found = len(queries.trades(HistoryFilter(limit=1000)).rows)
                assert found >= seen
                seen = found
        until(lambda: len(queries.trades(HistoryFilter(limit=1000)).rows) == 399)
    journal.close()
