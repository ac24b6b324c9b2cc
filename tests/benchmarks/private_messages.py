"""Private messages and answers of the trade socket as the venue writes them (bybit-v5 8.3, 8.4)."""

from typing import Any

from tests.benchmarks.messages import START_MS, encoded

ORDER_ID = "5b1d7a9e-3c52-4a61-9f6f-0a2c1b7f4e10"


def _message(topic: str, n: int, row: dict[str, Any]) -> bytes:
    return encoded({"id": f"900100_{topic}_{n}", "topic": topic, "creationTime": START_MS + n, "data": [row]})


def order(link_id: str, order_id: str, status: str, qty: str, filled: str, updated: int, n: int = 0) -> bytes:
    """One row of the ``order`` stream."""
    row = {
        "category": "linear", "symbol": "BTCUSDT", "orderId": order_id, "orderLinkId": link_id,
        "parentOrderLinkId": "", "blockTradeId": "", "side": "Buy", "positionIdx": 0, "orderStatus": status,
        "createType": "CreateByUser", "cancelType": "UNKNOWN", "rejectReason": "EC_NoError", "timeInForce": "IOC",
        "orderType": "Limit", "stopOrderType": "", "orderIv": "", "isLeverage": "", "price": "87200", "qty": qty,
        "avgPrice": "87200" if filled != "0" else "", "leavesQty": "0", "leavesValue": "0", "cumExecQty": filled,
        "cumExecValue": "0", "cumExecFee": "0", "closedPnl": "0", "feeCurrency": "USDT", "triggerPrice": "",
        "triggerDirection": 0, "triggerBy": "", "takeProfit": "", "stopLoss": "", "tpTriggerBy": "",
        "slTriggerBy": "", "tpLimitPrice": "0", "slLimitPrice": "0", "reduceOnly": False, "closeOnTrigger": False,
        "smpType": "None", "smpGroup": 0, "smpOrderId": "", "lastPriceOnCreated": "87201.1", "marketUnit": "",
        "createdTime": str(updated - 3), "updatedTime": str(updated), "cumFeeDetail": {},
    }  # fmt: skip
    return _message("order", n, row)


def orders(count: int) -> list[bytes]:
    """Orders that were filled."""
    return [
        order(f"t0000000r-001-{n:010d}", ORDER_ID, "Filled", "0.010", "0.010", START_MS + n, n) for n in range(count)
    ]


def executions(count: int) -> list[bytes]:
    """Fills."""
    return [
        _message("execution", n, {
            "category": "linear", "symbol": "BTCUSDT", "orderId": ORDER_ID, "orderLinkId": f"t0000000r-001-{n:010d}",
            "side": "Buy", "orderPrice": "87200", "orderQty": "0.01", "leavesQty": "0", "orderType": "Limit",
            "stopOrderType": "UNKNOWN", "isLeverage": "0", "execFee": "0.10464", "feeCurrency": "USDT",
            "feeRate": "0.0002", "execId": f"2a7b9c1d-11f0-5c8e-8a70-{n:012x}", "execPrice": "87200",
            "execQty": "0.006", "execPnl": "0", "execType": "Trade", "execValue": "523.2",
            "execTime": str(START_MS + n), "isMaker": True, "closedSize": "0", "tradeIv": "",
            "markPrice": "87204.31", "indexPrice": "", "underlyingPrice": "", "blockTradeId": "", "markIv": "",
            "seq": 512_009_391_845 + n, "createType": "CreateByUser", "feeRateV2": "",
        })
        for n in range(count)
    ]  # fmt: skip


def positions(count: int) -> list[bytes]:
    """Position rows."""
    return [
        _message("position", n, {
            "category": "linear", "symbol": "BTCUSDT", "side": "Buy", "size": f"0.0{n % 9 + 1}", "positionIdx": 0,
            "tradeMode": 0, "positionValue": "3488", "riskId": 1, "riskLimitValue": "2000000",
            "entryPrice": "87200", "breakEvenPrice": "87265.44", "markPrice": "87204.31", "leverage": "10",
            "autoAddMargin": 0, "positionIM": "350.1", "positionMM": "19.3", "liqPrice": "", "bustPrice": "",
            "tpslMode": "Full", "takeProfit": "", "stopLoss": "", "trailingStop": "", "unrealisedPnl": "0.1724",
            "sessionAvgPrice": "0", "curRealisedPnl": "-0.6976", "cumRealisedPnl": "12.1",
            "positionStatus": "Normal", "adlRankIndicator": 2, "createdTime": "1764300000000",
            "updatedTime": str(START_MS + n), "seq": 512_009_391_845 + n, "isReduceOnly": False,
        })
        for n in range(count)
    ]  # fmt: skip


def wallets(count: int) -> list[bytes]:
    """The wallet with two coins."""
    return [
        _message("wallet", n, {
            "accountType": "UNIFIED", "accountIMRate": "0.0350", "accountMMRate": "0.0019",
            "totalEquity": "10045.5792", "totalWalletBalance": "10045.4", "totalMarginBalance": "10045.5",
            "totalAvailableBalance": "9690.1", "totalPerpUPL": "0.1724", "totalInitialMargin": "351.5",
            "totalMaintenanceMargin": "19.2",
            "coin": [
                {"coin": coin, "equity": "10038.0394", "usdValue": "10039.5771", "walletBalance": f"1003{n % 9}.867",
                 "locked": "0", "availableToWithdraw": "", "borrowAmount": "0", "accruedInterest": "0",
                 "totalOrderIM": "0", "totalPositionIM": "350.1", "totalPositionMM": "19.2",
                 "unrealisedPnl": "0.1724", "cumRealisedPnl": "-1.9", "bonus": "0", "collateralSwitch": True,
                 "marginCollateral": True, "spotHedgingQty": "0"}
                for coin in ("USDT", "BTC")
            ],
        })
        for n in range(count)
    ]  # fmt: skip


def ack(request: str, link_id: str, order_id: str, now_ms: int) -> bytes:
    """The trade socket's answer to ``order.create``, with the limit headers."""
    return encoded({
        "reqId": request, "retCode": 0, "retMsg": "OK", "op": "order.create",
        "data": {"orderId": order_id, "orderLinkId": link_id}, "retExtInfo": {},
        "header": {"X-Bapi-Limit": "1000", "X-Bapi-Limit-Status": "999", "Timenow": str(now_ms),
                   "X-Bapi-Limit-Reset-Timestamp": str(now_ms), "Traceid": "2e7d1bd9a9f2e3ab4c1c2d7f5e6a7b8c"},
        "connId": "cdl3vd8oqa2s738cub0g-1b2c",
    })  # fmt: skip


def acks(count: int) -> list[bytes]:
    """Answers to creates."""
    return [ack(str(n), f"t0000000r-001-{n:010d}", ORDER_ID, START_MS + n) for n in range(count)]
