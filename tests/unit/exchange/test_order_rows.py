"""Golden rows of orders, executions and positions: stops of every kind, and both legs of a hedge."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from tradectl.exchange.bybit.order_rows import execution, order_report
from tradectl.exchange.bybit.translate import position_report
from tradectl.exchange.bybit.wire import ExecutionRow, OrderPage, OrderRow, PositionPage, PositionRow
from tradectl.model.instruments import Category
from tradectl.model.orders import OrderReport, OrderStatus, Protection, Trigger, TriggerBy

D = Decimal
#: The documents' row of ``order/realtime``: a partly filled entry with both stops attached.
ENTRY = """{"orderId": "5b1d7a9e-3c52-4a61-9f6f-0a2c1b7f4e10", "orderLinkId": "td-20260101-000042",
 "parentOrderLinkId": "", "blockTradeId": "", "symbol": "BTCUSDT", "price": "87200.00", "qty": "0.010", "side": "Buy",
 "isLeverage": "", "positionIdx": 0, "orderStatus": "PartiallyFilled", "createType": "CreateByUser",
 "cancelType": "UNKNOWN", "rejectReason": "EC_NoError", "avgPrice": "87200", "leavesQty": "0.006",
 "leavesValue": "523.2", "cumExecQty": "0.004", "cumExecValue": "348.8", "cumExecFee": "0.06976",
 "timeInForce": "PostOnly", "orderType": "Limit", "stopOrderType": "", "orderIv": "", "marketUnit": "",
 "triggerPrice": "", "takeProfit": "89000.00", "stopLoss": "86500.00", "tpslMode": "Full", "ocoTriggerBy": "",
 "tpLimitPrice": "", "slLimitPrice": "", "tpTriggerBy": "LastPrice", "slTriggerBy": "MarkPrice",
 "triggerDirection": 0, "triggerBy": "", "lastPriceOnCreated": "87531.00", "basePrice": "", "reduceOnly": false,
 "closeOnTrigger": false, "placeType": "", "smpType": "CancelMaker", "smpGroup": 0, "smpOrderId": "",
 "createdTime": "1767225600180", "updatedTime": "1767225607412", "cumFeeDetail": {"USDT": "0.06976"}}"""
POSITIONS = b"""{"category": "linear", "nextPageCursor": "", "list": [{
 "positionIdx": 1, "symbol": "BTCUSDT", "side": "Buy", "size": "0.040", "avgPrice": "87200", "leverage": "10",
 "markPrice": "87534.11", "liqPrice": "", "takeProfit": "89000", "stopLoss": "", "trailingStop": "150.5",
 "unrealisedPnl": "13.3644", "updatedTime": "1767225607412", "tpslMode": "Full"}, {
 "positionIdx": 2, "symbol": "BTCUSDT", "side": "Sell", "size": "0.010", "avgPrice": "87300", "leverage": "10",
 "markPrice": "87534.11", "liqPrice": "", "takeProfit": "0.00", "stopLoss": "88000", "trailingStop": "0",
 "unrealisedPnl": "-2.3", "updatedTime": "1767225607412"}]}"""


def report(category: Category = Category.LINEAR, **changes: Any) -> OrderReport:
    row = {**msgspec.json.decode(ENTRY), **changes}
    return order_report(msgspec.convert({"list": [row]}, OrderPage).list[0], category)


def test_an_entry_carries_its_stops() -> None:
    entry = report()
    assert entry.protection == Protection(D(89000), D(86500), TriggerBy.LAST, TriggerBy.MARK, partial=False)
    assert (entry.trigger, entry.trigger_price, entry.close_on_trigger, entry.position_idx) == (None, None, False, 0)
    assert (entry.create_type, entry.stop_order_type, entry.parent_link) == ("CreateByUser", "", "")
    partial = report(tpslMode="Partial", tpLimitPrice="88990", takeProfit="0", slLimitPrice="86400.0").protection
    assert partial == Protection(None, D(86500), TriggerBy.LAST, TriggerBy.MARK, D(88990), D(86400))
    assert report(takeProfit="", stopLoss="0.00").protection is None


def test_an_attached_stop_is_known_by_the_venues_id_and_its_parent() -> None:
    """Stops the venue makes of an entry have no id of ours, close on trigger and name their parent (5.12)."""
    stop = report(
        orderId="a7", orderLinkId="", parentOrderLinkId="td-20260101-000042", side="Sell", orderStatus="Untriggered",
        createType="CreateByStopLoss", stopOrderType="StopLoss", orderType="Market", price="0", timeInForce="IOC",
        triggerPrice="86500.00", triggerDirection=2, triggerBy="MarkPrice", takeProfit="", stopLoss="",
        reduceOnly=True, closeOnTrigger=True, cumExecQty="0", cumExecValue="0", avgPrice="", positionIdx=1,
    )  # fmt: skip
    assert (stop.order_id, stop.link_id, stop.parent_link) == ("a7", "", "td-20260101-000042")
    assert stop.status is OrderStatus.UNTRIGGERED
    assert stop.trigger == Trigger(D(86500), False, TriggerBy.MARK)
    assert (stop.close_on_trigger, stop.reduce_only, stop.position_idx) == (True, True, 1)
    assert (stop.stop_order_type, stop.create_type, stop.protection) == ("StopLoss", "CreateByStopLoss", None)


@pytest.mark.parametrize(
    ("row", "wanted"),
    [
        ({"triggerDirection": 1, "triggerBy": "IndexPrice"}, Trigger(D(90000), True, TriggerBy.INDEX)),
        ({"triggerDirection": 2, "triggerBy": "UNKNOWN"}, Trigger(D(90000), False)),
        ({"triggerDirection": None, "basePrice": "87551.1", "lastPriceOnCreated": ""}, Trigger(D(90000), True)),
        ({"triggerDirection": 0, "basePrice": "91000", "lastPriceOnCreated": ""}, Trigger(D(90000), False)),
        ({"triggerDirection": 0, "basePrice": "", "lastPriceOnCreated": ""}, None),
    ],
)
def test_where_a_trigger_waits(row: dict[str, Any], wanted: Trigger | None) -> None:
    """Spot rows state no direction: the price when the order came tells it, or nothing does."""
    found = report(Category.SPOT, triggerPrice="90000", **row)
    assert found.trigger == wanted
    assert found.trigger_price == D(90000)


def test_spot_rows_lack_mode_and_maker_and_their_stops_are_their_own() -> None:
    row = {k: v for k, v in msgspec.json.decode(ENTRY).items() if k not in ("createType", "tpslMode", "positionIdx")}
    found = order_report(msgspec.convert(row, OrderRow), Category.SPOT)
    assert found.protection is not None
    assert found.protection.partial
    assert (found.create_type, found.position_idx) == ("", 0)


def test_both_legs_of_a_hedge_and_their_stops() -> None:
    page = msgspec.json.decode(POSITIONS, type=PositionPage)
    long, short = (position_report(row, Category.LINEAR) for row in page.list)
    assert (long.position_idx, long.size, long.avg_price) == (1, D("0.04"), D(87200))
    assert (long.take_profit, long.stop_loss, long.trailing) == (D(89000), None, D("150.5"))
    assert (short.position_idx, short.size, short.avg_price) == (2, D("-0.01"), D(87300))
    assert (short.take_profit, short.stop_loss, short.trailing) == (None, D(88000), None)


def test_an_execution_says_what_made_its_order() -> None:
    row = ExecutionRow(
        "BTCUSDT", "e1", "o1", "Sell", "86490", "0.004", "1767225607408", orderLinkId="", execValue="345.96",
        execFee="0.19", stopOrderType="PartialStopLoss", createType="CreateByPartialStopLoss", closedSize="0.004",
    )  # fmt: skip
    found = execution(row, Category.LINEAR, lambda *a: "USDT")
    assert (found.stop_order_type, found.create_type) == ("PartialStopLoss", "CreateByPartialStopLoss")
    assert (found.link_id, found.order_id, found.closed_qty) == ("", "o1", D("0.004"))
    unknown = msgspec.structs.replace(row, stopOrderType="UNKNOWN", createType="")
    assert execution(unknown, Category.LINEAR, lambda *a: "USDT").stop_order_type == ""


@pytest.mark.parametrize("field", ["triggerPrice", "takeProfit", "stopLoss", "tpLimitPrice", "slLimitPrice"])
@pytest.mark.parametrize("value", ["-1", "NaN", "x"])
def test_prices_without_sense_are_refused(field: str, value: str) -> None:
    with pytest.raises(ValueError, match=value):
        report(Category.LINEAR, **{field: value})


def test_a_negative_stop_of_a_position_is_refused() -> None:
    with pytest.raises(ValueError, match="trailingStop"):
        position_report(PositionRow("BTCUSDT", "Buy", "1", trailingStop="-3"), Category.LINEAR)
