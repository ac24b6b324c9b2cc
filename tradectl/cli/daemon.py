"""``start``, ``stop``, ``restart``: the daemon's process."""

import time
from typing import Any, Literal

import typer

from tradectl.cli import process
from tradectl.cli.command import call, must_confirm, noun, screen_of
from tradectl.cli.draw.lists import orders_table, positions_table
from tradectl.cli.quick import paths_of
from tradectl.cli.screen import Screen
from tradectl.rpc.client import RpcClient, RpcError

app = noun("The daemon's process.")
Mode = Literal["sandbox", "paper", "demo", "testnet", "live"]
FAILED, TIMEOUT = 1, 75

MODE = typer.Option(None, "--mode", help="Where orders go (default: trading.mode).")
WAIT = typer.Option(60, "--wait", min=1, max=3600, metavar="SECONDS", help="How long to wait for trading.")
END = typer.Option(30, "--wait", min=1, max=3600, metavar="SECONDS", help="How long to wait for the end.")
FLATTEN = typer.Option(False, "--flatten", help="Close the positions first (asks, unless --yes).")
KEEP = typer.Option(False, "--keep", help="Leave entries as well as positions.")


@app.command()
def start(
    ctx: typer.Context,
    mode: Mode | None = MODE,
    foreground: bool = typer.Option(False, "--foreground", help="Run in this terminal until Ctrl-C."),
    wait: int = WAIT,
) -> None:
    """Start the daemon and return when it is up and trading.

    Otherwise it says why not, with the last lines of the log; exit code 12 when it comes up halted.
    """
    screen = screen_of(ctx)
    _start(screen, mode, foreground, wait)


def _start(screen: Screen, mode: Mode | None, foreground: bool, wait: int) -> None:
    paths = paths_of(screen.options)
    _refuse_second(screen)
    launch = process.Launch(paths, screen.options.config, mode or "", screen.options.debug)
    if foreground:
        process.become(launch)
    began = time.monotonic()
    ready = process.spawn(launch, wait, screen.say)
    _report(screen, ready, paths.output, time.monotonic() - began)


def _refuse_second(screen: Screen) -> None:
    running = _running(screen)
    if running:
        screen.fail(
            f"a daemon already runs: mode {running['mode']}, profile {running['profile']}, pid {running['pid']}",
            "tradectl status shows it, tradectl restart starts it anew, --profile NAME starts a second one.",
        )
        raise typer.Exit(FAILED)


def _running(screen: Screen) -> dict[str, Any] | None:
    """The status of the profile's daemon; ``None`` when none answers there."""
    try:
        with RpcClient(paths_of(screen.options).daemon_socket, 5.0) as client:
            status: dict[str, Any] = client.call("status")
            return status
    except RpcError as error:
        if error.code == "DAEMON_NOT_RUNNING":
            return None
        raise


def _report(screen: Screen, ready: process.Ready, log: str, seconds: float) -> None:
    if screen.options.json:
        screen.show({"ok": ready.ok, "exit": ready.exit_code, **ready.facts}, lambda *_: "")
    if not ready.ok:
        for line in ready.last_lines:
            screen.say(f"  {line}")
        screen.fail(ready.message, ready.remedy or f"The whole log: tradectl logs; what it printed: {log}")
        raise typer.Exit(ready.exit_code)
    facts = ready.facts
    where = f"{facts.get('mode', '')} · {paths_of(screen.options).profile}, pid {facts.get('pid', '')}"
    screen.say(f"RUNNING {where}, after {seconds:.1f} s")


@app.command()
def stop(ctx: typer.Context, flatten: bool = FLATTEN, keep: bool = KEEP, wait: int = END) -> None:
    """Stop the daemon. Entries are cancelled; positions stay at the exchange with their stops.

    Prints what it left.
    """
    screen = screen_of(ctx)
    _stop(screen, flatten, keep, wait)


def _stop(screen: Screen, flatten: bool, keep: bool, wait: int) -> None:
    if flatten and keep:
        screen.fail("--flatten and --keep exclude each other")
        raise typer.Exit(2)
    if flatten:
        must_confirm(screen, "Close every position at market before stopping?")
    pid = int(call(screen, "status")["pid"])
    left = call(screen, "stop", leave="flatten" if flatten else "all" if keep else "entries")
    ended = process.wait_for_end(pid, wait)
    screen.show(left, _draw_left)
    if not ended:
        screen.fail(f"the daemon (pid {pid}) is still stopping after {wait} s", "Look at tradectl logs.")
        raise typer.Exit(TIMEOUT)


def _draw_left(screen: Screen, data: dict[str, Any]) -> str:
    parts = [data["text"] or "stopped"]
    if data["orders"]:
        parts.append(f"orders left at the exchange:\n{orders_table(screen, data['orders'])}")
    if data["positions"]:
        parts.append(f"positions left at the exchange:\n{positions_table(screen, data['positions'])}")
    return "\n\n".join(parts)


@app.command()
def restart(
    ctx: typer.Context, mode: Mode | None = MODE, flatten: bool = FLATTEN, keep: bool = KEEP, wait: int = WAIT
) -> None:
    """Stop the daemon and start it again in the same mode; starts it when it does not run."""
    screen = screen_of(ctx)
    running = _running(screen)
    if running:
        _stop(screen, flatten, keep, wait)
    _start(screen, mode or (running["mode"] if running else None), False, wait)
