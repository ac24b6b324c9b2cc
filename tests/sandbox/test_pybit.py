"""Bybit's own SDK, unchanged, against the sandbox: market data, orders, streams, the trade socket (bybit-v5 11)."""

import json
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest

pybit = pytest.importorskip("pybit.unified_trading", reason="pybit is not installed")
http_manager = pytest.importorskip("pybit._http_manager")
trading = pytest.importorskip("pybit._websocket_trading")
errors = pytest.importorskip("pybit.exceptions")

KEY, SECRET = "pybit-key", "pybit-secret"
ORDER = {"category": "linear", "symbol": "BTCUSDT", "side": "Buy", "orderType": "Limit", "timeInForce": "GTC"}


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    state = tmp_path_factory.mktemp("sandbox")
    command = [sys.executable, "-m", "tradectl.sandbox", "--port", "0", "--state", str(state), "--speed", "60",
               "--api-key", KEY, "--api-secret", SECRET]  # fmt: skip
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        yield json.loads(until((state / "endpoint.json").exists, (state / "endpoint.json").read_text))["port"]
    finally:
        child.terminate()
        child.wait(15)


def until(condition: Callable[[], Any], value: Callable[[], Any] | None = None, seconds: float = 20) -> Any:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := condition():
            return value() if value else found
        time.sleep(0.01)
    raise AssertionError("it did not happen")


@pytest.fixture
def http(port: int, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(http_manager, "HTTP_URL", f"http://127.0.0.1:{port}")
    monkeypatch.setattr(pybit, "PUBLIC_WSS", f"ws://127.0.0.1:{port}/v5/public/{{CHANNEL_TYPE}}")
    monkeypatch.setattr(pybit, "PRIVATE_WSS", f"ws://127.0.0.1:{port}/v5/private")
    monkeypatch.setattr(trading, "TRADE_WSS", f"ws://127.0.0.1:{port}/v5/trade")
    session = pybit.HTTP(api_key=KEY, api_secret=SECRET)
    for position in session.get_positions(category="linear", symbol="BTCUSDT")["result"]["list"]:
        if Decimal(position["size"]):
            session.place_order(
                **ORDER | {"side": "Sell", "orderType": "Market"}, qty=position["size"], reduceOnly=True
            )
    return session


def low_price(http: Any) -> str:
    bid = http.get_tickers(category="linear", symbol="BTCUSDT")["result"]["list"][0]["bid1Price"]
    return str((Decimal(bid) * Decimal("0.99")).quantize(Decimal(1)))


def code_of(call: Callable[..., Any], **arguments: Any) -> int:
    with pytest.raises(errors.InvalidRequestError) as caught:
        call(**arguments)
    return int(caught.value.status_code)


def test_market_data(http: Any) -> None:
    instrument = http.get_instruments_info(category="linear", symbol="BTCUSDT")["result"]["list"][0]
    assert instrument["status"] == "Trading"
    rows = http.get_kline(category="linear", symbol="BTCUSDT", interval=1, limit=200)["result"]["list"]
    assert len(rows) == 200
    assert [int(row[0]) for row in rows] == sorted((int(row[0]) for row in rows), reverse=True)
    book = http.get_orderbook(category="linear", symbol="BTCUSDT", limit=50)["result"]
    assert Decimal(book["b"][0][0]) < Decimal(book["a"][0][0])


def test_order_life_over_rest(http: Any) -> None:
    link = uuid.uuid4().hex[:32]
    price = low_price(http)
    placed = http.place_order(**ORDER, qty="0.01", price=price, orderLinkId=link)["result"]
    ids = {"category": "linear", "symbol": "BTCUSDT"}
    assert http.get_open_orders(**ids, orderId=placed["orderId"])["result"]["list"][0]["orderStatus"] == "New"
    assert code_of(http.place_order, **ORDER, qty="0.01", price=price, orderLinkId=link) == 110072
    http.amend_order(**ids, orderLinkId=link, qty="0.02")
    http.cancel_order(**ids, orderId=placed["orderId"])
    row = http.get_order_history(**ids, orderId=placed["orderId"])["result"]["list"][0]
    assert (row["orderStatus"], row["cancelType"], row["qty"]) == ("Cancelled", "CancelByUser", "0.02")
    assert code_of(http.cancel_order, **ids, orderLinkId=link) == 110001
    bad = pybit.HTTP(api_key=KEY, api_secret="another", max_retries=1)
    assert code_of(bad.get_account_info) == 10004


class Box(list[Any]):
    """Collects messages of a stream."""

    def __call__(self, message: Any) -> None:
        self.append(message)


def test_streams_and_fills(http: Any) -> None:
    public = pybit.WebSocket(testnet=False, channel_type="linear")
    private = pybit.WebSocket(testnet=False, channel_type="private", api_key=KEY, api_secret=SECRET)
    try:
        book, ticker, orders, executions, wallet = (Box() for _ in range(5))
        public.orderbook_stream(depth=50, symbol="BTCUSDT", callback=book)
        public.ticker_stream(symbol="BTCUSDT", callback=ticker)
        private.order_stream(orders)
        private.execution_stream(executions)
        private.wallet_stream(wallet)
        until(lambda: len(book) > 5 and len(ticker) > 2)
        bids = [Decimal(row[0]) for row in book[-1]["data"]["b"]]
        asks = [Decimal(row[0]) for row in book[-1]["data"]["a"]]
        assert max(bids) < min(asks)
        assert {"lastPrice", "markPrice"} <= set(ticker[-1]["data"])
        link = uuid.uuid4().hex[:32]
        placed = http.place_order(**ORDER | {"orderType": "Market"}, qty="0.01", orderLinkId=link)["result"]
        rows = until(lambda: [row for message in executions for row in message["data"] if row["orderLinkId"] == link])
        assert sum(Decimal(row["execQty"]) for row in rows) == Decimal("0.01")
        filled = until(lambda: [row for message in orders for row in message["data"] if row["orderStatus"] == "Filled"])
        assert filled[-1]["orderId"] == placed["orderId"]
        assert until(lambda: wallet)[0]["data"][0]["accountType"] == "UNIFIED"
    finally:
        public.exit()
        private.exit()


def test_trade_socket_answers_are_not_lost(http: Any) -> None:
    """With the 20 ms delay pybit, which registers its callback after sending, loses no answer (bybit-v5 11.3)."""
    socket = pybit.WebSocketTrading(testnet=False, api_key=KEY, api_secret=SECRET)
    try:
        until(lambda: socket.auth)
        price, done = low_price(http), threading.Event()
        answers = Box()

        def answered(message: Any) -> None:
            answers.append(message["retCode"])
            done.set()

        for n in range(15):
            done.clear()
            socket.place_order(answered, answered, **ORDER, qty="0.01", price=price, orderLinkId=f"n{n}")
            assert done.wait(10), f"answer {n} was lost"
        assert len(answers) == 15
        assert set(answers) <= {0, 10006}  # more than ten in a second are refused
        cancelled = http.cancel_all_orders(category="linear", symbol="BTCUSDT")["result"]["list"]
        assert len(cancelled) == answers.count(0)
    finally:
        socket.exit()
