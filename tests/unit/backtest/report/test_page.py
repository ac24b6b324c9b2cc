"""The page is whole, self-contained, small, and says nothing it was told to hide."""

import html.parser
import json
import re
import shutil
import subprocess
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from tests.unit.backtest.made_result import made_result
from tradectl.backtest.job import BacktestResult, Warned
from tradectl.backtest.report.html import page
from tradectl.performance.round_trips import round_trips

RESULT = made_result(seed=4, hours=1500, names=("trend", "fade"))
VOID = {"meta", "br", "link", "img"}


class Reader(html.parser.HTMLParser):
    """Checks that every tag is closed in order, and gathers text and attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("script", "style"):
            self.text.append(data)


def read(text: str) -> Reader:
    reader = Reader()
    reader.feed(text)
    assert reader.open == []
    return reader


def data_of(text: str) -> dict:
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)[1])


def test_the_page_is_well_formed_and_asks_the_network_for_nothing() -> None:
    text = page(RESULT)
    reader = read(text)
    names = {tag for tag, _ in reader.tags}
    assert not names & {"link", "img", "iframe", "object"}
    assert not any(attrs.get("src") or attrs.get("href") for _, attrs in reader.tags)
    assert "http" not in re.sub(r"[a-z]+://www\.w3\.org/\S*", "", text)
    assert "@import" not in text
    assert "url(" not in text.replace("url(#", "")


def test_the_page_says_everything_a_client_asks_for() -> None:
    text = " ".join(read(page(RESULT)).text)
    for word in (
        "ema_cross", "Strategy fade", "29 November 2023", "Equity", "Drawdown", "Exposure",
        "linear:BTCUSDT with entries and exits", "Monthly returns", "Trade returns", "Where the money went",
        "Slippage", "Funding", "Buy and hold", "Known bias", "7 candles missing", "fees VIP 0",
        RESULT.data_fingerprint, RESULT.code, "fast = 12", "max_position refused 3 decisions",
    ):  # fmt: skip
        assert word in text, word


def test_every_trade_is_in_the_page() -> None:
    trips = round_trips(RESULT.fills)
    trades = data_of(page(RESULT))["trades"]
    assert len(trades["rows"]) == len(trips) > 50
    profit = trades["kinds"].index("profit")
    assert sum(row[profit] for row in trades["rows"]) == pytest.approx(float(sum(it.pnl for it in trips)), abs=1e-3)


def test_the_curves_keep_the_extremes_that_thinning_could_lose() -> None:
    result = made_result(seed=11, hours=9_000)
    chart = data_of(page(result))["charts"]["equity"]
    own = next(line for line in chart["lines"] if line["css"] == "own")
    assert len(own["x"]) < 4_000
    equities = [float(it.equity) for it in result.samples]
    assert max(own["y"]) == pytest.approx(max(equities), rel=1e-6)
    assert min(own["y"]) == pytest.approx(min(equities), rel=1e-6)
    assert own["y"][-1] == pytest.approx(equities[-1], rel=1e-6)


def amounts_of(result: BacktestResult) -> set[str]:
    """How equity, cash, sizes and profits of the run could be written."""
    values = [result.job.cash, result.final_equity, max(it.equity for it in result.samples)]
    values += [abs(trip.pnl) for trip in round_trips(result.fills)] + [abs(fill.value) for fill in result.fills]
    texts = {f"{value:,.2f}" for value in values if value > 100} | {f"{value:.2f}" for value in values if value > 100}
    return texts | {f"{value:,.0f}" for value in values if value > 1000}


def leaks(text: str) -> list[str]:
    """Amounts of the run in the text and data of a page; prices are no secret."""
    visible = re.sub(r"<style>.*?</style>|<path[^>]*>|<circle[^>]*>", "", text, flags=re.DOTALL)
    prices = {f"{fill.price:,.2f}" for fill in RESULT.fills}
    written = re.findall(r"[0-9](?:[0-9.]|,(?=[0-9]{3}(?![0-9])))*", visible)
    return sorted((amounts_of(RESULT) - prices) & set(written))


def test_hidden_amounts_stand_nowhere_in_the_page() -> None:
    shown, hidden = page(RESULT), page(RESULT, hide_amounts=True)
    assert len(leaks(shown)) > 10
    assert leaks(hidden) == []
    assert "USDT<" not in hidden.replace("BTCUSDT<", "").replace("ETHUSDT<", "")
    assert "Starting cash" not in hidden
    assert "Traded value" not in hidden
    data = data_of(hidden)
    assert "size" not in data["trades"]["kinds"]
    assert "size" in data_of(shown)["trades"]["kinds"]
    own = next(line for line in data["charts"]["equity"]["lines"] if line["css"] == "own")
    assert own["y"][0] == 100.0


def test_names_of_strategies_cannot_carry_markup_into_the_page() -> None:
    name = '</script><img src=x onerror="alert(1)">'
    result = made_result(seed=2, hours=300, names=(name,))
    result = msgspec.structs.replace(result, warnings=(Warned("x", name),), stopped={name: name}, missing={name: 1})
    text = page(result)
    assert "<img" not in text
    assert not any(tag == "img" for tag, _ in read(text).tags)


def test_a_run_without_trades_or_samples_still_makes_a_page() -> None:
    bare = msgspec.structs.replace(
        made_result(hours=2), fills=(), executions=(), samples=(), prices={}, warnings=(), missing={}, refused={}
    )
    text = page(bare)
    assert "No trade was finished" in " ".join(read(text).text)
    assert "NaN" not in text
    assert "nan" not in " ".join(read(text).text).lower().replace("finance", "")


def test_thousands_of_trades_are_cut_in_the_middle_and_the_page_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tradectl.backtest.report.html.trade_list.MOST", 20)
    text = page(RESULT)
    rows, trips = data_of(text)["trades"]["rows"], round_trips(RESULT.fills)
    assert len(rows) == 20
    assert rows[-1][3] == trips[-1].began // 10**9
    assert f"{len(trips) - 20} between them are in the CSV export" in text


def test_two_years_of_hours_on_two_symbols_stay_under_three_megabytes() -> None:
    assert len(page(made_result(seed=9, hours=16_128)).encode()) < 3_000_000


def test_the_monthly_table_multiplies_up_to_the_whole_return() -> None:
    result = made_result(seed=6, hours=24 * 200, symbols=("BTCUSDT",))
    table = re.search(r'<table class="months">.*?</table>', page(result), re.DOTALL)[0]
    years = re.findall(r"<tr><th>\d{4}</th>.*?</tr>", table)
    whole = Decimal(1)
    for row in years:
        cell = re.findall(r"<td[^>]*>([^<]*)</td>", row)[-1]
        whole *= 1 + Decimal(cell.replace("−", "-").replace(",", "")) / 100
    assert float(whole) == pytest.approx(float(result.final_equity / result.job.cash), abs=0.002)


def test_the_script_is_valid() -> None:
    script = Path(__file__).parents[4] / "tradectl/backtest/report/html/page.js"
    text = script.read_text(encoding="utf-8")
    assert all(text.count(a) == text.count(b) for a, b in ("{}", "()", "[]"))
    node = shutil.which("node")
    if node is not None:
        done = subprocess.run([node, "--check", str(script)], capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
