"""Prints, quotes and books for tests: by hand in milliseconds after the start, and random walks that hold together."""

from collections.abc import Iterator
from decimal import Decimal

import numpy as np

from tests.unit.backtest.candles import BTC, MINUTE, START, instrument
from tradectl.backtest.job import BacktestJob
from tradectl.backtest.limits import wide_open
from tradectl.engine.config import StrategyConfig
from tradectl.history.reading import MemoryHistory
from tradectl.history.series import Columns, Kind, Levels, SeriesId, Tape, Touches
from tradectl.model.instruments import InstrumentId
from tradectl.simulation.models import Models

MS = 10**6
BOOK = SeriesId(BTC, Kind.BOOK, "50")


def tape(*rows: tuple[int, float, float, int]) -> Tape:
    """(ms, price, size, side)."""
    ms, price, size, side = zip(*rows, strict=True)
    return Tape(START + MS * np.array(ms), np.array(price, float), np.array(size, float), np.array(side, np.int8))


def quotes(*rows: tuple[int, float, float, float, float]) -> Touches:
    """(ms, bid, its size, ask, its size)."""
    ms, *values = zip(*rows, strict=True)
    return Touches(START + MS * np.array(ms), *(np.array(it, float) for it in values))


def random_stream(seed: int, minutes: int = 3, instrument_: InstrumentId = BTC) -> dict[SeriesId, Columns]:
    """A walk of the bid with prints at its touch; several rows share a millisecond now and then."""
    rng = np.random.default_rng(seed)
    count = 60 * minutes
    ms = np.sort(rng.integers(0, 60_000 * minutes, count))
    bid = np.maximum(900 + np.cumsum(rng.integers(-2, 3, count)), 500)
    wide, sizes = rng.integers(1, 4, count), np.round(rng.random((2, count)) * 3 + 0.001, 3)
    touches = Touches(START + MS * ms, bid / 10, sizes[0], (bid + wide) / 10, sizes[1])
    traded = rng.random(count) < 0.6
    side = np.where(rng.random(count) < 0.5, 1, -1).astype(np.int8)
    price = np.where(side > 0, bid + wide, bid) / 10
    size = np.round(rng.random(count) * 2 + 0.001, 3)
    prints = Tape(START + MS * ms[traded], price[traded], size[traded], side[traded])
    return {SeriesId(instrument_, Kind.QUOTES): touches, SeriesId(instrument_, Kind.TRADES): prints}


def random_book(seed: int, minutes: int = 1) -> dict[SeriesId, Columns]:
    """A book of five levels a side around a walking middle: one snapshot, then what changed; with prints."""
    rng = np.random.default_rng(seed)
    rows: list[tuple[int, float, float, int, int]] = []
    prints: list[tuple[int, float, float, int]] = []
    shown: dict[tuple[int, int], float] = {}
    middle = 1000
    for n in range(40 * minutes):
        ms = n * 1500
        middle = max(500, middle + int(rng.integers(-1, 2)))
        fresh = {(middle - 1 - k, 1): round(float(rng.random()) * 5 + 0.001, 3) for k in range(5)}
        fresh |= {(middle + 1 + k, -1): round(float(rng.random()) * 5 + 0.001, 3) for k in range(5)}
        changed = {key: 0.0 for key in shown if key not in fresh} | fresh
        for place, ((tick, side), size) in enumerate(changed.items()):
            rows.append((ms, tick / 10, size, side, (1 if place else 2) if not n else 0))
        shown = fresh
        side = 1 if rng.random() < 0.5 else -1
        prints.append((ms + 700, (middle + side) / 10, round(float(rng.random()) * 4 + 0.001, 3), side))
    ms_, price, size, sides, start = zip(*rows, strict=True)
    levels = Levels(
        START + MS * np.array(ms_), np.array(price), np.array(size), np.array(sides, np.int8), np.array(start, np.int8)
    )
    return {BOOK: levels, SeriesId(BTC, Kind.TRADES): tape(*prints)}


class InParts(MemoryHistory):
    """A history that comes in parts of a few rows."""

    def read(self, series: SeriesId, since: int, until: int) -> Iterator[Columns]:
        for part in super().read(series, since, until):
            for start in range(0, len(part), 7):
                yield part.rows(start, start + 7)


def history(data: dict[SeriesId, Columns], kind: type[MemoryHistory] = MemoryHistory) -> MemoryHistory:
    return kind(data, [instrument(it) for it in {it.instrument: None for it in data}])


def job(data: str, class_: str, minutes: int = 3, models: Models = Models(), **more: object) -> BacktestJob:  # noqa: B008
    """One instance over so many minutes."""
    one = StrategyConfig(name="it", class_=class_, capital=Decimal(1), max_intents_per_minute=10**5)
    settings: dict[str, object] = {
        "instruments": (BTC,),
        "limits": wide_open(Decimal(5)),
        "leverage": Decimal(5),
    } | more
    return BacktestJob(
        strategies=(one,), interval="1m", since=START, until=START + minutes * MINUTE, data=data, models=models,
        **settings,  # type: ignore[arg-type]
    )  # fmt: skip
