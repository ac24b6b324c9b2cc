"""``data download`` and ``data record``: market data from Bybit into the store of this machine."""

import asyncio
import signal
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import typer

from tradectl.cli.command import screen_of
from tradectl.cli.screen import Screen
from tradectl.cli.when import moment
from tradectl.cli.words import UsageError
from tradectl.paths import history_folder

if TYPE_CHECKING:
    from tradectl.cli.data_sources import Request

INTERRUPTED = 130
AnyCategory = Literal["spot", "linear", "inverse"]

_SYMBOLS = typer.Option([], "--symbol", metavar="A,B", help="Symbols; may be given several times.")
_CATEGORY = typer.Option("linear", "--category", help="Product family.")
_KINDS = typer.Option(
    ["candles"], "--kind", metavar="A,B", help="candles, mark, index, funding, open_interest, trades."
)
_STREAMED = typer.Option(["quotes,trades"], "--kind", metavar="A,B", help="quotes, trades, book, candles.")
_INTERVALS = typer.Option(
    ["1m"], "--interval", metavar="A,B", help="Of kinds that have one, as candles: 1m, 5m, 1h, 1d, ..."
)
_DATA = typer.Option("", "--data", metavar="DIR", help="Folder of the store (default: $TRADECTL_DATA).")


def register(app: typer.Typer) -> None:
    """Add both verbs to the noun ``data``."""
    app.command("download")(download)
    app.command("record")(record)


def download(
    ctx: typer.Context,
    symbol: list[str] = _SYMBOLS,
    category: AnyCategory = _CATEGORY,
    kind: list[str] = _KINDS,
    interval: list[str] = _INTERVALS,
    since: str = typer.Option("30d", "--since", metavar="WHEN", help="An age (30d) or a time."),
    until: str = typer.Option("", "--until", metavar="WHEN", help="An age or a time; else now."),
    source: Literal["rest", "archive"] = typer.Option(
        "rest", "--source", help="Bybit's REST interface, or its public files of trades by day."
    ),
    url: str = typer.Option("", "--url", metavar="URL", help="Another address: a sandbox, or a mirror of the files."),
    data: str = _DATA,
) -> None:
    """Bring past market data from Bybit. Stored rows are not asked for again; a stopped download goes on."""
    from tradectl.cli.data_sources import Request, wanted_series

    screen = screen_of(ctx)
    begin, end = moment(since), moment(until) if until else 0
    if end and begin >= end:
        raise UsageError(f"--since {since} is not before --until {until}")
    request = Request(wanted_series(symbol, category, kind, interval), Path(history_folder(data)), url, begin, end)
    _run(_download(screen, request, source))


def record(
    ctx: typer.Context,
    symbol: list[str] = _SYMBOLS,
    category: AnyCategory = _CATEGORY,
    kind: list[str] = _STREAMED,
    interval: list[str] = _INTERVALS,
    length: str = typer.Option("", "--for", metavar="TIME", help="How long, as 90s, 1h or 7d; else until Ctrl-C."),
    url: str = typer.Option("", "--url", metavar="URL", help="Another address: that of a sandbox."),
    data: str = _DATA,
) -> None:
    """Record Bybit's public streams as they come. A lost connection leaves a gap that is marked and told."""
    from tradectl.cli.data_sources import Request, wanted_series

    screen = screen_of(ctx)
    now = time.time_ns()
    seconds = (now - moment(length, now)) / 1e9 if length else 0.0
    if seconds < 0 or (length and not length[:-1].isdecimal()):
        raise UsageError(f"--for {length} is no length: write 90s, 1h or 7d")
    series = wanted_series(symbol, category, kind, interval)
    _run(_record(screen, Request(series, Path(history_folder(data)), url), seconds))


def _run(work: Coroutine[Any, Any, None]) -> None:
    """Run to the end; Ctrl-C and SIGTERM let it store what came and end with 130."""

    async def main() -> None:
        task = asyncio.current_task()
        assert task is not None
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        await work

    try:
        asyncio.run(main())
    except (KeyboardInterrupt, asyncio.CancelledError):
        raise typer.Exit(INTERRUPTED) from None


async def _download(screen: Screen, request: "Request", source: str) -> None:
    from tradectl.cli.data_sources import open_source
    from tradectl.cli.draw.download import outcomes_table
    from tradectl.cli.draw.progress import Meter
    from tradectl.history.arrow import need_arrow
    from tradectl.history.download import Download, Told, Wanted
    from tradectl.history.store import ParquetStore

    need_arrow()
    meter = Meter(screen)

    def told(it: Told) -> None:
        meter.show(it.done / max(it.total, 1), f"{it.series}, {it.rows} rows")

    opened = open_source(screen, request, source)
    job = Download(opened, ParquetStore(request.folder), request.folder, told)
    try:
        await job.run(Wanted(request.series, request.since, request.until), time.time_ns())
    except asyncio.CancelledError:
        screen.say("\nstopped: what came is stored; the same command goes on from there")
        raise
    finally:
        meter.close()
        await opened.close()
        if job.outcomes:
            _show(screen, request, [_outcome(it) for it in job.outcomes], opened.notes, outcomes_table)


async def _record(screen: Screen, request: "Request", seconds: float) -> None:
    from tradectl.cli.data_sources import record_streams
    from tradectl.cli.draw.download import recorded_table
    from tradectl.cli.draw.progress import Meter
    from tradectl.history.arrow import need_arrow

    need_arrow()
    meter = Meter(screen)
    notes: list[str] = []
    recorded: list[Any] = []
    try:
        await record_streams(screen, request, seconds, recorded, notes, meter.say)
    finally:
        meter.close()
        if recorded:
            _show(screen, request, [_recorded(it) for it in recorded], notes, recorded_table)


def _show(screen: Screen, request: "Request", rows: list[dict[str, Any]], notes: list[str], draw: Any) -> None:
    screen.show({"folder": str(request.folder), "series": rows, "notes": list(dict.fromkeys(notes))}, draw)


def _outcome(it: Any) -> dict[str, Any]:
    return {
        "series": str(it.series), "since": it.since, "until": it.until, "rows": it.rows, "kept": it.kept,
        "left": [{"since": since, "until": until} for since, until in it.left],
    }  # fmt: skip


def _recorded(it: Any) -> dict[str, Any]:
    return {
        "series": str(it.series), "since": it.first, "until": it.last, "rows": it.rows, "kept": it.kept,
        "gaps": [{"since": since, "until": until} for since, until in it.gaps],
    }  # fmt: skip
