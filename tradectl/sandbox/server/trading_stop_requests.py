"""``position/trading-stop`` read from wire objects (bybit-v5 6.4): Full edits a position's stops, Partial adds some.

An illegal combination is refused with 10001 naming the parameter.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from msgspec import Struct

from tradectl.model.instruments import InstrumentId
from tradectl.model.orders import Protection, TradingStop
from tradectl.sandbox.server import params as wire
from tradectl.sandbox.server.order_requests import parse_position_idx
from tradectl.sandbox.server.params import bad
from tradectl.sandbox.server.protection_requests import LEGS, given, limit_of, trigger_by

_ONLY_PARTIAL = ("tpSize", "slSize", "tpLimitPrice", "slLimitPrice")
_ONLY_FULL = ("trailingStop", "activePrice")


class PartialStops(Struct, frozen=True):
    """A take-profit, a stop-loss or a pair to add for ``size`` of a position."""

    instrument: InstrumentId
    position_idx: int
    legs: Protection
    size: Decimal


def parse_trading_stop(instrument: InstrumentId, body: Mapping[str, Any]) -> TradingStop | PartialStops:
    """What a request asks for; which position it means is the exchange's to find."""
    mode = wire.one_of(body, "tpslMode", ("Full", "Partial"))
    index = parse_position_idx(instrument.category.value, body)
    return _full(instrument, index, body) if mode == "Full" else _partial(instrument, index, body)


def _full(instrument: InstrumentId, index: int, body: Mapping[str, Any]) -> TradingStop:
    for name in _ONLY_PARTIAL:
        if given(body, name) is not None:
            raise bad(f"params error: {name} needs tpslMode Partial")
    for leg in LEGS:
        limit_of(body, leg, partial=False)
    return TradingStop(
        instrument=instrument,
        position_idx=index,
        take_profit=wire.amount(body, "takeProfit"),
        stop_loss=wire.amount(body, "stopLoss"),
        trailing=wire.amount(body, "trailingStop"),
        active_price=wire.amount(body, "activePrice"),
        tp_by=trigger_by(body, "tpTriggerBy"),
        sl_by=trigger_by(body, "slTriggerBy"),
    )


def _partial(instrument: InstrumentId, index: int, body: Mapping[str, Any]) -> PartialStops:
    for name in _ONLY_FULL:
        if given(body, name) is not None:
            raise bad(f"params error: {name} needs tpslMode Full")
    take_profit, stop_loss = given(body, "takeProfit"), given(body, "stopLoss")
    legs = Protection(
        take_profit=take_profit,
        stop_loss=stop_loss,
        tp_by=trigger_by(body, "tpTriggerBy"),
        sl_by=trigger_by(body, "slTriggerBy"),
        tp_limit=limit_of(body, "tp", partial=True),
        sl_limit=limit_of(body, "sl", partial=True),
    )
    sizes = [_size(body, "tpSize", "takeProfit"), _size(body, "slSize", "stopLoss")]
    found = {size for size in sizes if size is not None}
    if not found:
        raise bad("params error: takeProfit or stopLoss is required with tpslMode Partial")
    if len(found) > 1:
        raise bad("params error: tpSize and slSize must be equal")
    return PartialStops(instrument, index, legs, found.pop())


def _size(body: Mapping[str, Any], name: str, price_name: str) -> Decimal | None:
    """The size of a leg: given exactly with its price."""
    size, has_price = given(body, name), given(body, price_name) is not None
    if has_price and size is None:
        raise bad(f"params error: {name} is required with {price_name} and tpslMode Partial")
    if size is not None and not has_price:
        raise bad(f"params error: {name} needs {price_name}")
    return size
