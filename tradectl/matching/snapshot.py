"""The exchange as bytes and back: everything needed to continue exactly where it stopped."""

from decimal import Decimal

import msgspec
from msgspec import Struct

from tradectl.matching.accounts import Account
from tradectl.matching.book import Book
from tradectl.matching.displayed import DisplayedSide
from tradectl.matching.ids import IdSource
from tradectl.matching.state import MarketAccount, State
from tradectl.model.instruments import Instrument, InstrumentId

VERSION = 2


class SavedBook(Struct, array_like=True):
    """One market: displayed and used sizes by key. Resting and conditional orders come back from the accounts."""

    instrument: InstrumentId
    bids: dict[int, int]
    asks: dict[int, int]
    bids_used: dict[int, int]
    asks_used: dict[int, int]
    mark: Decimal | None
    index: Decimal | None
    last: Decimal | None
    premiums: list[tuple[int, Decimal]]


class SavedExchange(Struct, array_like=True):
    version: int
    ids: IdSource
    instruments: list[Instrument]
    books: list[SavedBook]
    accounts: list[Account]
    market: MarketAccount


def save(state: State) -> bytes:
    saved = SavedExchange(
        VERSION, state.ids, list(state.instruments.values()), [_save_book(book) for book in state.books.values()],
        list(state.accounts.values()), state.market,
    )  # fmt: skip
    return msgspec.msgpack.encode(saved)


def restore(data: bytes) -> State:
    """Raises ``msgspec.DecodeError`` on bytes of another kind and ``ValueError`` on another version's."""
    saved = msgspec.msgpack.decode(data, type=SavedExchange)
    if saved.version != VERSION:
        raise ValueError(f"an exchange saved by version {saved.version} cannot be read by version {VERSION}")
    state = State(saved.instruments, saved.ids)
    state.market = saved.market
    for saved_book in saved.books:
        _restore_book(state.books[saved_book.instrument], saved_book)
    for account in saved.accounts:
        state.accounts[account.uid] = account
        for resting in account.orders.values():
            state.books[resting.order.instrument].resting(resting.order.side).add(resting)
    waiting = (waiting for account in saved.accounts for waiting in account.conditionals.values())
    for each in sorted(waiting, key=lambda each: each.turn):
        state.books[each.order.instrument].conditionals[each.order.order_id] = each
    return state


def _save_book(book: Book) -> SavedBook:
    return SavedBook(
        book.instrument.id, _sorted(book.bids.sizes), _sorted(book.asks.sizes), _sorted(book.bids.used),
        _sorted(book.asks.used), book.mark, book.index, book.last, book.premiums,
    )  # fmt: skip


def _restore_book(book: Book, saved: SavedBook) -> None:
    book.bids = DisplayedSide(saved.bids, saved.bids_used)
    book.asks = DisplayedSide(saved.asks, saved.asks_used)
    book.mark, book.index, book.last, book.premiums = saved.mark, saved.index, saved.last, saved.premiums


def _sorted(sizes: dict[int, int]) -> dict[int, int]:
    return dict(sorted(sizes.items()))
