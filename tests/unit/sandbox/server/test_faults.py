"""Each fault, at its count, by construction and over the control path; and the count of raw creates."""

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest
import websockets

from tradectl.sandbox.faults import Fault, Faults
from tradectl.sandbox.server.received_orders import ReceivedOrders


def test_faults_strike_at_their_count() -> None:
    faults = Faults((Fault("answer", after=2, times=2, op="order.create"),))
    struck = [faults.on_request("trade", op) is not None for op in ("order.create", "order.cancel") * 4]
    assert struck == [False, False, True, False, True, False, False, False]
    assert (faults.pending(), faults.fired) == ([], 2)


def test_two_faults_count_apart() -> None:
    faults = Faults((Fault("cut", place="private", after=1), Fault("cut", place="trade", after=2)))
    assert [faults.cuts_after_frame(place) for place in ("public", "trade", "private", "trade")] == [
        False, False, True, True,
    ]  # fmt: skip


@pytest.mark.parametrize("bad", [{"after": 0}, {"times": 0}, {"by": 0}, {"delay_ms": -1}])
def test_bad_counts_are_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="at least"):
        Faults((Fault("cut", **bad),))


async def arm(client: Any, **fault: Any) -> None:
    answer = await client.http("POST", "/sandbox/fault", msgspec.json.encode({"fault": fault}).decode())
    assert answer.status == 200, answer.raw


async def trade_socket(client: Any) -> Any:
    socket = await client.socket("/v5/trade")
    await socket.auth()
    return socket


async def private_socket(client: Any, *topics: str) -> Any:
    socket = await client.socket("/v5/private")
    await socket.auth()
    await socket.ask({"op": "subscribe", "args": list(topics)})
    return socket


async def test_cut_after_the_nth_frame(client: Any) -> None:
    control = await client.socket("/sandbox/control")
    armed = await control.ask({"op": "fault", "fault": {"kind": "cut", "place": "trade", "after": 2}})
    assert armed["armed"][0]["after"] == 2
    socket = await trade_socket(client)  # its acknowledgement is the first frame
    await socket.ask({"op": "ping"})
    with pytest.raises(websockets.ConnectionClosed):
        await socket.next()
    assert (await control.ask({"op": "fault", "action": "clear"}))["fired"] == 1
    await (await trade_socket(client)).ask({"op": "ping"})


async def test_a_lost_ack_leaves_the_order_taken(client: Any, order: dict[str, Any]) -> None:
    socket = await trade_socket(client)
    await arm(client, kind="lose_answer", place="trade", op="order.create")
    await socket.send(socket.trade_message("order.create", "1", **order, orderLinkId="lost"))
    assert (await socket.ask({"op": "ping"}))["op"] == "pong"
    found = (await client.get("order/realtime", "category=linear&symbol=BTCUSDT&orderLinkId=lost")).result["list"]
    assert len(found) == 1
    assert (await socket.trade("order.create", "2", **order, orderLinkId="lost"))["retCode"] == 110072
    assert client.server.received.counts["lost"] == 2


async def test_a_lost_rest_answer_closes_the_connection(client: Any, order: dict[str, Any]) -> None:
    await arm(client, kind="lose_answer", place="rest", op="order.create")
    with pytest.raises((ConnectionResetError, ValueError, IndexError)):
        await client.order(orderLinkId="lost")
    assert client.server.venue.exchange.order("900100", "", "lost") is not None


@pytest.mark.parametrize("taken", [True, False])
async def test_10016_with_and_without_the_order(client: Any, order: dict[str, Any], taken: bool) -> None:
    socket = await trade_socket(client)
    await arm(client, kind="answer", code=10016, taken=taken, op="order.create")
    answer = await socket.trade("order.create", "1", **order, orderLinkId="x")
    assert (answer["retCode"], answer["data"]) == (10016, {})
    assert (client.server.venue.exchange.order("900100", "", "x") is not None) is taken
    await arm(client, kind="answer", code=10006, message="Too many visits. Exceeded the API Rate Limit.")
    limited = await client.order(orderLinkId="y")
    assert limited.code == 10006
    assert int(limited.headers["x-bapi-limit-reset-timestamp"]) >= limited.json["time"] + 40
    await arm(client, kind="answer", code=10016, place="rest", op="position/list")
    assert (await client.get("position/list", "category=linear&symbol=BTCUSDT")).code == 10016


async def test_late_answers(client: Any, order: dict[str, Any]) -> None:
    socket, private = await trade_socket(client), await private_socket(client, "order")
    await arm(client, kind="late_answer", op="order.create", by=2)
    await socket.send(socket.trade_message("order.create", "1", **order))
    assert (await private.next())["data"][0]["orderStatus"] == "New"  # the stream before the ack, frame 1
    assert (await socket.ask({"op": "ping"}))["op"] == "pong"  # frame 2
    assert (await socket.next())["reqId"] == "1"
    await arm(client, kind="late_answer", place="rest", op="order.create", delay_ms=30)
    loop = asyncio.get_running_loop()
    began = loop.time()
    assert (await client.order()).code == 0
    assert loop.time() - began >= 0.03


async def test_a_batch_may_lose_or_repeat_its_answer(client: Any, order: dict[str, Any]) -> None:
    socket = await trade_socket(client)
    item = {name: order[name] for name in order if name != "category"}
    await arm(client, kind="lose_answer", place="trade", op="order.create-batch")
    request = [item | {"orderLinkId": name} for name in ("a", "b")]
    await socket.send(socket.trade_message("order.create-batch", "1", category="linear", request=request))
    assert (await socket.ask({"op": "ping"}))["op"] == "pong"
    again = await socket.trade("order.create-batch", "2", category="linear", request=request)
    assert [leg["code"] for leg in again["retExtInfo"]["list"]] == [110072, 110072]
    await arm(client, kind="repeat_answer", place="trade", op="order.cancel-batch")
    ends = [{"symbol": "BTCUSDT", "orderLinkId": name} for name in ("a", "b")]
    first = await socket.trade("order.cancel-batch", "3", category="linear", request=ends)
    assert await socket.next() == first
    assert [leg["code"] for leg in first["retExtInfo"]["list"]] == [0, 0]
    await arm(client, kind="answer", code=10006, op="order.amend-batch", message="Too many visits.")
    limited = await client.post("order/amend-batch", category="linear", request=ends)
    assert (limited.code, limited.result) == (10006, {})
    assert (await client.http("GET", "/sandbox/state")).json["refusals"]["10006"] == 1


async def test_an_answer_is_repeated_on_the_trade_socket_alone(client: Any) -> None:
    body = '{"fault": {"kind": "repeat_answer", "place": "rest"}}'
    answer = await client.http("POST", "/sandbox/fault", body)
    assert (answer.status, "place trade" in answer.json["error"]) == (400, True)


async def test_a_trading_stop_may_lose_its_answer_or_be_late(client: Any) -> None:
    await client.order(orderType="Market", qty="0.5")
    stop = {"category": "linear", "symbol": "BTCUSDT", "tpslMode": "Full", "positionIdx": 0}
    await arm(client, kind="lose_answer", place="rest", op="position/trading-stop")
    with pytest.raises((ConnectionResetError, ValueError, IndexError)):
        await client.post("position/trading-stop", **stop, stopLoss="90")
    assert (await client.post("position/trading-stop", **stop, stopLoss="90")).code == 34040  # it was taken
    private = await private_socket(client, "position")
    await arm(client, kind="late_answer", place="rest", op="position/trading-stop", delay_ms=200)
    late = asyncio.ensure_future(client.post("position/trading-stop", **stop, stopLoss="91"))
    assert (await private.next())["data"][0]["stopLoss"] == "91"
    assert not late.done()  # the stream came first
    assert (await late).code == 0
    await arm(client, kind="answer", place="rest", op="position/trading-stop", code=10016, taken=True)
    assert (await client.post("position/trading-stop", **stop, stopLoss="92")).code == 10016
    assert (await private.next())["data"][0]["stopLoss"] == "92"


@pytest.mark.parametrize(("action", "expected"), [
    ("drop", ["2", "3"]), ("duplicate", ["1", "1", "2", "3"]), ("reorder", ["2", "1", "3"]), ("delay", ["2", "3", "1"]),
])  # fmt: skip
async def test_private_messages_are_spoilt(client: Any, action: str, expected: list[str]) -> None:
    private = await private_socket(client, "order")
    await arm(client, kind="push", topic="order", action=action, by=2)
    for n in "123":
        await client.order(orderLinkId=n)
    assert [(await private.next())["data"][0]["orderLinkId"] for _ in expected] == expected


async def test_faults_by_construction(serve: Any, config: Any) -> None:
    client = await serve(config, Faults((Fault("answer", code=10019, message="restarting", op="order.cancel"),)))
    answer = await client.post("order/cancel", category="linear", symbol="BTCUSDT", orderId="1")
    assert answer.code == 10019


@pytest.mark.parametrize(
    "body", ["{", '{"fault": {"kind": "burn"}}', '{"fault": {"kind": "cut", "after": 0}}', '{"x": 1}']
)
async def test_bad_faults_are_refused(client: Any, body: str) -> None:
    answer = await client.http("POST", "/sandbox/fault", body)
    assert (answer.status, "error" in answer.json) == (400, True)
    control = await client.socket("/sandbox/control")
    assert (await control.ask({"op": "fault", "fault": {"kind": "cut", "after": 0}}))["op"] == "error"


async def test_state_and_deposit(client: Any, order: dict[str, Any]) -> None:
    wallet = await private_socket(client, "wallet")
    answer = await client.http("POST", "/sandbox/deposit", '{"coin": "usdt", "amount": "50"}')
    assert answer.json["wallet"]["coin"][0]["walletBalance"] == "100050"
    assert (await wallet.next())["data"][0]["coin"][0]["walletBalance"] == "100050"
    for bad in ('{"coin": "USDT", "amount": "NaN"}', '{"coin": "USDT", "amount": "5", "uid": "7"}', '{"coin": "U"}',
                '{"coin": "USDT", "amount": "-1000000"}'):  # fmt: skip
        assert (await client.http("POST", "/sandbox/deposit", bad)).status == 400
    await client.order(orderLinkId="c-1")
    state = (await client.http("GET", "/sandbox/state")).json
    assert state["create_counts"] == {"c-1": 1}
    assert state["accounts"][0]["open_orders"] == 1
    assert "secret-1" not in str(state)
    assert state["frames_sent"] > 0
    assert (await client.http("GET", "/sandbox/nothing")).status == 404


async def test_creates_are_counted_before_any_check(client: Any, order: dict[str, Any]) -> None:
    socket = await client.socket("/v5/trade")
    await socket.trade("order.create", "1", **order, orderLinkId="a")  # not authenticated
    item = {"orderLinkId": "b"}
    await socket.trade("order.create-batch", "2", category="linear", request=[item, item, 7])
    await client.http("POST", "/v5/order/create", '{"orderLinkId": "a"}')  # not signed
    assert client.server.received.counts == {"a": 2, "b": 2}


def test_counts_survive_the_process(tmp_path: Path) -> None:
    first = ReceivedOrders(str(tmp_path))
    for name in ("a", "b", "a", None, 5, "", "x" * 65):
        first.count(name)
    second = ReceivedOrders(str(tmp_path))  # the first one was never closed: as after a SIGKILL
    assert second.counts == {"a": 2, "b": 1}
    second.clear()
    assert ReceivedOrders(str(tmp_path)).counts == {}
    for each in (first, second):
        each.close()
