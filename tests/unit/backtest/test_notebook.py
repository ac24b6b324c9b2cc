"""The Python API: one call from data to tables, and an import that costs nothing."""

import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

import tradectl
from tests.unit.backtest.made_result import START, made_result
from tradectl import backtest, history
from tradectl.backtest.frame import Frame
from tradectl.backtest.notebook import BacktestRun
from tradectl.model.errors import Problem
from tradectl.performance.round_trips import round_trips
from tradectl.strategies.ema_cross import EmaCross

ROWS = 600


@pytest.fixture(scope="module")
def candles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of hourly candles that swing enough for a cross of averages."""
    path = tmp_path_factory.mktemp("data") / "bybit_linear_BTCUSDT_1h.csv"
    closes = 30_000 + 1_500 * np.sin(np.arange(ROWS + 1) / 17) + 3 * np.arange(ROWS + 1)
    lines = ["timestamp,open,high,low,close,volume"]
    for n in range(ROWS):
        a, b = round(float(closes[n]), 1), round(float(closes[n + 1]), 1)
        lines.append(f"{START // 10**6 + n * 3_600_000},{a},{max(a, b) + 5},{min(a, b) - 5},{b},12.5")
    path.write_text("\n".join(lines) + "\n")
    return path


def test_a_class_over_a_file_gives_trades_equity_and_orders(candles: Path, tmp_path: Path) -> None:
    run = backtest(EmaCross, history.load(candles), interval="1h", fast=6, slow=18)
    assert len(run.trades) > 3
    assert run.result.job.strategies[0].params["fast"] == 6
    assert len(run.orders) >= 2 * len(round_trips(run.result.fills))
    assert run.equity["equity"][-1] == run.result.final_equity
    page = run.report(tmp_path / "run.html")
    assert page.read_text().startswith("<!doctype html>")
    assert "Sharpe" in repr(run)
    assert "Sharpe ratio" in run._repr_html_()


def test_a_built_in_by_name_over_a_path_is_the_same_run(candles: Path) -> None:
    one = backtest(EmaCross, history.load(candles), interval="1h", fast=6, slow=18)
    two = tradectl.backtest("ema_cross", candles, interval="1h", parameters={"fast": 6, "slow": 18})
    assert two.trades["pnl"] == one.trades["pnl"]
    assert two.result.data_fingerprint == one.result.data_fingerprint


def test_a_span_is_given_in_words(candles: Path) -> None:
    run = backtest(EmaCross, candles, interval="1h", since="2023-12-05", until="2023-12-10T12:00", fast=6, slow=18)
    assert run.equity["at"][0] == run.result.job.since == START + 6 * 86_400 * 10**9
    assert run.result.ended - run.result.job.since == 5.5 * 86_400 * 10**9


@pytest.mark.parametrize(
    ("wrong", "field"),
    [({"cash": "much"}, "cash"), ({"cash": -1}, "cash"), ({"since": "yesterday"}, "since"), ({"fats": 3}, "fats")],
)
def test_what_is_wrong_is_named(candles: Path, wrong: dict, field: str) -> None:
    with pytest.raises(Problem) as caught:
        backtest(EmaCross, candles, **{"interval": "1h", **wrong})
    assert field in caught.value.field + caught.value.message


def test_something_that_is_no_strategy_is_refused(candles: Path) -> None:
    with pytest.raises(Problem):
        backtest(int, candles)


def test_tables_hand_themselves_over_in_three_forms() -> None:
    run = BacktestRun(made_result(seed=3, hours=700))
    for name in ("trades", "fills", "orders", "equity", "metrics"):
        table = getattr(run, name)
        arrow, pandas, polars = table.to_arrow(), table.to_pandas(), table.to_polars()
        assert arrow.column_names == list(pandas.columns) == polars.columns == table.columns
        assert arrow.num_rows == len(pandas) == polars.height == len(table) > 3
    trades = run.trades.to_pandas()
    assert str(trades["began"].dtype) == "datetime64[ns, UTC]"
    assert trades["pnl"].sum() == pytest.approx(float(sum(run.trades["pnl"])))
    assert run.equity.to_polars()["equity"][-1] == float(run.result.final_equity)


def test_exact_tables_keep_every_digit() -> None:
    run = BacktestRun(made_result(seed=3, hours=700))
    assert run.equity.to_arrow(exact=True)["equity"].to_pylist() == run.equity["equity"]
    assert run.equity.to_pandas(exact=True)["equity"].tolist() == run.equity["equity"]


def test_an_open_trade_has_no_end() -> None:
    frame = Frame({"began": [1, 2], "ended": [3, 0], "pnl": [Decimal(1), Decimal(2)]}, ("began", "ended"))
    assert frame.to_pandas()["ended"].isna().tolist() == [False, True]
    assert "<td></td>" in frame._repr_html_()


def test_a_table_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(Problem, match=r"pip install 'tradectl\[research\]'"):
        Frame({"a": [1]}).to_arrow()


def test_importing_the_package_imports_nothing_else() -> None:
    code = "import sys, tradectl; print([m for m in sys.modules if m.startswith('tradectl.') or m == 'numpy'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"
    code = "import sys, tradectl; tradectl.backtest; tradectl.history; print('numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "False"
