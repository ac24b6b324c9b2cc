"""Batches, position stops, tickers and look-ups by the venue's id, through the whole connector."""

import asyncio
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from tests.unit.exchange.test_connector import fill_row, order_row
from tradectl.exchange.bybit.config import Environment, TransportName
from tradectl.model.commands import (
    CancelOrder,
    LookUpOrder,
    Reconcile,
    RequestTickers,
    RiskApproved,
    Subscribe,
)
from tradectl.model.events import (
    Action,
    OrderAnswered,
    OrderLookedUp,
    RateLimitReported,
    Reaction,
    Reconciled,
    StopAnswered,
    TickersLoaded,
    UniverseRow,
)
from tradectl.model.instruments import Category, InstrumentId
from tradectl.model.market_data import MarketKey
from tradectl.model.orders import OrderSpec, OrderType, Side, TradingStop

BTC = InstrumentId(Category.LINEAR, "BTCUSDT")
SPOT = InstrumentId(Category.SPOT, "BTCUSDT")
TRADE = "/v5/trade"
STOP_PATH = "/v5/position/trading-stop"
Wait = Callable[..., Any]


def create(link: str, batch: int = 1, instrument: InstrumentId = BTC) -> RiskApproved:
    order = OrderSpec(link, instrument, Side.BUY, OrderType.LIMIT, Decimal("0.010"), Decimal("87200.0"))
    return RiskApproved(1, 1, order, batch=batch)


def stop(instrument: InstrumentId = BTC) -> RiskApproved:
    return RiskApproved(1, 1, None, None, TradingStop(instrument, 1, stop_loss=Decimal("86000.0")))


def outcomes(items: list[dict[str, Any]], codes: list[int]) -> dict[str, Any]:
    """The two lists of an answer to a batch, code by code."""
    stated = [{"orderId": f"oid-{i['orderLinkId']}", "orderLinkId": i["orderLinkId"]} for i in items]
    return {"data": {"list": stated}, "retExtInfo": {"list": [{"code": c, "msg": "m"} for c in codes]}}


async def test_a_step_leaves_as_one_batch_and_each_order_is_answered(
    rig: Any, transport: TransportName, wait_until: Wait
) -> None:
    def answer(message: dict[str, Any]) -> dict[str, Any]:
        if not message["op"].endswith("-batch"):
            return dict(rig.venue.accept(message))
        items = message["args"][0]["request"]
        codes = [0, 110007, 0][: len(items)]
        return {**rig.venue.accept({**message, "args": [{}]}), **outcomes(items, codes)}

    rig.venue.on_order = answer
    connector = rig.build(transport=transport)
    await connector.open()
    cancel = CancelOrder(1, "t-9", "", BTC)
    connector.execute_all([cancel, create("t-1"), create("t-2"), create("t-3"), Subscribe(MarketKey("trades", BTC))])
    await wait_until(lambda: len(rig.of(OrderAnswered)) == 4)
    answers = {e.link_id: e for e in rig.of(OrderAnswered)}
    assert {link: (e.action, e.code, e.order_id) for link, e in answers.items()} == {
        "t-9": (Action.CANCEL, 0, "oid-t-9"),
        "t-1": (Action.CREATE, 0, "oid-t-1"),
        "t-2": (Action.CREATE, 110007, "oid-t-2"),
        "t-3": (Action.CREATE, 0, "oid-t-3"),
    }
    operations = [m["op"] for p, m in rig.venue.messages if p == TRADE and m["op"].startswith("order.")]
    assert operations == ["order.cancel", "order.create-batch"]
    (body,) = rig.venue.sent(TRADE, "order.create-batch")[0]["args"]
    assert (body["category"], [i["orderLinkId"] for i in body["request"]]) == ("linear", ["t-1", "t-2", "t-3"])
    await wait_until(lambda: len(rig.of(RateLimitReported)) == 2)
    assert {e.group for e in rig.of(RateLimitReported)} == {"linear:cancel", "linear:create-batch"}
    await wait_until(lambda: connector.outstanding == 0)


async def test_a_lost_batch_is_unknown_for_each_order_and_never_sent_again(rig: Any, wait_until: Wait) -> None:
    rig.venue.on_order = lambda message: None
    connector = rig.build()
    await connector.open()
    connector.execute_all([create("t-1"), create("t-2")])
    await wait_until(lambda: rig.venue.sent(TRADE, "order.create-batch"))
    assert connector.outstanding == 1
    await rig.venue.cut(TRADE)
    await wait_until(lambda: len(rig.of(OrderAnswered)) == 2)
    assert {(e.link_id, e.code, e.reaction) for e in rig.of(OrderAnswered)} == {
        ("t-1", -1, Reaction.RECONCILE),
        ("t-2", -1, Reaction.RECONCILE),
    }
    await wait_until(lambda: len(rig.venue.sent(TRADE, "auth")) == 2)
    assert len(rig.venue.sent(TRADE, "order.create-batch")) == 1


async def test_an_answer_that_lost_its_lists_is_unknown_for_each_order(rig: Any, wait_until: Wait) -> None:
    rig.venue.on_order = lambda m: {"reqId": m["reqId"], "retCode": 0, "op": m["op"], "data": None, "retExtInfo": None}
    connector = rig.build()
    await connector.open()
    connector.execute_all([create("t-1"), create("t-2")])
    await wait_until(lambda: len(rig.of(OrderAnswered)) == 2)
    assert {e.reaction for e in rig.of(OrderAnswered)} == {Reaction.RECONCILE}


async def test_the_look_up_of_a_batched_order_waits_for_its_window(rig: Any, wait_until: Wait) -> None:
    """A batch notes when each of its orders left, or one could be called lost while it is still on its way."""
    for path in ("/v5/order/realtime", "/v5/order/history", "/v5/execution/list"):
        rig.venue.routes[path] = lambda p: {"list": []}
    rig.venue.on_order = lambda message: None
    connector = rig.build(recv_window=300)
    await connector.open()
    rig.venue.clock_shift_ms = 1_400
    await connector._check_clock(1)
    connector.execute_all([create("t-1"), create("t-2")])
    await wait_until(lambda: rig.venue.sent(TRADE, "order.create-batch"))
    rig.venue.clock_shift_ms = 2_800
    connector.execute(LookUpOrder("t-2", BTC))
    connector.execute(LookUpOrder("t-of-another-process", BTC))
    await wait_until(lambda: len(rig.of(OrderLookedUp)) == 2)
    assert {e.link_id: e.conclusive for e in rig.of(OrderLookedUp)} == {"t-2": False, "t-of-another-process": True}


async def test_demo_sends_batches_by_rest_and_spot_one_by_one(rig: Any, wait_until: Wait) -> None:
    limits = {"X-Bapi-Limit": "10", "X-Bapi-Limit-Status": "8", "X-Bapi-Limit-Reset-Timestamp": "0"}
    routes = rig.venue.routes
    routes["/v5/order/create"] = lambda p: {"orderId": "oid", "orderLinkId": p["orderLinkId"]}
    routes["/v5/order/create-batch"] = lambda p: (
        0,
        {**outcomes(p["request"], [0, 110094])["data"], ":extra": outcomes(p["request"], [0, 110094])["retExtInfo"]},
        limits,
    )
    connector = rig.build(environment=Environment.DEMO)
    await connector.open()
    connector.execute_all([create("t-1"), create("t-2"), create("s-1", 1, SPOT)])
    await wait_until(lambda: len(rig.of(OrderAnswered)) == 3)
    assert {e.link_id: e.code for e in rig.of(OrderAnswered)} == {"t-1": 0, "t-2": 110094, "s-1": 0}
    assert [e.group for e in rig.of(RateLimitReported)] == ["linear:create-batch"]
    assert len(rig.venue.called("/v5/order/create-batch")) == 1


@pytest.mark.parametrize(
    ("answer", "code", "reaction"),
    [
        (lambda p: {}, 0, Reaction.OK),
        (lambda p: (34040, {}, {":message": "not modified"}), 34040, Reaction.OK),
        (lambda p: (10001, {}, {":message": "can not set tp/sl/ts for zero position"}), 10001, Reaction.RECONCILE),
        (lambda p: (10000, {}, {":status": "502"}), 10000, Reaction.RECONCILE),
        (lambda p: (10006, {}, {"X-Bapi-Limit": "10", "X-Bapi-Limit-Status": "0"}), 10006, Reaction.RETRY),
    ],
)
async def test_a_positions_stops_go_by_rest_once(
    rig: Any, wait_until: Wait, answer: Any, code: int, reaction: Reaction
) -> None:
    rig.venue.routes[STOP_PATH] = answer
    connector = rig.build()
    await connector.open()
    connector.execute(stop())
    assert connector.outstanding == 1
    assert not rig.of(StopAnswered), "the answer must not come from within execute"
    idles: list[int] = []
    connector._on_idle = lambda: idles.append(connector.outstanding)
    await wait_until(lambda: rig.of(StopAnswered))
    (event,) = rig.of(StopAnswered)
    assert (event.instrument, event.position_idx, event.code, event.reaction) == (BTC, 1, code, reaction)
    assert [e.group for e in rig.of(RateLimitReported)] == (["linear:trading-stop"] if code == 10006 else [])
    assert rig.venue.called(STOP_PATH) == [
        {"category": "linear", "symbol": "BTCUSDT", "tpslMode": "Full", "positionIdx": 1, "stopLoss": "86000",
         "slTriggerBy": "LastPrice"}
    ]  # fmt: skip
    assert connector.outstanding == 0
    await wait_until(lambda: idles)
    assert idles[-1] == 0, "who waits for the last answer (a stepped market) must hear of it"


async def test_stops_in_flight_are_unknown_when_the_connector_closes(rig: Any, wait_until: Wait) -> None:
    gate = asyncio.Event()
    loop = asyncio.get_running_loop()

    def slow(p: dict[str, Any]) -> dict[str, Any]:
        asyncio.run_coroutine_threadsafe(gate.wait(), loop).result(5.0)
        return {}

    rig.venue.routes[STOP_PATH] = slow
    connector = rig.build()
    await connector.open()
    connector.execute(stop())
    await wait_until(lambda: rig.venue.called(STOP_PATH))
    loop.call_later(0.05, gate.set)
    await connector.close()
    assert [(e.code, e.reaction) for e in rig.of(StopAnswered)] == [(-1, Reaction.RECONCILE)]
    connector.execute(stop())
    await wait_until(lambda: len(rig.of(StopAnswered)) == 2)
    assert rig.of(StopAnswered)[1].reaction is Reaction.RETRY


async def test_tickers_of_a_category(rig: Any, wait_until: Wait) -> None:
    rows = [
        {"symbol": "ETHUSDT", "lastPrice": "", "bid1Price": "", "ask1Price": "", "turnover24h": "", "fundingRate": ""},
        {"symbol": "BTCUSDT", "lastPrice": "87532.60", "bid1Price": "87530.10", "ask1Price": "87530.20",
         "turnover24h": "5120733190.1108", "highPrice24h": "88450.00", "lowPrice24h": "87001.50",
         "fundingRate": "-0.00007215", "nextFundingTime": "1767254400000"},
    ]  # fmt: skip
    rig.venue.routes["/v5/market/tickers"] = lambda p: {"category": p["category"], "list": rows}
    connector = rig.build()
    await connector.open()
    connector.execute(RequestTickers("linear"))
    assert connector.outstanding == 1
    await wait_until(lambda: rig.of(TickersLoaded))
    loaded = rig.of(TickersLoaded)[0]
    assert (loaded.category, loaded.error) == ("linear", "")
    assert loaded.rows == (
        UniverseRow("BTCUSDT", 87532.6, 87530.1, 87530.2, 5120733190.1108, 88450.0, 87001.5, -0.00007215),
        UniverseRow("ETHUSDT", 0.0),
    )
    assert rig.venue.called("/v5/market/tickers") == [{"category": "linear"}]


@pytest.mark.parametrize("value", ["NaN", "inf", "-1", "x"])
async def test_a_ticker_without_sense_is_an_error_in_words(rig: Any, wait_until: Wait, value: str) -> None:
    rig.venue.routes["/v5/market/tickers"] = lambda p: {"list": [{"symbol": "BTCUSDT", "lastPrice": value}]}
    connector = rig.build()
    await connector.open()
    connector.execute(RequestTickers("linear"))
    await wait_until(lambda: rig.of(TickersLoaded))
    loaded = rig.of(TickersLoaded)[0]
    assert loaded.rows == ()
    assert f"BTCUSDT: lastPrice '{value}'" in loaded.error


async def test_an_attached_stop_is_looked_up_by_the_venues_id(rig: Any, wait_until: Wait) -> None:
    routes = rig.venue.routes
    child = order_row("a7", "Untriggered", orderLinkId="", parentOrderLinkId="t-1", stopOrderType="StopLoss")
    routes["/v5/order/realtime"] = lambda p: {"list": [order_row("other", "New"), child]}
    routes["/v5/order/history"] = lambda p: {"list": []}
    routes["/v5/execution/list"] = lambda p: {"list": [fill_row("e1", "a7", 5)]}
    connector = rig.build()
    await connector.open()
    connector.execute(LookUpOrder("", BTC, "a7"))
    await wait_until(lambda: rig.of(OrderLookedUp))
    found = rig.of(OrderLookedUp)[0]
    assert (found.link_id, found.order_id, found.error) == ("", "a7", "")
    assert (found.report.order_id, found.report.parent_link) == ("a7", "t-1")
    assert [e.exec_id for e in found.executions] == ["e1"]
    for path in ("/v5/order/realtime", "/v5/order/history", "/v5/execution/list"):
        assert [(p.get("orderId"), "orderLinkId" in p) for p in rig.venue.called(path)] == [("a7", False)]
    connector.execute(LookUpOrder("", BTC))
    await wait_until(lambda: len(rig.of(OrderLookedUp)) == 2)
    assert "order id" in rig.of(OrderLookedUp)[1].error
    assert not rig.of(OrderLookedUp)[1].conclusive


async def test_reconcile_reads_inverse_whole_and_linear_by_settle_coin(rig: Any, wait_until: Wait) -> None:
    routes = rig.venue.routes
    child = order_row("a7", "Untriggered", orderLinkId="", stopOrderType="StopLoss", symbol="BTCUSD")
    routes["/v5/order/realtime"] = lambda p: {"list": [child] if p["category"] == "inverse" else []}
    for path in ("/v5/order/history", "/v5/execution/list", "/v5/account/transaction-log"):
        routes[path] = lambda p: {"list": []}
    routes["/v5/account/wallet-balance"] = lambda p: {"list": []}
    legs = [{"symbol": "BTCUSDT", "side": "Buy", "size": "2", "avgPrice": "1", "positionIdx": 1},
            {"symbol": "BTCUSDT", "side": "Sell", "size": "1", "avgPrice": "1", "positionIdx": 2}]  # fmt: skip
    inverse = [{"symbol": "BTCUSD", "side": "Buy", "size": "100", "avgPrice": "1"},
               {"symbol": "ETHUSD", "side": "", "size": "0", "avgPrice": "0"}]  # fmt: skip
    routes["/v5/position/list"] = lambda p: {"list": inverse if p["category"] == "inverse" else legs}
    connector = rig.build(categories=(Category.LINEAR, Category.INVERSE))
    await connector.open()
    rig.venue.requests.clear()
    connector.execute(Reconcile(0, "test"))
    await wait_until(lambda: rig.of(Reconciled))
    truth = rig.of(Reconciled)[0]
    assert truth.error == ""
    assert [(r.order_id, r.link_id, r.stop_order_type) for r in truth.reports] == [("a7", "", "StopLoss")]
    assert [(p.instrument.symbol, p.position_idx, p.size) for p in truth.positions] == [
        ("BTCUSDT", 1, Decimal(2)), ("BTCUSDT", 2, Decimal(-1)), ("BTCUSD", 0, Decimal(100))]  # fmt: skip
    for path in ("/v5/order/realtime", "/v5/position/list"):
        asked = [{k: v for k, v in p.items() if k != "limit"} for p in rig.venue.called(path)]
        assert asked == [{"category": "linear", "settleCoin": "USDT"}, {"category": "inverse"}]
