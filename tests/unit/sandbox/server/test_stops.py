"""Conditional orders, brackets, trading stops and hedge mode over REST, the trade socket and the private stream."""

from typing import Any

import msgspec
import pytest

LINEAR = {"category": "linear", "symbol": "BTCUSDT"}
REALTIME = "category=linear&symbol=BTCUSDT"
STOP = {"orderType": "Market", "side": "Sell", "qty": "0.5", "triggerPrice": "99.5", "triggerDirection": 2}


async def open_rows(client: Any, more: str = "") -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = (await client.get("order/realtime", REALTIME + more)).result["list"]
    return rows


async def private(client: Any, *topics: str) -> Any:
    socket = await client.socket("/v5/private")
    await socket.auth()
    await socket.ask({"op": "subscribe", "args": list(topics)})
    return socket


def move(client: Any, *prices: str) -> list[Any]:
    """Print trades at these prices and publish what they fired."""
    venue, happened = client.server.venue, []
    for price in prices:
        instrument = venue.instruments[0].id
        happened += venue.print(instrument, price)
    client.server.floor.private.publish(happened)
    return happened


async def test_a_stop_waits_unseen_and_fires(client: Any) -> None:
    orders = await private(client, "order")
    placed = (await client.order(**STOP, orderLinkId="stop-1", triggerBy="LastPrice", positionIdx=0)).result
    row = (await open_rows(client))[0]
    assert (row["orderId"], row["orderStatus"], row["stopOrderType"]) == (placed["orderId"], "Untriggered", "Stop")
    assert (row["triggerPrice"], row["triggerDirection"], row["triggerBy"]) == ("99.5", 2, "LastPrice")
    assert (await orders.next())["data"][0]["orderStatus"] == "Untriggered"
    assert [r["orderId"] for r in await open_rows(client, "&orderFilter=StopOrder")] == [placed["orderId"]]
    assert await open_rows(client, "&orderFilter=Order") == []
    move(client, "99.6")
    assert (await open_rows(client))[0]["orderStatus"] == "Untriggered"
    move(client, "99.5")
    states: list[str] = []
    while "Filled" not in states:
        states += [r["orderStatus"] for r in (await orders.next())["data"]]
    assert states[0] == "Triggered"
    fill = (await client.get("execution/list", REALTIME)).result["list"][0]
    assert (fill["orderLinkId"], fill["stopOrderType"], fill["createType"]) == ("stop-1", "Stop", "CreateByStopOrder")
    assert (await client.get("position/list", REALTIME)).result["list"][0]["side"] == "Sell"


@pytest.mark.parametrize(("changes", "code"), [
    ({"triggerPrice": "100.5"}, 110093), ({"triggerDirection": 1}, 110092), ({"triggerPrice": "99.55"}, 110003),
    ({"triggerBy": "MarkPrice", "triggerPrice": "100"}, 110093),
])  # fmt: skip
async def test_triggers_on_the_wrong_side_are_refused(client: Any, changes: dict[str, Any], code: int) -> None:
    answer = await client.order(**STOP | changes)
    assert answer.code == code
    assert await open_rows(client) == []


async def test_amending_and_cancelling_a_stop(client: Any) -> None:
    placed = (await client.order(**STOP)).result["orderId"]
    ids = LINEAR | {"orderId": placed}
    assert (await client.post("order/amend", **ids, triggerPrice="98", triggerBy="MarkPrice")).code == 0
    row = (await open_rows(client))[0]
    assert (row["triggerPrice"], row["triggerBy"]) == ("98", "MarkPrice")
    assert (await client.post("order/amend", **ids, triggerPrice="101")).code == 110093
    assert (await client.post("order/amend", **ids, triggerPrice="98")).code == 10001
    item = {"symbol": "BTCUSDT", "orderId": placed, "triggerPrice": "97"}
    batch = await client.post("order/amend-batch", category="linear", request=[item])
    assert [(leg["code"], "conditional" in leg["msg"]) for leg in batch.json["retExtInfo"]["list"]] == [(10001, True)]
    assert (await client.post("order/cancel", **ids)).code == 0
    gone = (await client.get("order/history", f"{REALTIME}&orderFilter=StopOrder")).result["list"][0]
    assert (gone["orderId"], gone["orderStatus"], gone["cancelType"]) == (placed, "Deactivated", "CancelByUser")
    assert (await client.get("order/history", f"{REALTIME}&orderFilter=Order")).result["list"] == []


async def test_a_bracket_makes_children_of_its_own(client: Any) -> None:
    orders = await private(client, "order")
    bracket = {"takeProfit": "101.5", "stopLoss": "98.5", "tpslMode": "Partial", "slTriggerBy": "MarkPrice"}
    entry = (await client.order(orderType="Market", qty="0.4", **bracket, orderLinkId="entry")).result["orderId"]
    children = await open_rows(client, "&orderFilter=StopOrder")
    assert {row["stopOrderType"] for row in children} == {"PartialTakeProfit", "PartialStopLoss"}
    for row in children:
        assert (row["orderLinkId"], row["parentOrderLinkId"], row["qty"]) == ("", "entry", "0.4")
        assert row["orderId"] not in ("", entry)
        assert (row["side"], row["reduceOnly"], row["closeOnTrigger"]) == ("Sell", True, True)
    pushed = {}
    while len(pushed) < 3:
        pushed |= {row["orderId"]: row for row in (await orders.next())["data"]}
    assert {row["parentOrderLinkId"] for row in pushed.values()} == {"", "entry"}
    assert (pushed[entry]["takeProfit"], pushed[entry]["tpslMode"]) == ("101.5", "Partial")
    move(client, "101.5")
    assert await open_rows(client) == []
    history = (await client.get("order/history", f"{REALTIME}&orderFilter=StopOrder")).result["list"]
    ends = {row["stopOrderType"]: (row["orderStatus"], row["cancelType"]) for row in history}
    assert ends["PartialTakeProfit"][0] == "Filled"
    assert ends["PartialStopLoss"][0] in ("Deactivated", "Cancelled")
    fill = (await client.get("execution/list", REALTIME)).result["list"][0]
    assert (fill["stopOrderType"], fill["createType"]) == ("PartialTakeProfit", "CreateByPartialTakeProfit")


async def test_an_unfilled_entry_may_lose_and_gain_stops(client: Any) -> None:
    placed = (await client.order(takeProfit="110", stopLoss="90")).result["orderId"]
    row = (await open_rows(client))[0]
    assert (row["takeProfit"], row["stopLoss"], row["tpslMode"]) == ("110", "90", "Full")
    ids = LINEAR | {"orderId": placed}
    assert (await client.post("order/amend", **ids, takeProfit="0", stopLoss="91")).code == 0
    row = (await open_rows(client))[0]
    assert (row["takeProfit"], row["stopLoss"], row["tpTriggerBy"]) == ("", "91", "")
    assert (await client.post("order/amend", **ids, stopLoss="99.5")).code == 10001


async def test_trading_stops(client: Any) -> None:
    await client.order(orderType="Market", qty="0.5")
    positions = await private(client, "position")
    stop = LINEAR | {"tpslMode": "Full", "positionIdx": 0}
    answer = await client.post("position/trading-stop", **stop, takeProfit="110", stopLoss="95", trailingStop="2")
    assert (answer.code, answer.result) == (0, {})
    row = (await client.get("position/list", REALTIME)).result["list"][0]
    assert (row["takeProfit"], row["stopLoss"], row["trailingStop"]) == ("110", "95", "2")
    pushed = (await positions.next())["data"][-1]
    assert (pushed["takeProfit"], pushed["stopLoss"], pushed["trailingStop"]) == ("110", "95", "2")
    kinds = {row["stopOrderType"] for row in await open_rows(client)}
    assert kinds == {"TakeProfit", "StopLoss", "TrailingStop"}
    assert (await client.post("position/trading-stop", **stop, takeProfit="110")).code == 34040
    assert (await client.post("position/trading-stop", **stop, takeProfit="0")).code == 0
    assert (await client.post("position/trading-stop", **stop | {"positionIdx": 1}, stopLoss="94")).code == 10001
    move(client, "101", "103", "100.9")
    row = (await client.get("position/list", REALTIME)).result["list"][0]
    assert (row["size"], row["stopLoss"], row["trailingStop"]) == ("0", "0", "0")  # the trailing stop fired at 101
    assert await open_rows(client) == []
    assert (await client.post("position/trading-stop", **stop, takeProfit="110")).code == 10001


async def test_partial_stops_are_added_in_pairs(client: Any) -> None:
    await client.order(orderType="Market", qty="0.5")
    stop = LINEAR | {"tpslMode": "Partial", "positionIdx": 0}
    pair = {"takeProfit": "110", "stopLoss": "90", "tpSize": "0.2", "slSize": "0.2"}
    assert (await client.post("position/trading-stop", **stop, **pair)).code == 0
    limit = {"takeProfit": "112", "tpSize": "0.3", "tpOrderType": "Limit", "tpLimitPrice": "111.9"}
    assert (await client.post("position/trading-stop", **stop, **limit)).code == 0
    rows = await open_rows(client)
    assert sorted((row["stopOrderType"], row["qty"], row["orderType"]) for row in rows) == [
        ("PartialStopLoss", "0.2", "Market"), ("PartialTakeProfit", "0.2", "Market"),
        ("PartialTakeProfit", "0.3", "Limit"),
    ]  # fmt: skip


@pytest.mark.parametrize(("mode", "fields", "word"), [
    ("Full", {"takeProfit": "110", "tpSize": "0.1"}, "tpSize needs tpslMode Partial"),
    ("Full", {"takeProfit": "110", "tpOrderType": "Limit", "tpLimitPrice": "109"}, "tpLimitPrice"),
    ("Full", {"takeProfit": 110}, "takeProfit must be a string"),
    ("Full", {"takeProfit": "110", "tpTriggerBy": "Best"}, "tpTriggerBy"),
    ("Half", {"takeProfit": "110"}, "tpslMode"),
    ("Partial", {}, "takeProfit or stopLoss"),
    ("Partial", {"takeProfit": "110"}, "tpSize is required"),
    ("Partial", {"tpSize": "0.1"}, "tpSize needs takeProfit"),
    ("Partial", {"takeProfit": "110", "stopLoss": "90", "tpSize": "0.1", "slSize": "0.2"}, "must be equal"),
    ("Partial", {"takeProfit": "110", "tpSize": "0.1", "trailingStop": "2"}, "trailingStop needs tpslMode Full"),
    ("Partial", {"takeProfit": "110", "tpSize": "0.1", "tpOrderType": "Limit"}, "tpLimitPrice is required"),
    ("Partial", {"takeProfit": "110", "tpSize": "0.9"}, "exceeds"),
])  # fmt: skip
async def test_bad_trading_stops_change_nothing(client: Any, mode: str, fields: dict[str, Any], word: str) -> None:
    await client.order(orderType="Market", qty="0.5")
    answer = await client.post("position/trading-stop", **LINEAR, tpslMode=mode, positionIdx=0, **fields)
    assert (answer.code, word in answer.json["retMsg"]) == (10001, True), answer.json
    assert await open_rows(client) == []


async def test_hedge_mode_holds_both_sides(client: Any) -> None:
    assert (await client.post("position/switch-mode", **LINEAR, mode=3)).code == 0
    assert (await client.post("position/switch-mode", **LINEAR, mode=3)).code == 110025
    assert (await client.order(orderType="Market", qty="0.2")).code == 10001
    assert (await client.order(orderType="Market", qty="0.2", positionIdx=1)).code == 0
    assert (await client.order(orderType="Market", side="Sell", qty="0.3", positionIdx="2", stopLoss="105")).code == 0
    rows = (await client.get("position/list", REALTIME)).result["list"]
    assert [(row["positionIdx"], row["side"], row["size"], row["stopLoss"]) for row in rows] == [
        (1, "Buy", "0.2", "0"), (2, "Sell", "0.3", "105"),
    ]  # fmt: skip
    held = (await client.get("position/list", "category=linear&settleCoin=USDT")).result["list"]
    assert [row["positionIdx"] for row in held] == [1, 2]
    child = (await open_rows(client))[0]
    assert (child["positionIdx"], child["side"], child["stopOrderType"]) == (2, "Buy", "StopLoss")
    assert (await client.post("position/switch-mode", **LINEAR, mode=0)).code == 110024
    for side, index, qty in (("Sell", 1, "0.2"), ("Buy", 2, "0.3")):
        close = {"orderType": "Market", "side": side, "qty": qty, "positionIdx": index, "reduceOnly": True}
        assert (await client.order(**close)).code == 0
    assert (await client.post("position/switch-mode", **LINEAR, mode=0)).code == 0
    assert [row["positionIdx"] for row in (await client.get("position/list", REALTIME)).result["list"]] == [0]
    by_coin = {"category": "linear", "coin": "USDT"}
    assert (await client.post("position/switch-mode", **by_coin, mode=3)).code == 0
    assert (await client.post("position/switch-mode", **by_coin, mode=1)).code == 10001


async def test_accounts_may_begin_hedged(serve: Any, config: Any) -> None:
    client = await serve(msgspec.structs.replace(config, hedge=True))
    rows = (await client.get("position/list", REALTIME)).result["list"]
    assert [(row["positionIdx"], row["size"]) for row in rows] == [(1, "0"), (2, "0")]


async def test_cancel_all_by_kind(serve: Any, config: Any) -> None:
    client = await serve(msgspec.structs.replace(config, stepped=True))

    async def fill_book() -> None:
        client.server.venue.step()
        await client.order(orderLinkId=f"limit-{client.server.venue.taken}")
        await client.order(**STOP, orderLinkId=f"stop-{client.server.venue.taken}")
        await client.order(orderType="Market", qty="0.1", stopLoss="90")

    async def cancel(**fields: Any) -> list[str]:
        answer = await client.post("order/cancel-all", **LINEAR, **fields)
        assert answer.code == 0, answer.json
        left = [row["orderLinkId"].partition("-")[0] or row["stopOrderType"] for row in await open_rows(client)]
        return sorted(left)

    await fill_book()
    assert await cancel(orderFilter="Order") == ["StopLoss", "stop"]
    assert await cancel(orderFilter="StopOrder", stopOrderType="Stop") == ["StopLoss"]
    await fill_book()
    assert await cancel(orderFilter="StopOrder") == ["limit"]
    await fill_book()
    assert await cancel() == []
    for bad in ({"orderFilter": "tpslOrder"}, {"stopOrderType": "Stop"}, {"orderFilter": "StopOrder",
                "stopOrderType": "TakeProfit"}):  # fmt: skip
        assert (await client.post("order/cancel-all", **LINEAR, **bad)).code == 10001


async def test_spot_keeps_kinds_apart(client: Any) -> None:
    spot = {"category": "spot", "symbol": "BTCUSDT"}
    sell = spot | {"side": "Sell", "orderType": "Market", "qty": "0.5", "triggerPrice": "95"}
    held = (await client.post("order/create", **sell, orderFilter="tpslOrder")).result["orderId"]
    later = (await client.post("order/create", **sell, orderFilter="StopOrder")).result["orderId"]
    plain = (await client.post("order/create", **spot, side="Sell", orderType="Limit", qty="0.1", price="105")).result
    coin = (await client.get("account/wallet-balance", "accountType=UNIFIED&coin=BTC")).result["list"][0]["coin"][0]
    assert coin["locked"] == "0.6"
    for kind, id in (("tpslOrder", held), ("StopOrder", later), ("Order", plain["orderId"])):
        rows = (await client.get("order/realtime", f"category=spot&orderFilter={kind}")).result["list"]
        assert [row["orderId"] for row in rows] == [id]
    assert (await client.post("order/cancel", **spot, orderId=held)).code == 170213
    assert (await client.post("order/cancel", **spot, orderId=held, orderFilter="StopOrder")).code == 170213
    assert (await client.post("order/cancel", **spot, orderId=held, orderFilter="Odd")).code == 170201
    assert (await client.post("order/cancel", **spot, orderId=held, orderFilter="tpslOrder")).code == 0
    assert (await client.post("order/cancel-all", **spot)).result["list"] == [
        {"orderId": plain["orderId"], "orderLinkId": ""}
    ]
    assert len((await client.post("order/cancel-all", **spot, orderFilter="StopOrder")).result["list"]) == 1


async def test_stops_and_batches_over_the_trade_socket(client: Any, order: dict[str, Any]) -> None:
    socket = await client.socket("/v5/trade")
    await socket.auth()
    item = {name: order[name] for name in order if name != "category"} | STOP
    items = [item | {"orderLinkId": "t-1"}, item | {"triggerPrice": "101", "orderLinkId": "t-2"}]
    answer = await socket.trade("order.create-batch", "1", category="linear", request=items)
    assert [row["code"] for row in answer["retExtInfo"]["list"]] == [0, 110093]
    assert [row["orderLinkId"] for row in answer["data"]["list"]] == ["t-1", "t-2"]
    assert answer["header"]["X-Bapi-Limit-Status"] == "8"
    amended = await socket.trade("order.amend", "2", **LINEAR, orderLinkId="t-1", triggerPrice="97")
    assert amended["retCode"] == 0
    cancelled = await socket.trade("order.cancel-batch", "3", category="linear",
                                   request=[{"symbol": "BTCUSDT", "orderLinkId": "t-1"}])  # fmt: skip
    assert cancelled["retExtInfo"]["list"] == [{"code": 0, "msg": "OK"}]
    shared = await client.post("order/create-batch", category="linear", request=[item])
    assert shared.headers["x-bapi-limit-status"] == "7"  # one bucket for both ways in


async def test_self_match_prevention_is_told(client: Any) -> None:
    await client.order(price="100.0", orderLinkId="maker")
    taker = (await client.order(side="Sell", price="100.0", smpType="CancelMaker")).result["orderId"]
    row = (await client.get("order/history", f"{REALTIME}&orderLinkId=maker")).result["list"][0]
    assert (row["orderStatus"], row["cancelType"], row["smpOrderId"]) == ("Cancelled", "CancelBySmp", taker)
    assert (await open_rows(client))[0]["smpType"] == "CancelMaker"


async def test_everything_is_closed_with_quantity_zero(client: Any) -> None:
    await client.order(orderType="Market", qty="0.5")
    close = {"orderType": "Market", "side": "Sell", "qty": "0", "reduceOnly": True, "closeOnTrigger": True}
    assert (await client.order(**close)).code == 0
    assert (await client.get("position/list", REALTIME)).result["list"][0]["size"] == "0"


async def test_pre_check_changes_nothing(client: Any, order: dict[str, Any]) -> None:
    checked = await client.post("order/pre-check", **order | {"qty": "10"}, orderLinkId="later")
    assert checked.code == 0
    result = checked.result
    assert (result["preImrE4"], result["preMmrE4"], result["orderLinkId"]) == (0, 0, "later")
    # A value of 990 at ten times leverage, and the fees to open and close, over 100,000 USDT and a BTC at 100.
    assert result["postImrE4"] == int((990 / 10 + 990 * 2 * 0.00055) / 100_100 * 10_000)
    assert await open_rows(client) == []
    assert (await client.order(orderLinkId="later")).code == 0
    leverage = LINEAR | {"buyLeverage": "1", "sellLeverage": "1"}
    await client.post("position/set-leverage", **leverage)
    for _ in range(2):
        await client.order(qty="900", price="100")
    short = await client.post("order/pre-check", **order | {"qty": "900", "price": "100"})
    assert short.code == 110007
    assert short.result == {}
    assert set(short.json["retExtInfo"]) == {"future_order_id", "future_order_link_id", "post_imr_e4", "post_mmr_e4"}
    for bad in ({"triggerPrice": "90", "triggerDirection": 2}, {"category": "inverse"}, {"symbol": "NOPE"}):
        assert (await client.post("order/pre-check", **order | bad)).code == 10001
