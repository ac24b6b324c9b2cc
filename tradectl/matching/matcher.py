"""Matches orders: an incoming one against the market and resting users, and resting ones against a moving market.

Better price first. At one price resting user orders go before the displayed size, first come first served: the market
is displayed as it would be without us, and a user who was there must not wait for it. Trades happen at the resting
side's price; a user order that the market runs into is the maker, at its own price. Accounts may trade with
themselves, as at Bybit without self-match prevention.
"""

from decimal import Decimal

from msgspec import Struct

from tradectl.matching import queue_position
from tradectl.matching.accounts import Account
from tradectl.matching.book import Book
from tradectl.matching.booking import Trade, book_trade
from tradectl.matching.order_life import forget, keep_reducing, release
from tradectl.matching.publication import Publication
from tradectl.matching.records import VenueOrder
from tradectl.matching.resting import RestingOrder
from tradectl.matching.state import State
from tradectl.model.orders import Side

#: More lots than any market holds.
NO_LIMIT = 1 << 62


class Incoming(Struct):
    """An order that looks for a counterpart. ``limit`` is a key of the opposite side, ``leaves`` in lots.

    ``amount`` is the quote coin left to spend of a market buy by value (then ``leaves`` bounds nothing).
    """

    account: Account
    order: VenueOrder
    limit: int
    leaves: int
    amount: Decimal | None = None


def limit_key(side: Side, ticks: int) -> int:
    """The worst key of the opposite side an order of ``side`` may take."""
    return side.sign * ticks


def available(book: Book, side: Side, limit: int) -> int:
    """Lots an incoming order of ``side`` would find."""
    other = side.opposite
    return book.displayed(other).available_to(limit) + book.resting(other).available_to(limit)


def would_take(book: Book, side: Side, limit: int) -> bool:
    """Whether an order of ``side`` would trade at once."""
    level, maker = book.displayed(side.opposite).best(), book.resting(side.opposite).best()
    return (level is not None and level <= limit) or (maker is not None and maker.key <= limit)


class Matcher:
    """The matching of one action: writes into ``out`` at the venue's time ``now``."""

    __slots__ = ("now", "out", "state")

    def __init__(self, state: State, out: Publication, now: int) -> None:
        self.state = state
        self.out = out
        self.now = now

    def take(self, book: Book, incoming: Incoming) -> None:
        """Match until nothing within the limit, or nothing of the order, is left."""
        other = incoming.order.side.opposite
        displayed, resting = book.displayed(other), book.resting(other)
        while incoming.leaves > 0:
            level, maker = displayed.best(), resting.best()
            if maker is not None and (level is None or maker.key <= level):
                key, lots = maker.key, maker.leaves
            elif level is not None:
                key, lots, maker = level, displayed.available(level), None
            else:
                return
            lots = _wanted(book, incoming, key, lots)
            if key > incoming.limit or lots == 0:
                return
            self._meet(book, incoming, maker, key, lots)

    def cross(self, book: Book) -> None:
        """Fill resting orders that the displayed book now crosses, at their own price."""
        for side in (Side.BUY, Side.SELL):
            displayed, resting = book.displayed(side.opposite), book.resting(side)
            while (maker := resting.best()) is not None:
                level = displayed.best()
                if level is None or level > -maker.key:
                    break
                lots = min(maker.leaves, displayed.available(level))
                displayed.take(level, lots)
                self.fill_maker(book, maker, lots, self.state.ids.next_seq())

    def print_through(self, book: Book, side: Side, ticks: int, lots: int) -> None:
        """A public trade: fill what it ran through, then what it reached at its own price."""
        for resting, key in ((book.buys, -ticks), (book.sells, ticks)):
            while lots and (maker := resting.best()) is not None and maker.key < key:
                filled = min(lots, maker.leaves)
                lots -= filled
                self.fill_maker(book, maker, filled, self.state.ids.next_seq())
        maker_side = side.opposite
        key = -maker_side.sign * ticks
        for maker, reached in queue_position.reached(book.resting(maker_side), key, lots):
            self.fill_maker(book, maker, reached, self.state.ids.next_seq())

    def fill_maker(self, book: Book, maker: RestingOrder, lots: int, seq: int) -> None:
        """Trade ``lots`` of a resting order at its price."""
        order, account = maker.order, self.state.accounts[maker.order.uid]
        release(book, account, maker, lots)
        maker.leaves -= lots
        book_trade(self.state, self.out, account, book, order, Trade(maker.ticks, lots, True, seq, self.now))
        if maker.leaves == 0:
            forget(book, account, maker)
        keep_reducing(self.out, account, book, self.now)

    def _meet(self, book: Book, incoming: Incoming, maker: RestingOrder | None, key: int, lots: int) -> None:
        seq, ticks = self.state.ids.next_seq(), abs(key)
        incoming.leaves -= lots
        if incoming.amount is not None:
            incoming.amount -= book.grid.value(ticks, lots)
        trade = Trade(ticks, lots, False, seq, self.now)
        book_trade(self.state, self.out, incoming.account, book, incoming.order, trade)
        if maker is None:
            book.displayed(incoming.order.side.opposite).take(key, lots)
        else:
            self.fill_maker(book, maker, lots, seq)
        keep_reducing(self.out, incoming.account, book, self.now)


def _wanted(book: Book, incoming: Incoming, key: int, lots: int) -> int:
    """How much of ``lots`` at ``key`` the order takes; a buy by value takes the whole lots it can still pay."""
    if incoming.amount is None:
        return min(lots, incoming.leaves)
    return min(lots, int(incoming.amount / book.grid.value(abs(key), 1)))
