"""Histories: filters, windows, retention and pages as bybit-v5 has them."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tradectl.matching.records import NewOrder, Refused
from tradectl.model.instruments import Category, InstrumentId
from tradectl.model.orders import OrderStatus, OrderType, Side
from tradectl.sandbox.memory.queries import DAY, WEEK, cursor_place, cursor_text, window
from tradectl.sandbox.venue import Venue, VenueConfig

BTC = InstrumentId(Category.LINEAR, "BTCUSDT")
NOW = 100 * DAY


@pytest.fixture
def venue(candle_file: Callable[[int], Path]) -> Venue:
    venue = Venue(VenueConfig(data=candle_file(2 * 1440), speed=None, backfill=0))
    venue.open_account("1", {"USDT": Decimal(100_000), "BTC": Decimal(1)})
    venue.open_account("2", {"USDT": Decimal(100_000)})
    venue.step()
    return venue


def buy(
    venue: Venue, qty: str = "0.002", *, side: Side = Side.BUY, price: str = "", uid: str = "1", link: str = ""
) -> str:
    kind, limit = (OrderType.LIMIT, Decimal(price)) if price else (OrderType.MARKET, None)
    return venue.place(uid, NewOrder(BTC, side, kind, Decimal(qty), limit, link_id=link))[0].order_id


def pages(query: Callable[..., tuple[list[Any], str]], *args: Any, **filters: Any) -> list[list[Any]]:
    found, cursor = [], ""
    while True:
        rows, cursor = query(*args, cursor=cursor, **filters)
        found.append(rows)
        if not cursor:
            return found


def test_executions_page_by_page_newest_first(venue: Venue) -> None:
    ids = [buy(venue) for _ in range(10)]
    buy(venue, uid="2")
    got = pages(venue.executions, "1", "linear", limit=4)
    assert [len(page) for page in got] == [4, 4, 2]
    assert [fill.order_id for page in got for fill in page] == ids[::-1]
    assert [len(page) for page in pages(venue.executions, "1", "linear", limit=5)] == [5, 5]
    assert venue.executions("1", "spot")[0] == []


def test_executions_by_id_ignore_all_other_filters(venue: Venue) -> None:
    order = buy(venue, link="mine")
    for name, value in (("order_id", order), ("link_id", "mine")):
        rows, _ = venue.executions(
            "1", "linear", symbol="ETHUSDT", exec_type="Funding", start_ms=0, end_ms=1, **{name: value}
        )
        assert [fill.link_id for fill in rows] == ["mine"]
    assert venue.executions("1", "linear", exec_type="Funding")[0] == []
    assert venue.executions("2", "linear", order_id=order)[0] == []


def test_open_orders_and_closed_ones_by_id(venue: Venue) -> None:
    price = venue.exchange.prices(BTC).last
    assert price is not None
    resting = [buy(venue, price=str(price - 50 - i), link=f"r{i}") for i in range(5)]
    assert [o.order_id for page in pages(venue.orders_open, "1", "linear", limit=2) for o in page] == resting[::-1]
    venue.cancel("1", BTC, link_id="r3")
    assert len(venue.orders_open("1", "linear")[0]) == 4
    assert venue.orders_open("1", "linear", link_id="r3")[0][0].status is OrderStatus.CANCELLED
    assert venue.orders_open("1", "linear", order_id=resting[0])[0][0].status is OrderStatus.NEW
    assert [o.link_id for o in venue.orders_open("1", "linear", open_only=1)[0]] == ["r3"]
    assert venue.orders_open("1", "linear", settle_coin="USDC")[0] == []
    assert len(venue.orders_open("1", "linear", settle_coin="USDT")[0]) == 4
    assert len(venue.orders_open("1", "linear", base_coin="BTC")[0]) == 4
    assert venue.orders_open("2", "linear")[0] == []


def test_history_drops_unfilled_orders_after_a_day(venue: Venue) -> None:
    price = venue.exchange.prices(BTC).last
    assert price is not None
    filled, cancelled = buy(venue), buy(venue, price=str(price - 50))
    venue.cancel("1", BTC, order_id=cancelled)
    assert [o.order_id for o in venue.orders_history("1", "linear")[0]] == [cancelled, filled]
    assert [o.order_id for o in venue.orders_history("1", "linear", status="Filled")[0]] == [filled]
    for _ in range(1441):
        venue.step()
    assert [o.order_id for o in venue.orders_history("1", "linear")[0]] == [filled]
    assert venue.orders_history("1", "linear", order_id=cancelled)[0] == []


def test_ledger_filters_and_windows(venue: Venue) -> None:
    buy(venue)
    types = [entry.type for entry in venue.ledger("1")[0]]
    assert types == ["TRADE", "TRANSFER_IN", "TRANSFER_IN"]
    assert [e.coin for e in venue.ledger("1", currency="BTC")[0]] == ["BTC"]
    assert [e.type for e in venue.ledger("1", category="linear")[0]] == ["TRADE"]
    assert [e.type for e in venue.ledger("1", base_coin="BTC")[0]] == ["TRADE"]
    now_ms = venue.now() // 1_000_000
    assert len(venue.ledger("1", start_ms=now_ms, end_ms=now_ms)[0]) == 1
    for _ in range(1442):
        venue.step()
    assert venue.ledger("1", type="TRADE")[0] == []  # without bounds: the last 24 hours
    assert len(venue.ledger("1", type="TRADE", start_ms=now_ms - 1)[0]) == 1
    with pytest.raises(Refused, match="exceeds 7 days"):
        venue.ledger("1", start_ms=0, end_ms=8 * 86_400_000)


def test_closed_profit_is_exit_minus_entry_minus_both_fees(venue: Venue) -> None:
    buy(venue, "0.010")
    for _ in range(3):
        venue.step()
    close = buy(venue, "0.004", side=Side.SELL)
    flip = buy(venue, "0.009", side=Side.SELL)
    rows, _ = venue.closed_pnl("1", "linear")
    assert [row.order_id for row in rows] == [flip, close]
    fills = {f.order_id: f for f in venue.executions("1", "linear")[0]}
    assert [row.closed_qty for row in rows] == [Decimal("0.006"), Decimal("0.004")]
    for row in rows:
        assert row.side == "Sell"
        assert row.exit_value - row.entry_value - row.open_fee - row.close_fee == row.pnl
        assert row.exit_value == row.closed_qty * fills[row.order_id].price
    opening = fills[next(i for i in fills if i not in (close, flip))]
    assert sum(row.open_fee for row in rows) == opening.fee
    assert venue.closed_pnl("1", "linear", symbol="ETHUSDT")[0] == []


def test_the_seven_day_rule() -> None:
    ms = 1_000_000
    assert window(None, None, NOW, WEEK, WEEK) == (NOW - WEEK, NOW)
    assert window(5, None, NOW, WEEK, WEEK) == (5 * ms, 5 * ms + WEEK)
    start, end = window(None, NOW // ms, NOW, WEEK, WEEK)
    assert end - start == WEEK
    assert end == NOW + ms - 1
    assert window(0, WEEK // ms, NOW, WEEK, WEEK) == (0, WEEK + ms - 1)
    for start_ms, end_ms in ((0, WEEK // ms + 1), (9, 8)):
        with pytest.raises(Refused) as caught:
            window(start_ms, end_ms, NOW, WEEK, WEEK)
        assert caught.value.code == 10001


@pytest.mark.parametrize("cursor", ["page_token%3D39380%26", "page_token=39380&"])
def test_cursors_are_read_encoded_or_not(cursor: str) -> None:
    assert cursor_place(cursor) == 39_380
    assert cursor_text(39_380) == "page_token%3D39380%26"
    assert cursor_place("") is None


@pytest.mark.parametrize("cursor", ["page_args%3Dx", "page_token%3D%26", "-1", "page_token%3D1;DROP%26"])
def test_foreign_cursors_are_refused(venue: Venue, cursor: str) -> None:
    for query in (venue.executions, venue.orders_open, venue.orders_history, venue.closed_pnl):
        with pytest.raises(Refused) as caught:
            query("1", "linear", cursor=cursor)
        assert caught.value.code == 10001
