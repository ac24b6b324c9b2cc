"""A store, a folder of files or one file open as the same history; made-up instruments are sensible and said."""

import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from tests.unit.history.made import BTC, HEADER, MINUTE, MINUTES, T0, candles, csv_of, row, tape, write
from tests.unit.history.test_store import instrument, same
from tradectl.history.columns import joined
from tradectl.history.exporting import export
from tradectl.history.importing import files_in, import_file
from tradectl.history.instruments import coins_of, guess_instrument, step_of
from tradectl.history.made_up import MadeUp, note_made_up
from tradectl.history.market_file import Hints, read_market_file
from tradectl.history.open_history import OpenedHistory, open_files, open_history
from tradectl.history.reading import MemoryHistory
from tradectl.history.series import Candles, Columns, Kind, Points, SeriesId, Touches
from tradectl.history.store import ParquetStore
from tradectl.model.errors import Problem
from tradectl.model.instruments import Category, InstrumentId

REAL = Path(os.environ.get("TRADECTL_TEST_DATA", "")) / "candles"
NAME = "linear_BTCUSDT_1m.csv"


def rows_of(history: OpenedHistory) -> Columns:
    return joined(Kind.CANDLES, list(history.read(MINUTES, 0, 2**62)))


def test_a_store_a_folder_and_a_file_are_the_same_history(tmp_path: Path) -> None:
    rows = candles(500)
    folder = tmp_path / "files"
    folder.mkdir()
    file = write(folder / NAME, *csv_of(rows))
    (folder / "notes.txt").write_text("no market data")
    store = ParquetStore(tmp_path / "store")
    store.write(MINUTES, rows)
    opened = [open_history(it) for it in (store.folder, folder, file)]
    for history in opened:
        assert list(history.series()) == [MINUTES]
        assert same(rows_of(history), rows)
    assert len({it.fingerprint([MINUTES], 0, 2**62) for it in opened}) == 1


def test_files_of_one_series_are_joined_and_must_agree(tmp_path: Path) -> None:
    rows = candles(100)
    write(tmp_path / "linear_BTCUSDT_1m_a.csv", *csv_of(rows.rows(0, 60)))  # type: ignore[arg-type]
    write(tmp_path / "linear_BTCUSDT_1m_b.csv", *csv_of(rows.rows(50)))  # type: ignore[arg-type]
    write(tmp_path / "linear_ETHUSDT_1m.csv", "this is no candle file")
    history = open_history(tmp_path, only=["btcusdt"])  # the other symbol's file is not even looked at
    assert same(rows_of(history), rows)
    assert f"{MINUTES} is joined from 2 files" in history.notes
    write(tmp_path / "linear_BTCUSDT_1m_c.csv", HEADER, row(0, 5.0), row(1, 5.0))
    with pytest.raises(Problem, match=r"disagree: .* 2 rows contradict"):
        open_history(tmp_path, only=["BTCUSDT"])


def test_gaps_and_made_up_rows_are_told(tmp_path: Path) -> None:
    file = write(tmp_path / NAME, HEADER, *(row(n) for n in range(20) if n not in (4, 5)))
    assert f"{NAME}: 2 rows are missing in 1 gaps" in open_history(file).notes
    store = ParquetStore(tmp_path / "store")
    import_file(store, file, Hints())
    note_made_up(store.folder, MINUTES, MadeUp(1, T0, T0 + MINUTE, 1, "flat"))
    assert f"{MINUTES}: 1 rows were made up flat by a repair" in open_history(store.folder).notes


def test_what_holds_nothing_is_a_problem_and_an_empty_folder_an_empty_store(tmp_path: Path) -> None:
    with pytest.raises(Problem, match=r"no market data in .*nowhere: it does not exist") as caught:
        open_history(tmp_path / "nowhere")
    assert "data download" in caught.value.remedy
    assert list(open_history(tmp_path).series()) == []
    (tmp_path / "letter.txt").write_text("x")
    with pytest.raises(Problem, match="no market data"):
        open_history(tmp_path)


def test_csv_needs_no_pyarrow_and_parquet_says_what_to_install(tmp_path: Path) -> None:
    file = write(tmp_path / NAME, *csv_of(candles(10)))
    store = ParquetStore(tmp_path / "store")
    store.write(MINUTES, candles(10))
    code = f"""
import sys
sys.modules["pyarrow"] = None
from pathlib import Path
from tradectl.history.open_history import open_history
from tradectl.model.errors import Problem
print(len(open_history(Path({str(file)!r})).series()))
try:
    open_history(Path({str(store.folder)!r})).instruments(0)
except Problem as problem:
    print(problem.remedy)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.splitlines() == ["1", "pip install 'tradectl[research]'"]


def test_several_folders_and_files_are_one_history_and_a_store_is_read_alone(tmp_path: Path) -> None:
    (tmp_path / "candles").mkdir()
    (tmp_path / "funding").mkdir()
    write(tmp_path / "candles" / NAME, *csv_of(candles(10)))
    rates = [f"{(T0 + n * 480 * MINUTE) // 10**6},0.0001" for n in range(3)]
    file = write(tmp_path / "funding" / "BTCUSDT_funding.csv", "timestamp,funding_rate", *rates)
    both = [MINUTES, SeriesId(BTC, Kind.FUNDING)]
    assert list(open_files([tmp_path / "candles", tmp_path / "funding"]).series()) == both
    assert list(open_files([tmp_path / "candles", file], only=["BTCUSDT"]).series()) == both
    ParquetStore(tmp_path / "store").write(MINUTES, candles(10))
    with pytest.raises(Problem, match="is a store, and is read alone"):
        open_files([tmp_path / "store", file])


# --- instruments made up


@pytest.mark.parametrize(
    ("values", "step"),
    [
        ([1.0, 2.5, 3.25], "0.01"),
        ([104217.5, 104402.7], "0.1"),
        ([0.19701, 0.197], "0.00001"),
        ([1e-8, 3e-8], "0.00000001"),
        ([100.0, 205.0], "1"),
        (np.arange(200) / 2 + 100, "0.5"),
        (np.arange(200) / 50 + 100, "0.02"),
        (np.arange(200) * 5 + 100, "5"),
        ([0.00047055999999999997, 0.25], "0.01"),
    ],
)
def test_the_tick_is_the_smallest_step_prices_keep(values: list[float], step: str) -> None:
    assert step_of(np.array(values, float)) == Decimal(step)


def test_lots_are_decimals_and_coins_are_told_apart() -> None:
    assert step_of(np.arange(200) / 2.0, exact_decimals=True) == Decimal("0.1")
    assert coins_of("BTCUSDT") == ("BTC", "USDT")
    assert coins_of("XRPETH") == ("XRP", "ETH")
    with pytest.raises(Problem, match="no quote coin"):
        coins_of("NONSENSE")


def test_stored_instruments_win_over_guesses_which_are_said(tmp_path: Path) -> None:
    store = ParquetStore(tmp_path)
    spot = SeriesId(InstrumentId(Category.SPOT, "ETHUSDT"), Kind.CANDLES, "1m")
    store.write(MINUTES, candles(100))
    store.write(spot, candles(100))
    store.write_instruments(T0, [instrument("0.5")])
    opened = open_history(tmp_path)
    found = opened.instruments(T0)
    assert found[BTC] == instrument("0.5")
    guessed = found[spot.instrument]
    assert (guessed.tick_size, guessed.lot_size, guessed.settle_coin) == (Decimal("0.1"), Decimal("0.001"), "")
    opened.instruments(T0)
    (note,) = opened.notes
    assert note.startswith("spot:ETHUSDT: filters guessed from the data (tick 0.1, lot 0.001)")
    assert opened.notes_about([spot.instrument]) == (note,)
    assert opened.notes_about([BTC]) == ()


def test_what_a_file_says_of_itself_is_about_whatever_is_played(tmp_path: Path) -> None:
    file = write(tmp_path / NAME, HEADER, *(row(n) for n in range(20) if n not in (4, 5)))
    assert f"{NAME}: 2 rows are missing in 1 gaps" in open_history(file).notes_about([])


def test_an_inverse_contract_is_of_whole_dollars_and_settles_in_its_coin() -> None:
    series = SeriesId(InstrumentId(Category.INVERSE, "BTCUSD"), Kind.CANDLES, "1m")
    made, _ = guess_instrument(MemoryHistory({series: candles(10)}), series.instrument)
    assert (made.lot_size, made.settle_coin, made.funding_interval) == (Decimal(1), "BTC", 480)


# --- export and import again


two = np.array([1.1, 2.2])


@pytest.mark.parametrize(
    ("series", "rows"),
    [
        (MINUTES, candles(300)),
        (SeriesId(BTC, Kind.MARK, "1m"), candles(5)),
        (SeriesId(BTC, Kind.FUNDING), Points(np.array([T0, T0 + 480 * MINUTE]), np.array([1e-4, -1e-8]))),
        (SeriesId(BTC, Kind.OPEN_INTEREST, "1h"), Points(T0 + np.arange(2) * 60 * MINUTE, two)),
        (SeriesId(BTC, Kind.TRADES), tape((1, 1.5, 1e-8, 1), (1, 1.5, 1e-8, 1), (7, 2.5, 3.0, -1))),
        (SeriesId(BTC, Kind.QUOTES), Touches(np.array([T0, T0]), two, two, two + 1, two)),
    ],
)
@pytest.mark.parametrize("ending", [".csv", ".csv.gz", ".json", ".jsonl", ".jsonl.gz", ".parquet"])
def test_what_is_exported_imports_to_the_same_bits(
    tmp_path: Path, series: SeriesId, rows: Columns, ending: str
) -> None:
    path = tmp_path / f"x{ending}"
    assert export(MemoryHistory({series: rows}), series, 0, 2**62, path) == len(rows)
    hints = Hints(series.instrument.category, series.instrument.symbol, series.kind)
    found = read_market_file(path, hints)
    assert found.series == series
    assert same(found.columns, rows)
    assert list(tmp_path.iterdir()) == [path]


def test_exports_of_nothing_or_into_nowhere_leave_nothing(tmp_path: Path) -> None:
    history = MemoryHistory({MINUTES: candles(3)})
    for path, rule in ((tmp_path / "x.xlsx", "no ending"), (tmp_path / "no" / "x.csv", "cannot be written")):
        with pytest.raises(Problem, match=rule):
            export(history, MINUTES, 0, 2**62, path)
    with pytest.raises(Problem, match="nothing of"):
        export(history, MINUTES, 0, 1, tmp_path / "x.csv")
    assert list(tmp_path.iterdir()) == []


def test_files_in_takes_folders_and_names(tmp_path: Path) -> None:
    one = write(tmp_path / "a.csv", "x")
    (tmp_path / "b.txt").write_text("x")
    assert files_in([tmp_path, one]) == [one, one]
    with pytest.raises(Problem, match="holds no file"):
        files_in([(tmp_path / "empty").mkdir() or tmp_path / "empty"])


@pytest.mark.skipif(not REAL.is_dir(), reason="TRADECTL_TEST_DATA names no folder; the generated twins run")
def test_the_folder_of_real_candles_opens_with_plausible_instruments() -> None:
    history = open_history(REAL, only=["SOLUSDT", "DOGEUSDT"])
    found = {str(key): (str(it.tick_size), str(it.lot_size)) for key, it in history.instruments(T0).items()}
    assert found == {"linear:SOLUSDT": ("0.01", "0.1"), "linear:DOGEUSDT": ("0.00001", "1")}


def test_whole_volumes_do_not_make_a_lot_that_costs_more_than_the_least_order() -> None:
    times = np.arange(60, dtype=np.int64) * MINUTE + T0
    price = np.full(60, 60_000.5)
    whole = Candles(times, price, price, price, price, np.full(60, 12.0))
    made, note = guess_instrument(MemoryHistory({MINUTES: whole}), BTC)
    assert made.lot_size == made.min_qty == Decimal("0.00001")
    assert "guessed" in note
