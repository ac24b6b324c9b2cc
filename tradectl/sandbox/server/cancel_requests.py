"""Which orders a cancel-all request means (bybit-v5 5.4)."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from tradectl.matching.records import Refused
from tradectl.sandbox.memory.order_kinds import FILTERS, PLAIN
from tradectl.sandbox.server import params as wire
from tradectl.sandbox.server.params import bad

_DERIVATIVE_FILTERS = ("Order", "StopOrder")


class CancelAll(Struct, frozen=True):
    """One of symbol, base coin and settle coin, or none for the whole category; ``""`` admits every kind."""

    symbol: str = ""
    base_coin: str = ""
    settle_coin: str = ""
    order_filter: str = ""
    stop_order_type: str = ""


def parse_cancel_all(category: str, body: Mapping[str, Any]) -> CancelAll:
    """The scope of a request. Without ``orderFilter`` derivatives and options cancel everything, spot plain orders.

    Raises ``Refused`` 10001 (170201 for a filter that spot does not know) naming the parameter.
    """
    symbol, base, settle = (wire.text(body, name) for name in ("symbol", "baseCoin", "settleCoin"))
    if category in ("linear", "inverse") and not (symbol or base or settle):
        raise bad("params error: symbol, baseCoin or settleCoin is required")
    if category == "spot" and settle and not (symbol or base):
        raise bad("params error: settleCoin is not for spot, give symbol or baseCoin, or neither")
    order_filter = _order_filter(category, body)
    return CancelAll(
        symbol=symbol,
        base_coin="" if symbol else base,
        settle_coin="" if symbol or base else settle,
        order_filter=order_filter,
        stop_order_type=_stop_order_type(category, body, order_filter),
    )


def _order_filter(category: str, body: Mapping[str, Any]) -> str:
    value = wire.text(body, "orderFilter")
    if category == "spot":
        if value not in ("", *FILTERS):
            raise Refused(170201, f"params error: orderFilter invalid: {value[:40]}")
        return value or PLAIN
    if value not in ("", *_DERIVATIVE_FILTERS):
        raise bad(f"params error: orderFilter invalid: {value[:40]}")
    return value


def _stop_order_type(category: str, body: Mapping[str, Any], order_filter: str) -> str:
    """``Stop`` leaves take-profits, stop-losses and trailing stops alone."""
    value = wire.one_of(body, "stopOrderType", ("Stop",), default="")
    if value and (category == "spot" or order_filter != "StopOrder"):
        raise bad("params error: stopOrderType Stop needs orderFilter StopOrder of a derivative")
    return value
