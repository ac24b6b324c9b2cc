"""The terminal's and the JSON's view of a backtest."""

import json

from tests.unit.backtest.made_result import made_result
from tradectl.backtest.report.figures import summary
from tradectl.cli.draw.backtest import backtest_table
from tradectl.cli.numbers import printable
from tradectl.cli.screen import Screen, json_text
from tradectl.cli.words import Globals
from tradectl.model.money import use_exact_context


def test_the_table_shows_every_figure_a_reader_asks_for() -> None:
    use_exact_context()
    result = made_result(seed=2, hours=1500, names=("trend", "fade"))
    text = backtest_table(Screen(Globals()), printable(summary(result)))
    for word in (
        "ema_cross fast=12 slow=26", "annual (CAGR)", "Sharpe", "Sortino", "Calmar", "max drawdown", "win rate",
        "profit factor", "expectancy", "time in the market", "fees", "funding", "slippage", "all, equal parts",
        "linear:ETHUSDT", "fade", "7 candles missing", "refused by max_position: 3", "model: fees VIP 0",
        result.data_fingerprint[:16], result.code,
    ):  # fmt: skip
        assert word in text, word
    assert all(len(line) <= 120 for line in text.splitlines())


def test_json_has_every_digit_and_null_where_nothing_is_known() -> None:
    use_exact_context()
    data = json.loads(json_text(printable(summary(made_result(hours=1)))), parse_float=str)
    assert data["returns"]["sharpe"] is None
    result = made_result(seed=2, hours=300)
    data = json.loads(json_text(printable(summary(result))), parse_float=str, parse_int=str)
    assert data["final_equity"] == format(result.final_equity, "f").rstrip("0").rstrip(".")
    assert data["ended"].endswith("Z")
