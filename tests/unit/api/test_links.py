"""Daemon and store come and go: 503 with the documented body, and everything mends itself."""

import asyncio
from typing import Any

import pytest

from tradectl.api.config import ApiConfig
from tradectl.api.projection import ENDED_KEPT, Projection
from tradectl.model.orders import OrderStatus
from tradectl.rpc.methods import DROPPED_NOTIFICATION, Delta

SPECIFIED = b'{"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "quantity": 0.1, "price": 50000}'


async def test_without_a_daemon_everything_but_history_is_503(rig: Any) -> None:
    await rig.stop("daemon")
    await rig.wait(lambda answer: answer.status_code == 503)
    requests = [("GET", "/api/portfolio"), ("GET", "/api/orders"), ("GET", "/api/orders/venue-1"),
                ("GET", "/api/market-data"), ("POST", "/api/orders"), ("DELETE", "/api/orders/venue-1")]  # fmt: skip
    for method, path in requests:
        answer = await rig.http.request(method, path, content=SPECIFIED if method == "POST" else None)
        assert answer.status_code == 503, path
        error = answer.json()["error"]
        assert error["code"] == "DAEMON_NOT_RUNNING"
        assert error["details"]["reason"]
    assert (await rig.http.get("/api/trades")).status_code == 200
    health = (await rig.http.get("/api/health")).json()
    assert (health["status"], health["state"], health["as_of_seq"]) == ("unavailable", None, None)
    assert health["daemon"]["connected"] is False


async def test_it_reconnects_by_itself_and_takes_a_new_snapshot(rig: Any) -> None:
    await rig.stop("daemon")
    await rig.wait(lambda answer: answer.status_code == 503)
    rig.daemon.seq = 7
    rig.daemon.orders = []
    await rig.start_daemon()
    await rig.ready()
    answer = await rig.http.get("/api/orders")
    assert answer.json() == {"orders": [], "next_cursor": None, "as_of_seq": 7}
    assert (await rig.http.post("/api/orders", content=SPECIFIED)).status_code == 200


async def test_an_overflow_means_a_new_snapshot(rig: Any) -> None:
    rig.daemon.seq, rig.daemon.orders = 100, []
    rig.daemon.feed.publish(Delta(seq=0, at=0), DROPPED_NOTIFICATION)
    answer = await rig.wait(lambda got: got.headers.get("x-as-of-seq") == "100", "/api/orders")
    assert answer.json()["orders"] == []
    assert rig.daemon.subscribed == 2
    rig.daemon.publish()
    await rig.wait(lambda got: got.headers.get("x-as-of-seq") == "101", "/api/orders")


async def test_instruments_that_came_late_are_read(rig: Any) -> None:
    await rig.stop("daemon")
    await rig.wait(lambda answer: answer.status_code == 503)
    known, rig.daemon.instruments = rig.daemon.instruments, []
    await rig.start_daemon()
    await rig.ready()
    assert (await rig.http.post("/api/orders", content=SPECIFIED)).json()["error"]["code"] == "UNKNOWN_SYMBOL"
    rig.daemon.instruments = known
    await rig.wait(lambda answer: answer.status_code == 200, "/api/market-data?symbol=BTCUSDT")


async def test_without_a_store_history_is_503_and_comes_back(rig: Any) -> None:
    assert (await rig.http.get("/api/trades")).status_code == 200
    await rig.stop("store")
    for path in ("/api/trades", "/api/orders?status=all"):
        answer = await rig.http.get(path)
        assert answer.status_code == 503
        assert answer.json()["error"]["message"].startswith("The store cannot be reached")
    assert (await rig.http.get("/api/portfolio")).status_code == 200
    assert (await rig.http.get("/api/health")).json()["store"]["connected"] is False
    await rig.start_store()
    assert (await rig.http.get("/api/trades")).status_code == 200


async def test_a_stale_store_connection_is_replaced_within_the_request(rig: Any) -> None:
    assert (await rig.http.get("/api/trades")).status_code == 200
    await rig.stop("store")
    await rig.start_store()
    assert (await rig.http.get("/api/trades")).status_code == 200


class TestHanging:
    @pytest.fixture
    def api_config(self) -> ApiConfig:
        return ApiConfig(command_timeout=0.2)

    async def test_a_daemon_that_hangs_is_not_shown_as_the_present(self, rig: Any) -> None:
        rig.daemon.hang.clear()
        await rig.wait(lambda answer: answer.status_code == 503)
        rig.daemon.hang.set()
        await rig.ready()


async def test_reads_never_reach_the_daemon(rig: Any) -> None:
    paths = ("/api/portfolio", "/api/orders", "/api/market-data", "/api/health")
    await asyncio.gather(*(rig.http.get(path) for path in paths for _ in range(50)))
    assert rig.daemon.calls == []
    assert rig.daemon.subscribed == 1


def test_ended_orders_are_bounded(make_order: Any) -> None:
    projection = Projection()
    for number in range(1, ENDED_KEPT + 3):
        ended = make_order(number, OrderStatus.FILLED)
        projection.apply(Delta(seq=number, at=number, orders=(ended, ended)))
    projection.apply(Delta(seq=9999, at=0, orders=(make_order(5000),)))
    assert len(projection.orders) == ENDED_KEPT + 1
    assert make_order(1).id not in projection.orders
    assert [row.id for row in projection.open_orders()] == [make_order(5000).id]
