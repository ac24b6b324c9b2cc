"""A replayed file is published exactly: its prints make its candles, each candle is confirmed once."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tradectl.history.candles import read_candles
from tradectl.history.trades import read_trades
from tradectl.matching.records import FillHappened, LedgerHappened, NewOrder
from tradectl.model.errors import Problem
from tradectl.model.instruments import Category, InstrumentId
from tradectl.model.orders import OrderStatus, OrderType, Side
from tradectl.sandbox.venue import Step, Venue, VenueConfig

MINUTE = 60_000_000_000
BTC = InstrumentId(Category.LINEAR, "BTCUSDT")


def steps(venue: Venue) -> list[Step]:
    taken = []
    while not taken or not taken[-1].ended:
        taken.append(venue.step())
    return taken


class Aggregator:
    """The slow obvious way from public trades to one-minute candles."""

    def __init__(self) -> None:
        self.candles: dict[int, list[Decimal]] = {}

    def add(self, trade: dict[str, Any]) -> None:
        minute = trade["T"] - trade["T"] % 60_000
        price, size = Decimal(trade["p"]), Decimal(trade["v"])
        candle = self.candles.setdefault(minute, [price, price, price, price, Decimal(0), Decimal(0)])
        candle[1], candle[2], candle[3] = max(candle[1], price), min(candle[2], price), price
        candle[4] += size
        candle[5] += price * size


def test_a_month_is_published_exactly(month_file: Path) -> None:
    venue = Venue(VenueConfig(data=month_file, speed=None, backfill=0))
    venue.watch("linear/publicTrade.BTCUSDT")
    venue.watch("linear/kline.1.BTCUSDT")
    made, confirmed, ended = Aggregator(), [], False
    while not ended:
        step = venue.step()
        ended = step.ended
        for frame in step.frames:
            for row in frame.payload["data"]:
                if frame.topic == "linear/publicTrade.BTCUSDT":
                    made.add(row)
                else:
                    confirmed.append(row)
    venue.close()
    given = list(read_candles(month_file, MINUTE))
    assert len(given) == len(confirmed) == 43_200
    for candle, row in zip(given, confirmed, strict=True):
        assert row["confirm"] is True
        assert row["start"] * 1_000_000 == candle.open_time
        assert row["end"] == row["start"] + 59_999
        wire = [Decimal(row[key]) for key in ("open", "high", "low", "close", "volume", "turnover")]
        assert wire[:5] == [candle.open, candle.high, candle.low, candle.close, candle.volume]
        assert made.candles.get(row["start"], [*wire[:4], Decimal(0), Decimal(0)]) == wire


def test_a_stepped_candle_costs_three_frames(candle_file: Callable[..., Path]) -> None:
    venue = Venue(VenueConfig(data=candle_file(500), speed=None, backfill=0))
    for topic in ("kline.1.BTCUSDT", "tickers.BTCUSDT", "orderbook.1.BTCUSDT"):
        venue.watch(f"linear/{topic}")
    taken = steps(venue)
    assert len(taken) == 500
    assert sum(len(step.frames) for step in taken) <= 3 * 500
    kinds = [frame.payload["topic"].split(".")[0] for frame in taken[1].frames]
    assert kinds[-1] == "kline"  # who acts on the candle has seen the prices that stand when it closes


def test_gaps_of_the_file_stay_gaps_and_longer_candles_are_confirmed_once(candle_file: Callable[..., Path]) -> None:
    path = candle_file(100, skip=frozenset({4, 5, 6, 17, 29}))
    venue = Venue(VenueConfig(data=path, speed=None, backfill=0))
    venue.watch("linear/kline.5.BTCUSDT")
    rows = [row for step in steps(venue) for frame in step.frames for row in frame.payload["data"]]
    expected: dict[int, list[Any]] = {}
    for candle in read_candles(path, MINUTE):
        expected.setdefault(candle.open_time - candle.open_time % (5 * MINUTE), []).append(candle)
    assert [row["start"] * 1_000_000 for row in rows] == sorted(expected)
    for row, group in zip(rows, expected.values(), strict=True):
        assert Decimal(row["open"]) == group[0].open
        assert Decimal(row["close"]) == group[-1].close
        assert Decimal(row["high"]) == max(c.high for c in group)
        assert Decimal(row["low"]) == min(c.low for c in group)
        assert Decimal(row["volume"]) == sum(c.volume for c in group)


def test_backfill_takes_the_first_candles_and_the_rest_is_live(candle_file: Callable[..., Path]) -> None:
    path = candle_file(60)
    venue = Venue(VenueConfig(data=path, speed=None, backfill=20))
    venue.watch("linear/kline.1.BTCUSDT")
    given = list(read_candles(path, MINUTE))
    past = venue.market("kline", {"symbol": "BTCUSDT", "interval": "1", "limit": "1000"})["list"]
    assert [int(row[0]) * 1_000_000 for row in past] == [c.open_time for c in given[20::-1]]  # the open one on top
    assert len(steps(venue)) == 40


def test_the_replay_at_a_speed_starts_now_and_keeps_the_candles(candle_file: Callable[..., Path]) -> None:
    path, wall = candle_file(30), 1_800_000_033_000_000_000
    venue = Venue(VenueConfig(data=path, speed=60.0, backfill=10), wall=lambda: wall)
    venue.watch("linear/publicTrade.BTCUSDT")
    venue.watch("linear/kline.1.BTCUSDT")
    made, confirmed = Aggregator(), []
    for step in steps(venue):
        for frame in step.frames:
            for row in frame.payload["data"]:
                if "confirm" not in row:
                    made.add(row)
                elif row["confirm"]:
                    confirmed.append(row)
    live = list(read_candles(path, MINUTE))[10:]
    first = wall - wall % MINUTE
    assert [row["start"] * 1_000_000 for row in confirmed] == [first + i * MINUTE for i in range(20)]
    for row, candle in zip(confirmed, live, strict=True):
        wire = [Decimal(row[key]) for key in ("open", "high", "low", "close", "volume")]
        assert wire == [candle.open, candle.high, candle.low, candle.close, candle.volume]
        if candle.volume:
            assert made.candles[row["start"]][:5] == wire


def test_a_resting_order_trades_inside_the_candle(tmp_path: Path) -> None:
    path = tmp_path / "c.csv"
    path.write_text(
        "timestamp,open,high,low,close,volume\n"
        "1748736000000,100.0,100.0,100.0,100.0,40\n"
        "1748736060000,100.0,101.0,95.0,100.5,40\n"
    )
    venue = Venue(VenueConfig(data=path, speed=None, backfill=0))
    venue.open_account("1", {"USDT": Decimal(10_000)})
    venue.step()
    order, _ = venue.place("1", NewOrder(BTC, Side.BUY, OrderType.LIMIT, Decimal(3), Decimal("98.5")))
    assert order.status is OrderStatus.NEW
    step = venue.step()
    fill = next(h.fill for h in step.happenings if isinstance(h, FillHappened))
    assert (fill.price, fill.qty, fill.is_maker) == (Decimal("98.5"), Decimal(3), True)
    assert 1748736060000 < fill.ts // 1_000_000 < 1748736120000
    assert venue.now() == fill.ts  # the step ends where something happened; the candle closes in the next one
    assert not step.ended
    assert venue.step().ended


def test_trades_are_replayed_print_by_print(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    minute = 1_748_736_000_000
    path.write_text(
        "id,timestamp,price,volume,side,rpi\n"
        f"1,{minute + 5},0.2271,220.16,buy,0\n"
        f"2,{minute + 5},0.2272,10,sell,0\n"
        f"3,{minute + 59_999},0.2260,1.5,buy,0\n"
        f"4,{minute + 180_000},0.2265,3,sell,0\n"
    )
    venue = Venue(VenueConfig(data=path, category="spot", symbol="1INCHUSDT", speed=None))
    for topic in ("publicTrade.1INCHUSDT", "kline.1.1INCHUSDT", "orderbook.1.1INCHUSDT"):
        venue.watch(f"spot/{topic}")
    trades, candles = [], []
    for step in steps(venue):
        for frame in step.frames:
            if "publicTrade" in frame.topic:
                trades += frame.payload["data"]
            if "kline" in frame.topic:
                candles += frame.payload["data"]
    given = list(read_trades(path))
    assert [(t["T"], Decimal(t["p"]), Decimal(t["v"]), t["S"]) for t in trades] == [
        (g.ts // 1_000_000, g.price, g.size, g.side.value) for g in given
    ]
    assert [(c["start"] - minute, c["open"], c["high"], c["low"], c["close"], c["volume"]) for c in candles] == [
        (0, "0.2271", "0.2272", "0.2260", "0.2260", "231.66"),
        (60_000, "0.2260", "0.2260", "0.2260", "0.2260", "0"),
        (120_000, "0.2260", "0.2260", "0.2260", "0.2260", "0"),
        (180_000, "0.2265", "0.2265", "0.2265", "0.2265", "3"),
    ]


def test_funding_settles_at_eight_with_the_rate_of_the_file(tmp_path: Path) -> None:
    start = 1_748_736_000_000 + 7 * 3_600_000 + 58 * 60_000
    candles = "".join(f"{start + 60_000 * i},100.0,100.0,100.0,100.0,40\n" for i in range(4))
    (tmp_path / "c.csv").write_text("timestamp,open,high,low,close,volume\n" + candles)
    eight = 1_748_736_000_000 + 8 * 3_600_000
    (tmp_path / "f.csv").write_text(f"timestamp,funding_rate\n{eight - 28_800_000},0.03\n{eight},0.0001\n")
    venue = Venue(VenueConfig(data=tmp_path / "c.csv", funding=tmp_path / "f.csv", speed=None, backfill=0))
    venue.open_account("1", {"USDT": Decimal(10_000)})
    venue.place("1", NewOrder(BTC, Side.BUY, OrderType.MARKET, Decimal(2)))
    paid = [h.entry for step in steps(venue) for h in step.happenings if isinstance(h, LedgerHappened)]
    assert [(e.type, e.funding, e.ts) for e in paid] == [("SETTLEMENT", Decimal("-0.02"), eight * 1_000_000)]
    history = venue.market("funding/history", {"category": "linear", "symbol": "BTCUSDT"})["list"]
    assert [(row["fundingRate"], row["fundingRateTimestamp"]) for row in history] == [
        ("0.0001", str(eight)),
        ("0.03", str(eight - 28_800_000)),
    ]


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"category": "inverse"}, "category"),
        ({"interval": "1w"}, "interval"),
        ({"interval": "7m"}, "interval"),
        ({"symbol": "btcusdt"}, "symbol"),
        ({"speed": 0.0}, "speed"),
        ({"backfill": -1}, "backfill"),
        ({"backfill": 50}, "backfill"),
        ({"interval": "5m"}, "timestamp"),
    ],
)
def test_bad_settings_are_named(candle_file: Callable[..., Path], changed: dict[str, Any], field: str) -> None:
    settings = {"data": candle_file(50), "speed": None, "backfill": 0} | changed
    with pytest.raises(Problem) as caught:
        Venue(VenueConfig(**settings))
    assert caught.value.field == field
    assert caught.value.remedy


def test_unknown_and_missing_symbols_of_the_generator() -> None:
    with pytest.raises(Problem, match="no symbol 'FOOUSDT'"):
        Venue(VenueConfig(symbols=("BTCUSDT", "FOOUSDT")))
    with pytest.raises(Problem, match="at least one symbol"):
        Venue(VenueConfig(symbols=()))
