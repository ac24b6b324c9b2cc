"""The generated market: valid, lively, and the same everywhere for one seed."""

import itertools
import math
import os
import statistics
import subprocess
import sys
from decimal import Decimal

import pytest

from tradectl.model.instruments import Category
from tradectl.sandbox.market.catalogue import generated_instruments
from tradectl.sandbox.market.generator import GeneratedBars
from tradectl.sandbox.market.records import Bar
from tradectl.sandbox.market.symbol_specs import SPECS
from tradectl.sandbox.venue import Venue, VenueConfig

MINUTE = 60_000_000_000
PRINT_RUN = """
import hashlib, sys
from tradectl.sandbox.venue import Venue, VenueConfig
venue = Venue(VenueConfig(seed=int(sys.argv[1]), speed=None, symbols=("BTCUSDT", "DOGEUSDT")))
for topic in ("linear/orderbook.50.BTCUSDT", "spot/publicTrade.DOGEUSDT", "linear/tickers.DOGEUSDT", "spot/kline.5.BTCUSDT"):
    venue.watch(topic)
digest = hashlib.sha256()
for _ in range(120):
    for frame in venue.step().frames:
        digest.update(repr((frame.topic, frame.payload)).encode())
print(digest.hexdigest())
"""  # noqa: E501


def bars(seed: int, count: int, symbols: tuple[str, ...] = ("BTCUSDT",)) -> list[tuple[Bar, ...]]:
    source = GeneratedBars(generated_instruments(symbols), seed, MINUTE, 0)
    return [source.next_bars() for _ in range(count)]


def run_elsewhere(seed: int, hash_seed: str) -> str:
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", PRINT_RUN, str(seed)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=60).stdout


def test_a_seed_gives_the_same_frames_in_every_process() -> None:
    one, two, other = run_elsewhere(5, "1"), run_elsewhere(5, "2"), run_elsewhere(6, "1")
    assert one == two
    assert one != other


def test_candles_are_valid_and_follow_each_other() -> None:
    instruments = {i.id: i for i in generated_instruments([f"{base}USDT" for base in SPECS])}
    last: dict[object, Decimal] = {}
    for group in bars(3, 300, tuple(f"{base}USDT" for base in SPECS)):
        assert {bar.instrument for bar in group} == set(instruments)
        for bar in group:
            k, instrument = bar.kline, instruments[bar.instrument]
            assert 0 < k.low <= min(k.open, k.close) <= max(k.open, k.close) <= k.high
            assert all(price % instrument.tick_size == 0 for price in (k.open, k.high, k.low, k.close))
            assert k.volume > 0
            assert k.volume % instrument.lot_size == 0
            assert last.get(bar.instrument, k.open) == k.open
            last[bar.instrument] = k.close


def test_spot_perpetual_and_index_stay_together() -> None:
    for linear, spot in bars(4, 500):
        assert abs(linear.kline.close / spot.kline.close - 1) < Decimal("0.002")
        assert abs(linear.kline.index_ratio - 1) < Decimal("0.002")


def test_returns_have_fat_tails_clustered_volatility_and_trends() -> None:
    closes = [float(group[0].kline.close) for group in bars(1, 15_000)]
    returns = [math.log(b / a) for a, b in itertools.pairwise(closes)]
    sigma = statistics.pstdev(returns)
    assert 0.0003 < sigma < 0.0015
    assert statistics.fmean((r / sigma) ** 4 for r in returns) > 3.5  # a normal has 3
    squares = [r * r for r in returns]
    mean, variance = statistics.fmean(squares), statistics.pvariance(squares)
    lagged = statistics.fmean((a - mean) * (b - mean) for a, b in itertools.pairwise(squares))
    assert lagged / variance > 0.03
    halves = [math.log(b / a) for a, b in zip(closes[::10], closes[10::10], strict=False)]
    assert statistics.pvariance(halves) > 10 * sigma**2  # trends: ten minutes vary more than ten independent ones


def test_a_saved_generator_continues_identically() -> None:
    instruments = generated_instruments(["BTCUSDT", "ETHUSDT"])
    straight = GeneratedBars(instruments, 9, MINUTE, 0)
    for _ in range(50):
        straight.next_bars()
    place = straight.save()
    expected = [straight.next_bars() for _ in range(50)]
    other = GeneratedBars(instruments, 9, MINUTE, 0)
    other.restore(place)
    assert [other.next_bars() for _ in range(50)] == expected


@pytest.mark.parametrize("speed", [None, 60.0])
def test_backfill_exists_before_the_first_live_candle(speed: float | None) -> None:
    wall = 1_800_000_033_000_000_000
    venue = Venue(VenueConfig(speed=speed, symbols=("ETHUSDT",)), wall=lambda: wall)
    for category in (Category.LINEAR, Category.SPOT):
        query = {"category": category.value, "symbol": "ETHUSDT", "interval": "1", "limit": "1000"}
        times = [int(row[0]) for row in venue.market("kline", query)["list"]]
        assert len(times) == 301
        assert times == list(range(times[0], times[0] - 301 * 60_000, -60_000))
        if speed is not None:
            assert times[0] * 1_000_000 == wall - wall % MINUTE
