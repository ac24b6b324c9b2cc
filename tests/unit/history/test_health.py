"""What is wrong with a stored series is found to the row; repairs fill only what they can, and note what they made."""

from pathlib import Path

import numpy as np
import pytest

from tests.unit.history.made import BTC, FUNDING, HOUR, MINUTE, MINUTES, T0, TRADES, candles, tape
from tests.unit.history.test_store import same
from tradectl.history.coverage import Coverage
from tradectl.history.download import INCOMING
from tradectl.history.gaps import missing_times
from tradectl.history.health import check_series, words_of
from tradectl.history.layout import files_of
from tradectl.history.made_up import made_up_in
from tradectl.history.parquet_file import write_file
from tradectl.history.repairing import repair_series
from tradectl.history.series import Candles, Kind, Points, SeriesId
from tradectl.history.store import ParquetStore

HOURS = SeriesId(BTC, Kind.CANDLES, "1h")
DAY = 24 * HOUR


@pytest.fixture
def store(tmp_path: Path) -> ParquetStore:
    return ParquetStore(tmp_path / "store")


def holed(rows: Candles, *gone: int) -> Candles:
    return Candles(*(np.delete(it, gone) for it in rows.arrays()))


def test_a_sound_series_is_sound_across_its_files(store: ParquetStore) -> None:
    store.write(MINUTES, candles(90_000))
    health = check_series(store, MINUTES)
    assert len(files_of(store.folder, MINUTES)) == 3
    assert health.sound
    assert (health.rows, health.first, health.last) == (90_000, T0, T0 + 89_999 * MINUTE)
    assert list(words_of(health)) == []


def test_gaps_are_found_inside_and_between_files(store: ParquetStore) -> None:
    start = T0 - 10 * MINUTE  # the month ends after ten rows
    gone = (3, 4, 9, 10, 11, 30)
    store.write(MINUTES, holed(candles(60, start), *gone))
    health = check_series(store, MINUTES)
    assert not health.sound
    assert missing_times(list(health.gaps), MINUTE).tolist() == [start + n * MINUTE for n in gone]
    assert [gap.missing for gap in health.gaps] == [2, 3, 1]


def test_a_settlement_that_lacks_is_a_gap(store: ParquetStore) -> None:
    times = T0 + 8 * HOUR * np.delete(np.arange(30), 7)
    store.write(FUNDING, Points(times, np.full(29, 0.0001)))
    assert [(gap.since, gap.missing) for gap in check_series(store, FUNDING).gaps] == [(T0 + 56 * HOUR, 1)]


def test_impossible_doubled_and_misplaced_rows_are_found_and_taken_out(store: ParquetStore) -> None:
    rows = candles(100)
    store.write(MINUTES, rows)
    bad = Candles(*(it.copy() for it in rows.arrays()))
    bad.high[7], bad.volume[20] = 1.0, -5.0
    bad.open_time[50] = bad.open_time[49]  # twice the same minute, and so one is missing
    (path,) = files_of(store.folder, MINUTES).values()
    write_file(path, bad)
    health = check_series(store, MINUTES)
    assert not health.sound
    assert {it.time for it in health.bad} == {T0 + 7 * MINUTE, T0 + 20 * MINUTE}
    assert health.duplicates == 1
    done = repair_series(store, MINUTES, 1)
    assert done.removed == 3
    assert [gap.since for gap in done.left] == [T0 + 7 * MINUTE, T0 + 20 * MINUTE, T0 + 50 * MINUTE]
    after = check_series(store, MINUTES)
    assert (after.bad, after.duplicates) == ((), 0)


def test_a_damaged_file_is_put_aside_and_the_rest_stays(store: ParquetStore) -> None:
    rows = candles(60, T0 - 30 * MINUTE)
    store.write(MINUTES, rows)
    path = files_of(store.folder, MINUTES)["2025-05"]
    path.write_bytes(b"nonsense")
    health = check_series(store, MINUTES)
    assert [it[0] for it in health.damaged] == [path]
    assert not health.sound
    done = repair_series(store, MINUTES, 1)
    assert (
        done.put_aside[0][0] == store.folder / "damaged" / "linear" / "BTCUSDT" / "candles" / "1m" / "2025-05.parquet"
    )
    assert done.put_aside[0][0].read_bytes() == b"nonsense"
    assert same(store.read_all(MINUTES), rows.rows(30))
    assert list(store.series()) == [MINUTES]


def test_silence_and_absurd_jumps_are_told_but_wrong_nothing(store: ParquetStore) -> None:
    rows = candles(300)
    rows.volume[100:170] = 0.0
    for column in rows.arrays()[1:5]:
        column[200:] *= 50
    store.write(MINUTES, rows)
    health = check_series(store, MINUTES)
    assert health.sound
    assert [(it.since, it.missing) for it in health.silences] == [(T0 + 100 * MINUTE, 70)]
    assert health.jumps == (T0 + 200 * MINUTE,)
    assert len(list(words_of(health))) == 2


# --- filling


def test_gaps_are_filled_from_shorter_candles_exactly_and_noted(store: ParquetStore) -> None:
    from tradectl.history.resample import resample

    minutes = candles(600)
    hours = resample(minutes, "1m", "1h").candles
    store.write(MINUTES, holed(minutes, 400))  # of the seventh hour a minute lacks
    store.write(HOURS, holed(hours, 2, 3, 6))
    done = repair_series(store, HOURS, 77)
    assert same(store.read_all(HOURS), holed(hours, 6))
    assert [(it.at, it.since, it.until, it.rows, it.how, it.source) for it in done.filled] == [
        (77, T0 + 2 * HOUR, T0 + 4 * HOUR, 2, "finer", str(MINUTES))
    ]
    assert [gap.since for gap in done.left] == [T0 + 6 * HOUR]
    assert made_up_in(store.folder, HOURS) == list(done.filled)
    assert "2 rows were made by a repair (finer)" in list(words_of(check_series(store, HOURS)))


def test_trades_fill_candles_only_where_they_are_known_to_be_complete(store: ParquetStore) -> None:
    rows = candles(10)
    store.write(MINUTES, holed(rows, 4, 5))
    prints = tape(*((n * MINUTE + 1, 100.0 + n, 2.0, 1) for n in range(10) if n != 5))
    store.write(TRADES, prints)
    assert repair_series(store, MINUTES, 1).filled == ()
    Coverage(store.folder / INCOMING, TRADES).add(T0, T0 + 10 * MINUTE)
    (done,) = repair_series(store, MINUTES, 1).filled
    assert (done.rows, done.source) == (2, str(TRADES))
    made = store.read_all(MINUTES, T0 + 4 * MINUTE, T0 + 6 * MINUTE)
    assert isinstance(made, Candles)
    assert made.close.tolist() == [104.0, 104.0]
    assert made.volume.tolist() == [2.0, 0.0]


def test_stretches_of_trades_nobody_recorded_are_gaps(store: ParquetStore) -> None:
    store.write(TRADES, tape((0, 1.0, 1.0, 1), (9 * MINUTE, 1.0, 1.0, 1)))
    assert check_series(store, TRADES).sound
    coverage = Coverage(store.folder / INCOMING, TRADES)
    coverage.add(T0, T0 + 2 * MINUTE)
    coverage.add(T0 + 8 * MINUTE, T0 + 10 * MINUTE)
    health = check_series(store, TRADES)
    assert [(it.since, it.until) for it in health.gaps] == [(T0 + 2 * MINUTE, T0 + 8 * MINUTE)]
    assert list(words_of(health)) == ["1 stretches were not recorded"]


def test_flat_rows_are_made_only_on_request_and_only_for_short_gaps(store: ParquetStore) -> None:
    rows = holed(candles(300), 5, 6, *range(100, 200))
    store.write(MINUTES, rows)
    assert repair_series(store, MINUTES, 1).filled == ()
    done = repair_series(store, MINUTES, 1, longest=HOUR)
    assert [(it.since, it.rows, it.how) for it in done.filled] == [(T0 + 5 * MINUTE, 2, "flat")]
    assert [gap.missing for gap in done.left] == [100]
    made = store.read_all(MINUTES, T0 + 5 * MINUTE, T0 + 7 * MINUTE)
    close = rows.close[4]
    assert [it.tolist() for it in made.arrays()[1:]] == [[close, close]] * 4 + [[0.0, 0.0]] * 2
    assert "2 rows were made by a repair (flat)" in list(words_of(check_series(store, MINUTES)))
    assert repair_series(store, MINUTES, 1, longest=HOUR).filled == ()


def test_repairing_a_sound_series_changes_nothing(store: ParquetStore) -> None:
    store.write(MINUTES, candles(100))
    before = {path: path.stat().st_mtime_ns for path in store.folder.rglob("*.parquet")}
    done = repair_series(store, MINUTES, 1, longest=DAY)
    assert (done.put_aside, done.removed, done.filled, done.left) == ((), 0, (), ())
    assert {path: path.stat().st_mtime_ns for path in store.folder.rglob("*.parquet")} == before
