"""``arm`` and ``disarm``: the permission to trade real money, a file in the profile's state directory.

It works without a daemon, because a daemon that is not armed does not start in mode live.
"""

import asyncio
import os
import random
import sys
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import typer

from tradectl.cli.command import noun, screen_of
from tradectl.cli.draw.lists import grid
from tradectl.cli.quick import paths_of
from tradectl.cli.screen import Screen
from tradectl.cli.text import Number, rounded
from tradectl.model.errors import ErrorCode, Problem
from tradectl.model.money import plain, use_exact_context
from tradectl.paths import Paths
from tradectl.settings import Settings, load_settings
from tradectl.settings.sections import SETTINGS

app = noun("The permission to trade real money.")
FAILED = 1


def _shown(value: Any) -> Number | str:
    """A limit's value: a number, or for the others the words of the settings."""
    if isinstance(value, Decimal) or type(value) is int:
        return Number(plain(Decimal(value)))
    return str(value).lower() if isinstance(value, bool) else ", ".join(value) if value else "none"


def armed_file(paths: Paths) -> Path:
    """Its presence arms the profile."""
    return Path(paths.armed)


@app.command()
def arm(ctx: typer.Context) -> None:
    """Allow this profile to trade real money, once.

    Shows the account, the key's permissions, its balance and the effective limits, and asks for the account's name.
    """
    screen = screen_of(ctx)
    file = armed_file(paths_of(screen.options))
    settings = load_settings(screen.options.config)
    account = _account(settings)
    data = {"profile": paths_of(screen.options).profile, "mode": "live", "armed": file.exists(), **account}
    data["limits"] = [
        {"name": key, "value": _shown(settings.value(key)), "unit": SETTINGS[key].unit}
        for key in SETTINGS
        if key.startswith("risk.")
    ]
    if not file.exists():
        print(_draw(screen, data), file=sys.stderr)
        _ask_for_name(screen, account["account"])
        _write(file, {"uid": account["uid"], "profile": data["profile"], "at": time.time_ns()})
        data["armed"] = True
    screen.show(data, lambda screen, data: f"armed: profile {data['profile']}, account {data['account']}")


def _ask_for_name(screen: Screen, name: str) -> None:
    print(f"This is real money. Type the account's name ({name}) to arm it: ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip() != name:
        screen.fail("that is not the account's name: nothing was done")
        raise typer.Exit(FAILED)


def _write(file: Path, content: dict[str, Any]) -> None:
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = file.with_suffix(".json.new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        out.write(msgspec.json.encode(content) + b"\n")
        out.flush()
        os.fsync(out.fileno())
    draft.replace(file)


def _account(settings: Settings) -> dict[str, Any]:
    """Who the key belongs to and what it may do. Raises ``Problem``."""
    if not settings.secrets.api_key or not settings.secrets.api_secret:
        raise Problem(
            ErrorCode.INVALID_SETTING,
            "there is no exchange key",
            field="BYBIT_API_KEY",
            reason="mode live needs BYBIT_API_KEY and BYBIT_API_SECRET",
            remedy="Put them into the environment or into app.env (chmod 600).",
        )
    from tradectl.exchange.retry_handler import ReadFailed

    use_exact_context()
    try:
        return asyncio.run(_read_account(settings))
    except ReadFailed as failure:
        raise Problem(
            ErrorCode.EXCHANGE_REJECTED,
            f"the exchange does not tell about the account: {failure}",
            field="BYBIT_API_KEY",
            remedy="Check the key, exchange.site and your network.",
        ) from None


async def _read_account(settings: Settings) -> dict[str, Any]:
    from tradectl.exchange.bybit.clock import VenueClock
    from tradectl.exchange.bybit.config import Credentials, Environment
    from tradectl.exchange.bybit.signing import Signer
    from tradectl.exchange.bybit.wire import KeyInfo, WalletPage
    from tradectl.exchange.bybit.wiring import make_rest

    config = msgspec.structs.replace(settings.exchange, environment=Environment.MAINNET)
    clock = VenueClock(time.time_ns)
    signer = Signer(Credentials(settings.secrets.api_key, settings.secrets.api_secret))
    reads, orders = make_rest(config, signer, clock, random.random)
    try:
        await clock.measure(reads, 1)
        key = await reads.read("get_api_key_information", KeyInfo)
        wallet = await reads.read("get_wallet_balance", WalletPage, accountType="UNIFIED")
    finally:
        await reads.close()
        await orders.close()
    permissions = [f"{group}: {', '.join(names)}" for group, names in key.permissions.items() if names]
    coins = [coin for row in wallet.list for coin in row.coin]
    return {
        "account": str(key.userID),
        "uid": str(key.userID),
        "read_only": bool(key.readOnly),
        "permissions": permissions,
        "balances": [{"coin": coin.coin, "total": Number(str(coin.walletBalance) or "0")} for coin in coins],
    }


def _text(limit: dict[str, Any]) -> str:
    value = limit["value"]
    return f"{rounded(value)} {limit['unit']}".rstrip() if isinstance(value, Number) else str(value)


def _draw(screen: Screen, data: dict[str, Any]) -> str:
    balances = [[it["coin"], rounded(it["total"])] for it in data["balances"]]
    limits = [[it["name"].removeprefix("risk."), _text(it)] for it in data["limits"]]
    parts = [
        f"profile {data['profile']}, account {data['account']}" + (", READ-ONLY key" if data["read_only"] else ""),
        "permissions: " + ("; ".join(data["permissions"]) or "none"),
        grid(screen, "COIN|TOTAL", balances, "no balances"),
        grid(screen, "LIMIT OF|LIMIT", limits, ""),
    ]
    return "\n\n".join(parts)


@app.command()
def disarm(ctx: typer.Context) -> None:
    """Take that permission back: the next start in mode live is refused."""
    screen = screen_of(ctx)
    file = armed_file(paths_of(screen.options))
    was_armed = file.exists()
    file.unlink(missing_ok=True)
    data = {"profile": paths_of(screen.options).profile, "armed": False, "was_armed": was_armed}
    screen.show(data, lambda screen, data: "disarmed" if was_armed else "it was not armed")
    screen.say("a daemon that runs in mode live goes on until it is stopped: tradectl stop, tradectl halt")
