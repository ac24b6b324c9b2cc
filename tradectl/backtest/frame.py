"""A table of named columns that hands itself over as Arrow, pandas or polars. Times are UTC, in nanoseconds."""

import html
import importlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from tradectl.model.errors import ErrorCode, Problem

#: Rows of the preview in a notebook.
PREVIEW = 10


class Frame:
    """Columns by name, all of one length; those in ``times`` hold nanoseconds (0: no time).

    Amounts are floats in the frames it makes, as analysis wants them; ``exact=True`` keeps every digit as Decimal.
    """

    def __init__(self, columns: dict[str, list[Any]], times: Sequence[str] = ()) -> None:
        self._columns = columns
        self._times = frozenset(times)

    def __len__(self) -> int:
        return len(next(iter(self._columns.values()), []))

    def __getitem__(self, name: str) -> list[Any]:
        """A column as it is kept: Decimals, nanoseconds, text."""
        return self._columns[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    @property
    def times(self) -> frozenset[str]:
        """The columns that hold nanoseconds."""
        return self._times

    @property
    def columns(self) -> list[str]:
        """The names, in order."""
        return list(self._columns)

    def rows(self) -> Iterator[dict[str, Any]]:
        """Row by row."""
        for values in zip(*self._columns.values(), strict=True):
            yield dict(zip(self._columns, values, strict=True))

    def to_arrow(self, exact: bool = False) -> Any:
        """A ``pyarrow.Table``. Raises ``Problem`` when pyarrow is not installed."""
        pa = _module("pyarrow")
        return pa.table({name: self._arrow(pa, name, values, exact) for name, values in self._columns.items()})

    def to_pandas(self, exact: bool = False) -> Any:
        """A ``pandas.DataFrame``. Raises ``Problem`` when pandas or pyarrow is not installed."""
        _module("pandas")
        return self.to_arrow(exact).to_pandas()

    def to_polars(self, exact: bool = False) -> Any:
        """A ``polars.DataFrame``. Raises ``Problem`` when polars or pyarrow is not installed."""
        return _module("polars").from_arrow(self.to_arrow(exact))

    def _arrow(self, pa: Any, name: str, values: list[Any], exact: bool) -> Any:
        if name in self._times:
            return pa.array([it or None for it in values], pa.timestamp("ns", tz="UTC"))
        if any(isinstance(it, Decimal) for it in values):
            if exact:
                return pa.array(values)
            return pa.array([None if it is None else float(it) for it in values], pa.float64())
        return pa.array(values) if values else pa.array([], pa.string())

    def __repr__(self) -> str:
        return f"<{len(self)} rows of {', '.join(self._columns)}>"

    def _repr_html_(self) -> str:
        """The first rows, for a notebook."""
        head = "".join(f"<th>{html.escape(name)}</th>" for name in self._columns)
        rows = []
        for number, row in enumerate(self.rows()):
            if number == PREVIEW:
                break
            cells = "".join(f"<td>{html.escape(self._text(name, value))}</td>" for name, value in row.items())
            rows.append(f"<tr>{cells}</tr>")
        more = f"<p>{len(self)} rows</p>" if len(self) > PREVIEW else ""
        return f"<table><thead><tr>{head}</tr></thead>{''.join(rows)}</table>{more}"

    def _text(self, name: str, value: Any) -> str:
        if name in self._times:
            return datetime.fromtimestamp(value // 10**9, UTC).strftime("%Y-%m-%d %H:%M:%S") if value else ""
        if isinstance(value, Decimal):
            return format(value, "f")
        return "" if value is None else str(value)


def _module(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        how = "pip install 'tradectl[research]'" if name == "pyarrow" else f"pip install {name}"
        raise Problem(
            ErrorCode.INVALID_REQUEST, f"{name} is not installed", field=name,
            reason=f"this table is handed over as a table of {name}", remedy=how,
        ) from None  # fmt: skip
