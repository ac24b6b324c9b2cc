"""``backtest --sweep``: every combination of parameters over arrays, as a table, as JSON, as a report of the best."""

import time
from typing import TYPE_CHECKING, Any

import typer

from tradectl.cli.screen import Screen
from tradectl.cli.text import iso
from tradectl.cli.words import UsageError

if TYPE_CHECKING:
    from tradectl.backtest.job import BacktestJob
    from tradectl.backtest.optimise.swept import Sort, Swept
    from tradectl.backtest.request import Request

FAILED, INTERRUPTED = 1, 130


def run_sweep(
    screen: Screen, request: "Request", data: list[str], searched: "tuple[list[str], list[str], Sort]", report: str,
    keep: bool,
) -> None:  # fmt: skip
    """Sweep, show, keep. ``searched`` are the texts of ``--sweep``, those of ``--where``, and what rows are ranked by.

    Raises ``Problem`` for what cannot be swept, ``typer.Exit`` when it was interrupted or its best row is wrong.
    """
    from tradectl.backtest.optimise.ranges import search_space
    from tradectl.backtest.optimise.swept import swept
    from tradectl.backtest.request import job_of
    from tradectl.cli.draw.progress import Meter
    from tradectl.cli.research import classes_of, history_of, interruptible

    begun = time.monotonic()
    history = history_of(data, request.symbols)
    classes = classes_of(screen, request.strategy)
    job = job_of(request, history, classes[request.strategy])
    space = search_space(
        classes[request.strategy], ranges_of(searched[0], request), searched[1], job.strategies[0].params
    )  # fmt: skip
    meter = Meter(screen)
    with interruptible() as stop:
        found = swept(
            job, history, classes, space, searched[2], stop=stop,
            progress=lambda done, count: meter.show(done / count, f"{done} of {count} combinations"),
        )  # fmt: skip
    meter.close()
    _finish(screen, job, found, time.monotonic() - begun, report, keep)


def ranges_of(texts: list[str], request: "Request") -> list[str]:
    """``fast=2:50,kind=sma,ema`` as one text for each parameter: what has no ``=`` goes on with the one before."""
    found: list[str] = []
    for part in ",".join(texts).split(","):
        if "=" in part:
            found.append(part)
        elif found:
            found[-1] += f",{part}"
        else:
            raise UsageError(f"--sweep {texts[0]!r}: write NAME=RANGE, such as fast=2:50,slow=5:200:5")
    if not any(":" in it or "," in it for it in found):
        raise UsageError("--sweep has no range: write NAME=LOW:HIGH[:STEP] or NAME=A,B,C")
    twice = {it.partition("=")[0].strip() for it in found} & set(request.params)
    if twice:
        raise UsageError(f"{', '.join(sorted(twice))} is given by --param and by --sweep: choose one")
    return found


def _finish(
    screen: Screen, job: "BacktestJob", found: "Swept", seconds: float, report: str, keep: bool
) -> None:  # fmt: skip
    from tradectl.cli.draw.sweep import sweep_table
    from tradectl.cli.numbers import printable
    from tradectl.cli.research import write_report

    data = _told(job, found, seconds)
    if found.best is not None and keep:
        data = {"id": _kept(screen, found, data), **data}
    if found.best is not None and report:
        from tradectl.backtest.optimise.swept import study_of

        write_report(screen, found.best, report, study_of(found))
    screen.show(printable(data), sweep_table)
    for text in found.differs:
        screen.fail(f"the best row is not what the event-driven run gives: {text}", "report this: it is a bug")
    if found.table.interrupted:
        raise typer.Exit(INTERRUPTED)
    if found.differs or found.best is None:
        raise typer.Exit(FAILED)


def _told(job: "BacktestJob", found: "Swept", seconds: float) -> dict[str, Any]:
    import msgspec

    from tradectl.backtest.optimise.result import without_nan
    from tradectl.backtest.optimise.swept import rows_of, tried_in, warnings_of

    return {
        "strategy": job.strategies[0].name, "class": job.strategies[0].class_,
        "instrument": str(job.instruments[0]), "interval": job.interval,
        "since": iso(job.since), "until": iso(job.until),
        "candles": found.best.candles if found.best else 0, "names": list(found.table.names), "sort": found.sort,
        "tried": tried_in(found.table), "interrupted": found.table.interrupted, "ranked": list(found.ranked),
        "deflated": without_nan(msgspec.to_builtins(found.deflated)), "differs": list(found.differs),
        "warnings": warnings_of(found), "seconds": seconds, "rows": rows_of(found),
    }  # fmt: skip


def _kept(screen: Screen, found: "Swept", data: dict[str, Any]) -> str:
    """Keep the best row's run, how it was found, and all rows beside it."""
    import json

    from tradectl.backtest.optimise.swept import study_of
    from tradectl.backtest.runs import Catalogue
    from tradectl.cli.quick import paths_of

    assert found.best is not None
    files = {
        "optimisation.json": json.dumps(study_of(found), indent=1).encode(),
        "sweep.json": json.dumps(data).encode(),
    }
    return Catalogue(paths_of(screen.options).research).add(found.best, "sweep", files=files)
