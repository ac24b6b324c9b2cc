"""The readers keep the file's text exactly and refuse every kind of bad row with file, line, field and rule."""

import gzip
import os
import re
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradectl.history.candles import read_candles
from tradectl.history.funding import read_funding
from tradectl.history.records import Candle
from tradectl.history.trades import is_trade_file, read_trades
from tradectl.model.errors import Problem
from tradectl.model.orders import Side

MINUTE = 60_000_000_000
T0 = 1_748_736_000_000
HEADER = "timestamp,open,high,low,close,volume\n"
GOOD = f"{T0},100.50,101,99.90,100.0,12.340\n"


def write(path: Path, text: str, *, packed: bool = False) -> Path:
    data = text.encode()
    path.write_bytes(gzip.compress(data) if packed else data)
    return path


@pytest.mark.parametrize("packed", [False, True])
def test_candles_keep_the_exact_text(tmp_path: Path, packed: bool) -> None:
    path = write(tmp_path / "c.csv", HEADER + GOOD + f"{T0 + 60_000},1,1,1,1,0\n", packed=packed)
    first, second = read_candles(path, MINUTE)
    assert first.open_time == T0 * 1_000_000
    assert [str(v) for v in (first.open, first.high, first.low, first.close, first.volume)] == [
        "100.50", "101", "99.90", "100.0", "12.340",
    ]  # fmt: skip
    assert second == Candle((T0 + 60_000) * 1_000_000, *[Decimal(1)] * 4, Decimal(0))


def test_columns_are_found_by_name_in_any_order(tmp_path: Path) -> None:
    path = write(tmp_path / "c.csv", f"\ufeffVolume,close,low,high,open,extra,Timestamp\n5,3,1,4,2,x,{T0}\n")
    assert next(read_candles(path, MINUTE)) == Candle(T0 * 1_000_000, *map(Decimal, (2, 4, 1, 3, 5)))


def row(**changed: str) -> str:
    values = {"time": str(T0), "open": "100", "high": "101", "low": "99", "close": "100", "volume": "1"} | changed
    return ",".join(values.values()) + "\n"


@pytest.mark.parametrize(
    ("body", "line", "field", "rule"),
    [
        (row(open=""), 2, "open", "is empty"),
        (row(close="NaN"), 2, "close", "finite"),
        (row(high="Infinity"), 2, "high", "finite"),
        (row(low="abc"), 2, "low", "not a number"),
        (row(low="9_9"), 2, "low", "not a number"),
        (row(low="-1"), 2, "low", "above 0"),
        (row(open="0"), 2, "open", "above 0"),
        (row(volume="-0.1"), 2, "volume", "negative"),
        (row(volume="1e90"), 2, "volume", "beyond any market"),
        (row(high="98"), 2, "high", "below the low"),
        (row(high="99.5"), 2, "high", "below the open"),
        (row(low="100.5"), 2, "low", "above the open"),
        (row(time="soon"), 2, "timestamp", "whole number"),
        (row(time=""), 2, "timestamp", "whole number"),
        (row(time=str(T0 // 1000)), 2, "timestamp", "milliseconds"),
        (row(time="9" * 5000), 2, "timestamp", "milliseconds"),
        (row(time=str(T0 + 1)), 2, "timestamp", "not the open"),
        (row() + row(), 3, "timestamp", "repeats"),
        (row() + row(time=str(T0 - 60_000)), 3, "timestamp", "earlier"),
        (row() + "\n" + row(time=str(T0 + 60_000)), 3, "row", "is empty"),
        (row() + f"{T0 + 60_000},1,1\n", 3, "row", "3 values"),
        ("", 2, "row", "nothing else"),
        (row() + '"open quote\n', 3, "row", "not CSV"),
    ],
)
def test_each_bad_candle_is_named(tmp_path: Path, body: str, line: int, field: str, rule: str) -> None:
    path = write(tmp_path / "bad.csv", HEADER + body)
    with pytest.raises(Problem) as caught:
        list(read_candles(path, MINUTE))
    assert caught.value.field == field
    assert rule in caught.value.reason
    assert caught.value.data == {"file": str(path), "line": line}
    assert str(path) in caught.value.message
    assert f"line {line}" in caught.value.message


def test_a_missing_column_names_the_header(tmp_path: Path) -> None:
    path = write(tmp_path / "c.csv", "timestamp,open,high,low,volume\n1,2,3,4,5\n")
    with pytest.raises(Problem, match="close is a missing column; the header has timestamp, open"):
        list(read_candles(path, MINUTE))


def test_an_empty_file_and_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="the file is empty"):
        list(read_candles(write(tmp_path / "e.csv", ""), MINUTE))
    with pytest.raises(Problem, match="cannot be opened"):
        list(read_candles(tmp_path / "none.csv", MINUTE))
    with pytest.raises(Problem, match="cannot be opened"):
        list(read_candles(tmp_path, MINUTE))


def many_rows(count: int) -> str:
    return HEADER + "".join(f"{T0 + 60_000 * i},100,101,99,{100 + i % 2},{i}.5\n" for i in range(count))


def test_a_truncated_gzip_says_so_after_its_good_rows(tmp_path: Path) -> None:
    path = tmp_path / "c.csv.gz"
    data = gzip.compress(many_rows(5000).encode())
    path.write_bytes(data[: len(data) // 2])
    rows = read_candles(path, MINUTE)
    with pytest.raises(Problem, match="truncated gzip"):
        for _ in rows:
            pass


def test_a_damaged_gzip_and_foreign_bytes(tmp_path: Path) -> None:
    path = tmp_path / "c.csv.gz"
    data = bytearray(gzip.compress(many_rows(500).encode()))
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(Problem, match=r"damaged gzip|truncated|not UTF-8|line"):
        list(read_candles(path, MINUTE))
    path.write_bytes(b"\xff\xfe\x00binary")
    with pytest.raises(Problem, match="not UTF-8"):
        list(read_candles(path, MINUTE))


def test_trades_in_their_dialects(tmp_path: Path) -> None:
    path = write(
        tmp_path / "t.csv", f"id,timestamp,price,volume,side,rpi\n1,{T0},0.2271,220.16,buy,0\n2,{T0},1,2,Sell,0\n"
    )
    first, second = read_trades(path)
    assert (first.ts, str(first.price), str(first.size), first.side, first.id) == (
        T0 * 1_000_000, "0.2271", "220.16", Side.BUY, "1",
    )  # fmt: skip
    assert second.side is Side.SELL
    assert is_trade_file(path)
    assert not is_trade_file(write(tmp_path / "c.csv", HEADER + GOOD))


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (f"{T0},1,2,hold\n", "side"),
        (f"{T0},0,2,buy\n", "price"),
        (f"{T0},1,-2,buy\n", "size"),
        (f"{T0},1,nan,buy\n", "size"),
        (f"{T0},1,2,buy\n{T0 - 1},1,2,buy\n", "timestamp"),
    ],
)
def test_each_bad_trade_is_named(tmp_path: Path, body: str, field: str) -> None:
    path = write(tmp_path / "t.csv", "time,price,size,side\n" + body)
    with pytest.raises(Problem) as caught:
        list(read_trades(path))
    assert caught.value.field == field


def test_funding_rates(tmp_path: Path) -> None:
    path = write(tmp_path / "f.csv", f"timestamp,funding_rate\n{T0},0.0001\n{T0 + 28_800_000},-0.00034729\n")
    assert [(r.ts, str(r.rate)) for r in read_funding(path)] == [
        (T0 * 1_000_000, "0.0001"),
        ((T0 + 28_800_000) * 1_000_000, "-0.00034729"),
    ]


@pytest.mark.parametrize(("body", "field"), [(f"{T0},0.1\n", "funding_rate"), (f"{T0},x\n", "funding_rate"),
                                             (f"{T0},0\n{T0},0\n", "timestamp")])  # fmt: skip
def test_each_bad_rate_is_named(tmp_path: Path, body: str, field: str) -> None:
    path = write(tmp_path / "f.csv", "timestamp,funding_rate\n" + body)
    with pytest.raises(Problem) as caught:
        list(read_funding(path))
    assert caught.value.field == field


@given(st.binary(max_size=200))
def test_foreign_bytes_are_always_a_problem(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.mktemp("any") / "x.csv"
    path.write_bytes(HEADER.encode() + data)
    with pytest.raises(Problem, match=re.escape(str(path))):
        list(read_candles(path, MINUTE))


def test_a_month_of_candles(month_of_candles: Path) -> None:
    last = None
    count = 0
    for candle in read_candles(month_of_candles, MINUTE):
        assert last is None or candle.open_time == last + MINUTE
        last = candle.open_time
        count += 1
    assert count == 43_200


@pytest.fixture(params=["generated", "real"])
def month_of_candles(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    if request.param == "generated":
        return write(tmp_path / "month.csv.gz", many_rows(43_200), packed=True)
    folder = os.environ.get("TRADECTL_TEST_DATA")
    if not folder:
        pytest.skip("TRADECTL_TEST_DATA is not set: real candles are elsewhere")
    return Path(folder) / "candles" / "bybit_linear_BTCUSDT_1m_2025-06.csv.gz"
