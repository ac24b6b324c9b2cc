"""``replay``: a recorded run through the engine again, compared decision by decision."""

import sys
from typing import Any

import typer

from tradectl.cli.command import noun, screen_of
from tradectl.cli.quick import paths_of
from tradectl.cli.screen import Screen
from tradectl.cli.text import Paint, table

app = noun("Replay a recorded run.")
FAILED = 1


@app.command()
def replay(
    ctx: typer.Context,
    run: str = typer.Argument("", help="Id of the run (status shows it); without it the newest."),
    begin: int = typer.Option(0, "--from", min=0, metavar="ENTRY", help="Begin at the checkpoint before this entry."),
) -> None:
    """Run a recorded run through the engine again: every decision must come out the same, byte for byte.

    Says of which span the market data is complete; where older data was pruned it begins at a checkpoint. When code
    or settings changed since, it shows what is decided otherwise.

    Exit code 1 when one is not the same. Works on the journal, with or without a running daemon.
    """
    from tradectl.cli.strategies import folder_of
    from tradectl.daemon.replaying import replay_run
    from tradectl.model.money import use_exact_context

    use_exact_context()
    screen = screen_of(ctx)
    _, folder = folder_of(screen)
    known = folder if folder.is_dir() else None
    done = replay_run(paths_of(screen.options).state, run, known, progress_on(screen), begin)
    screen.show(_data(done), _draw)
    if not done.report.identical:
        raise typer.Exit(FAILED)


def _data(done: Any) -> dict[str, Any]:
    from msgspec import to_builtins

    report = done.report
    return {
        "run": done.run, "identical": report.identical,
        "complete": {"first": done.complete.first, "last": done.complete.last}, "checkpoint": done.start,
        "first": report.first_seq, "last": report.last_seq, "entries": report.entries, "commands": report.commands,
        "orders": report.orders, "decisions": report.decisions, "differing": report.differing,
        "changed": list(done.changed), "older": list(done.older),
        "differences": [to_builtins(it) for it in report.differences], "redecided": report.redecided,
        "decision_diff": [to_builtins(it) for it in report.decision_diff],
    }  # fmt: skip


def progress_on(screen: Screen) -> Any:
    """Tells how far a pass over a journal is, on a terminal."""
    if screen.options.quiet or not sys.stderr.isatty():
        return lambda seq: None
    return lambda seq: print(f"\r{seq} records", end="", file=sys.stderr, flush=True)


def _draw(screen: Screen, data: dict[str, Any]) -> str:
    paint: Paint = screen.paint
    verdict = paint("identical", "green") if data["identical"] else paint("DIFFERENT", "red")
    lines = [
        f"run {data['run']}: {verdict}, {data['entries']} records ({data['first']} to {data['last']}), "
        f"{data['commands']} commands, {data['decisions']} decisions, {data['orders']} orders",
        _span(data),
    ]
    lines += [f"no longer as recorded: {what}" for what in data["older"]]
    if data["differing"]:
        lines.append(f"{data['differing']} records differ; the first of them:")
        lines += [line for it in data["differences"] for line in _difference(screen, it)]
    if data["decision_diff"]:
        shown = len(data["decision_diff"])
        more = f", the first {shown}" if shown < data["redecided"] else ""
        lines += ["", f"{data['redecided']} decisions came out otherwise{more}:", _decisions(screen, data)]
    return "\n".join(lines)


def _span(data: dict[str, Any]) -> str:
    whole = data["complete"]
    if whole["first"] > 1:
        text = f"market data complete from record {whole['first']} to {whole['last']} (older was pruned)"
    else:
        text = f"market data complete: records 1 to {whole['last']}"
    return f"{text}; began at the checkpoint behind {data['checkpoint']}" if data["checkpoint"] else text


def _difference(screen: Screen, it: dict[str, Any]) -> list[str]:
    lines = [screen.paint(f"record {it['seq']}, {screen.clock.moment(it['at'])}: {it['event']}", "bold")]
    lines += [f"  before it  {text}" for text in it["before"]]
    if it["decision"]:
        lines.append(f"  decision   {it['decision']}")
    for change in it["changes"]:
        sign = {"missing": "- ", "added": "+ "}.get(change["kind"], "~ ")
        lines.append(f"  {sign}{change['record']} {change['about']}".rstrip())
        lines += [f"      {f['field']}: {f['recorded']} -> {f['replayed']}" for f in change["fields"]]
    return lines


def _decisions(screen: Screen, data: dict[str, Any]) -> str:
    rows = [
        [str(it["seq"]), screen.clock.moment(it["at"]), it["recorded"], it["replayed"]] for it in data["decision_diff"]
    ]
    return table(["record", "time", "then", "now"], rows, screen.paint, frozenset({"record"}))
