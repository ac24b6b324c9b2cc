"""Recording events: every row once, breaks marked, nothing lost but what was not saved yet."""

from pathlib import Path

import pytest

from tradectl.history import recorder as module
from tradectl.history.coverage import Coverage
from tradectl.history.recorder import Recorder
from tradectl.history.series import Kind, SeriesId
from tradectl.history.store import ParquetStore
from tradectl.model.errors import Problem
from tradectl.model.events import BarClosed, ConnectionChanged, DataDoubted, QuoteChanged, TradePrinted
from tradectl.model.instruments import Category, InstrumentId
from tradectl.model.market_data import INTERVALS, Bar
from tradectl.model.orders import Side

BTC, ETH = (InstrumentId(Category.LINEAR, name) for name in ("BTCUSDT", "ETHUSDT"))
TRADES, QUOTES = SeriesId(BTC, Kind.TRADES), SeriesId(BTC, Kind.QUOTES)
CANDLES = SeriesId(BTC, Kind.CANDLES, "1m")
T0, MINUTE = 20_000 * INTERVALS["1d"], INTERVALS["1m"]


def trade(at: int, instrument: InstrumentId = BTC, price: float = 5.0) -> TradePrinted:
    return TradePrinted(0, T0 + at, instrument, Side.SELL, price, 2.0, "id")


def quote(at: int) -> QuoteChanged:
    return QuoteChanged(0, T0 + at, BTC, 4.5, 1.0, 5.0, 2.0)


def bar(number: int, close: float = 5.0) -> BarClosed:
    return BarClosed(0, T0, BTC, "1m", Bar(T0 + number * MINUTE, 5.0, 6.0, 4.0, close, 7.0, 8.0))


def rows(folder: Path, series: SeriesId) -> list[tuple[float, ...]]:
    found = ParquetStore(folder).read_all(series)
    return list(zip(*(column.tolist() for column in found.arrays()), strict=True))


def recorder_of(folder: Path, *series: SeriesId) -> Recorder:
    return Recorder(ParquetStore(folder), folder / ".incoming", series)


def kill(recorder: Recorder) -> None:
    """The process is gone: its locks with it, what it had not saved too."""
    recorder._release()


def covered(folder: Path, series: SeriesId) -> list[tuple[int, int]]:
    return [(since - T0, until - T0) for since, until in Coverage(folder / ".incoming", series).stretches]


def test_each_kind_is_stored_as_it_came_and_strangers_are_passed_over(tmp_path: Path) -> None:
    recorder = recorder_of(tmp_path, TRADES, QUOTES, CANDLES)
    for event in (trade(1), trade(1), trade(2, ETH), quote(3), bar(0)):
        recorder.take(event)
    recorder.close()
    assert rows(tmp_path, TRADES) == [(T0 + 1, 5.0, 2.0, -1)] * 2
    assert rows(tmp_path, QUOTES) == [(T0 + 3, 4.5, 1.0, 5.0, 2.0)]
    assert rows(tmp_path, CANDLES) == [(T0, 5.0, 6.0, 4.0, 5.0, 7.0, 8.0)]
    assert ParquetStore(tmp_path).series() == sorted([TRADES, QUOTES, CANDLES])


def test_a_lost_connection_leaves_a_gap_that_is_told_and_not_covered(tmp_path: Path) -> None:
    recorder = recorder_of(tmp_path, TRADES, QUOTES)
    recorder.take(trade(10))
    recorder.take(trade(20))
    recorder.take(ConnectionChanged(0, "public.linear", False, "cut"))
    recorder.take(ConnectionChanged(0, "public.linear", True))
    recorder.take(trade(50))
    recorder.take(trade(60))
    recorder.close()
    trades, quotes = recorder.recorded
    assert [(since - T0, until - T0) for since, until in trades.gaps] == [(20, 50)]
    assert quotes.gaps == []
    assert covered(tmp_path, TRADES) == [(10, 20), (50, 60)]
    assert len(rows(tmp_path, TRADES)) == 4


def test_another_category_and_private_streams_break_nothing(tmp_path: Path) -> None:
    recorder = recorder_of(tmp_path, TRADES)
    recorder.take(trade(10))
    for stream in ("public.spot", "private", "trade"):
        recorder.take(ConnectionChanged(0, stream, False, "cut"))
    recorder.take(trade(50))
    recorder.close()
    assert recorder.recorded[0].gaps == []
    assert covered(tmp_path, TRADES) == [(10, 50)]


def test_doubted_data_is_a_gap_of_its_own_topic(tmp_path: Path) -> None:
    recorder = recorder_of(tmp_path, TRADES, QUOTES)
    for event in (trade(1), quote(1), DataDoubted(0, BTC, "quotes", False, "crossed"), trade(5), quote(5)):
        recorder.take(event)
    recorder.close()
    assert [len(it.gaps) for it in recorder.recorded] == [0, 1]


def test_a_break_between_two_neighbouring_candles_is_no_gap(tmp_path: Path) -> None:
    cut = ConnectionChanged(0, "public.linear", False, "cut")
    recorder = recorder_of(tmp_path, CANDLES)
    for event in (bar(0), cut, bar(1), cut, bar(3)):
        recorder.take(event)
    recorder.close()
    assert recorder.recorded[0].gaps == [(T0 + MINUTE, T0 + 3 * MINUTE)]


def test_what_was_saved_survives_a_kill_and_is_stored_once(tmp_path: Path) -> None:
    first = recorder_of(tmp_path, TRADES)
    first.take(trade(10))
    first.take(trade(10))
    first.save()
    first.take(trade(20))
    kill(first)
    second = recorder_of(tmp_path, TRADES)
    second.take(trade(30))
    second.close()
    assert [int(row[0]) - T0 for row in rows(tmp_path, TRADES)] == [10, 10, 30]


def test_a_kill_between_writing_and_emptying_writes_nothing_twice(tmp_path: Path) -> None:
    first = recorder_of(tmp_path, TRADES)
    for at in (10, 10, 20):
        first.take(trade(at))
    first.save()
    ParquetStore(tmp_path).write(TRADES, first._tracks[TRADES].spool.waiting)
    kill(first)
    recorder_of(tmp_path, TRADES).close()
    assert [int(row[0]) - T0 for row in rows(tmp_path, TRADES)] == [10, 10, 20]


def test_full_spools_are_merged_and_equal_trades_at_the_seam_all_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BATCH", 3)
    recorder = recorder_of(tmp_path, TRADES)
    for at in (1, 2, 2, 2, 2, 3, 3, 3, 4):
        recorder.take(trade(at))
        recorder.merge()
    recorder.close()
    assert [int(row[0]) - T0 for row in rows(tmp_path, TRADES)] == [1, 2, 2, 2, 2, 3, 3, 3, 4]
    assert covered(tmp_path, TRADES) == [(1, 4)]


def test_a_candle_that_contradicts_the_store_is_left_out_and_counted(tmp_path: Path) -> None:
    for close in (5.0, 5.5):
        recorder = recorder_of(tmp_path, CANDLES)
        recorder.take(bar(0, close))
        recorder.close()
    assert recorder.recorded[0].kept == 1
    assert rows(tmp_path, CANDLES)[0][4] == 5.0


def test_a_series_that_is_being_recorded_is_refused_and_the_others_are_set_free(tmp_path: Path) -> None:
    first = recorder_of(tmp_path, TRADES)
    with pytest.raises(Problem, match="another process"):
        recorder_of(tmp_path, QUOTES, TRADES)
    recorder_of(tmp_path, QUOTES).close()
    first.close()
