"""Inverse perpetuals of the generated market: contracts in dollars, settled in coins (bybit-v5 4.2, 4.3, 6.1)."""

from decimal import Decimal

import pytest

from tradectl.matching.records import NewOrder
from tradectl.model.errors import Problem
from tradectl.model.instruments import Category, InstrumentId
from tradectl.model.money import to_coin
from tradectl.model.orders import OrderType, Side
from tradectl.sandbox.server.account_views import AccountViews
from tradectl.sandbox.server.rows.orders import order_row
from tradectl.sandbox.server.rows.positions import closed_pnl_row
from tradectl.sandbox.venue import Venue, VenueConfig

BTCUSD = InstrumentId(Category.INVERSE, "BTCUSD")
QUERY = {"category": "inverse", "symbol": "BTCUSD"}
WALL = 1_800_000_033_000_000_000


def venue_of(*symbols: str, speed: float | None = None) -> Venue:
    return Venue(VenueConfig(speed=speed, backfill=30, symbols=symbols), wall=lambda: WALL)


def test_the_catalogue_row() -> None:
    row = venue_of("BTCUSDT", "BTCUSD").market("instruments-info", {"category": "inverse"})["list"][0]
    assert (row["symbol"], row["contractType"], row["quoteCoin"]) == ("BTCUSD", "InversePerpetual", "USD")
    assert (row["settleCoin"], row["lotSizeFilter"]["qtyStep"], row["lotSizeFilter"]["minNotionalValue"]) == (
        "BTC", "1", "",
    )  # fmt: skip
    with pytest.raises(Problem, match="SOLUSD"):
        venue_of("SOLUSD")


def test_the_other_markets_do_not_notice_it() -> None:
    query = {"category": "linear", "symbol": "BTCUSDT", "interval": "1"}
    venues = [venue_of("BTCUSDT", "ETHUSDT"), venue_of("BTCUSDT", "BTCUSD", "ETHUSDT")]
    for venue in venues:
        for _ in range(20):
            venue.step()
    alone, beside = (venue.market("kline", query)["list"] for venue in venues)
    assert alone == beside
    prices = [Decimal(venues[1].market("tickers", q)["list"][0]["lastPrice"]) for q in (QUERY, query)]
    assert abs(prices[0] / prices[1] - 1) < Decimal("0.002")


def test_turnover_is_counted_in_coins() -> None:
    venue = venue_of("BTCUSD", speed=60.0)
    for _ in range(40):
        venue.step()
    for row in venue.market("kline", QUERY | {"interval": "1"})["list"]:
        _, _, high, low, _, volume, turnover = map(Decimal, row)
        assert volume == volume.to_integral_value()
        assert volume / high - Decimal("1e-6") <= turnover <= volume / low + Decimal("1e-6")
    ticker = venue.market("tickers", QUERY)["list"][0]
    assert Decimal(ticker["openInterestValue"]) < Decimal(ticker["openInterest"]) / 1000
    book = venue.market("orderbook", QUERY)
    value = sum(Decimal(size) for _, size in book["b"][:5]) / 5
    assert 1_000 < value < 1_000_000  # contracts are dollars
    venue.watch("inverse/publicTrade.BTCUSD")
    assert any(frame.payload["data"][0]["s"] == "BTCUSD" for _ in range(4) for frame in venue.step().frames)


def test_a_trade_is_booked_in_coins() -> None:
    venue = venue_of("BTCUSDT", "BTCUSD")
    venue.open_account("1", {"BTC": Decimal(1)})
    venue.step()
    buy = venue.place("1", NewOrder(BTCUSD, Side.BUY, OrderType.MARKET, Decimal(10_000)))[0]
    views = AccountViews(venue)
    position = views.positions("1", BTCUSD)[0]
    fills = venue.executions("1", "inverse")[0]
    entry = sum((fill.value for fill in fills), Decimal(0))
    assert (position["side"], position["size"], Decimal(position["positionValue"])) == ("Buy", "10000", entry)
    assert abs(Decimal(position["avgPrice"]) - 10_000 / entry) < Decimal("0.01")
    assert Decimal(position["breakEvenPrice"]) > Decimal(position["avgPrice"])
    row = order_row(venue.orders_history("1", "inverse")[0][0], venue.exchange.instruments[BTCUSD])
    assert row["orderId"] == buy.order_id
    assert abs(Decimal(row["avgPrice"]) - Decimal(position["avgPrice"])) < Decimal("0.01")
    for _ in range(30):
        venue.step()
    venue.place("1", NewOrder(BTCUSD, Side.SELL, OrderType.MARKET, Decimal(4_000), reduce_only=True))
    venue.place("1", NewOrder(BTCUSD, Side.SELL, OrderType.MARKET, Decimal(6_000), reduce_only=True))
    rows = venue.closed_pnl("1", "inverse")[0]
    for closed in rows:
        assert closed.pnl == closed.entry_value - closed.exit_value - closed.open_fee - closed.close_fee
        assert abs(Decimal(closed_pnl_row(closed)["avgEntryPrice"]) - 10_000 / entry) < Decimal("0.1")
    paid = sum((row.pnl for row in rows), Decimal(0))
    wallet = venue.exchange.wallet("1", "BTC")
    funding = sum((entry.funding for entry in venue.ledger("1", type="SETTLEMENT")[0]), Decimal(0))
    assert wallet.balance == 1 + paid + funding
    assert to_coin(wallet.balance) == wallet.balance
