"""``data``: market data on this machine."""

import importlib.util
from pathlib import Path
from typing import Any

import typer

from tradectl.cli.command import noun, screen_of
from tradectl.cli.draw.data import series_table
from tradectl.paths import history_folder

app = noun("Market data on this machine.")
DATA = typer.Option("", "--data", metavar="DIR", help="Folder of the store (default: $TRADECTL_DATA).")

if importlib.util.find_spec("tradectl.cli.data_download"):
    importlib.import_module("tradectl.cli.data_download").register(app)


@app.command("list")
def list_(ctx: typer.Context, data: str = DATA) -> None:
    """List what is stored: series, span, rows, gaps and size on disk."""
    from tradectl.history.store import ParquetStore

    store = ParquetStore(Path(history_folder(data)))
    rows: list[dict[str, Any]] = []
    for series in store.series():
        span = store.span(series)
        assert span is not None
        rows.append({"series": str(series), "since": span.first, "until": span.last, "rows": span.rows})
    screen_of(ctx).show({"folder": str(store.folder), "series": rows}, series_table)
