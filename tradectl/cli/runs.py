"""``runs``: kept backtests and optimisations, and the recorded stretches of trading beside them."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from tradectl.cli.command import STRATEGY, must_confirm, noun, screen_of
from tradectl.cli.quick import paths_of
from tradectl.cli.screen import Screen
from tradectl.cli.words import UsageError

if TYPE_CHECKING:
    from tradectl.backtest.job import BacktestResult
    from tradectl.backtest.runs import Catalogue

app = noun("Kept backtests and optimisations, and recorded runs: list, show, compare, export, remove.")
ID = typer.Argument(help="Id of the run or how it begins; latest is the newest kept one.")
FORMATS = ("html", "json", "csv")
#: The document of a study, beside the best run it found.
STUDY = "optimisation.json"
#: The kind of a run that is a review of an account.
REVIEW = "review"
_KINDS = {"backtest": "Backtest", "optimize": "Best of an optimisation"}


def catalogue_of(screen: Screen) -> "Catalogue":
    """The kept runs of this profile."""
    from tradectl.backtest.runs import Catalogue
    from tradectl.model.money import use_exact_context

    use_exact_context()
    return Catalogue(paths_of(screen.options).research)


@app.command("list")
def list_(
    ctx: typer.Context,
    kind: str = typer.Option("", "--kind", metavar="KIND", help="backtest, optimize, review, sandbox, live, ..."),
    strategy: str = STRATEGY,
    limit: int = typer.Option(50, "--limit", min=1, help="At most so many, the newest first."),
) -> None:
    """List runs, newest first."""
    from tradectl.cli.draw.runs import runs_table
    from tradectl.cli.numbers import printable
    from tradectl.cli.recorded_runs import recorded_rows
    from tradectl.cli.run_rows import kept_row

    screen = screen_of(ctx)
    kept, damaged = catalogue_of(screen).all()
    rows = [*(kept_row(it) for it in kept), *recorded_rows(paths_of(screen.options).journal)]
    rows = [it for it in rows if kind in ("", it["kind"]) and (not strategy or strategy in it["strategies"])]
    rows.sort(key=lambda it: -it["made"])
    bad = [{"id": it.id, "why": it.why} for it in damaged]
    screen.show({"runs": printable(rows[:limit]), "more": max(0, len(rows) - limit), "damaged": bad}, runs_table)


@app.command()
def show(ctx: typer.Context, id: str = ID) -> None:
    """Show one run: its figures, what was assumed, and what makes it repeatable."""
    from tradectl.backtest.report.figures import summary
    from tradectl.cli.draw.backtest import backtest_table
    from tradectl.cli.draw.runs import document_text
    from tradectl.cli.numbers import printable

    screen = screen_of(ctx)
    kept = catalogue_of(screen)
    if _is_recorded(screen, id):
        recorded = _result(screen, id)
        screen.show(printable({"id": id, "kind": recorded[1], **summary(recorded[0])}), backtest_table)
        return
    run = kept.run(kept.find(id))
    data = {"id": run.id, "kind": run.kind, "made": run.made, "seconds": run.seconds, **run.summary}
    if run.kind == REVIEW:
        from tradectl.cli.draw.review import review_table

        screen.show(printable(data), review_table)
        return
    screen.show(printable(data), backtest_table if "returns" in run.summary else document_text)


@app.command()
def compare(ctx: typer.Context, ids: list[str] = typer.Argument(help="Two or more ids.")) -> None:  # noqa: B008
    """Compare runs side by side: figures, and what of parameters, models, data and code differs."""
    from tradectl.backtest.report.figures import summary
    from tradectl.cli.draw.runs import comparison_table
    from tradectl.cli.numbers import printable
    from tradectl.cli.run_rows import compared

    screen = screen_of(ctx)
    kept = catalogue_of(screen)
    if len(ids) < 2:
        raise UsageError("runs compare needs two ids or more: runs list shows them")
    chosen = []
    for id in ids:
        if _is_recorded(screen, id):
            chosen.append((id, summary(_result(screen, id)[0])))
        else:
            run = kept.run(kept.find(id))
            chosen.append((run.id, run.summary))
    screen.show(printable(compared(chosen)), comparison_table)


@app.command()
def export(
    ctx: typer.Context,
    id: str = typer.Argument("latest", help="Id of the run or how it begins; without it the newest kept one."),
    file: str = typer.Argument("", help="Where to (default: the id with the format's ending, here)."),
    html: bool = typer.Option(False, "--html", help="The report as one page."),
    csv: bool = typer.Option(False, "--csv", help="The trades as a table."),
    hide_amounts: bool = typer.Option(False, "--hide-amounts", help="Per cent only: no sizes, no equity."),
) -> None:
    """Write a run as an HTML page, as CSV of its trades, or (--json) as the whole result.

    Without a format the ending of FILE says it.
    """
    screen = screen_of(ctx)
    if not file and Path(id).suffix.lstrip(".").lower() in FORMATS:  # no id looks like a file
        id, file = "latest", id
    chosen = _format(file, html, csv, screen.options.json)
    if hide_amounts and chosen == "json":
        raise UsageError("--hide-amounts is for --html and --csv: the whole result is made of amounts")
    recorded = _is_recorded(screen, id)
    name = id if recorded else catalogue_of(screen).find(id)
    target = Path(file or f"{name}.{chosen}").expanduser()
    if not recorded and catalogue_of(screen).run(name).kind == REVIEW:
        from tradectl.cli.review_files import review_of_run, written

        _write(target, written(review_of_run(catalogue_of(screen), name), chosen, hide_amounts))
    else:
        result, kind = _result(screen, id)
        _write(target, _written(result, kind, chosen, hide_amounts, _study(screen, id)))
    screen.say(f"run {name} written to {target}")


def _format(file: str, html: bool, csv: bool, json: bool) -> str:
    asked = [name for name, wanted in (("html", html), ("csv", csv), ("json", json)) if wanted]
    if len(asked) > 1:
        raise UsageError(f"--{asked[0]} or --{asked[1]}: one format at a time")
    found = asked[0] if asked else Path(file).suffix.lstrip(".").lower()
    if found not in FORMATS:
        raise UsageError("say the format: --html, --csv or --json, or give FILE that ending")
    return found


def _written(result: "BacktestResult", kind: str, chosen: str, hidden: bool, study: dict[str, Any] | None) -> str:
    if chosen == "html":
        from tradectl.backtest.report.html import page

        return page(result, hidden, kind, study)
    if chosen == "csv":
        from tradectl.backtest.tables import as_csv, trades_of

        return as_csv(trades_of(result, hidden))
    from tradectl.backtest.report.document import encode, to_document

    return encode(to_document(result)).decode()


def _write(target: Path, text: str) -> None:
    try:
        target.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{target} cannot be written: {error.strerror}") from None


@app.command()
def remove(ctx: typer.Context, ids: list[str] = typer.Argument(help="Ids of kept runs.")) -> None:  # noqa: B008
    """Forget kept runs. Recorded runs stay: orders and decisions are kept for ever."""
    screen = screen_of(ctx)
    kept = catalogue_of(screen)
    for id in ids:
        if _is_recorded(screen, id):
            raise UsageError(f"{id} is a recorded run: its journal is not removed here")
    found = [kept.find(id) for id in ids]
    must_confirm(screen, f"Forget {', '.join(found)}?")
    for id in found:
        kept.remove(id)
    screen.say(f"removed: {', '.join(found)}")


def _study(screen: Screen, id: str) -> dict[str, Any] | None:
    """The study a kept run was chosen by, where it was."""
    import json

    kept = catalogue_of(screen)
    if _is_recorded(screen, id) or STUDY not in kept.run(kept.find(id)).files:
        return None
    found: dict[str, Any] = json.loads(kept.file(kept.find(id), STUDY))
    return found


def _is_recorded(screen: Screen, id: str) -> bool:
    return bool(id) and id == Path(id).name and (Path(paths_of(screen.options).journal) / id).is_dir()


def _result(screen: Screen, id: str) -> "tuple[BacktestResult, str]":
    """The whole result of a run, and what kind it is of in words."""
    kept = catalogue_of(screen)
    if _is_recorded(screen, id):
        from tradectl.cli.recorded_runs import recorded_result

        return recorded_result(screen, id)
    found = kept.find(id)
    return kept.result(found), _KINDS.get(kept.run(found).kind, kept.run(found).kind)
