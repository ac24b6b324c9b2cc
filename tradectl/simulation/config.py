"""What the paper account is made with, and how long its orders are under way."""

from decimal import Decimal
from typing import Annotated

from msgspec import Meta, Struct, field

from tradectl.matching.views import AccountFees

_Rate = Annotated[Decimal, Meta(ge=-0.01, le=0.1)]
_Milliseconds = Annotated[float, Meta(ge=0, le=10_000)]


class PaperConfig(Struct, frozen=True, kw_only=True):
    """Fees are fractions of the traded value, by default Bybit's VIP 0; times are added to those of the network, which
    market data takes anyway."""

    cash: dict[str, Annotated[Decimal, Meta(ge=0)]] = field(default_factory=lambda: {"USDT": Decimal(10_000)})
    linear_maker: _Rate = Decimal("0.0002")
    linear_taker: _Rate = Decimal("0.00055")
    spot_maker: _Rate = Decimal("0.001")
    spot_taker: _Rate = Decimal("0.001")
    order_ms: _Milliseconds = 20.0
    answer_ms: _Milliseconds = 20.0

    @property
    def fees(self) -> AccountFees:
        return AccountFees(self.spot_maker, self.spot_taker, self.linear_maker, self.linear_taker)
