"""The quick path: read-only verbs that only ask and draw answer before typer is imported, with the same output.

:func:`ask` and the table :data:`READS` serve the full parser too, so both ways print the same. Whatever is not plainly
one of these verbs with plain options is left to the full parser, help and usage errors included.
"""

from __future__ import annotations

import os
import time

from tradectl.cli.screen import Screen
from tradectl.cli.words import Globals
from tradectl.paths import Paths, is_profile_name, profile_from
from tradectl.rpc.client import RpcClient, RpcError

TYPE_CHECKING = False  # importing typing would cost a tenth of the quick path
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from tradectl.cli.screen import Draw

    #: Options by name: the parameter they set and how its text becomes a JSON value.
    Options = dict[str, tuple[str, Callable[[str], Any] | None]]

#: Seconds to wait for a store that is starting, and between two looks.
STORE_PATIENCE, POLL = 5.0, 0.05


def _count(text: str) -> int:
    if not text.isdecimal() or not text.isascii():
        raise ValueError(text)
    return int(text)


_FILTER: Options = {"--symbol": ("symbol", str.upper), "--category": ("category", str.lower),
                    "--strategy": ("strategy", str)}  # fmt: skip


class Read:
    """A verb that only asks: ``store`` says which socket, ``options`` what it takes, ``drawing`` who draws it."""

    __slots__ = ("drawing", "method", "options", "store")

    def __init__(self, method: str, drawing: str, options: Options, store: bool = False) -> None:
        self.method, self.drawing, self.options, self.store = method, drawing, options, store

    def draw(self) -> Draw:
        module, _, name = self.drawing.partition(":")
        return getattr(__import__(f"tradectl.cli.draw.{module}", fromlist=[name]), name)  # type: ignore[no-any-return]


READS: dict[tuple[str, ...], Read] = {
    ("status",): Read("status", "status:draw_status", {}),
    ("orders", "list"): Read("orders.list", "lists:draw_orders",
                             {**_FILTER, "--all": ("open_only", None), "--limit": ("limit", _count)}),
    ("positions", "list"): Read("positions.list", "lists:draw_positions", {**_FILTER, "--books": ("books", None)}),
    ("portfolio", "show"): Read("portfolio.show", "lists:draw_portfolio", {}),
    ("trades", "list"): Read("trades.list", "lists:draw_trades",
                             {**_FILTER, "--limit": ("limit", _count), "--cursor": ("cursor", str)}, store=True),
}  # fmt: skip


def ask(screen: Screen, method: str, params: dict[str, Any], store: bool = False) -> Any:
    """Call ``method`` of the profile's daemon or store. Raises ``RpcError``."""
    paths = paths_of(screen.options)
    deadline = time.monotonic() + STORE_PATIENCE
    while True:
        try:
            with RpcClient(paths.store_socket if store else paths.daemon_socket) as client:
                answer = client.call(method, params)
                screen.about = client.about
                return answer
        except RpcError as error:
            if not store or error.code != "DAEMON_NOT_RUNNING":
                raise
            if os.path.exists(paths.daemon_socket) and time.monotonic() < deadline:
                time.sleep(POLL)  # trading waits for no database: the store may still be on its way up
                continue
            error.message = f"the store, which keeps the history, does not answer at {paths.store_socket}"
            error.remedy = "Look at tradectl status; if the daemon is not running: tradectl start"
            raise


def paths_of(options: Globals) -> Paths:
    """The paths of the chosen profile. Raises ``RpcError`` (usage) for a bad name."""
    name = profile_from(options.profile)
    if not is_profile_name(name):
        raise RpcError(
            "INVALID_REQUEST",
            f"--profile {name!r} is not 1 to 32 letters, digits, - or _",
            exit_code=2,
            field="--profile",
            remedy="Choose another name.",
        )
    return Paths.of(name)


def answer(options: Globals, rest: list[str]) -> int | None:
    """Answer a quick verb and return the exit code; ``None`` when it is not one."""
    read = READS.get(tuple(rest[:2])) or READS.get(tuple(rest[:1]))
    if read is None or options.version:
        return None
    params = parameters(read, rest[1 if rest[0] == "status" else 2 :])
    if params is None:
        return None
    screen = Screen(options)
    if rest[0] == "status":
        return status(screen)
    return run(screen, lambda: show(screen, read, params))


def parameters(read: Read, words: list[str]) -> dict[str, Any] | None:
    """The parameters the options say; ``None`` for anything unusual."""
    params: dict[str, Any] = {}
    position = 0
    while position < len(words):
        name, equals, value = words[position].partition("=")
        if name not in read.options:
            return None
        target, convert = read.options[name]
        if convert is None:
            if equals:
                return None
            params[target] = target != "open_only"
        else:
            if not equals:
                position += 1
                if position == len(words):
                    return None
                value = words[position]
            try:
                params[target] = convert(value)
            except ValueError:
                return None
        position += 1
    return params


def show(screen: Screen, read: Read, params: dict[str, Any]) -> int:
    """Ask and draw."""
    data = ask(screen, read.method, params, read.store)
    screen.show(data, read.draw())
    return 0


def run(screen: Screen, command: Callable[[], int]) -> int:
    """Run a command; a failure is told on stderr and becomes its exit code."""
    try:
        return command()
    except RpcError as error:
        return failed(screen, error)


def failed(screen: Screen, error: RpcError) -> int:
    """Tell what went wrong and return its exit code."""
    field = f"{error.field}: " if error.field and error.field not in error.message else ""
    screen.fail(field + error.message, error.remedy, f"{error.code}: {error.reason}")
    return error.exit_code


#: Exit codes of ``status`` (LSB): running, dead with its socket left, stopped, unknown.
RUNNING, DEAD, STOPPED, UNKNOWN = 0, 1, 3, 4


def status(screen: Screen) -> int:
    """Show the daemon's status. The exit code says whether it runs."""
    try:
        data = ask(screen, "status", {})
    except RpcError as error:
        return _no_status(screen, error)
    screen.show(data, READS[("status",)].draw())
    return RUNNING


def _no_status(screen: Screen, error: RpcError) -> int:
    if error.code == "DAEMON_NOT_RUNNING":
        code, life = (STOPPED, "STOPPED") if error.reason == "no socket" else (DEAD, "DEAD")
    elif error.exit_code == 2:
        screen.fail(error.message, error.remedy)
        return error.exit_code
    else:
        code, life = UNKNOWN, "UNKNOWN"
    if screen.options.json:
        profile = profile_from(screen.options.profile)
        screen.show({"profile": profile, "life": life, "state": None, "reason": error.message}, lambda *_: "")
    else:
        screen.fail(error.message, error.remedy)
    return code
