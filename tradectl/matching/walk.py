"""One step of a price's way where only candles are known: what it passed fills, then triggers look at where it stands.

A price that only reaches a resting order does not fill it: who else stood there is not known. Unlike a print followed
by a new book, nothing is filled twice: the size that trades is what resting orders share, and those it did not reach
stay, crossed or not, until the price passes them again.
"""

from decimal import Decimal

from tradectl.matching import liquidation, queue_position
from tradectl.matching.book import Book
from tradectl.matching.margin import price_moved
from tradectl.matching.matcher import Matcher
from tradectl.matching.publication import Publication
from tradectl.matching.state import State
from tradectl.matching.triggers import fire_due
from tradectl.model.orders import TriggerBy


class Step:
    """Where the market goes: its price, size, displayed sides by key in lots, and mark (``None``: the price)."""

    __slots__ = ("asks", "bids", "lots", "mark", "price")

    def __init__(
        self, price: Decimal, lots: int, bids: dict[int, int], asks: dict[int, int], mark: Decimal | None
    ) -> None:
        self.price, self.lots = price, lots
        self.bids, self.asks, self.mark = bids, asks, mark


def walk(state: State, out: Publication, book: Book, step: Step, now: int) -> None:
    """Take one step; ``step.lots`` 0 moves the price without a trade."""
    before, book.last = book.reference(), step.price
    if step.lots and (book.buys.keys or book.sells.keys):
        ticks = book.grid.ticks(step.price)
        if book.may_reach(ticks):
            price_moved(state, book, before)
            before = book.reference()
            Matcher(state, out, now).run_through(book, ticks, step.lots)
    show(book, step.bids, step.asks)
    book.mark = book.index = step.price if step.mark is None else step.mark
    price_moved(state, book, before)
    if book.conditionals:
        for by in (TriggerBy.LAST, TriggerBy.MARK, TriggerBy.INDEX):
            fire_due(state, out, book, by, now)
    liquidation.liquidate_where_due(state, out, now)


def stand(state: State, book: Book, price: Decimal, mark: Decimal) -> None:
    """:func:`walk` without a trade where nobody waits, and where what is displayed will be shown anew before it is
    asked for. Nobody is liquidated."""
    before, book.last = book.mark if book.mark is not None else book.reference(), price
    book.mark = book.index = mark
    if book.holders:
        price_moved(state, book, before)


def show(book: Book, bids: dict[int, int], asks: dict[int, int]) -> None:
    """Display new sides, all of them fresh; queues move forward, nothing is crossed."""
    book.bids.show(bids)
    book.asks.show(asks)
    if book.buys.keys:
        queue_position.refresh(book.buys, book.bids)
    if book.sells.keys:
        queue_position.refresh(book.sells, book.asks)
