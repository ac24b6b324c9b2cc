"""What a client keeps from the frames is what the venue shows: books, tickers, candles."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradectl.matching.records import Refused
from tradectl.sandbox.venue import Venue, VenueConfig


def generated(seed: int = 2, speed: float | None = 30.0, symbols: tuple[str, ...] = ("BTCUSDT",)) -> Venue:
    return Venue(VenueConfig(seed=seed, speed=speed, symbols=symbols, backfill=30), wall=lambda: 1_800_000_000 * 10**9)


class ClientBook:
    """A strict client: it refuses a gap in ``u`` and the deletion of a level it does not hold."""

    def __init__(self, snapshot: dict[str, Any]) -> None:
        assert snapshot["type"] == "snapshot"
        self.sides = {side: dict(snapshot["data"][side]) for side in "ba"}
        self.update, self.seq = snapshot["data"]["u"], snapshot["data"]["seq"]

    def apply(self, message: dict[str, Any]) -> None:
        assert message["type"] == "delta"
        data = message["data"]
        assert data["u"] == self.update + 1
        assert data["seq"] > self.seq
        assert message["ts"] >= message["cts"]
        self.update, self.seq = data["u"], data["seq"]
        for side in "ba":
            for price, size in data[side]:
                if size == "0":
                    del self.sides[side][price]
                else:
                    self.sides[side][price] = size

    def check(self, shown: dict[str, Any], depth: int) -> None:
        for side, descending in (("b", True), ("a", False)):
            levels = sorted(self.sides[side].items(), key=lambda x: Decimal(x[0]), reverse=descending)
            assert [list(level) for level in levels] == shown[side]
            assert len(levels) <= depth
        assert max(map(Decimal, self.sides["b"])) < min(map(Decimal, self.sides["a"]))
        assert all(Decimal(size) > 0 for side in self.sides.values() for size in side.values())


@settings(max_examples=8, deadline=None)
@given(st.integers(1, 10**6), st.sampled_from([50, 200, 1000]))
def test_deltas_rebuild_the_book_and_it_never_crosses(seed: int, depth: int) -> None:
    venue = generated(seed)
    topic = f"linear/orderbook.{depth}.BTCUSDT"
    venue.watch(topic)
    first = venue.snapshot(topic)
    assert first is not None
    client = ClientBook(first)
    for _ in range(60):
        for frame in venue.step().frames:
            client.apply(frame.payload)
        query = {"category": "linear", "symbol": "BTCUSDT", "limit": str(depth)}
        client.check(venue.market("orderbook", query), depth)


def test_a_late_subscriber_continues_from_the_published_book() -> None:
    venue, topic = generated(), "linear/orderbook.50.BTCUSDT"
    venue.watch(topic)
    for _ in range(10):
        venue.step()
    venue.watch(topic)
    snapshot = venue.snapshot(topic)
    assert snapshot is not None
    late = ClientBook(snapshot)
    venue.unwatch(topic)
    for _ in range(10):
        for frame in venue.step().frames:
            late.apply(frame.payload)
    venue.unwatch(topic)
    assert not venue.step().frames


def test_level_one_is_snapshots_only() -> None:
    venue = generated()
    venue.watch("spot/orderbook.1.BTCUSDT")
    messages = [frame.payload for _ in range(40) for frame in venue.step().frames]
    assert messages
    assert {m["type"] for m in messages} == {"snapshot"}
    assert all(len(m["data"]["b"]) == len(m["data"]["a"]) == 1 for m in messages)


def test_level_one_repeats_itself_after_three_quiet_seconds(tmp_path: Any) -> None:
    rows = "".join(f"{1_748_736_000_000 + 60_000 * i},100.0,100.0,100.0,100.0,40\n" for i in range(3))
    (tmp_path / "c.csv").write_text("timestamp,open,high,low,close,volume\n" + rows)
    venue = Venue(VenueConfig(data=tmp_path / "c.csv", speed=None, backfill=0))
    venue.watch("linear/orderbook.1.BTCUSDT")
    first = venue.snapshot("linear/orderbook.1.BTCUSDT")
    again = [frame.payload for _ in range(3) for frame in venue.step().frames]
    assert first is not None
    assert len(again) >= 2
    assert {m["data"]["u"] for m in again} == {first["data"]["u"]}


def test_ticker_deltas_merge_to_the_rest_row() -> None:
    venue, topic = generated(), "linear/tickers.BTCUSDT"
    venue.watch(topic)
    snapshot = venue.snapshot(topic)
    assert snapshot is not None
    merged = dict(snapshot["data"])
    for _ in range(50):
        for frame in venue.step().frames:
            assert frame.payload["type"] == "delta"
            assert frame.payload["data"]["symbol"] == "BTCUSDT"
            assert set(frame.payload["data"]) <= set(snapshot["data"])
            merged |= frame.payload["data"]
    row = venue.market("tickers", {"category": "linear", "symbol": "BTCUSDT"})["list"][0]
    shared = set(row) & set(merged)
    # Between two quotes (a candle that just closed) only the figures of closed candles move.
    assert {k: row[k] for k in shared} == {k: merged[k] for k in shared}
    assert len(shared) >= 20


def test_the_spot_ticker_is_always_whole() -> None:
    venue, topic = generated(), "spot/tickers.BTCUSDT"
    venue.watch(topic)
    messages = [frame.payload for _ in range(20) for frame in venue.step().frames]
    assert all(m["type"] == "snapshot" and len(m["data"]) == 9 for m in messages)


def test_forming_candles_come_about_once_a_second_of_wall_time() -> None:
    venue = generated(speed=1.0)
    venue.watch("linear/kline.1.BTCUSDT")
    rows = [row for _ in range(241) for frame in venue.step().frames for row in frame.payload["data"]]
    assert 50 <= len(rows) <= 62
    assert [row["confirm"] for row in rows].count(True) == 1
    assert rows[-1]["confirm"]


def test_a_stepped_market_pushes_no_forming_candles() -> None:
    venue = generated(speed=None)
    venue.watch("linear/kline.1.BTCUSDT")
    rows = [row for _ in range(20) for frame in venue.step().frames for row in frame.payload["data"]]
    assert len(rows) == 20
    assert all(row["confirm"] for row in rows)


@pytest.mark.parametrize(
    "topic",
    [
        "linear/orderbook.500.BTCUSDT", "linear/orderbook.50", "linear/foo.BTCUSDT", "linear/kline.7.BTCUSDT",
        "linear/tickers.NOPEUSDT", "inverse/tickers.BTCUSD", "tickers.BTCUSDT", "linear/", "",
        "linear/kline.1.BTCUSDT.x",
    ],
)  # fmt: skip
def test_topics_that_do_not_exist_are_refused(topic: str) -> None:
    venue = generated()
    with pytest.raises(Refused) as caught:
        venue.watch(topic)
    assert caught.value.code == 10001
    assert "handler not found,topic:" in caught.value.message
