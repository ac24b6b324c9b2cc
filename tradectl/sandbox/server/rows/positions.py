"""Position rows: ``position/list``, ``position/closed-pnl`` and the ``position`` stream (bybit-v5 6.1, 6.5, 8.3)."""

from decimal import Decimal
from typing import Any

from tradectl.matching.records import Position
from tradectl.matching.views import PositionMargin
from tradectl.model.instruments import Category
from tradectl.model.money import plain
from tradectl.sandbox.memory.records import ClosedPnl
from tradectl.sandbox.server.rows.amounts import ms, or_empty, ratio, rounded

#: Limit of the one risk tier offered.
RISK_LIMIT_VALUE = "2000000"
_MIN_CLOSE_FEE = Decimal("0.00055")
_UNUSED = {
    "riskId": 1, "riskLimitValue": RISK_LIMIT_VALUE, "autoAddMargin": 0, "positionStatus": "Normal",
    "isReduceOnly": False, "mmrSysUpdatedTime": "",
    "leverageSysUpdatedTime": "", "tpslMode": "Full", "bustPrice": "", "positionBalance": "0", "tradeMode": 0,
}  # fmt: skip


def _common(
    position: Position, margin: PositionMargin, mark: Decimal | None, unrealised: Decimal, taker_fee: Decimal
) -> dict[str, Any]:
    flat = position.size == 0
    initial, maintenance = rounded(margin.initial), rounded(margin.maintenance)
    return _UNUSED | {
        "symbol": position.instrument.symbol,
        "positionIdx": position.position_idx,
        "takeProfit": plain(position.take_profit),
        "stopLoss": plain(position.stop_loss),
        "trailingStop": plain(position.trailing),
        "side": "" if flat else ("Buy" if position.size > 0 else "Sell"),
        "size": plain(abs(position.size)),
        "positionValue": "" if flat else plain(abs(position.cost)),
        "leverage": plain(position.leverage),
        "breakEvenPrice": _break_even(position, taker_fee),
        "markPrice": or_empty(mark),
        "liqPrice": "" if margin.liq_price is None else rounded(margin.liq_price),
        "positionIM": initial,
        "positionIMByMp": initial,
        "positionMM": maintenance,
        "positionMMByMp": maintenance,
        "unrealisedPnl": "" if flat else rounded(unrealised),
        "curRealisedPnl": plain(position.realised),
        "cumRealisedPnl": plain(position.cum_realised),
        "adlRankIndicator": 0 if flat else 2,
        "createdTime": ms(position.created),
        "updatedTime": ms(position.updated),
        "openTime": position.opened // 1_000_000,
        "seq": position.seq,
    }


def position_row(
    position: Position, margin: PositionMargin, mark: Decimal | None, unrealised: Decimal, taker_fee: Decimal
) -> dict[str, Any]:
    """The row of ``position/list``; a flat one has side ``""`` and size 0."""
    return _common(position, margin, mark, unrealised, taker_fee) | {
        "avgPrice": _entry_price(position),
        "sessionAvgPrice": "",
        "delta": "",
        "gamma": "",
        "vega": "",
        "theta": "",
    }


def position_message_row(
    position: Position, margin: PositionMargin, mark: Decimal | None, unrealised: Decimal, taker_fee: Decimal
) -> dict[str, Any]:
    """The row of the ``position`` stream: ``entryPrice`` where REST says ``avgPrice``, and no empty numbers."""
    row = _common(position, margin, mark, unrealised, taker_fee)
    return row | {
        "category": position.instrument.category.value,
        "entryPrice": _entry_price(position),
        "sessionAvgPrice": "0",
        "positionValue": row["positionValue"] or "0",
        "unrealisedPnl": row["unrealisedPnl"] or "0",
    }


def closed_pnl_row(row: ClosedPnl) -> dict[str, Any]:
    """The row of ``position/closed-pnl``: averages are of cost and exit value, ``side`` is the closing order's."""
    return {
        "symbol": row.instrument.symbol,
        "orderId": row.order_id,
        "side": row.side,
        "qty": plain(row.order_qty),
        "orderPrice": plain(row.order_price),
        "orderType": row.order_type,
        "execType": row.exec_type,
        "closedSize": plain(row.closed_qty),
        "cumEntryValue": plain(row.entry_value),
        "avgEntryPrice": _average(row, row.entry_value),
        "cumExitValue": plain(row.exit_value),
        "avgExitPrice": _average(row, row.exit_value),
        "closedPnl": plain(row.pnl),
        "fillCount": str(row.fill_count),
        "leverage": plain(row.leverage),
        "openFee": plain(row.open_fee),
        "closeFee": plain(row.close_fee),
        "createdTime": ms(row.created),
        "updatedTime": ms(row.updated),
    }


def _average(row: ClosedPnl, value: Decimal) -> str:
    """The price of a closed quantity; an inverse value is quantity over price."""
    if row.instrument.category is Category.INVERSE:
        return ratio(row.closed_qty, value)
    return ratio(value, row.closed_qty)


def _entry_price(position: Position) -> str:
    """Cost over size; an inverse position is size in USD over cost in coins."""
    if position.instrument.category is Category.INVERSE:
        return ratio(abs(position.size), abs(position.cost))
    return ratio(position.cost, position.size)


def _break_even(position: Position, taker_fee: Decimal) -> str:
    if position.size == 0:
        return ""
    size, fee = position.size, max(taker_fee, _MIN_CLOSE_FEE)
    if position.instrument.category is Category.INVERSE:
        # Where size x (1/entry - 1/price), what was realised and the fee to close add up to nothing.
        sign = 1 if size > 0 else -1
        return ratio(size * (1 + sign * fee), sign * abs(position.cost) + position.realised)
    return rounded((position.cost - position.realised) / (size - abs(size) * fee))
