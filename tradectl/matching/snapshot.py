"""The exchange as bytes and back: everything needed to continue exactly where it stopped."""

from collections.abc import Iterable

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from tradectl.matching.book import Book
from tradectl.matching.displayed import DisplayedSide
from tradectl.matching.older_snapshots import read_version_1
from tradectl.matching.saved import SavedBook, SavedExchange
from tradectl.matching.state import State
from tradectl.model.instruments import Instrument

VERSION = 2


class _Written(Struct, array_like=True):
    """What every version begins with."""

    version: int


def save(state: State) -> bytes:
    saved = SavedExchange(
        VERSION, state.ids, list(state.instruments.values()), [_save_book(book) for book in state.books.values()],
        list(state.accounts.values()), state.market,
    )  # fmt: skip
    return msgspec.msgpack.encode(saved)


def restore(data: bytes, known: Iterable[Instrument] = ()) -> State:
    """The state behind ``data``; what an older version did not keep of its instruments is taken from ``known``.

    Raises ``msgspec.DecodeError`` on bytes of another kind and ``ValueError`` on those of a version that is not read.
    """
    saved = _read(data)
    state = State(_completed(saved.instruments, known), saved.ids)
    state.market = saved.market
    for saved_book in saved.books:
        _restore_book(state.books[saved_book.instrument], saved_book)
    for account in saved.accounts:
        state.accounts[account.uid] = account
        for leg in account.holdings:
            state.books[leg.instrument].touch(account.uid, leg.idx)
        for resting in account.orders.values():
            state.books[resting.order.instrument].resting(resting.order.side).add(resting)
    waiting = (waiting for account in saved.accounts for waiting in account.conditionals.values())
    for each in sorted(waiting, key=lambda each: each.turn):
        state.books[each.order.instrument].conditionals[each.order.order_id] = each
    return state


def _read(data: bytes) -> SavedExchange:
    version = msgspec.msgpack.decode(data, type=_Written).version
    if version == 1:
        return read_version_1(data, VERSION)
    if version != VERSION:
        raise ValueError(f"an exchange saved by version {version} cannot be read by version {VERSION}")
    return msgspec.msgpack.decode(data, type=SavedExchange)


def _completed(saved: Iterable[Instrument], known: Iterable[Instrument]) -> list[Instrument]:
    """Version 1 did not keep when trading in an instrument began."""
    launched = {instrument.id: instrument.launched for instrument in known}
    return [each if each.launched else replace(each, launched=launched.get(each.id, 0)) for each in saved]


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
