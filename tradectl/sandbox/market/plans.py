"""The three kinds of market a configuration can ask for: generated, replayed candles, replayed trades.

A plan has read and checked everything; what its first start decided is its :class:`Origin`.
"""

import hashlib
import json
from decimal import Decimal
from pathlib import Path
from typing import Protocol

from msgspec import Struct

from tradectl.model.errors import ErrorCode, Problem
from tradectl.model.instruments import Instrument, InstrumentId
from tradectl.model.market_data import INTERVALS
from tradectl.sandbox.market.bar_moments import closed_kline
from tradectl.sandbox.market.catalogue import generated_instruments
from tradectl.sandbox.market.file_catalogue import file_instrument
from tradectl.sandbox.market.forming import Forming
from tradectl.sandbox.market.funding_rates import FileFunding, FundingRates, GeneratedFunding, NoFunding
from tradectl.sandbox.market.generator import GeneratedBars
from tradectl.sandbox.market.liquidity import Liquidity, LivelyLiquidity, ReplayLiquidity
from tradectl.sandbox.market.records import Bar
from tradectl.sandbox.market.replay import FileBars, candle_facts, digest_of
from tradectl.sandbox.market.settings import VenueConfig
from tradectl.sandbox.market.symbol_specs import spec_of
from tradectl.sandbox.market.tape import BarSource, CandleTape, Tape, parts_per_bar
from tradectl.sandbox.market.trade_tape import TradeTape, trade_facts

MINUTE = INTERVALS["1m"]
DEFAULT_BACKFILL = 300
#: A stepped generated market starts at 2026-01-01 00:00 UTC, so that it is the same every time.
STEPPED_START = 1_767_225_600_000_000_000


class Origin(Struct, frozen=True):
    """What a venue's first start decided and every later one keeps: the identity of its market, and when it began.

    ``live`` is the open of the first live candle in venue time, ``shift`` what is added to a file's times.
    """

    fingerprint: str
    live: int
    shift: int = 0


class MarketPlan(Protocol):
    """A market that can be begun at an origin, as often as needed and always the same."""

    instruments: list[Instrument]
    interval: int
    fingerprint: str

    def origin(self, wall: int) -> Origin:
        """The origin of a venue that is started at this wall time for the first time."""

    def tape(self, origin: Origin) -> tuple[Tape, list[Bar]]:
        """The tape at its beginning, and the closed candles that come before it."""

    def funding(self, origin: Origin) -> FundingRates:
        """The rates of the perpetuals."""

    def liquidity(self, instrument: Instrument) -> Liquidity:
        """The maker of an instrument's displayed book."""

    def first_price(self, instrument: InstrumentId) -> Decimal:
        """A price to start from where there is no candle yet."""


def fingerprint_of(**facts: object) -> str:
    """The identity of a market: two markets with one fingerprint are the same candle for candle."""
    text = json.dumps(facts, sort_keys=True, default=str)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


class GeneratedMarket:
    """Trends, volatility clusters and jumps from a seed."""

    def __init__(self, config: VenueConfig) -> None:
        if not config.symbols or len(set(config.symbols)) != len(config.symbols):
            raise bad_setting("symbols", ",".join(config.symbols), "must name at least one symbol, each once")
        self._config = config
        self._backfill = backfill_of(config, DEFAULT_BACKFILL)
        self.instruments = generated_instruments(config.symbols)
        self.interval = MINUTE
        self.fingerprint = fingerprint_of(
            kind="generated", seed=config.seed, symbols=config.symbols, backfill=self._backfill
        )
        self._first = {bar.instrument: bar.kline.open for bar in self._source(0).next_bars()}

    def _source(self, start: int) -> GeneratedBars:
        return GeneratedBars(self.instruments, self._config.seed, MINUTE, start)

    def origin(self, wall: int) -> Origin:
        live = STEPPED_START if self._config.speed is None else wall - wall % MINUTE
        return Origin(self.fingerprint, live)

    def tape(self, origin: Origin) -> tuple[Tape, list[Bar]]:
        source = self._source(origin.live - self._backfill * MINUTE)
        return begin_candles(source, self.instruments, MINUTE, self._config.speed, self._backfill)

    def funding(self, origin: Origin) -> FundingRates:
        return GeneratedFunding(self._config.seed, origin.live)

    def liquidity(self, instrument: Instrument) -> Liquidity:
        spread = spec_of(instrument.id.symbol).spread
        return LivelyLiquidity(instrument, self._first[instrument.id], self._config.seed, spread)

    def first_price(self, instrument: InstrumentId) -> Decimal:
        return self._first[instrument]


class CandleReplay:
    """The candles of a file; the first ``backfill`` of them are the past."""

    def __init__(self, config: VenueConfig, path: Path, identity: InstrumentId, interval: int) -> None:
        self._config = config
        self._path = path
        self._backfill = backfill_of(config, 0 if config.speed is None else DEFAULT_BACKFILL)
        self._facts = facts = candle_facts(path, interval, self._backfill)
        if facts.rows <= self._backfill:
            rule = f"leaves none of the {facts.rows} candles of {path} to replay"
            raise bad_setting("backfill", self._backfill, rule)
        self.instruments = [file_instrument(identity, facts.price_decimals, facts.size_decimals, facts.first_price)]
        self.interval = interval
        self.fingerprint = fingerprint_of(
            kind="candles", instrument=identity, interval=interval, data=facts.digest, backfill=self._backfill,
            funding=_digest(config.funding),
        )  # fmt: skip

    def origin(self, wall: int) -> Origin:
        shift = _shift(self._config.speed, wall, self._facts.live_time, self.interval)
        return Origin(self.fingerprint, self._facts.live_time + shift, shift)

    def tape(self, origin: Origin) -> tuple[Tape, list[Bar]]:
        source = FileBars(self._path, self.instruments[0].id, self.interval, origin.shift)
        return begin_candles(source, self.instruments, self.interval, self._config.speed, self._backfill)

    def funding(self, origin: Origin) -> FundingRates:
        return _file_funding(self._config.funding, origin)

    def liquidity(self, instrument: Instrument) -> Liquidity:
        return ReplayLiquidity(instrument, self._facts.first_price)

    def first_price(self, instrument: InstrumentId) -> Decimal:
        return self._facts.first_price


class TradeReplay:
    """The trades of a file. Nothing is known of the time before it: the candles of the past are flat, without volume,
    at its first price."""

    def __init__(self, config: VenueConfig, path: Path, identity: InstrumentId, interval: int) -> None:
        self._config = config
        self._path = path
        self._backfill = backfill_of(config, 0 if config.speed is None else DEFAULT_BACKFILL)
        self._facts = facts = trade_facts(path)
        self.instruments = [file_instrument(identity, facts.price_decimals, facts.size_decimals, facts.first_price)]
        self.interval = interval
        self.fingerprint = fingerprint_of(
            kind="trades", instrument=identity, interval=interval, data=facts.digest, backfill=self._backfill,
            funding=_digest(config.funding),
        )  # fmt: skip

    def origin(self, wall: int) -> Origin:
        first = self._facts.first_time - self._facts.first_time % self.interval
        shift = _shift(self._config.speed, wall, first, self.interval)
        return Origin(self.fingerprint, first + shift, shift)

    def tape(self, origin: Origin) -> tuple[Tape, list[Bar]]:
        identity, price = self.instruments[0].id, self._facts.first_price
        opens = (origin.live - (i + 1) * self.interval for i in reversed(range(self._backfill)))
        past = [Bar(identity, Forming(open_time, price).kline()) for open_time in opens]
        return TradeTape(self._path, identity, self.interval, origin.shift, self._facts), past

    def funding(self, origin: Origin) -> FundingRates:
        return _file_funding(self._config.funding, origin)

    def liquidity(self, instrument: Instrument) -> Liquidity:
        return ReplayLiquidity(instrument, self._facts.first_price)

    def first_price(self, instrument: InstrumentId) -> Decimal:
        return self._facts.first_price


def begin_candles(
    source: BarSource, instruments: list[Instrument], interval: int, speed: float | None, backfill: int
) -> tuple[Tape, list[Bar]]:
    """Set the first ``backfill`` candles of a source aside as the past and put the rest on a tape."""
    by_id = {instrument.id: instrument for instrument in instruments}
    past: list[Bar] = []
    for _ in range(backfill):
        bars = source.next_bars()
        assert bars is not None  # the plan has counted them
        past += [Bar(bar.instrument, closed_kline(bar.kline, by_id[bar.instrument])) for bar in bars]
    tape = CandleTape(source, lambda bar: by_id[bar.instrument], interval, parts_per_bar(interval, speed))
    return tape, past


def backfill_of(config: VenueConfig, default: int) -> int:
    """The configured number of past candles. Raises ``Problem`` when it is negative."""
    backfill = default if config.backfill is None else config.backfill
    if backfill < 0:
        raise bad_setting("backfill", backfill, "must not be negative")
    return backfill


def bad_setting(field: str, value: object, rule: str) -> Problem:
    """A setting of the venue that cannot be used."""
    return Problem(
        ErrorCode.INVALID_SETTING, f"{field} {value} {rule}", field=field, reason=rule, remedy=f"Change {field}"
    )


def _shift(speed: float | None, wall: int, live: int, interval: int) -> int:
    """Replayed at a speed, the first live candle opens now; stepped, times stay what they were."""
    return 0 if speed is None else wall - wall % interval - live


def _file_funding(path: Path | None, origin: Origin) -> FundingRates:
    return NoFunding(origin.live) if path is None else FileFunding(path, origin.shift)


def _digest(path: Path | None) -> str:
    if path is None:
        return ""
    # Read as rates first: a bad row is a better answer than a hash.
    FileFunding(path, 0)
    return digest_of(path)
