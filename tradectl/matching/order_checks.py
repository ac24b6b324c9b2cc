"""What the gateway refuses before an order exists, with Bybit's codes (bybit-v5 4.3, 5.1 and 10)."""

from decimal import Decimal
from string import ascii_letters, digits

from msgspec import Struct

from tradectl.matching.accounts import Account
from tradectl.matching.book import Book
from tradectl.matching.margin import adding_value, margin_of, value_im
from tradectl.matching.price_band import band_reference, market_bound, price_band
from tradectl.matching.records import NewOrder, Refused
from tradectl.matching.state import State
from tradectl.model.instruments import Category
from tradectl.model.money import ZERO, is_multiple
from tradectl.model.orders import OrderType, Side

MAX_OPEN_ORDERS = 500
#: Above this no amount is meant seriously, and exact arithmetic could run out of digits.
LARGEST = Decimal(10) ** 15
NOTHING_TO_REDUCE = 110017
BUY, MARKET, OPTION = Side.BUY, OrderType.MARKET, Category.OPTION
LONGEST_LINK, LINK_CHARACTERS = 36, ascii_letters + digits + "-_"


class Codes(Struct, frozen=True):
    """The codes of one product family."""

    balance: int
    duplicate_link: int
    not_trading: int
    too_many: int
    price_format: int
    price_high: int
    price_low: int
    band_high: int
    band_low: int
    qty_format: int
    qty_low: int
    qty_high: int
    notional: int
    unknown_order: int
    amend_filled: int


LINEAR = Codes(
    balance=110007, duplicate_link=110072, not_trading=110074, too_many=110020, price_format=110003, price_high=110003,
    price_low=110003, band_high=110003, band_low=110003, qty_format=10001, qty_low=10001, qty_high=10001,
    notional=110094, unknown_order=110001, amend_filled=110064,
)  # fmt: skip
SPOT = Codes(
    balance=170131, duplicate_link=170141, not_trading=170151, too_many=170810, price_format=170134, price_high=170132,
    price_low=170133, band_high=170371, band_low=170372, qty_format=170137, qty_low=170136, qty_high=170124,
    notional=170140, unknown_order=170213, amend_filled=170313,
)  # fmt: skip


def codes_of(book: Book) -> Codes:
    return SPOT if book.is_spot else LINEAR


def is_link(text: str) -> bool:
    """Whether it is 1 to 36 characters of ASCII letters, digits, - and _."""
    return 0 < len(text) <= LONGEST_LINK and not text.strip(LINK_CHARACTERS)


def check_new(account: Account, book: Book, request: NewOrder) -> None:
    """Everything about a create request that needs neither price nor funds."""
    codes, link_id = SPOT if book.is_spot else LINEAR, request.link_id
    if book.instrument.id.category is OPTION:
        raise Refused(10001, "options cannot be traded here")
    if request.position_idx not in ((1, 2) if account.hedged(book.instrument) else (0,)):
        raise Refused(10001, "position idx not match position mode")
    if book.instrument.status != "Trading":
        raise Refused(codes.not_trading, f"{book.instrument.id.symbol} is not trading")
    if link_id and not is_link(link_id):
        raise Refused(10001, "orderLinkId must be 1 to 36 characters of letters, digits, - and _")
    if link_id in account.used_links or link_id in account.open_links:
        raise Refused(codes.duplicate_link, "Duplicate clientOrderId")
    if request.quote_qty and not (
        book.instrument.is_spot and request.type is OrderType.MARKET and request.side is Side.BUY
    ):
        raise Refused(10001, "an amount in quote coin is for spot market buys")


def check_cap(account: Account, book: Book) -> None:
    """The cap of active orders, for an order that may rest."""
    if _open_orders(account, book) >= MAX_OPEN_ORDERS:
        raise Refused(codes_of(book).too_many, f"more than {MAX_OPEN_ORDERS} active orders")


def check_price(book: Book, price: Decimal | None, name: str = "price") -> Decimal:
    """A price the venue can write down, wherever the market is: finite, within the instrument's range, on its tick."""
    codes, instrument = SPOT if book.is_spot else LINEAR, book.instrument
    if price is None or not price.is_finite():
        raise Refused(10001, f"{name} is required")
    if price <= ZERO or price < instrument.min_price:
        raise Refused(codes.price_low, f"{name} {price} is below the minimum {instrument.min_price}")
    highest_price = LARGEST if instrument.max_price is None else instrument.max_price
    if price > highest_price:
        raise Refused(codes.price_high, f"{name} {price} is above the maximum {highest_price}")
    if not is_multiple(price, instrument.tick_size):
        raise Refused(codes.price_format, f"{name} {price} is not a multiple of the tick {instrument.tick_size}")
    return price


def limit_ticks(book: Book, side: Side, price: Decimal | None) -> int:
    """A limit price in ticks; outside the band derivatives clamp silently and spot refuses (bybit-v5 5.1)."""
    codes = codes_of(book)
    price = check_price(book, price)
    near = band_reference(book)
    if near is None or (price <= near if side is BUY else price >= near):
        return book.grid.ticks(price)  # no band ends before its own reference
    band = price_band(book)
    if band is not None:
        highest, lowest = band
        if side is Side.BUY and price > highest:
            price = _beyond_band(book, codes.band_high, price, highest, "higher")
        elif side is Side.SELL and price < lowest:
            price = _beyond_band(book, codes.band_low, price, lowest, "lower")
    return book.grid.ticks(price)


def protective_ticks(book: Book, side: Side) -> int:
    """The bound of a market order. Raises 110118/170159 for a market without any price."""
    bound = market_bound(book, side)
    if bound is None:
        raise Refused(170159 if book.instrument.is_spot else 110118, "there is no market price")
    return bound


def largest_qty(book: Book, type: OrderType) -> Decimal:
    return book.instrument.max_market_qty if type is MARKET else book.instrument.max_limit_qty


def check_qty(book: Book, qty: Decimal, type: OrderType) -> int:
    """A quantity in lots."""
    codes, instrument = SPOT if book.is_spot else LINEAR, book.instrument
    most = instrument.max_market_qty if type is MARKET else instrument.max_limit_qty
    if not qty.is_finite() or qty <= ZERO or (not book.is_spot and qty < instrument.min_qty):
        raise Refused(codes.qty_low, f"qty {qty} is below the minimum {instrument.min_qty}")
    if qty > most:
        raise Refused(codes.qty_high, f"qty {qty} is above the maximum {most}")
    lot = book.grid.lot
    lots = int(qty / lot)
    if lots * lot != qty:
        raise Refused(codes.qty_format, f"qty {qty} is not a multiple of the step {instrument.lot_size}")
    return lots


def check_notional(account: Account, book: Book, side: Side, qty: Decimal, price: Decimal | None, idx: int = 0) -> None:
    """The minimum order value in quote (contracts of inverse are dollars); closing orders are exempt."""
    if price is None or (qty if book.grid.inverse else qty * price) >= book.instrument.min_notional:
        return
    size = account.size(book.instrument.id, idx)
    if size * side.sign >= 0 or qty > abs(size):
        raise Refused(
            codes_of(book).notional,
            f"Order does not meet minimum order value {book.instrument.min_notional}{book.instrument.quote_coin}",
        )


def check_amount(book: Book, amount: Decimal) -> None:
    """The quote amount of a spot market buy."""
    if not amount.is_finite() or amount < book.instrument.min_notional or amount <= 0:
        raise Refused(SPOT.notional, f"Order value is below the minimum {book.instrument.min_notional}")
    if amount > LARGEST:
        raise Refused(SPOT.qty_high, f"Order value is above the maximum {LARGEST}")
    if not is_multiple(amount, book.instrument.quote_precision):
        raise Refused(170148, f"amount {amount} is not a multiple of {book.instrument.quote_precision}")


def reducible(account: Account, book: Book, side: Side, idx: int = 0) -> Decimal:
    """How much an order of ``side`` may reduce. Raises 110017 when there is nothing."""
    size = account.size(book.instrument.id, idx)
    if size * side.sign >= 0:
        raise Refused(NOTHING_TO_REDUCE, "current position is zero or on the same side, cannot reduce it")
    return abs(size)


def check_coins(account: Account, book: Book, side: Side, qty: Decimal, value: Decimal) -> None:
    """The coins a spot order needs."""
    coin, need = (book.instrument.quote_coin, value) if side is Side.BUY else (book.instrument.base_coin, qty)
    wallet = account.wallets.get(coin)
    free = ZERO if wallet is None else wallet.balance - wallet.locked
    if need > free:
        raise Refused(SPOT.balance, f"Insufficient balance: {need} {coin} needed, {free} free")


def check_margin(
    state: State, account: Account, book: Book, side: Side, qty: Decimal, value: Decimal, idx: int = 0
) -> None:
    """The margin an order adds; one that only closes adds none and passes even in a short account."""
    held = account.holdings.get(book.legs[idx]) or account.peek_holding(book.instrument, idx)
    position, taker = held.position, account.fees.linear_taker
    size, bought, buy_value, sold, sell_value = (
        position.size, held.buy_qty, held.buy_value, held.sell_qty, held.sell_value,
    )  # fmt: skip
    if side is BUY:
        adding = adding_value(size, bought + qty, buy_value + value, sold, sell_value)
    else:
        adding = adding_value(size, bought, buy_value, sold + qty, sell_value + value)
    if not adding:
        return
    need = value_im(adding, position.leverage, taker)
    if bought or sold:
        need -= value_im(adding_value(size, bought, buy_value, sold, sell_value), position.leverage, taker)
    need *= state.dollars(book.instrument.settle_coin)
    if need > ZERO and need > margin_of(state, account).available:
        raise Refused(LINEAR.balance, "ab not enough for new order")


def _open_orders(account: Account, book: Book) -> int:
    """Active orders that count towards the cap: per symbol on derivatives, all spot orders together."""
    if len(account.orders) < MAX_OPEN_ORDERS:
        return len(account.orders)
    instrument = book.instrument
    return sum(
        other.order.instrument.category is instrument.id.category
        and (instrument.is_spot or other.order.instrument == instrument.id)
        for other in account.orders.values()
    )


def _beyond_band(book: Book, code: int, price: Decimal, edge: Decimal, word: str) -> Decimal:
    if book.instrument.is_spot:
        raise Refused(code, f"price {price} cannot be {word} than {edge}")
    return edge
