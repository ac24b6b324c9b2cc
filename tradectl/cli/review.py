"""``init --read-only``: an account's last weeks, read with a key that can do nothing else, kept as a run."""

import asyncio
import random
import signal
import time
from typing import TYPE_CHECKING, Any

import msgspec
import typer

from tradectl.cli.draw.progress import Meter
from tradectl.cli.quick import paths_of
from tradectl.cli.screen import Screen
from tradectl.cli.when import moment
from tradectl.cli.words import UsageError
from tradectl.model.errors import ErrorCode, Problem

if TYPE_CHECKING:
    from tradectl.backtest.review.review import Review
    from tradectl.exchange.bybit.config import BybitConfig, Credentials
    from tradectl.exchange.bybit.rest import Rest

INTERRUPTED = 130
DAY = 86_400 * 10**9
#: The venue keeps two years (bybit-v5 3.2), less a day of room.
OLDEST = 729 * DAY
#: A review may wait: a read is tried this often, with growing pauses.
ATTEMPTS = 6


def review_account(screen: Screen, mode: str, url: str, since: str) -> None:
    """Ask for the key, read, review, keep and show. Raises ``UsageError`` and ``Problem``."""
    from tradectl.cli.init import ask_key
    from tradectl.exchange.bybit.config import Credentials

    moment(since)  # a word that is no time is refused before a key is asked for
    config = _venue(screen, mode, url)
    credentials = Credentials(*ask_key())
    began = time.monotonic()
    try:
        review = asyncio.run(_cancellable(screen, config, credentials, since))
    except (KeyboardInterrupt, asyncio.CancelledError):
        screen.say("\nstopped: nothing was kept")
        raise typer.Exit(INTERRUPTED) from None
    _keep(screen, review, time.monotonic() - began)


def _venue(screen: Screen, mode: str, url: str) -> "BybitConfig":
    from tradectl.exchange.bybit.config import Environment
    from tradectl.settings import load_settings

    config: BybitConfig = load_settings(screen.options.config).exchange
    if url:
        if not url.startswith(("http://", "https://")):
            raise UsageError(f"--url {url} is no address: write http://127.0.0.1:8080 or https://...")
        changes: dict[str, Any] = {"environment": Environment.SANDBOX, "rest_base": url.rstrip("/"), "ws_base": ""}
    else:
        known = {"live": Environment.MAINNET, "testnet": Environment.TESTNET, "demo": Environment.DEMO}
        if mode not in known:
            raise UsageError(f"--mode {mode} has no account at Bybit: use live, testnet or demo, or --url of a sandbox")
        changes = {"environment": known[mode], "rest_base": "", "ws_base": ""}
    return msgspec.structs.replace(config, read_attempts=ATTEMPTS, **changes)


async def _cancellable(screen: Screen, config: "BybitConfig", credentials: "Credentials", since: str) -> "Review":
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    from tradectl.exchange.bybit.history_problems import problem_of
    from tradectl.exchange.bybit.key_powers import key_problem
    from tradectl.exchange.retry_handler import ReadFailed

    meter = Meter(screen)
    try:
        return await _read(screen, config, credentials, since, meter)
    except ReadFailed as failure:
        raise key_problem(failure) or problem_of(failure, None, "run the command again") from None
    finally:
        meter.close()


async def _read(
    screen: Screen, config: "BybitConfig", credentials: "Credentials", since: str, meter: Meter
) -> "Review":
    from tradectl.backtest.review.maker import WAIT, moments
    from tradectl.backtest.review.review import review_of
    from tradectl.exchange.bybit.account_past import AccountPastReader
    from tradectl.exchange.bybit.clock import VenueClock
    from tradectl.exchange.bybit.minutes import read_minutes
    from tradectl.exchange.bybit.signing import Signer
    from tradectl.exchange.bybit.wiring import make_rest
    from tradectl.model.money import use_exact_context

    use_exact_context()
    clock = VenueClock(time.time_ns)
    rest, orders = make_rest(config, Signer(credentials), clock, random.random)
    try:
        await clock.measure(rest, 1)
        uid = await _checked_key(screen, rest)
        reader = AccountPastReader(rest, lambda it: meter.show(0.8 * it.done / it.total, it.text))
        now = await reader.now(clock.now())
        past = await reader.read(uid, _begin(since, now), now)
        minutes, notes = await read_minutes(
            rest, moments(past), WAIT, now, lambda done, total: meter.show(0.8 + 0.2 * done / total, "candles")
        )
        past = msgspec.structs.replace(past, notes=(*past.notes, *notes))
        return review_of(past, minutes, config.environment.value)
    finally:
        await rest.close()
        await orders.close()


async def _checked_key(screen: Screen, rest: "Rest") -> str:
    """The account's id. Raises ``Problem`` for a key that could do more than read, unless ``--yes``."""
    from tradectl.exchange.bybit.key_powers import read_powers, refusal

    powers = await read_powers(rest)
    problem = refusal(powers)
    if problem is not None and not screen.options.yes:
        raise problem
    if problem is not None:
        screen.say(f"warning: {problem.message}; nothing but reading is asked of it")
    if not powers.known:
        screen.say("the venue does not tell here what the key may do; nothing but reading is asked of it")
    return powers.uid


def _begin(since: str, now: int) -> int:
    found = moment(since, now)
    if not found < now:
        raise UsageError(f"--since {since} is not in the past")
    if found < now - OLDEST:
        raise Problem(
            ErrorCode.INVALID_REQUEST, f"--since {since} is more than two years ago", field="since",
            reason="Bybit keeps an account's past for two years", remedy="choose 729d or less",
        )  # fmt: skip
    return found


def _keep(screen: Screen, review: "Review", seconds: float) -> None:
    import gzip

    from tradectl.backtest.code_version import code_version
    from tradectl.backtest.review.figures import summary
    from tradectl.backtest.review.review import FILE, KIND, encode
    from tradectl.backtest.runs import Catalogue
    from tradectl.cli.draw.review import review_table
    from tradectl.cli.numbers import printable
    from tradectl.model.money import use_exact_context

    use_exact_context()
    about = summary(review)
    packed = gzip.compress(encode(review), 5, mtime=0)
    id = Catalogue(paths_of(screen.options).research).add_document(
        KIND, about, seconds=seconds, code=code_version(), files={FILE: packed}
    )
    screen.show(printable({"id": id, "kind": KIND, **about}), review_table)
    screen.say(f"kept as run {id}: tradectl runs export {id} --html --hide-amounts writes the page to show")
