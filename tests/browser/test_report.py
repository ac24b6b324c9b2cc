"""The report in a real browser: its script runs without an error and without the network, and something is drawn."""

import os
import re
import shutil
import struct
import subprocess
import zlib
from pathlib import Path

import pytest

from tests.unit.backtest.candles import BTC, ETH, history, job, walk
from tradectl.backtest.report.html import page
from tradectl.backtest.runner import run_backtest
from tradectl.model.money import use_exact_context
from tradectl.strategies.ema_cross import EmaCross

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")
#: Virtual milliseconds a page may take: the browser's own clock runs ahead, nobody waits.
BUDGET = 5_000


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if BROWSER is None:
        if os.environ.get("TRADECTL_REQUIRE_SERVICES") == "1":
            pytest.fail("Chromium is missing")
        pytest.skip("there is no Chromium on this machine")
    use_exact_context()
    data = {BTC: walk(6000), ETH: walk(6000, seed=2, price=3000.0)}
    result = run_backtest(job(data, "ema", {"fast": 10, "slow": 30}), history(data), {"ema": EmaCross})
    file = tmp_path_factory.mktemp("report") / "report.html"
    file.write_text(page(result), encoding="utf-8")
    return file


def browse(file: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Open the page as a person would, but for the screen."""
    assert BROWSER is not None
    return subprocess.run(
        [
            BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
            "--host-resolver-rules=MAP * ~NOTFOUND", f"--user-data-dir={file.parent / 'profile'}",
            "--enable-logging=stderr", "--window-size=1280,2400", f"--virtual-time-budget={BUDGET}", *options,
            file.as_uri(),
        ],
        capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip


def test_the_script_runs_and_the_trades_are_paged(report: Path) -> None:
    seen = browse(report, "--dump-dom")
    errors = [line for line in seen.stderr.splitlines() if "CONSOLE" in line]
    assert errors == []
    section = re.search(r'<section[^>]*id="trades".*?</section>', seen.stdout, re.S)
    assert section is not None
    assert 10 < section.group(0).count("<tr") < 200, "one page of the trades, not all of them and not none"
    said = re.compile(r'class="pages note">(.*?)</p>', re.S)
    before, after = said.search(report.read_text(encoding="utf-8")), said.search(section.group(0))
    assert before is not None
    assert after is not None
    assert "<button" not in before.group(1)
    assert "<button" in after.group(1), "the script makes the pages"
    assert seen.stdout.count("<path") + seen.stdout.count("<polyline") > 5


def test_it_is_not_blank(report: Path) -> None:
    picture = report.parent / "report.png"
    browse(report, f"--screenshot={picture}")
    width, height, colours = looked_at(picture)
    assert (width, height) == (1280, 2400)
    assert colours > 50


def looked_at(picture: Path) -> tuple[int, int, int]:
    """Width, height and how many different byte values the packed picture has: a blank one has a handful."""
    data = picture.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", data[16:24])
    place, packed = 8, b""
    while place < len(data):
        (length,) = struct.unpack(">I", data[place : place + 4])
        if data[place + 4 : place + 8] == b"IDAT":
            packed += data[place + 8 : place + 8 + length]
        place += 12 + length
    return width, height, len(set(zlib.decompress(packed)))
