"""``slippageTolerance`` of a market order: Bybit's rules for it (bybit-v5 5.1); no order is bounded by it yet."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from tradectl.matching.records import Refused
from tradectl.model.orders import OrderType
from tradectl.sandbox.server import params as wire
from tradectl.sandbox.server.params import bad

_PERCENT_STEP = Decimal("0.01")


def check_slippage(body: Mapping[str, Any], type: OrderType, *, plain: bool) -> None:
    """Refuse what Bybit refuses (10001, 110108 for ticks, 110109 for percent), and then the parameter itself.

    ``plain``: the order has neither trigger nor TP and SL.
    """
    kind = wire.one_of(body, "slippageToleranceType", ("TickSize", "Percent", "UNKNOWN"), default="UNKNOWN")
    tolerance = wire.amount(body, "slippageTolerance")
    if kind == "UNKNOWN" or tolerance is None:
        if kind != "UNKNOWN" or tolerance:
            raise bad("params error: slippageTolerance and slippageToleranceType are given together")
        return
    if type is not OrderType.MARKET:
        raise bad("params error: slippageTolerance needs orderType Market")
    if not plain:
        raise bad("params error: slippageTolerance is not allowed with triggerPrice, takeProfit or stopLoss")
    if kind == "TickSize" and (tolerance % 1 or not 1 <= tolerance <= 10_000):
        raise Refused(110108, f"slippageTolerance {tolerance} is not a whole number of ticks from 1 to 10000")
    if kind == "Percent" and (tolerance % _PERCENT_STEP or not _PERCENT_STEP <= tolerance <= 10):
        raise Refused(110109, f"slippageTolerance {tolerance} is not a percentage from 0.01 to 10 with two decimals")
    raise bad("params error: slippageTolerance is not offered by this sandbox")
