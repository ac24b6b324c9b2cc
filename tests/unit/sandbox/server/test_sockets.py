"""Public, private and trade sockets: acknowledgements, pongs, order of frames, refusals, malformed input."""

import asyncio
import json
import time
from typing import Any

import msgspec
import pytest
import websockets

from tradectl.sandbox.venue import Frame


@pytest.mark.parametrize(("path", "expected"), [
    ("/v5/public/spot", {"success": True, "ret_msg": "pong", "op": "ping"}),
    ("/v5/public/linear", {"success": True, "ret_msg": "pong", "req_id": "7", "op": "ping"}),
    ("/v5/public/inverse", {"success": True, "ret_msg": "pong", "req_id": "7", "op": "ping"}),
    ("/anything/before/v5/public/linear", {"success": True, "ret_msg": "pong", "req_id": "7", "op": "ping"}),
])  # fmt: skip
async def test_public_pongs(client: Any, path: str, expected: dict[str, Any]) -> None:
    socket = await client.socket(path)
    pong = await socket.ask({"op": "ping", "req_id": "7"})
    assert pong.pop("conn_id")
    assert pong == expected


async def test_other_pongs(client: Any) -> None:
    option = await (await client.socket("/v5/public/option")).ask({"op": "ping"})
    assert (sorted(option), option["op"]) == (["args", "op"], "pong")
    private = await (await client.socket("/v5/private")).ask({"op": "ping", "req_id": 3})
    assert (private["req_id"], private["op"], len(private["args"]), "conn_id" in private) == (3, "pong", 1, True)
    trade = await (await client.socket("/v5/trade")).ask({"op": "ping"})
    assert (trade["retCode"], trade["op"], len(trade["data"]), "connId" in trade) == (0, "pong", 1, True)


async def test_protocol_pings_are_answered(client: Any) -> None:
    socket = await client.socket("/v5/public/linear")
    waiter = await socket.connection.ping()
    assert await asyncio.wait_for(waiter, 5) >= 0


async def test_ack_then_snapshot_then_deltas(client: Any) -> None:
    socket = await client.socket("/v5/public/linear")
    ack = await socket.ask({"op": "subscribe", "req_id": "s1", "args": ["kline.1.BTCUSDT", "tickers.BTCUSDT"]})
    assert ack.pop("conn_id")
    assert ack == {"success": True, "ret_msg": "", "req_id": "s1", "op": "subscribe"}
    assert (await socket.next())["type"] == "snapshot"
    client.server._on_step(client.server.venue.step())
    assert [(await socket.next())["topic"] for _ in range(2)] == ["kline.1.BTCUSDT", "tickers.BTCUSDT"]
    ack = await socket.ask({"op": "unsubscribe", "req_id": "u1", "args": ["kline.1.BTCUSDT"]})
    assert (ack["success"], ack["op"]) == (True, "unsubscribe")
    client.server._on_step(client.server.venue.step())
    assert (await socket.next())["topic"] == "tickers.BTCUSDT"


async def test_subscription_failures(client: Any) -> None:
    socket = await client.socket("/v5/public/linear")
    failed = await socket.ask({"op": "subscribe", "args": ["tickers.BTCUSDT", "foo.BTCUSDT"]})
    assert (failed["success"], failed["ret_msg"]) == (False, "error:handler not found,topic:foo.BTCUSDT")
    assert not any(client.server.venue.watched.values())
    assert (await socket.ask({"op": "subscribe", "args": ["kline.1.BTCUSDT"]}))["success"]
    again = await socket.ask({"op": "subscribe", "args": ["kline.1.BTCUSDT", "kline.1.ETHUSDT"]})
    assert (again["success"], again["ret_msg"]) == (False, "error:already subscribed,topic:kline.1.BTCUSDT")
    assert client.server.venue.watched["linear/kline.1.ETHUSDT"] == 1
    for args in ([], "tickers.BTCUSDT", [1], None, ["x" * 21_001]):
        assert not (await socket.ask({"op": "subscribe", "args": args}))["success"]
    assert not (await socket.ask({"op": "unsubscribe", "args": ["tickers.BTCUSDT"]}))["success"]
    spot = await client.socket("/v5/public/spot")
    assert (await spot.ask({"op": "subscribe", "args": ["tickers.BTCUSDT"]}))["ret_msg"] == "subscribe"
    await spot.next()
    assert not (await spot.ask({"op": "subscribe", "args": [f"tickers.A{n}" for n in range(11)]}))["success"]
    option = await (await client.socket("/v5/public/option")).ask({"op": "subscribe", "args": ["tickers.X"]})
    assert (option["type"], option["data"]["failTopics"]) == ("COMMAND_RESP", ["tickers.X"])


async def test_closing_unwatches(client: Any, until: Any) -> None:
    socket = await client.socket("/v5/public/linear")
    await socket.ask({"op": "subscribe", "args": ["kline.1.BTCUSDT"]})
    await socket.close()
    await until(lambda: not client.server.venue.watched["linear/kline.1.BTCUSDT"])


async def test_private_authentication(client: Any) -> None:
    socket = await client.socket("/v5/private")
    assert (await socket.ask({"op": "subscribe", "args": ["order"]}))["ret_msg"] == "Request not authorized"
    expires = time.time_ns() // 1_000_000 + 5000
    wrong = await socket.ask({"req_id": "a1", "op": "auth", "args": [client.key, expires, "00"]})
    assert (wrong["success"], wrong["op"], wrong["req_id"]) == (False, "auth", "a1")
    assert not (await socket.ask({"op": "auth", "args": [client.key]}))["success"]
    good = await socket.auth()
    assert (good["success"], good["ret_msg"], good["op"]) == (True, "", "auth")
    assert not (await socket.auth())["success"]
    mixed = await socket.ask({"op": "subscribe", "args": ["order", "order.linear"]})
    assert "all-in-one" in mixed["ret_msg"]
    assert (await socket.ask({"op": "subscribe", "args": ["order"]}))["success"]
    assert "already subscribed" in (await socket.ask({"op": "subscribe", "args": ["order"]}))["ret_msg"]
    assert not (await socket.ask({"op": "subscribe", "args": ["orders"]}))["success"]


async def test_private_pushes_after_the_ack(client: Any) -> None:
    private, narrow = await client.socket("/v5/private"), await client.socket("/v5/private")
    for socket in (private, narrow):
        await socket.auth()
    await private.ask({"op": "subscribe", "args": ["order", "execution", "position", "wallet"]})
    await narrow.ask({"op": "subscribe", "args": ["order.spot", "execution.fast.linear"]})
    trade = await client.socket("/v5/trade")
    await trade.auth()
    ack = await trade.trade("order.create", "1", category="linear", symbol="BTCUSDT", side="Buy", orderType="Market",
                            qty="0.100", orderLinkId="m-1")  # fmt: skip
    assert (ack["retCode"], ack["data"]["orderLinkId"]) == (0, "m-1")
    messages = [await private.next() for _ in range(4)]
    rows = {message["topic"]: message["data"][0] for message in messages}
    assert rows["order"]["orderStatus"] == "Filled"
    assert (rows["order"]["timeInForce"], rows["order"]["avgPrice"]) == ("IOC", "100.1")
    assert (rows["execution"]["execQty"], rows["execution"]["orderLinkId"]) == ("0.1", "m-1")
    assert (rows["position"]["entryPrice"], rows["position"]["size"]) == ("100.1", "0.1")
    assert rows["wallet"]["coin"][0]["coin"] == "USDT"
    assert all("id" in message for message in messages)
    fast = await narrow.next()
    assert (fast["topic"], "id" in fast, len(fast["data"][0])) == ("execution.fast.linear", False, 11)


async def test_trade_socket_refusals(client: Any, order: dict[str, Any]) -> None:
    socket = await client.socket("/v5/trade")
    assert (await socket.trade("order.create", "0", **order))["retCode"] == 10004
    auth = await socket.auth()
    assert (auth["retCode"], auth["retMsg"], auth["op"]) == (0, "OK", "auth")
    assert (await socket.auth())["retCode"] == 20001
    assert (await socket.trade("order.create", "1", **order))["retCode"] == 0
    duplicate = await socket.trade("order.create", "1", **order)
    assert (duplicate["retCode"], duplicate["reqId"]) == (20006, "1")
    assert (await socket.trade("order.shout", "2", **order))["retCode"] == 10404
    assert (await socket.trade("order.create", "3", **order | {"category": "spread"}))["retCode"] == 10404
    assert (await socket.trade("order.create", "x" * 37, **order))["retCode"] == 10001
    two = socket.trade_message("order.create", "4") | {"args": [order, order]}
    assert (await socket.ask(two))["retCode"] == 10001
    headless = {"reqId": "5", "op": "order.create", "args": [order]}
    assert (await socket.ask(headless))["retCode"] == 10001
    old = socket.trade_message("order.create", "6", **order) | {"header": {"X-BAPI-TIMESTAMP": 1}}
    assert (await socket.ask(old))["retCode"] == 10002
    numeric = socket.trade_message("order.create", "7", **order)
    numeric["header"] = {"X-BAPI-TIMESTAMP": time.time_ns() // 1_000_000, "X-BAPI-RECV-WINDOW": 5000}
    assert (await socket.ask(numeric))["retCode"] == 0


async def test_trade_answers_carry_limits_and_data(client: Any, order: dict[str, Any]) -> None:
    socket = await client.socket("/v5/trade")
    await socket.auth()
    created = await socket.trade("order.create", "1", **order, orderLinkId="t-1")
    assert set(created) == {"reqId", "retCode", "retMsg", "op", "data", "retExtInfo", "header", "connId"}
    assert created["header"]["X-Bapi-Limit-Status"] == "9"
    assert {"Traceid", "Timenow", "X-Bapi-Limit", "X-Bapi-Limit-Reset-Timestamp"} <= set(created["header"])
    ids = {"category": "linear", "symbol": "BTCUSDT", "orderLinkId": "t-1"}
    assert (await socket.trade("order.amend", "2", **ids, price="98"))["retCode"] == 0
    assert (await socket.trade("order.cancel", "3", **ids))["data"]["orderId"] == created["data"]["orderId"]
    missing = await socket.trade("order.cancel", "4", **ids)
    assert (missing["retCode"], missing["data"]) == (110001, {})
    item = {name: value for name, value in order.items() if name != "category"}
    batch = await socket.trade("order.create-batch", "5", category="linear", request=[item, item | {"qty": "0"}])
    codes = [row["code"] for row in batch["retExtInfo"]["list"]]
    assert (batch["retCode"], codes[0], codes[1] != 0, len(batch["data"]["list"])) == (0, 0, True, 2)


@pytest.mark.parametrize("path", ["/v5/public/linear", "/v5/private", "/v5/trade", "/sandbox/control"])
@pytest.mark.parametrize("raw", ["{", "[]", "7", "null", '{"op": []}', '{"op": "what"}', "{}", "[" * 3000])
async def test_malformed_messages_are_answered(client: Any, path: str, raw: str) -> None:
    socket = await client.socket(path)
    answer = await socket.ask(raw)
    assert answer.get("success") is False or answer.get("retCode", 0) != 0 or answer.get("op") == "error"
    assert await socket.ask({"op": "ping"} if "control" not in path else {"op": "state"})


async def test_bad_frames_close_the_socket_alone(serve: Any, config: Any) -> None:
    client = await serve(msgspec.structs.replace(config, max_body=2000))
    other = await client.socket("/v5/public/linear")
    for message in (b"binary", "x" * 3000):
        socket = await client.socket("/v5/trade")
        await socket.connection.send(message)
        with pytest.raises(websockets.ConnectionClosed):
            await socket.next()
    fragmented = await client.socket("/v5/public/linear")
    await fragmented.connection.send(iter(['{"op":', '"ping"', "}"]))
    assert (await fragmented.next())["ret_msg"] == "pong"
    assert (await other.ask({"op": "ping"}))["success"]


@pytest.mark.parametrize("path", ["/v5/public/nothing", "/v5/elsewhere", "/", "/sandbox/else"])
async def test_unknown_paths_refuse_the_handshake(client: Any, path: str) -> None:
    with pytest.raises(websockets.InvalidStatus) as caught:
        await client.socket(path)
    assert caught.value.response.status_code == 404


async def test_handshake_without_a_key(client: Any) -> None:
    raw = await client.raw(
        b"GET /v5/public/linear HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", half=True
    )
    assert raw.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 426 "))


async def test_max_active_time(client: Any) -> None:
    await (await client.socket("/v5/private?max_active_time=1m")).ask({"op": "ping"})
    with pytest.raises(websockets.ConnectionClosed):
        await (await client.socket("/v5/trade?max_active_time=5s")).next()


async def test_idle_sockets_are_closed(serve: Any, config: Any) -> None:
    client = await serve(msgspec.structs.replace(config, idle_seconds=0.1))
    socket = await client.socket("/v5/public/linear")
    with pytest.raises(websockets.ConnectionClosed):
        await socket.next()


async def test_acks_wait_and_data_follows_them(serve: Any, config: Any) -> None:
    client = await serve(msgspec.structs.replace(config, ack_delay_ms=60))
    private, trade = await client.socket("/v5/private"), await client.socket("/v5/trade")
    await private.auth()
    await private.ask({"op": "subscribe", "args": ["order"]})
    await trade.auth()
    began = time.monotonic()
    await trade.send(trade.trade_message("order.create", "1", category="linear", symbol="BTCUSDT", side="Buy",
                                         orderType="Limit", qty="0.1", price="99"))  # fmt: skip
    push = asyncio.ensure_future(private.next())
    ack = await trade.next()
    assert ack["retCode"] == 0
    assert time.monotonic() - began >= 0.055
    assert (await push)["data"][0]["orderStatus"] == "New"


async def test_a_slow_client_is_disconnected(serve: Any, config: Any, until: Any) -> None:
    client = await serve(msgspec.structs.replace(config, client_buffer=50_000))
    reader, writer = await asyncio.open_connection("127.0.0.1", client.server.port, limit=1)
    writer.write(
        b"GET /v5/public/linear HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    await reader.read(1)
    text = json.dumps({"op": "subscribe", "args": ["kline.1.BTCUSDT"]}).encode()
    writer.write(bytes([0x81, 0x80 | len(text), 0, 0, 0, 0]) + text)
    watched = client.server.venue.watched
    await until(lambda: watched)
    frame = Frame("linear/kline.1.BTCUSDT", {"topic": "kline.1.BTCUSDT", "data": "x" * 100_000})

    def unwatched() -> bool:
        client.server.floor.public.publish([frame])
        return not watched["linear/kline.1.BTCUSDT"]

    await until(unwatched)
    writer.close()
