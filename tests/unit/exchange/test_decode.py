"""Golden cases: every stream sample of the venue's documents, and what must become of it."""

from decimal import Decimal
from typing import Any

import pytest

from tradectl.exchange.bybit.market_cache import MarketCache
from tradectl.exchange.bybit.market_topics import (
    BadFrame,
    EmptySide,
    MarketContext,
    Topic,
    make_topic,
    topic_name,
)
from tradectl.exchange.bybit.private_stream import PrivateMessages
from tradectl.model.events import (
    BalancesReported,
    BarClosed,
    BookChanged,
    Executed,
    OrderReported,
    PositionsReported,
    QuoteChanged,
    TickerChanged,
    TradePrinted,
)
from tradectl.model.instruments import Category, InstrumentId
from tradectl.model.market_data import Bar, MarketKey, Ticker
from tradectl.model.orders import (
    Execution,
    OrderReport,
    OrderStatus,
    OrderType,
    Protection,
    Side,
    TimeInForce,
    TriggerBy,
)
from tradectl.model.positions import BalanceReport, PositionReport

BTC = InstrumentId(Category.LINEAR, "BTCUSDT")
SPOT = InstrumentId(Category.SPOT, "BTCUSDT")
MS = 1_000_000

BOOK_SNAPSHOT = b"""{"topic": "orderbook.50.BTCUSDT", "type": "snapshot", "ts": 1767225600123, "data": {"s": "BTCUSDT",
 "b": [["87530.10", "2.418"], ["87530.00", "0.200"]], "a": [["87530.20", "1.077"], ["87530.60", "0.350"]],
 "u": 18521288, "seq": 512009387112}, "cts": 1767225600119}"""
BOOK_DELTA = b"""{"topic": "orderbook.50.BTCUSDT", "type": "delta", "ts": 1767225600143, "data": {"s": "BTCUSDT",
 "b": [["87530.00", "0"], ["87529.90", "1.300"]], "a": [], "u": 18521289, "seq": 512009387160}, "cts": 1767225600139}"""
TRADE = b"""{"topic": "publicTrade.BTCUSDT", "type": "snapshot", "ts": 1767225600130, "data": [{"T": 1767225600119,
 "s": "BTCUSDT", "S": "Buy", "v": "0.014", "p": "87530.20", "L": "ZeroPlusTick",
 "i": "c2a6c2b8-5d4e-5d2f-9f0a-2f6f5a1b9c77", "BT": false, "RPI": false, "seq": 512009387112}]}"""
TICKER = b"""{"topic": "tickers.BTCUSDT", "type": "snapshot", "data": {"symbol": "BTCUSDT",
 "tickDirection": "ZeroPlusTick", "price24hPcnt": "-0.005424", "lastPrice": "87532.60", "prevPrice24h": "88010.00",
 "highPrice24h": "88450.00", "lowPrice24h": "87001.50", "turnover24h": "5120733190.1108", "volume24h": "58390.2210",
 "markPrice": "87534.11", "indexPrice": "87561.02", "openInterest": "54210.118", "nextFundingTime": "1767254400000",
 "fundingRate": "0.00007215", "bid1Price": "87530.10", "bid1Size": "2.418", "ask1Price": "87530.20",
 "ask1Size": "1.077", "preOpenPrice": "", "preQty": "", "curPreListingPhase": ""},
 "cs": 512009387112, "ts": 1767225600131}"""
TICKER_DELTA = b"""{"topic": "tickers.BTCUSDT", "type": "delta", "data": {"symbol": "BTCUSDT",
 "markPrice": "87534.60", "bid1Size": "2.118"}, "cs": 512009387190, "ts": 1767225600231}"""
SPOT_TICKER = b"""{"topic": "tickers.BTCUSDT", "ts": 1767225600131, "type": "snapshot", "cs": 88120049181,
 "data": {"symbol": "BTCUSDT", "lastPrice": "87551.1", "highPrice24h": "88466.9", "lowPrice24h": "87020",
 "usdIndexPrice": "87546.0291"}}"""
OPTION_TICKER = b"""{"id": "tickers.BTC-26MAR27-90000-C-USDT", "topic": "tickers.BTC-26MAR27-90000-C-USDT",
 "ts": 1767225600131, "type": "snapshot", "data": {"symbol": "BTC-26MAR27-90000-C-USDT", "bidPrice": "10",
 "bidSize": "1", "askPrice": "12", "lastPrice": "11", "markPrice": "11.5", "indexPrice": "87561"}}"""
KLINE = b"""{"topic": "kline.1.BTCUSDT", "type": "snapshot", "ts": 1767225660012, "data": [{"start": 1767225600000,
 "end": 1767225659999, "interval": "1", "open": "87510.1", "close": "87532.6", "high": "87544", "low": "87480.3",
 "volume": "41.327", "turnover": "3617120.4412", "confirm": true, "timestamp": 1767225659958}]}"""
ORDER = b"""{"id": "900100_20260101_5b1d", "topic": "order", "creationTime": 1767225607415, "data": [{
 "category": "linear", "symbol": "BTCUSDT", "orderId": "5b1d7a9e-3c52-4a61-9f6f-0a2c1b7f4e10",
 "orderLinkId": "td-20260101-000042", "parentOrderLinkId": "", "blockTradeId": "", "side": "Buy", "positionIdx": 0,
 "orderStatus": "Filled", "createType": "CreateByUser", "cancelType": "UNKNOWN", "rejectReason": "EC_NoError",
 "timeInForce": "PostOnly", "orderType": "Limit", "stopOrderType": "", "isLeverage": "", "price": "87200",
 "qty": "0.010", "avgPrice": "87200", "leavesQty": "0", "leavesValue": "0", "cumExecQty": "0.010",
 "cumExecValue": "872", "cumExecFee": "0.1744", "closedPnl": "0", "feeCurrency": "USDT", "triggerPrice": "",
 "takeProfit": "89000", "stopLoss": "86500", "tpslMode": "Full", "ocoTriggerBy": "", "tpLimitPrice": "",
 "slLimitPrice": "", "tpTriggerBy": "LastPrice", "slTriggerBy": "MarkPrice", "triggerDirection": 0, "triggerBy": "",
 "lastPriceOnCreated": "87531", "reduceOnly": false, "closeOnTrigger": false, "smpGroup": 0,
 "createdTime": "1767225600180", "updatedTime": "1767225607412", "cumFeeDetail": {"USDT": "0.1744"}}]}"""
EXECUTION = b"""{"id": "900100_BTCUSDT_512009391845", "topic": "execution", "creationTime": 1767225607413, "data": [{
 "category": "linear", "symbol": "BTCUSDT", "orderId": "5b1d7a9e-3c52-4a61-9f6f-0a2c1b7f4e10",
 "orderLinkId": "td-20260101-000042", "side": "Buy", "orderPrice": "87200", "orderQty": "0.01", "leavesQty": "0",
 "createType": "CreateByUser", "orderType": "Limit",
 "stopOrderType": "UNKNOWN", "isLeverage": "0", "execFee": "0.10464", "feeCurrency": "USDT",
 "feeRate": "0.0002", "execId": "2a7b9c1d-11f0-5c8e-8a70-6b2d3f4e5a6b", "execPrice": "87200", "execQty": "0.006",
 "execPnl": "0", "execType": "Trade", "execValue": "523.2", "execTime": "1767225607408", "isMaker": true,
 "closedSize": "0", "tradeIv": "", "markPrice": "87204.31", "seq": 512009391845}]}"""
POSITION = b"""{"id": "900100_pos_77", "topic": "position", "creationTime": 1767225607416, "data": [{
 "category": "linear", "symbol": "BTCUSDT", "side": "Buy", "size": "0.04", "positionIdx": 0, "tradeMode": 0,
 "positionValue": "3488", "riskId": 1, "entryPrice": "87200", "breakEvenPrice": "87265.44", "markPrice": "87204.31",
 "leverage": "10", "liqPrice": "", "bustPrice": "", "tpslMode": "Full", "takeProfit": "89000", "stopLoss": "86500",
 "trailingStop": "0", "unrealisedPnl": "0.1724", "sessionAvgPrice": "0",
 "curRealisedPnl": "-0.6976", "positionStatus": "Normal", "adlRankIndicator": 2, "createdTime": "1764300000000",
 "updatedTime": "1767225607412", "openTime": 1767225607408, "seq": 512009391845, "isReduceOnly": false}]}"""
WALLET = b"""{"id": "900100_wal_91", "topic": "wallet", "creationTime": 1767225607417, "data": [{
 "accountType": "UNIFIED", "accountIMRate": "0.0350", "totalEquity": "10045.5792", "coin": [{"coin": "USDT",
 "equity": "10038.0394", "usdValue": "10039.5771", "walletBalance": "10037.867", "locked": "0",
 "unrealisedPnl": "0.1724", "collateralSwitch": true, "availableToWithdraw": ""}]}]}"""


class Recorder:
    """Collects events and counts, and makes topics."""

    def __init__(self) -> None:
        self.events: list[Any] = []
        self.counts: list[str] = []
        self.cache = MarketCache(10)
        self.context = MarketContext(self.events.append, lambda ts: ts + 5, self.cache, self.counts.append)

    def topic(self, kind: str, detail: str = "", instrument: InstrumentId = BTC) -> Topic:
        return make_topic(MarketKey(kind, instrument, detail), self.context)


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


def test_book(recorder: Recorder) -> None:
    topic = recorder.topic("book", "50")
    assert topic.take(BOOK_SNAPSHOT)
    assert topic.take(BOOK_DELTA)
    bids = ((87530.1, 2.418), (87530.0, 0.2))
    asks = ((87530.2, 1.077), (87530.6, 0.35))
    first, second = 1767225600123 * MS, 1767225600143 * MS
    assert recorder.events == [
        BookChanged(first + 5, first, BTC, 50, True, bids, asks, 18521288),
        BookChanged(second + 5, second, BTC, 50, False, ((87530.0, 0.0), (87529.9, 1.3)), (), 18521289),
    ]
    view = recorder.cache.book(BTC)
    assert view is not None
    assert view.bids == ((87530.1, 2.418), (87529.9, 1.3))


def test_u_1_rebuilds_the_book(recorder: Recorder) -> None:
    topic = recorder.topic("book", "50")
    topic.take(BOOK_SNAPSHOT)
    assert topic.take(BOOK_DELTA.replace(b"18521289", b"1").replace(b'"87530.00", "0"', b'"87530.00", "3"'))
    assert recorder.events[-1].snapshot


def test_quote(recorder: Recorder) -> None:
    topic = recorder.topic("quotes")
    frame = BOOK_SNAPSHOT.replace(b"orderbook.50", b"orderbook.1")
    assert topic.take(frame)
    ts = 1767225600123 * MS
    assert recorder.events == [QuoteChanged(ts + 5, ts, BTC, 87530.1, 2.418, 87530.2, 1.077)]
    topic.take(frame)
    assert len(recorder.events) == 1, "the venue repeats an unchanged quote after 3 s"
    topic.take(frame.replace(b"18521288", b"18521287").replace(b"512009387112", b"512009387000"))
    assert len(recorder.events) == 1, "an older quote must not replace a newer one"
    assert recorder.counts == ["duplicates", "late_frames"]
    with pytest.raises(EmptySide):
        topic.take(b'{"topic":"orderbook.1.BTCUSDT","type":"snapshot","ts":1,"data":{"b":[],"a":[],"u":1,"seq":9}}')


def test_trades(recorder: Recorder) -> None:
    assert recorder.topic("trades").take(TRADE)
    ts = 1767225600119 * MS
    assert recorder.events == [
        TradePrinted(ts + 5, ts, BTC, Side.BUY, 87530.2, 0.014, "c2a6c2b8-5d4e-5d2f-9f0a-2f6f5a1b9c77")
    ]


def test_ticker_deltas_are_merged(recorder: Recorder) -> None:
    topic = recorder.topic("ticker")
    assert not topic.take(TICKER_DELTA), "a delta before the snapshot means nothing"
    assert topic.take(TICKER)
    assert topic.take(TICKER_DELTA)
    day = (5120733190.1108, 88450.0, 87001.5)
    whole = Ticker(87532.6, 87534.11, 87561.02, 87530.1, 87530.2, 0.00007215, 1767254400000 * MS, *day)
    merged = Ticker(87532.6, 87534.6, 87561.02, 87530.1, 87530.2, 0.00007215, 1767254400000 * MS, *day)
    assert [e.ticker for e in recorder.events] == [whole, merged]
    assert all(type(e) is TickerChanged for e in recorder.events)
    assert recorder.cache.tickers[BTC] == merged
    topic.take(TICKER_DELTA)
    assert len(recorder.events) == 2, "a delta that changes nothing we keep is no event"
    topic.take(TICKER_DELTA.replace(b'"markPrice": "87534.60"', b'"turnover24h": "6"'))
    assert len(recorder.events) == 2, "turnover alone is no event, or each trade would be one"
    topic.take(TICKER_DELTA.replace(b"87534.60", b"87535"))
    assert recorder.events[-1].ticker.turnover_24h == 6.0


def test_spot_and_option_tickers(recorder: Recorder) -> None:
    assert recorder.topic("ticker", instrument=SPOT).take(SPOT_TICKER)
    option = InstrumentId(Category.OPTION, "BTC-26MAR27-90000-C-USDT")
    assert recorder.topic("ticker", instrument=option).take(OPTION_TICKER)
    assert [e.ticker for e in recorder.events] == [
        Ticker(87551.1, high_24h=88466.9, low_24h=87020.0),
        Ticker(11.0, 11.5, 87561.0, 10.0, 12.0),
    ]


def test_kline(recorder: Recorder) -> None:
    topic = recorder.topic("bars", "1m")
    assert topic.take(KLINE.replace(b'"confirm": true', b'"confirm": false'))
    assert not recorder.events
    assert topic.take(KLINE)
    assert topic.take(KLINE)
    ts = 1767225660012 * MS
    bar = Bar(1767225600000 * MS, 87510.1, 87544.0, 87480.3, 87532.6, 41.327, 3617120.4412)
    assert recorder.events == [BarClosed(ts + 5, ts, BTC, "1m", bar)]


@pytest.mark.parametrize(
    ("kind", "detail", "frame"),
    [
        ("quotes", "", BOOK_SNAPSHOT.replace(b"orderbook.50", b"orderbook.1").replace(b"87530.20", b"87530.10")),
        ("quotes", "", BOOK_SNAPSHOT.replace(b"orderbook.50", b"orderbook.1").replace(b"2.418", b"NaN")),
        ("quotes", "", BOOK_SNAPSHOT.replace(b"orderbook.50", b"orderbook.1").replace(b"2.418", b"0")),
        ("trades", "", TRADE.replace(b"87530.20", b"-1")),
        ("trades", "", TRADE.replace(b"0.014", b"inf")),
        ("trades", "", TRADE.replace(b'"Buy"', b'"buy"')),
        ("ticker", "", TICKER.replace(b"87534.11", b"NaN")),
        ("ticker", "", TICKER.replace(b"87534.11", b"abc")),
        ("ticker", "", TICKER.replace(b"87532.60", b"")),
        ("ticker", "", TICKER.replace(b"0.00007215", b"7.2")),
        ("ticker", "", TICKER.replace(b"88450.00", b"-1")),
        ("ticker", "", TICKER.replace(b"5120733190.1108", b"inf")),
        ("bars", "1m", KLINE.replace(b'"87544"', b'"87500"')),
        ("bars", "1m", KLINE.replace(b'"87480.3"', b'"0"')),
        ("bars", "1m", KLINE.replace(b'"41.327"', b'"-1"')),
        ("bars", "1m", KLINE.replace(b'"41.327"', b'""')),
        ("bars", "1m", KLINE[:150]),
        ("book", "50", BOOK_SNAPSHOT.replace(b"orderbook.50", b"orderbook.200")),
    ],
)
def test_nonsense_is_refused(recorder: Recorder, kind: str, detail: str, frame: bytes) -> None:
    import msgspec

    with pytest.raises((BadFrame, msgspec.DecodeError)):
        recorder.topic(kind, detail).take(frame)
    assert not recorder.events


def test_topic_names() -> None:
    names = [
        topic_name(MarketKey(kind, BTC, detail))
        for kind, detail in (
            ("bars", "4h"),
            ("bars", "1d"),
            ("book", "200"),
            ("quotes", ""),
            ("trades", ""),
            ("ticker", ""),
        )
    ]
    assert names == [
        "kline.240.BTCUSDT", "kline.D.BTCUSDT", "orderbook.200.BTCUSDT", "orderbook.1.BTCUSDT",
        "publicTrade.BTCUSDT", "tickers.BTCUSDT",
    ]  # fmt: skip
    for kind, detail in (("bars", ""), ("book", "1"), ("liquidations", "")):
        with pytest.raises(ValueError, match="none of"):
            topic_name(MarketKey(kind, BTC, detail))


class Private:
    """The private decoder with everything it said."""

    def __init__(self) -> None:
        self.events: list[Any] = []
        self.counts: list[str] = []
        self.doubts: list[str] = []
        self.messages = PrivateMessages(
            self.events.append, lambda ts: ts, lambda *a: "USDT", self.counts.append, self.doubts.append
        )


def test_order() -> None:
    private = Private()
    private.messages.take(b"order", ORDER)
    at = 1767225607412 * MS
    assert private.events == [
        OrderReported(
            at,
            OrderReport(
                BTC, "5b1d7a9e-3c52-4a61-9f6f-0a2c1b7f4e10", "td-20260101-000042", Side.BUY, OrderType.LIMIT,
                TimeInForce.POST_ONLY, Decimal("0.010"), Decimal(87200), OrderStatus.FILLED, Decimal("0.010"),
                Decimal(872), Decimal(87200), at, 1767225600180 * MS, create_type="CreateByUser",
                protection=Protection(Decimal(89000), Decimal(86500), sl_by=TriggerBy.MARK, partial=False),
            ),
        )
    ]  # fmt: skip


def test_execution() -> None:
    private = Private()
    private.messages.take(b"execution", EXECUTION)
    at = 1767225607408 * MS
    assert private.events == [
        Executed(
            at,
            Execution(
                "2a7b9c1d-11f0-5c8e-8a70-6b2d3f4e5a6b", BTC, "5b1d7a9e-3c52-4a61-9f6f-0a2c1b7f4e10",
                "td-20260101-000042", Side.BUY, Decimal(87200), Decimal("0.006"), Decimal("523.2"),
                Decimal("0.10464"), "USDT", True, at, "Trade", Decimal(0), Decimal(0), Decimal("0.0002"),
                create_type="CreateByUser",
            ),
        )
    ]  # fmt: skip


def test_position_and_wallet() -> None:
    private = Private()
    private.messages.take(b"position", POSITION)
    private.messages.take(b"wallet", WALLET)
    position, wallet = private.events
    assert position == PositionsReported(
        1767225607416 * MS,
        1767225607416 * MS,
        (
            PositionReport(
                BTC, Decimal("0.04"), Decimal(87200), 0, Decimal(10), Decimal("87204.31"), None, Decimal("0.1724"),
                1767225607412 * MS, Decimal(89000), Decimal(86500), None,
            ),
        ),
    )  # fmt: skip
    assert wallet == BalancesReported(
        1767225607417 * MS,
        1767225607417 * MS,
        (BalanceReport("USDT", Decimal("10037.867"), Decimal("10038.0394"), Decimal(0)),),
    )


def test_flat_and_short_positions() -> None:
    private = Private()
    private.messages.take(b"position", POSITION.replace(b'"side": "Buy"', b'"side": "Sell"'))
    flat = POSITION.replace(b'"side": "Buy"', b'"side": ""').replace(b'"size": "0.04"', b'"size": "0"')
    private.messages.take(b"position", flat.replace(b'"entryPrice": "87200"', b'"entryPrice": "0"'))
    short, none = (event.positions[0] for event in private.events)
    assert short.size == Decimal("-0.04")
    assert (none.size, none.avg_price) == (Decimal(0), None)


@pytest.mark.parametrize(
    ("topic", "frame"),
    [
        (b"order", ORDER.replace(b'"Filled"', b'"Sideways"')),
        (b"order", ORDER.replace(b'"side": "Buy"', b'"side": ""')),
        (b"order", ORDER.replace(b'"linear"', b'"cubic"')),
        (b"order", ORDER[:-20]),
        (b"execution", EXECUTION.replace(b'"execQty": "0.006"', b'"execQty": "0"')),
        (b"execution", EXECUTION.replace(b'"execPrice": "87200"', b'"execPrice": "Infinity"')),
        (b"execution", EXECUTION.replace(b'"execFee": "0.10464"', b'"execFee": "NaN"')),
        (b"execution", EXECUTION.replace(b'"execTime": "1767225607408"', b'"execTime": "soon"')),
        (b"order", ORDER.replace(b'"stopLoss": "86500"', b'"stopLoss": "-1"')),
        (b"order", ORDER.replace(b'"triggerPrice": ""', b'"triggerPrice": "NaN"')),
        (b"position", POSITION.replace(b'"size": "0.04"', b'"size": "-0.04"')),
        (b"position", POSITION.replace(b'"stopLoss": "86500"', b'"stopLoss": "x"')),
        (b"wallet", WALLET.replace(b'"10037.867"', b'"1e"')),
    ],
)
def test_a_private_frame_without_sense_is_distrusted_whole(topic: bytes, frame: bytes) -> None:
    private = Private()
    private.messages.take(topic, frame)
    assert not private.events
    assert private.counts == ["bad_frames"]
    assert len(private.doubts) == 1


def test_words_that_clients_have_seen_are_understood() -> None:
    private = Private()
    private.messages.take(b"order", ORDER.replace(b'"Filled"', b'"Created"').replace(b'"PostOnly"', b'"RPI"'))
    private.messages.take(b"execution.fast", b"{}")
    report = private.events[0].report
    assert (report.status, report.time_in_force) == (OrderStatus.ACCEPTED, TimeInForce.POST_ONLY)
    assert private.counts == ["unknown_topics"]
