"""Wire shapes of past market data that only a download reads (bybit-v5 4.2, 4.6 to 4.8)."""

from msgspec import Struct

from tradectl.exchange.bybit.wire import Text
from tradectl.model.orders import Side


class PricePage(Struct):
    """Rows ``[start, open, high, low, close]`` of mark and index prices, newest first."""

    list: tuple[tuple[int, float, float, float, float], ...] = ()


class SettlementRow(Struct):
    fundingRate: float
    fundingRateTimestamp: int


class SettlementPage(Struct):
    """Settlements, newest first."""

    list: tuple[SettlementRow, ...] = ()


class InterestRow(Struct):
    openInterest: float
    timestamp: int


class InterestPage(Struct):
    """Open interest of both sides, newest first."""

    list: tuple[InterestRow, ...] = ()
    nextPageCursor: Text = ""


class RecentTrade(Struct):
    price: float
    size: float
    side: Side
    time: int


class RecentPage(Struct):
    """The newest trades, newest first."""

    list: tuple[RecentTrade, ...] = ()
