"""The connector against a small venue: streams, order entry, loss and return."""

import asyncio
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from tradectl.exchange.bybit.config import Credentials, Environment, TransportName
from tradectl.model.commands import (
    Amendment,
    CancelOrder,
    LookUpOrder,
    Reconcile,
    RequestBars,
    RiskApproved,
    Subscribe,
    Unsubscribe,
)
from tradectl.model.errors import Problem
from tradectl.model.events import (
    AccountChecked,
    Action,
    BarClosed,
    BarsLoaded,
    BookChanged,
    ClockChecked,
    ConnectionChanged,
    DataDoubted,
    InstrumentsLoaded,
    OrderAnswered,
    OrderLookedUp,
    RateLimitReported,
    Reaction,
    Reconciled,
)
from tradectl.model.instruments import Category, InstrumentId
from tradectl.model.market_data import MarketKey
from tradectl.model.orders import OrderSpec, OrderStatus, OrderType, Side

BTC = InstrumentId(Category.LINEAR, "BTCUSDT")
TRADE, PRIVATE, PUBLIC = "/v5/trade", "/v5/private", "/v5/public/linear"
Wait = Callable[..., Any]


def create(link: str = "t-1") -> RiskApproved:
    order = OrderSpec(link, BTC, Side.BUY, OrderType.LIMIT, Decimal("0.010"), Decimal("87200.0"))
    return RiskApproved(1, 1, order)


def kline(start: int, *, confirm: bool = True) -> dict[str, Any]:
    row = {"start": start, "end": start + 59_999, "interval": "1", "open": "100", "close": "101", "high": "102",
           "low": "99", "volume": "5", "turnover": "500", "confirm": confirm, "timestamp": start + 60_000}  # fmt: skip
    return {"topic": "kline.1.BTCUSDT", "type": "snapshot", "ts": start + 60_010, "data": [row]}


def book(kind: str, u: int, bids: list[list[str]], asks: list[list[str]]) -> dict[str, Any]:
    data = {"s": "BTCUSDT", "b": bids, "a": asks, "u": u, "seq": u}
    return {"topic": "orderbook.50.BTCUSDT", "type": kind, "ts": 1767225600123, "data": data, "cts": 1}


async def test_open_reports_clock_instruments_account_and_streams(rig: Any, transport: TransportName) -> None:
    await rig.build(transport=transport).open()
    assert [type(e) for e in rig.events[:3]] == [ClockChecked, InstrumentsLoaded, AccountChecked]
    assert rig.of(ClockChecked)[0].ok
    assert rig.of(AccountChecked)[0] == AccountChecked(rig.of(AccountChecked)[0].received, "900100", ())
    loaded = rig.of(InstrumentsLoaded)[0]
    assert loaded.instruments[0].tick_size == Decimal("0.1")
    assert loaded.fees[0].taker == Decimal("0.00055")
    assert {(e.stream, e.up) for e in rig.of(ConnectionChanged)} == {("private", True), ("trade", True)}
    assert rig.venue.sent(PRIVATE, "subscribe")[0]["args"] == ["order", "execution", "position", "wallet"]
    assert rig.connector.outstanding == 0
    assert rig.connector.fee(BTC).maker == Decimal("0.0002")


async def test_a_skewed_clock_is_corrected_and_reported(rig: Any) -> None:
    rig.venue.clock_shift_ms = -3_000
    await rig.build().open()
    checked = rig.of(ClockChecked)[0]
    assert abs(checked.offset - 3_000_000_000) < 500_000_000
    assert not checked.ok
    # The fake venue checks that the lead of the socket's auth request is right on its own clock.
    assert ("private", True) in {(e.stream, e.up) for e in rig.of(ConnectionChanged)}


async def test_an_order_is_sent_once_and_answered(rig: Any, transport: TransportName, wait_until: Wait) -> None:
    connector = rig.build(transport=transport)
    await connector.open()
    connector.execute(create())
    assert connector.outstanding == 1
    await wait_until(lambda: rig.of(OrderAnswered))
    answer = rig.of(OrderAnswered)[0]
    assert (answer.link_id, answer.action, answer.code, answer.reaction) == ("t-1", Action.CREATE, 0, Reaction.OK)
    assert answer.order_id == "oid-t-1"
    limit = rig.of(RateLimitReported)[0]
    assert (limit.group, limit.limit, limit.remaining) == ("linear:create", 10, 9)
    sent = rig.venue.sent(TRADE, "order.create")
    assert len(sent) == 1
    assert sent[0]["args"] == [
        {"category": "linear", "symbol": "BTCUSDT", "side": "Buy", "orderType": "Limit", "qty": "0.01",
         "price": "87200", "timeInForce": "GTC", "orderLinkId": "t-1", "reduceOnly": False, "positionIdx": 0}
    ]  # fmt: skip
    assert abs(int(sent[0]["header"]["X-BAPI-TIMESTAMP"]) - rig.venue.now_ms()) < 5_000
    assert connector.outstanding == 0


async def test_cancel_and_amend_name_the_order(rig: Any, wait_until: Wait) -> None:
    connector = rig.build()
    await connector.open()
    connector.execute(CancelOrder(1, "t-1", "oid", BTC))
    connector.execute(CancelOrder(1, "", "foreign", BTC))
    connector.execute(RiskApproved(1, 1, None, Amendment("t-1", "oid", BTC, None, Decimal("1E+2"))))
    await wait_until(lambda: len(rig.of(OrderAnswered)) == 3)
    assert [m["args"][0] for m in rig.venue.sent(TRADE, "order.cancel")] == [
        {"category": "linear", "symbol": "BTCUSDT", "orderLinkId": "t-1"},
        {"category": "linear", "symbol": "BTCUSDT", "orderId": "foreign"},
    ]
    amended = rig.venue.sent(TRADE, "order.amend")[0]["args"][0]
    assert amended == {"category": "linear", "symbol": "BTCUSDT", "orderLinkId": "t-1", "price": "100"}


async def test_an_answer_that_never_comes_is_unknown_once(rig: Any, wait_until: Wait) -> None:
    rig.venue.on_order = lambda message: None
    connector = rig.build(answer_timeout=0.1)
    await connector.open()
    connector.execute(create())
    await wait_until(lambda: rig.of(OrderAnswered))
    answer = rig.of(OrderAnswered)[0]
    assert (answer.code, answer.reaction) == (-1, Reaction.RECONCILE)
    late = {"reqId": "1", "retCode": 0, "op": "order.create", "data": {"orderId": "x"}, "header": {}}
    await rig.venue.push(TRADE, late)
    await wait_until(lambda: connector.counters["late_answers"] == 1)
    assert len(rig.of(OrderAnswered)) == 1
    assert len(rig.venue.sent(TRADE, "order.create")) == 1


async def test_a_lost_socket_answers_everything_in_flight_once(
    rig: Any, transport: TransportName, wait_until: Wait
) -> None:
    rig.venue.on_order = lambda message: None
    connector = rig.build(transport=transport)
    await connector.open()
    connector.execute(create("t-1"))
    connector.execute(create("t-2"))
    await wait_until(lambda: len(rig.venue.sent(TRADE, "order.create")) == 2)
    rig.events.clear()
    await rig.venue.cut(TRADE)
    await wait_until(lambda: len(rig.of(OrderAnswered)) == 2)
    assert {(e.link_id, e.code, e.reaction) for e in rig.of(OrderAnswered)} == {
        ("t-1", -1, Reaction.RECONCILE),
        ("t-2", -1, Reaction.RECONCILE),
    }
    await wait_until(lambda: [e.up for e in rig.of(ConnectionChanged)] == [False, True])
    assert len(rig.venue.sent(TRADE, "auth")) == 2
    assert len(rig.venue.sent(TRADE, "order.create")) == 2


async def test_a_command_while_the_socket_is_down_is_refused_at_once(rig: Any, wait_until: Wait) -> None:
    connector = rig.build(reconnect_first=5.0, reconnect_longest=5.0)
    await connector.open()
    await rig.venue.cut(TRADE)
    await wait_until(lambda: ("trade", False) in {(e.stream, e.up) for e in rig.of(ConnectionChanged)})
    connector.execute(create())
    assert not rig.of(OrderAnswered), "the answer must not come from within execute"
    assert connector.outstanding >= 1
    await wait_until(lambda: rig.of(OrderAnswered))
    assert rig.of(OrderAnswered)[0].reaction is Reaction.RETRY
    assert not rig.venue.sent(TRADE, "order.create")


async def test_a_rate_limit_says_when_to_come_back(rig: Any, wait_until: Wait) -> None:
    def busy(message: dict[str, Any]) -> dict[str, Any]:
        now = rig.venue.now_ms()
        headers = {"X-Bapi-Limit": "10", "X-Bapi-Limit-Status": "0", "Timenow": str(now),
                   "X-Bapi-Limit-Reset-Timestamp": str(now + 400)}  # fmt: skip
        return {"reqId": message["reqId"], "retCode": 10006, "retMsg": "Too many visits.", "op": message["op"],
                "data": {}, "header": headers}  # fmt: skip

    rig.venue.on_order = busy
    connector = rig.build()
    await connector.open()
    connector.execute(create())
    await wait_until(lambda: rig.of(RateLimitReported))
    answer = rig.of(OrderAnswered)[0]
    assert answer.reaction is Reaction.RETRY
    assert answer.retry_at - answer.received == 400_000_000
    assert rig.of(RateLimitReported)[0].remaining == 0


async def test_a_refusal_without_request_id_fails_what_is_in_flight(rig: Any, wait_until: Wait) -> None:
    refusal = {"retCode": 10005, "retMsg": "Permission denied", "op": "order.create", "data": {}, "connId": "c"}
    rig.venue.on_order = lambda message: None
    connector = rig.build()
    await connector.open()
    connector.execute(create("t-1"))
    await wait_until(lambda: rig.venue.sent(TRADE, "order.create"))
    await rig.venue.push(TRADE, refusal)
    await wait_until(lambda: rig.of(OrderAnswered))
    assert (rig.of(OrderAnswered)[0].code, rig.of(OrderAnswered)[0].reaction) == (10005, Reaction.STOP)
    connector.execute(create("t-2"))
    connector.execute(create("t-3"))
    await wait_until(lambda: len(rig.venue.sent(TRADE, "order.create")) == 3)
    await rig.venue.push(TRADE, refusal)
    await wait_until(lambda: len(rig.of(OrderAnswered)) == 3)
    assert {e.reaction for e in rig.of(OrderAnswered)[1:]} == {Reaction.RECONCILE}


async def test_a_restarting_node_is_left_for_a_new_connection(rig: Any, wait_until: Wait) -> None:
    rig.venue.on_order = lambda m: {
        "reqId": m["reqId"],
        "retCode": 10019,
        "retMsg": "restart",
        "op": m["op"],
        "data": {},
    }
    connector = rig.build()
    await connector.open()
    connector.execute(create())
    await wait_until(lambda: len(rig.venue.sockets[TRADE]) == 2)
    assert rig.of(OrderAnswered)[0].reaction is Reaction.RETRY


async def test_orders_go_by_rest_where_there_is_no_trade_socket(rig: Any, wait_until: Wait) -> None:
    limits = {"X-Bapi-Limit": "10", "X-Bapi-Limit-Status": "8", "X-Bapi-Limit-Reset-Timestamp": "0"}
    rig.venue.routes["/v5/order/create"] = lambda p: (0, {"orderId": "oid", "orderLinkId": p["orderLinkId"]}, limits)
    rig.venue.routes["/v5/order/cancel"] = lambda p: (110001, {})
    rig.venue.routes["/v5/order/amend"] = lambda p: (10000, {}, {":status": "502"})
    connector = rig.build(environment=Environment.DEMO)
    await connector.open()
    assert ("trade", True) in {(e.stream, e.up) for e in rig.of(ConnectionChanged)}
    assert TRADE not in rig.venue.sockets
    connector.execute(create())
    connector.execute(CancelOrder(1, "t-9", "", BTC))
    connector.execute(RiskApproved(1, 1, None, Amendment("t-8", "", BTC, Decimal(1))))
    assert connector.outstanding == 3
    await wait_until(lambda: len(rig.of(OrderAnswered)) == 3)
    answers = {e.link_id: e for e in rig.of(OrderAnswered)}
    assert answers["t-1"].reaction is Reaction.OK
    assert answers["t-1"].order_id == "oid"
    assert answers["t-9"].reaction is Reaction.RECONCILE
    assert answers["t-8"].reaction is Reaction.RECONCILE
    assert rig.of(RateLimitReported)[0].remaining == 8
    assert len(rig.venue.called("/v5/order/create")) == 1
    assert connector.outstanding == 0


async def test_close_answers_what_is_in_flight(rig: Any, wait_until: Wait) -> None:
    rig.venue.on_order = lambda message: None
    connector = rig.build()
    await connector.open()
    connector.execute(create())
    await connector.close()
    assert [(e.code, e.reaction) for e in rig.of(OrderAnswered)] == [(-1, Reaction.RECONCILE)]
    connector.execute(create("t-2"))
    await wait_until(lambda: len(rig.of(OrderAnswered)) == 2)
    assert rig.of(OrderAnswered)[1].reaction is Reaction.RETRY


async def test_market_data_survives_a_cut_and_bars_come_once(
    rig: Any, transport: TransportName, wait_until: Wait
) -> None:
    connector = rig.build(transport=transport)
    await connector.open()
    connector.execute(Subscribe(MarketKey("bars", BTC, "1m")))
    assert connector.outstanding > 0
    await wait_until(lambda: ("public.linear", True) in {(e.stream, e.up) for e in rig.of(ConnectionChanged)})
    assert connector.outstanding == 0
    await rig.venue.push(PUBLIC, kline(60_000, confirm=False))
    await rig.venue.push(PUBLIC, kline(60_000))
    await rig.venue.push(PUBLIC, kline(60_000))
    await wait_until(lambda: connector.counters["duplicates"] == 1)
    await rig.venue.cut(PUBLIC)
    await wait_until(lambda: len(rig.venue.sent(PUBLIC, "subscribe")) == 2)
    await rig.venue.push(PUBLIC, kline(60_000))
    await rig.venue.push(PUBLIC, kline(120_000))
    await wait_until(lambda: len(rig.of(BarClosed)) == 2)
    assert [e.bar.open_time for e in rig.of(BarClosed)] == [60_000_000_000, 120_000_000_000]
    assert [b.open_time for b in connector.bars(BTC, "1m")] == [60_000_000_000, 120_000_000_000]
    connector.execute(Unsubscribe(MarketKey("bars", BTC, "1m")))
    await wait_until(lambda: rig.venue.sent(PUBLIC, "unsubscribe"))


@pytest.mark.parametrize(
    "bad",
    [
        book("delta", 5, [["100", "1"]], []),  # a gap
        book("delta", 3, [["102", "1"]], []),  # crossed
        book("delta", 3, [["NaN", "1"]], []),
        book("delta", 3, [["-100", "1"]], []),
        book("delta", 3, [["100", "-1"]], []),
        book("delta", 3, [["inf", "1"]], []),
        '{"topic":"orderbook.50.BTCUSDT","type":"delta","ts":1,"data":{"s":"BTCUSDT","b":[["100"',
        '{"topic":"orderbook.50.BTCUSDT","type":"delta","ts":1}',
    ],
)
async def test_a_bad_book_frame_is_doubted_and_the_book_rebuilt(rig: Any, bad: Any, wait_until: Wait) -> None:
    connector = rig.build()
    await connector.open()
    connector.execute(Subscribe(MarketKey("book", BTC, "50")))
    await wait_until(lambda: len(rig.venue.sent(PUBLIC, "subscribe")) == 1)
    await rig.venue.push(PUBLIC, book("snapshot", 1, [["100", "1"]], [["101", "1"]]))
    await rig.venue.push(PUBLIC, book("delta", 2, [["100", "2"]], []))
    await wait_until(lambda: len(rig.of(BookChanged)) == 2)
    view = connector.book(BTC)
    assert (view.bids, view.asks) == (((100.0, 2.0),), ((101.0, 1.0),))
    await rig.venue.push(PUBLIC, bad)
    await wait_until(lambda: len(rig.venue.sent(PUBLIC, "subscribe")) == 2)
    assert connector.counters["bad_frames"] == 1
    assert [(e.kind, e.ok) for e in rig.of(DataDoubted)] == [("book", False)]
    assert connector.book(BTC) is None
    assert len(rig.of(BookChanged)) == 2
    await rig.venue.push(PUBLIC, book("delta", 4, [["100", "9"]], []))
    await rig.venue.push(PUBLIC, book("snapshot", 1, [["100", "3"]], [["101", "1"]]))
    await wait_until(lambda: len(rig.of(DataDoubted)) == 2)
    assert rig.of(DataDoubted)[1].ok
    assert rig.of(BookChanged)[-1].snapshot
    assert connector.counters["frames_before_snapshot"] == 1


async def test_silent_topics_are_doubted_and_asked_for_anew(rig: Any, wait_until: Wait) -> None:
    from tradectl.exchange.bybit.config import StaleLimits

    connector = rig.build(stale=StaleLimits(bars=0.05))
    await connector.open()
    connector.execute(Subscribe(MarketKey("bars", BTC, "1m")))
    await wait_until(lambda: rig.of(DataDoubted))
    assert "no message" in rig.of(DataDoubted)[0].reason
    await wait_until(lambda: len(rig.venue.sent(PUBLIC, "subscribe")) >= 2)


async def test_a_socket_without_any_frame_is_replaced(rig: Any, wait_until: Wait) -> None:
    connector = rig.build(silence_limit=0.5, ping_interval=60.0)
    await connector.open()
    await wait_until(lambda: len(rig.venue.sockets[PRIVATE]) == 2)
    assert connector.counters["silent_sockets"] >= 1


async def test_pings_keep_a_quiet_socket(rig: Any, wait_until: Wait) -> None:
    connector = rig.build(silence_limit=2.5, ping_interval=0.5)
    await connector.open()
    await wait_until(lambda: len(rig.venue.sent(PRIVATE, "ping")) >= 3, 8.0)
    assert connector.counters["silent_sockets"] == 0
    assert len(rig.venue.sockets[PRIVATE]) == 1


async def test_unknown_topics_and_kinds_are_tolerated(rig: Any, wait_until: Wait) -> None:
    rig.venue.refuse_topic = "tickers.BTCUSDT"
    connector = rig.build()
    await connector.open()
    for key in (MarketKey("bars", BTC, "1m"), MarketKey("ticker", BTC), MarketKey("bars", BTC, "7m")):
        connector.execute(Subscribe(key))
    await wait_until(lambda: len(rig.of(DataDoubted)) == 2)
    reasons = {(e.kind, e.reason) for e in rig.of(DataDoubted)}
    assert any("7m" in reason for _, reason in reasons)
    assert any("handler not found" in reason for _, reason in reasons)
    # The bad topic must not take the good one of the same request with it.
    assert rig.venue.sent(PUBLIC, "subscribe")[1:] == [
        {"req_id": "s2", "op": "subscribe", "args": ["kline.1.BTCUSDT"]},
        {"req_id": "s3", "op": "subscribe", "args": ["tickers.BTCUSDT"]},
    ]
    await rig.venue.push(PUBLIC, {"topic": "foo.BAR", "data": {}})
    await wait_until(lambda: connector.counters["unknown_topics"] == 1)
    assert ("public.linear", True) in {(e.stream, e.up) for e in rig.of(ConnectionChanged)}


async def test_a_private_row_without_sense_drops_the_connection(rig: Any, wait_until: Wait) -> None:
    connector = rig.build()
    await connector.open()
    rig.events.clear()
    row = {"category": "linear", "symbol": "BTCUSDT", "orderId": "1", "side": "Buy", "orderType": "Limit",
           "orderStatus": "New", "qty": "NaN"}  # fmt: skip
    await rig.venue.push(PRIVATE, {"topic": "order", "creationTime": 1, "data": [row]})
    await wait_until(lambda: [e.up for e in rig.of(ConnectionChanged)] == [False, True])
    assert "NaN" in rig.of(ConnectionChanged)[0].reason
    assert connector.counters["bad_frames"] == 1


async def test_frames_are_counted_by_local_port(rig: Any, transport: TransportName, wait_until: Wait) -> None:
    connector = rig.build(transport=transport)
    await connector.open()
    counted = dict(connector.frames_received)
    ports = {s.remote_address[1] for sockets in rig.venue.sockets.values() for s in sockets}
    assert set(counted) == ports
    # auth and one subscription on the private socket, auth on the trade socket
    assert sorted(counted.values()) == [1, 2]
    idles = rig.idles
    connector.execute(create())
    await wait_until(lambda: sum(connector.frames_received.values()) == 4)
    assert rig.idles > idles
    await rig.venue.cut(TRADE)
    await wait_until(lambda: len(rig.venue.sockets[TRADE]) == 2 and len(connector.frames_received) == 2)


async def test_bars_are_paged_backwards_without_the_open_candle(rig: Any, wait_until: Wait) -> None:
    minute = 60_000
    now = rig.venue.now_ms() // minute * minute
    starts = [now - n * minute for n in range(2500)]

    def klines(p: dict[str, str]) -> dict[str, Any]:
        end, limit = int(p.get("end", now)), int(p["limit"])
        chosen = [s for s in starts if int(p.get("start", 0)) <= s <= end][:limit]
        return {"list": [[str(s), "1", "2", "0.5", "1.5", "3", "4"] for s in chosen]}

    rig.venue.routes["/v5/market/kline"] = klines
    connector = rig.build()
    await connector.open()
    connector.execute(RequestBars(BTC, "1m", 2100))
    assert connector.outstanding == 1
    await wait_until(lambda: rig.of(BarsLoaded))
    loaded = rig.of(BarsLoaded)[0]
    assert loaded.error == ""
    opened = [bar.open_time // 1_000_000 for bar in loaded.bars]
    assert opened == [now - n * minute for n in range(2100, 0, -1)]
    connector.execute(RequestBars(BTC, "1m", 0, (now - 5 * minute) * 1_000_000))
    await wait_until(lambda: len(rig.of(BarsLoaded)) == 2)
    assert [b.open_time // 1_000_000 for b in rig.of(BarsLoaded)[1].bars] == [now - n * minute for n in range(5, 0, -1)]
    connector.execute(RequestBars(BTC, "7m", 5))
    await wait_until(lambda: len(rig.of(BarsLoaded)) == 3)
    assert "7m" in rig.of(BarsLoaded)[2].error
    assert len(connector.bars(BTC, "1m")) == 300


def order_row(order_id: str, status: str, cum: str = "0", **more: Any) -> dict[str, Any]:
    return {"orderId": order_id, "orderLinkId": f"t-{order_id}", "symbol": "BTCUSDT", "side": "Buy", "qty": "1",
            "price": "100", "orderType": "Limit", "timeInForce": "GTC", "orderStatus": status, "cumExecQty": cum,
            "cumExecValue": "0", "avgPrice": "", "createdTime": "1", "updatedTime": "2", **more}  # fmt: skip


def fill_row(exec_id: str, order_id: str, at: int) -> dict[str, Any]:
    return {"symbol": "BTCUSDT", "orderId": order_id, "orderLinkId": f"t-{order_id}", "side": "Buy",
            "execFee": "0.05", "execId": exec_id, "execPrice": "100", "execQty": "1", "execType": "Trade",
            "execValue": "100", "execTime": str(at), "feeCurrency": "", "isMaker": False, "feeRate": "0.0005",
            "closedSize": ""}  # fmt: skip


def paged(found: list[dict[str, Any]], size: int) -> Callable[[dict[str, str]], dict[str, Any]]:
    """Rows in pages, with an opaque cursor that must come back as it was sent."""

    def answer(p: dict[str, str]) -> dict[str, Any]:
        place = int(p["cursor"].removeprefix("page_token=").removesuffix("&")) if p.get("cursor") else 0
        page = found[place : place + size]
        return {"list": page, "nextPageCursor": f"page_token%3D{place + size}%26" if page else ""}

    return answer


async def test_reconcile_reads_everything_in_its_order(rig: Any, wait_until: Wait) -> None:
    now = rig.venue.now_ms()
    fills = [fill_row(f"e{n}", "2", now - n) for n in range(230)]
    routes = rig.venue.routes
    routes["/v5/order/realtime"] = paged([order_row("1", "New"), order_row("2", "PartiallyFilled", "0.5")], 1)
    routes["/v5/order/history"] = paged([order_row("2", "Filled", "1"), order_row("3", "Cancelled")], 2)
    routes["/v5/execution/list"] = lambda p: (
        paged(fills, 100)(p) if int(p["startTime"]) <= now < int(p["endTime"]) else {"list": []}
    )
    routes["/v5/account/transaction-log"] = lambda p: {
        "list": [
            {"id": "a", "type": "TRADE", "currency": "USDT", "change": "-1", "transactionTime": "5"},
            {"id": "b", "type": "TRANSFER_IN", "currency": "USDT", "change": "100", "transactionTime": "5"},
        ]
    }
    routes["/v5/position/list"] = lambda p: {
        "list": [{"symbol": "BTCUSDT", "side": "Sell", "size": "0.5", "avgPrice": "100", "liqPrice": ""}]
    }
    routes["/v5/account/wallet-balance"] = lambda p: {
        "list": [{"coin": [{"coin": "USDT", "walletBalance": "1000.5", "equity": "", "locked": "0"}]}]
    }
    connector = rig.build()
    await connector.open()
    rig.venue.requests.clear()
    connector.execute(Reconcile((now - 8 * 86_400_000) * 1_000_000, "test"))
    assert connector.outstanding == 1
    await wait_until(lambda: rig.of(Reconciled))
    truth = rig.of(Reconciled)[0]
    assert truth.error == ""
    assert {r.order_id: r.status for r in truth.reports} == {
        "1": OrderStatus.NEW, "2": OrderStatus.FILLED, "3": OrderStatus.CANCELLED}  # fmt: skip
    assert len(truth.executions) == 230
    assert truth.executions[0].exec_id == "e229"
    assert truth.executions[0].fee_coin == "USDT"
    assert [(row.id, row.change) for row in truth.ledger] == [("b", Decimal(100))]
    assert truth.positions[0].size == Decimal("-0.5")
    assert truth.balances[0].wallet == Decimal("1000.5")
    asked = list(dict.fromkeys(path for path, _ in rig.venue.requests))
    assert asked == [
        "/v5/order/realtime", "/v5/order/history", "/v5/execution/list", "/v5/account/transaction-log",
        "/v5/position/list", "/v5/account/wallet-balance",
    ]  # fmt: skip
    for path, p in rig.venue.requests:
        if "startTime" in p:
            assert int(p["endTime"]) - int(p["startTime"]) <= 7 * 86_400_000, path


async def test_reconcile_says_why_it_failed(rig: Any, wait_until: Wait) -> None:
    rig.venue.routes["/v5/order/realtime"] = lambda p: {"list": [order_row("1", "New", qty="-1")]}
    connector = rig.build()
    await connector.open()
    connector.execute(Reconcile(1, "test"))
    await wait_until(lambda: rig.of(Reconciled))
    assert "-1" in rig.of(Reconciled)[0].error
    for path in ("/v5/order/realtime",):
        rig.venue.routes[path] = lambda p: (10005, {})
    connector.execute(Reconcile(1, "test"))
    await wait_until(lambda: len(rig.of(Reconciled)) == 2)
    assert "permission" in rig.of(Reconciled)[1].error


async def test_look_up_is_conclusive_only_after_the_window(rig: Any, wait_until: Wait) -> None:
    for path in ("/v5/order/realtime", "/v5/order/history", "/v5/execution/list"):
        rig.venue.routes[path] = lambda p: {"list": []}
    connector = rig.build(recv_window=100)
    await connector.open()
    connector.execute(create())
    await wait_until(lambda: rig.of(OrderAnswered))
    connector.execute(LookUpOrder("t-1", BTC))
    await wait_until(lambda: rig.of(OrderLookedUp))
    assert not rig.of(OrderLookedUp)[0].conclusive
    rig.venue.clock_shift_ms = 2_200
    connector.execute(LookUpOrder("t-1", BTC))
    await wait_until(lambda: len(rig.of(OrderLookedUp)) == 2)
    assert rig.of(OrderLookedUp)[1].conclusive
    rig.venue.routes["/v5/order/history"] = lambda p: {"list": [order_row("1", "Filled", "1")]}
    rig.venue.routes["/v5/execution/list"] = lambda p: {"list": [fill_row("e1", "1", 5)]}
    connector.execute(LookUpOrder("t-1", BTC))
    await wait_until(lambda: len(rig.of(OrderLookedUp)) == 3)
    found = rig.of(OrderLookedUp)[2]
    assert found.report.status is OrderStatus.FILLED
    assert [e.exec_id for e in found.executions] == ["e1"]


async def test_a_wrong_key_names_the_likely_cause(rig: Any) -> None:
    rig.venue.routes["/v5/account/fee-rate"] = lambda p: (10003, {}, {":message": "API key is invalid."})
    connector = rig.build()
    with pytest.raises(Problem, match="wrong site") as caught:
        await connector.open()
    assert caught.value.meaning.exit_code == 77
    assert "mainnet, testnet or demo" in caught.value.remedy


async def test_a_refused_socket_authentication_is_a_problem(rig: Any) -> None:
    rig.venue.refuse_auth = "Params Error"
    connector = rig.build()
    with pytest.raises(Problem, match="Params Error"):
        await connector.open()


async def test_a_venue_that_is_not_there_is_a_problem(rig: Any) -> None:
    connector = rig.build(rest_base="http://127.0.0.1:9", read_attempts=1)
    with pytest.raises(Problem, match="cannot be used"):
        await connector.open()


async def test_market_data_alone_needs_no_key(rig: Any, wait_until: Wait) -> None:
    connector = rig.build(credentials=None)
    await connector.open()
    connector.execute(Subscribe(MarketKey("trades", BTC)))
    await wait_until(lambda: ("public.linear", True) in {(e.stream, e.up) for e in rig.of(ConnectionChanged)})
    assert PRIVATE not in rig.venue.sockets
    assert not rig.of(AccountChecked)
    connector.execute(create())
    await wait_until(lambda: rig.of(OrderAnswered))
    assert rig.of(OrderAnswered)[0].reaction is Reaction.RETRY


async def test_reads_share_one_flight(rig: Any) -> None:
    rig.venue.routes["/v5/market/risk-limit"] = lambda p: {
        "list": [
            {"symbol": "BTCUSDT", "riskLimitValue": "2000000", "maintenanceMargin": "0.5", "initialMargin": "1",
             "maxLeverage": "100", "mmDeduction": ""}
        ]
    }  # fmt: skip
    connector = rig.build()
    await connector.open()
    tiers = await asyncio.gather(*(connector.risk_tiers(BTC) for _ in range(5)))
    assert len(rig.venue.called("/v5/market/risk-limit")) == 1
    assert tiers[0][0].maintenance == Decimal("0.005")


async def test_secrets_do_not_show(rig: Any) -> None:
    secret = "s3cr3t-s3cr3t"
    credentials = Credentials("abcdefghij", secret)
    assert secret not in repr(credentials)
    assert secret not in str(credentials)
    connector = rig.build()
    await connector.open()
    session = connector._rest._sessions[0]
    assert "pQ4rS6" not in repr(session) + str(session) + json.dumps(str(vars(session)))


async def test_an_account_changed_meanwhile_is_reported_not_changed_back(rig: Any, wait_until: Wait) -> None:
    connector = rig.build(clock_interval=0.05)
    await connector.open()
    rig.venue.routes["/v5/account/info"] = lambda p: {"marginMode": "ISOLATED_MARGIN", "unifiedMarginStatus": 5}
    await wait_until(lambda: len(rig.of(AccountChecked)) == 2)
    assert "ISOLATED_MARGIN" in rig.of(AccountChecked)[1].problems[0]
    assert not rig.venue.called("/v5/account/set-margin-mode")
    rig.venue.routes["/v5/account/info"] = lambda p: {"marginMode": "REGULAR_MARGIN", "unifiedMarginStatus": 5}
    await wait_until(lambda: len(rig.of(AccountChecked)) == 3)
    assert rig.of(AccountChecked)[2].problems == ()
