"""Bybit's history over REST against a scripted venue: whole pages, the venue's limits, refusals with their meaning."""

import random
import time
from collections.abc import AsyncIterator
from typing import Any

import numpy as np
import pytest

from tradectl.exchange.bybit.clock import VenueClock
from tradectl.exchange.bybit.config import BybitConfig, Environment
from tradectl.exchange.bybit.history_rest import BybitHistory
from tradectl.exchange.bybit.wiring import make_rest
from tradectl.history.series import Kind, SeriesId
from tradectl.history.sources import Piece
from tradectl.model.errors import ErrorCode, Problem
from tradectl.model.instruments import Category, InstrumentId
from tradectl.model.market_data import INTERVALS

MS, MINUTE, HOUR = 1_000_000, INTERVALS["1m"], INTERVALS["1h"]
START = 20_240 * INTERVALS["1d"]
BTC, SPOT = InstrumentId(Category.LINEAR, "BTCUSDT"), InstrumentId(Category.SPOT, "BTCUSDT")
CANDLES = SeriesId(BTC, Kind.CANDLES, "1m")


@pytest.fixture
async def source(rig: Any) -> AsyncIterator[BybitHistory]:
    config = BybitConfig(environment=Environment.MAINNET, rest_base=rig._rest, read_attempts=3)
    rest, _ = make_rest(config, None, VenueClock(time.time_ns), random.random)
    made = BybitHistory(rest, 0)
    yield made
    await made.close()


def kline(p: dict[str, str]) -> dict[str, Any]:
    """A candle a minute, newest first, and the one ``start`` lies in (bybit-v5 4.2)."""
    start, end, limit = int(p["start"]), int(p["end"]), int(p["limit"])
    times = list(range(start // 60_000 * 60_000, end + 1, 60_000))[-limit:]
    return {"list": [[str(t), "2", "3", "1", "2.5", "4", "10"] for t in reversed(times)]}


async def all_of(source: BybitHistory, series: SeriesId, since: int, until: int) -> list[Piece]:
    return [piece async for piece in source.pieces(series, since, until)]


def times_of(pieces: list[Piece]) -> list[int]:
    return [int(at) for piece in pieces for at in piece.columns.times]


async def test_candles_come_in_pages_of_a_thousand_without_overlap(rig: Any, source: BybitHistory) -> None:
    rig.venue.routes["/v5/market/kline"] = kline
    pieces = await all_of(source, CANDLES, START, START + 2500 * MINUTE)
    assert times_of(pieces) == [START + n * MINUTE for n in range(2500)]
    assert [(it.since, it.until) for it in pieces] == [
        (START + n * MINUTE, START + min(n + 1000, 2500) * MINUTE) for n in (0, 1000, 2000)
    ]
    asked = sorted((int(p["start"]), int(p["end"]), int(p["limit"])) for p in rig.venue.called("/v5/market/kline"))
    assert asked[0] == (START // MS, (START + 1000 * MINUTE) // MS - 1, 1000)
    assert len(asked) == 3


async def test_a_full_page_of_funding_is_paged_backwards(rig: Any, source: BybitHistory) -> None:
    """Half-hourly settlements do not exist; if they did, none would be lost."""
    first, step = START // MS, 1_800_000

    def funding(p: dict[str, str]) -> dict[str, Any]:
        end = int(p["endTime"])
        times = [t for t in range(first, end + 1, step) if t >= int(p["startTime"])][-int(p["limit"]) :]
        return {"list": [{"symbol": "BTCUSDT", "fundingRate": "0.0001", "fundingRateTimestamp": str(t)}
                         for t in reversed(times)]}  # fmt: skip

    rig.venue.routes["/v5/market/funding/history"] = funding
    pieces = await all_of(source, SeriesId(BTC, Kind.FUNDING), START, START + 150 * HOUR)
    assert times_of(pieces) == [START + n * step * MS for n in range(300)]


async def test_open_interest_follows_the_cursor(rig: Any, source: BybitHistory) -> None:
    def interest(p: dict[str, str]) -> dict[str, Any]:
        place = int(p.get("cursor") or 0)
        row = {"openInterest": f"{place}.5", "timestamp": str(START // MS + (2 - place) * 300_000)}
        return {"list": [row], "nextPageCursor": str(place + 1) if place < 2 else ""}

    rig.venue.routes["/v5/market/open-interest"] = interest
    (piece,) = await all_of(source, SeriesId(BTC, Kind.OPEN_INTEREST, "5m"), START, START + 15 * MINUTE)
    assert piece.columns.arrays()[1].tolist() == [2.5, 1.5, 0.5]
    assert rig.venue.called("/v5/market/open-interest")[0]["intervalTime"] == "5min"


async def test_mark_candles_have_no_volume(rig: Any, source: BybitHistory) -> None:
    rig.venue.routes["/v5/market/mark-price-kline"] = lambda p: {"list": [row[:5] for row in kline(p)["list"]]}
    (piece,) = await all_of(source, SeriesId(BTC, Kind.MARK, "1m"), START, START + 3 * MINUTE)
    assert [column.tolist() for column in piece.columns.arrays()[4:]] == [[2.5] * 3, [0.0] * 3, [0.0] * 3]


@pytest.mark.parametrize(("instrument", "limit"), [(BTC, 1000), (SPOT, 60)])
async def test_the_newest_trades_without_those_of_half_seen_milliseconds(
    rig: Any, source: BybitHistory, instrument: InstrumentId, limit: int
) -> None:
    def recent(p: dict[str, str]) -> dict[str, Any]:
        assert p["limit"] == str(limit)
        rows = [{"execId": str(n), "price": str(n + 1), "size": "1", "side": "Sell", "time": str(START // MS + n // 2)}
                for n in range(limit)]  # fmt: skip
        return {"list": rows[::-1]}

    rig.venue.routes["/v5/market/recent-trade"] = recent
    (piece,) = await all_of(source, SeriesId(instrument, Kind.TRADES), START - HOUR, START + HOUR)
    assert piece.columns.arrays()[1].tolist() == [float(n + 1) for n in range(2, limit - 2)]
    assert (piece.since, piece.until) == (START + MS, START + (limit // 2 - 1) * MS)
    assert len(source.notes) == 1
    assert "--source archive" in source.notes[0]


async def test_too_many_visits_are_waited_for(rig: Any, source: BybitHistory) -> None:
    tries: list[int] = []

    def busy(p: dict[str, str]) -> Any:
        tries.append(1)
        return (10006, {}) if len(tries) < 3 else kline(p)

    rig.venue.routes["/v5/market/kline"] = busy
    assert len(times_of(await all_of(source, CANDLES, START, START + 5 * MINUTE))) == 5
    assert len(tries) == 3


@pytest.mark.parametrize(
    ("answer", "code", "words"),
    [
        ((10006, {}), ErrorCode.TOO_MANY_REQUESTS, "goes on where it was"),
        ((10001, {}), ErrorCode.UNKNOWN_SYMBOL, "instruments list"),
        ((0, {"list": [[str(START // MS), "2", "1", "1", "2.5", "4", "10"]]}), ErrorCode.NOT_READY, "not usable"),
        ((0, {"list": [[str(START // MS), "2", "nan", "1", "2.5", "4", "10"]]}), ErrorCode.NOT_READY, "not usable"),
        ((0, {"list": [["soon", "2", "3", "1", "2.5", "4", "10"]]}), ErrorCode.NOT_READY, "a shape we do not know"),
    ],
)
async def test_a_read_that_fails_for_good_says_what_to_do(
    rig: Any, source: BybitHistory, answer: tuple[int, dict[str, Any]], code: ErrorCode, words: str
) -> None:
    rig.venue.routes["/v5/market/kline"] = lambda p: answer
    with pytest.raises(Problem) as caught:
        await all_of(source, CANDLES, START, START + MINUTE)
    assert caught.value.code is code
    assert words in str(caught.value)


async def test_a_venue_that_is_not_there_is_named(rig: Any) -> None:
    config = BybitConfig(rest_base="http://127.0.0.1:9", read_attempts=1)
    rest, _ = make_rest(config, None, VenueClock(time.time_ns), random.random)
    made = BybitHistory(rest, 0)
    with pytest.raises(Problem, match="does not answer about linear:BTCUSDT") as caught:
        await made.now(BTC)
    assert caught.value.code is ErrorCode.NOT_READY
    await made.close()


async def test_what_is_traded_no_more_is_listed_too(rig: Any, source: BybitHistory) -> None:
    live = rig.venue.routes["/v5/market/instruments-info"]

    def listed(p: dict[str, str]) -> dict[str, Any]:
        row = dict(live(p)["list"][0])
        if p.get("status") == "Closed":
            row |= {"symbol": "DEADUSDT", "status": "Closed", "launchTime": "1585526400000"}
        return {"list": [row], "nextPageCursor": ""}

    rig.venue.routes["/v5/market/instruments-info"] = listed
    found = await source.instruments(Category.LINEAR)
    assert found is not None
    assert {it.symbol: found[it].status for it in found} == {"BTCUSDT": "Trading", "DEADUSDT": "Closed"}


def test_refusals_name_the_reason() -> None:
    source = BybitHistory(None, 0)  # type: ignore[arg-type]
    refused = {
        SeriesId(BTC, Kind.QUOTES): "data record",
        SeriesId(SPOT, Kind.FUNDING): "spot has no funding",
        SeriesId(BTC, Kind.OPEN_INTEREST, "1m"): "every 5m",
        SeriesId(InstrumentId(Category.OPTION, "X"), Kind.CANDLES, "1m"): "options",
    }
    for series, words in refused.items():
        assert words in source.refusal(series)
    assert source.refusal(CANDLES) == ""
    assert np.all([source.refusal(SeriesId(BTC, kind, "1h")) == "" for kind in (Kind.MARK, Kind.INDEX)])
