"""``data import``: files of market data into the store."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import typer

from tradectl.cli.command import screen_of
from tradectl.cli.data_series import DATA, length_given, open_store
from tradectl.cli.words import UsageError

if TYPE_CHECKING:
    from tradectl.history.importing import Imported
    from tradectl.history.market_file import Hints
    from tradectl.model.errors import Problem

AnyCategory = Literal["spot", "linear", "inverse"]
AnyKind = Literal["candles", "mark", "index", "funding", "open_interest", "trades", "quotes", "book"]
AnyInterval = Literal["1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "12h", "1d", "1w"]

_FILES = typer.Argument(metavar="FILE...", help="CSV, JSON or Parquet, plain, gzip or zip; or folders of them.")
_CATEGORY = typer.Option(None, "--category", help="Product family, where names do not say it.")
_KIND = typer.Option(None, "--kind", help="What the rows are, where names and columns do not say it.")
_INTERVAL = typer.Option(None, "--interval", help="Of candles; the rows must agree with it.")


def register(app: typer.Typer) -> None:
    """Add the verb to the noun ``data``."""
    app.command("import")(import_)


def import_(
    ctx: typer.Context,
    files: list[str] = _FILES,
    category: AnyCategory | None = _CATEGORY,
    symbol: str = typer.Option("", "--symbol", metavar="SYMBOL", help="Symbol, where names do not say it."),
    kind: AnyKind | None = _KIND,
    interval: AnyInterval | None = _INTERVAL,
    columns: str = typer.Option(
        "", "--columns", metavar="FIELD=COLUMN,...", help="Columns by name or position from 0: time=0,open=o,high=h."
    ),
    zone: str = typer.Option("", "--zone", metavar="ZONE", help="Zone of times that say none: UTC, Europe/Warsaw."),
    shift: str = typer.Option("", "--shift", metavar="LENGTH", help="Added to every time: -3h, 30m."),
    repair: bool = typer.Option(False, "--repair", help="Sort, drop repeated and bad rows, and tell how many."),
    replace: bool = typer.Option(False, "--replace", help="New rows win over stored ones that differ."),
    keep: bool = typer.Option(False, "--keep", help="Stored rows win over new ones that differ."),
    dry_run: bool = typer.Option(False, "--dry-run", help="Read and check only."),
    data: str = DATA,
) -> None:
    """Check files of candles, funding, open interest, trades, quotes or books, and merge them into the store.

    A file with any fault is left out whole and told; the others are imported. Exit code 2 when one was left out.
    """
    from tradectl.history.market_file import Hints
    from tradectl.history.series import Kind
    from tradectl.model.instruments import Category

    if replace and keep:
        raise UsageError("--replace and --keep exclude each other")
    hints = Hints(
        Category(category) if category else None, symbol, Kind(kind) if kind else None, interval or "",
        _mapping(columns), zone, length_given("--shift", shift) if shift else 0, repair,
    )  # fmt: skip
    policy: Literal["refuse", "keep", "replace"] = "replace" if replace else "keep" if keep else "refuse"
    _run(ctx, [Path(it) for it in files], hints, policy, data, dry_run)


def _run(
    ctx: typer.Context, paths: list[Path], hints: "Hints", policy: Literal["refuse", "keep", "replace"], data: str,
    dry_run: bool,
) -> None:  # fmt: skip
    from tradectl.cli.draw.data import imported_table
    from tradectl.cli.draw.progress import Meter
    from tradectl.history.importing import files_in, import_file
    from tradectl.model.errors import Problem

    screen, store = screen_of(ctx), open_store(data)
    meter = Meter(screen)
    done: list[dict[str, Any]] = []
    refused: list[Problem] = []
    found = files_in(paths)
    for number, path in enumerate(found):
        meter.show(number / len(found), path.name)
        try:
            done += map(_told, import_file(None if dry_run else store, path, hints, policy))
        except Problem as problem:
            refused.append(problem)
            done.append(_refused(path, problem))
    meter.close()
    screen.show({"folder": str(store.folder), "dry_run": dry_run, "files": done}, imported_table)
    for it in refused:
        screen.fail(it.message, it.remedy, f"{it.code.value}: {it.reason}")
    if refused:
        raise typer.Exit(refused[0].meaning.exit_code)


def _mapping(columns: str) -> dict[str, str]:
    """``time=0,open=o`` as fields and columns. Raises ``UsageError``."""
    found = {}
    for part in columns.split(",") if columns else ():
        field, equals, column = (word.strip() for word in part.partition("="))
        if not (field and equals and column):
            raise UsageError(f"--columns {columns}: write FIELD=COLUMN,... such as time=0,open=1,high=2,low=3,close=4")
        found[field] = column
    return found


def _told(it: "Imported") -> dict[str, Any]:
    file, columns = it.file, it.file.columns
    told: dict[str, Any] = {
        "file": str(file.path), "series": str(file.series), "guessed": list(file.guessed), "times": file.unit,
        "since": int(columns.times[0]), "until": int(columns.times[-1]), "rows": len(columns), "read": file.read,
        "missing": file.missing,
        "gaps": [{"since": gap.since, "until": gap.until, "rows": gap.missing} for gap in file.gaps],
        "findings": [
            {"level": note.level, "code": note.code, "text": note.text, "rows": note.rows, "line": note.line}
            for note in file.findings
        ],
    }  # fmt: skip
    if it.written is not None:
        told |= {"new": it.written.new, "replaced": it.written.replaced}
        told |= {"identical": it.written.identical, "kept": it.written.kept}
    return told


def _refused(path: Path, problem: "Problem") -> dict[str, Any]:
    where = problem.data if isinstance(problem.data, dict) else {}
    return {
        "file": str(path), "error": problem.message, "field": problem.field, "rule": problem.reason,
        "line": where.get("line", 0), "remedy": problem.remedy,
    }  # fmt: skip
