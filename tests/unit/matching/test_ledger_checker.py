"""The independent checker finds what it is there to find, and imports nothing of what it checks."""

import ast
from fractions import Fraction
from pathlib import Path
from typing import Any

from tests.oracles import ledger_checker as checker

COINS = {
    ("linear", "BTCUSDT"): {"base": "BTC", "quote": "USDT", "settle": "USDT"},
    ("spot", "BTCUSDT"): {"base": "BTC", "quote": "USDT", "settle": ""},
}
DEPOSITS = [{"coin": "USDT", "amount": "1000"}, {"coin": "USDT", "amount": "-100"}]


def row(number: int, side: str, qty: str, price: str, fee: str, **more: Any) -> dict[str, Any]:
    return {
        "category": "linear", "symbol": "BTCUSDT", "side": side, "execQty": qty, "execPrice": price,
        "execValue": str(float(qty) * float(price)), "execFee": fee, "feeCurrency": "USDT", "execType": "Trade",
        "execTime": str(number), "seq": number, "execId": f"x{number}", **more,
    }  # fmt: skip


ROWS = [
    row(1, "Buy", "3", "100", "0.3"),
    row(2, "Sell", "1", "101", "0.1"),
    row(3, "Sell", "4", "99", "0.4"),
    row(4, "Sell", "2", "100", "0.05", execType="Funding"),
]


def test_imports_nothing_of_the_package() -> None:
    tree = ast.parse(Path(checker.__file__).read_text())
    modules = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    modules |= {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    assert not any("tradectl" in module for module in modules)
    assert modules == {"collections.abc", "dataclasses", "fractions", "typing"}


def test_cash_position_fees_funding_and_equity() -> None:
    books = checker.recompute(reversed(ROWS), DEPOSITS, COINS)
    position = books.positions["linear", "BTCUSDT"]
    assert (position.size, position.cost) == (Fraction(-2), Fraction(-198))
    assert position.realised == 1 - 2
    assert books.fees == {"USDT": Fraction("0.8")}
    assert books.funding == {"USDT": Fraction("0.05")}
    assert books.cash == {"USDT": 900 - 1 - Fraction("0.85")}
    marks, prices = {("linear", "BTCUSDT"): "90"}, {"USDT": "1"}
    assert checker.equity(books, marks, prices) == books.cash["USDT"] + 18
    assert checker.equity_by_cash_flow(books, marks, prices, COINS) == checker.equity(books, marks, prices)
    assert checker.realised_of(ROWS) == {"x1": 0, "x2": 1, "x3": -2}


def test_the_rounding_rule_leaves_the_rest_in_cost() -> None:
    rows = [row(1, "Buy", "1", "33", "0"), row(2, "Buy", "2", "33.5", "0"), row(3, "Sell", "1", "40", "0")]
    books = checker.recompute(rows, [], COINS)
    assert books.positions["linear", "BTCUSDT"].realised == Fraction("6.66666667")
    assert books.positions["linear", "BTCUSDT"].cost == Fraction("66.66666667")


def test_spot_fees_in_both_coins() -> None:
    rows = [
        row(1, "Buy", "2", "100", "0.002", category="spot", feeCurrency="BTC", feeRate="0.001"),
        row(2, "Sell", "1", "110", "0.11", category="spot", feeRate="0.001"),
    ]
    assert checker.problems(rows) == []
    assert checker.recompute(rows, DEPOSITS, COINS).cash == {
        "USDT": 900 - 200 + 110 - Fraction("0.11"),
        "BTC": Fraction("0.998"),
    }


def test_rows_that_contradict_themselves() -> None:
    wrong_value = row(1, "Buy", "1", "100", "0.1", execValue="101")
    wrong_fee = row(2, "Buy", "1", "100", "0.1", feeRate="0.002")
    found = checker.problems([wrong_value, wrong_fee, wrong_fee])
    assert [text.split(":")[0] for text in found] == ["x1", "x2", "x2", "x2"]
    assert "value" in found[0]
    assert "fee" in found[1]
    assert "twice" in found[2]


def test_a_missing_or_repeated_execution_changes_the_books() -> None:
    whole = checker.recompute(ROWS, DEPOSITS, COINS)
    for tampered in (ROWS[1:], ROWS[:-1], [*ROWS, row(5, "Buy", "1", "100", "0.1")]):
        assert checker.recompute(tampered, DEPOSITS, COINS) != whole


def inverse(number: int, side: str, qty: str, price: str, value: str) -> dict[str, Any]:
    return row(number, side, qty, price, "0", category="inverse", symbol="BTCUSD", execValue=value, feeCurrency="BTC")


def test_inverse_positions_are_books_in_coins() -> None:
    coins = {("inverse", "BTCUSD"): {"base": "BTC", "quote": "USD", "settle": "BTC"}}
    rows = [inverse(1, "Buy", "300", "30000", "0.01"), inverse(2, "Sell", "700", "35000", "0.02")]
    assert checker.problems(rows) == []
    assert checker.problems([inverse(1, "Buy", "300", "30000", "0.011")]) != []
    books = checker.recompute(rows, [{"coin": "BTC", "amount": "1"}], coins)
    profit = Fraction("0.01") - Fraction("0.00857143")  # 300/35000, half-even to eight decimals
    position = books.positions["inverse", "BTCUSD"]
    assert (position.size, position.cost) == (Fraction(-400), Fraction("0.01142857"))
    assert books.cash == {"BTC": 1 + profit}
    marks, prices = {("inverse", "BTCUSD"): "40000"}, {"BTC": "40000"}
    equity = checker.equity(books, marks, prices)
    assert equity == (1 + profit + Fraction("0.01") - Fraction("0.01142857")) * 40000
    assert equity == checker.equity_by_cash_flow(books, marks, prices, coins)
    assert checker.realised_of(rows) == {"x1": 0, "x2": profit}


def test_hedge_legs_are_kept_apart() -> None:
    rows = [row(1, "Buy", "3", "100", "0", positionIdx=1), row(2, "Sell", "1", "101", "0", positionIdx=2)]
    books = checker.recompute(rows, [], COINS)
    assert {key: position.size for key, position in books.positions.items()} == {
        ("linear", "BTCUSDT", "1"): 3, ("linear", "BTCUSDT", "2"): -1,
    }  # fmt: skip


def test_the_market_is_the_other_side() -> None:
    books = [checker.recompute(ROWS, DEPOSITS, COINS), checker.recompute(ROWS[:2], DEPOSITS, COINS)]
    market = checker.market_books(books)
    total = sum(b.cash["USDT"] + b.fees["USDT"] for b in books) + market.cash["USDT"]
    assert total == 1800
    assert market.positions["linear", "BTCUSDT"].size == 0
