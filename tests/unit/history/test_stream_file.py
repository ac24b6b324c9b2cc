"""Files of stream messages: books and tapes come out as they were stated, and are stored and opened like any series."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.unit.history.made import BTC, T0, write
from tests.unit.history.test_store import same
from tradectl.history.importing import import_file
from tradectl.history.market_file import Hints, read_market_files
from tradectl.history.open_history import open_history
from tradectl.history.recorder import Recorder, level_rows
from tradectl.history.series import Kind, Levels, SeriesId, Tape
from tradectl.history.store import ParquetStore
from tradectl.model.errors import Problem
from tradectl.model.events import BookChanged
from tradectl.model.instruments import Category, InstrumentId

MS = 1_000_000
NAME = "capture.jsonl.gz"
BOOK = SeriesId(BTC, Kind.BOOK, "50")
LINEAR = Hints(category=Category.LINEAR)
Pairs = list[tuple[str, str]]


def book(ms: int, kind: str, bids: Pairs, asks: Pairs, u: int, symbol: str = "BTCUSDT") -> str:
    """A message of the stream; it was sent two milliseconds after the engine matched."""
    at = T0 // MS + ms
    data = {"s": symbol, "b": bids, "a": asks, "u": u, "seq": u}
    return json.dumps({"topic": f"orderbook.50.{symbol}", "type": kind, "ts": at + 2, "data": data, "cts": at})


def trade(ms: int, side: str, price: str, size: str, **more: Any) -> str:
    at = T0 // MS + ms
    row = {"T": at, "s": "BTCUSDT", "S": side, "v": size, "p": price, "L": "PlusTick", "i": "x", "BT": False} | more
    return json.dumps({"topic": "publicTrade.BTCUSDT", "type": "snapshot", "ts": at + 9, "data": [row]})


LINES = [
    book(0, "snapshot", [("100.0", "2"), ("99.9", "3")], [("100.1", "1")], 1),
    trade(5, "Buy", "100.1", "0.4"),
    book(6, "delta", [], [("100.1", "0.6"), ("100.2", "0")], 2),
    trade(3, "Sell", "100.0", "0.5"),  # of before, heard of later
]


def test_a_book_is_rows_of_levels_and_a_tape_is_in_order_of_time(tmp_path: Path) -> None:
    levels, tape = read_market_files(write(tmp_path / NAME, *LINES))
    assert (levels.series, tape.series) == (BOOK, SeriesId(BTC, Kind.TRADES))
    rows = list(zip(*(it.tolist() for it in levels.columns.arrays()), strict=True))
    assert rows == [
        (T0, 100.0, 2.0, 1, 2), (T0, 99.9, 3.0, 1, 1), (T0, 100.1, 1.0, -1, 1),
        (T0 + 6 * MS, 100.1, 0.6, -1, 0), (T0 + 6 * MS, 100.2, 0.0, -1, 0),
    ]  # fmt: skip
    assert isinstance(tape.columns, Tape)
    assert tape.columns.ts.tolist() == [T0 + 3 * MS, T0 + 5 * MS]
    assert tape.columns.side.tolist() == [-1, 1]


def test_books_are_stored_by_day_and_depth_and_imported_once(tmp_path: Path) -> None:
    store, file = ParquetStore(tmp_path / "store"), write(tmp_path / NAME, *LINES)
    first, again = import_file(store, file, Hints()), import_file(store, file, Hints())
    assert [it.written.new for it in first if it.written] == [5, 2]
    assert [it.written.identical for it in again if it.written] == [5, 2]
    assert store.series() == [BOOK, SeriesId(BTC, Kind.TRADES)]
    assert (tmp_path / "store/linear/BTCUSDT/book/50/2025-06-01.parquet").is_file()
    same(store.read_all(BOOK), first[0].file.columns)
    same(open_history(tmp_path / "store").read(BOOK, 0, 2**62).__next__(), first[0].file.columns)
    same(open_history(file).read(BOOK, 0, 2**62).__next__(), first[0].file.columns)


def test_what_is_recorded_is_what_the_file_of_the_same_messages_holds(tmp_path: Path) -> None:
    store = ParquetStore(tmp_path / "store")
    recorder = Recorder(store, tmp_path / "incoming", [BOOK])
    recorder.take(BookChanged(1, T0, BTC, 50, True, ((100.0, 2.0), (99.9, 3.0)), ((100.1, 1.0),), 1))
    recorder.take(BookChanged(2, T0 + 6 * MS, BTC, 50, False, (), ((100.1, 0.6), (100.2, 0.0)), 2))
    recorder.close()
    same(store.read_all(BOOK), read_market_files(write(tmp_path / NAME, *LINES))[0].columns)
    only_asks = BookChanged(1, T0, BTC, 50, True, (), ((100.1, 1.0),), 1)
    assert list(level_rows(only_asks)) == [(T0, 100.1, 1.0, -1, 2)]


def test_missing_updates_are_told_and_changes_before_any_snapshot_are_left_out(tmp_path: Path) -> None:
    lines = [book(1, "delta", [("100.0", "1")], [], 4), LINES[0], book(9, "delta", [("100.0", "1")], [], 5)]
    levels = read_market_files(write(tmp_path / NAME, *lines), LINEAR)[0]
    assert levels.columns.times.tolist() == [T0, T0, T0, T0 + 9 * MS]
    assert [it.code for it in levels.findings] == ["gap"]
    assert "line 3" in levels.findings[0].text


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('{"topic": "orderbook.50.BTCUSDT", "data": {"s"', "line 2"),
        (book(9, "delta", [("100.0", "-1")], [], 2), "size -1.0 must not be negative"),
        (trade(9, "Buy", "0", "1"), "price 0.0 must be above 0"),
        (trade(9, "Buy", "nan", "1"), "price nan"),
        (book(9, "delta", [("inf", "1")], [], 2), "price inf"),
    ],
)  # fmt: skip
def test_a_line_that_cannot_be_so_is_named(tmp_path: Path, line: str, told: str) -> None:
    with pytest.raises(Problem) as caught:
        read_market_files(write(tmp_path / NAME, LINES[0], line), LINEAR)
    assert told in caught.value.message
    left = read_market_files(write(tmp_path / NAME, LINES[0], line), Hints(category=Category.LINEAR, repair=True))
    assert len(left[0].columns) == 3


def test_a_book_alone_does_not_say_whether_it_is_of_spot(tmp_path: Path) -> None:
    file = write(tmp_path / NAME, LINES[0])
    with pytest.raises(Problem) as caught:
        read_market_files(file)
    assert caught.value.field == "category"
    assert read_market_files(file, Hints(category=Category.SPOT))[0].series.instrument.category is Category.SPOT
    spot = write(tmp_path / NAME, LINES[0], trade(5, "Buy", "100.1", "0.4", L=None))
    assert {it.series.instrument for it in read_market_files(spot)} == {InstrumentId(Category.SPOT, "BTCUSDT")}


def test_a_file_without_books_or_tapes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Problem) as caught:
        read_market_files(write(tmp_path / NAME, '{"topic": "kline.1.BTCUSDT", "data": []}'))
    assert "no message of orderbook" in caught.value.message


REAL = Path(os.environ.get("TRADECTL_TEST_DATA", "")) / "book"


@pytest.mark.skipif(not REAL.is_dir(), reason="TRADECTL_TEST_DATA names no folder; the generated twins above run")
@pytest.mark.parametrize(
    ("name", "series", "rows"),
    [("bybit_v5_XRPUSDT_ob500_2024-12-01", 1, 3966), ("bybit_2021-04-17_8sym_reencoded_v5", 16, 20443)],
)
def test_real_recordings_are_read_whole(name: str, series: int, rows: int) -> None:
    files = read_market_files(REAL / f"{name}.jsonl.gz", Hints(category=Category.LINEAR))
    assert len(files) == series
    assert sum(len(it.columns) for it in files) == rows
    for it in files:
        assert not it.findings
        assert bool((np.diff(it.columns.times) >= 0).all())
        if isinstance(it.columns, Levels):
            assert int((it.columns.start == 2).sum()) == 1
