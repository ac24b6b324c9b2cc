"""REST over real sockets: envelopes, authentication, limits, orders, batches, pages, windows."""

import json
import re
from typing import Any

import msgspec
import pytest

REALTIME = "category=linear&symbol=BTCUSDT"


async def test_time_and_envelope(client: Any) -> None:
    answer = await client.http("GET", "/v5/market/time")
    assert list(answer.json) == ["retCode", "retMsg", "result", "retExtInfo", "time"]
    assert int(answer.result["timeSecond"]) == answer.json["time"] // 1000
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize("target", ["/v5/market/no-such-path", "/v5/position/switch-isolated", "/", "/v6/order/create"])
async def test_unknown_routes(client: Any, target: str) -> None:
    answer = await client.http("GET", target)
    assert (answer.status, answer.code, answer.json["retMsg"]) == (404, 10017, "Route not found.")


async def test_authentication_errors(client: Any, reader: Any) -> None:
    unsigned = await client.http("GET", "/v5/account/info")
    assert (unsigned.status, unsigned.code) == (401, 10001)
    assert (await client.http("GET", "/v5/account/info", headers={"X-BAPI-API-KEY": client.key})).status == 200
    assert (await client.http("GET", "/v5/account/info", headers=client.headers("", stamp=1))).code == 10002
    client.secret = "wrong"
    assert (await client.get("account/info")).code == 10004
    assert (await reader.get("account/info")).code == 0
    assert (await reader.order()).code == 10005
    body = {"category": "linear", "symbol": "BTCUSDT", "buyLeverage": "5", "sellLeverage": "5"}
    assert (await reader.post("position/set-leverage", **body)).code == 10005


async def test_signature_covers_the_raw_query(client: Any) -> None:
    answer = await client.get("order/realtime", REALTIME + "&cursor=page_args%3Dx%26symbol%3D6%26&orderLinkId=")
    assert answer.code in (0, 10001)
    assert (await client.http("GET", "/v5/account/info?", headers=client.headers(""))).code == 0


async def test_get_with_a_body_is_403(client: Any) -> None:
    assert (await client.http("GET", "/v5/account/info", "{}", client.headers(""))).status == 403


async def test_create_amend_cancel(client: Any) -> None:
    created = await client.order(orderLinkId="a-1")
    assert created.code == 0
    assert created.result["orderLinkId"] == "a-1"
    order_id = created.result["orderId"]
    row = (await client.get("order/realtime", f"{REALTIME}&orderId={order_id}")).result["list"][0]
    assert (row["orderStatus"], row["price"], row["avgPrice"]) == ("New", "99", "")
    ids = {"category": "linear", "symbol": "BTCUSDT", "orderId": order_id}
    assert (await client.post("order/amend", **ids, price="98.5")).code == 0
    assert (await client.post("order/amend", **ids)).code == 10001
    assert (await client.order(orderLinkId="a-1")).code == 110072
    assert (await client.post("order/cancel", **ids)).code == 0
    assert (await client.post("order/cancel", **ids)).code == 110001
    gone = (await client.get("order/history", f"{REALTIME}&orderId={order_id}")).result["list"][0]
    assert (gone["orderStatus"], gone["cancelType"], gone["leavesQty"]) == ("Cancelled", "CancelByUser", "0")


@pytest.mark.parametrize(("changes", "word"), [
    ({"qty": 0.1}, "qty"), ({"qty": "1e-05"}, "qty"), ({"qty": "NaN"}, "qty"), ({"qty": "-1"}, "qty"),
    ({"qty": ""}, "qty"), ({"price": None}, "price"), ({"price": "99,0"}, "price"), ({"side": "buy"}, "side"),
    ({"side": None}, "side"), ({"orderType": "Stop"}, "orderType"), ({"timeInForce": "RPI"}, "timeInForce"),
    ({"orderLinkId": "a b"}, "orderLinkId"), ({"orderLinkId": "x" * 37}, "orderLinkId"),
    ({"takeProfit": "90"}, "TakeProfit"), ({"triggerPrice": "120"}, "triggerDirection"),
    ({"positionIdx": 1}, "position idx"), ({"reduceOnly": "true"}, "reduceOnly"), ({"category": "future"}, "category"),
    ({"category": None}, "category"), ({"symbol": None}, "symbol"), ({"symbol": "NOPE"}, "symbol"),
    ({"category": "inverse"}, "symbol"), ({"smpType": "CancelAll"}, "smpType"), ({"qty": "1" * 40}, "qty"),
])  # fmt: skip
async def test_bad_orders_change_nothing(
    client: Any, order: dict[str, Any], changes: dict[str, Any], word: str
) -> None:
    answer = await client.post("order/create", **order | changes)
    assert answer.code == 10001
    assert word in answer.json["retMsg"]
    assert answer.result == {}
    assert (await client.get("order/realtime", REALTIME)).result["list"] == []


async def test_exchange_codes_arrive(client: Any) -> None:
    assert (await client.order(qty="500", price="99999")).code in (110007, 110003)
    assert (await client.order(side="Sell", reduceOnly=True)).code == 110017
    assert (await client.order(category="spot", symbol="NOPEUSDT")).code == 170121
    assert (await client.post("order/cancel", category="spot", symbol="BTCUSDT", orderId="1")).code == 170213


async def test_rate_limit_headers_and_refusal(client: Any) -> None:
    left = [int((await client.order(qty="0")).headers["x-bapi-limit-status"]) for _ in range(3)]
    assert left == [9, 8, 7]
    answers = [await client.order(orderLinkId=f"r-{n}") for n in range(12)]
    refused = [answer for answer in answers if answer.code == 10006]
    if refused:  # the window may have rolled on a slow machine; a refusal always looks like this
        first = refused[0]
        assert first.json["retMsg"] == "Too many visits. Exceeded the API Rate Limit."
        assert first.headers["x-bapi-limit"] == "10"
        assert int(first.headers["x-bapi-limit-reset-timestamp"]) >= first.json["time"]
        assert client.server.received.counts["r-11"] == 1


async def test_stepped_windows_run_on_the_venue_clock(serve: Any, config: Any) -> None:
    client = await serve(msgspec.structs.replace(config, stepped=True))
    codes = [(await client.order(orderLinkId=f"s-{n}")).code for n in range(12)]
    assert codes == [0] * 10 + [10006] * 2
    client.server.venue.step()
    assert (await client.order(orderLinkId="s-12")).code == 0


async def test_refusals_and_used_allowances_are_told(serve: Any, config: Any, order: dict[str, Any]) -> None:
    client = await serve(msgspec.structs.replace(config, stepped=True))
    item = {name: order[name] for name in order if name != "category"}
    for n in range(11):
        await client.order(orderLinkId=f"s-{n}")
    await client.post("order/create-batch", category="linear", request=[item] * 13)
    await client.http("GET", "/v5/account/info", "{}", client.headers(""))
    assert (await client.http("GET", "/sandbox/state")).json["refusals"] == {"10006": 4, "403": 1}
    found = (await client.http("GET", "/sandbox/allowances")).json
    second = client.server.venue.now() // 1_000_000_000
    assert found["refused"] == {"order/create:futures": 1, "order/create-batch:futures": 3}
    assert found["admitted"]["900100"] == {
        "order/create:futures": [[second, 10]], "order/create-batch:futures": [[second, 10]],
    }  # fmt: skip
    control = await client.socket("/sandbox/control")
    assert await control.ask({"op": "allowances"}) == {"op": "allowances"} | found
    assert (await client.http("POST", "/sandbox/reset")).status == 200
    assert (await client.http("GET", "/sandbox/state")).json["refusals"] == {"10006": 0, "403": 0}


async def test_batch_zips_results_and_codes(client: Any, order: dict[str, Any]) -> None:
    item = {name: order[name] for name in order if name != "category"}
    items = [item | {"orderLinkId": "b-1"}, item | {"qty": "0.01", "price": "1", "orderLinkId": "b-2"}, 7]
    answer = await client.post("order/create-batch", category="linear", request=items)
    assert answer.code == 0
    codes = [row["code"] for row in answer.json["retExtInfo"]["list"]]
    assert (codes[0], codes[1] != 0, codes[2]) == (0, True, 10001)
    rows = answer.result["list"]
    assert [row["orderLinkId"] for row in rows] == ["b-1", "b-2", ""]
    assert (rows[1]["orderId"], rows[1]["createAt"]) == ("", "")
    assert rows[0]["createAt"].isdecimal()
    cancel = [{"symbol": "BTCUSDT", "orderLinkId": "b-1"}, {"symbol": "BTCUSDT", "orderLinkId": "b-2"}]
    cancelled = await client.post("order/cancel-batch", category="linear", request=cancel)
    assert [row["code"] for row in cancelled.json["retExtInfo"]["list"]] == [0, 110001]
    assert "createAt" not in cancelled.result["list"][0]


async def test_batch_beyond_the_allowance_is_taken_in_part(serve: Any, config: Any, order: dict[str, Any]) -> None:
    client = await serve(msgspec.structs.replace(config, stepped=True))
    item = {name: order[name] for name in order if name != "category"}

    async def send(count: int) -> Any:
        return await client.post("order/create-batch", category="linear", request=[item] * count)

    await send(5)
    codes = [row["code"] for row in (await send(8)).json["retExtInfo"]["list"]]
    assert codes == [0] * 5 + [10006] * 3
    assert (await send(2)).code == 10006
    client.server.venue.step()
    assert (await send(0)).code == 10001
    assert (await client.post("order/create-batch", category="spot", request=[item] * 11)).code == 10001


async def test_a_batch_of_options_costs_one_request(serve: Any, config: Any) -> None:
    client = await serve(msgspec.structs.replace(config, stepped=True))
    legs = [{"symbol": "BTC-26MAR27-90000-C-USDT", "orderId": "1"}] * 3
    answer = await client.post("order/cancel-batch", category="option", request=legs)
    assert answer.headers["x-bapi-limit-status"] == "9"
    assert [leg["code"] for leg in answer.json["retExtInfo"]["list"]] == [10001] * 3  # no options are traded here


async def test_cancel_all_needs_a_scope(client: Any) -> None:
    await client.order(orderLinkId="c-1")
    assert (await client.post("order/cancel-all", category="linear")).code == 10001
    answer = await client.post("order/cancel-all", category="linear", symbol="BTCUSDT")
    assert [row["orderLinkId"] for row in answer.result["list"]] == ["c-1"]
    assert answer.result["success"] == "1"


async def test_pages_follow_the_cursor_as_it_was_sent(serve: Any, config: Any) -> None:
    client = await serve(msgspec.structs.replace(config, stepped=True))
    for n in range(5):
        await client.order(orderLinkId=f"p-{n}")
    seen: list[str] = []
    cursor = ""
    while True:
        page = (await client.get("order/realtime", f"{REALTIME}&limit=2&cursor={cursor}")).result
        seen += [row["orderLinkId"] for row in page["list"]]
        cursor = page["nextPageCursor"]
        if not cursor:
            break
        assert "%3D" in cursor
    assert seen == ["p-4", "p-3", "p-2", "p-1", "p-0"]


@pytest.mark.parametrize("query", [
    "limit=0", "limit=51", "limit=x", "startTime=5&endTime=4", "startTime=0&endTime=604800001", "startTime=-1",
    "orderFilter=Odd", "symbol=NOPE", "x=%FF",
])  # fmt: skip
async def test_bad_queries(client: Any, query: str) -> None:
    assert (await client.get("order/history", f"category=linear&{query}")).code == 10001


async def test_realtime_of_linear_needs_a_scope(client: Any) -> None:
    assert (await client.get("order/realtime", "category=linear")).code == 10001
    assert (await client.get("order/realtime", "category=linear&settleCoin=USDT")).code == 0
    assert (await client.get("order/realtime", "category=spot")).code == 0
    assert (await client.get("position/list", "category=linear")).code == 10001
    assert (await client.get("position/list", "category=spot")).code == 10001


async def test_position_rows(client: Any) -> None:
    flat = (await client.get("position/list", REALTIME)).result["list"][0]
    assert (flat["side"], flat["size"], flat["avgPrice"], flat["seq"]) == ("", "0", "0", -1)
    await client.order(orderType="Market", qty="0.5")
    row = (await client.get("position/list", "category=linear&settleCoin=USDT")).result["list"][0]
    assert (row["side"], row["size"], row["avgPrice"], row["positionValue"]) == ("Buy", "0.5", "100.1", "50.05")
    body = {"category": "linear", "symbol": "BTCUSDT"}
    stop = body | {"tpslMode": "Full", "positionIdx": 0}
    assert (await client.post("position/trading-stop", **stop, takeProfit="0")).code == 34040
    assert (await client.post("position/trading-stop", **stop, takeProfit="90")).code == 10001
    assert (await client.post("position/switch-mode", **body, mode=0)).code == 110025
    assert (await client.post("position/switch-mode", **body, mode=3)).code == 110024
    leverage = body | {"buyLeverage": "5", "sellLeverage": "5"}
    assert [(await client.post("position/set-leverage", **leverage)).code for _ in range(2)] == [0, 110043]
    assert (await client.post("position/set-leverage", **leverage | {"sellLeverage": "6"})).code == 10001


async def test_account_endpoints(client: Any) -> None:
    assert (await client.get("account/info")).result["unifiedMarginStatus"] == 5
    wallet = (await client.get("account/wallet-balance", "accountType=UNIFIED&coin=USDT,DOGE")).result["list"][0]
    assert [(row["coin"], row["walletBalance"]) for row in wallet["coin"]] == [("USDT", "100000"), ("DOGE", "0")]
    assert (await client.get("account/wallet-balance", "accountType=SPOT")).code == 10001
    fees = (await client.get("account/fee-rate", REALTIME)).result["list"]
    assert fees == [{"symbol": "BTCUSDT", "takerFeeRate": "0.00055", "makerFeeRate": "0.0002"}]
    log = (await client.get("account/transaction-log", "accountType=UNIFIED")).result["list"]
    assert {(row["type"], row["currency"], row["change"]) for row in log} >= {("TRANSFER_IN", "USDT", "100000")}
    key = (await client.get("user/query-api")).result
    assert (key["readOnly"], key["permissions"]["Wallet"], key["userID"]) == (0, [], 900100)
    assert (await client.get("asset/coin/query-info")).result == {"rows": []}
    assert (await client.post("account/set-margin-mode", setMarginMode="REGULAR_MARGIN")).code == 0
    failed = await client.post("account/set-margin-mode", setMarginMode="PORTFOLIO_MARGIN")
    assert (failed.code, len(failed.result["reasons"])) == (3400045, 1)


async def test_spot_market_buy_is_by_quote(client: Any) -> None:
    spot = {"category": "spot", "orderType": "Market", "qty": "20"}
    await client.order(**spot)
    fill = (await client.get("execution/list", "category=spot&symbol=BTCUSDT")).result["list"][0]
    assert (fill["feeCurrency"], fill["isMaker"]) == ("BTC", False)
    row = (await client.get("order/history", "category=spot")).result["list"][0]
    assert (row["marketUnit"], row["qty"]) == ("quoteCoin", "20")


async def test_no_null_and_strings_for_amounts(client: Any) -> None:
    """Complete rows: no null anywhere, and amounts are text (bybit-v5, conventions)."""
    await client.order(orderLinkId="n-1")
    await client.order(orderType="Market")
    for path, query in [
        ("order/realtime", REALTIME),
        ("order/history", REALTIME),
        ("execution/list", REALTIME),
        ("position/list", REALTIME),
        ("account/wallet-balance", "accountType=UNIFIED"),
        ("account/transaction-log", ""),
    ]:
        answer = await client.get(path, query)
        assert b"null" not in answer.raw, path
        assert not re.search(rb'"[a-zA-Z]*(Price|Qty|Fee|Value|Pnl)":[0-9-]', answer.raw), path
        assert answer.result["list"], path
        assert json.loads(answer.raw)["retMsg"] == "OK"
