"""Bybit's public files over a server that breaks off, lies, is busy and has days without a file."""

import asyncio
import gzip
import itertools
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from tradectl.exchange.bybit.archive import BybitArchive
from tradectl.exchange.bybit.archive_rows import read_trades
from tradectl.exchange.retry_handler import RetryPolicy
from tradectl.history.download import Download, Outcome, Wanted
from tradectl.history.series import Kind, SeriesId
from tradectl.history.store import ParquetStore
from tradectl.model.errors import Problem
from tradectl.model.instruments import Category, InstrumentId
from tradectl.model.market_data import INTERVALS

DAY, MINUTE = INTERVALS["1d"], INTERVALS["1m"]
JUNE = 20_240 * DAY  # 2025-06-01
LINEAR, SPOT = InstrumentId(Category.LINEAR, "BTCUSDT"), InstrumentId(Category.SPOT, "BTCUSDT")
TRADES = SeriesId(LINEAR, Kind.TRADES)


def linear_file(day: int, rows: int = 500, symbol: str = "BTCUSDT") -> bytes:
    """A file of a derivative: seconds with a fraction, random prices so that gzip cannot shrink it to nothing."""
    rng = np.random.default_rng(day)
    lines = ["timestamp,symbol,side,size,price,tickDirection,trdMatchID,grossValue,homeNotional,foreignNotional"]
    for n, (price, size) in enumerate(rng.random((rows, 2))):
        at = (JUNE + day * DAY) // 10**9 + n * 86_400 / rows + 0.0974
        side = "Buy" if n % 3 else "Sell"
        lines.append(f"{at:.4f},{symbol},{side},{size + 0.001:.3f},{100 + price:.2f},PlusTick,{price},0,0,0")
    return gzip.compress("\n".join(lines).encode())


class Files(BaseHTTPRequestHandler):
    """Serves ``server.files``; ``server.faults`` has what to do first for a path, one by one."""

    protocol_version = "HTTP/1.1"
    server: Any

    def do_GET(self) -> None:
        self.server.asked.append((self.path, self.headers.get("Range", "")))
        faults = self.server.faults.get(self.path, [])
        fault = faults.pop(0) if faults else ""
        data = self.server.files.get(self.path)
        if data is None or fault == "500":
            self._answer(404 if data is None else 500, b"no", len(b"no"), {})
            return
        wanted = self.headers.get("Range", "")
        tag = self.headers.get("If-Range", "")
        start = int(wanted[6:-1]) if wanted and tag in ("", '"1"') and fault != "no range" else 0
        if start >= len(data):
            self._answer(416, b"", 0, {})
            return
        body = data[start:]
        head = {"ETag": f'"{self.server.version}"'}
        if start:
            head["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        if fault == "cut":
            self._answer(206 if start else 200, body[: len(body) // 2], len(body), head)
            self.close_connection = True
        elif fault == "truncated":  # the server itself has half a file, and says so
            self._answer(206 if start else 200, body[: len(body) // 2], len(body) // 2, head)
        else:
            self._answer(206 if start else 200, body, len(body), head)

    def _answer(self, status: int, body: bytes, length: int, head: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in head.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Files)
        self.asked: list[tuple[str, str]] = []
        self.files: dict[str, bytes] = {path_of(day): linear_file(day) for day in range(3)}
        self.faults: dict[str, list[str]] = {}
        self.version = 1

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


def path_of(day: int) -> str:
    return f"/trading/BTCUSDT/BTCUSDT2025-06-0{day + 1}.csv.gz"


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield made
    made.shutdown()
    made.server_close()
    thread.join()


def download(server: Server, folder: Path, *series: SeriesId, days: int = 3) -> tuple[list[Outcome], list[str]]:
    async def work() -> tuple[list[Outcome], list[str]]:
        policy = RetryPolicy(4, lambda: 0.0, first=0.01, longest=0.02)
        client = httpx.AsyncClient(trust_env=False, timeout=5.0)
        source = BybitArchive(server.base, folder / ".incoming", client, policy)
        job = Download(source, ParquetStore(folder), folder)
        try:
            return await job.run(Wanted(series, JUNE, JUNE + days * DAY), 0), source.notes
        finally:
            await source.close()

    return asyncio.run(work())


def stored(folder: Path, series: SeriesId) -> list[tuple[float, ...]]:
    rows = ParquetStore(folder).read_all(series)
    return list(zip(*(column.tolist() for column in rows.arrays()), strict=True))


@pytest.fixture
def plain(server: Server, tmp_path: Path) -> list[tuple[float, ...]]:
    """What an undisturbed download stores."""
    download(server, tmp_path / "plain", TRADES)
    server.asked.clear()
    return stored(tmp_path / "plain", TRADES)


def test_every_trade_of_every_day_is_stored_as_the_file_says(plain: list[tuple[float, ...]]) -> None:
    assert len(plain) == 1500
    lines = gzip.decompress(linear_file(0)).decode().splitlines()[1:]
    for row, line in zip(plain, lines, strict=False):
        at, _, side, size, price, *_ = line.split(",")
        seconds, fraction = at.split(".")
        ns = int(seconds) * 10**9 + int(fraction.ljust(9, "0"))
        assert row == (ns, float(price), float(size), 1 if side == "Buy" else -1)


@pytest.mark.parametrize("faults", [["cut", "cut"], ["500", "cut"], ["truncated"], ["cut", "no range"]])
def test_a_disturbed_download_stores_the_same(
    server: Server, tmp_path: Path, plain: list[tuple[float, ...]], faults: list[str]
) -> None:
    server.faults = {path_of(day): list(faults) for day in range(3)}
    _, notes = download(server, tmp_path / "disturbed", TRADES)
    assert stored(tmp_path / "disturbed", TRADES) == plain
    assert len(notes) >= 3
    assert all("trying again" in note for note in notes)
    assert sorted(it.name for it in (tmp_path / "disturbed/.incoming").iterdir()) == [
        "linear.BTCUSDT.trades.covered.json"
    ]


def test_a_file_that_was_cut_off_is_asked_for_from_where_it_was(
    server: Server, tmp_path: Path, plain: list[tuple[float, ...]]
) -> None:
    server.faults = {path_of(0): ["cut"]}
    download(server, tmp_path / "cut", TRADES, days=1)
    half = len(server.files[path_of(0)]) // 2
    assert server.asked == [(path_of(0), ""), (path_of(0), f"bytes={half}-")]


def test_a_file_that_changed_meanwhile_begins_again(
    server: Server, tmp_path: Path, plain: list[tuple[float, ...]]
) -> None:
    folder = tmp_path / "changed/.incoming"
    folder.mkdir(parents=True)
    (folder / "linear.BTCUSDT.2025-06-01.csv.gz.part").write_bytes(b"half of an older file")
    (folder / "linear.BTCUSDT.2025-06-01.csv.gz.tag").write_text('"0"')
    download(server, tmp_path / "changed", TRADES)
    assert stored(tmp_path / "changed", TRADES) == plain


def test_a_whole_part_left_by_a_kill_is_used_without_another_byte(
    server: Server, tmp_path: Path, plain: list[tuple[float, ...]]
) -> None:
    folder = tmp_path / "killed/.incoming"
    folder.mkdir(parents=True)
    (folder / "linear.BTCUSDT.2025-06-01.csv.gz.part").write_bytes(server.files[path_of(0)])
    download(server, tmp_path / "killed", TRADES)
    assert stored(tmp_path / "killed", TRADES) == plain


def test_a_day_without_a_file_is_told_and_asked_for_again(server: Server, tmp_path: Path) -> None:
    kept = server.files.pop(path_of(1))
    (outcome,), notes = download(server, tmp_path, TRADES)
    assert outcome.left == [(JUNE + DAY, JUNE + 2 * DAY)]
    assert notes == ["linear:BTCUSDT: there is no file of 2025-06-02"]
    server.files[path_of(1)] = kept
    server.asked.clear()
    (outcome,), _ = download(server, tmp_path, TRADES)
    assert outcome.left == []
    assert server.asked == [(path_of(1), "")]


def test_a_server_that_stays_broken_is_a_problem_and_the_days_before_are_stored(server: Server, tmp_path: Path) -> None:
    server.faults = {path_of(1): ["500"] * 9}
    with pytest.raises(Problem, match=r"06-02\.csv\.gz could not be downloaded in 4 attempts: HTTP 500"):
        download(server, tmp_path, TRADES)
    assert len(stored(tmp_path, TRADES)) == 500


def test_candles_open_at_the_last_price_before_also_after_a_stop(server: Server, tmp_path: Path) -> None:
    candles = SeriesId(LINEAR, Kind.CANDLES, "5m")
    download(server, tmp_path / "whole", candles)
    download(server, tmp_path / "parts", candles, days=1)
    download(server, tmp_path / "parts", candles)
    rows = stored(tmp_path / "whole", candles)
    assert rows == stored(tmp_path / "parts", candles)
    assert len(rows) == 3 * 288
    assert all(after[1] == before[4] for before, after in itertools.pairwise(rows))


def test_trades_and_candles_of_several_intervals_bring_each_file_once(server: Server, tmp_path: Path) -> None:
    intervals = [SeriesId(LINEAR, Kind.CANDLES, text) for text in ("1m", "1h", "1d")]
    download(server, tmp_path, TRADES, *intervals)
    assert sorted(path for path, _ in server.asked if path in server.files) == [path_of(day) for day in range(3)]
    assert [len(stored(tmp_path, it)) for it in intervals] == [3 * 1440, 72, 3]


@pytest.mark.parametrize(
    ("series", "words"),
    [
        (SeriesId(LINEAR, Kind.FUNDING), "hold trades, not funding"),
        (SeriesId(LINEAR, Kind.CANDLES, "1w"), "1w do not fit"),
        (SeriesId(InstrumentId(Category.OPTION, "BTC-1"), Kind.TRADES), "no files of options"),
    ],
)
def test_what_the_files_do_not_hold_is_refused(server: Server, tmp_path: Path, series: SeriesId, words: str) -> None:
    with pytest.raises(Problem, match=words):
        download(server, tmp_path, series)


def test_spot_files_have_their_own_place_and_columns(server: Server, tmp_path: Path) -> None:
    ms = JUNE // 10**6
    text = f"id,timestamp,price,volume,side,rpi\n1,{ms + 7},106453.8,0.003718,sell,0\n2,{ms + 9},106456,1,buy,0\n"
    server.files["/spot/BTCUSDT/BTCUSDT_2025-06-01.csv.gz"] = gzip.compress(text.encode())
    download(server, tmp_path, SeriesId(SPOT, Kind.TRADES), days=1)
    assert stored(tmp_path, SeriesId(SPOT, Kind.TRADES)) == [
        (JUNE + 7 * 10**6, 106453.8, 0.003718, -1), (JUNE + 9 * 10**6, 106456.0, 1.0, 1),
    ]  # fmt: skip


def write(tmp_path: Path, *lines: str) -> Path:
    path = tmp_path / "file.csv.gz"
    path.write_bytes(gzip.compress("\n".join(lines).encode()))
    return path


HEAD = "timestamp,symbol,side,size,price"


def test_old_files_from_new_to_old_are_turned_round(tmp_path: Path) -> None:
    path = write(
        tmp_path, HEAD, "1569974400.5,BTCUSD,Buy,3,8.5", "1569974399,BTCUSD,Sell,2,8", "1569974399,BTCUSD,Buy,1,7"
    )
    tape = read_trades(path, "BTCUSD")
    assert tape.size.tolist() == [1, 2, 3]
    assert tape.ts.tolist() == [1569974399 * 10**9, 1569974399 * 10**9, 1569974400 * 10**9 + 5 * 10**8]


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ([HEAD, "1569974400,ETHUSD,Buy,1,8"], "symbol is not BTCUSD"),
        ([HEAD, "1569974400,BTCUSD,Hold,1,8"], "neither buy nor sell: hold"),
        (
            [HEAD, "1569974400,BTCUSD,Buy,1,8", "1569974401,BTCUSD,Buy,0,8"],
            r"size must be finite and positive \(row 2\)",
        ),
        ([HEAD, "1569974400,BTCUSD,Buy,1,-8"], "price must be finite"),
        ([HEAD, "1569974400000,BTCUSD,Buy,1,8"], "timestamp must be a time after 2000"),
        ([HEAD, "soon,BTCUSD,Buy,1,8"], "timestamp must be a number"),
        ([HEAD, "1569974400,BTCUSD,Buy,1"], "cannot be read as CSV"),
        (["timestamp,symbol,side,size", "1569974400,BTCUSD,Buy,1"], "price is missing; there are"),
        (["timestamp,symbol,size,price", "1569974400,BTCUSD,1,8"], "side is missing"),
    ],
)
def test_a_file_that_is_wrong_is_refused_with_the_rule(tmp_path: Path, lines: list[str], words: str) -> None:
    with pytest.raises(Problem, match=words):
        read_trades(write(tmp_path, *lines), "BTCUSD")
