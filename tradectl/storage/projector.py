"""Rows into the database, together with how far the journal is in it: every row exactly once."""

from sqlalchemy import Connection, Engine, select, update
from sqlmodel import SQLModel

from tradectl.model.errors import ErrorCode, Problem
from tradectl.storage import tables
from tradectl.storage.batch import Batch
from tradectl.storage.database import writing
from tradectl.storage.tables import table_of
from tradectl.storage.upsert import Upsert

#: Tables that hold the last state: a later statement (by ``at``) replaces the row. In all others the first counts.
_LAST_STATE: frozenset[type[SQLModel]] = frozenset(
    {tables.OrderRecord, tables.PositionRecord, tables.BalanceRecord, tables.AlgorithmRecord}
)


class Projector:
    """Commits batches. For one thread."""

    def __init__(self, engine: Engine) -> None:
        self._engine = writing(engine)
        self._statements: dict[type[SQLModel], Upsert] = {}

    def offset(self, run: str) -> int:
        """The last sequence of ``run`` that is in the database."""
        query = select(table_of(tables.Projected).c.seq).where(table_of(tables.Projected).c.run == run)
        with self._engine.connect() as connection:
            return connection.execute(query).scalar_one_or_none() or 0

    def commit(self, batch: Batch) -> None:
        """Store the rows and the offset in one transaction.

        Raises ``Problem(CONFLICT)`` when another store projected this run meanwhile, and ``DBAPIError`` when the
        database fails: then nothing of the batch is stored.
        """
        with self._engine.begin() as connection:
            self._move_offset(connection, batch)
            for table, rows in batch.tables():
                self._statement(table).execute(connection, rows)

    def _move_offset(self, connection: Connection, batch: Batch) -> None:
        table = table_of(tables.Projected)
        if batch.after == 0:
            Upsert(self._engine.dialect, table, replace=False).execute(connection, [{"run": batch.run, "seq": 0}])
        here = (table.c.run == batch.run) & (table.c.seq == batch.after)
        if connection.execute(update(table).where(here).values(seq=batch.seq)).rowcount != 1:
            raise Problem(
                ErrorCode.CONFLICT,
                f"another store projects run {batch.run} into the same database",
                field="store.database",
                remedy="Stop one of the two, or give each a database of its own",
            )

    def _statement(self, model: type[SQLModel]) -> Upsert:
        statement = self._statements.get(model)
        if statement is None:
            statement = Upsert(self._engine.dialect, table_of(model), replace=model in _LAST_STATE)
            self._statements[model] = statement
        return statement
