"""``replay``: a recorded run through the engine again, compared decision by decision."""

import sys
from typing import Any

import typer

from tradectl.cli.command import noun, screen_of
from tradectl.cli.quick import paths_of
from tradectl.cli.screen import Screen
from tradectl.cli.text import Paint

app = noun("Replay a recorded run.")
FAILED = 1


@app.command()
def replay(
    ctx: typer.Context,
    run: str = typer.Argument("", help="Id of the run (status shows it); without it the newest."),
) -> None:
    """Run a recorded run through the engine again: every decision must come out the same, byte for byte.

    Exit code 1 when one does not. Works on the journal, with or without a running daemon.
    """
    from tradectl.cli.strategies import folder_of
    from tradectl.daemon.replaying import replay_run
    from tradectl.model.money import use_exact_context

    use_exact_context()
    screen = screen_of(ctx)
    _, folder = folder_of(screen)
    done = replay_run(paths_of(screen.options).state, run, folder if folder.is_dir() else None, _progress(screen))
    report = done.report
    differences: list[dict[str, Any]] = [
        {"seq": it.seq, "event": it.event, "recorded": list(it.recorded), "replayed": list(it.replayed)}
        for it in report.differences
    ]
    data = {
        "run": done.run, "identical": report.identical, "entries": report.entries, "commands": report.commands,
        "orders": report.orders, "decisions": report.decisions, "differing": report.differing,
        "changed": list(done.changed), "older": list(done.older), "differences": differences,
    }  # fmt: skip
    screen.show(data, _draw)
    if not report.identical:
        raise typer.Exit(FAILED)


def _progress(screen: Screen) -> Any:
    if screen.options.quiet or not sys.stderr.isatty():
        return lambda seq: None
    return lambda seq: print(f"\r{seq} records", end="", file=sys.stderr, flush=True)


def _draw(screen: Screen, data: dict[str, Any]) -> str:
    paint: Paint = screen.paint
    verdict = paint("identical", "green") if data["identical"] else paint("DIFFERENT", "red")
    lines = [
        f"run {data['run']}: {verdict}, {data['entries']} records, {data['commands']} commands, "
        f"{data['decisions']} decisions, {data['orders']} orders"
    ]
    lines += [f"no longer as recorded: {what}" for what in data["older"]]
    if data["differing"]:
        lines.append(f"{data['differing']} records differ; the first of them:")
    for it in data["differences"]:
        lines += [f"record {it['seq']}: {it['event']}"]
        lines += [f"  - {text}" for text in it["recorded"]] + [f"  + {text}" for text in it["replayed"]]
    return "\n".join(lines)
