"""The limits of the risk manager: what each means, its unit and bounds, and which scope may narrow it.

Shares are fractions of the account's equity (0.02 is 2 %), values are in the settle coin. Of the limits described as
"0: off", 0 switches the check off; of the others 0 allows nothing.
"""

from decimal import Decimal
from typing import Annotated

from msgspec import Meta, Struct

from tradectl.model.money import ZERO

Share = Annotated[Decimal, Meta(ge=0, le=10)]
Amount = Annotated[Decimal, Meta(ge=0)]
_EQUITY, _COIN = {"unit": "fraction of equity"}, {"unit": "settle coin"}


class RiskLimits(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Limits of the account. Reaching a loss limit stops entries until a person lifts it."""

    order_share: Share = Decimal("0.02")
    position_share: Share = Decimal("0.10")
    gross_share: Share = Decimal("1")
    day_loss_share: Share = Decimal("0.03")
    drawdown_share: Share = Decimal("0.10")
    collar_share: Share = Decimal("0.005")
    limit_band_share: Share = Decimal("0.05")
    orders_per_second: Annotated[int, Meta(ge=1, le=1000)] = 20
    orders_per_minute: Annotated[int, Meta(ge=1, le=60000)] = 300
    open_orders: Annotated[int, Meta(ge=1, le=500)] = 50
    stale_quote_seconds: Annotated[int, Meta(ge=1, le=3600)] = 120
    leverage: Annotated[Decimal, Meta(ge=1, le=100)] = Decimal(1)
    order_value: Annotated[Amount, Meta(description="largest order, 0: off", extra=_COIN)] = ZERO
    position_value: Annotated[Amount, Meta(description="largest position in one instrument, 0: off", extra=_COIN)] = (
        ZERO
    )
    gross_value: Annotated[Amount, Meta(description="largest sum of all positions, 0: off", extra=_COIN)] = ZERO
    net_share: Annotated[Share, Meta(description="largest difference of longs and shorts, 0: off", extra=_EQUITY)] = (
        ZERO
    )
    concentration_share: Annotated[
        Decimal,
        Meta(ge=0, le=1, description="largest part of all exposure in one symbol once that is over "
             "concentration_from_share, 0: off", extra={"unit": "fraction of gross exposure"}),
    ] = ZERO  # fmt: skip
    concentration_from_share: Annotated[
        Share, Meta(description="gross exposure up to which concentration does not count", extra=_EQUITY)
    ] = Decimal("0.2")
    margin_share: Annotated[
        Share, Meta(description="part of equity that initial margin may use, 0: off", extra=_EQUITY)
    ] = Decimal(1)
    day_realised_share: Annotated[
        Share, Meta(description="realised loss in a day that stops entries, 0: off", extra=_EQUITY)
    ] = ZERO
    losing_streak: Annotated[
        int, Meta(ge=0, le=100, description="losing trades in a row that pause a strategy, 0: off",
                  extra={"unit": "trades"})
    ] = 0  # fmt: skip
    cooldown_minutes: Annotated[
        int, Meta(ge=1, le=10080, description="how long a losing streak pauses a strategy", extra={"unit": "min"})
    ] = 60
    liquidation_share: Annotated[
        Decimal,
        Meta(ge=0, le=1, description="least distance of the liquidation price from mark, 0: off",
             extra={"unit": "fraction of mark"}),
    ] = Decimal("0.05")  # fmt: skip
    funding_share: Annotated[
        Share, Meta(description="largest expected cost of one position's next funding, 0: off", extra=_EQUITY)
    ] = Decimal("0.001")
    amends_per_second: Annotated[
        int, Meta(ge=1, le=1000, description="amendments in any second", extra={"unit": "amendments"})
    ] = 20
    amends_per_minute: Annotated[
        int, Meta(ge=1, le=60000, description="amendments in any minute", extra={"unit": "amendments"})
    ] = 600
    repeat_orders: Annotated[
        int,
        Meta(ge=0, le=60000, description="entries of one strategy in one symbol and direction within repeat_seconds, "
             "0: off", extra={"unit": "decisions"}),
    ] = 60  # fmt: skip
    repeat_seconds: Annotated[
        int, Meta(ge=1, le=3600, description="how far back repeated entries are counted", extra={"unit": "s"})
    ] = 60
    duplicate_ms: Annotated[
        int, Meta(ge=0, le=60000, description="how soon after an entry the very same one is a mistake, 0: off",
                  extra={"unit": "ms"})
    ] = 200  # fmt: skip
    flood_per_minute: Annotated[
        int, Meta(ge=0, le=60000, description="orders a strategy may ask for in a minute before it is halted, 0: off",
                  extra={"unit": "orders"})
    ] = 1200  # fmt: skip
    refuse_locked: Annotated[bool, Meta(description="no entry while best bid and ask are equal")] = True
    refuse_self_trade: Annotated[bool, Meta(description="no entry that would meet an order of our own")] = True
    require_stop: Annotated[bool, Meta(description="no entry without a stop-loss attached")] = False
    allow: Annotated[
        tuple[str, ...], Meta(description="patterns of symbols that may be entered (category:symbol or symbol)")
    ] = ("*",)
    deny: Annotated[tuple[str, ...], Meta(description="patterns of symbols that may not be entered")] = ()


class ScopeLimits(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a scope (``strategy:NAME``, ``strategy:*`` for the others, ``symbol:SYMBOL``, ``group:NAME``) narrows.

    ``None`` leaves a limit to the account. Position, exposure, losses and counts are measured on the scope's own
    books and orders; of limits on a single order the tightest that applies holds. Shares are of the account's equity.
    """

    order_share: Share | None = None
    order_value: Amount | None = None
    position_share: Share | None = None
    position_value: Amount | None = None
    gross_share: Share | None = None
    gross_value: Amount | None = None
    net_share: Share | None = None
    collar_share: Share | None = None
    limit_band_share: Share | None = None
    leverage: Annotated[Decimal, Meta(ge=1, le=100)] | None = None
    open_orders: Annotated[int, Meta(ge=1, le=500)] | None = None
    orders_per_second: Annotated[int, Meta(ge=1, le=1000)] | None = None
    orders_per_minute: Annotated[int, Meta(ge=1, le=60000)] | None = None
    amends_per_second: Annotated[int, Meta(ge=1, le=1000)] | None = None
    amends_per_minute: Annotated[int, Meta(ge=1, le=60000)] | None = None
    repeat_orders: Annotated[int, Meta(ge=0, le=60000)] | None = None
    duplicate_ms: Annotated[int, Meta(ge=0, le=60000)] | None = None
    flood_per_minute: Annotated[int, Meta(ge=0, le=60000)] | None = None
    day_loss_share: Share | None = None
    day_realised_share: Share | None = None
    drawdown_share: Share | None = None
    losing_streak: Annotated[int, Meta(ge=0, le=100)] | None = None
    cooldown_minutes: Annotated[int, Meta(ge=1, le=10080)] | None = None
    liquidation_share: Annotated[Decimal, Meta(ge=0, le=1)] | None = None
    funding_share: Share | None = None
    require_stop: bool | None = None


#: Limits that 0 switches off.
ZERO_IS_OFF = frozenset(
    {
        "order_value", "position_value", "gross_value", "net_share", "concentration_share", "margin_share",
        "day_realised_share", "losing_streak", "liquidation_share", "funding_share", "repeat_orders", "duplicate_ms",
        "flood_per_minute",
    }
)  # fmt: skip
#: What each kind of scope may narrow, besides the limits on a single order.
_SINGLE = frozenset({"order_share", "order_value", "require_stop"})
_MARKET = frozenset({"collar_share", "limit_band_share", "leverage", "liquidation_share", "funding_share"})
_SIZES = frozenset({"position_share", "position_value"})
_SUMS = frozenset({"gross_share", "gross_value", "net_share"})
_RATES = frozenset(
    {
        "orders_per_second", "orders_per_minute", "amends_per_second", "amends_per_minute", "repeat_orders",
        "duplicate_ms", "flood_per_minute",
    }
)  # fmt: skip
_LOSSES = frozenset({"day_loss_share", "day_realised_share", "drawdown_share", "losing_streak", "cooldown_minutes"})
SCOPES: dict[str, frozenset[str]] = {
    "strategy": _SINGLE | _SIZES | _SUMS | _RATES | _LOSSES | {"open_orders"},
    "symbol": _SINGLE | _SIZES | _MARKET | {"open_orders"},
    "group": _SINGLE | _SIZES | _SUMS,
}
