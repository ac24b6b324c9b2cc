"""Execution rows: ``execution/list``, the ``execution`` and ``execution.fast`` streams (bybit-v5 5.7, 8.3)."""

from typing import Any

from tradectl.matching.records import Fill
from tradectl.model.money import ZERO, plain
from tradectl.sandbox.server.rows.amounts import ms

#: Executions that no order of a user made.
_CREATE_TYPES = {"Funding": "", "BustTrade": "CreateByTakeOver_PassThrough"}
_OPTION_FIELDS = {"tradeIv": "", "markIv": "", "indexPrice": "", "underlyingPrice": "", "blockTradeId": ""}


def _common(fill: Fill) -> dict[str, Any]:
    return _OPTION_FIELDS | {
        "symbol": fill.instrument.symbol,
        "orderId": fill.order_id,
        "orderLinkId": fill.link_id,
        "side": fill.side.value,
        "orderPrice": plain(fill.order_price or ZERO),
        "orderQty": plain(fill.order_qty),
        "leavesQty": plain(fill.leaves),
        "createType": _CREATE_TYPES.get(fill.type, fill.create_type),
        "orderType": fill.order_type,
        "stopOrderType": fill.stop_order_type,
        "execFee": plain(fill.fee),
        "feeCurrency": fill.fee_coin,
        "execId": fill.exec_id,
        "execPrice": plain(fill.price),
        "execQty": plain(fill.qty),
        "execType": fill.type,
        "execValue": plain(fill.value),
        "execTime": ms(fill.ts),
        "isMaker": fill.is_maker,
        "feeRate": plain(fill.fee_rate),
        "markPrice": plain(fill.mark_price) if fill.mark_price else "",
        "closedSize": plain(fill.closed_qty),
        "extraFees": "",
        "seq": fill.seq,
    }


def execution_row(fill: Fill) -> dict[str, Any]:
    """The row of ``execution/list``."""
    return _common(fill) | {"execFeeV2": ""}


def execution_message_row(fill: Fill) -> dict[str, Any]:
    """The row of the ``execution`` stream."""
    return _common(fill) | {
        "category": fill.instrument.category.value,
        "isLeverage": "0",
        "execPnl": plain(fill.pnl),
        "marketUnit": "",
    }


def fast_execution_row(fill: Fill) -> dict[str, Any]:
    """The eleven fields of ``execution.fast``; the link id is empty for maker fills."""
    return {
        "category": fill.instrument.category.value,
        "symbol": fill.instrument.symbol,
        "execId": fill.exec_id,
        "execPrice": plain(fill.price),
        "execQty": plain(fill.qty),
        "orderId": fill.order_id,
        "isMaker": fill.is_maker,
        "orderLinkId": "" if fill.is_maker else fill.link_id,
        "side": fill.side.value,
        "execTime": ms(fill.ts),
        "seq": fill.seq,
    }
