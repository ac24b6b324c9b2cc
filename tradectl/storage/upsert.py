"""Inserts written for the driver: most of an ORM's time for a row would go into binding its values one by one.

SQLite takes rows one after another at no cost; PostgreSQL takes all of them in one statement as a JSON document.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal
from operator import itemgetter
from typing import Any

import msgspec
from sqlalchemy import JSON, Connection, Dialect, Table

from tradectl.storage.types import Exact

Rows = Sequence[dict[str, Any]]
_to_json = msgspec.json.Encoder().encode


class Upsert:
    """Inserts rows (dicts with every column) into ``table``; no two of one call may have the same key.

    ``replace``: a row whose key is there is replaced unless it is older by ``at``; otherwise the first one stays.
    """

    def __init__(self, dialect: Dialect, table: Table, replace: bool) -> None:
        self._names = [column.name for column in table.c]
        self._converters = _converters(table)
        self._as_document = dialect.name == "postgresql"
        values = _from_document(table, dialect) if self._as_document else _from_row(self._names)
        columns = ", ".join(f'"{name}"' for name in self._names)
        self._sql = f'INSERT INTO "{table.name}" ({columns}) {values} {_on_conflict(table, replace)}'

    def execute(self, connection: Connection, rows: Rows) -> None:
        """Insert ``rows``, whose values may be changed to what the driver takes."""
        if self._as_document:
            connection.exec_driver_sql(self._sql, (_as_document(rows),))
            return
        for name, convert in self._converters:
            for row in rows:
                row[name] = convert(row[name])
        take = itemgetter(*self._names)
        connection.exec_driver_sql(self._sql, [take(row) for row in rows])


def _on_conflict(table: Table, replace: bool) -> str:
    if not replace:
        return "ON CONFLICT DO NOTHING"
    keys = [column.name for column in table.primary_key]
    changed = ", ".join(f'"{column.name}" = excluded."{column.name}"' for column in table.c if column.name not in keys)
    named = ", ".join(f'"{key}"' for key in keys)
    return f'ON CONFLICT ({named}) DO UPDATE SET {changed} WHERE excluded."at" >= "{table.name}"."at"'


def _from_row(names: list[str]) -> str:
    return f"VALUES ({', '.join('?' for _ in names)})"


def _from_document(table: Table, dialect: Dialect) -> str:
    """Amounts travel as text in the document, so they stay exact."""
    names = ", ".join(f'"{column.name}"' for column in table.c)
    typed = ", ".join(f'"{column.name}" {column.type.compile(dialect=dialect)}' for column in table.c)
    return f"SELECT {names} FROM json_to_recordset(%s::json) AS document({typed})"


def _as_document(rows: Rows) -> str:
    text = _to_json(rows).decode()
    if "\\u0000" not in text:
        return text
    # PostgreSQL has no NUL in text; one in a venue's message must not stop the projection.
    return _to_json([{name: _without_nul(value) for name, value in row.items()} for row in rows]).decode()


def _without_nul(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\0", "")
    return [_without_nul(item) for item in value] if isinstance(value, list) else value


def _converters(table: Table) -> list[tuple[str, Callable[[Any], Any]]]:
    found: list[tuple[str, Callable[[Any], Any]]] = []
    for column in table.c:
        if isinstance(column.type, JSON):
            found.append((column.name, _document))
        elif isinstance(column.type, Exact):
            found.append((column.name, _plain))
    return found


def _plain(value: Decimal | None) -> str | None:
    """What :class:`Exact` does; ``str`` is three times faster and differs only by an exponent."""
    if value is None:
        return None
    text = str(value)
    return format(value, "f") if "E" in text else text


def _document(value: Any) -> str:
    return _to_json(value).decode()
