"""Rows carry every key of the samples in bybit-v5, with the same JSON types."""

import json
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from tradectl.matching.records import Fill, LedgerEntry, Position, VenueOrder
from tradectl.matching.views import AccountView, CoinView, PositionMargin
from tradectl.model.instruments import Category, Instrument, InstrumentId
from tradectl.model.orders import (
    OrderStatus,
    OrderType,
    Protection,
    SelfMatch,
    Side,
    TimeInForce,
    Trigger,
    TriggerBy,
)
from tradectl.sandbox.memory.records import ClosedPnl
from tradectl.sandbox.server.rows.executions import execution_message_row, execution_row, fast_execution_row
from tradectl.sandbox.server.rows.orders import history_row, order_message_row, order_row
from tradectl.sandbox.server.rows.positions import closed_pnl_row, position_message_row, position_row
from tradectl.sandbox.server.rows.wallets import ledger_row, wallet_row

D = Decimal
BTC = InstrumentId(Category.LINEAR, "BTCUSDT")
TS = 1767225607412_000_000


def names(text: str) -> set[str]:
    return set(text.split())


# bybit-v5 5.5
ORDER = """{"orderId": "5b1d7a9e-3c52-4a61-9f6f-0a2c1b7f4e10", "orderLinkId": "td-20260101-000042",
"parentOrderLinkId": "", "blockTradeId": "", "symbol": "BTCUSDT", "price": "87200.00", "qty": "0.010", "side": "Buy",
"isLeverage": "", "positionIdx": 0, "orderStatus": "PartiallyFilled", "createType": "CreateByUser",
"cancelType": "UNKNOWN", "rejectReason": "EC_NoError", "avgPrice": "87200", "leavesQty": "0.006",
"leavesValue": "523.2", "cumExecQty": "0.004", "cumExecValue": "348.8", "cumExecFee": "0.06976",
"timeInForce": "PostOnly", "orderType": "Limit", "stopOrderType": "", "orderIv": "", "marketUnit": "",
"triggerPrice": "", "takeProfit": "", "stopLoss": "", "tpslMode": "", "ocoTriggerBy": "", "tpLimitPrice": "",
"slLimitPrice": "", "tpTriggerBy": "", "slTriggerBy": "", "triggerDirection": 0, "triggerBy": "",
"lastPriceOnCreated": "87531.00", "basePrice": "", "reduceOnly": false, "closeOnTrigger": false, "placeType": "",
"smpType": "None", "smpGroup": 0, "smpOrderId": "", "createdTime": "1767225600180", "updatedTime": "1767225607412",
"cumFeeDetail": {"USDT": "0.06976"}}"""
LATER = {"slippageToleranceType": "UNKNOWN", "slippageTolerance": "", "rpiTakerAccess": False, "rpiMatchedQty": "0"}
# bybit-v5 5.7
EXECUTION = """{"symbol": "BTCUSDT", "orderId": "5b1d7a9e-3c52-4a61-9f6f-0a2c1b7f4e10",
"orderLinkId": "td-20260101-000042", "side": "Buy", "orderPrice": "87200", "orderQty": "0.01", "leavesQty": "0.006",
"createType": "CreateByUser", "orderType": "Limit", "stopOrderType": "", "execFee": "0.06976", "execFeeV2": "",
"execId": "7f0c2e0a-8a35-5f44-b1de-5a8e6b0f9d21", "execPrice": "87200", "execQty": "0.004", "execType": "Trade",
"execValue": "348.8", "execTime": "1767225607412", "feeCurrency": "USDT", "isMaker": true, "feeRate": "0.0002",
"tradeIv": "", "markIv": "", "markPrice": "87204.31", "indexPrice": "", "underlyingPrice": "", "blockTradeId": "",
"closedSize": "0", "extraFees": "", "seq": 512009391845}"""
# bybit-v5 6.1
POSITION = """{"positionIdx": 0, "riskId": 1, "riskLimitValue": "2000000", "symbol": "BTCUSDT", "side": "Buy",
"size": "0.040", "avgPrice": "87200", "positionValue": "3488", "autoAddMargin": 0, "positionStatus": "Normal",
"leverage": "10", "breakEvenPrice": "87265.44", "markPrice": "87534.11", "liqPrice": "", "positionIM": "352.06",
"positionIMByMp": "352.06", "positionMM": "19.43", "positionMMByMp": "19.43", "takeProfit": "0",
"stopLoss": "0", "trailingStop": "0", "sessionAvgPrice": "", "delta": "", "gamma": "", "vega": "", "theta": "",
"unrealisedPnl": "13.3644", "curRealisedPnl": "-0.6976", "cumRealisedPnl": "41.22910032", "adlRankIndicator": 2,
"createdTime": "1764300000000", "updatedTime": "1767225607412", "openTime": 1767225607408, "seq": 512009391845,
"isReduceOnly": false, "mmrSysUpdatedTime": "", "leverageSysUpdatedTime": "", "tpslMode": "Full", "bustPrice": "",
"positionBalance": "0", "tradeMode": 0}"""
MESSAGE_POSITION_KEYS = names(
    """category symbol side size positionIdx tradeMode positionValue riskId riskLimitValue entryPrice
breakEvenPrice markPrice leverage positionBalance autoAddMargin positionIM positionIMByMp positionMM
positionMMByMp liqPrice bustPrice tpslMode takeProfit stopLoss trailingStop unrealisedPnl
sessionAvgPrice curRealisedPnl cumRealisedPnl positionStatus adlRankIndicator createdTime
updatedTime openTime seq isReduceOnly mmrSysUpdatedTime leverageSysUpdatedTime"""
)
ACCOUNT_KEYS = names(
    """accountType accountIMRate accountIMRateByMp accountMMRate accountMMRateByMp totalEquity
totalWalletBalance totalMarginBalance totalAvailableBalance totalPerpUPL totalInitialMargin
totalInitialMarginByMp totalMaintenanceMargin totalMaintenanceMarginByMp accountLTV coin"""
)
COIN_KEYS = names(
    """coin equity usdValue walletBalance locked spotHedgingQty borrowAmount accruedInterest totalOrderIM
totalPositionIM totalPositionMM unrealisedPnl cumRealisedPnl bonus marginCollateral collateralSwitch
colRes spotBorrow free availableToWithdraw availableToBorrow"""
)
FAST_KEYS = names("category symbol execId execPrice execQty orderId isMaker orderLinkId side execTime seq")
LEDGER_KEYS = names(
    """id symbol category side transactionTime type transSubType qty size currency tradePrice funding fee
cashFlow change cashBalance feeRate bonusChange tradeId orderId orderLinkId extraFees"""
)
CLOSED_PNL = """{"symbol": "BTCUSDT", "orderId": "3f0d2f1f-0a31-4b6c-9b54-1d2cb35a4e77", "side": "Sell",
"qty": "0.04", "orderPrice": "86780.1", "orderType": "Market", "execType": "Trade", "closedSize": "0.04",
"cumEntryValue": "3488", "avgEntryPrice": "87200", "cumExitValue": "3502.4", "avgExitPrice": "87560",
"closedPnl": "11.77608", "fillCount": "1", "leverage": "10", "openFee": "0.6976", "closeFee": "1.92632",
"createdTime": "1767229200000", "updatedTime": "1767229200004"}"""


def instrument(category: str = "linear") -> Instrument:
    id = InstrumentId(Category(category), "BTCUSDT")
    return Instrument(id, "BTC", "USDT", "USDT", D("0.1"), D("0.001"), D("0.001"), D(100), D(50), D(5))


def order(**changes: Any) -> VenueOrder:
    values = {
        "uid": "1", "order_id": "5b1d7a9e-3c52-4a61-9f6f-0a2c1b7f4e10", "link_id": "td-20260101-000042",
        "instrument": BTC, "side": Side.BUY, "type": OrderType.LIMIT, "time_in_force": TimeInForce.POST_ONLY,
        "qty": D("0.010"), "price": D(87200), "status": OrderStatus.PARTIALLY_FILLED, "created": 1767225600180_000_000,
        "updated": TS, "cum_qty": D("0.004"), "cum_value": D("348.8"), "leaves": D("0.006"),
        "fees": {"USDT": D("0.06976")}, "last_price_on_created": D(87531),
    }  # fmt: skip
    return VenueOrder(**(values | changes))


FILL = Fill(
    exec_id="7f0c2e0a-8a35-5f44-b1de-5a8e6b0f9d21", uid="1", instrument=BTC,
    order_id="5b1d7a9e-3c52-4a61-9f6f-0a2c1b7f4e10", link_id="td-20260101-000042", side=Side.BUY, order_type="Limit",
    order_price=D(87200), order_qty=D("0.01"), leaves=D("0.006"), price=D(87200), qty=D("0.004"), value=D("348.8"),
    fee=D("0.06976"), fee_coin="USDT", fee_rate=D("0.0002"), is_maker=True, ts=TS, seq=512009391845,
    mark_price=D("87204.31"),
)  # fmt: skip


def as_decimals(value: Any) -> Any:
    """Amounts compared as numbers: trailing zeros are not stable on the wire (bybit-v5, conventions)."""
    try:
        return D(value) if isinstance(value, str) else value
    except ArithmeticError:
        return value


def equal(row: dict[str, Any], sample: dict[str, Any]) -> None:
    assert set(row) == set(sample)
    assert {key: as_decimals(value) for key, value in row.items()} == {
        key: as_decimals(value) for key, value in sample.items()
    }
    assert {key: type(value) for key, value in row.items()} == {key: type(value) for key, value in sample.items()}


def test_order_rows() -> None:
    sample = json.loads(ORDER)
    equal(order_row(order(), instrument()), sample)
    equal(history_row(order(), instrument()), sample | LATER | {"extraFees": ""})
    message = sample | LATER | {"category": "linear", "closedPnl": "0", "feeCurrency": "USDT"}
    del message["basePrice"]
    equal(order_message_row(order(), instrument()), message)


def test_the_rows_of_a_conditional_and_of_an_attached_stop() -> None:
    """bybit-v5 5.1, 5.5, 8.3: the trigger, what is attached, and the child of an entry."""
    stop = order_row(
        order(type=OrderType.MARKET, price=None, status=OrderStatus.UNTRIGGERED, stop_order_type="Stop",
              trigger=Trigger(D(86000), False, TriggerBy.MARK), close_on_trigger=True, reduce_only=True,
              position_idx=1),
        instrument(),
    )  # fmt: skip
    assert (stop["orderStatus"], stop["stopOrderType"], stop["orderType"]) == ("Untriggered", "Stop", "Market")
    assert (stop["triggerPrice"], stop["triggerDirection"], stop["triggerBy"]) == ("86000", 2, "MarkPrice")
    assert (stop["closeOnTrigger"], stop["reduceOnly"], stop["positionIdx"], stop["price"]) == (True, True, 1, "0")
    entry = order_message_row(
        order(protection=Protection(D(89000), None, tp_limit=D(88900)), self_match=SelfMatch.CANCEL_BOTH), instrument()
    )
    assert (entry["takeProfit"], entry["tpTriggerBy"], entry["tpLimitPrice"]) == ("89000", "LastPrice", "88900")
    assert (entry["stopLoss"], entry["slTriggerBy"], entry["slLimitPrice"]) == ("", "", "")
    assert (entry["tpslMode"], entry["smpType"]) == ("Partial", "CancelBoth")
    child = order(link_id="", parent_link="entry", stop_order_type="PartialStopLoss", position_idx=2,
                  create_type="CreateByPartialStopLoss", smp_order_id="x")  # fmt: skip
    for row in (order_row(child, instrument()), order_message_row(child, instrument())):
        assert (row["orderLinkId"], row["parentOrderLinkId"], row["smpOrderId"]) == ("", "entry", "x")
        assert (row["stopOrderType"], row["createType"]) == ("PartialStopLoss", "CreateByPartialStopLoss")


def test_executions_and_positions_tell_of_stops() -> None:
    fill = msgspec.structs.replace(FILL, stop_order_type="StopLoss", create_type="CreateByStopLoss")
    for row in (execution_row(fill), execution_message_row(fill)):
        assert (row["stopOrderType"], row["createType"]) == ("StopLoss", "CreateByStopLoss")
    assert execution_row(msgspec.structs.replace(fill, type="Funding", stop_order_type=""))["createType"] == ""
    leg = Position("1", BTC, position_idx=2, take_profit=D(80000), stop_loss=D(90000), trailing=D(150))
    context = (PositionMargin(), D(100), D(0), D("0.00055"))
    for row in (position_row(leg, *context), position_message_row(leg, *context)):
        assert (row["positionIdx"], row["takeProfit"], row["stopLoss"], row["trailingStop"]) == (
            2, "80000", "90000", "150",
        )  # fmt: skip


def test_an_order_before_its_first_fill() -> None:
    row = order_message_row(order(cum_qty=D(0), cum_value=D(0), fees={}, link_id=""), instrument())
    assert (row["avgPrice"], row["cumExecFee"], row["cumFeeDetail"], row["feeCurrency"]) == ("", "0", {}, "USDT")


@pytest.mark.parametrize(("side", "coin"), [(Side.BUY, "BTC"), (Side.SELL, "USDT")])
def test_spot_orders(side: Side, coin: str) -> None:
    spot = instrument("spot")
    placed = order(instrument=spot.id, side=side, type=OrderType.MARKET, quote_qty=side is Side.BUY, fees={})
    row = order_message_row(placed, spot)
    assert (row["feeCurrency"], row["isLeverage"]) == (coin, "0")
    assert row["marketUnit"] == ("quoteCoin" if side is Side.BUY else "baseCoin")
    assert order_row(placed, spot)["basePrice"] == "87531"


def test_execution_rows() -> None:
    sample = json.loads(EXECUTION)
    equal(execution_row(FILL), sample)
    message = sample | {"category": "linear", "isLeverage": "0", "execPnl": "0", "marketUnit": ""}
    del message["execFeeV2"]
    equal(execution_message_row(FILL), message)
    fast = fast_execution_row(FILL)
    assert set(fast) == FAST_KEYS
    assert fast["orderLinkId"] == ""


def test_position_rows() -> None:
    position = Position("1", BTC, D("0.04"), D(3488), D("-0.6976"), D("41.22910032"), D(10), 1767225607408_000_000,
                        1764300000000_000_000, TS, 512009391845)  # fmt: skip
    margin = PositionMargin(D("352.06"), D("19.43"))
    context = (margin, D("87534.11"), D("13.3644"), D("0.00055"))
    sample = json.loads(POSITION)
    row = position_row(position, *context)
    sample["breakEvenPrice"] = row["breakEvenPrice"]
    equal(row, sample)
    assert abs(D(row["breakEvenPrice"]) - D("87265.44")) < D("0.01")
    message = position_message_row(position, *context)
    assert set(message) == MESSAGE_POSITION_KEYS
    assert (message["entryPrice"], message["sessionAvgPrice"]) == ("87200", "0")


def test_flat_position_row() -> None:
    flat = position_row(Position("1", BTC), PositionMargin(), D(100), D(0), D("0.00055"))
    assert (flat["side"], flat["size"], flat["avgPrice"], flat["seq"]) == ("", "0", "0", -1)


def test_closed_pnl_row() -> None:
    row = ClosedPnl("1", BTC, "3f0d2f1f-0a31-4b6c-9b54-1d2cb35a4e77", "Sell", "Market", D("86780.1"), D("0.04"),
                    D("0.04"), D(3488), D("3502.4"), D("11.77608"), D("0.6976"), D("1.92632"), 1, D(10),
                    1767229200000_000_000, 1767229200004_000_000)  # fmt: skip
    equal(closed_pnl_row(row), json.loads(CLOSED_PNL))


def test_wallet_row() -> None:
    coin = CoinView("USDT", D(100), D(0), D(110), D(110), D(10), D(0), D(5), D(1), D(41))
    empty = CoinView("BTC", *[D(0)] * 9)
    view = AccountView("1", D(110), D(100), D(110), D(105), D(5), D(1), D(10), D("0.05"), D("0.01"), (coin, empty))
    row = wallet_row(view)
    assert set(row) == ACCOUNT_KEYS
    assert [entry["coin"] for entry in row["coin"]] == ["USDT"]
    assert set(row["coin"][0]) == COIN_KEYS
    assert [entry["coin"] for entry in wallet_row(view, ["BTC", "DOGE"])["coin"]] == ["BTC", "DOGE"]


def test_ledger_rows() -> None:
    funding = LedgerEntry("900100_BTCUSDT_1", "900100", "SETTLEMENT", "USDT", D("-0.25262344"), D("10037.61437656"), TS,
                          BTC, "Buy", D("0.04"), D("0.04"), D("87534.11"), D("-0.25262344"))  # fmt: skip
    row = ledger_row(funding)
    assert set(row) == LEDGER_KEYS
    assert (row["funding"], row["fee"], row["change"], row["cashFlow"]) == ("-0.25262344", "0", "-0.25262344", "0")
    transfer = ledger_row(LedgerEntry("x", "900100", "TRANSFER_IN", "USDT", D(5), D(5), TS, cash_flow=D(5)))
    assert (transfer["symbol"], transfer["category"], transfer["funding"], transfer["fee"]) == ("", "", "", "")
    assert set(transfer) == LEDGER_KEYS
