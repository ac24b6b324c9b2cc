"""A download: what is missing is asked for, put on disk page by page, and merged into the store in larger parts.

Nothing stored is asked for again, so a download that was killed goes on where it was, and a gap is asked for again.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import aclosing
from pathlib import Path

from msgspec import Struct

from tradectl.history.columns import ONE_AT_A_TIME, WITH_INTERVAL
from tradectl.history.coverage import Coverage, Stretch
from tradectl.history.missing import missing, on_grid
from tradectl.history.series import SeriesId
from tradectl.history.settling import settle
from tradectl.history.sources import HistorySink, HistorySource, Piece
from tradectl.history.spool import Spool
from tradectl.model.errors import ErrorCode, Problem
from tradectl.model.instruments import Instrument, InstrumentId
from tradectl.model.market_data import INTERVALS

#: Rows that wait in the spool before the store's files are written anew.
BATCH = 50_000
#: Series that are downloaded at the same time.
WORKERS = 4
#: Where spools and coverage are kept, in the store's folder.
INCOMING = ".incoming"


class Wanted(Struct, frozen=True):
    """Which series, and between which moments; ``until`` 0 is now."""

    series: tuple[SeriesId, ...]
    since: int
    until: int = 0


class Told(Struct, frozen=True):
    """How far a download is: nanoseconds of market time done and to do over all series, and rows so far."""

    series: SeriesId
    done: int
    total: int
    rows: int


class Outcome(Struct):
    """What became of one series: ``asked`` is what was missing before, ``left`` what the source does not have.

    ``kept`` counts rows left out because the store says something else about their time.
    """

    series: SeriesId
    since: int
    until: int
    asked: list[Stretch]
    rows: int = 0
    kept: int = 0
    left: list[Stretch] = []


class Download:
    """Fetches from ``source`` into ``store``, whose files are in ``folder``. ``told`` hears of each page."""

    def __init__(
        self, source: HistorySource, store: HistorySink, folder: Path, told: Callable[[Told], None] = lambda told: None
    ) -> None:
        self._source = source
        self._store = store
        self._folder = folder / INCOMING
        self._told = told
        self._done = self._total = 0
        #: What became of each series, also of a download that failed or was cancelled.
        self.outcomes: list[Outcome] = []

    async def run(self, wanted: Wanted, at: int) -> list[Outcome]:
        """Everything of ``wanted`` that the source has; ``at`` dates what it says of the instruments.

        Raises ``Problem`` for what the source cannot give, before anything is asked; for an unknown symbol; and when a
        read fails for good. What came until then, or until it is cancelled, is stored.
        """
        for series in wanted.series:
            _require(self._source, series)
        known = await self._instruments(wanted.series, at)
        outcomes = [await self._plan(series, wanted, known.get(series.instrument)) for series in wanted.series]
        self.outcomes = outcomes
        self._total = sum(until - since for it in outcomes for since, until in it.asked)
        turns = asyncio.Semaphore(WORKERS)

        async def one(outcome: Outcome) -> None:
            async with turns:
                await self._fetch(outcome, known.get(outcome.series.instrument))

        try:
            async with asyncio.TaskGroup() as group:
                for outcome in outcomes:
                    group.create_task(one(outcome))
        except BaseExceptionGroup as several:
            raise several.exceptions[0] from several
        return outcomes

    async def _instruments(self, wanted: Sequence[SeriesId], at: int) -> dict[InstrumentId, Instrument]:
        """The instruments of ``wanted``, kept as they are now. Raises ``Problem`` for a symbol that does not exist."""
        found: dict[InstrumentId, Instrument] = {}
        for category in dict.fromkeys(series.instrument.category for series in wanted):
            listed = await self._source.instruments(category)
            if listed is None:
                continue
            for name in {series.instrument for series in wanted if series.instrument.category is category}:
                if name not in listed:
                    raise unknown_symbol(name, listed)
                found[name] = listed[name]
        if found:
            self._store.write_instruments(at, [found[name] for name in sorted(found)])
        return found

    async def _plan(self, series: SeriesId, wanted: Wanted, known: Instrument | None) -> Outcome:
        """What to ask for, after rows that a killed download left behind are in the store."""
        now = await self._source.now(series.instrument)
        since, until = limits(series, wanted.since, min(wanted.until or now, now), known)
        spool = Spool(self._folder, series)
        try:
            kept = settle(self._store, spool)
        finally:
            spool.close()
        return Outcome(series, since, until, self._missing(series, since, until, known), kept=kept)

    def _missing(self, series: SeriesId, since: int, until: int, known: Instrument | None) -> list[Stretch]:
        covered = [] if series.kind in ONE_AT_A_TIME else Coverage(self._folder, series).stretches
        return missing(self._store, series, since, until, covered, known)

    async def _fetch(self, outcome: Outcome, known: Instrument | None) -> None:
        """Ask for what is missing. However it ends, what came is stored."""
        series = outcome.series
        spool = Spool(self._folder, series)
        try:
            for since, until in outcome.asked:
                reached = since
                async with aclosing(self._source.pieces(series, since, until)) as pieces:
                    async for piece in pieces:
                        outcome.rows += self._take(piece, spool, (since, until), outcome)
                        self._tell(series, max(min(piece.until, until), reached) - reached, outcome)
                        reached = max(reached, min(piece.until, until))
                self._tell(series, until - reached, outcome)
        finally:
            outcome.kept += settle(self._store, spool)
            spool.close()
        outcome.left = self._missing(series, outcome.since, outcome.until, known) if outcome.asked else []

    def _take(self, piece: Piece, spool: Spool, stretch: Stretch, outcome: Outcome) -> int:
        """Keep the rows of a piece that are missing; how many those were."""
        since, until = max(piece.since, stretch[0]), min(piece.until, stretch[1])
        rows = piece.columns.between(since, until)
        if spool.series.kind in ONE_AT_A_TIME:
            spool.append(rows)
            if spool.rows >= BATCH:
                outcome.kept += settle(self._store, spool)
            return len(rows)
        if len(rows):
            self._store.write(spool.series, rows)
        Coverage(self._folder, spool.series).add(since, until)
        return len(rows)

    def _tell(self, series: SeriesId, span: int, outcome: Outcome) -> None:
        self._done += span
        self._told(Told(series, self._done, self._total, outcome.rows))


def limits(series: SeriesId, since: int, until: int, known: Instrument | None) -> Stretch:
    """The stretch that can exist: from when trading in it began, on the grid, and of candles only those that ended."""
    if known is not None:
        since = max(since, known.launched)
    if series.kind in WITH_INTERVAL:
        step = INTERVALS[series.interval]
        since, until = on_grid(since + step - 1, series.interval), on_grid(until, series.interval)
    return since, max(since, until)


def unknown_symbol(name: InstrumentId, listed: Iterable[InstrumentId]) -> Problem:
    """The problem of a symbol the venue does not list, with those that look like it."""
    import difflib

    near = difflib.get_close_matches(name.symbol, [it.symbol for it in listed], 3)
    hint = f"Did you mean {', '.join(near)}?" if near else "instruments list shows what there is"
    return Problem(
        ErrorCode.UNKNOWN_SYMBOL,
        f"{name.symbol} is not listed in {name.category.value}",
        field="symbol",
        reason="only what the venue lists, or once listed, has a history",
        remedy=hint,
    )


def _require(source: HistorySource, series: SeriesId) -> None:
    reason = source.refusal(series)
    if reason:
        raise Problem(
            ErrorCode.INVALID_REQUEST,
            f"{series} cannot be downloaded from {source.name}: {reason}",
            field="kind",
            reason=reason,
            remedy="Choose another --kind, --interval or --source",
        )
