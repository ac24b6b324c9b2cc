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


class Trade(Struct, array_like=True, gc=False):
    """What :meth:`Book.trade` needs, and when it happened (nanoseconds)."""

    ts: int
    sign: int
    qty: Decimal
    price: Decimal
    pnl: Decimal | None
    value: Decimal | None = None  # where it is not quantity times price


class RecentTrades(Struct):
    """``anchor`` is the book before the first of ``trades``, which are in order of time."""

    anchor: Book
    trades: list[Trade] = field(default_factory=list)

    @classmethod
    def since(cls, net: Book) -> "RecentTrades":
        """None so far, on the book as it is."""
        return cls(replace(net))

    def book(self, trade: Trade, net: Book) -> Decimal:
        """Book a trade into ``net``; returns by how much its realised profit changed."""
        before = net.realised
        if not self.trades or self.trades[-1].ts <= trade.ts:
            self.trades.append(trade)
            net.trade(trade.sign, trade.qty, trade.price, trade.pnl, trade.value)
        else:
            self.trades.insert(bisect_right(self.trades, trade.ts, key=lambda t: t.ts), trade)
            self._again(net)
        if len(self.trades) > KEEP:
            self._fold()
        return net.realised - before

    def _again(self, net: Book) -> None:
        book = replace(self.anchor)
        _apply(self.trades, book)
        net.size, net.cost, net.realised, net.cash_flow = book.size, book.cost, book.realised, book.cash_flow

    def _fold(self) -> None:
        half = KEEP // 2
        _apply(self.trades[:half], self.anchor)
        del self.trades[:half]


def _apply(trades: list[Trade], book: Book) -> None:
    for t in trades:
        book.trade(t.sign, t.qty, t.price, t.pnl, t.value)
