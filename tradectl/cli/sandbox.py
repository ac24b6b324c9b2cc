"""``sandbox``: run one (the bare form takes the run options), or look at the running one and change it."""

import http.client
import json
from pathlib import Path
from typing import Any

import typer

from tradectl.cli.command import must_confirm, noun, screen_of
from tradectl.cli.draw.lists import grid
from tradectl.cli.quick import paths_of
from tradectl.cli.screen import Screen
from tradectl.cli.text import Number, plain
from tradectl.cli.words import UsageError
from tradectl.rpc.client import RpcError

app = noun("A Bybit v5 server of your own. Alone it runs one: tradectl sandbox --port 8080 --fund USDT=100000.")
PORT = typer.Option(0, "--port", min=0, max=65535, help="Port of the sandbox; without it the daemon's own.")
STATE = typer.Option("", "--state", metavar="DIR", help="State directory of the sandbox, to find its port.")
VERBS = ("state", "reset", "deposit", "fault")
CALL_TIMEOUT = 10.0


def parser() -> Any:
    """The parser of the run options: the sandbox's own."""
    import argparse

    from tradectl.sandbox.options import add_arguments

    made = argparse.ArgumentParser(
        prog="tradectl sandbox",
        description="Run a Bybit v5 server of your own until Ctrl-C, and print how to connect.",
        epilog=f"Verbs for a running sandbox: {', '.join(VERBS)} (tradectl sandbox VERB --help).",
    )
    add_arguments(made)
    return made


def run_options(screen: Screen, words: list[str]) -> int | None:
    """Run a sandbox when ``words`` are run options; ``None`` when they begin with a verb."""
    if words and not words[0].startswith("-"):
        if words[0] not in VERBS:
            raise UsageError(f"there is no verb {words[0]!r}; sandbox has {', '.join(VERBS)}, or run options")
        return None
    try:
        args = parser().parse_args(words)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 2
    from tradectl.sandbox.options import config_from_args
    from tradectl.sandbox.run import run_sandbox

    return run_sandbox(config_from_args(args))


def _ask(screen: Screen, port: int, state: str, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    """One request to the control path of a sandbox on this machine. Raises ``RpcError``."""
    host, port = ("127.0.0.1", port) if port else _endpoint(screen, state)
    connection = http.client.HTTPConnection(host, port, timeout=CALL_TIMEOUT)
    try:
        connection.request(method, f"/sandbox/{path}", json.dumps(body) if body is not None else None)
        answer = connection.getresponse()
        data = json.loads(answer.read(), parse_float=Number)
    except TimeoutError:
        raise RpcError("TIMEOUT", f"the sandbox on port {port} does not answer", exit_code=75) from None
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise _no_sandbox(f"nothing that speaks like a sandbox answers on {host}:{port} ({error})") from None
    finally:
        connection.close()
    if answer.status != 200:
        raise RpcError("INVALID_REQUEST", f"the sandbox refuses: {data.get('error', answer.reason)}", exit_code=1)
    return data


def _endpoint(screen: Screen, state: str) -> tuple[str, int]:
    file = Path(state or paths_of(screen.options).sandbox) / "endpoint.json"
    try:
        found = json.loads(file.read_bytes())
        return str(found["host"]), int(found["port"])
    except (OSError, ValueError, KeyError):
        raise _no_sandbox(f"no sandbox runs on {file.parent}") from None


def _no_sandbox(message: str) -> RpcError:
    return RpcError(
        "DAEMON_NOT_RUNNING",
        message,
        exit_code=69,
        remedy="Start the daemon (tradectl start) or a sandbox (tradectl sandbox), or name it with --port.",
    )


def _draw_state(screen: Screen, data: dict[str, Any]) -> str:
    clock = [f"{name} {value}" for name, value in data.items() if not isinstance(value, dict | list)]
    parts = [", ".join(clock)]
    for account in data.get("accounts", []):
        parts.append(f"account {account['uid']} (key {account['key']}), {account['open_orders']} open orders")
        coins = account["wallet"].get("coin", []) if isinstance(account["wallet"], dict) else account["wallet"]
        rows = [[str(coin.get("coin")), str(coin.get("walletBalance")), str(coin.get("equity"))] for coin in coins]
        parts.append(grid(screen, "COIN|TOTAL|EQUITY", rows, "no coins"))
        held = [[it["symbol"], it["side"], plain(it["size"]), plain(it["avgPrice"])] for it in account["positions"]]
        parts.append(grid(screen, "SYMBOL|SIDE|SIZE|ENTRY", held, "no positions"))
    return "\n".join(parts)


@app.command()
def state(ctx: typer.Context, port: int = PORT, directory: str = STATE) -> None:
    """Show the running sandbox: clock, accounts, wallets, positions, armed faults."""
    screen = screen_of(ctx)
    screen.show(_ask(screen, port, directory, "GET", "state"), _draw_state)


@app.command()
def reset(ctx: typer.Context, port: int = PORT, directory: str = STATE) -> None:
    """Begin anew: a new instance with fresh accounts at the market's beginning (asks, unless --yes)."""
    screen = screen_of(ctx)
    must_confirm(screen, "Forget every account, order and execution of the sandbox?")
    data = _ask(screen, port, directory, "POST", "reset")
    screen.show(data, _draw_state)
    screen.say("a daemon's state belongs to the instance before; it refuses this one")


@app.command()
def deposit(
    ctx: typer.Context,
    funds: str = typer.Argument(metavar="COIN=AMOUNT", help="Such as USDT=5000; a minus takes out: USDT=-100."),
    uid: str = typer.Option("", "--uid", help="Account; without it the first."),
    port: int = PORT,
    directory: str = STATE,
) -> None:
    """Put money into an account of the running sandbox."""
    from tradectl.rpc.sizes import parse_positive

    coin, _, amount = funds.partition("=")
    if not coin.isalnum() or not amount:
        raise UsageError(f"{funds!r} is not COIN=AMOUNT, such as USDT=5000")
    parse_positive(amount.removeprefix("-"), "amount")
    screen = screen_of(ctx)
    body = {"coin": coin.upper(), "amount": amount, "uid": uid}
    data = _ask(screen, port, directory, "POST", "deposit", body)
    screen.show(data, lambda screen, data: f"{data['uid']}: {funds}")


@app.command()
def fault(
    ctx: typer.Context,
    kind: str = typer.Argument("", help="cut, (lose|late|repeat)_answer, answer or push; empty shows what is armed."),
    place: str = typer.Option("*", "--place", help="public, private, trade, rest, or * for any."),
    after: int = typer.Option(1, "--after", min=1, help="At which match it strikes."),
    times: int = typer.Option(1, "--times", min=1, help="For how many matches."),
    op: str = typer.Option("*", "--op", help="Request it matches, such as order.create."),
    topic: str = typer.Option("*", "--topic", help="Private topic it matches (push)."),
    action: str = typer.Option("drop", "--action", help="drop, duplicate, delay or reorder (push)."),
    code: int = typer.Option(10016, "--code", help="retCode of the answer (answer)."),
    message: str = typer.Option("Server error.", "--message", help="retMsg of the answer (answer)."),
    taken: bool = typer.Option(False, "--taken", help="Carry the request out first (answer)."),
    by: int = typer.Option(1, "--by", min=1, help="Frames it waits for (late_answer, push)."),
    delay_ms: float = typer.Option(0.0, "--delay-ms", min=0, help="Milliseconds it waits instead (late_answer)."),
    clear: bool = typer.Option(False, "--clear", help="Forget every armed fault first."),
    port: int = PORT,
    directory: str = STATE,
) -> None:
    """Make the running sandbox fail on purpose, at a counted match."""
    screen = screen_of(ctx)
    told = {"kind": kind, "place": place, "after": after, "times": times, "op": op, "topic": topic, "action": action,
            "code": code, "message": message, "taken": taken, "by": by, "delay_ms": delay_ms}  # fmt: skip
    body = {"fault": told if kind else None, "clear": clear}
    screen.show(_ask(screen, port, directory, "POST", "fault", body), _draw_faults)


def _draw_faults(screen: Screen, data: dict[str, Any]) -> str:
    armed = [", ".join(f"{name} {value}" for name, value in fault.items()) for fault in data["armed"]]
    return "\n".join([*(armed or ["nothing is armed"]), f"fired {data['fired']}"])
