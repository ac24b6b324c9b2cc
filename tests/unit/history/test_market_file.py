"""Foreign files: every format and way of writing comes out the same; every fault is named, or repaired and told."""

import gzip
import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.history.made import HEADER, HOUR, MINUTE, MINUTES, T0, candles, csv_of, row, write
from tests.unit.history.test_store import same
from tradectl.history.candles import read_candles
from tradectl.history.gaps import missing_times
from tradectl.history.market_file import Hints, MarketFile, read_market_file
from tradectl.history.records import Candle
from tradectl.history.series import Candles, Kind, Points, Tape, Touches
from tradectl.model.errors import Problem
from tradectl.model.instruments import Category

REAL = Path(os.environ.get("TRADECTL_TEST_DATA", ""))
NAME = "bybit_linear_BTCUSDT_1m_2025-06.csv"
ROWS = candles(200)
MS = T0 // 10**6
REPAIR = Hints(repair=True)
real = pytest.mark.skipif(not (REAL / "candles").is_dir(), reason="TRADECTL_TEST_DATA names no folder; the twins run")


def read(tmp_path: Path, *lines: str, name: str = NAME, hints: Hints = Hints()) -> MarketFile:  # noqa: B008
    return read_market_file(write(tmp_path / name, *lines), hints)


def problem(tmp_path: Path, *lines: str, name: str = NAME, hints: Hints = Hints()) -> Problem:  # noqa: B008
    with pytest.raises(Problem) as caught:
        read(tmp_path, *lines, name=name, hints=hints)
    assert str(tmp_path / name) in caught.value.message
    assert caught.value.remedy
    return caught.value


# --- formats


def as_csv(path: Path) -> None:
    write(path, *csv_of(ROWS))


def as_gzip(path: Path) -> None:
    path.write_bytes(gzip.compress("\n".join(csv_of(ROWS)).encode()))


def as_zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("__MACOSX/x", "nothing")
        archive.writestr("inner.csv", "\n".join(csv_of(ROWS)))


def as_semicolons(path: Path) -> None:
    write(path, *(line.replace(",", ";") for line in csv_of(ROWS)))


def as_byte_order_mark(path: Path) -> None:
    path.write_bytes(b"\xef\xbb\xbf" + "\r\n".join(csv_of(ROWS)).encode())


def cells() -> list[tuple[Any, ...]]:
    return list(zip((ROWS.open_time // 10**6).tolist(), *(it.tolist() for it in ROWS.arrays()[1:6]), strict=True))


def as_json_arrays(path: Path) -> None:
    path.write_text(json.dumps(cells()))


def as_answer_of_bybit(path: Path) -> None:
    path.write_text(json.dumps({"retCode": 0, "result": {"list": [[str(it) for it in one] for one in cells()]}}))


def as_json_objects(path: Path) -> None:
    path.write_text(json.dumps([dict(zip(HEADER.split(","), one, strict=True)) for one in cells()]))


def as_json_lines(path: Path) -> None:
    write(path, *(json.dumps(dict(zip(HEADER.split(","), one, strict=True))) for one in cells()))


def as_parquet(path: Path) -> None:
    import pyarrow
    import pyarrow.parquet

    times = pyarrow.array(ROWS.open_time // 1000, pyarrow.timestamp("us", "UTC"))
    table = pyarrow.table({"Date": times, **dict(zip(ROWS.names[1:6], ROWS.arrays()[1:6], strict=True))})
    pyarrow.parquet.write_table(table, path)


def without_header(path: Path) -> None:
    write(path, *csv_of(ROWS)[1:])


def as_other_venues(path: Path) -> None:
    """Twelve columns without a header, times in microseconds."""
    write(path, *(f"{t}000,{o},{h},{low},{c},{v},{t}999,5,1,1,1,0" for t, o, h, low, c, v in cells()))


@pytest.mark.parametrize(
    "make",
    [
        as_csv, as_gzip, as_zip, as_semicolons, as_byte_order_mark, as_json_arrays, as_answer_of_bybit, as_json_objects,
        as_json_lines, as_parquet, without_header, as_other_venues,
    ],
)  # fmt: skip
def test_every_format_gives_the_same_rows(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / NAME)
    found = read_market_file(tmp_path / NAME)
    assert same(found.columns, ROWS)
    assert (found.series, found.read, found.gaps, found.findings) == (MINUTES, 200, (), ())
    assert found.guessed == ("category", "symbol", "kind", "interval")


def in_iso(time: int, ending: str) -> str:
    return f"{np.datetime64(time, 'ns').astype('datetime64[s]')}{ending}"


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        (lambda it: str(it // 10**9), "seconds"),
        (lambda it: str(it // 10**6), "milliseconds"),
        (lambda it: str(it // 10**3), "microseconds"),
        (lambda it: str(it), "nanoseconds"),
        (lambda it: f"{it // 10**9}.000", "seconds"),
        (lambda it: in_iso(it, "Z"), "ISO 8601"),
        (lambda it: in_iso(it, "").replace("T", " ") + " UTC", "ISO 8601"),
        (lambda it: in_iso(it, ".000000000Z"), "ISO 8601"),
        (lambda it: in_iso(it + 2 * HOUR, "+02:00"), "ISO 8601"),
    ],
)
def test_every_way_to_write_time_gives_the_same_times(tmp_path: Path, text: Callable[[int], str], unit: str) -> None:
    lines = [HEADER, *(row(n, time=text(T0 + n * MINUTE)) for n in range(5))]
    found = read(tmp_path, *lines)
    assert found.columns.times.tolist() == [T0 + n * MINUTE for n in range(5)]
    assert found.unit == unit


def test_a_time_without_a_zone_needs_one_and_takes_it(tmp_path: Path) -> None:
    lines = [HEADER, *(row(n, time=in_iso(T0 + n * MINUTE + 2 * HOUR, "")) for n in range(3))]
    assert "--zone" in problem(tmp_path, *lines).message
    found = read(tmp_path, *lines, hints=Hints(zone="Europe/Warsaw"))
    assert found.columns.times.tolist() == [T0 + n * MINUTE for n in range(3)]
    assert "no time zone" in problem(tmp_path, *lines, hints=Hints(zone="Mars/Phobos")).message


@pytest.mark.parametrize(("time", "word"), [("2025-10-26T02:30:00", "twice"), ("2025-03-30T02:30:00", "never")])
def test_a_local_time_where_clocks_were_turned_is_refused(tmp_path: Path, time: str, word: str) -> None:
    assert word in problem(tmp_path, HEADER, row(0, time=time), hints=Hints(zone="Europe/Warsaw")).reason


def test_fractions_of_seconds_are_exact(tmp_path: Path) -> None:
    lines = [
        "timestamp,symbol,side,size,price",
        "1748736000.1234,BTCUSDT,Buy,0.5,100",
        "1748736000.123456789,X,Sell,1,99.5",
    ]
    found = read(tmp_path, *lines, name="BTCUSDT2025-06-01.csv", hints=Hints(category=Category.LINEAR))
    assert found.columns.times.tolist() == [1748736000_123400000, 1748736000_123456789]


def test_columns_can_be_named_or_numbered(tmp_path: Path) -> None:
    lines = ["a,b,c,d,e,when", *(f"100,101,99,100.5,7,{MS + n * 60_000}" for n in range(3))]
    mapping = {"time": "when", "open": "0", "high": "b", "low": "2", "close": "d", "volume": "e"}
    found = read(tmp_path, *lines, hints=Hints(columns=mapping)).columns
    assert [float(it[0]) for it in found.arrays()[1:6]] == [100, 101, 99, 100.5, 7]
    assert same(
        read(
            tmp_path, *lines[1:], hints=Hints(columns=mapping | {"time": "5", "high": "1", "close": "3", "volume": "4"})
        ).columns,
        found,
    )
    assert "'z' is no column" in problem(tmp_path, *lines, hints=Hints(columns=mapping | {"open": "z"})).reason
    assert "'6' is no column" in problem(tmp_path, *lines, hints=Hints(columns=mapping | {"open": "6"})).reason
    assert "'opne' is no field" in problem(tmp_path, *lines, hints=Hints(columns=mapping | {"opne": "1"})).reason


def test_the_other_kinds_are_told_by_their_columns(tmp_path: Path) -> None:
    trades = read(
        tmp_path, "id,timestamp,price,volume,side", f"1,{MS},10,2,buy", f"2,{MS},9,1,Sell", name="spot_ETHBTC.csv"
    )
    assert isinstance(trades.columns, Tape)
    assert (str(trades.series), trades.columns.side.tolist()) == ("spot:ETHBTC trades", [1, -1])
    made = read(tmp_path, "time,price,qty,is_buyer_maker", f"{MS},10,2,true", f"{MS},9,1,False", name="spot_ETHBTC.csv")
    assert isinstance(made.columns, Tape)
    assert made.columns.side.tolist() == [-1, 1]
    quotes = read(tmp_path, "ts,bid,bid_size,ask,ask_size", f"{MS},1,2,3,4", name="linear_BTCUSDT.csv")
    assert isinstance(quotes.columns, Touches)
    rates = read(tmp_path, "timestamp,funding_rate", f"{MS},0.0001", f"{MS + 28_800_000},-0.0002", name="XRPUSDT.csv")
    assert isinstance(rates.columns, Points)
    assert (rates.series.kind, str(rates.series)) == (Kind.FUNDING, "linear:XRPUSDT funding")
    interest = read(tmp_path, "timestamp,open_interest", f"{MS},5", f"{MS + 3_600_000},6", name="BTCUSD_oi_1h.csv")
    assert str(interest.series) == "inverse:BTCUSD open_interest 1h"


# --- faults: refused with line, field and rule; most of them repaired on request


def rows_with(place: int, *instead: str, count: int = 30) -> list[str]:
    """A header and good rows, one of them replaced."""
    lines = [row(n) for n in range(count)]
    return [HEADER, *lines[:place], *instead, *lines[place + 1 :]]


@pytest.mark.parametrize(
    ("bad", "field", "rule"),
    [
        (row(5, open=""), "open", "is empty"),
        (row(5, close="NaN"), "close", "finite"),
        (row(5, high="inf"), "high", "finite"),
        (row(5, low="abc"), "low", "not a number"),
        (row(5, low="9_9"), "low", "not a number"),
        (row(5, low="٩٩"), "low", "not a number"),
        (row(5, low="-1"), "low", "above 0"),
        (row(5, open="0", low="0"), "open", "above 0"),
        (row(5, volume="-0.1"), "volume", "negative"),
        (row(5, volume="1e90"), "volume", "beyond any market"),
        (row(5, high="98"), "high", "below the low"),
        (row(5, high="99.5"), "high", "below the open"),
        (row(5, low="100.5"), "low", "above the open"),
        (row(5, time="soon"), "time", "no time"),
        (row(5, time=""), "time", "empty"),
        (row(5, time=str(MS // 1000)), "time", "2000 and 2100 in milliseconds"),
        (row(5, time=str(MS + 300_001)), "time", "not the open of a candle"),
        (row(5) + ",7", "row", "has 7 values where 6"),
        ("", "row", "is empty"),
    ],
)
def test_a_bad_row_is_refused_by_line_and_dropped_by_repair(tmp_path: Path, bad: str, field: str, rule: str) -> None:
    lines = rows_with(5, bad)
    told = problem(tmp_path, *lines)
    assert (told.data["line"], told.field) == (7, field)
    assert rule in told.message
    assert "--repair" in told.remedy
    mended = read(tmp_path, *lines, hints=REPAIR)
    (finding,) = mended.findings
    assert (finding.level, finding.rows, finding.line) == ("repaired", 1, 7)
    assert rule in finding.text
    assert mended.columns.times.tolist() == [T0 + n * MINUTE for n in range(30) if n != 5]
    assert [(gap.since, gap.missing) for gap in mended.gaps] == [(T0 + 5 * MINUTE, 1)]


def test_what_is_the_same_fault_is_counted(tmp_path: Path) -> None:
    lines = [HEADER, *(row(n, high="NaN" if n % 3 == 1 else "101") for n in range(30))]
    assert "9 more rows like it" in problem(tmp_path, *lines).message
    (finding,) = read(tmp_path, *lines, hints=REPAIR).findings
    assert finding.rows == 10


@pytest.mark.parametrize("order", ["backwards", "one late"])
def test_rows_out_of_order_are_refused_or_sorted(tmp_path: Path, order: str) -> None:
    lines = csv_of(ROWS)
    body = lines[:0:-1] if order == "backwards" else [*lines[1:50], *lines[51:60], lines[50], *lines[60:]]
    assert problem(tmp_path, lines[0], *body).field == "time"
    mended = read(tmp_path, lines[0], *body, hints=REPAIR)
    assert same(mended.columns, ROWS)
    assert "sorted" in mended.findings[0].text


def test_repeated_rows_are_refused_or_dropped_contradicting_ones_always_refused(tmp_path: Path) -> None:
    twice = rows_with(5, row(5), row(5))
    assert "repeats line 7" in problem(tmp_path, *twice).message
    mended = read(tmp_path, *twice, hints=REPAIR)
    assert (len(mended.columns), mended.findings[0].code, mended.findings[0].rows) == (30, "duplicate", 1)
    against = rows_with(5, row(5), row(5, close="100.4"))
    for hints in (Hints(), REPAIR):
        told = problem(tmp_path, *against, hints=hints)
        assert (told.data["line"], told.field) == (8, "time")
        assert "different values, first on line 7" in told.message


def test_intervals_that_are_mixed_or_not_as_said_are_refused(tmp_path: Path) -> None:
    mixed = [HEADER, *(row(n) for n in range(30)), *(row(30 + 5 * n) for n in range(20))]
    for hints in (Hints(), REPAIR):
        told = problem(tmp_path, *mixed, hints=hints)
        assert (told.field, told.data["line"]) == ("interval", 32)
        assert "mixed: rows 1m apart, and from here on 5m apart" in told.message
    hours = [HEADER, *(row(60 * n) for n in range(5))]
    assert "said to be 1m, but the rows are 1h apart" in problem(tmp_path, *hours).message
    assert read(tmp_path, *hours, name="linear_BTCUSDT.csv").series.interval == "1h"
    odd = [HEADER, *(row(7 * n) for n in range(5))]
    assert "mostly 7m apart" in problem(tmp_path, *odd, name="linear_BTCUSDT.csv").message
    assert "cannot be told from one row" in problem(tmp_path, HEADER, row(0), name="linear_BTCUSDT.csv").message


@pytest.mark.parametrize(
    ("shift", "told"),
    [(30 * MINUTE, "shifted by 30m"), (HOUR - 10**6, "close of candles of 1h"), (90 * 10**9, "shifted by 90s")],
)
def test_shifted_candles_are_refused_with_the_way_back(tmp_path: Path, shift: int, told: str) -> None:
    lines = [HEADER, *(row(0, time=str((T0 + n * HOUR + shift) // 10**6)) for n in range(10))]
    found = problem(tmp_path, *lines, name="linear_BTCUSDT_1h.csv", hints=REPAIR)
    assert told in found.message
    assert "--shift -" in found.remedy
    mended = read(tmp_path, *lines, name="linear_BTCUSDT_1h.csv", hints=Hints(shift=-shift))
    assert mended.columns.times.tolist() == [T0 + n * HOUR for n in range(10)]


def test_funding_in_a_local_time_is_refused_with_the_way_back(tmp_path: Path) -> None:
    lines = ["timestamp,funding_rate", *(f"{MS + (8 * n + 3) * 3_600_000},0.0001" for n in range(9))]
    told = problem(tmp_path, *lines, name="BTCUSDT_funding.csv")
    assert "shifted by 3h: funding settles at 00, 08 and 16 UTC" in told.message
    assert "--shift -3h" in told.remedy
    fixed = read(tmp_path, *lines, name="BTCUSDT_funding.csv", hints=Hints(shift=-3 * HOUR))
    assert fixed.columns.times[0] == T0


def test_funding_a_little_late_is_put_on_the_hour_only_when_asked(tmp_path: Path) -> None:
    lines = ["timestamp,funding_rate", *(f"{MS + 8 * n * 3_600_000 + n % 2 * 7},0.0001" for n in range(4))]
    assert "a little off the full hour" in problem(tmp_path, *lines, name="BTCUSDT_funding.csv").message
    mended = read(tmp_path, *lines, name="BTCUSDT_funding.csv", hints=REPAIR)
    assert mended.columns.times.tolist() == [T0 + 8 * n * HOUR for n in range(4)]


def test_a_percentage_is_no_rate(tmp_path: Path) -> None:
    lines = ["timestamp,funding_rate", f"{MS},0.01", f"{MS + 28_800_000},0.06"]
    assert "not a percentage" in problem(tmp_path, *lines, name="BTCUSDT_funding.csv").message


@pytest.mark.parametrize(
    ("lines", "name", "field"),
    [
        (("timestamp,open,high,low,close", f"{MS},1,1,1,1"), NAME, "volume"),
        (("timestamp,price", f"{MS},1"), NAME.replace("1m", "x"), "kind"),
        ((HEADER,), NAME, "row"),
        (("",), NAME, "file"),
        ((HEADER, row(0), row(1)), "linear_1m.csv", "symbol"),
        ((HEADER, row(0), row(1)), "BTCUSDT_1m.csv", "category"),
        ((HEADER, row(0), row(1)), "BTCUSDT_ETHUSDT_linear_1m.csv", "symbol"),
        (("[]",), NAME, "file"),
        (('[{"timestamp": 1}',), NAME, "row"),
        ((HEADER, row(0), '"open quote'), NAME, "row"),
        (("1,2,3", "4,5,6"), NAME, "kind"),
    ],
)
def test_what_cannot_be_understood_says_which_word_is_missing(
    tmp_path: Path, lines: tuple[str, ...], name: str, field: str
) -> None:
    assert problem(tmp_path, *lines, name=name).field == field


def test_a_truncated_gzip_file_is_refused_or_used_up_to_its_last_whole_line(tmp_path: Path) -> None:
    path = tmp_path / f"{NAME}.gz"
    path.write_bytes(gzip.compress("\n".join(csv_of(candles(5000))).encode())[:-20_000])
    with pytest.raises(Problem, match="truncated gzip file") as caught:
        read_market_file(path)
    assert caught.value.data["line"] > 1
    mended = read_market_file(path, REPAIR)
    assert 100 < len(mended.columns) < 5000
    assert same(mended.columns, candles(5000).rows(0, len(mended.columns)))
    assert mended.findings[0].code == "truncated"


@pytest.mark.parametrize("harm", ["gzip", "zip", "two", "text", "missing", "parquet"])
def test_damaged_files_are_named_even_with_repair(tmp_path: Path, harm: str) -> None:
    path = tmp_path / NAME
    packed = bytearray(gzip.compress("\n".join(csv_of(ROWS)).encode()))
    packed[100:140] = b"x" * 40
    if harm == "two":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("a.csv", HEADER)
            archive.writestr("b.csv", HEADER)
    elif harm != "missing":
        path.write_bytes(
            {
                "gzip": bytes(packed),
                "zip": b"PK\x03\x04" + b"x" * 50,
                "text": b"a,b\n\xff\xfe\n",
                "parquet": b"PAR1xxPAR1",
            }[harm]
        )
    with pytest.raises(Problem, match=NAME):
        read_market_file(path, REPAIR)


def test_an_absurd_price_is_told_and_kept(tmp_path: Path) -> None:
    lines = rows_with(5, row(5, price=100_000.0, low="100"))
    (finding,) = read(tmp_path, *lines).findings
    assert (finding.level, finding.code, finding.line) == ("warning", "absurd", 7)
    assert read(tmp_path, *rows_with(5, row(5, price=300.0))).findings == ()


def test_gaps_are_told_to_the_minute(tmp_path: Path) -> None:
    gone = {7, 8, 9, 20, 41}
    found = read(tmp_path, HEADER, *(row(n) for n in range(60) if n not in gone))
    assert found.missing == 5
    assert missing_times(list(found.gaps), MINUTE).tolist() == [T0 + n * MINUTE for n in sorted(gone)]


# --- the real files


@real
def test_all_real_candle_and_funding_files_are_in_order() -> None:
    found = [read_market_file(it) for it in sorted((REAL / "candles").iterdir()) + sorted((REAL / "funding").iterdir())]
    assert len(found) >= 19
    assert [it.findings for it in found if it.findings] == []
    gaps = {it.path.name: it.missing for it in found if it.missing}
    assert gaps.pop("bybit_linear_BTCUSDT_1m_with_gaps_2025-06.csv.gz") == 42
    assert gaps == {"binance_spot_BTCUSDT_1m_2021-03_2021-04.csv.gz": 434}


@real
def test_the_missing_minutes_of_the_real_file_are_those_the_other_capture_has() -> None:
    """The same market captured a second time without gaps knows which minutes are missing."""
    whole = read_market_file(REAL / "candles" / "bybit_linear_BTCUSDT_1m_2025-06.csv.gz")
    holed = read_market_file(REAL / "candles" / "bybit_linear_BTCUSDT_1m_with_gaps_2025-06.csv.gz")
    missing = set(missing_times(list(holed.gaps), MINUTE).tolist())
    inside = whole.columns.between(int(holed.columns.times[0]), int(holed.columns.times[-1]) + 1).times.tolist()
    assert len(missing) == 42
    assert set(inside) - set(holed.columns.times.tolist()) == {it for it in missing if it >= whole.columns.times[0]}
    assert not missing & set(holed.columns.times.tolist())


def test_a_generated_file_like_the_real_one_with_42_missing_minutes(tmp_path: Path) -> None:
    every = candles(43_200)
    gone = list(range(1000, 43_000, 1000))
    rows = Candles(*(np.delete(it, gone) for it in every.arrays()))
    found = read(tmp_path, *csv_of(rows), name=f"{NAME}.gz")
    assert (found.missing, len(found.gaps)) == (42, 42)
    assert missing_times(list(found.gaps), MINUTE).tolist() == every.open_time[gone].tolist()


# --- whatever happens to a file


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 1800), st.sampled_from('0123456789.,-+eENa_ ;"\n\t'), st.booleans()), max_size=3)
)
def test_a_file_that_was_harmed_is_refused_or_read_as_the_strict_reader_does(
    tmp_path_factory: pytest.TempPathFactory, harms: list[tuple[int, str, bool]]
) -> None:
    """The oracle reads row by row in decimals, and takes no other unit or order than its own."""
    body = "\n".join(csv_of(candles(40))[1:]) + "\n"
    for place, char, instead in harms:
        place %= len(body)
        body = body[:place] + char + body[place + instead :]
    path = tmp_path_factory.mktemp("f") / NAME
    path.write_text(f"{HEADER}\n{body}")
    found = attempt(lambda: read_market_file(path).columns)
    if isinstance(found, Problem):
        assert found.field
        return
    wanted = attempt(lambda: [tuple(map(float, it_row(it))) for it in read_candles(path, MINUTE)])
    if isinstance(wanted, Problem):  # " 1748736000000" and "1748736000000.0" are taken
        assert "whole number of milliseconds" in wanted.reason
        return
    assert [tuple(map(float, it)) for it in zip(*found.arrays()[:6], strict=True)] == wanted


def it_row(it: Candle) -> tuple[Any, ...]:
    return it.open_time, it.open, it.high, it.low, it.close, it.volume


def attempt(do: Callable[[], Any]) -> Any:
    """What came out, or the problem."""
    try:
        return do()
    except Problem as problem:
        return problem
