"""``/v5/market``: rows, rules and pages as bybit-v5 section 4 has them."""

from decimal import Decimal
from typing import Any

import pytest

from tradectl.matching.records import Refused
from tradectl.sandbox.market.intervals import LENGTHS, bucket_end, bucket_start
from tradectl.sandbox.market.symbol_specs import SPECS
from tradectl.sandbox.venue import Venue, VenueConfig

MINUTE_MS = 60_000
WALL = 1_800_000_033_000_000_000
BTC = {"category": "linear", "symbol": "BTCUSDT"}


@pytest.fixture(scope="module")
def venue() -> Venue:
    venue = Venue(VenueConfig(speed=60.0, backfill=150), wall=lambda: WALL)
    for _ in range(17):
        venue.step()
    return venue


def times(venue: Venue, **params: object) -> list[int]:
    query = {**BTC, "interval": "1", **{key: str(value) for key, value in params.items()}}
    return [int(row[0]) for row in venue.market("kline", query)["list"]]


def test_klines_are_newest_first_with_the_open_one_on_top(venue: Venue) -> None:
    got = times(venue)
    now_ms = venue.now() // 1_000_000
    assert got[0] == now_ms - now_ms % MINUTE_MS
    assert got == list(range(got[0], got[0] - len(got) * MINUTE_MS, -MINUTE_MS))
    assert len(got) == 154
    row = venue.market("kline", {**BTC, "interval": "1", "limit": "1"})["list"][0]
    ticker = venue.market("tickers", BTC)["list"][0]
    assert len(row) == 7
    assert all(isinstance(value, str) for value in row)
    assert Decimal(row[4]) == Decimal(ticker["lastPrice"])


def test_kline_windows(venue: Venue) -> None:
    every = times(venue, limit=1000)
    assert times(venue, limit=3) == every[:3]
    assert times(venue, start=every[20], end=every[10]) == every[10:21]
    assert times(venue, start=every[20] + 1, end=every[10] + 5) == every[10:21]  # a start inside returns its candle
    assert times(venue, start=every[20], end=every[10], limit=4) == every[10:14]  # newest ones: page by the end
    assert times(venue, end=every[10], limit=3) == every[10:13]
    assert times(venue, start=every[20], limit=4) == every[17:21]  # start alone runs forward
    assert times(venue, start=every[0] + 10 * MINUTE_MS) == []
    assert times(venue, end=every[-1] - 1) == []


@pytest.mark.parametrize("interval", ["3", "5", "15", "60", "240", "D", "W", "M"])
def test_longer_candles_are_made_of_the_minutes(venue: Venue, interval: str) -> None:
    minutes = venue.market("kline", {**BTC, "interval": "1", "limit": "1000"})["list"]
    groups: dict[int, list[list[str]]] = {}
    for row in minutes:
        groups.setdefault(bucket_start(int(row[0]) * 1_000_000, interval) // 1_000_000, []).append(row)
    got = venue.market("kline", {**BTC, "interval": interval, "limit": "1000"})["list"]
    assert [int(row[0]) for row in got] == list(groups)
    for row, group in zip(got, groups.values(), strict=True):
        assert row[1] == group[-1][1]
        assert row[4] == group[0][4]
        assert Decimal(row[2]) == max(Decimal(r[2]) for r in group)
        assert Decimal(row[3]) == min(Decimal(r[3]) for r in group)
        assert Decimal(row[5]) == sum(Decimal(r[5]) for r in group)
        assert Decimal(row[6]) == sum(Decimal(r[6]) for r in group)


def test_buckets_follow_the_calendar() -> None:
    second = 1_000_000_000
    saturday = 1_767_398_400 * second  # 2026-01-03 00:00 UTC
    assert bucket_start(saturday + 5, "W") == (1_767_398_400 - 5 * 86_400) * second  # Monday the 29th
    assert bucket_start(saturday, "M") == 1_767_225_600 * second
    assert bucket_end(1_767_225_600 * second, "M") == 1_769_904_000 * second
    assert bucket_start(saturday + 86_399 * second, "D") == saturday
    for wire in LENGTHS:
        start = bucket_start(saturday + 12_345 * second, wire)
        assert start <= saturday + 12_345 * second < bucket_end(start, wire)


def test_mark_and_index_candles_have_five_columns_near_the_trades(venue: Venue) -> None:
    traded = venue.market("kline", {**BTC, "interval": "5", "limit": "3"})["list"]
    for path in ("mark-price-kline", "index-price-kline"):
        rows = venue.market(path, {**BTC, "interval": "5", "limit": "3"})["list"]
        assert [row[0] for row in rows] == [row[0] for row in traded]
        for row, trade in zip(rows, traded, strict=True):
            assert len(row) == 5
            assert abs(Decimal(row[4]) / Decimal(trade[4]) - 1) < Decimal("0.002")
            assert Decimal(row[3]) <= min(Decimal(row[1]), Decimal(row[4]))


def test_premium_candles_join_price_and_index(venue: Venue) -> None:
    query = {**BTC, "interval": "1", "limit": "5"}
    rows = venue.market("premium-index-price-kline", query)["list"]
    traded, index = (venue.market(path, query)["list"] for path in ("kline", "index-price-kline"))
    assert [row[0] for row in rows] == [row[0] for row in traded]
    for row, price, fair in zip(rows, traded, index, strict=True):
        premium = Decimal(price[4]) / Decimal(fair[4]) - 1
        assert abs(Decimal(row[4]) - premium) < Decimal("0.00001")
        assert Decimal(row[3]) <= min(Decimal(row[1]), Decimal(row[4]))
    with pytest.raises(Refused, match="Category"):
        venue.market("premium-index-price-kline", {**query, "category": "spot"})


def test_symbols_differ_in_age_turnover_and_spread() -> None:
    """What a universe filter sorts by (bybit-v5 4.3, 4.5)."""
    symbols = tuple(f"{base}USDT" for base in SPECS)
    venue = Venue(VenueConfig(speed=None, backfill=60, symbols=symbols))
    rows = venue.market("instruments-info", {"category": "linear"})["list"]
    launched = [int(row["launchTime"]) for row in rows]
    now = venue.now() // 1_000_000
    assert all(launch < now for launch in launched)
    assert 0 < sum(now - launch < 180 * 86_400_000 for launch in launched) < len(launched)
    tickers = venue.market("tickers", {"category": "linear"})["list"]
    assert [row["symbol"] for row in tickers] == list(symbols)
    turnovers = [Decimal(row["turnover24h"]) for row in tickers]
    assert max(turnovers) > 20 * min(turnovers) > 0
    spreads = [(Decimal(row["ask1Price"]) - Decimal(row["bid1Price"])) / Decimal(row["bid1Price"]) for row in tickers]
    assert max(spreads) > 50 * min(spreads) > 0
    for row in tickers:
        assert Decimal(row["lowPrice24h"]) <= Decimal(row["lastPrice"]) <= Decimal(row["highPrice24h"])
        assert Decimal(row["volume24h"]) > 0


def collect(venue: Venue, path: str, **params: str) -> list[dict[str, Any]]:
    rows, cursor = [], ""
    while True:
        result = venue.market(path, {**params, **({"cursor": cursor} if cursor else {})})
        rows += result["list"]
        cursor = result["nextPageCursor"]
        if not cursor:
            return rows


def test_instruments_are_paged_and_keep_their_keys(venue: Venue) -> None:
    rows = collect(venue, "instruments-info", category="linear", limit="2")
    assert [row["symbol"] for row in rows] == ["BTCUSDT", "ETHUSDT", "SOLUSDT"]
    assert isinstance(rows[0]["fundingInterval"], int)
    assert all(isinstance(value, str) for value in rows[0]["lotSizeFilter"].values())
    assert set(rows[0]["riskParameters"]) == {"priceLimitRatioX", "priceLimitRatioY"}
    spot = venue.market("instruments-info", {"category": "spot"})
    assert "nextPageCursor" not in spot
    assert spot["list"][0]["lotSizeFilter"]["basePrecision"] == "0.000001"
    for category in ("inverse", "option"):
        assert venue.market("instruments-info", {"category": category})["list"] == []
    assert venue.market("instruments-info", {"category": "linear", "status": "PreLaunch"})["list"] == []
    assert [r["symbol"] for r in collect(venue, "instruments-info", category="linear", baseCoin="ETH")] == ["ETHUSDT"]


def test_open_interest_pages_through_its_past(venue: Venue) -> None:
    rows = collect(venue, "open-interest", **BTC, intervalTime="5min", limit="7")
    stamps = [int(row["timestamp"]) for row in rows]
    assert stamps == list(range(stamps[0], stamps[0] - len(stamps) * 300_000, -300_000))
    assert len(stamps) > 25
    assert all(Decimal(row["openInterest"]) == 2 * Decimal(row["singleOpenInterest"]) for row in rows)


def test_funding_history_rules(venue: Venue) -> None:
    rows = venue.market("funding/history", {**BTC, "limit": "5"})["list"]
    stamps = [int(row["fundingRateTimestamp"]) for row in rows]
    assert all(stamp % 28_800_000 == 0 for stamp in stamps)
    assert stamps == sorted(stamps, reverse=True)
    assert stamps[0] <= venue.now() // 1_000_000
    assert len({row["fundingRate"] for row in rows}) > 1
    window = {"startTime": str(stamps[3]), "endTime": str(stamps[1])}
    assert venue.market("funding/history", {**BTC, **window})["list"] == rows[1:4]
    with pytest.raises(Refused, match="startTime without endTime"):
        venue.market("funding/history", {**BTC, "startTime": str(stamps[3])})


def test_recent_trades_are_newest_first_and_stable(venue: Venue) -> None:
    rows = venue.market("recent-trade", {**BTC, "limit": "9"})["list"]
    assert len(rows) == 9
    assert len({row["execId"] for row in rows}) == 9
    assert [row["time"] for row in rows] == sorted((row["time"] for row in rows), reverse=True)
    assert venue.market("recent-trade", {**BTC, "limit": "9"})["list"] == rows
    assert all(isinstance(row["seq"], str) and row["side"] in ("Buy", "Sell") for row in rows)


def test_price_limits_and_risk_limits(venue: Venue) -> None:
    limit = venue.market("price-limit", BTC)
    last = Decimal(venue.market("tickers", BTC)["list"][0]["lastPrice"])
    assert Decimal(limit["sellLmt"]) < last < Decimal(limit["buyLmt"])
    assert [row["symbol"] for row in collect(venue, "risk-limit", category="linear")] == [
        "BTCUSDT", "ETHUSDT", "SOLUSDT",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("path", "params"),
    [
        ("kline", {"interval": "1"}),
        ("kline", {**BTC}),
        ("kline", {**BTC, "interval": "7"}),
        ("kline", {**BTC, "interval": "1", "limit": "1001"}),
        ("kline", {**BTC, "interval": "1", "limit": "0"}),
        ("kline", {**BTC, "interval": "1", "start": "-5"}),
        ("kline", {**BTC, "interval": "1", "start": "9", "end": "8"}),
        ("kline", {"category": "cash", "symbol": "BTCUSDT", "interval": "1"}),
        ("orderbook", {"category": "linear", "symbol": "btcusdt"}),
        ("orderbook", {"symbol": "BTCUSDT"}),
        ("tickers", {}),
        ("recent-trade", {"category": "spot", "symbol": "BTCUSDT", "limit": "61"}),
        ("open-interest", {**BTC, "intervalTime": "2min"}),
        ("open-interest", {"category": "spot", "symbol": "BTCUSDT", "intervalTime": "1h"}),
        ("instruments-info", {"category": "linear", "cursor": "elsewhere"}),
        ("instruments-info", {"category": "linear", "symbol": "NOPE"}),
    ],
)
def test_bad_parameters_are_refused(venue: Venue, path: str, params: dict[str, str]) -> None:
    with pytest.raises(Refused) as caught:
        venue.market(path, params)
    assert caught.value.code == 10001


def test_day_figures_match_the_candles(venue: Venue) -> None:
    rows = venue.market("kline", {**BTC, "interval": "1", "limit": "1000"})["list"]
    ticker = venue.market("tickers", BTC)["list"][0]
    assert Decimal(ticker["highPrice24h"]) == max(Decimal(row[2]) for row in rows)
    assert Decimal(ticker["lowPrice24h"]) == min(Decimal(row[3]) for row in rows)
    assert Decimal(ticker["volume24h"]) == sum(Decimal(row[5]) for row in rows)
    assert Decimal(ticker["turnover24h"]) == sum(Decimal(row[6]) for row in rows)
    assert ticker["prevPrice24h"] == rows[-1][1]
