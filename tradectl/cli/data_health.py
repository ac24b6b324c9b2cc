"""``data check`` and ``data repair``: what is wrong with stored series, and what can be done about it."""

import time
from typing import TYPE_CHECKING, Any, Literal

import typer

from tradectl.cli.command import CATEGORY_FILTER, SYMBOL, Category, screen_of
from tradectl.cli.data_series import DATA, length_given, open_store, parse_series
from tradectl.cli.words import UsageError

if TYPE_CHECKING:
    from tradectl.history.gaps import Gap
    from tradectl.history.health import Health
    from tradectl.history.made_up import MadeUp
    from tradectl.history.repairing import Repaired
    from tradectl.history.series import SeriesId
    from tradectl.history.store import ParquetStore

FAILED = 1
#: Longer gaps than this are not filled with made-up rows unless told so.
LONGEST = "1h"


def register(app: typer.Typer) -> None:
    """Add both verbs to the noun ``data``."""
    app.command("check")(check)
    app.command("repair")(repair)


_SERIES = typer.Option([], "--series", metavar="SERIES", help="Only this, as list shows it; may be repeated.")


def check(
    ctx: typer.Context,
    symbol: str = SYMBOL,
    category: Category | None = CATEGORY_FILTER,
    series: list[str] = _SERIES,
    stale: str = typer.Option("", "--stale", metavar="LENGTH", help="An older newest row is wrong: 2h, 1d."),
    data: str = DATA,
) -> None:
    """Read what is stored and tell every gap to the row, damage, repeated and impossible rows, silence and age.

    Exit code 1 when rows are missing, repeated, impossible or stale, or a file is damaged.
    """
    from tradectl.cli.draw.data import checked
    from tradectl.cli.draw.progress import Meter
    from tradectl.history.health import check_series

    screen, store = screen_of(ctx), open_store(data)
    allowed, now = length_given("--stale", stale) if stale else 0, time.time_ns()
    wanted = _wanted(store, symbol, category, series)
    meter = Meter(screen)
    rows = []
    for number, one in enumerate(wanted):
        meter.show(number / len(wanted), str(one))
        rows.append(_health(check_series(store, one), now, allowed))
    meter.close()
    screen.show({"folder": str(store.folder), "series": rows}, checked)
    if not all(row["sound"] for row in rows):
        raise typer.Exit(FAILED)


def repair(
    ctx: typer.Context,
    symbol: str = SYMBOL,
    category: Category | None = CATEGORY_FILTER,
    series: list[str] = _SERIES,
    fill: Literal["finer", "flat"] = typer.Option(
        "finer", "--fill", help="Gaps from trades and shorter candles; or also flat at the last close, volume 0."
    ),
    longest: str = typer.Option(LONGEST, "--longest", metavar="LENGTH", help="The longest gap that is filled flat."),
    data: str = DATA,
) -> None:
    """Put damaged files aside, take impossible rows out, and fill gaps. Every made-up row is told and noted.

    Exit code 1 when gaps are left.
    """
    from tradectl.cli.draw.data import repaired
    from tradectl.cli.draw.progress import Meter
    from tradectl.history.repairing import repair_series

    screen, store = screen_of(ctx), open_store(data)
    limit = length_given("--longest", longest) if fill == "flat" else 0
    wanted = _wanted(store, symbol, category, series)
    meter = Meter(screen)
    rows = []
    for number, one in enumerate(wanted):
        meter.show(number / len(wanted), str(one))
        rows.append(_repaired(repair_series(store, one, time.time_ns(), limit)))
    meter.close()
    screen.show({"folder": str(store.folder), "series": rows}, repaired)
    if any(row["left"] for row in rows):
        raise typer.Exit(FAILED)


def _wanted(store: "ParquetStore", symbol: str, category: str | None, series: list[str]) -> "list[SeriesId]":
    """The stored series the filters leave. Raises ``UsageError`` when there is none."""
    named = {parse_series(text) for text in series}
    found = [
        it for it in store.series()
        if (not symbol or it.instrument.symbol == symbol.upper())
        and (not category or it.instrument.category.value == category)
        and (not named or it in named)
    ]  # fmt: skip
    if not found:
        raise UsageError(f"nothing of this is stored in {store.folder}; tradectl data list shows what is")
    return found


def _health(it: "Health", now: int, stale: int) -> dict[str, Any]:
    from tradectl.history.health import words_of

    age = now - it.last
    findings = list(words_of(it))
    is_stale = bool(stale) and age > stale
    if is_stale:
        findings.append("the newest row is older than allowed")
    return {
        "series": str(it.series), "sound": it.sound and not is_stale, "rows": it.rows, "since": it.first,
        "until": it.last, "age_seconds": age // 10**9, "missing": it.missing, "duplicates": it.duplicates,
        "gaps": _gaps(it.gaps), "impossible": [{"at": bad.time, "rule": bad.rule} for bad in it.bad],
        "silences": _gaps(it.silences), "jumps": [{"at": at} for at in it.jumps],
        "damaged": [{"file": str(path), "reason": reason} for path, reason in it.damaged],
        "made_up": [_made_up(made) for made in it.made_up], "findings": findings,
    }  # fmt: skip


def _repaired(it: "Repaired") -> dict[str, Any]:
    return {
        "series": str(it.series), "removed": it.removed, "filled": [_made_up(made) for made in it.filled],
        "put_aside": [{"file": str(path), "reason": reason} for path, reason in it.put_aside], "left": _gaps(it.left),
    }  # fmt: skip


def _gaps(gaps: "tuple[Gap, ...]") -> list[dict[str, Any]]:
    return [{"since": gap.since, "until": gap.until, "rows": gap.missing} for gap in gaps]


def _made_up(it: "MadeUp") -> dict[str, Any]:
    return {"since": it.since, "until": it.until, "rows": it.rows, "how": it.how, "source": it.source}
