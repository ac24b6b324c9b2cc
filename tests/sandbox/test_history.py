"""``data download`` and ``data record`` as processes: the sandbox's market arrives whole, also after a kill."""

import csv
import gzip
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from urllib.request import Request, urlopen

import pytest

from tradectl.history.coverage import Coverage
from tradectl.history.series import Kind, SeriesId
from tradectl.history.store import ParquetStore
from tradectl.model.instruments import Category, InstrumentId

MINUTE_MS, MS = 60_000, 1_000_000
BTC = InstrumentId(Category.LINEAR, "BTCUSDT")
CANDLES, TRADES = SeriesId(BTC, Kind.CANDLES, "1m"), SeriesId(BTC, Kind.TRADES)
FIRST = 1_748_736_000_000  # 2025-06-01


def environment(folder: Path) -> dict[str, str]:
    return {**os.environ, "TRADECTL_DATA": str(folder / "store"), "XDG_CONFIG_HOME": str(folder), "NO_COLOR": "1"}


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "tradectl", "data", *words]


def run(folder: Path, *words: str) -> dict[str, Any]:
    """The JSON answer of a command that succeeds."""
    done = subprocess.run(
        command(*words, "--json"), env=environment(folder), capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Callable[..., str]]:
    """Starts a sandbox with options; returns its address."""
    started: list[subprocess.Popen[bytes]] = []

    def start(*options: str) -> str:
        state = tmp_path / "sandbox"
        words = [sys.executable, "-m", "tradectl.sandbox", "--port", "0", "--state", str(state), *options]
        process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        started.append(process)
        end = time.monotonic() + 60
        while not (state / "endpoint.json").exists():
            assert process.poll() is None
            assert time.monotonic() < end
            time.sleep(0.02)
        return f"http://127.0.0.1:{json.loads((state / 'endpoint.json').read_text())['port']}"

    yield start
    for process in started:
        process.kill()
        process.wait()


def generated(folder: Path) -> tuple[Path, int]:
    """3,000 minutes, of which 40 are missing; how many candles come before the live ones."""
    chance, price = random.Random(7), 1000.0
    path = folder / "linear_BTCUSDT_1m.csv"
    with path.open("w") as file:
        file.write("timestamp,open,high,low,close,volume\n")
        for n in range(3000):
            close = round(price + chance.uniform(-3, 3), 1)
            high, low = round(max(price, close) + 0.5, 1), round(min(price, close) - 0.5, 1)
            if not 1100 <= n < 1140:
                file.write(f"{FIRST + n * MINUTE_MS},{price},{high},{low},{close},{chance.randint(1, 9999) / 1000}\n")
            price = close
    return path, 2500


def recorded(folder: Path) -> tuple[Path, int]:
    """The real file with 42 missing minutes."""
    known = os.environ.get("TRADECTL_TEST_DATA", "")
    path = Path(known) / "candles" / "bybit_linear_BTCUSDT_1m_with_gaps_2025-06.csv.gz"
    if not path.is_file():
        pytest.skip("TRADECTL_TEST_DATA does not hold the candles; the generated twin runs")
    return path, 43_000


def rows_of(path: Path) -> list[tuple[float, ...]]:
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt") as file:
        return [(int(row[0]) * MS, *map(float, row[1:6])) for row in list(csv.reader(file))[1:]]


def stored(folder: Path, series: SeriesId) -> list[tuple[float, ...]]:
    rows = ParquetStore(folder / "store").read_all(series)
    return list(zip(*(column.tolist() for column in rows.arrays()), strict=True))


@pytest.mark.parametrize("market", [generated, recorded])
def test_the_history_of_a_replayed_file_is_the_file(
    sandbox: Callable[..., str], tmp_path: Path, market: Callable[[Path], tuple[Path, int]]
) -> None:
    path, backfill = market(tmp_path)
    given = rows_of(path)
    url = sandbox("--data", str(path), "--interval", "1m", "--backfill", str(backfill), "--speed", "stepped")
    (told,) = run(tmp_path, "download", "--symbol", "btcusdt", "--since", "2025-05-01", "--url", url)["series"]
    found = stored(tmp_path, CANDLES)
    assert len(found) >= backfill
    assert [row[:6] for row in found] == given[: len(found)]
    here = {row[0] for row in given}
    absent = [at for at in range(given[0][0], int(found[-1][0]), MINUTE_MS * MS) if at not in here]
    assert len(absent) in (40, 42)
    gaps = [(parse(gap["since"]), parse(gap["until"])) for gap in told["left"]]
    assert gaps[0][1] == given[0][0]  # before the file there is nothing
    assert [at for since, until in gaps[1:] for at in range(since, until, MINUTE_MS * MS)] == absent


def parse(text: str) -> int:
    from tradectl.cli.when import moment

    return moment(text)


class Slow(BaseHTTPRequestHandler):
    """A venue with one instrument whose every page takes its time."""

    protocol_version = "HTTP/1.1"
    server: Any
    END = FIRST + 40_000 * MINUTE_MS

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        given = dict(parse_qsl(parts.query))
        result: dict[str, Any] = {"list": [], "nextPageCursor": ""}
        if parts.path.endswith("orderbook"):
            result = {"ts": self.END}
        elif parts.path.endswith("time"):
            result = {"timeNano": str(time.time_ns())}
        elif parts.path.endswith("instruments-info"):
            result["list"] = [INSTRUMENT]
        else:
            self.server.asked.append(int(given["start"]))
            time.sleep(0.03)
            times = range(int(given["start"]), min(int(given["end"]), self.END) + 1, MINUTE_MS)
            result["list"] = [
                [str(t), "2", "3", "1", str(1 + t // MINUTE_MS % 100 / 50), "4", "10"] for t in times[::-1]
            ]
        data = json.dumps({"retCode": 0, "retMsg": "OK", "result": result, "time": self.END}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


INSTRUMENT = {
    "symbol": "BTCUSDT", "status": "Trading", "baseCoin": "BTC", "quoteCoin": "USDT", "settleCoin": "USDT",
    "priceFilter": {"tickSize": "0.1"}, "lotSizeFilter": {"qtyStep": "0.001"},
}  # fmt: skip


@pytest.fixture
def slow() -> Iterator[Any]:
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), Slow)
    server.daemon_threads, server.asked = True, []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    server.url = f"http://127.0.0.1:{server.server_address[1]}"
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_download_that_is_killed_goes_on_where_it_was(slow: Any, tmp_path: Path, number: int) -> None:
    words = ("download", "--symbol", "BTCUSDT", "--since", "2025-06-01", "--url", slow.url)
    first = subprocess.Popen(
        command(*words), env=environment(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    end = time.monotonic() + 60
    while len(slow.asked) < 15:
        assert first.poll() is None
        assert time.monotonic() < end
        time.sleep(0.005)
    first.send_signal(number)
    out, err = first.communicate(timeout=30)
    if number != signal.SIGKILL:
        assert first.returncode == 130, err
        assert "the same command goes on from there" in err
        assert "NEW ROWS" in out
    before = len(slow.asked)
    assert before < 35
    run(tmp_path, *words)
    assert [row[0] for row in stored(tmp_path, CANDLES)] == [(FIRST + n * MINUTE_MS) * MS for n in range(40_000)]
    twice = len(slow.asked) - len(set(slow.asked))
    assert twice <= 4 + 1  # the pages that were under way
    slow.asked.clear()
    run(tmp_path, *words)
    assert slow.asked == []


def test_recording_keeps_every_trade_and_marks_what_a_cut_took(sandbox: Callable[..., str], tmp_path: Path) -> None:
    url = sandbox("--speed", "60", "--symbols", "BTCUSDT")
    words = ("record", "--symbol", "BTCUSDT", "--kind", "quotes,trades,candles", "--url", url, "--json")
    process = subprocess.Popen(
        command(*words), env=environment(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    wait_for_rows(tmp_path, process)
    cut = json.dumps({"fault": {"kind": "cut", "place": "public", "after": 1}}).encode()
    with urlopen(Request(f"{url}/sandbox/fault", data=cut, method="POST"), timeout=10) as answer:
        assert answer.status == 200
    time.sleep(4)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    told = {it["series"]: it for it in json.loads(out)["series"]}
    gaps = told["linear:BTCUSDT trades"]["gaps"]
    assert len(gaps) == 1
    kept = [(row[0], row[1], row[2], row[3]) for row in stored(tmp_path, TRADES)]
    assert told["linear:BTCUSDT trades"]["rows"] == len(kept) > 5
    stretches = Coverage(tmp_path / "store" / ".incoming", TRADES).stretches
    assert len(stretches) == 2
    assert [(parse(gap["since"]), parse(gap["until"])) for gap in gaps] == [(stretches[0][1], stretches[1][0])]
    with urlopen(f"{url}/v5/market/recent-trade?category=linear&symbol=BTCUSDT&limit=1000", timeout=10) as answer:
        tape = json.load(answer)["result"]["list"]
    real = sorted(
        (int(it["time"]) * MS, float(it["price"]), float(it["size"]), 1 if it["side"] == "Buy" else -1) for it in tape
    )
    assert set(kept) <= set(real)
    inside = [it for it in real if any(since <= it[0] < until for since, until in stretches)]
    assert inside == sorted(it for it in kept if any(since <= it[0] < until for since, until in stretches))
    assert stored(tmp_path, SeriesId(BTC, Kind.QUOTES))
    assert stored(tmp_path, CANDLES)


def wait_for_rows(folder: Path, process: subprocess.Popen[str]) -> None:
    """Until some seconds of every kind were saved."""
    end = time.monotonic() + 60
    incoming = folder / "store" / ".incoming"
    while (
        not all(it.stat().st_size > 200 for it in incoming.glob("*.spool")) or len(list(incoming.glob("*.spool"))) < 3
    ):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("download", "--symbol", "BTCUSDX"), 2, "BTCUSDX is not listed in linear"),
        (("record", "--symbol", "BTCUSDX", "--for", "1s"), 2, "BTCUSDX is not listed in linear"),
        (("download",), 2, "--symbol is missing"),
        (("download", "--symbol", "BTCUSDT", "--interval", "7m"), 2, "--interval 7m is none of 1m"),
        (("download", "--symbol", "BTCUSDT", "--kind", "ticks"), 2, "--kind ticks is none of candles"),
        (("download", "--symbol", "BTCUSDT", "--since", "1d", "--until", "2d"), 2, "is not before"),
        (("record", "--symbol", "BTCUSDT", "--kind", "funding"), 2, "cannot be recorded"),
        (("record", "--symbol", "BTCUSDT", "--for", "soon"), 2, "soon"),
    ],
)
def test_wrong_words_are_named(slow: Any, tmp_path: Path, words: tuple[str, ...], code: int, message: str) -> None:
    done = subprocess.run(
        command(*words, "--url", slow.url), env=environment(tmp_path), capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (code, "")
    assert message in done.stderr
    assert slow.asked == []
