"""Matches orders: an incoming one against the market and resting users, and resting ones against a moving market.

Better price first. At one price resting user orders go before the displayed size, first come first served: the market
is displayed as it would be without us, and a user who was there must not wait for it. Trades happen at the resting
side's price; a user order that the market runs into is the maker, at its own price. Accounts may trade with
themselves unless the incoming order says otherwise (self-match prevention).
"""

from decimal import Decimal

from msgspec import Struct

from tradectl.matching import attached, queue_position
from tradectl.matching.accounts import Account
from tradectl.matching.book import Book
from tradectl.matching.booking import Trade, book_trade
from tradectl.matching.order_life import cancel, fill, forget, keep_reducing
from tradectl.matching.publication import Publication
from tradectl.matching.records import Fill, VenueOrder
from tradectl.matching.resting import RestingOrder
from tradectl.matching.state import State
from tradectl.model.orders import SelfMatch, Side

#: More lots than any market holds.
NO_LIMIT = 1 << 62


BUY, SELL = Side.BUY, Side.SELL


class Incoming(Struct, gc=False):
    """An order that looks for a counterpart. ``limit`` is a key of the opposite side, ``leaves`` in lots.

    ``amount`` is the quote coin left to spend of a market buy by value (then ``leaves`` bounds nothing).
    """

    account: Account
    order: VenueOrder
    limit: int
    leaves: int
    amount: Decimal | None = None
    met_itself: str = ""  # the own order at which it had to stop


def limit_key(side: Side, ticks: int) -> int:
    """The worst key of the opposite side an order of ``side`` may take."""
    return ticks if side is BUY else -ticks


def available(book: Book, order: VenueOrder, limit: int) -> int:
    """Lots an incoming order would find: past its own resting orders if those give way, else up to the first."""
    displayed, resting = book.displayed(order.side.opposite), book.resting(order.side.opposite)
    own = "" if order.self_match is SelfMatch.NONE else order.uid
    if order.self_match in (SelfMatch.CANCEL_TAKER, SelfMatch.CANCEL_BOTH):
        first = resting.first_of(own, limit)
        if first is not None:
            return displayed.available_to(first.key - 1) + resting.available_before(first)
    return displayed.available_to(limit) + resting.available_to(limit, without=own)


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
        displayed, resting = (book.asks, book.sells) if incoming.order.side is BUY else (book.bids, book.buys)
        while incoming.leaves > 0 and not incoming.met_itself:
            level, maker = displayed.best(), resting.best()
            if maker is not None and (level is None or maker.key <= level):
                key, lots = maker.key, maker.leaves
            elif level is not None:
                key, lots, maker = level, displayed.sizes[level] - displayed.used.get(level, 0), None
            else:
                return
            if incoming.amount is not None:
                lots = _payable(book, incoming.amount, key, lots)
            elif lots > incoming.leaves:
                lots = incoming.leaves
            if key > incoming.limit or lots == 0:
                return
            if maker is not None and self._is_prevented(book, incoming, maker):
                continue
            self._meet(book, incoming, maker, key, lots)

    def cross(self, book: Book) -> None:
        """Fill resting orders that the displayed book now crosses, at their own price."""
        for displayed, resting in ((book.asks, book.buys), (book.bids, book.sells)):
            while (maker := resting.best()) is not None:
                level = displayed.best()
                if level is None or level > -maker.key:
                    break
                lots = min(maker.leaves, displayed.available(level))
                displayed.take(level, lots)
                self.fill_maker(book, maker, lots, self.state.ids.next_seq())

    def print_through(self, book: Book, side: Side, ticks: int, lots: int) -> None:
        """A public trade: fill what it ran through, then what it reached at its own price."""
        lots = self.run_through(book, ticks, lots)
        resting, key = (book.sells, ticks) if side is BUY else (book.buys, -ticks)
        if key not in resting.queues:
            return
        for maker, reached in queue_position.reached(resting, key, lots):
            self.fill_maker(book, maker, reached, self.state.ids.next_seq())

    def run_through(self, book: Book, ticks: int, lots: int) -> int:
        """Fill the resting orders a price has gone through, together at most ``lots``; how many of those are left."""
        for resting, key in ((book.buys, -ticks), (book.sells, ticks)):
            while lots and (maker := resting.best()) is not None and maker.key < key:
                filled = min(lots, maker.leaves)
                lots -= filled
                self.fill_maker(book, maker, filled, self.state.ids.next_seq())
        return lots

    def fill_maker(self, book: Book, maker: RestingOrder, lots: int, seq: int) -> None:
        """Trade ``lots`` of a resting order at its price."""
        order, account = maker.order, self.state.accounts[maker.order.uid]
        fill(book, account, maker, lots)
        trade = Trade(maker.ticks, lots, True, seq, self.now)
        booked = book_trade(self.state, self.out, account, book, order, trade)
        if maker.leaves == 0:
            forget(book, account, maker)
        self._settle(book, account, order, booked)

    def _meet(self, book: Book, incoming: Incoming, maker: RestingOrder | None, key: int, lots: int) -> None:
        seq, ticks = self.state.ids.next_seq(), abs(key)
        incoming.leaves -= lots
        if incoming.amount is not None:
            incoming.amount -= book.grid.value(ticks, lots)
        trade = Trade(ticks, lots, False, seq, self.now)
        booked = book_trade(self.state, self.out, incoming.account, book, incoming.order, trade)
        if maker is None:
            side = book.asks if incoming.order.side is BUY else book.bids
            side.take(key, lots)
        else:
            self.fill_maker(book, maker, lots, seq)
        self._settle(book, incoming.account, incoming.order, booked)

    def _settle(self, book: Book, account: Account, order: VenueOrder, fill: Fill) -> None:
        """After a fill: what it attaches, and what a changed position changes."""
        if order.protection is not None or order.partner:
            attached.after_fill(self.state, self.out, account, book, order, fill)
        holding = account.holdings.get(book.legs[order.position_idx])
        if holding is not None and holding.reducing:
            keep_reducing(self.out, account, book, order.position_idx, self.now)
        if holding is not None and holding.attached:
            attached.follow_position(self.out, account, book, order.position_idx, self.now)

    def _is_prevented(self, book: Book, incoming: Incoming, maker: RestingOrder) -> bool:
        """Self-match prevention: whether the order met one of its own account; one or both of them end."""
        order, kind = incoming.order, incoming.order.self_match
        if kind is SelfMatch.NONE or maker.order.uid != order.uid:
            return False
        if kind is not SelfMatch.CANCEL_TAKER:
            maker.order.smp_order_id = order.order_id
            cancel(self.out, incoming.account, book, maker, self.now, "CancelBySmp", "EC_BySelfMatch")
        if kind is not SelfMatch.CANCEL_MAKER:
            incoming.met_itself = maker.order.order_id
        return True


def _payable(book: Book, amount: Decimal, key: int, lots: int) -> int:
    """How much of ``lots`` at ``key`` a buy by value takes: the whole lots that ``amount`` can still pay."""
    return min(lots, int(amount / book.grid.value(abs(key), 1)))
