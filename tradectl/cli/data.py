"""``data``: market data on this machine: what there is, and what goes out as a file."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from tradectl.cli import data_download, data_health, data_import
from tradectl.cli.command import must_confirm, noun, screen_of
from tradectl.cli.data_series import DATA, SINCE, UNTIL, open_store, parse_series, span_given
from tradectl.cli.draw.data import series_table

if TYPE_CHECKING:
    from tradectl.history.series import SeriesId
    from tradectl.history.store import ParquetStore

app = noun("Market data on this machine.")


@app.command("list")
def list_(ctx: typer.Context, data: str = DATA) -> None:
    """List what is stored: series, span, rows, missing rows and size on disk."""
    store = open_store(data)
    rows = [_row(store, series) for series in store.series()]
    screen_of(ctx).show({"folder": str(store.folder), "series": rows}, series_table)


def _row(store: "ParquetStore", series: "SeriesId") -> dict[str, Any]:
    """One line; candles also say how many rows their span lacks, from the footers alone."""
    from tradectl.history.columns import WITH_INTERVAL
    from tradectl.model.errors import Problem
    from tradectl.model.market_data import INTERVALS

    row: dict[str, Any] = {"series": str(series), "size": store.size(series)}
    try:
        span = store.span(series)
    except Problem as problem:
        return {**row, "since": 0, "until": 0, "rows": 0, "missing": None, "damaged": problem.message}
    if span is None:
        return {**row, "since": 0, "until": 0, "rows": 0, "missing": None}
    missing = None
    if series.kind in WITH_INTERVAL:
        missing = (span.last - span.first) // INTERVALS[series.interval] + 1 - span.rows
    return {**row, "since": span.first, "until": span.last, "rows": span.rows, "missing": missing}


data_import.register(app)
data_download.register(app)
data_health.register(app)


@app.command("export")
def export_(
    ctx: typer.Context,
    series: str = typer.Argument(help="What, as list shows it: 'linear:BTCUSDT candles 1m'."),
    file: str = typer.Argument(help="Where to: .csv, .csv.gz, .json, .jsonl, .jsonl.gz or .parquet."),
    since: str = SINCE,
    until: str = UNTIL,
    data: str = DATA,
) -> None:
    """Write a series to a file; importing it again gives the same bits."""
    from tradectl.cli.draw.progress import Meter
    from tradectl.history.exporting import export

    screen, store = screen_of(ctx), open_store(data)
    one, target = parse_series(series), Path(file)
    begin, end = span_given(since, until)
    if target.exists():
        must_confirm(screen, f"{target} exists. Replace it?")
    span = store.span(one)
    meter = Meter(screen)
    total = max(span.rows, 1) if span else 1
    rows = export(store, one, begin, end, target, lambda done: meter.show(done / total, f"{done} rows"))
    meter.close()
    screen.show(
        {"series": str(one), "rows": rows, "file": str(target)},
        lambda _, it: f"{it['rows']} rows of {it['series']} written to {it['file']}",
    )
