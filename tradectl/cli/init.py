"""``init``: the first command. It makes the settings files, or (``--read-only``) a review of an account."""

import os
import sys
from pathlib import Path
from typing import Any, Literal

import typer

from tradectl.cli.command import noun, screen_of
from tradectl.cli.quick import paths_of
from tradectl.cli.screen import Screen
from tradectl.cli.words import UsageError

app = noun("The first command.")
Mode = Literal["sandbox", "paper", "demo", "testnet", "live"]
MODES: tuple[Mode, ...] = ("sandbox", "paper", "demo", "testnet", "live")
#: Modes that need an exchange key.
KEYED = frozenset({"demo", "testnet", "live"})
KEY_FILE = "app.env"
_MODE = typer.Option(None, "--mode", help="Where orders go (default sandbox; of a review live).")


@app.command()
def init(
    ctx: typer.Context,
    mode: Mode | None = _MODE,
    read_only: bool = typer.Option(False, "--read-only", help="Review an account with a read-only key instead."),
    since: str = typer.Option("90d", "--since", metavar="WHEN", help="Where a review begins: an age or a time."),
    url: str = typer.Option("", "--url", metavar="URL", help="Of a review: another address, that of a sandbox."),
    keep_key: bool = typer.Option(False, "--keep-key", help="Ask for the exchange key too, and keep it in app.env."),
) -> None:
    """Begin: choose a mode and write the settings files, each setting with its meaning; existing files stay.

    With --read-only nothing is set up: key and secret are asked for (or read from stdin, a line each), the account's
    last 90 days are read, and the review becomes a run: where the money went. The key is kept nowhere.
    """
    screen = screen_of(ctx)
    if read_only:
        if keep_key:
            raise UsageError("--read-only keeps no key: leave --keep-key out")
        from tradectl.cli.review import review_account

        review_account(screen, mode or "live", url, since)
        return
    if url:
        raise UsageError("--url belongs to --read-only; for trading set exchange.site")
    _set_up(screen, mode or _asked_mode(screen), keep_key)


def ask_key() -> tuple[str, str]:
    """Key and secret from the terminal, unseen, or two lines of stdin. Raises ``UsageError``."""
    if sys.stdin.isatty():
        from getpass import getpass

        key, secret = getpass("API key: ").strip(), getpass("API secret: ").strip()
    else:
        key, secret = sys.stdin.readline().strip(), sys.stdin.readline().strip()
    if not key or not secret:
        raise UsageError("key and secret are missing: type both, or give them on stdin, a line each")
    return key, secret


def _asked_mode(screen: Screen) -> Mode:
    """The sandbox needs no account and risks no money: so it is the default."""
    if screen.options.yes or not sys.stdin.isatty():
        return "sandbox"
    print(f"Mode ({', '.join(MODES)}) [sandbox]: ", end="", file=sys.stderr, flush=True)
    typed = sys.stdin.readline().strip().lower() or "sandbox"
    for mode in MODES:
        if typed == mode:
            return mode
    raise UsageError(f"{typed!r} is none of {', '.join(MODES)}")


def _set_up(screen: Screen, mode: Mode, keep_key: bool) -> None:
    from tradectl.paths import config_directories
    from tradectl.settings import load_settings
    from tradectl.settings.write import write_setting

    folder = Path(config_directories(screen.options.config)[0])
    fresh, kept = _write_files(folder, mode)
    if "trading.toml" in kept and load_settings(str(folder)).value("trading.mode") != mode:
        write_setting(folder, "trading.mode", mode)
    key_file = _keep_key(folder) if keep_key else ""
    load_settings(str(folder))  # what was written is checked at once
    steps = _next(screen, mode, bool(key_file))
    screen.show(
        {"mode": mode, "profile": paths_of(screen.options).profile, "directory": str(folder), "written": fresh,
         "kept": kept, "key_file": key_file or None, "next": steps}, _draw,
    )  # fmt: skip


def _write_files(folder: Path, mode: Mode) -> tuple[list[str], list[str]]:
    """Names of the files that were written, and of those that were there."""
    from tradectl.settings.document import toml_text
    from tradectl.settings.sections import FILES

    fresh, kept = [], []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in FILES:
            path = folder / f"{name}.toml"
            if path.exists():
                kept.append(path.name)
                continue
            path.write_text(commented(toml_text(name), mode), encoding="utf-8")
            fresh.append(path.name)
    except OSError as error:
        raise UsageError(f"{folder} cannot be written: {error.strerror}; choose another with --config") from None
    return fresh, kept


def commented(text: str, mode: str) -> str:
    """The file with every setting but the mode as a comment, so that defaults stay the program's own."""
    lines = []
    for line in text.splitlines():
        setting = line and not line.startswith(("#", "["))
        lines.append(f'mode = "{mode}"' if line.startswith("mode = ") else f"# {line}" if setting else line)
    return "\n".join(lines) + "\n"


def _keep_key(folder: Path) -> str:
    """Ask for the key and keep it for this user alone. Raises ``UsageError``."""
    path = folder / KEY_FILE
    if path.exists() and "BYBIT_API_KEY=" in path.read_text(encoding="utf-8").replace(" ", ""):
        raise UsageError(f"{path} has a key already: edit it")
    key, secret = ask_key()
    if any(mark in text for text in (key, secret) for mark in "\"'\\ "):
        raise UsageError("a key has no spaces, quotes or backslashes: copy it again")
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(fd, "w", encoding="utf-8") as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(f"BYBIT_API_KEY={key}\nBYBIT_API_SECRET={secret}\n")
    return str(path)


def _next(screen: Screen, mode: Mode, has_key: bool) -> list[str]:
    profile = f" --profile {screen.options.profile}" if screen.options.profile else ""
    steps = []
    if mode in KEYED and not has_key:
        steps.append("put BYBIT_API_KEY and BYBIT_API_SECRET into the environment, or: tradectl init --keep-key")
    if mode == "live":
        steps.append(f"tradectl{profile} arm")
    return [*steps, f"tradectl{profile} start", f"tradectl{profile} status"]


def _draw(screen: Screen, data: dict[str, Any]) -> str:
    lines = [f"settings in {data['directory']}"]
    lines += [f"  {name}" for name in data["written"]]
    lines += [f"  {name} (was there, stays)" for name in data["kept"]]
    if data["key_file"]:
        lines.append(f"  {data['key_file']} (the exchange key, readable by you alone)")
    return "\n".join([*lines, "next:", *(f"  {step}" for step in data["next"])])
