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

from tests.sandbox.venue_client import VenueClient

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
    for symbol in ("BTCUSDT", "ETHUSDT"):
        session.cancel_all_orders(category="linear", symbol=symbol)
        for position in session.get_positions(category="linear", symbol=symbol)["result"]["list"]:
            if Decimal(position["size"]):
                session.place_order(
                    category="linear", symbol=symbol, side="Sell" if position["side"] == "Buy" else "Buy",
                    orderType="Market", qty=position["size"], reduceOnly=True, positionIdx=position["positionIdx"],
                )  # fmt: skip
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


def far(http: Any, share: str, symbol: str = "BTCUSDT") -> str:
    """A price so far from the last one, on a whole tick."""
    last = http.get_tickers(category="linear", symbol=symbol)["result"]["list"][0]["lastPrice"]
    return str((Decimal(last) * Decimal(share)).quantize(Decimal(1)))


def stops_of(http: Any, symbol: str = "BTCUSDT") -> list[dict[str, Any]]:
    found = http.get_open_orders(category="linear", symbol=symbol, orderFilter="StopOrder")["result"]["list"]
    return list(found)


def test_conditional_orders(http: Any) -> None:
    link = uuid.uuid4().hex[:32]
    stop = ORDER | {"side": "Sell", "orderType": "Market", "qty": "0.01", "triggerBy": "MarkPrice"}
    http.place_order(**stop, triggerPrice=far(http, "0.9"), triggerDirection=2, orderLinkId=link)
    row = stops_of(http)[0]
    assert (row["orderLinkId"], row["orderStatus"], row["stopOrderType"]) == (link, "Untriggered", "Stop")
    ids = {"category": "linear", "symbol": "BTCUSDT", "orderLinkId": link}
    http.amend_order(**ids, triggerPrice=far(http, "0.8"))
    assert Decimal(stops_of(http)[0]["triggerPrice"]) < Decimal(row["triggerPrice"])
    assert code_of(http.place_order, **stop, triggerPrice=far(http, "1.1"), triggerDirection=2) == 110093
    cancelled = http.cancel_all_orders(category="linear", symbol="BTCUSDT", orderFilter="StopOrder",
                                       stopOrderType="Stop")["result"]["list"]  # fmt: skip
    assert [each["orderLinkId"] for each in cancelled] == [link]
    gone = http.get_order_history(category="linear", orderLinkId=link)["result"]["list"][0]
    assert gone["orderStatus"] == "Deactivated"


def test_a_bracket_and_its_children(http: Any) -> None:
    link = uuid.uuid4().hex[:32]
    private = pybit.WebSocket(testnet=False, channel_type="private", api_key=KEY, api_secret=SECRET)
    try:
        orders = Box()
        private.order_stream(orders)
        http.place_order(
            **ORDER | {"orderType": "Market"}, qty="0.02", orderLinkId=link, takeProfit=far(http, "1.2"),
            stopLoss=far(http, "0.8"), tpslMode="Partial", tpOrderType="Limit", tpLimitPrice=far(http, "1.19"),
        )  # fmt: skip
        children = stops_of(http)
        assert {row["stopOrderType"] for row in children} == {"PartialTakeProfit", "PartialStopLoss"}
        assert {(row["orderLinkId"], row["parentOrderLinkId"], row["qty"]) for row in children} == {("", link, "0.02")}
        until(lambda: len({row["orderId"] for message in orders for row in message["data"]
                                if row["parentOrderLinkId"] == link}) >= 2)  # fmt: skip
        http.place_order(**ORDER | {"orderType": "Market", "side": "Sell"}, qty="0", reduceOnly=True,
                         closeOnTrigger=True)  # fmt: skip
        assert stops_of(http) == []
    finally:
        private.exit()


def test_trading_stop_and_trailing(http: Any) -> None:
    symbol = {"category": "linear", "symbol": "BTCUSDT"}
    http.place_order(**ORDER | {"orderType": "Market"}, qty="0.02")
    stops = {"stopLoss": far(http, "0.8"), "trailingStop": far(http, "0.1")}
    http.set_trading_stop(**symbol, positionIdx=0, tpslMode="Full", **stops, slTriggerBy="MarkPrice")
    row = http.get_positions(**symbol)["result"]["list"][0]
    assert (row["stopLoss"], row["trailingStop"]) == (stops["stopLoss"], stops["trailingStop"])
    assert {each["stopOrderType"] for each in stops_of(http)} == {"StopLoss", "TrailingStop"}
    again = {**symbol, "positionIdx": 0, "tpslMode": "Full", **stops, "slTriggerBy": "MarkPrice"}
    assert code_of(http.set_trading_stop, **again) == 34040
    http.set_trading_stop(**symbol, positionIdx=0, tpslMode="Full", trailingStop="0")
    assert {each["stopOrderType"] for each in stops_of(http)} == {"StopLoss"}


def test_batches(http: Any) -> None:
    price = low_price(http)
    leg = {"symbol": "BTCUSDT", "side": "Buy", "orderType": "Limit", "qty": "0.01", "price": price}
    links = [uuid.uuid4().hex[:32] for _ in range(4)]
    request = [leg | {"orderLinkId": link} for link in links] + [leg | {"qty": "0"}]
    answer = http.place_batch_order(category="linear", request=request)
    assert [row["code"] for row in answer["retExtInfo"]["list"]] == [0, 0, 0, 0, 10001]
    assert [row["orderLinkId"] for row in answer["result"]["list"]] == [*links, ""]
    changes = [{"symbol": "BTCUSDT", "orderLinkId": link, "qty": "0.02"} for link in links]
    amended = http.amend_batch_order(category="linear", request=changes)
    assert [row["code"] for row in amended["retExtInfo"]["list"]] == [0] * 4
    ends = [{"symbol": "BTCUSDT", "orderLinkId": link} for link in links]
    ended = http.cancel_batch_order(category="linear", request=[*ends, ends[0]])
    assert [row["code"] for row in ended["retExtInfo"]["list"]] == [0, 0, 0, 0, 110001]


def test_hedge_mode(http: Any) -> None:
    symbol = {"category": "linear", "symbol": "ETHUSDT"}
    http.switch_position_mode(**symbol, mode=3)
    try:
        market = symbol | {"orderType": "Market", "qty": "0.5"}
        assert code_of(http.place_order, **market, side="Buy") == 10001
        http.place_order(**market, side="Buy", positionIdx=1)
        http.place_order(**market, side="Sell", positionIdx=2, stopLoss=far(http, "1.2", "ETHUSDT"))
        rows = http.get_positions(**symbol)["result"]["list"]
        assert [(row["positionIdx"], row["side"], row["size"]) for row in rows] == [
            (1, "Buy", "0.5"),
            (2, "Sell", "0.5"),
        ]
        assert [row["positionIdx"] for row in stops_of(http, "ETHUSDT")] == [2]
        assert code_of(http.switch_position_mode, **symbol, mode=0) == 110024
        http.place_order(**market, side="Sell", positionIdx=1, reduceOnly=True)
        http.place_order(**market, side="Buy", positionIdx=2, reduceOnly=True)
    finally:
        http.switch_position_mode(**symbol, mode=0)


def test_refusals_are_told_to_the_operator(port: int, http: Any) -> None:
    client = VenueClient(f"http://127.0.0.1:{port}", KEY, SECRET)
    before = client.allowances()["refusals"]["10006"]
    rows = [{"symbol": "BTCUSDT", "orderLinkId": "nobody"}] * 20  # of which a second admits ten
    answer = http.cancel_batch_order(category="linear", request=rows)
    codes = [leg["code"] for leg in answer["retExtInfo"]["list"]]
    assert codes == [110001] * codes.count(110001) + [10006] * codes.count(10006)
    assert 1 <= codes.count(110001) <= 10
    told = client.allowances()
    assert told["refusals"]["10006"] - before >= codes.count(10006)  # pybit repeats what was refused as a whole
    admitted = told["admitted"]["900100"]["order/cancel-batch:futures"]
    assert sum(units for _, units in admitted) >= codes.count(110001)
    assert told["refusals"]["403"] == 0
