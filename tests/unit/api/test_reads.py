"""The reads: shapes key for key, numbers from their digits, the projection and the store."""

import json
from decimal import Decimal
from typing import Any

import pytest

from tradectl.model.commands import Level
from tradectl.model.instruments import Category
from tradectl.model.orders import OrderStatus
from tradectl.rpc import rows

T0 = 1_748_736_000_000_000_000


def exactly(text: str) -> Any:
    return json.loads(text, parse_float=Decimal, parse_int=Decimal)


async def test_portfolio_is_the_specification_key_for_key(rig: Any) -> None:
    answer = await rig.http.get("/api/portfolio")
    assert answer.status_code == 200
    assert exactly(answer.text) == {
        "balances": {
            "BTC": {"free": Decimal("0.1"), "used": Decimal("0.05"), "total": Decimal("0.15")},
            "USDT": {"free": 1000, "used": 500, "total": 1500},
        },
        "positions": [
            {
                "symbol": "BTCUSDT",
                "size": Decimal("0.1"),
                "entry_price": 50000,
                "current_price": 51000,
                "pnl": 100,
                "category": "linear",
            }
        ],
    }
    assert answer.headers["x-as-of-seq"] == "41"
    assert (answer.headers["x-mode"], answer.headers["x-profile"]) == ("sandbox", "default")


async def test_a_newer_ticker_values_the_position(rig: Any) -> None:
    old = rig.daemon.tickers[0]
    newer = rows.TickerRow(old.category, old.symbol, T0 + 5, old.last, old.bid, old.ask, Decimal("49000.5"), None,
                           None, None)  # fmt: skip
    rig.daemon.publish(tickers=(newer,))
    answer = await rig.wait(lambda got: got.headers.get("x-as-of-seq") == "42", "/api/portfolio")
    found = exactly(answer.text)["positions"][0]
    assert (found["current_price"], found["pnl"]) == (Decimal("49000.5"), Decimal("-99.95"))


async def test_unknown_values_are_null_never_zero(rig: Any) -> None:
    unmarked = rows.PositionRow(
        "", Category.SPOT, "DOGEUSDT", Decimal(-3), Decimal("0.1"), None, None, *[Decimal(0)] * 3, Decimal("-0.3"), T0
    )
    rig.daemon.publish(positions=(unmarked,))
    answer = await rig.wait(lambda got: got.headers.get("x-as-of-seq") == "42", "/api/portfolio")
    found = {row["symbol"]: row for row in answer.json()["positions"]}["DOGEUSDT"]
    assert found == {"symbol": "DOGEUSDT", "size": -3, "entry_price": 0.1, "current_price": None, "pnl": None,
                     "category": "spot"}  # fmt: skip


async def test_open_orders_come_from_the_projection(rig: Any) -> None:
    body = (await rig.http.get("/api/orders")).json()
    assert [row["id"] for row in body["orders"]] == ["t00000000-001-0000000001"]
    assert body["next_cursor"] is None
    assert body["as_of_seq"] == 41
    assert body["orders"][0] == {
        "id": "t00000000-001-0000000001", "link_id": "t00000000-001-0000000001", "order_id": "venue-1",
        "category": "linear", "symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "quantity": 0.1, "price": 50000,
        "status": "New", "filled": 0, "average_price": None, "fees": 0, "time_in_force": "POST_ONLY",
        "reduce_only": False, "strategy": "ema", "reason": None, "created": "2025-06-01T00:00:00.000000001Z",
        "updated": "2025-06-01T00:00:00.000000001Z",
    }  # fmt: skip
    assert (await rig.http.get("/api/orders?symbol=ETHUSDT")).json()["orders"] == []
    assert (await rig.http.get("/api/orders?category=linear&strategy=ema")).json()["orders"]


async def test_one_order_by_either_id_and_404(rig: Any) -> None:
    for order_id, status in (("t00000000-001-0000000001", "New"), ("venue-2", "Filled")):
        answer = await rig.http.get(f"/api/orders/{order_id}")
        assert answer.json()["order"]["status"] == status
    missing = await rig.http.get("/api/orders/nothing")
    assert missing.status_code == 404
    assert missing.json()["error"]["code"] == "UNKNOWN_ORDER"
    assert missing.json()["error"]["details"] == {"field": "id", "reason": "unknown order"}


async def test_order_history_and_trades_come_from_the_store(rig: Any) -> None:
    answer = await rig.http.get("/api/orders?status=all&limit=7")
    assert answer.json()["orders"][0]["status"] == "Filled"
    assert answer.headers["x-as-of-seq"] == "40"
    query = "symbol=BTCUSDT&category=linear&strategy=ema&since=2025-06-01T00:00:00Z&until=2025-06-01T02:00:00%2B01:00"
    answer = await rig.http.get(f"/api/trades?{query}&limit=3&cursor=c")
    assert answer.status_code == 200
    assert [(asked.limit, asked.symbol) for asked in rig.store.asked] == [(7, ""), (3, "BTCUSDT")]
    asked = rig.store.asked[-1]
    assert (asked.since, asked.until) == (T0, T0 + 3600 * 10**9)
    assert (asked.category, asked.strategy, asked.cursor) == (Category.LINEAR, "ema", "c")
    assert exactly(answer.text)["trades"] == [
        {
            "id": "exec-1", "timestamp": "2025-06-01T00:00:00.123456789Z", "category": "linear", "symbol": "BTCUSDT",
            "strategy": "ema", "type": "Trade", "side": "SELL", "price": Decimal("50000.1"),
            "quantity": Decimal("0.001"), "value": Decimal("50.0001"), "fee": Decimal("0.00000001"),
            "fee_coin": "USDT", "maker": True, "pnl": Decimal("-0.12345678"), "link_id": None, "order_id": "venue-1",
        }
    ]  # fmt: skip
    assert "0.00000001" in answer.text  # plain digits, not 1e-08
    assert answer.json()["next_cursor"] == "next-1"


async def test_market_data_of_one_and_of_all(rig: Any) -> None:
    one = (await rig.http.get("/api/market-data?symbol=BTCUSDT")).json()
    assert one["market_data"] == (await rig.http.get("/api/market-data")).json()["market_data"]
    assert one["market_data"] == [{
        "category": "linear", "symbol": "BTCUSDT", "timestamp": "2025-05-31T23:59:59.999999999Z",
        "last_price": 50999.9, "bid_price": 50999.8, "ask_price": 51000, "mark_price": 51000, "index_price": None,
        "funding_rate": 0.0000125, "next_funding": "2025-06-01T00:00:00Z", "tick_size": 0.1, "lot_size": 0.001,
        "min_quantity": 0.002,
    }]  # fmt: skip
    quiet = (await rig.http.get("/api/market-data?symbol=DOGEUSDT&category=spot")).json()["market_data"][0]
    assert quiet["last_price"] is None
    assert quiet["tick_size"] == 0.1
    assert (await rig.http.get("/api/market-data?category=spot")).json()["market_data"] == []


async def test_an_unknown_symbol_says_where_it_exists(rig: Any) -> None:
    answer = await rig.http.get("/api/market-data?symbol=DOGEUSDT")
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert (error["code"], error["details"]["field"]) == ("UNKNOWN_SYMBOL", "symbol")
    assert "spot" in error["message"]


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/api/portfolio?x=1", "x"),
        ("/api/trades?limit=0", "limit"),
        ("/api/trades?limit=1001", "limit"),
        ("/api/trades?limit=%D9%A1", "limit"),
        ("/api/trades?limit=1&limit=2", "limit"),
        ("/api/trades?since=yesterday", "since"),
        ("/api/trades?since=2025-06-01T00:00:00", "since"),
        ("/api/trades?category=stocks", "category"),
        ("/api/trades?symbol=", "symbol"),
        ("/api/orders?status=closed", "status"),
        ("/api/orders?limit=5", "limit"),
        ("/api/market-data?interval=1m", "interval"),
        ("/api/health?verbose=1", "verbose"),
    ],
)
async def test_a_bad_query_names_its_field(rig: Any, path: str, field: str) -> None:
    answer = await rig.http.get(path)
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert set(error) == {"code", "message", "details"}
    assert (error["code"], error["details"]["field"]) == ("INVALID_REQUEST", field)
    assert error["details"]["reason"]


async def test_deltas_are_followed(rig: Any) -> None:
    rig.daemon.publish(
        state=Level.HALTED,
        reasons=(rows.ReasonRow("operator", Level.HALTED, "person", "halted by hand", T0),),
        balances=(rows.BalanceRow("USDT", Decimal(1), Decimal(2), Decimal(3)),),
    )
    first = rig.daemon.orders[0]
    ended = rows.OrderRow(**{**{name: getattr(first, name) for name in first.__struct_fields__},
                             "status": OrderStatus.CANCELLED})  # fmt: skip
    rig.daemon.publish(orders=(ended,))
    await rig.wait(lambda got: got.headers.get("x-as-of-seq") == "43", "/api/portfolio")
    assert (await rig.http.get("/api/orders")).json()["orders"] == []
    assert (await rig.http.get("/api/orders/venue-1")).json()["order"]["status"] == "Cancelled"
    health = (await rig.http.get("/api/health")).json()
    assert health["state"] == "HALTED"
    assert health["reasons"][0]["clears"] == "person"
    assert (await rig.http.get("/api/portfolio")).json()["balances"]["USDT"]["total"] == 3


async def test_health_tells_details_to_the_holder_of_the_token(rig: Any) -> None:
    full = (await rig.http.get("/api/health")).json()
    assert full["status"] == "ok"
    assert (full["mode"], full["profile"], full["state"], full["as_of_seq"]) == ("sandbox", "default", "REDUCING", 41)
    assert full["daemon"] == {"connected": True, "reason": None} == full["store"]
    open_answer = await rig.http.get("/api/health", headers={"Authorization": ""})
    assert open_answer.status_code == 401  # a malformed header is a wrong token, not a missing one
    del rig.http.headers["Authorization"]
    assert (await rig.http.get("/api/health")).json() == {"status": "ok"}
