"""The candles of several instruments replayed together, from a folder with one file for each.

``<category>_<SYMBOL>.csv`` (or ``.csv.gz``) are candles, ``funding_<SYMBOL>.csv`` the rates of a perpetual; other files
are ignored. Times need not begin or end together: an instrument stands still while its file has nothing to say.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from itertools import islice
from pathlib import Path

import msgspec

from tradectl.history.candles import read_candles
from tradectl.history.records import Candle
from tradectl.model.instruments import Category, Instrument, InstrumentId
from tradectl.model.money import ZERO
from tradectl.sandbox.market.file_catalogue import file_instrument
from tradectl.sandbox.market.funding_rates import FileFunding, FundingRates, next_settlement
from tradectl.sandbox.market.liquidity import Liquidity, ReplayLiquidity
from tradectl.sandbox.market.plans import (
    DEFAULT_BACKFILL,
    Origin,
    backfill_of,
    bad_setting,
    begin_candles,
    fingerprint_of,
)
from tradectl.sandbox.market.records import Bar, Kline
from tradectl.sandbox.market.replay import candle_facts, digest_of
from tradectl.sandbox.market.settings import VenueConfig
from tradectl.sandbox.market.tape import Tape

_ENDINGS = (".csv", ".csv.gz")
_CATEGORIES = {each.value: each for each in (Category.SPOT, Category.LINEAR, Category.INVERSE)}


class FolderReplay:
    """All candle files of a folder; the first ``backfill`` open times are the past."""

    def __init__(self, config: VenueConfig, folder: Path, interval: int) -> None:
        self._config = config
        self._backfill = backfill_of(config, 0 if config.speed is None else DEFAULT_BACKFILL)
        self._candles, self._rates = candle_files(folder), funding_files(folder)
        if not self._candles:
            raise bad_setting("data", folder, "holds no file such as linear_BTCUSDT.csv.gz")
        facts = {one: candle_facts(path, interval, 0) for one, path in self._candles.items()}
        self._first = {one: known.first_price for one, known in facts.items()}
        self.instruments = [
            file_instrument(one, known.price_decimals, known.size_decimals, known.first_price)
            for one, known in facts.items()
        ]
        self.interval = interval
        self._live = self._first_live_open()
        self.fingerprint = fingerprint_of(
            kind="folder", interval=interval, backfill=self._backfill,
            data=[(str(one), known.digest) for one, known in facts.items()],
            funding=[(symbol, digest_of(path)) for symbol, path in self._rates.items()],
        )  # fmt: skip

    def _first_live_open(self) -> int:
        source = FolderBars(self._candles, self.interval, 0)
        for _ in range(self._backfill):
            source.next_bars()
        bars = source.next_bars()
        if bars is None:
            raise bad_setting("backfill", self._backfill, "leaves no candle of the folder to replay")
        return bars[0].kline.open_time

    def origin(self, wall: int) -> Origin:
        shift = 0 if self._config.speed is None else wall - wall % self.interval - self._live
        return Origin(self.fingerprint, self._live + shift, shift)

    def tape(self, origin: Origin) -> tuple[Tape, list[Bar]]:
        source = FolderBars(self._candles, self.interval, origin.shift)
        return begin_candles(source, self.instruments, self.interval, self._config.speed, self._backfill)

    def funding(self, origin: Origin) -> FundingRates:
        return FolderFunding({s: FileFunding(path, origin.shift) for s, path in self._rates.items()}, origin.live)

    def liquidity(self, instrument: Instrument) -> Liquidity:
        return ReplayLiquidity(instrument, self._first[instrument.id])

    def first_price(self, instrument: InstrumentId) -> Decimal:
        return self._first[instrument]


class FolderBars:
    """The candles of all files, by open time; ``shift`` nanoseconds later than they were."""

    def __init__(self, paths: Mapping[InstrumentId, Path], interval: int, shift: int) -> None:
        self._paths = dict(paths)
        self._interval = interval
        self._shift = shift
        self._begin([0] * len(self._paths))

    def _begin(self, taken: list[int]) -> None:
        self._taken = taken
        self._files: list[Iterator[Candle]] = [
            islice(read_candles(path, self._interval), rows, None)
            for path, rows in zip(self._paths.values(), taken, strict=True)
        ]
        self._next = [next(file, None) for file in self._files]

    def next_bars(self) -> tuple[Bar, ...] | None:
        waiting = [candle.open_time for candle in self._next if candle is not None]
        if not waiting:
            return None
        now, bars = min(waiting), []
        for place, instrument in enumerate(self._paths):
            candle = self._next[place]
            if candle is not None and candle.open_time == now:
                bars.append(Bar(instrument, self._kline(candle)))
                self._taken[place] += 1
                self._next[place] = next(self._files[place], None)
        return tuple(bars)

    def _kline(self, c: Candle) -> Kline:
        return Kline(c.open_time + self._shift, c.open, c.high, c.low, c.close, c.volume, ZERO)

    def save(self) -> bytes:
        return msgspec.msgpack.encode(self._taken)

    def restore(self, position: bytes) -> None:
        self._begin(msgspec.msgpack.decode(position, type=list[int]))


class FolderFunding:
    """Each perpetual's own rates; one without a file pays none."""

    def __init__(self, rates: Mapping[str, FileFunding], live: int) -> None:
        self._rates = rates
        self.first = min((each.first for each in rates.values()), default=next_settlement(live - 1))

    def rate(self, instrument: InstrumentId, settlement: int) -> Decimal:
        rates = self._rates.get(instrument.symbol)
        return ZERO if rates is None else rates.rate(instrument, settlement)


def candle_files(folder: Path) -> dict[InstrumentId, Path]:
    """The candle files of a folder by instrument, in the order of their names. Raises ``Problem`` for one instrument
    with two files."""
    found: dict[InstrumentId, Path] = {}
    for category, symbol, path in _named(folder):
        if category not in _CATEGORIES:
            continue
        instrument = InstrumentId(_CATEGORIES[category], symbol)
        if instrument in found:
            raise bad_setting("data", folder, f"holds two files of {instrument}: {found[instrument].name}, {path.name}")
        found[instrument] = path
    return found


def funding_files(folder: Path) -> dict[str, Path]:
    """The files of funding rates of a folder by symbol."""
    return {symbol: path for kind, symbol, path in _named(folder) if kind == "funding"}


def _named(folder: Path) -> Iterator[tuple[str, str, Path]]:
    for path in sorted(folder.iterdir()):
        ending = next((ending for ending in sorted(_ENDINGS, key=len, reverse=True) if path.name.endswith(ending)), "")
        kind, underscore, symbol = path.name.removesuffix(ending).partition("_")
        if ending and underscore:
            yield kind, symbol, path
