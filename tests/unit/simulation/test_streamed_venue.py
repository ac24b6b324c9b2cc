"""A venue moved by quotes, books and prints: fills to the lot, worked out by hand. Lots are 0.001, ticks 0.1."""

from decimal import Decimal

import pytest

from tests.unit.backtest.candles import BTC, START, instrument
from tradectl.model.commands import RiskApproved
from tradectl.model.events import Event, Executed, OrderReported
from tradectl.model.money import use_exact_context
from tradectl.model.orders import OrderSpec, OrderStatus, OrderType, Side, TimeInForce
from tradectl.simulation.models import FixedSpread, Models, VolumeShare
from tradectl.simulation.streamed_venue import StreamedVenue

D = Decimal
MS = 10**6
Fills = list[tuple[Decimal, Decimal, bool]]


@pytest.fixture(autouse=True)
def _exact() -> None:
    use_exact_context()


def venue(models: Models = Models(), *, quoted: bool = True) -> StreamedVenue:  # noqa: B008
    made = StreamedVenue([instrument()], models, cash={"USDT": D(100_000)}, seed="x", leverage=D(10), now=START)
    made.streams[BTC].awaits_quotes = quoted
    return made


def order(it: StreamedVenue, side: Side, qty: str, price: str = "", ms: int = 0, **more: object) -> list[Event]:
    kind, when = (OrderType.LIMIT, TimeInForce.GTC) if price else (OrderType.MARKET, TimeInForce.IOC)
    settings = {"link_id": f"at-{ms}", "time_in_force": when} | more
    spec = OrderSpec(
        instrument=BTC, side=side, type=kind, qty=D(qty), price=D(price) if price else None, **settings  # type: ignore[arg-type]
    )  # fmt: skip
    return it.carry_out(RiskApproved(0, 0, spec), START + ms * MS)


def fills(events: list[Event]) -> Fills:
    return [
        (e.execution.price, e.execution.qty, e.execution.is_maker) for e in events if isinstance(e, Executed)
    ]  # fmt: skip


def status(events: list[Event]) -> OrderStatus:
    return [it.report.status for it in events if isinstance(it, OrderReported)][-1]


def quote(it: StreamedVenue, ms: int, bid: float, bid_size: float, ask: float, ask_size: float) -> list[Event]:
    ticks = round(bid * 10), round(bid_size * 1000), round(ask * 10), round(ask_size * 1000)
    return it.quote(BTC, START + ms * MS, *ticks)


def test_what_we_took_of_the_touch_is_gone_until_it_is_quoted_anew() -> None:
    it = venue(Models(liquidity=VolumeShare(0.5)))  # behind the touch nothing, for nothing traded yet
    quote(it, 0, 100.0, 1.0, 100.1, 2.0)
    assert fills(order(it, Side.BUY, "1.5", ms=1)) == [(D("100.1"), D("1.5"), False)]
    rest = order(it, Side.BUY, "1.5", ms=2)
    assert fills(rest) == [(D("100.1"), D("0.5"), False)]
    assert status(rest) is OrderStatus.CANCELLED
    quote(it, 3, 99.9, 1.0, 100.1, 2.0)  # the ask did not change: what is used stays used
    assert fills(order(it, Side.BUY, "1", ms=4)) == []
    quote(it, 5, 99.9, 1.0, 100.1, 0.7)
    assert fills(order(it, Side.BUY, "1", ms=6)) == [(D("100.1"), D("0.7"), False)]


def test_behind_the_touch_any_size_trades_a_tick_away() -> None:
    it = venue()
    quote(it, 0, 100.0, 1.0, 100.1, 2.0)
    taken = order(it, Side.BUY, "5", ms=1)
    assert fills(taken) == [(D("100.1"), D("2"), False), (D("100.2"), D("3"), False)]


def test_a_whole_book_is_walked_level_by_level() -> None:
    it = venue()
    it.book(BTC, START, True, {-1000: 1000, -999: 3000}, {1001: 2000, 1003: 1000})
    taken = order(it, Side.BUY, "4", ms=1)
    assert fills(taken) == [(D("100.1"), D("2"), False), (D("100.3"), D("1"), False)]
    assert status(taken) is OrderStatus.CANCELLED
    it.book(BTC, START + 2 * MS, False, {}, {1001: 500, 1003: 0})
    assert fills(order(it, Side.BUY, "4", ms=3)) == [(D("100.1"), D("0.5"), False)]
    assert it.streams[BTC].touch() == (100.0, 100.1)


def test_changes_of_a_book_nobody_knows_are_passed_over() -> None:
    it = venue()
    assert it.book(BTC, START, False, {-1000: 1000}, {1001: 2000}) == []
    assert fills(order(it, Side.BUY, "1", ms=1)) == []


def test_an_order_waits_behind_what_stood_there_and_prints_move_it_on() -> None:
    it = venue()
    quote(it, 0, 100.0, 5.0, 100.1, 2.0)
    order(it, Side.BUY, "2", "100.0", ms=1)

    def prints(ms: int, size: float, price: float = 100.0) -> Fills:
        return fills(it.printed(BTC, START + ms * MS, Side.SELL, price, size))

    assert prints(2, 3.0) == []  # 2 of the 5 before us are left
    assert quote(it, 3, 100.0, 6.0, 100.1, 2.0) == []  # who comes later stands behind us
    assert prints(4, 2.5) == [(D("100.0"), D("0.5"), True)]
    assert prints(5, 0.7) == [(D("100.0"), D("0.7"), True)]
    assert prints(6, 9.0) == [(D("100.0"), D("0.8"), True)]
    assert prints(7, 9.0) == []


def test_less_displayed_than_stood_before_us_moves_us_on() -> None:
    it = venue()
    quote(it, 0, 100.0, 5.0, 100.1, 2.0)
    order(it, Side.BUY, "2", "100.0", ms=1)
    quote(it, 2, 100.0, 1.0, 100.1, 2.0)
    assert fills(it.printed(BTC, START + 3 * MS, Side.SELL, 100.0, 1.5)) == [(D("100.0"), D("0.5"), True)]


def test_a_print_beyond_our_price_and_a_quote_that_crosses_it_fill_no_more_than_their_size() -> None:
    it = venue()
    quote(it, 0, 100.0, 5.0, 100.1, 2.0)
    order(it, Side.BUY, "2", "100.0", ms=1)
    assert fills(it.printed(BTC, START + 2 * MS, Side.SELL, 99.9, 0.5)) == [(D("100.0"), D("0.5"), True)]
    crossed = venue(Models(liquidity=VolumeShare(0.5)))
    quote(crossed, 0, 100.0, 5.0, 100.1, 2.0)
    order(crossed, Side.BUY, "2", "100.0", ms=1)
    assert fills(quote(crossed, 2, 99.8, 1.0, 99.9, 0.3)) == [(D("100.0"), D("0.3"), True)]


def test_before_the_first_quote_there_is_no_market() -> None:
    it = venue()
    it.printed(BTC, START, Side.BUY, 100.0, 1.0)
    assert status(order(it, Side.BUY, "1", "100.0", ms=1)) is OrderStatus.NEW


def test_with_prints_alone_bid_and_ask_follow_the_last_one() -> None:
    it = venue(Models(spread=FixedSpread(2)), quoted=False)
    it.printed(BTC, START, Side.BUY, 100.0, 1.0)
    assert fills(order(it, Side.BUY, "3", ms=1)) == [(D("100.2"), D("3"), False)]
    order(it, Side.BUY, "2", "99.5", ms=2)
    assert fills(it.printed(BTC, START + 3 * MS, Side.SELL, 99.5, 9.0)) == []  # a touch fills nobody
    assert fills(it.printed(BTC, START + 4 * MS, Side.SELL, 99.4, 0.8)) == [(D("99.5"), D("0.8"), True)]
    assert fills(it.printed(BTC, START + 5 * MS, Side.SELL, 99.4, 9.0)) == [(D("99.5"), D("1.2"), True)]


def test_marks_and_not_prints_ruin_where_marks_are_stated() -> None:
    it = venue()
    quote(it, 0, 100.0, 5000.0, 100.1, 5000.0)
    it.marked(BTC, START, 100.0)
    assert fills(order(it, Side.BUY, "5000", ms=1))
    it.printed(BTC, START + 2 * MS, Side.SELL, 60.0, 1.0)
    assert fills(it.tell(BTC, START + 2 * MS)) == []
    it.marked(BTC, START + 3 * MS, 60.0)
    assert [e.execution.type for e in it.tell(BTC, START + 3 * MS) if isinstance(e, Executed)] == ["BustTrade"]
