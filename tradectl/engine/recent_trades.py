"""The last trades of a net position, so that one that becomes known late is booked where it belongs in time.

A poll may bring fills older than what the stream already told, and polled fills do not state their profit (bybit-v5
5.7): computed in the order of arrival, profit and cash would differ from the venue's.
"""

from bisect import bisect_right
from decimal import Decimal

from msgspec import Struct, field
from msgspec.structs import replace

from tradectl.engine.books import Book

#: So many trades are kept; the oldest half then becomes part of the anchor.
KEEP = 128
_HALF = KEEP // 2
#: At so many the book is the next anchor, and the one after it.
_SEEN = (_HALF, KEEP)


class Trade(Struct, array_like=True, gc=False):
    """What :meth:`Book.trade` needs, and when it happened (nanoseconds)."""

    ts: int
    sign: int
    qty: Decimal
    price: Decimal
    pnl: Decimal | None
    value: Decimal | None = None  # where it is not quantity times price


class RecentTrades(Struct):
    """``anchor`` is the book before the first of ``trades``, which are in order of time; ``middle`` the one the anchor
    becomes next, where it was seen on the way."""

    anchor: Book
    trades: list[Trade] = field(default_factory=list)
    middle: Book | None = None

    @classmethod
    def since(cls, net: Book) -> "RecentTrades":
        """None so far, on the book as it is."""
        return cls(replace(net))

    def book(self, trade: Trade, net: Book) -> Decimal:
        """Book a trade into ``net``; returns by how much its realised profit changed."""
        before, kept, ahead = net.realised, self.trades, None
        count = len(kept)
        if not count or kept[-1].ts <= trade.ts:
            if count in _SEEN:
                ahead = _moving(net)
            kept.append(trade)
            net.trade(trade.sign, trade.qty, trade.price, trade.pnl, trade.value)
        else:
            kept.insert(bisect_right(kept, trade.ts, key=lambda t: t.ts), trade)
            self._again(net)
            self.middle = None
        if count >= KEEP:
            self._fold()
        if ahead is not None:
            self.middle = ahead
        return net.realised - before

    def _again(self, net: Book) -> None:
        book = replace(self.anchor)
        _apply(self.trades, book)
        net.size, net.cost, net.realised, net.cash_flow = book.size, book.cost, book.realised, book.cash_flow

    def _fold(self) -> None:
        if self.middle is not None:
            self.anchor = self.middle
        else:
            _apply(self.trades[:_HALF], self.anchor)
        del self.trades[:_HALF]


def _moving(book: Book) -> Book:
    """What trades move of a book."""
    return Book(book.size, book.cost, book.realised, cash_flow=book.cash_flow, inverse=book.inverse)


def _apply(trades: list[Trade], book: Book) -> None:
    for t in trades:
        book.trade(t.sign, t.qty, t.price, t.pnl, t.value)
