"""A folder of candle files is one market: each file its instrument, all of them by time, each candle once."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tradectl.history.candles import read_candles
from tradectl.model.errors import Problem
from tradectl.model.instruments import Category, InstrumentId
from tradectl.sandbox.market.folder_replay import FolderBars, FolderReplay
from tradectl.sandbox.venue import Step, Venue, VenueConfig

MINUTE = 60_000_000_000
RATES = "timestamp,funding_rate\n1748764800000,0.0003\n"


@pytest.fixture
def folder(tmp_path: Path, candle_file: Callable[..., Path]) -> Path:
    """BTC as linear and spot, ETH with ten minutes missing, a rate and a file that is no candle."""
    made = tmp_path / "market"
    made.mkdir()
    (made / "linear_BTCUSDT.csv.gz").write_bytes(candle_file(600, 1).read_bytes())
    (made / "spot_BTCUSDT.csv.gz").write_bytes(candle_file(600, 2).read_bytes())
    (made / "linear_ETHUSDT.csv.gz").write_bytes(candle_file(600, 3, frozenset(range(100, 110))).read_bytes())
    (made / "funding_BTCUSDT.csv").write_text(RATES)
    (made / "notes.txt").write_text("mine")
    return made


def opening(folder: Path, **more: int) -> Venue:
    venue = Venue(VenueConfig(data=folder, speed=None, **more))
    for topic in ("linear/kline.1.BTCUSDT", "spot/kline.1.BTCUSDT", "linear/kline.1.ETHUSDT"):
        venue.watch(topic)
    return venue


def closed(steps: list[Step]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for step in steps:
        for frame in step.frames:
            found.setdefault(frame.topic, []).extend(r["start"] for r in frame.payload["data"] if r["confirm"])
    return found


def to_end(venue: Venue) -> list[Step]:
    steps = [venue.step()]
    while not steps[-1].ended:
        steps.append(venue.step())
    return steps


def test_every_candle_of_every_file_is_published_once_and_in_time(folder: Path) -> None:
    venue = opening(folder, backfill=0)
    found = closed(to_end(venue))
    venue.close()
    for topic, name in (("linear/kline.1.BTCUSDT", "linear_BTCUSDT"), ("spot/kline.1.BTCUSDT", "spot_BTCUSDT"),
                        ("linear/kline.1.ETHUSDT", "linear_ETHUSDT")):  # fmt: skip
        given = [c.open_time // 10**6 for c in read_candles(folder / f"{name}.csv.gz", MINUTE)]
        assert [start for start in found[topic] if start in set(given)] == given, topic


def test_a_rate_belongs_to_its_perpetual_alone(folder: Path) -> None:
    venue = opening(folder, backfill=0)
    rows = {}
    for symbol in ("BTCUSDT", "ETHUSDT"):
        (row,) = venue.market("tickers", {"category": "linear", "symbol": symbol})["list"]
        rows[symbol] = row["fundingRate"]
    venue.close()
    assert rows == {"BTCUSDT": "0.0003", "ETHUSDT": "0"}


def test_the_first_candles_are_the_past(folder: Path) -> None:
    venue = opening(folder, backfill=200)
    rows = venue.market("kline", {"category": "linear", "symbol": "BTCUSDT", "interval": "1", "limit": "1000"})["list"]
    live = min(start for starts in closed(to_end(venue)).values() for start in starts)
    venue.close()
    assert len(rows) in (200, 201)  # the forming candle may be among them
    assert (
        live == min(c.open_time for c in read_candles(folder / "linear_BTCUSDT.csv.gz", MINUTE)) // 10**6 + 200 * 60_000
    )


def test_a_venue_continues_in_the_middle(folder: Path, tmp_path: Path) -> None:
    def kept() -> Venue:
        venue = Venue(VenueConfig(data=folder, speed=None, backfill=0, state=tmp_path / "state"))
        for topic in ("linear/kline.1.BTCUSDT", "spot/kline.1.BTCUSDT", "linear/kline.1.ETHUSDT"):
            venue.watch(topic)
        return venue

    whole = opening(folder, backfill=0)
    expected = closed(to_end(whole))
    whole.close()
    venue = kept()
    steps = [venue.step() for _ in range(333)]
    venue.close()
    again = kept()
    steps += to_end(again)
    again.close()
    assert closed(steps) == expected


def test_a_source_continues_where_it_was_saved(folder: Path) -> None:
    paths = {
        InstrumentId(Category.LINEAR, "BTCUSDT"): folder / "linear_BTCUSDT.csv.gz",
        InstrumentId(Category.LINEAR, "ETHUSDT"): folder / "linear_ETHUSDT.csv.gz",
    }
    source, other = FolderBars(paths, MINUTE, 0), FolderBars(paths, MINUTE, 0)
    sizes = [len(source.next_bars() or ()) for _ in range(105)]
    assert sizes[99:101] == [2, 1]
    other.restore(source.save())
    while (bars := source.next_bars()) is not None:
        assert other.next_bars() == bars
    assert other.next_bars() is None


@pytest.mark.parametrize("names", [(), ("README.csv",), ("funding_BTCUSDT.csv",)])
def test_a_folder_without_candles_is_refused(tmp_path: Path, names: tuple[str, ...]) -> None:
    for name in names:
        (tmp_path / name).write_text(RATES)
    with pytest.raises(Problem, match="holds no file such as linear_BTCUSDT"):
        Venue(VenueConfig(data=tmp_path, speed=None))


def test_two_files_of_one_instrument_are_refused(folder: Path) -> None:
    (folder / "linear_BTCUSDT.csv").write_text("timestamp,open,high,low,close,volume\n")
    with pytest.raises(Problem, match="two files of linear:BTCUSDT"):
        Venue(VenueConfig(data=folder, speed=None))


def test_a_past_longer_than_the_files_is_refused(folder: Path) -> None:
    with pytest.raises(Problem, match="backfill"):
        opening(folder, backfill=601)


def test_an_inverse_contract_is_a_dollar_whatever_the_file_says_of_sizes(folder: Path) -> None:
    (folder / "inverse_BTCUSD.csv.gz").write_bytes((folder / "spot_BTCUSDT.csv.gz").read_bytes())
    replay = FolderReplay(VenueConfig(data=folder, speed=None, backfill=0), folder, MINUTE)
    info = next(i for i in replay.instruments if i.id == InstrumentId(Category.INVERSE, "BTCUSD"))
    assert info.settle_coin == "BTC"
    assert info.lot_size == info.min_qty == 1
    (folder / "inverse_BTCUSDT.csv").write_bytes(b"timestamp,open,high,low,close,volume\n1748736000000,1,1,1,1,1\n")
    with pytest.raises(Problem, match="no inverse contract 'BTCUSDT'"):
        opening(folder, backfill=0)
