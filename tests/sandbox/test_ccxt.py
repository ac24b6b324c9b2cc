"""ccxt, unchanged, against the sandbox: its start-up calls, orders and balances (bybit-v5 A.2)."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

ccxt = pytest.importorskip("ccxt", reason="ccxt is not installed")
KEY, SECRET = "ccxt-key", "ccxt-secret"


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    state = tmp_path_factory.mktemp("sandbox")
    command = [sys.executable, "-m", "tradectl.sandbox", "--port", "0", "--state", str(state), "--speed", "60",
               "--api-key", KEY, "--api-secret", SECRET]  # fmt: skip
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        end = time.monotonic() + 20
        while not (state / "endpoint.json").exists():
            assert time.monotonic() < end, "the sandbox does not listen"
            time.sleep(0.01)
        base = f"http://127.0.0.1:{json.loads((state / 'endpoint.json').read_text())['port']}"
        config = {"apiKey": KEY, "secret": SECRET, "urls": {"api": {"public": base, "private": base}}}
        client = ccxt.bybit(config)
        client.load_markets()
        yield client
    finally:
        child.terminate()
        child.wait(15)


@pytest.mark.parametrize("symbol", ["BTC/USDT:USDT", "BTC/USDT"])
def test_order_life(exchange: Any, symbol: str) -> None:
    bid = exchange.fetch_order_book(symbol, 25)["bids"][0][0]
    placed = exchange.create_order(symbol, "limit", "buy", 0.01, exchange.price_to_precision(symbol, bid * 0.99))
    assert [order["id"] for order in exchange.fetch_open_orders(symbol)] == [placed["id"]]
    exchange.cancel_order(placed["id"], symbol)
    assert exchange.fetch_open_orders(symbol) == []
    closed = exchange.fetch_canceled_orders(symbol)
    assert (closed[-1]["id"], closed[-1]["status"]) == (placed["id"], "canceled")


def test_fill_position_balance(exchange: Any) -> None:
    symbol = "ETH/USDT:USDT"
    placed = exchange.create_order(symbol, "market", "buy", 0.1)
    trades = exchange.fetch_my_trades(symbol)
    assert sum(trade["amount"] for trade in trades if trade["order"] == placed["id"]) == pytest.approx(0.1)
    assert exchange.fetch_position(symbol)["contracts"] == pytest.approx(0.1)
    assert exchange.fetch_balance()["USDT"]["total"] > 0
    exchange.create_order(symbol, "market", "sell", 0.1, params={"reduceOnly": True})
    assert not exchange.fetch_position(symbol)["contracts"]
    with pytest.raises(ccxt.OrderNotFound):
        exchange.cancel_order("00000000-0000-4000-8000-000000000000", symbol)


def test_market_data(exchange: Any) -> None:
    candles = exchange.fetch_ohlcv("BTC/USDT:USDT", "1m", limit=100)
    assert len(candles) == 100
    assert [candle[0] for candle in candles] == sorted(candle[0] for candle in candles)
    assert exchange.fetch_ticker("BTC/USDT")["last"] > 0
    assert exchange.fetch_funding_rate("BTC/USDT:USDT")["fundingRate"] is not None
    assert exchange.fetch_trades("BTC/USDT:USDT", limit=10)


def test_a_stop_and_a_bracket(exchange: Any) -> None:
    symbol = "SOL/USDT:USDT"
    last = exchange.fetch_ticker(symbol)["last"]
    stop = exchange.create_order(symbol, "market", "sell", 1, None, {
        "triggerPrice": exchange.price_to_precision(symbol, last * 0.9), "triggerDirection": "descending",
    })  # fmt: skip
    waiting = exchange.fetch_open_orders(symbol, params={"trigger": True})
    assert [order["id"] for order in waiting] == [stop["id"]]
    assert float(waiting[0]["triggerPrice"]) == pytest.approx(last * 0.9, rel=1e-3)
    exchange.cancel_order(stop["id"], symbol, params={"trigger": True})
    exchange.create_order(symbol, "market", "buy", 1, None, {
        "takeProfit": {"triggerPrice": exchange.price_to_precision(symbol, last * 1.2)},
        "stopLoss": {"triggerPrice": exchange.price_to_precision(symbol, last * 0.8)},
    })  # fmt: skip
    kinds = {order["info"]["stopOrderType"] for order in exchange.fetch_open_orders(symbol, params={"trigger": True})}
    assert kinds == {"TakeProfit", "StopLoss"}
    position = exchange.fetch_position(symbol)
    assert float(position["takeProfitPrice"]) == pytest.approx(last * 1.2, rel=1e-3)
    exchange.create_order(symbol, "market", "sell", 1, params={"reduceOnly": True})
    assert exchange.fetch_open_orders(symbol, params={"trigger": True}) == []


def test_orders_in_one_request(exchange: Any) -> None:
    symbol = "BTC/USDT:USDT"
    price = exchange.price_to_precision(symbol, exchange.fetch_ticker(symbol)["last"] * 0.95)
    wanted = {"symbol": symbol, "type": "limit", "side": "buy", "amount": 0.01, "price": float(price)}
    placed = exchange.create_orders([wanted] * 3)
    ids = [order["id"] for order in placed]
    assert sorted(order["id"] for order in exchange.fetch_open_orders(symbol)) == sorted(ids)
    exchange.cancel_orders(ids, symbol)
    assert exchange.fetch_open_orders(symbol) == []


def test_hedge_mode(exchange: Any) -> None:
    symbol = "ETH/USDT:USDT"
    exchange.set_position_mode(True, symbol)
    try:
        exchange.create_order(symbol, "market", "buy", 0.1, params={"positionIdx": 1})
        exchange.create_order(symbol, "market", "sell", 0.2, params={"positionIdx": 2})
        held = {(each["side"], each["contracts"]) for each in exchange.fetch_positions([symbol])}
        assert held == {("long", 0.1), ("short", 0.2)}
    finally:
        exchange.create_order(symbol, "market", "sell", 0.1, params={"positionIdx": 1, "reduceOnly": True})
        exchange.create_order(symbol, "market", "buy", 0.2, params={"positionIdx": 2, "reduceOnly": True})
        exchange.set_position_mode(False, symbol)
