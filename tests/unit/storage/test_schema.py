"""The packaged migrations make exactly the tables that are declared."""

import subprocess
import sys

import pytest
import sqlalchemy as sa
from alembic import command

from tradectl.model.errors import Problem
from tradectl.storage import schema
from tradectl.storage.config import DATABASE_VARIABLE, database_url
from tradectl.storage.database import open_database, parse_url, without_password
from tradectl.storage.schema import check, current, init, migrate, newest


def test_migrations_make_the_declared_tables(tmp_path):
    engine = open_database(f"sqlite:///{tmp_path / 'new.db'}")
    assert current(engine) == ""
    assert check(engine) != []
    assert init(engine) == ""
    assert current(engine) == newest() != ""
    assert check(engine) == []
    assert migrate(engine) == newest()


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE executions ADD COLUMN extra TEXT",
        "DROP INDEX ix_orders_at",
        "DROP TABLE alerts",
        "ALTER TABLE balances DROP COLUMN wallet",
    ],
)
def test_a_difference_is_found(engine, change):
    with engine.begin() as connection:
        connection.exec_driver_sql(change)
    assert check(engine) != []


def test_downgrade_leaves_nothing_behind(engine):

    with engine.begin() as connection:
        command.downgrade(schema._config(connection), "base")
    assert sa.inspect(engine).get_table_names() == ["alembic_version"]


def test_a_database_of_a_later_version_is_refused(engine):
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(Problem, match="9999"):
        migrate(engine)


def test_a_failed_migration_leaves_nothing_behind(tmp_path):
    engine = open_database(f"sqlite:///{tmp_path / 'half.db'}")
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE state_changes (x INTEGER)")
    with pytest.raises(sa.exc.OperationalError):
        migrate(engine)
    assert sa.inspect(engine).get_table_names() == ["state_changes"]


def test_two_processes_may_migrate_at_once(tmp_path):
    url = f"sqlite:///{tmp_path / 'both.db'}"
    code = (
        "import sys; from tradectl.storage.schema import migrate;"
        "from tradectl.storage.database import open_database; migrate(open_database(sys.argv[1]))"
    )
    children = [subprocess.Popen([sys.executable, "-c", code, url]) for _ in range(2)]
    assert [child.wait(60) for child in children] == [0, 0]
    assert check(open_database(url)) == []


def test_sqlite_is_opened_durably(engine):
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar_one() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar_one() == 2


@pytest.mark.parametrize("url", ["", "nonsense", "mysql://h/x", "oracle://x"])
def test_an_unknown_database_is_refused(url):
    with pytest.raises(Problem) as caught:
        parse_url(url)
    assert caught.value.field == "store.database"


def test_the_password_is_not_shown(monkeypatch, tmp_path):
    shown = without_password("postgresql://me:secret@host/db")
    assert shown == "postgresql+psycopg://me:***@host/db"
    monkeypatch.setenv(DATABASE_VARIABLE, "postgresql://x/y")
    assert database_url(tmp_path) == "postgresql://x/y"
    assert database_url(tmp_path, "sqlite:///z") == "sqlite:///z"
    monkeypatch.delenv(DATABASE_VARIABLE)
    assert database_url(tmp_path) == f"sqlite:///{tmp_path}/store.db"


def test_rows_of_an_older_schema_survive_the_way_up_and_down(tmp_path):
    engine = open_database(f"sqlite:///{tmp_path / 'old.db'}")
    migrate(engine, "0001")
    row = "'ema', 'linear', 'BTCUSDT', 'run1', 1, 5, '0.010', '1050', '1', '0', '0', 105000.5"
    with engine.begin() as connection:
        connection.exec_driver_sql(f"INSERT INTO positions VALUES ({row})")
    migrate(engine)
    with engine.begin() as connection:
        assert connection.exec_driver_sql("SELECT size, position_idx FROM positions").all() == [("0.010", 0)]
        command.downgrade(schema._config(connection), "0001")
        assert connection.exec_driver_sql("SELECT strategy, size, mark FROM positions").all() == [
            ("ema", "0.010", 105000.5)
        ]
    engine.dispose()
