"""The store keeps every bit, merges by rule, survives crashes and other writers, and never believes damage."""

import multiprocessing
import os
import signal
from decimal import Decimal
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.history.made import BTC, FUNDING, HOUR, MINUTE, MINUTES, T0, TRADES, candles, tape
from tradectl.history import parquet_file
from tradectl.history.combining import Written, combine
from tradectl.history.layout import files_of
from tradectl.history.reading import MemoryHistory, Span
from tradectl.history.series import Candles, Columns, Kind, Points, SeriesId, Touches
from tradectl.history.store import ParquetStore
from tradectl.model.errors import Problem
from tradectl.model.instruments import Category, Instrument, InstrumentId

DAY = 24 * HOUR


def same(one: Columns, other: Columns) -> bool:
    """Whether two columns are equal bit by bit."""
    return type(one) is type(other) and all(
        a.tobytes() == b.tobytes() for a, b in zip(one.arrays(), other.arrays(), strict=True)
    )


@pytest.mark.parametrize("value", [0.1, 1 / 3, 5e-324, 1.7976931348623157e308, 0.1 + 0.2, 1e-8, 123456789.123456789])
def test_prices_come_back_with_every_bit(tmp_path: Path, value: float) -> None:
    rows = Candles(np.array([T0]), *[np.array([value])] * 5)
    store = ParquetStore(tmp_path)
    store.write(MINUTES, rows)
    assert same(store.read_all(MINUTES), rows)


def test_every_kind_comes_back(tmp_path: Path) -> None:
    store = ParquetStore(tmp_path)
    two = np.array([1.5, 2.5])
    rows: dict[SeriesId, Columns] = {
        MINUTES: candles(10),
        SeriesId(BTC, Kind.MARK, "1h"): candles(3, step=HOUR),
        FUNDING: Points(np.array([T0, T0 + 8 * HOUR]), np.array([0.0001, -0.00012])),
        SeriesId(BTC, Kind.OPEN_INTEREST, "1h"): Points(np.array([T0, T0 + HOUR]), two),
        TRADES: tape((0, 1.0, 2.0, 1), (0, 1.0, 2.0, 1), (5, 3.0, 4.0, -1)),
        SeriesId(BTC, Kind.QUOTES): Touches(np.array([T0, T0]), two, two, two + 1, two),
    }
    for series, columns in rows.items():
        store.write(series, columns)
    assert list(store.series()) == sorted(rows)
    for series, columns in rows.items():
        assert same(store.read_all(series), columns)
        assert store.span(series) == Span(int(columns.times[0]), int(columns.times[-1]), len(columns))


def test_files_are_by_month_and_trades_by_day(tmp_path: Path) -> None:
    store = ParquetStore(tmp_path)
    store.write(MINUTES, candles(3, T0 - MINUTE))
    store.write(TRADES, tape((-1, 1.0, 1.0, 1), (0, 1.0, 1.0, 1)))
    found = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.parquet")}
    assert found == {
        "linear/BTCUSDT/candles/1m/2025-05.parquet", "linear/BTCUSDT/candles/1m/2025-06.parquet",
        "linear/BTCUSDT/trades/2025-05-31.parquet", "linear/BTCUSDT/trades/2025-06-01.parquet",
    }  # fmt: skip


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 200), st.integers(1, 60)), min_size=1, max_size=6), st.randoms())
def test_rows_written_in_any_order_are_the_rows(tmp_path_factory: pytest.TempPathFactory, cuts: list, random) -> None:  # type: ignore[type-arg,no-untyped-def]
    """Overlapping pieces of one truth, shuffled, give that truth, and each row counts as new once."""
    truth = candles(300, T0 - 150 * MINUTE)
    pieces = [truth.rows(start, start + length) for start, length in cuts]
    random.shuffle(pieces)
    store = ParquetStore(tmp_path_factory.mktemp("s"))
    new = sum(store.write(MINUTES, piece).new for piece in pieces)
    wanted = sorted({place for start, length in cuts for place in range(start, min(start + length, 300))})
    assert same(store.read_all(MINUTES), type(truth)(*(it[wanted] for it in truth.arrays())))
    assert new == len(wanted)


def test_reading_equals_reading_from_memory_and_has_the_same_fingerprint(tmp_path: Path) -> None:
    rows = candles(2000, T0 - 1000 * MINUTE)
    store, memory = ParquetStore(tmp_path), MemoryHistory({MINUTES: rows})
    store.write(MINUTES, rows)
    for since, until in ((T0, T0 + HOUR), (T0 - HOUR, T0 + HOUR), (T0 + 1, T0 + 2), (0, T0 - 900 * MINUTE)):
        assert same(store.read_all(MINUTES, since, until), rows.between(since, until))
        assert store.fingerprint([MINUTES], since, until) == memory.fingerprint([MINUTES], since, until)


def test_parts_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet_file, "CHUNK", 100)
    store = ParquetStore(tmp_path)
    store.write(MINUTES, candles(450))
    parts = list(store.read(MINUTES, T0 + 10 * MINUTE, T0 + 440 * MINUTE))
    assert max(len(part) for part in parts) <= 100
    assert sum(len(part) for part in parts) == 430


# --- contradictions


def changed(rows: Candles) -> Candles:
    other = candles(len(rows))
    other.high = other.high + 1
    return other


def test_a_contradiction_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    store, rows = ParquetStore(tmp_path), candles(5, T0)
    store.write(MINUTES, rows)
    wrong = candles(100_000, T0)  # reaches into the next months, which must not be written either
    wrong.high = wrong.high + 1
    with pytest.raises(Problem, match=r"5 rows contradict .* 2025-06-01T00:00") as caught:
        store.write(MINUTES, wrong)
    assert "--replace" in caught.value.remedy
    assert same(store.read_all(MINUTES), rows)


def test_keep_and_replace_do_what_they_say(tmp_path: Path) -> None:
    store, rows = ParquetStore(tmp_path), candles(5)
    store.write(MINUTES, rows.rows(0, 4))
    assert store.write(MINUTES, changed(rows), "keep") == Written(new=1, kept=4)
    assert store.read_all(MINUTES).arrays()[2].tolist() == [*rows.high[:4], changed(rows).high[4]]
    assert store.write(MINUTES, changed(rows), "replace") == Written(replaced=4, identical=1)
    assert same(store.read_all(MINUTES), changed(rows))


def test_an_unknown_turnover_contradicts_nothing_and_a_known_one_is_taken_over(tmp_path: Path) -> None:
    store, rows = ParquetStore(tmp_path), candles(3)
    known = Candles(*rows.arrays()[:6], np.array([7.0, 8.0, 9.0]))
    store.write(MINUTES, rows)
    assert store.write(MINUTES, known) == Written(replaced=3)
    assert store.write(MINUTES, rows) == Written(identical=3)
    assert same(store.read_all(MINUTES), known)


def test_equal_trades_of_one_moment_are_all_kept_and_counted_once_each(tmp_path: Path) -> None:
    store = ParquetStore(tmp_path)
    rows = tape((5, 1.0, 1.0, 1), (5, 1.0, 1.0, 1), (5, 2.0, 1.0, -1), (9, 1.0, 1.0, 1))
    assert store.write(TRADES, rows) == Written(new=4)
    assert store.write(TRADES, rows) == Written(identical=4)
    assert store.write(TRADES, rows.rows(1, 3)) == Written(identical=2)
    third = tape((5, 1.0, 1.0, 1), (5, 1.0, 1.0, 1), (5, 1.0, 1.0, 1))
    assert store.write(TRADES, third) == Written(new=1, identical=2)
    assert store.read_all(TRADES).arrays()[1].tolist() == [1.0, 1.0, 2.0, 1.0, 1.0]


ROWS = st.lists(st.tuples(st.integers(0, 3), st.sampled_from([1.0, 2.0]), st.just(1.0), st.sampled_from([1, -1])))


@given(ROWS.filter(bool), ROWS.filter(bool))
def test_merged_trades_are_the_larger_count_of_each(one: list, other: list) -> None:  # type: ignore[type-arg]
    """The slow, obvious oracle: count each row on both sides."""
    from collections import Counter

    one, other = sorted(one, key=lambda it: it[0]), sorted(other, key=lambda it: it[0])
    rows, written = combine(TRADES, tape(*one), tape(*other), "refuse")
    found = Counter(
        zip(*((it - T0).tolist() if n == 0 else it.tolist() for n, it in enumerate(rows.arrays())), strict=True)
    )
    if max(it[0] for it in one) < min(it[0] for it in other):
        assert found == Counter(one) + Counter(other)
    else:
        assert found == Counter(one) | Counter(other)
    assert written.new + written.identical == len(other)
    assert len(rows) == len(one) + written.new


# --- whoever writes wrongly, crashes, or writes at the same time


@pytest.mark.parametrize(
    "rows",
    [
        Candles(np.array([T0, T0]), *[np.ones(2)] * 5),
        Candles(np.array([T0 + 1, T0]), *[np.ones(2)] * 5),
        Candles(np.array([T0]), *[np.array([np.nan])] * 5),
        Candles(np.array([T0]), np.ones(1), np.ones(2), np.ones(1), np.ones(1), np.ones(1)),
    ],
)
def test_a_writer_cannot_make_the_store_worse(tmp_path: Path, rows: Candles) -> None:
    with pytest.raises(ValueError, match=r"order|finite|length"):
        ParquetStore(tmp_path).write(MINUTES, rows)
    assert not list(tmp_path.rglob("*.parquet"))


def test_a_crash_while_writing_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, rows = ParquetStore(tmp_path), candles(50)
    store.write(MINUTES, rows.rows(0, 20))

    def die(_: int) -> None:
        raise OSError("power cut")

    monkeypatch.setattr(parquet_file.os, "fsync", die)
    with pytest.raises(OSError, match="power cut"):
        store.write(MINUTES, rows)
    assert same(store.read_all(MINUTES), rows.rows(0, 20))
    assert not list(tmp_path.rglob("*.tmp"))


def _write_until_killed(folder: str) -> None:
    calls = 0

    def kill(_: int) -> None:
        nonlocal calls
        calls += 1
        if calls == 3:  # file and folder of the first month are on disk, the second month's file is not
            os.kill(os.getpid(), signal.SIGKILL)

    parquet_file.os.fsync = kill  # type: ignore[assignment]
    ParquetStore(Path(folder)).write(MINUTES, candles(100_000))


def test_a_kill_between_files_leaves_whole_files_and_the_next_write_completes_them(tmp_path: Path) -> None:
    victim = multiprocessing.get_context("fork").Process(target=_write_until_killed, args=(str(tmp_path),))
    victim.start()
    victim.join(60)
    assert victim.exitcode == -signal.SIGKILL
    store, rows = ParquetStore(tmp_path), candles(100_000)
    there = store.read_all(MINUTES)
    assert same(there, rows.rows(0, len(there)))
    assert len(there) == 43_200
    assert list(tmp_path.rglob("*.tmp"))
    assert store.write(MINUTES, rows) == Written(new=100_000 - len(there), identical=len(there))
    assert same(store.read_all(MINUTES), rows)
    assert not list(tmp_path.rglob("*.tmp"))


def _write_every_fourth(folder: str, first: int) -> None:
    rows, store = candles(400), ParquetStore(Path(folder))
    for start in range(first * 10, 400, 40):
        store.write(MINUTES, rows.rows(start, start + 10))


def test_writers_at_the_same_time_lose_nothing(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=_write_every_fourth, args=(str(tmp_path), n)) for n in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
        assert writer.exitcode == 0
    assert same(ParquetStore(tmp_path).read_all(MINUTES), candles(400))


# --- damage


def only_file(store: ParquetStore) -> Path:
    (path,) = files_of(store.folder, MINUTES).values()
    return path


@pytest.mark.parametrize("harm", ["cut", "garbage", "empty", "flip"])
def test_damage_is_a_problem_that_names_the_file(tmp_path: Path, harm: str) -> None:
    store = ParquetStore(tmp_path)
    store.write(MINUTES, candles(500))
    path = only_file(store)
    data = bytearray(path.read_bytes())
    if harm == "flip":
        data[20:60] = os.urandom(40)
    path.write_bytes({"cut": data[:-100], "garbage": b"x" * 100, "empty": b"", "flip": data}[harm])
    with pytest.raises(Problem, match=r"2025-06\.parquet is damaged") as caught:
        store.read_all(MINUTES)
    assert "data repair" in caught.value.remedy


def test_a_file_out_of_order_or_with_another_shape_is_damaged(tmp_path: Path) -> None:
    import pyarrow
    import pyarrow.parquet

    store, rows = ParquetStore(tmp_path), candles(5)
    store.write(MINUTES, rows)
    path = only_file(store)
    table = pyarrow.parquet.read_table(path)
    for wrong, rule in (
        (table.take([4, 3, 2, 1, 0]), "order of time"),
        (table.drop_columns("high"), "no column high"),
        (table.set_column(1, "open", pyarrow.array([1, 2, 3, 4, 5])), "open is int64"),
        (table.set_column(1, "open", pyarrow.array([1.0, None, 3.0, 4.0, 5.0])), "empty cells"),
    ):
        pyarrow.parquet.write_table(wrong, path)
        with pytest.raises(Problem, match=rule):
            store.read_all(MINUTES)


# --- instruments as they were


def instrument(tick: str, symbol: str = "BTCUSDT") -> Instrument:
    one = Decimal(1)
    return Instrument(
        InstrumentId(Category.LINEAR, symbol), "BTC", "USDT", "USDT", Decimal(tick), one, one, one, one, one
    )


def test_instruments_are_as_they_were_at_the_time(tmp_path: Path) -> None:
    store = ParquetStore(tmp_path)
    old, new, late = instrument("0.5"), instrument("0.1"), instrument("1", "LATEUSDT")
    assert store.write_instruments(T0, [old]) == 1
    assert store.write_instruments(T0 + DAY, [old]) == 0  # nothing changed, nothing written
    assert store.write_instruments(T0 + 2 * DAY, [new, late]) == 2
    assert store.instruments(T0)[BTC] == old
    assert store.instruments(T0 + 2 * DAY - 1)[BTC] == old
    assert store.instruments(T0 + 2 * DAY)[BTC] == new
    assert store.instruments(T0 - DAY)[BTC] == old  # known only from later on: as first heard of
    assert store.instruments(T0)[late.id] == late
    assert len(list((tmp_path / "instruments").iterdir())) == 2


def test_a_damaged_snapshot_is_named(tmp_path: Path) -> None:
    store = ParquetStore(tmp_path)
    store.write_instruments(T0, [instrument("0.1")])
    (path,) = (tmp_path / "instruments").iterdir()
    path.write_bytes(msgspec.json.encode({"at": 1}))
    with pytest.raises(Problem, match=path.name):
        store.instruments(T0)
