"""The SQLite file of a sandbox: schema, transactions, small named values.

``synchronous=OFF`` in WAL mode: a committed transaction is with the operating system, so it outlives a killed
process; only a power cut may cost the last ones. One process owns the file (exclusive locking).
"""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tradectl.model.errors import ErrorCode, Problem
from tradectl.sandbox.memory.migrations import MIGRATIONS

FILE_NAME = "venue.sqlite"
SCHEMA_VERSION = 2
SCHEMA = """
CREATE TABLE named (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE orders (
    n INTEGER PRIMARY KEY, uid TEXT, category TEXT, symbol TEXT, order_id TEXT UNIQUE, link_id TEXT, status TEXT,
    kind TEXT, final INTEGER, filled INTEGER, created INTEGER, updated INTEGER, body BLOB NOT NULL);
CREATE INDEX orders_link ON orders (uid, link_id);
CREATE INDEX orders_page ON orders (uid, category, n);
CREATE TABLE executions (
    n INTEGER PRIMARY KEY, uid TEXT, category TEXT, symbol TEXT, exec_id TEXT, order_id TEXT, link_id TEXT, type TEXT,
    ts INTEGER, body BLOB NOT NULL);
CREATE INDEX executions_order ON executions (uid, order_id);
CREATE INDEX executions_link ON executions (uid, link_id);
CREATE INDEX executions_page ON executions (uid, category, n);
CREATE TABLE ledger (
    n INTEGER PRIMARY KEY, uid TEXT, category TEXT, symbol TEXT, coin TEXT, type TEXT, ts INTEGER,
    body BLOB NOT NULL);
CREATE INDEX ledger_page ON ledger (uid, n);
CREATE TABLE closed_pnl (
    n INTEGER PRIMARY KEY, uid TEXT, category TEXT, symbol TEXT, order_id TEXT UNIQUE, ts INTEGER,
    body BLOB NOT NULL);
CREATE INDEX closed_pnl_page ON closed_pnl (uid, category, n);
CREATE TABLE bars (instrument TEXT, open_time INTEGER, body BLOB NOT NULL, PRIMARY KEY (instrument, open_time))
    WITHOUT ROWID;
"""


class InUse(Problem):
    """Another process owns the file."""


class Database:
    """One open file (or a database in memory). Every change happens inside :meth:`transaction`."""

    def __init__(self, state: Path | None) -> None:
        self.path = None if state is None else state / FILE_NAME
        try:
            self._connection = self._open()
        except (sqlite3.Error, OSError) as error:
            raise self._problem(error) from error

    def _open(self) -> sqlite3.Connection:
        if self.path is not None:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        connection = sqlite3.connect(":memory:" if self.path is None else self.path, isolation_level=None, timeout=0.2)
        try:
            connection.execute("PRAGMA locking_mode=EXCLUSIVE")
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=OFF")
            connection.execute("BEGIN IMMEDIATE")
            self._create(connection)
            connection.execute("COMMIT")
        except BaseException:
            connection.close()
            raise
        return connection

    def _create(self, connection: sqlite3.Connection) -> None:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version == 0:
            for statement in SCHEMA.split(";"):
                connection.execute(statement)
        elif version > SCHEMA_VERSION or any(old not in MIGRATIONS for old in range(version, SCHEMA_VERSION)):
            raise Problem(
                ErrorCode.CONFLICT,
                f"{self.path} was written by another version of the sandbox ({version}, this is {SCHEMA_VERSION})",
                field="state",
                remedy="Reset the sandbox, or choose another state directory",
            )
        for old in range(version or SCHEMA_VERSION, SCHEMA_VERSION):
            for statement in MIGRATIONS[old]:
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")

    def _problem(self, error: Exception) -> Problem:
        if "locked" in str(error):
            return InUse(
                ErrorCode.CONFLICT,
                f"{self.path} is in use by another sandbox",
                field="state",
                remedy="Stop that sandbox, or choose another state directory",
            )
        return Problem(
            ErrorCode.INTERNAL,
            f"{self.path} cannot be opened as the memory of a sandbox: {error}",
            field="state",
            remedy="Check the directory's permissions and space; if the file is damaged, reset the sandbox",
        )

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing: a failure inside changes nothing."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def execute(self, statement: str, values: Iterable[Any] = ()) -> None:
        """One statement without an answer."""
        self._connection.execute(statement, tuple(values))

    def execute_many(self, statement: str, rows: Iterable[tuple[Any, ...]]) -> None:
        """The statement once per row."""
        self._connection.executemany(statement, rows)

    def rows(self, query: str, values: Iterable[Any] = ()) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        return self._connection.execute(query, tuple(values)).fetchall()

    def get(self, name: str) -> bytes | None:
        """A named value."""
        found = self.rows("SELECT value FROM named WHERE name = ?", (name,))
        return bytes(found[0][0]) if found else None

    def put(self, name: str, value: bytes) -> None:
        """Set a named value."""
        self.execute("INSERT OR REPLACE INTO named VALUES (?, ?)", (name, value))

    def close(self) -> None:
        """Close the file; the last connection folds the write-ahead log into it."""
        self._connection.close()


def wipe(state: Path) -> None:
    """Forget the sandbox kept in ``state``: its next start makes a new instance. Raises ``Problem`` while in use."""
    if not (state / FILE_NAME).exists():
        return
    try:
        Database(state).close()
    except Problem as problem:
        # A damaged file or another version's is just what a reset is for.
        if isinstance(problem, InUse):
            raise
    for suffix in ("", "-wal", "-shm", "-journal"):
        (state / f"{FILE_NAME}{suffix}").unlink(missing_ok=True)
