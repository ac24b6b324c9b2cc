"""Instruments, accounts and small helpers for the tests of the matching engine."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from tradectl.matching.exchange import Exchange
from tradectl.matching.records import (
    Fill,
    FillHappened,
    Happening,
    LedgerEntry,
    LedgerHappened,
    NewOrder,
    OrderHappened,
    VenueOrder,
)
from tradectl.matching.views import AccountFees
from tradectl.model.instruments import Category, Instrument, InstrumentId
from tradectl.model.orders import OrderType, Side, TimeInForce, Trigger, TriggerBy

D = Decimal
LINEAR = InstrumentId(Category.LINEAR, "BTCUSDT")
INVERSE = InstrumentId(Category.INVERSE, "BTCUSD")
SPOT = InstrumentId(Category.SPOT, "BTCUSDT")
BUY, SELL = Side.BUY, Side.SELL


def instruments(*, bands: bool = True) -> list[Instrument]:
    """BTCUSDT as a perpetual and as a spot pair, BTCUSD as an inverse perpetual in contracts of a dollar."""
    return [
        Instrument(
            LINEAR, "BTC", "USDT", "USDT", D("0.1"), D("0.001"), D("0.001"), D(1190), D(500), D(5), D("0.1"),
            D("1999999.8"), D(100), 480, D("0.01") if bands else None, D("0.02") if bands else None,
        ),
        Instrument(
            SPOT, "BTC", "USDT", "", D("0.1"), D("0.000001"), D("0.000011"), D(83), D("41.5"), D(5),
            price_limit_x=D("0.005") if bands else None, price_limit_y=D("0.01") if bands else None,
        ),
        Instrument(
            INVERSE, "BTC", "USD", "BTC", D("0.5"), D(1), D(1), D(1_000_000), D(500_000), D(5), D("0.5"), D(1_999_999),
            D(100), 480, D("0.01") if bands else None, D("0.02") if bands else None,
        ),
    ]  # fmt: skip


def exchange(
    *users: str, usdt: str = "100000", btc: str = "0", bands: bool = True, fees: AccountFees | None = None
) -> Exchange:
    """Funded accounts and a mark of 50,000 on both markets; the books are empty."""
    venue = Exchange(instruments(bands=bands), seed="test")
    for uid in users or ("alice",):
        venue.open_account(uid, fees or AccountFees(), 0)
        for coin, amount in (("USDT", usdt), ("BTC", btc)):
            if D(amount):
                venue.deposit(uid, coin, D(amount), 0)
    for instrument in (LINEAR, SPOT, INVERSE):
        venue.set_last(instrument, D(50000), 0)
        venue.set_mark(instrument, D(50000), D(50000), 0)
    return venue


def levels(*pairs: tuple[str, str]) -> list[tuple[Decimal, Decimal]]:
    return [(D(price), D(size)) for price, size in pairs]


def limit(
    side: Side,
    qty: str,
    price: str,
    *,
    instrument: InstrumentId = LINEAR,
    tif: TimeInForce = TimeInForce.GTC,
    reduce_only: bool = False,
    link: str = "",
    **more: Any,
) -> NewOrder:
    return NewOrder(instrument, side, OrderType.LIMIT, D(qty), D(price), tif, reduce_only, link_id=link, **more)


def market(
    side: Side, qty: str, *, instrument: InstrumentId = LINEAR, reduce_only: bool = False, quote: bool = False,
    **more: Any,
) -> NewOrder:  # fmt: skip
    return NewOrder(instrument, side, OrderType.MARKET, D(qty), reduce_only=reduce_only, quote_qty=quote, **more)


def above(price: str, by: TriggerBy = TriggerBy.LAST) -> Trigger:
    return Trigger(D(price), True, by)


def below(price: str, by: TriggerBy = TriggerBy.LAST) -> Trigger:
    return Trigger(D(price), False, by)


def deep_book(venue: Exchange, instrument: InstrumentId = LINEAR, mid: int = 50000, size: str = "100") -> None:
    """Bids and asks one dollar around ``mid``, deep enough for everything."""
    venue.set_book(instrument, levels((str(mid - 1), size)), levels((str(mid + 1), size)), 1)


def status_of(happenings: Iterable[Happening], kind: str) -> list[str]:
    """The states an order of one ``stopOrderType`` went through."""
    return [order.status.value for order in orders(happenings) if order.stop_order_type == kind]


def fills(happenings: Iterable[Happening]) -> list[Fill]:
    return [happening.fill for happening in happenings if isinstance(happening, FillHappened)]


def orders(happenings: Iterable[Happening]) -> list[VenueOrder]:
    return [happening.order for happening in happenings if isinstance(happening, OrderHappened)]


def ledger(happenings: Iterable[Happening]) -> list[LedgerEntry]:
    return [happening.entry for happening in happenings if isinstance(happening, LedgerHappened)]


def traded(happenings: Iterable[Happening]) -> list[tuple[str, str, str, str]]:
    """``(uid, side, price, qty)`` of every fill, for readable comparisons."""
    return [(fill.uid, fill.side.value, plain(fill.price), plain(fill.qty)) for fill in fills(happenings)]


def plain(value: Decimal) -> str:
    return format(value.normalize(), "f")


def wire_row(fill: Fill) -> dict[str, str | int | bool]:
    """A fill as the wire has it, for the independent checker."""
    return {
        "category": fill.instrument.category.value, "symbol": fill.instrument.symbol, "side": fill.side.value,
        "execId": fill.exec_id, "execQty": str(fill.qty), "execPrice": str(fill.price), "execValue": str(fill.value),
        "execFee": str(fill.fee), "feeCurrency": fill.fee_coin, "feeRate": str(fill.fee_rate),
        "execType": fill.type, "execTime": str(fill.ts // 1_000_000), "seq": fill.seq, "isMaker": fill.is_maker,
        "positionIdx": fill.position_idx,
    }  # fmt: skip


def assert_conserved(venue: Exchange, users: Iterable[str], deposited: dict[str, Decimal]) -> None:
    """All wallets, the market's cash and the fees are what was deposited, coin by coin, to the last digit."""
    cash, fees = venue.market_cash(), venue.fees_collected()
    users = list(users)
    coins = {wallet.coin for uid in users for wallet in venue.wallets(uid)} | cash.keys() | fees.keys()
    for coin in coins:
        total = sum((venue.wallet(uid, coin).balance for uid in users), D(0)) + cash.get(coin, D(0))
        assert total + fees.get(coin, D(0)) == deposited.get(coin, D(0)), coin
