"""The run options of the sandbox, defined once for ``python -m tradectl.sandbox`` and ``tradectl sandbox``."""

import argparse
import os
from collections.abc import Mapping
from decimal import Decimal
from typing import TypeVar

from tradectl.model.errors import ErrorCode, Problem
from tradectl.model.money import parse_amount
from tradectl.sandbox.config import DEFAULT_FUNDS, DEFAULT_SYMBOLS, SandboxAccount, SandboxConfig

ACCOUNTS_VARIABLE = "TRADECTL_SANDBOX_ACCOUNTS"
FIRST_UID = 900_100
Number = TypeVar("Number", int, float)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add every run option; :func:`config_from_args` reads them back."""
    defaults = SandboxConfig()
    listen = parser.add_argument_group("listener")
    listen.add_argument("--host", default=defaults.host, help="address to listen on (default %(default)s)")
    listen.add_argument("--port", type=int, default=defaults.port, help="TCP port, 0 for a free one")
    listen.add_argument("--tls", action="store_true", help="listen with TLS as well, under a private CA")
    listen.add_argument("--tls-port", type=int, default=defaults.tls_port, help="TCP port of TLS, 0 for a free one")
    listen.add_argument("--tls-cert", default="", metavar="FILE", help="certificate chain (PEM), not a private CA")
    listen.add_argument("--tls-key", default="", metavar="FILE", help="key (PEM) of --tls-cert")
    _add_account_arguments(parser)
    _add_market_arguments(parser, defaults)
    parser.add_argument("--state", default="", metavar="DIR", help="directory that keeps accounts, orders, clock")
    parser.add_argument("--ack-delay", type=float, default=defaults.ack_delay_ms, metavar="MS",
                        help="milliseconds before a WebSocket ack (default %(default)s; 0 when stepped)")  # fmt: skip
    parser.add_argument("--ip-limit", type=int, default=defaults.ip_limit, metavar="N",
                        help="HTTP requests per 5 s and address, 0 for no limit (Bybit: 600)")  # fmt: skip


def _add_account_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("accounts", f"secrets may also come from {ACCOUNTS_VARIABLE}=KEY:SECRET:UID,...")
    group.add_argument("--api-key", default="", metavar="KEY", help="key of the first account")
    group.add_argument("--api-secret", default="", metavar="SECRET", help="secret of the first account")
    group.add_argument("--account", action="append", default=[], metavar="KEY:SECRET:UID", help="one more account")
    group.add_argument("--fund", action="append", default=[], metavar="COIN=AMOUNT",
                       help="what each new account starts with (default 100000 USDT and 1 BTC)")  # fmt: skip
    group.add_argument("--hedge", action="store_true",
                       help="new accounts hold both sides of USDT perpetuals apart (hedge mode)")  # fmt: skip


def _add_market_arguments(parser: argparse.ArgumentParser, defaults: SandboxConfig) -> None:
    group = parser.add_argument_group("market")
    group.add_argument("--data", default="", metavar="FILE|FOLDER",
                       help="candles or trades to replay, one file or a folder of them; else generated")  # fmt: skip
    group.add_argument("--category", choices=("spot", "linear"), default=defaults.category, help="product of --data")
    group.add_argument("--symbol", default=defaults.symbol, help="instrument of --data (default %(default)s)")
    group.add_argument("--interval", default=defaults.interval, help="length of the candles of --data")
    group.add_argument("--funding", default="", metavar="FILE", help="funding rates of --data")
    group.add_argument("--seed", type=int, default=defaults.seed, help="of the generated market (default %(default)s)")
    group.add_argument("--symbols", default=",".join(DEFAULT_SYMBOLS), metavar="A,B", help="of the generated market")
    group.add_argument("--backfill", type=int, default=defaults.backfill, metavar="N",
                       help="closed candles before the first live one (300; stepped replay 0)")  # fmt: skip
    group.add_argument("--speed", default="1", metavar="N|stepped",
                       help="venue seconds per second, or stepped: in lock-step with a control client")  # fmt: skip


def config_from_args(args: argparse.Namespace, environ: Mapping[str, str] = os.environ) -> SandboxConfig:
    """The configuration the parsed options and the environment say.

    Raises :class:`Problem` (INVALID_SETTING) naming the option, its value and the rule it broke.
    """
    speed, stepped = _speed(args.speed)
    return SandboxConfig(
        host=args.host,
        port=_port("--port", args.port),
        tls=args.tls or bool(args.tls_cert),
        tls_port=_port("--tls-port", args.tls_port),
        tls_cert=args.tls_cert,
        tls_key=args.tls_key,
        accounts=_accounts(args, environ),
        fund=dict(_fund(text) for text in args.fund) or dict(DEFAULT_FUNDS),
        hedge=args.hedge,
        data=args.data,
        category=args.category,
        symbol=args.symbol,
        interval=args.interval,
        funding=args.funding,
        seed=args.seed,
        symbols=tuple(name for name in args.symbols.split(",") if name),
        backfill=None if args.backfill is None else _not_negative("--backfill", args.backfill),
        stepped=stepped,
        speed=speed,
        state=args.state,
        ack_delay_ms=_not_negative("--ack-delay", args.ack_delay),
        ip_limit=_not_negative("--ip-limit", args.ip_limit),
    )


def _invalid(option: str, value: object, rule: str) -> Problem:
    return Problem(
        ErrorCode.INVALID_SETTING, f"{option} {value}: {rule}", field=option, reason=rule, remedy=f"Change {option}"
    )


def _port(option: str, value: int) -> int:
    if not 0 <= value <= 65535:
        raise _invalid(option, value, "a TCP port is between 0 and 65535")
    return value


def _not_negative(option: str, value: Number) -> Number:
    if not value >= 0:
        raise _invalid(option, value, "must not be negative")
    return value


def _speed(text: str) -> tuple[float, bool]:
    if text == "stepped":
        return 1.0, True
    try:
        speed = float(text)
    except ValueError:
        raise _invalid("--speed", text, "is a positive number or the word stepped") from None
    if not 0 < speed <= 100_000:
        raise _invalid("--speed", text, "is above 0 and at most 100000, or the word stepped")
    return speed, False


def _fund(text: str) -> tuple[str, Decimal]:
    coin, _, amount = text.partition("=")
    try:
        value = parse_amount(amount)
    except ValueError:
        value = None
    if not coin.isalnum() or value is None or value < 0:
        raise _invalid("--fund", text, "is COIN=AMOUNT with an amount of 0 or more, such as USDT=100000")
    return coin.upper(), value


def _accounts(args: argparse.Namespace, environ: Mapping[str, str]) -> tuple[SandboxAccount, ...]:
    accounts: list[SandboxAccount] = []
    if bool(args.api_key) != bool(args.api_secret):
        raise _invalid("--api-key", args.api_key, "--api-key and --api-secret are given together")
    if args.api_key:
        accounts.append(SandboxAccount(args.api_key, args.api_secret, str(FIRST_UID)))
    for option, text in [(ACCOUNTS_VARIABLE, t) for t in environ.get(ACCOUNTS_VARIABLE, "").split(",") if t] + [
        ("--account", t) for t in args.account
    ]:
        accounts.append(_account(option, text, len(accounts)))
    keys = [account.key for account in accounts]
    if len(set(keys)) != len(keys):
        raise _invalid("--account", ", ".join(keys), "each account has a key of its own")
    return tuple(accounts)


def _account(option: str, text: str, index: int) -> SandboxAccount:
    parts = text.strip().split(":")
    if len(parts) not in (2, 3) or not all(parts):
        raise _invalid(option, parts[0], "is KEY:SECRET or KEY:SECRET:UID")
    uid = parts[2] if len(parts) == 3 else str(FIRST_UID + index)
    if not uid.isdecimal():
        raise _invalid(option, f"{parts[0]}:***:{uid}", "a UID is a number, as at Bybit")
    return SandboxAccount(parts[0], parts[1], uid)
