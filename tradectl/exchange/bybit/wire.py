"""Bybit's messages as typed records, named as on the wire (bybit-v5 3 to 8). Unknown fields are ignored.

Market data becomes ``float`` while decoding (``strict=False`` reads numbers from text); amounts of orders and
accounts stay text and go through :mod:`tradectl.exchange.bybit.translate`, because the venue writes ``""`` for
"no value" and exactness matters there.
"""

import msgspec
from msgspec import Struct

from tradectl.model.orders import Side

Levels = tuple[tuple[float, float], ...]
#: Wire text that may be absent: ``""``, ``null`` or a missing key.
Text = str | None

# --- public streams (8.2) ------------------------------------------------------------------------------------------


class BookData(Struct, gc=False):
    b: Levels
    a: Levels
    u: int
    seq: int = 0


class BookFrame(Struct, gc=False):
    """``orderbook.N.SYMBOL``."""

    topic: str
    type: str
    ts: int
    data: BookData
    cts: int = 0


class TradeRow(Struct, gc=False):
    T: int
    S: Side
    v: float
    p: float
    i: str


class TradesFrame(Struct, gc=False):
    """``publicTrade.SYMBOL``."""

    topic: str
    ts: int
    data: tuple[TradeRow, ...]


class TickerData(Struct, gc=False):
    """What we read of a ticker; ``None`` is a key that is absent. Options say ``bidPrice`` (bybit-v5 8.2)."""

    lastPrice: float | None = None
    markPrice: float | None = None
    indexPrice: float | None = None
    bid1Price: float | None = None
    ask1Price: float | None = None
    bidPrice: float | None = None
    askPrice: float | None = None
    fundingRate: float | None = None
    nextFundingTime: int | None = None
    turnover24h: float | None = None
    highPrice24h: float | None = None
    lowPrice24h: float | None = None


class TickerFrame(Struct, gc=False):
    """``tickers.SYMBOL``: a delta holds only what changed."""

    topic: str
    type: str
    ts: int
    data: TickerData


class TickerTextFrame(Struct, gc=False):
    """The same with its values as text, for the frames that say ``""`` where there is no number."""

    topic: str
    type: str
    ts: int
    data: dict[str, object]


class KlineRow(Struct, gc=False):
    start: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    turnover: float
    confirm: bool


class KlineFrame(Struct, gc=False):
    """``kline.INTERVAL.SYMBOL``."""

    topic: str
    ts: int
    data: tuple[KlineRow, ...]


# --- rows that streams and REST share (5.5, 5.7, 6.1, 7.1) ---------------------------------------------------------


class OrderRow(Struct, gc=False):
    """An order, from the ``order`` stream, ``order/realtime`` or ``order/history``."""

    symbol: str
    orderId: str
    side: str
    orderType: str
    orderStatus: str
    qty: Text
    category: str = ""
    orderLinkId: Text = ""
    price: Text = ""
    timeInForce: Text = ""
    cumExecQty: Text = ""
    cumExecValue: Text = ""
    avgPrice: Text = ""
    updatedTime: Text = ""
    createdTime: Text = ""
    reduceOnly: bool = False
    cancelType: Text = ""
    rejectReason: Text = ""
    stopOrderType: Text = ""
    triggerPrice: Text = ""
    triggerDirection: int | None = 0
    triggerBy: Text = ""
    #: The last price when the order came in; spot rows call it ``basePrice`` (5.5).
    lastPriceOnCreated: Text = ""
    basePrice: Text = ""
    closeOnTrigger: bool = False
    takeProfit: Text = ""
    stopLoss: Text = ""
    tpslMode: Text = ""
    tpTriggerBy: Text = ""
    slTriggerBy: Text = ""
    tpLimitPrice: Text = ""
    slLimitPrice: Text = ""
    positionIdx: int | None = 0
    parentOrderLinkId: Text = ""
    createType: Text = ""


class ExecutionRow(Struct, gc=False):
    """A fill or funding payment, from the ``execution`` stream or ``execution/list``."""

    symbol: str
    execId: str
    orderId: str
    side: str
    execPrice: Text
    execQty: Text
    execTime: Text
    category: str = ""
    orderLinkId: Text = ""
    execValue: Text = ""
    execFee: Text = ""
    feeCurrency: Text = ""
    feeRate: Text = ""
    execType: str = "Trade"
    isMaker: bool = False
    closedSize: Text = ""
    execPnl: Text = None
    stopOrderType: Text = ""
    createType: Text = ""


class PositionRow(Struct, gc=False):
    """A position: the stream says ``entryPrice``, REST ``avgPrice``."""

    symbol: str
    side: Text
    size: Text
    category: str = ""
    positionIdx: int = 0
    entryPrice: Text = ""
    avgPrice: Text = ""
    leverage: Text = ""
    markPrice: Text = ""
    liqPrice: Text = ""
    unrealisedPnl: Text = ""
    updatedTime: Text = ""
    takeProfit: Text = ""
    stopLoss: Text = ""
    trailingStop: Text = ""


class CoinRow(Struct, gc=False):
    coin: str
    walletBalance: Text = ""
    equity: Text = ""
    locked: Text = ""


class WalletRow(Struct, gc=False):
    accountType: str = ""
    coin: tuple[CoinRow, ...] = ()


# --- private streams (8.3) -----------------------------------------------------------------------------------------


class OrderFrame(Struct, gc=False):
    topic: str
    data: tuple[OrderRow, ...]
    creationTime: int = 0


class ExecutionFrame(Struct, gc=False):
    topic: str
    data: tuple[ExecutionRow, ...]
    creationTime: int = 0


class PositionFrame(Struct, gc=False):
    topic: str
    data: tuple[PositionRow, ...]
    creationTime: int = 0


class WalletFrame(Struct, gc=False):
    topic: str
    data: tuple[WalletRow, ...]
    creationTime: int = 0


# --- control frames and the trade socket (2.2, 8.1, 8.4) -----------------------------------------------------------


class CommandResult(Struct):
    """``data`` of the option socket's ``COMMAND_RESP``."""

    failTopics: tuple[str, ...] = ()
    successTopics: tuple[str, ...] = ()


class Control(Struct):
    """Any frame without a topic: acknowledgements and pongs in all their shapes."""

    op: str = ""
    type: str = ""
    success: bool | None = None
    ret_msg: Text = ""
    req_id: str | int | None = ""
    reqId: str | int | None = ""
    retCode: int | None = None
    retMsg: Text = ""
    data: msgspec.Raw = msgspec.Raw(b"null")


class OrderIds(Struct, gc=False):
    orderId: str = ""
    orderLinkId: str = ""


class OrderResult(Struct, gc=False):
    """What an answer says of one order, or in ``list`` of each order of a batch (5.8)."""

    orderId: str = ""
    orderLinkId: str = ""
    list: tuple[OrderIds, ...] | None = None


class Outcome(Struct, gc=False):
    """How one order of a batch fared."""

    code: int
    msg: Text = ""


class Outcomes(Struct, gc=False):
    """``retExtInfo``: empty but for a batch, where its list stands beside the list of the result."""

    list: tuple[Outcome, ...] | None = None


class TradeAnswer(Struct, gc=False):
    """The trade socket's answer to one request; ``header`` carries the rate limit."""

    retCode: int
    op: str = ""
    reqId: str | int | None = ""
    retMsg: Text = ""
    data: OrderResult | None = None
    retExtInfo: Outcomes | None = None
    header: dict[str, str] = {}


# --- REST (3, 4.3, 6, 7) -------------------------------------------------------------------------------------------


class Envelope(Struct):
    """Around every REST answer; ``result`` is decoded by who asked."""

    retCode: int
    retMsg: Text = ""
    result: msgspec.Raw = msgspec.Raw(b"{}")
    retExtInfo: msgspec.Raw = msgspec.Raw(b"{}")
    time: int = 0


class OrderPage(Struct):
    list: tuple[OrderRow, ...] = ()
    nextPageCursor: Text = ""


class ExecutionPage(Struct):
    list: tuple[ExecutionRow, ...] = ()
    nextPageCursor: Text = ""


class PositionPage(Struct):
    list: tuple[PositionRow, ...] = ()
    nextPageCursor: Text = ""


class WalletPage(Struct):
    list: tuple[WalletRow, ...] = ()


class LogRow(Struct, gc=False):
    id: str
    type: str
    currency: str
    change: Text
    transactionTime: Text
    symbol: Text = ""
    category: Text = ""


class LogPage(Struct):
    list: tuple[LogRow, ...] = ()
    nextPageCursor: Text = ""


class KlinePage(Struct):
    """Rows ``[start, open, high, low, close, volume, turnover]``, newest first."""

    list: tuple[tuple[int, float, float, float, float, float, float], ...] = ()


class BookMoment(Struct):
    """``market/orderbook`` for its time alone."""

    ts: int


class LotFilter(Struct):
    qtyStep: Text = ""
    basePrecision: Text = ""
    quotePrecision: Text = ""
    minOrderQty: Text = ""
    maxOrderQty: Text = ""
    maxMktOrderQty: Text = ""
    minNotionalValue: Text = ""
    minOrderAmt: Text = ""
    maxLimitOrderQty: Text = ""
    maxMarketOrderQty: Text = ""


class PriceFilter(Struct):
    tickSize: Text = ""
    minPrice: Text = ""
    maxPrice: Text = ""


class LeverageFilter(Struct):
    maxLeverage: Text = ""


class RiskParameters(Struct):
    priceLimitRatioX: Text = ""
    priceLimitRatioY: Text = ""


class InstrumentRow(Struct):
    symbol: str
    status: str
    baseCoin: str
    quoteCoin: str
    lotSizeFilter: LotFilter
    priceFilter: PriceFilter
    settleCoin: Text = ""
    leverageFilter: LeverageFilter | None = None
    riskParameters: RiskParameters | None = None
    fundingInterval: int | None = 0
    launchTime: Text = ""


class InstrumentPage(Struct):
    list: tuple[InstrumentRow, ...] = ()
    nextPageCursor: Text = ""


class UniverseTicker(Struct, gc=False):
    """A row of ``market/tickers`` (4.5); every value is text, ``""`` where there is none."""

    symbol: str
    lastPrice: Text = ""
    bid1Price: Text = ""
    ask1Price: Text = ""
    turnover24h: Text = ""
    highPrice24h: Text = ""
    lowPrice24h: Text = ""
    fundingRate: Text = ""


class TickerPage(Struct):
    list: tuple[UniverseTicker, ...] = ()


class FeeRow(Struct):
    symbol: Text = ""
    takerFeeRate: Text = ""
    makerFeeRate: Text = ""


class FeePage(Struct):
    list: tuple[FeeRow, ...] = ()


class RiskRow(Struct):
    symbol: str
    riskLimitValue: Text = ""
    maintenanceMargin: Text = ""
    initialMargin: Text = ""
    maxLeverage: Text = ""
    mmDeduction: Text = ""
    isLowestRisk: int = 0


class RiskPage(Struct):
    list: tuple[RiskRow, ...] = ()
    nextPageCursor: Text = ""


class ServerTime(Struct):
    timeNano: str


class AccountInfo(Struct):
    marginMode: str = ""
    unifiedMarginStatus: int = 0


class KeyInfo(Struct):
    """``user/query-api``."""

    userID: str | int = ""
    readOnly: int = 0
    permissions: dict[str, tuple[str, ...]] = {}
    ips: tuple[str, ...] | None = ()
    deadlineDay: int | None = None
    uta: int | None = None


class Nothing(Struct):
    """A result without content."""
