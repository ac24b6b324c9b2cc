"""``optimize``, once it is known what is asked: the search itself, what is shown of it, kept and reported."""

from typing import TYPE_CHECKING, Any

import typer

from tradectl.cli.screen import Screen

if TYPE_CHECKING:
    from tradectl.backtest.engines import Engine
    from tradectl.backtest.optimise.whole import Further, Outcome
    from tradectl.backtest.request import Request

FAILED, INTERRUPTED = 1, 130


def run_search(
    screen: Screen, request: "Request", data: list[str], searched: tuple[list[str], list[str]], asked: dict[str, Any],
    engine: "Engine", further: "Further", worker: bool, report: str, keep: bool,
) -> None:  # fmt: skip
    """Search and show. ``searched`` are the texts of ``--param`` and ``--where``, ``asked`` other fields of the plan.

    Raises ``Problem``, and ``typer.Exit`` when it was interrupted or there is no result to rely on.
    """
    from tradectl.backtest.optimise.evaluation import BacktestSource, Files, Held, identity_of
    from tradectl.backtest.optimise.objectives import OWN_RESULT, Judge
    from tradectl.backtest.optimise.plan import Plan
    from tradectl.backtest.optimise.ranges import search_space
    from tradectl.backtest.optimise.whole import whole
    from tradectl.backtest.request import job_of
    from tradectl.cli.draw.progress import Meter
    from tradectl.cli.research import classes_of, history_of, interruptible
    from tradectl.cli.strategies import folder_of
    from tradectl.paths import history_folder

    history = history_of(data, request.symbols)
    classes = classes_of(screen, request.strategy)
    job = job_of(request, history, classes[request.strategy])
    own = job.strategies[0].params
    held = {name: value for name, value in own.items() if name not in request.params}
    space = search_space(classes[request.strategy], searched[0], searched[1], held)
    folder = str(folder_of(screen)[1])
    plan = Plan(
        space=space,
        since=job.since,
        until=job.until,
        folder=folder,
        identity=identity_of(job, history, classes),
        **asked,
    )
    opened = Held(history) if plan.workers == 1 else Files(tuple(data or [str(history_folder())]), request.symbols)
    unfit = OWN_RESULT if Judge.of(plan).has_own else ""
    source = BacktestSource(job=job, open=opened, folder=folder, engine=engine, unfit=unfit)
    meter = Meter(screen)
    with interruptible() as stop:
        outcome = whole(
            plan, source, further, join=worker, stop=stop,
            told=lambda what, done, count: meter.show(done / max(count, 1), f"{done} of {count} {what}"),
        )  # fmt: skip
    meter.close()
    _finish(screen, outcome, report, keep)


def _finish(screen: Screen, outcome: "Outcome", report: str, keep: bool) -> None:
    from tradectl.backtest.optimise.whole import document
    from tradectl.cli.draw.optimize import optimize_table
    from tradectl.cli.numbers import printable
    from tradectl.cli.research import write_report

    data = document(outcome)
    if outcome.best is not None and keep:
        data = {"id": _kept(screen, outcome, data), **data}
    if outcome.best is not None and report:
        write_report(screen, outcome.best, report, data)
    screen.show(printable(data), optimize_table)
    for text in outcome.differs:
        screen.fail(f"the best trial came out otherwise when it was run again: {text}", "report this: it is a bug")
    if outcome.search.interrupted:
        raise typer.Exit(INTERRUPTED)
    if outcome.best is None or outcome.differs:
        raise typer.Exit(FAILED)


def _kept(screen: Screen, outcome: "Outcome", data: dict[str, Any]) -> str:
    """Keep the best run with the whole study's document beside it."""
    import json

    from tradectl.backtest.runs import Catalogue
    from tradectl.cli.quick import paths_of

    assert outcome.best is not None
    files = {"optimisation.json": json.dumps(data, indent=1).encode()}
    return Catalogue(paths_of(screen.options).research).add(outcome.best, "optimize", files=files)
