"""What ``data download`` and ``data record`` are made of: which series, from where, over which connection."""

import asyncio
import random
import time
from collections.abc import Callable, Container
from contextlib import suppress
from pathlib import Path

import msgspec
from msgspec import Struct

from tradectl.cli.screen import Screen
from tradectl.cli.words import UsageError
from tradectl.exchange.bybit.config import BybitConfig, Environment
from tradectl.exchange.retry_handler import RetryPolicy
from tradectl.history.columns import WITH_INTERVAL
from tradectl.history.download import INCOMING
from tradectl.history.recorder import STREAMS, Recorded, Recorder
from tradectl.history.series import Kind, SeriesId
from tradectl.history.sources import HistorySource
from tradectl.history.store import ParquetStore
from tradectl.model.commands import Subscribe
from tradectl.model.errors import ErrorCode, Problem
from tradectl.model.events import DataDoubted, Event
from tradectl.model.instruments import Category, InstrumentId
from tradectl.model.market_data import INTERVALS, MarketKey
from tradectl.settings import load_settings

#: A download may wait: a read is tried this often, with growing pauses.
ATTEMPTS = 6
#: Threads of a download's REST pool.
POOL = 8
#: Levels a side of recorded books.
BOOK_DEPTH = "50"
#: Seconds between two savings of a recording: more than this a kill never costs.
SAVE_EVERY = 1.0


class Request(Struct, frozen=True):
    """What the command line asked for. ``since`` and ``until`` in nanoseconds, 0 is now."""

    series: tuple[SeriesId, ...]
    folder: Path
    url: str = ""
    since: int = 0
    until: int = 0


def words_of(given: list[str]) -> list[str]:
    """Options that may be repeated and may hold commas, each word once."""
    return list(dict.fromkeys(word.strip() for text in given for word in text.split(",") if word.strip()))


def wanted_series(symbols: list[str], category: str, kinds: list[str], intervals: list[str]) -> tuple[SeriesId, ...]:
    """Every symbol in every kind and, where it has them, interval; books of fifty levels.

    Raises ``UsageError`` for an unknown word.
    """
    names = [word.upper() for word in words_of(symbols)]
    if not names:
        raise UsageError("--symbol is missing: name at least one, as --symbol BTCUSDT")
    chosen = [_known(word.replace("-", "_"), "--kind", [kind.value for kind in Kind]) for word in words_of(kinds)]
    steps = [_known(word, "--interval", list(INTERVALS)) for word in words_of(intervals)]
    return tuple(
        SeriesId(InstrumentId(Category(category), name), Kind(kind), step)
        for name in names
        for kind in chosen
        for step in ([BOOK_DEPTH] if kind == Kind.BOOK else steps if Kind(kind) in WITH_INTERVAL else [""])
    )


def _known(word: str, option: str, words: list[str]) -> str:
    if word not in words:
        raise UsageError(f"{option} {word} is none of {', '.join(words)}")
    return word


def venue_of(screen: Screen, url: str) -> BybitConfig:
    """Bybit's real market by the settings' site and proxy, or whatever answers at ``url``."""
    config: BybitConfig = load_settings(screen.options.config).exchange
    if url:
        if not url.startswith(("http://", "https://")):
            raise UsageError(f"--url {url} is no address: write http://127.0.0.1:8080 or https://...")
        return msgspec.structs.replace(config, environment=Environment.SANDBOX, rest_base=url.rstrip("/"), ws_base="")
    return msgspec.structs.replace(config, environment=Environment.MAINNET, rest_base="", ws_base="")


def open_source(screen: Screen, request: Request, source: str) -> HistorySource:
    """The source of a download."""
    if source == "archive":
        return _open_archive(screen, request)
    from tradectl.exchange.bybit.clock import VenueClock
    from tradectl.exchange.bybit.history_rest import BybitHistory
    from tradectl.exchange.bybit.wiring import make_rest

    config = msgspec.structs.replace(venue_of(screen, request.url), rest_pool=POOL, read_attempts=ATTEMPTS)
    rest, _ = make_rest(config, None, VenueClock(time.time_ns), random.random)
    own_clock = config.environment is Environment.SANDBOX
    # Two seconds after its end Bybit has long stopped changing a candle; a sandbox's market never does.
    return BybitHistory(rest, 0 if own_clock else 2_000_000_000)


def _open_archive(screen: Screen, request: Request) -> HistorySource:
    import httpx

    from tradectl.exchange.bybit.archive import PUBLIC, BybitArchive
    from tradectl.exchange.bybit.endpoints import tls_context

    config = load_settings(screen.options.config).exchange
    client = httpx.AsyncClient(
        timeout=30.0, follow_redirects=True, proxy=config.proxy or None, verify=tls_context(config) or True
    )
    return BybitArchive(request.url or PUBLIC, request.folder / INCOMING, client, RetryPolicy(ATTEMPTS, random.random))


async def record_streams(
    screen: Screen,
    request: Request,
    seconds: float,
    recorded: list[Recorded],
    notes: list[str],
    say: Callable[[str], None],
) -> None:
    """Record for ``seconds`` (0: until cancelled). ``recorded`` and ``notes`` are filled once streams are asked for.

    Raises ``Problem`` for a symbol the venue does not list, and when the venue cannot be reached at all.
    """
    from tradectl.exchange.bybit.connector import BybitConnector

    for series in request.series:
        if series.kind not in STREAMS:
            raise UsageError(f"--kind {series.kind.value} cannot be recorded: quotes, trades, book and candles can")
    recorder = Recorder(ParquetStore(request.folder), request.folder / INCOMING, request.series)

    def sink(event: Event) -> None:
        recorder.take(event)
        if isinstance(event, DataDoubted) and not event.ok:
            notes.append(f"{event.instrument} {event.kind}: {event.reason}")

    config = msgspec.structs.replace(
        venue_of(screen, request.url), categories=tuple({it.instrument.category for it in request.series})
    )
    connector = BybitConnector(config, None, sink, lambda ts: time.time_ns())
    try:
        await connector.open()
        try:
            _require_listed(connector.instruments(), request.series)
            recorded += recorder.recorded
            for series in request.series:
                connector.execute(Subscribe(MarketKey(STREAMS[series.kind], series.instrument, series.interval)))
            with suppress(TimeoutError):  # the time asked for is over: that is how a recording ends
                async with asyncio.timeout(seconds or None):
                    await _keep(recorder, say)
        finally:
            await connector.close()
    finally:
        recorder.close()


async def _keep(recorder: Recorder, say: Callable[[str], None]) -> None:
    """Save every second and merge what is full."""
    while True:
        await asyncio.sleep(SAVE_EVERY)
        recorder.merge()
        gaps = sum(len(it.gaps) for it in recorder.recorded)
        say(f"{sum(it.rows for it in recorder.recorded)} rows, {gaps} gaps; Ctrl-C ends it")


def _require_listed(listed: Container[InstrumentId], series: tuple[SeriesId, ...]) -> None:
    for one in series:
        if one.instrument not in listed:
            raise Problem(
                ErrorCode.UNKNOWN_SYMBOL,
                f"{one.instrument.symbol} is not listed in {one.instrument.category.value}",
                field="symbol",
                remedy="instruments list shows what there is",
            )
