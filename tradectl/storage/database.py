"""Opening a database: which ones are understood, and how SQLite is made safe to share between threads."""

import sqlite3
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError

from tradectl.model.errors import ErrorCode, Problem

_DRIVERS = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg"}
#: Seconds a statement waits for another process's write to end, and a connection for its server.
_BUSY_SECONDS = 10


def parse_url(text: str) -> URL:
    """The URL with the driver we use. Raises ``Problem(INVALID_SETTING)`` for one that is not understood."""
    try:
        url = make_url(text)
    except ArgumentError:
        raise _bad_url("the database URL is not readable", "use sqlite:////path/to/file.db or postgresql://…") from None
    driver = _DRIVERS.get(url.get_backend_name())
    if driver is None:
        raise _bad_url(f"{url.get_backend_name()} is no database tradectl knows", "use sqlite or postgresql")
    return url.set(drivername=driver)


def without_password(text: str) -> str:
    """The URL as it may be shown."""
    return parse_url(text).render_as_string(hide_password=True)


def open_database(text: str) -> Engine:
    """An engine for ``text``; connects only when used. Raises ``Problem(INVALID_SETTING)``."""
    url = parse_url(text)
    if url.get_backend_name() == "sqlite":
        engine = create_engine(url, connect_args={"timeout": _BUSY_SECONDS})
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    options = f"-c timezone=UTC -c statement_timeout={60_000}"
    return create_engine(url, connect_args={"connect_timeout": _BUSY_SECONDS, "options": options}, pool_pre_ping=True)


def writing(engine: Engine) -> Engine:
    """The same engine for transactions that write: on SQLite they take the lock at their begin, so that a second
    writer waits there instead of failing halfway."""
    return engine.execution_options(writes=True)


def _prepare_sqlite(connection: sqlite3.Connection, record: Any) -> None:
    """WAL so that readers never wait; FULL so that a committed execution survives a power cut.

    The driver's own BEGIN comes too late for DDL: it is switched off, and :func:`_begin_sqlite` sends it.
    """
    connection.isolation_level = None
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get("writes") else "BEGIN")


def _bad_url(message: str, remedy: str) -> Problem:
    return Problem(ErrorCode.INVALID_SETTING, message, field="store.database", remedy=remedy)
