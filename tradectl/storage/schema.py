"""Making and changing the tables: Alembic, with the migrations packaged beside this file."""

from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, text

from tradectl.model.errors import ErrorCode, Problem
from tradectl.storage.database import writing
from tradectl.storage.tables import METADATA

MIGRATIONS = Path(__file__).parent / "migrations"
#: Any number: processes that migrate the same PostgreSQL database at once wait for each other on it.
_MIGRATION_LOCK = 7_261_443


def migrate(engine: Engine, revision: str = "head") -> str:
    """Bring the database to ``revision``, making it when it is empty; the revision it had before ("" for none).

    All of it or nothing. Raises ``Problem(CONFLICT)`` when a later version of tradectl made the database.
    """
    with writing(engine).begin() as connection:
        _lock(connection)
        before = _revision(connection)
        _refuse_unknown(before)
        if revision != before:
            command.upgrade(_config(connection), revision)
        return before


def init(engine: Engine) -> str:
    """Make the tables of a new database; the same as :func:`migrate` to the newest revision."""
    return migrate(engine)


def current(engine: Engine) -> str:
    """The revision of the database, "" when it has none."""
    with engine.connect() as connection:
        return _revision(connection)


def newest() -> str:
    """The revision this version of tradectl works with."""
    return ScriptDirectory(str(MIGRATIONS)).get_current_head() or ""


def check(engine: Engine) -> list[str]:
    """How the database differs from the tables as declared; empty when it is as it should be."""
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return [repr(difference) for difference in compare_metadata(context, METADATA)]


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _lock(connection: Connection) -> None:
    """A second process that migrates waits here and then finds the work done. SQLite is locked by its begin."""
    if connection.dialect.name == "postgresql":
        # A large table may take longer to change than a query may run.
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})


def _revision(connection: Connection) -> str:
    return MigrationContext.configure(connection).get_current_revision() or ""


def _refuse_unknown(revision: str) -> None:
    if not revision:
        return
    try:
        ScriptDirectory(str(MIGRATIONS)).get_revision(revision)
    except CommandError:
        raise Problem(
            ErrorCode.CONFLICT,
            f"the database has schema {revision}, this version of tradectl knows up to {newest()}",
            field="store.database",
            remedy="Run the version that made it, or a later one",
        ) from None
